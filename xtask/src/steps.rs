//! What `cargo xtask test` runs, in order: cheap and local first.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::base::{self, Base};
use crate::outcome::Outcome;
use crate::servers::Servers;
use crate::trouble;
use crate::workspace::Workspace;

/// One check.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// The command it runs, as a person would type it.
    pub(crate) runs: &'static str,
    tool: Option<&'static str>,
    /// What it is of other languages that it needs.
    foreign: Option<&'static Foreign>,
    work: Work,
}

enum Work {
    /// `runs`, as it stands.
    AsTyped,
    /// `runs`, followed by the caller's arguments for `cargo test`, beside a Postgres and a Redis.
    Tests,
    /// `runs`, followed by `--against` and the commit to compare with.
    Breaking,
}

/// A language whose tools and packages the machine has or has not.
struct Foreign {
    tool: &'static str,
    /// Succeeds where packages can be had.
    probe: &'static str,
    missing: &'static str,
}

const NODE: Foreign = Foreign {
    tool: "npm",
    probe: "npm view @grpc/grpc-js version --fetch-retries=1 --fetch-timeout=20000",
    missing: "npm or its registry is not there; install Node.js 20 or later",
};
const PYTHON: Foreign = Foreign {
    tool: "python3",
    probe: "python3 -m pip download --quiet --no-deps --no-input --dest target/workshop/probe pip",
    missing: "python3, its pip or their index is not there; install Python 3.10 or later with venv and pip",
};

/// Every step, in the order they run.
pub(crate) const ALL: &[Step] = &[
    Step::new("fmt", "cargo fmt --all --check"),
    Step::new("clippy", "cargo clippy --workspace --all-targets --locked -- -D warnings"),
    // What the image is built from: no simulators. Checked by itself, because features of other packages hide gaps.
    Step::new(
        "clippy-image",
        "cargo clippy -p broker-server --no-default-features --all-targets --locked -- -D warnings",
    ),
    Step::new("proto-lint", "buf lint").needs("buf"),
    Step::new("proto-format", "buf format proto --diff --exit-code").needs("buf"),
    Step { work: Work::Breaking, ..Step::new("proto-breaking", "buf breaking").needs("buf") },
    Step::new("deny", "cargo deny --locked check --allow unused-wrapper bans licenses sources")
        .needs("cargo-deny"),
    Step::new("alerts", "cargo xtask alerts").needs("promtool"),
    Step::new("sqlx-data", "cargo xtask sqlx-data --check"),
    Step { work: Work::Tests, ..Step::new("test", "cargo test --workspace --locked --no-fail-fast") },
    // The manifests: fields, names, and whether the broker takes the configurations in them.
    Step::new("manifests", "target/tools/manifests/bin/python deploy/kubernetes/checks")
        .needs("kubernetes-validate"),
    Step::new("checkov", "deploy/kubernetes/judge").needs("checkov"),
    Step::new("compose", "docker-compose --file deploy/compose.yaml config --quiet").needs("docker-compose"),
    // These install packages below target: the first run takes as long as the network does.
    Step::new(
        "third-party",
        "cargo test --workspace --test e2e --locked third_party:: -- --ignored --test-threads 2",
    )
    .of(&NODE),
    Step::new("envoy", "cargo test --workspace --test e2e --locked auth::envoy:: -- --ignored").of(&PYTHON),
    Step::new(
        "examples-node",
        "cargo test --workspace --test e2e --locked examples::node -- --ignored --exact",
    )
    .of(&NODE),
    Step::new(
        "examples-python",
        "cargo test --workspace --test e2e --locked examples::python -- --ignored --exact",
    )
    .of(&PYTHON),
    Step::new(
        "rolling-restart",
        "cargo test --workspace --test e2e --locked fleet::rolling_restart:: -- --ignored --test-threads 1",
    ),
    // Builds the version before: what it shares with this one is built already.
    Step::new("upgrade", "cargo xtask upgrade"),
    Step::new("chaos", "cargo xtask chaos --short -- --report target/chaos"),
    // The storm must notice: without its escrow the broker loses too much.
    Step::new("chaos-red", "cargo xtask chaos --short --kills 100 --expect-red -- --report target/chaos-red"),
];

/// The steps of these names, in their own order; all of them when no name is given.
pub(crate) fn select(names: &[String]) -> Result<Vec<&'static Step>> {
    if let Some(unknown) = names.iter().find(|name| ALL.iter().all(|step| step.name != name.as_str())) {
        let known: Vec<_> = ALL.iter().map(|step| step.name).collect();
        bail!("there is no step `{unknown}`; the steps are {}", known.join(", "));
    }
    Ok(ALL.iter().filter(|step| names.is_empty() || names.iter().any(|name| name == step.name)).collect())
}

impl Step {
    const fn new(name: &'static str, runs: &'static str) -> Self {
        Self { name, runs, tool: None, foreign: None, work: Work::AsTyped }
    }

