use crate::ctl::{ctl, run};
use crate::fake_broker::FakeBroker;

#[tokio::test]
async fn help_documents_the_exit_codes() {
    let run = run("--help", "").await;
    assert_eq!(run.code, 0);
    for line in ["2  usage", "3  not found", "4  failed precondition", "5  unavailable", "8  exists already"]
    {
        assert!(run.stdout.contains(line), "{line}: {}", run.stdout);
    }
}

#[tokio::test]
async fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let run = run(&format!("completions {shell}"), "").await;
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.stdout.contains("needs-consent"), "{shell}");
    }
}

#[tokio::test]
async fn nothing_is_sent_when_the_flags_make_no_sense() {
    let broker = FakeBroker::start().await;
    for (line, text) in [
        ("grants list", "--tenant is required"),
        ("grants get --tenant acme", "--provider is required"),
        ("token get --tenant acme --provider evercam", "--user is required"),
        ("tenants create --tenant acme -o token", "-o token is for"),
        ("--endpoint ftp://broker.example health", "is not a URL like"),
        ("--endpoint nonsense health", "is not a URL like"),
        ("consent complete --tenant acme --user u", "--callback-url-file"),
    ] {
        let run = if line.starts_with("--endpoint") { run(line, "").await } else { ctl(&broker, line).await };
        assert_eq!(run.code, 2, "{line}: {run:?}");
        assert!(run.stderr.contains(text), "{line}: {run:?}");
    }
    assert!(broker.scripts.create_tenant.requests().is_empty());
}
