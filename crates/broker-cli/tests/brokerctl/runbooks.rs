//! Every command that a runbook says to type is one that `brokerctl` takes.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use tokio::process::Command;

/// Exit code of a call that nobody answered: the command was understood.
const UNAVAILABLE: i32 = 5;

/// What the pages call `brokerctl` where it asks processes of role `api`, and the commands that only those serve.
const AT_API: &str = "brokerctl-api ";
const OF_API: [&str; 2] = ["events", "token"];

/// Lines of `docs/runbooks` that begin with `brokerctl` or `brokerctl-api`, each with its page.
fn commands() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/runbooks");
    let pages = fs::read_dir(folder).unwrap().map(|page| page.unwrap().path());
    let of_page = |page: std::path::PathBuf| {
        let text = fs::read_to_string(&page).unwrap();
        let lines = text.lines().filter(|line| line.starts_with("brokerctl ") || line.starts_with(AT_API));
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        lines.map(|line| (name.clone(), line.to_owned())).collect::<Vec<_>>()
    };
    pages.flat_map(of_page).collect()
}

/// As a shell would split it; the pages quote with `"` alone.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    let words = parts.flat_map(|(index, part)| match index % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.skip(1).collect()
}

#[tokio::test]
async fn every_command_of_the_runbooks_is_understood() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("new-secret"), "s3cret").unwrap();
    let commands = commands();
    assert!(commands.len() > 80, "the pages are read: {}", commands.len());
    for (page, line) in commands {
        let ran = Command::new(env!("CARGO_BIN_EXE_brokerctl"))
            .args(words(&line))
            .current_dir(folder.path())
            .env("TOKEN_BROKER_ENDPOINT", format!("http://{nobody}"))
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(UNAVAILABLE), "{page}: {line}\n{said}");
    }
}

#[test]
fn every_command_of_the_runbooks_is_asked_of_the_role_that_serves_it() {
    for (page, line) in commands() {
        let words = words(&line);
        // Options before the command have a value each.
        let command = words.chunks(2).find(|pair| !pair[0].starts_with("--")).map(|pair| pair[0].as_str());
        let of_api = command.is_some_and(|command| OF_API.contains(&command));
        assert_eq!(line.starts_with(AT_API), of_api, "{page}: {line}");
    }
}

#[test]
fn quotes_keep_words_together() {
    assert_eq!(words("brokerctl a --note \"b c\" --d"), ["a", "--note", "b c", "--d"]);
}