    const fn needs(self, tool: &'static str) -> Self {
        Self { tool: Some(tool), ..self }
    }

    const fn of(self, foreign: &'static Foreign) -> Self {
        Self { foreign: Some(foreign), ..self }
    }

    /// Runs the step with its output going where ours goes.
    pub(crate) fn run(&self, workspace: &Workspace, cargo_test: &[String]) -> Outcome {
        if let Some(foreign) = self.foreign.filter(|foreign| !foreign.is_here(workspace)) {
            return Outcome::NotHere { why: foreign.missing.to_owned() };
        }
        match self.tool {
            Some(tool) if !workspace.has(tool) => {
                Outcome::Skipped { install: format!("{tool} is missing; run: .ci/install-tools {tool}") }
            }
            _ => match self.work {
                Work::AsTyped => finish(&mut self.command(workspace)),
                Work::Tests => self.beside_servers(workspace, cargo_test),
                Work::Breaking => self.compare(workspace),
            },
        }
    }

    fn beside_servers(&self, workspace: &Workspace, cargo_test: &[String]) -> Outcome {
        match Servers::start(workspace) {
            Ok(servers) => finish(self.tests(workspace, cargo_test).envs(servers.variables()))
                .noting(servers.described()),
            Err(error) => Outcome::failed(format!("{error:#}")),
        }
    }

    /// A package the caller names takes the place of the whole workspace.
    fn tests(&self, workspace: &Workspace, cargo_test: &[String]) -> Command {
        let named = cargo_test.iter().take_while(|word| *word != "--").any(|word| is_package_option(word));
        let mut command = workspace.command("cargo");
        command.args(self.runs.split(' ').skip(1).filter(|word| !named || *word != "--workspace"));
        command.args(cargo_test);
        command
    }

    fn compare(&self, workspace: &Workspace) -> Outcome {
        match base::find(workspace) {
            Ok(Base::Nothing { because }) => {
                Outcome::Passed { note: Some(format!("nothing to compare with: {because}")) }
            }
            Ok(Base::Commit { id, git_dir }) => {
                let compared =
                    finish(self.command(workspace).arg("--against").arg(format!("{git_dir}#ref={id}")));
                compared.noting(format!("against {id}"))
            }
            Err(error) => Outcome::failed(format!("{error:#}")),
        }
    }

    fn command(&self, workspace: &Workspace) -> Command {
        let mut words = self.runs.split(' ');
        let mut command = workspace.command(words.next().unwrap_or_default());
        command.args(words);
        command
    }
}

impl Foreign {
    fn is_here(&self, workspace: &Workspace) -> bool {
        let mut words = self.probe.split(' ');
        let mut probe = workspace.command(words.next().unwrap_or_default());
        let probe = probe.args(words).stdout(Stdio::null()).stderr(Stdio::null());
        workspace.has(self.tool) && probe.status().is_ok_and(|status| status.success())
    }
}

fn is_package_option(word: &str) -> bool {
    word == "--package" || word.starts_with("--package=") || word.starts_with("-p")
}

fn finish(command: &mut Command) -> Outcome {
    match trouble::run(command) {
        Ok((status, _)) if status.success() => Outcome::PASSED,
        Ok((status, said)) => Outcome::Failed { why: status.to_string(), said },
        Err(error) => {
            Outcome::failed(format!("cannot start {}: {error}", command.get_program().to_string_lossy()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(selected: &[&Step]) -> Vec<&'static str> {
        selected.iter().map(|step| step.name).collect()
    }

    /// `cargo test` is content with a filter that fits nothing.
    #[test]
    fn steps_that_filter_tests_name_tests_that_are_there() {
        let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/e2e");
        let mut filtered = 0;
        for step in ALL.iter().filter(|step| step.runs.contains(" -- --ignored")) {
            let filter = step.runs.split(' ').find(|word| word.contains("::")).unwrap();
            let (module, test) = filter.rsplit_once("::").unwrap();
            let module = module.replace("::", "/");
            let files = [format!("{module}.rs"), format!("{module}/mod.rs")].map(|file| tests.join(file));
            let source: String = files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect();
            assert!(!source.is_empty(), "{}: there is no module {module}", step.name);
            let named = format!("fn {test}");
            let is_there =
                source.contains(&named) && (source.contains("#[ignore") || source.contains("mod "));
            assert!(is_there, "{}: {filter} fits no ignored test", step.name);
            filtered += 1;
        }
        assert!(filtered >= 5);
    }

    #[test]
    fn no_names_select_everything() {
        assert_eq!(select(&[]).unwrap().len(), ALL.len());
    }

    #[test]
    fn steps_keep_their_order_whatever_order_was_asked() {
        let selected = select(&["test".to_owned(), "fmt".to_owned()]).unwrap();
        assert_eq!(names(&selected), ["fmt", "test"]);
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let error = select(&["format".to_owned()]).err().unwrap().to_string();
        assert!(error.contains("no step `format`") && error.contains("fmt, clippy"), "{error}");
    }
}
