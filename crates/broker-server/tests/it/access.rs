use std::fs;

use crate::broker::{Home, failure, text};

#[tokio::test]
async fn who_starts_without_any_policy_is_told() {
    let home = Home::new().await;
    home.configure("[access]\nmode = \"enforce\"\n");
    let line = home.serve().logged("no access policy is in force").await;
    assert!(line.contains("WARN") && line.contains("[[access.policy]]"), "{line}");
}

#[tokio::test]
async fn who_starts_in_shadow_mode_is_told() {
    let home = Home::new().await;
    home.configure("[access]\nmode = \"shadow\"\n");
    let line = home.serve().logged("mode is shadow").await;
    assert!(line.contains("WARN"), "{line}");
}

#[tokio::test]
async fn a_policy_that_makes_no_sense_is_refused_by_its_number() {
    let home = Home::new().await;
    let policy =
        "[[access.policy]]\nprincipal = \"jwt*\"\nactions = [\"vend\"]\ntenant = \"*\"\nprovider = \"*\"\n";
    home.configure(policy);
    let config = home.at("broker.toml");
    assert!(fs::read_to_string(&config).unwrap().contains("jwt*"));
    for words in [["config", "check"].as_slice(), &["serve"]] {
        let said = failure(&[words, &["--config", text(&config)]].concat()).await;
        assert!(said.contains("[[access.policy]] number 1: principal may carry a `*` only"), "{said}");
    }
}
