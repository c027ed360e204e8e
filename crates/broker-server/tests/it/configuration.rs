use std::fs;
use std::path::Path;
use std::process::Output;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

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
async fn on_sqlite_one_process_does_everything() {
    for role in ["api", "rotator"] {
        let mut check = command(&["config", "check", "--role", role]);
        check.env("TOKEN_BROKER__STORE__URL", "sqlite::memory:");
        let said = String::from_utf8(check.output().await.unwrap().stderr).unwrap();
        assert!(said.contains(&format!("leave --role {role} out")), "{said}");
    }
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_warned_of_and_no_obstacle() {
    let home = Home::new().await;
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    fs::write(home.at("tls.crt"), &certificate).unwrap();
    fs::write(home.at("tls.key"), key.serialize_pem()).unwrap();
    let (crt, key) = (home.at("tls.crt"), home.at("tls.key"));
    let configure = |key: &Path| {
        home.configure(&format!(
            "[auth]\nmode = \"mtls\"\n[[auth.mtls]]\ntrust_domain = \"prod.example\"\nbundle_file = \"{0}\"\n\
             [tls]\ncert_file = \"{0}\"\nkey_file = \"{1}\"\n",
            text(&crt),
            text(key)
        ));
        home.at("broker.toml")
    };
    let config = configure(&key);
    let Output { status, stdout, stderr } =
        command(&["config", "check", "--config", text(&config)]).output().await.unwrap();
    assert!(status.success());
    assert_eq!(stdout, b"the configuration is good\n");
    let warning = String::from_utf8(stderr).unwrap();
    assert!(warning.contains("warning: [tls] cert_file: the certificate has expired"), "{warning}");

    let mut process = home.serve();
    process.logged("the certificate has expired").await;

    // The key of another certificate is an obstacle.
    fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let said = failure(&["config", "check", "--config", text(&configure(&key))]).await;
    assert!(said.contains("[tls] ") && said.contains("tls.key: is not the key of the certificate"), "{said}");
}
