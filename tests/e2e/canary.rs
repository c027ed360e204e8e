//! No secret that ever passed through the broker is found in anything it leaves behind.

use std::fs;

use broker_crypto::sha256;
use broker_e2e::canary::{Canaries, files_below, verifiers_in};
use broker_e2e::client::{read, registration};
use broker_e2e::{House, Provider, ask};
use broker_proto::v1::{BatchGetAccessTokensRequest, CreateClientRegistrationRequest, GrantKey};
use provider_sim::{Endpoint, Fault, FaultBody, Times, When};
use serde_json::json;
use tokio::process::Command;
use url::Url;

use crate::BINARY;

#[tokio::test]
async fn nothing_that_is_left_behind_holds_a_secret() {
    let plan = House::plan().child(BINARY).recorded().rotation("connect_timeout", "1s");
    let mut house = plan
        .rotation("provider_timeout", "1s")
        .rotation("late_read", "2s")
        // Over before the next start asks again.
        .rotation("registration_pause", "1ms")
        .open()
        .await;
    let mut challenges = Vec::new();
    for provider in Provider::ALL {
        good_days(&house, provider).await;
        bad_days(&house, provider).await;
        challenges.extend(bad_callbacks(&house, provider).await);
    }
    refused_registrations(&house).await;
    house.kill().await;

    let mut secrets = house.canaries();
    let taped = Provider::ALL.map(|provider| house.recorder(provider).text()).concat();
    prove_that_secrets_are_known(&house, &secrets, &taped);
    let verifiers_sent = verifiers_in(taped.as_bytes(), &challenges, sha256);
    assert_eq!(verifiers_sent, 0, "these authorizations were never completed");
    search(&house, &secrets, &challenges, "after SIGKILL");

    // The next start reads the escrow and settles what was open.
    house.restart().await;
    for provider in Provider::ALL {
        house.client.refresh(&house.key(provider, "ada")).await.unwrap();
    }
    house.until_settled().await;
    house.stop().await;
    secrets.extend(house.canaries());
    search(&house, &secrets, &challenges, "after a recovery and a clean end");
    said_on_the_command_line(&house, &secrets).await;
    house.close().await;
}

async fn good_days(house: &House, provider: Provider) {
    let ada = house.consent(provider, "ada").await;
    let bob = house.consent(provider, "bob").await;
    for _ in 0..3 {
        house.vend(&ada).await.unwrap();
        house.client.refresh(&ada).await.unwrap();
    }
    house.vend(&ada).await.unwrap();
    let nobody = house.key(provider, "nobody");
    let requests = [&ada, &bob, &nobody, &GrantKey::default()].map(ask).to_vec();
    let request = BatchGetAccessTokensRequest { requests };
    read(house.client.tokens().batch_get_access_tokens(request).await).unwrap();
    // A second consent replaces the tokens of the first.
    house.consent(provider, "bob").await;
    house.vend(&bob).await.unwrap();
}

/// Every way in which an answer can go wrong, for a user each.
async fn bad_days(house: &House, provider: Provider) {
    let refresh = Endpoint::Refresh;
    let respond = |when, status, body| Fault::respond(refresh, when, status, body);
    let echo = json!({ "error": "invalid_grant", "error_description": "no such token: canary-echoed-by-the-provider" });
    let odd = json!({ "error": "canary with spaces: not-a-code-at-all", "error_uri": "https://canary-uri.example/x" });
    house.remember(|canaries| {
        canaries.add("echoed description", "canary-echoed-by-the-provider");
        canaries.add("text for a code", "canary with spaces: not-a-code-at-all");
        canaries.add("page", "canary-in-a-page-of-html");
    });
    let page = FaultBody::Raw {
        content_type: "text/html".to_owned(),
        body: "<html>canary-in-a-page-of-html</html>".to_owned(),
    };
    let faults = [
        Fault::drop_connection(refresh, When::BeforeCommit),
        Fault::drop_connection(refresh, When::AfterCommit),
        Fault::new(refresh, provider_sim::Effect::CutBody),
        Fault::hang(refresh, When::AfterCommit),
        respond(When::AfterCommit, 200, FaultBody::Truncated),
        respond(When::AfterCommit, 502, FaultBody::Truncated),
        respond(When::BeforeCommit, 200, page.clone()),
        respond(When::BeforeCommit, 400, page),
        respond(When::BeforeCommit, 400, FaultBody::Json(echo)),
        respond(When::BeforeCommit, 400, FaultBody::Json(odd)),
        Fault::rewrite(refresh, json!({ "access_token": null })),
        Fault::rewrite(refresh, json!({ "error": "server_error" })),
        Fault::rewrite(
            refresh,
            json!({ "token_type": "canary-type", "scope": ["a", "b"], "expires_in": "soon" }),
        ),
    ];
    let mut failed = 0;
    for (number, fault) in faults.into_iter().enumerate() {
        let user = house.consent(provider, &format!("user-{number}")).await;
        assert_eq!(fault.times, Times::Once);
        house.simulator(provider).faults().push(fault);
        failed += usize::from(house.client.refresh(&user).await.is_err());
        let _ = house.vend(&user).await;
    }
    assert_eq!(failed, 12, "{provider:?}: all but the last fault are failures");

    let carol = house.consent(provider, "carol").await;
    let simulator = house.simulator(provider);
    simulator.set_client_secret(provider.client_id(), "some-other-secret").unwrap();
    house.client.refresh(&carol).await.unwrap_err();
    let (_, callback) = house.approve(&house.key(provider, "dora")).await;
    house.client.complete(&house.key(provider, "dora"), &callback).await.unwrap_err();
    simulator.set_client_secret(provider.client_id(), provider.client_secret()).unwrap();
    for fault in [
        Fault::drop_connection(Endpoint::Exchange, When::AfterCommit),
        Fault::respond(Endpoint::Exchange, When::AfterCommit, 500, FaultBody::Truncated),
    ] {
        simulator.faults().push(fault);
        let (_, callback) = house.approve(&house.key(provider, "eve")).await;
        house.client.complete(&house.key(provider, "eve"), &callback).await.unwrap_err();
    }
}

