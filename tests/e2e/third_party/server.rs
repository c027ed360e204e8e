//! The server as a process.

use std::net::SocketAddr;

use broker_e2e::{LONGEST_WAIT, Program, http, workshop};
use broker_proto::v1::StartDeviceAuthorizationResponse;
use serde_json::{Value, json};
use tokio::process::Command;
use url::form_urlencoded::Serializer;

/// A running server. Dropping it kills it.
pub(super) struct Server {
    address: SocketAddr,
    _program: Program,
    _directory: tempfile::TempDir,
}

impl Server {
    pub(super) async fn start() -> Self {
        let install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        let there = workshop::prepare("tests/third-party/oidc-provider", &[&install]);
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("node");
        command.arg("server.mjs").current_dir(there);
        let mut program = Program::start(command, &directory.path().join("stderr"));
        let told: Value = serde_json::from_str(&program.line_with("port").await).unwrap();
        let port = u16::try_from(told["port"].as_u64().unwrap()).unwrap();
        Self { address: ([127, 0, 0, 1], port).into(), _program: program, _directory: directory }
    }

    /// Its issuer identifier.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The callback that a browser ends at when the person approves.
    pub(super) async fn approve(&self, url: &str) -> String {
        self.ask("approve", &[("url", url)]).await["callback"].as_str().unwrap().to_owned()
    }

    /// Enters the code of a device on its page and approves.
    pub(super) async fn enter(&self, started: &StartDeviceAuthorizationResponse) {
        let page = self.ask("enter", &code_of(started)).await;
        assert_eq!(page["title"], "Sign-in Success", "{page}");
    }

    /// Enters the code of a device on its page and refuses.
    pub(super) async fn abort(&self, started: &StartDeviceAuthorizationResponse) {
        self.ask("abort", &code_of(started)).await;
    }

    /// Waits until polls of a client were answered these errors.
    pub(super) async fn until_polled(&self, client_id: &str, errors: &[&str]) {
        let polled = async {
            while self.ask("polls", &[("client", client_id)]).await["errors"] != json!(errors) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LONGEST_WAIT, polled).await.expect("it is polled");
    }

    /// What it answers to the first refresh token of a client.
    pub(super) async fn replay(&self, client_id: &str) -> Value {
        self.ask("replay", &[("client", client_id)]).await
    }

    /// Whether a token is active (RFC 7662 section 2.2).
    pub(super) async fn is_active(&self, token: &str) -> bool {
        self.ask("introspect", &[("token", token)]).await["active"].as_bool().unwrap()
    }

    /// What its userinfo endpoint answers to a call with this header.
    pub(super) async fn user_info(&self, authorization: &str) -> u16 {
        http::get(self.address, "/me", authorization).await.0
    }

    async fn ask(&self, tool: &str, parameters: &[(&str, &str)]) -> Value {
        let query = Serializer::new(String::new()).extend_pairs(parameters).finish();
        let (status, answer) = http::get(self.address, &format!("/test/{tool}?{query}"), "").await;
        assert_eq!(status, 200, "{answer}");
        let body = &answer[answer.find('{').unwrap()..=answer.rfind('}').unwrap()];
        serde_json::from_str(body).unwrap()
    }
}

/// As a user has it who types it in.
fn code_of(started: &StartDeviceAuthorizationResponse) -> [(&str, &str); 2] {
    [("url", &started.verification_uri), ("code", &started.user_code)]
}
