//! The real binary, killed and stopped.

use std::path::Path;
use std::process::Stdio;

use provider_sim::{EagleEyeConfig, EvercamConfig, Person};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::een::{FORM, basic, tokens};
use crate::http::{Answer, form, query, send};

struct Process {
    child: Child,
    evercam: String,
    eagle_eye: String,
}

impl Process {
    async fn start(state: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_provider-sim"));
        command
            .arg("--state")
            .arg(state)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        let urls: Value = serde_json::from_str(&line).unwrap();
        let url = |name: &str| urls[name].as_str().unwrap().to_owned();
        Self { child, evercam: url("evercam"), eagle_eye: url("eagle_eye") }
    }

    async fn evercam_token(&self, mut body: Value) -> Answer {
        body["client_id"] = json!(EvercamConfig::DEMO_CLIENT_ID);
        body["client_secret"] = json!(EvercamConfig::DEMO_CLIENT_SECRET);
        let json = ("content-type", "application/json");
        send(&self.evercam, "POST", "/oauth/token", &[json], &body.to_string()).await
    }

    async fn evercam_grant(&self) -> String {
        let params = form(&[
            ("client_id", EvercamConfig::DEMO_CLIENT_ID),
            ("redirect_uri", EvercamConfig::DEMO_REDIRECT_URI),
            ("response_type", "code"),
            ("scope", "cameras:read"),
        ]);
        let url = format!("{}/oauth/authorize?{params}", self.evercam);
        let code = query(&Person::new("alice").approve(&url).await.unwrap(), "code").unwrap();
        let redirect = EvercamConfig::DEMO_REDIRECT_URI;
        let body = json!({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect});
        tokens(&self.evercam_token(body).await).1
    }

    async fn evercam_refresh(&self, token: &str) -> Answer {
        self.evercam_token(json!({"grant_type": "refresh_token", "refresh_token": token})).await
    }

    async fn eagle_eye_refresh(&self, token: &str) -> Answer {
        let auth = basic(EagleEyeConfig::DEMO_CLIENT_ID, EagleEyeConfig::DEMO_CLIENT_SECRET);
        let body = form(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
        send(&self.eagle_eye, "POST", "/oauth2/token", &[FORM, ("authorization", &auth)], &body).await
    }

    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }
}

#[tokio::test]
async fn a_rotation_that_was_answered_survives_sigkill() {
    let state = tempfile::tempdir().unwrap();
    let mut process = Process::start(state.path(), &[]).await;
    let mut newest = process.evercam_grant().await;
    for _ in 0..5 {
        let old = newest;
        newest = tokens(&process.evercam_refresh(&old).await).1;
        process.kill().await;
        process = Process::start(state.path(), &[]).await;
        assert_eq!(process.evercam_refresh(&old).await.error(), (400, "invalid_grant".into()));
    }
    assert_eq!(process.evercam_refresh(&newest).await.status, 200);
}

#[tokio::test]
async fn a_rotation_whose_answer_never_left_survives_sigkill() {
    let state = tempfile::tempdir().unwrap();
    let process = Process::start(state.path(), &[]).await;
    let token = process.evercam_grant().await;
    let fault = r#"{"endpoint":"refresh","effect":{"kind":"hang","when":"after_commit"}}"#;
    assert_eq!(send(&process.evercam, "POST", "/_sim/faults", &[], fault).await.status, 204);
    let committed = async {
        loop {
            let journal = send(&process.evercam, "GET", "/_sim/journal", &[], "").await.json();
            let rotated = |entry: &Value| entry["endpoint"] == "refresh" && entry["committed"] == true;
            if journal.as_array().unwrap().iter().any(rotated) {
                break;
            }
        }
    };
    tokio::select! {
        answer = process.evercam_refresh(&token) => panic!("{answer:?}"),
        () = committed => {}
    }
    process.kill().await;
    let process = Process::start(state.path(), &[]).await;
    assert_eq!(process.evercam_refresh(&token).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn termination_signals_end_it_cleanly() {
    for signal in [Signal::TERM, Signal::INT] {
        let state = tempfile::tempdir().unwrap();
        let mut process = Process::start(state.path(), &[]).await;
        process.signal(signal);
        assert!(process.child.wait().await.unwrap().success(), "{signal:?}");
    }
}

#[tokio::test]
async fn flags_override_lifetimes_policies_and_clients() {
    let state = tempfile::tempdir().unwrap();
    let flags = [
        "--access-ttl",
        "30s",
        "--refresh-ttl",
        "1h",
        "--eagle-eye-policy",
        "permanent_nonrotating",
        "--reuse",
        "grace:10s",
        "--redirect-uri",
        "http://127.0.0.1:9/cb",
    ];
    let process = Process::start(state.path(), &flags).await;
    let params = form(&[
        ("client_id", EagleEyeConfig::DEMO_CLIENT_ID),
        ("redirect_uri", "http://127.0.0.1:9/cb"),
        ("response_type", "code"),
        ("scope", "vms.all"),
    ]);
    let url = format!("{}/oauth2/authorize?{params}", process.eagle_eye);
    let code = query(&Person::new("a11ce001").approve(&url).await.unwrap(), "code").unwrap();
    let auth = basic(EagleEyeConfig::DEMO_CLIENT_ID, EagleEyeConfig::DEMO_CLIENT_SECRET);
    let body = form(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", "http://127.0.0.1:9/cb"),
    ]);
    let answer =
        send(&process.eagle_eye, "POST", "/oauth2/token", &[FORM, ("authorization", &auth)], &body).await;
    assert!((29..=30).contains(&answer.json()["expires_in"].as_u64().unwrap()));
    let pair = tokens(&answer);
    assert_eq!(tokens(&process.eagle_eye_refresh(&pair.1).await), pair);
}
