use std::fs;

use crate::broker::{Home, command, failure, text};

#[tokio::test]
async fn a_key_in_the_wrong_place_is_not_printed() {
    let home = Home::new().await;
    let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    for line in ["kekk = \"kek-1:SECRET=\"", "kek = \"kek-1:SECRET=", "kek = [\"kek-1:SECRET=\"]"] {
        fs::write(home.at("broker.toml"), format!("[keys]\n{}\n", line.replace("SECRET", secret))).unwrap();
        for words in [["config", "check"].as_slice(), &["serve"], &["migrate"]] {
            let said = failure(&[words, &["--config", text(&home.at("broker.toml"))]].concat()).await;
            assert!(said.contains("broker.toml: line 2, column "), "{said}");
            assert!(!said.contains("AAECAw"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_cause_is_said_once() {
    let said = failure(&["config", "check", "--config", "/no/such/file.toml"]).await;
    assert_eq!(said.matches("No such file").count(), 1, "{said}");
}

#[tokio::test]
async fn a_variable_that_does_not_fit_is_named() {
    let mut check = command(&["config", "check"]);
    check.env("TOKEN_BROKER__LISTEN__GRPC", "nowhere").env("TOKEN_BROKER__AUTH__MODE", "dev");
    let said = String::from_utf8(check.output().await.unwrap().stderr).unwrap();
    assert!(said.contains("TOKEN_BROKER__LISTEN__GRPC: ") && !said.contains("AUTH__MODE"), "{said}");
}

#[tokio::test]
async fn a_role_that_is_not_offered_is_refused() {
    for role in ["api", "rotator"] {
        let said = failure(&["serve", "--role", role]).await;
        assert!(said.contains("not offered yet") && said.contains("--role all"), "{said}");
    }
}
