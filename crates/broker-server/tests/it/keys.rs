use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::broker::{Clients, Home, failure, text};

#[tokio::test]
async fn a_key_that_cannot_be_written_is_not_called_overwritten() {
    let home = Home::new().await;
    let said = failure(&["keys", "generate", "--out", text(&home.at("nodir/kek"))]).await;
    assert!(said.contains("nodir/kek") && said.contains("No such file"), "{said}");
    assert!(!said.contains("overwritten"), "{said}");
    let said = failure(&["keys", "generate", "--out", text(&home.at("kek"))]).await;
    assert!(said.contains("never overwritten"), "{said}");
}

#[tokio::test]
async fn another_key_is_refused_at_start() {
    let home = Home::new().await;
    let mut process = home.serve();
    Clients::of(&mut process).await;
    process.signal();
    assert_eq!(process.ended().await.0, Some(0));
    home.make_key().await;

    let mut process = home.serve();
    assert_eq!(process.line().await, "", "it must not serve");
    let (code, said) = process.ended().await;

    assert_eq!(code, Some(1));
    let refusal =
        format!("[keys] the store's data keys do not open under kek_file {}", text(&home.at("kek")));
    assert!(said.contains(&refusal) && said.contains("this is another key"), "{said}");
}

#[tokio::test]
async fn a_key_that_others_may_read_is_warned_of() {
    let home = Home::new().await;
    fs::set_permissions(home.at("kek"), fs::Permissions::from_mode(0o644)).unwrap();
    let mut process = home.serve();
    let line = process.logged("readable by others").await;
    assert!(line.contains("WARN"), "{line}");
}
