//! What operators meet first: starting, checking configuration, making keys.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use broker_e2e::{House, Provider};

use crate::BINARY;

fn run(arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What a command that must fail says.
#[track_caller]
fn failure(arguments: &[&str]) -> String {
    let output = run(arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{arguments:?} said {}", String::from_utf8_lossy(&output.stdout));
    stderr
}

#[tokio::test]
async fn a_second_broker_keeps_off_the_database_of_the_first() {
    let house = House::plan().child(BINARY).open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let (config, database) = (text(house.config()).to_owned(), house.data().join("broker.db"));

    let said = tokio::task::spawn_blocking(move || failure(&["serve", "--config", &config])).await.unwrap();

    assert!(said.contains(text(&database.canonicalize().unwrap())), "{said}");
    assert!(said.contains("stop the other one"), "{said}");
    assert_eq!(house.client.refresh(&key).await.unwrap().generation, 2, "the first one goes on");
    house.close().await;
}

#[test]
fn a_bad_configuration_is_told_with_file_line_and_key() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("broker.toml");
    fs::write(&file, "[listen]\ngrpc = \"127.0.0.1:0\"\ngrcp = \"127.0.0.1:1\"\n").unwrap();
    for command in [["config", "check"].as_slice(), &["serve"], &["migrate"]] {
        let said = failure(&[command, &["--config", text(&file)]].concat());
        assert!(said.contains(text(&file)) && said.contains("line 3") && said.contains("grcp"), "{said}");
    }
    let said = failure(&["config", "check", "--config", "/no/such/file.toml"]);
    assert!(said.contains("/no/such/file.toml"), "{said}");
}

#[test]
fn whoever_migrates_needs_the_store_and_no_key() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("broker.toml");
    let database = directory.path().join("broker.db");
    fs::write(&file, format!("[store]\nurl = \"sqlite://{}\"\n", text(&database))).unwrap();
    assert!(run(&["migrate", "--config", text(&file)]).status.success() && database.exists());
    assert!(failure(&["serve", "--config", text(&file)]).contains("[keys]"));
    fs::write(&file, "").unwrap();
    assert!(failure(&["migrate", "--config", text(&file)]).contains("[store] url"));
}

#[test]
fn what_is_missing_or_does_not_go_together_is_listed_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("broker.toml");
    fs::write(&file, "[listen]\ngrpc = \"0.0.0.0:0\"\n[rotation]\nprovider_timeout = \"90s\"\n").unwrap();
    for command in [["config", "check"].as_slice(), &["serve"]] {
        let said = failure(&[command, &["--config", text(&file)]].concat());
        for key in ["[store] url", "[escrow] dir", "[keys]", "keys generate", "loopback", "lease_ttl"] {
            assert!(said.contains(key), "`{key}` is not in {said}");
        }
    }
}

/// A configuration that is good but for what `change` does to it.
fn configuration(directory: &Path, change: impl FnOnce(String) -> String) -> String {
    let at = directory.display();
    let kek = directory.join("kek");
    assert!(run(&["keys", "generate", "--out", text(&kek)]).status.success());
    let good = format!(
        "[listen]\ngrpc = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite://{at}/broker.db\"\n\
         [keys]\nkek_file = \"{at}/kek\"\n[escrow]\ndir = \"{at}/escrow\"\n"
    );
    let file = directory.join("broker.toml");
    fs::write(&file, change(good)).unwrap();
    text(&file).to_owned()
}

#[test]
fn a_good_configuration_is_good() {
    let directory = tempfile::tempdir().unwrap();
    let config = configuration(directory.path(), |good| good);
    assert!(run(&["config", "check", "--config", &config]).status.success());
    assert!(run(&["migrate", "--config", &config]).status.success());
    assert!(directory.path().join("broker.db").exists());
}

#[test]
fn without_a_key_nothing_is_served() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path().display().to_string();
    let config =
        configuration(directory.path(), |good| good.replace(&format!("kek_file = \"{at}/kek\"\n"), ""));
    let said = failure(&["serve", "--config", &config]);
    assert!(said.contains("[keys]") && said.contains("token-broker keys generate"), "{said}");

    let config = directory.path().join("broker.toml");
    fs::write(
        &config,
        fs::read_to_string(&config).unwrap().replace("[keys]", "[keys]\nkek_file = \"/no/kek\""),
    )
    .unwrap();
    let said = failure(&["serve", "--config", text(&config)]);
    assert!(said.contains("/no/kek"), "{said}");
}

#[test]
fn callers_nobody_checks_stay_on_this_machine() {
    let directory = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:7400"] {
        let _ = fs::remove_file(directory.path().join("kek"));
        let config = configuration(directory.path(), |good| {
            good.replace("grpc = \"127.0.0.1:0\"", &format!("grpc = \"{address}\""))
        });
        let said = failure(&["serve", "--config", &config]);
        assert!(said.contains("[auth]") && said.contains("loopback") && said.contains(address), "{said}");
    }
}

#[test]
fn a_key_is_for_its_owner_and_is_never_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kek");
    assert!(run(&["keys", "generate", "--out", text(&file)]).status.success());
    let key = fs::read_to_string(&file).unwrap();
    assert!(key.starts_with("kek-1:") && key.ends_with("=\n"), "kid:base64(32 bytes)");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let said = failure(&["keys", "generate", "--out", text(&file)]);

    assert!(said.contains(text(&file)) && said.contains("never overwritten"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), key);
    let another = run(&["keys", "generate", "--kid", "kek-2"]).stdout;
    assert!(another.starts_with(b"kek-2:") && another.len() == key.len());
    assert_ne!(another[6..], key.as_bytes()[6..]);
}

#[test]
fn the_printed_default_is_a_configuration_that_says_what_it_lacks() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("broker.toml");
    let printed = run(&["config", "default"]);
    assert!(printed.status.success());
    fs::write(&file, printed.stdout).unwrap();
    let said = failure(&["config", "check", "--config", text(&file)]);
    assert_eq!(said.matches("\n  - ").count(), 3, "store, escrow and key: {said}");
}

#[test]
fn every_command_of_the_runbooks_is_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/runbooks");
    let mut seen = 0;
    for page in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(page.unwrap().path()).unwrap();
        for line in text.lines().filter(|line| line.starts_with("token-broker ")) {
            // With --help a command does nothing, and flags before it are read all the same.
            let words: Vec<_> = line.split_whitespace().skip(1).chain(["--help"]).collect();
            let output = run(&words);
            assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
            seen += 1;
        }
    }
    assert!(seen > 8, "the pages are read: {seen}");
}
