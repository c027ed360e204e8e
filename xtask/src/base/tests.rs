//! Each test makes a real repository.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

struct Fixture {
    directory: TempDir,
    workspace: Workspace,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self::at(|directory| {
            fs::create_dir(directory.join("checkout")).unwrap();
        });
        fixture.git(&["init", "--quiet", "--initial-branch=main"]);
        fixture
    }

    fn at(prepare: impl FnOnce(&Path)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        prepare(directory.path());
        let workspace = Workspace::at(directory.path().join("checkout"));
        Self { directory, workspace }
    }

    fn git(&self, args: &[&str]) -> String {
        let identity =
            ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"];
        let output = self.repository().git().args(identity).args(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, file: &str) -> String {
        let path = self.workspace.root().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "--message", file]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn clone(&self, options: &[&str]) -> Self {
        Self::at(|directory| {
            let url = format!("file://{}", self.workspace.root().display());
            let target = directory.join("checkout");
            let mut args = vec!["clone", "--quiet"];
            args.extend(options);
            args.extend([url.as_str(), target.to_str().unwrap()]);
            self.git(&args);
        })
    }

    fn repository(&self) -> Repository<'_> {
        Repository { workspace: &self.workspace }
    }

    fn base(&self) -> Result<Base> {
        self.repository().base(None)
    }
}

fn commit(id: &str) -> Base {
    Base::Commit { id: id.to_owned(), git_dir: ".git".to_owned() }
}

fn because(base: Base) -> String {
    match base {
        Base::Nothing { because } => because,
        Base::Commit { id, .. } => panic!("compares with {id}"),
    }
}

#[test]
fn nothing_is_earlier_than_no_commit_or_the_first_one() {
    let fixture = Fixture::new();
    assert_eq!(because(fixture.base().unwrap()), "there is no commit yet");
    fixture.commit("proto/a.proto");
    assert_eq!(because(fixture.base().unwrap()), "this is the first commit");
}

#[test]
fn main_without_a_remote_is_compared_with_its_parent() {
    let fixture = Fixture::new();
    let first = fixture.commit("proto/a.proto");
    fixture.commit("proto/b.proto");
    assert_eq!(fixture.base().unwrap(), commit(&first));
}

#[test]
fn a_parent_without_a_contract_is_nothing() {
    let fixture = Fixture::new();
    fixture.commit("proto/README.md");
    fixture.commit("proto/a.proto");
    assert!(because(fixture.base().unwrap()).ends_with("has no proto/"));
}

#[test]
fn a_branch_is_compared_with_where_it_left_main() {
    let fixture = Fixture::new();
    let fork = fixture.commit("proto/a.proto");
    fixture.git(&["checkout", "--quiet", "-b", "work"]);
    fixture.commit("proto/b.proto");
    fixture.commit("proto/c.proto");
    fixture.git(&["checkout", "--quiet", "main"]);
    fixture.commit("proto/d.proto");
    fixture.git(&["checkout", "--quiet", "work"]);
    assert_eq!(fixture.base().unwrap(), commit(&fork));
}

#[test]
fn a_fresh_clone_of_main_is_compared_with_the_first_parent() {
    let fixture = Fixture::new();
    let first = fixture.commit("proto/a.proto");
    fixture.git(&["checkout", "--quiet", "-b", "work"]);
    fixture.commit("proto/b.proto");
    fixture.git(&["checkout", "--quiet", "main"]);
    fixture.git(&["merge", "--quiet", "--no-ff", "--no-edit", "work"]);
    assert_eq!(fixture.clone(&[]).base().unwrap(), commit(&first));
}

#[test]
fn unpushed_commits_are_compared_with_what_was_pushed() {
    let origin = Fixture::new();
    let pushed = origin.commit("proto/a.proto");
    let clone = origin.clone(&[]);
    clone.commit("proto/b.proto");
    clone.commit("proto/c.proto");
    assert_eq!(clone.base().unwrap(), commit(&pushed));
}

#[test]
fn a_shallow_clone_says_what_to_do() {
    let origin = Fixture::new();
    origin.commit("proto/a.proto");
    origin.commit("proto/b.proto");
    let error = origin.clone(&["--depth=1"]).base().unwrap_err().to_string();
    assert!(error.contains("git fetch --unshallow"), "{error}");
}

#[test]
fn a_chosen_commit_wins_and_must_exist() {
    let fixture = Fixture::new();
    let first = fixture.commit("proto/a.proto");
    fixture.commit("proto/b.proto");
    fixture.commit("proto/c.proto");
    assert_eq!(fixture.repository().base(Some("HEAD~2")).unwrap(), commit(&first));
    let error = fixture.repository().base(Some("v9")).unwrap_err().to_string();
    assert_eq!(error, "BREAKING_AGAINST=v9 is not a commit here");
}

#[test]
fn a_linked_worktree_is_read_from_the_main_repository() {
    let fixture = Fixture::new();
    let first = fixture.commit("proto/a.proto");
    let linked = fixture.directory.path().join("linked");
    fixture.git(&["worktree", "add", "--quiet", "-b", "work", linked.to_str().unwrap()]);
    fs::write(linked.join("note"), "").unwrap();
    let workspace = Workspace::at(linked);
    let found = Repository { workspace: &workspace }.base(Some("HEAD")).unwrap();
    let Base::Commit { id, git_dir } = found else { panic!("{found:?}") };
    assert_eq!(id, first);
    assert!(Path::new(&git_dir).is_dir() && git_dir.ends_with(".git"), "{git_dir}");
}