/// Callbacks that are refused. Answers the challenges of authorizations that are never completed.
async fn bad_callbacks(house: &House, provider: Provider) -> Vec<String> {
    let key = house.key(provider, "frank");
    let mut challenges = Vec::new();
    let wrong_user = GrantKey { user_id: "mallory".to_owned(), ..key.clone() };
    let changes: [fn(&str) -> String; 6] = [
        |callback| callback.replace("code=", "nothing="),
        |callback| callback.replace("code=", "error=access_denied&description="),
        |callback| callback.replace("state=", "forged=1&state=x"),
        |callback| format!("{callback}&code=canary-second-code"),
        |callback| callback.replace("http://", "no url "),
        |callback| callback.replace(":3333", ":4444"),
    ];
    for change in changes {
        let (started, callback) = house.approve(&key).await;
        let url = Url::parse(&started.authorization_url).unwrap();
        let challenge = url.query_pairs().find(|(name, _)| name == "code_challenge").unwrap().1;
        challenges.push(challenge.into_owned());
        house.client.complete(&key, &change(&callback)).await.unwrap_err();
        house.client.complete(&wrong_user, &callback).await.unwrap_err();
    }
    house.remember(|canaries| canaries.add("second code", "canary-second-code"));
    challenges
}

async fn refused_registrations(house: &House) {
    house.remember(|canaries| {
        canaries.add("refused secret", "canary-secret-of-a-refused-client");
        canaries.add("unused secret", "canary-secret-of-another-client");
    });
    let good = registration("acme", Provider::Evercam);
    let with = |id: &str, secret: &str| CreateClientRegistrationRequest {
        registration_id: id.to_owned(),
        client_secret: secret.to_owned(),
        ..good.clone()
    };
    let refused = "canary-secret-of-a-refused-client";
    let bad_uri =
        CreateClientRegistrationRequest { redirect_uri: "nowhere".to_owned(), ..with("bad", refused) };
    let public = CreateClientRegistrationRequest { public: true, ..with("bad", refused) };
    for request in [bad_uri, public, with("main", refused), with("Not A Name", refused)] {
        house.client.register(request).await.unwrap_err();
    }
    let made = house.client.register(with("another", "canary-secret-of-another-client")).await.unwrap();
    assert!(!format!("{made:?}").contains("canary"));
}

/// Without this a search that finds nothing would prove nothing.
fn prove_that_secrets_are_known(house: &House, secrets: &Canaries, taped: &str) {
    let on_tape = Provider::ALL.map(|provider| house.recorder(provider).secrets());
    for secrets in on_tape {
        // A secret in Basic credentials stands there as base64 only.
        let found = secrets.found_in([("the tape", taped.as_bytes())]);
        assert!(found.len() >= secrets.len(), "{} of {} are found", found.len(), secrets.len());
        let kinds = secrets.kinds();
        for kind in ["access_token", "refresh_token", "code", "code_verifier", "client_secret"] {
            assert!(kinds.contains_key(kind), "no {kind} on tape: {kinds:?}");
        }
    }
    let kinds = secrets.kinds();
    assert!(kinds["access_token"] >= 40 && kinds["refresh_token"] >= 40, "{kinds:?}");
    assert!(kinds["state"] >= 40 && kinds["code_verifier"] >= 30, "{kinds:?}");
    assert!(kinds.contains_key("key encryption key"));
}

fn search(house: &House, secrets: &Canaries, challenges: &[String], when: &str) {
    let files = files_below(&house.data());
    let names: Vec<_> = files.iter().map(|(path, _)| path.display().to_string()).collect();
    for expected in ["broker.db", "broker.log", "escrow/"] {
        assert!(names.iter().any(|name| name.contains(expected)), "{expected} is not in {names:?}");
    }
    let places = names.iter().map(String::as_str).zip(files.iter().map(|(_, content)| content.as_slice()));
    assert_eq!(secrets.found_in(places), [""; 0], "{when}");
    for (name, (_, content)) in names.iter().zip(&files) {
        assert_eq!(verifiers_in(content, challenges, sha256), 0, "a PKCE verifier in {name} {when}");
    }
    let log = fs::read_to_string(house.data().join("broker.log")).unwrap();
    for level in ["DEBUG", "INFO", "WARN"] {
        assert!(log.contains(&format!("\"level\":\"{level}\"")), "nothing is logged at {level}");
    }
}

async fn said_on_the_command_line(house: &House, secrets: &Canaries) {
    for command in
        [["config", "default"].as_slice(), &["config", "check", "--config"], &["migrate", "--config"]]
    {
        let mut program = Command::new(BINARY);
        program.args(command);
        if command.len() > 1 && command.last() == Some(&"--config") {
            program.arg(house.config());
        }
        let output = program.output().await.unwrap();
        assert!(output.status.success(), "{command:?}");
        let said = [output.stdout, output.stderr].concat();
        assert_eq!(secrets.found_in([("the output", said.as_slice())]), [""; 0], "{command:?}");
    }
}
