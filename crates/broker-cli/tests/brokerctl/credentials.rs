use std::collections::HashMap;
use std::fs;

use broker_proto::v1::create_machine_credential_request::Credential;
use broker_proto::v1::{
    ClientCredentials, CreateMachineCredentialResponse, DerivedToken, GetAccessTokenResponse, GrantKey,
    ListMachineCredentialsResponse, MachineCredential, MachineCredentialKind,
};

use crate::ctl::{ctl, ctl_with_input};
use crate::fake_broker::FakeBroker;

const OF: &str = "--tenant acme --provider evercam --user nvr";

fn credential() -> MachineCredential {
    let key = GrantKey { provider: "evercam".into(), user_id: "nvr".into(), ..Default::default() };
    MachineCredential { key: Some(key), kind: MachineCredentialKind::ApiKey.into(), ..Default::default() }
}

#[tokio::test]
async fn a_pair_is_read_from_files_and_not_printed() {
    let broker = FakeBroker::start().await;
    let answer = CreateMachineCredentialResponse { machine_credential: Some(credential()) };
    broker.scripts.create_machine_credential.will_answer(Ok(answer));
    let directory = tempfile::tempdir().unwrap();
    let id = directory.path().join("id");
    fs::write(&id, "the-id\n").unwrap();
    let flags = format!("credentials create {OF} --id-file {} --secret-file -", id.display());
    let run = ctl_with_input(&broker, &flags, "s3cret\n").await;
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("API_KEY") && !format!("{run:?}").contains("s3cret"), "{run:?}");
    let request = &broker.scripts.create_machine_credential.requests()[0];
    let Some(Credential::ApiKey(pair)) = &request.credential else { panic!() };
    assert_eq!((pair.id.as_str(), pair.secret.as_str()), ("the-id", "s3cret"));
    assert_eq!(request.key.as_ref().unwrap().user_id, "nvr");
}

#[tokio::test]
async fn a_secret_on_the_command_line_is_a_usage_error() {
    let broker = FakeBroker::start().await;
    for flags in ["", "--id a --secret s3cret", "--id-file - --secret-file -"] {
        let run = ctl(&broker, &format!("credentials create {OF} {flags}")).await;
        assert_eq!(run.code, 2, "{flags}: {run:?}");
    }
    assert!(broker.scripts.create_machine_credential.requests().is_empty());
}

#[tokio::test]
async fn what_tokens_are_minted_of_is_named() {
    let broker = FakeBroker::start().await;
    let create = async |flags: &str| {
        let answer = CreateMachineCredentialResponse { machine_credential: Some(credential()) };
        broker.scripts.create_machine_credential.will_answer(Ok(answer));
        let run = ctl(&broker, &format!("credentials create {OF} {flags}")).await;
        assert_eq!(run.code, 0, "{run:?}");
        broker.scripts.create_machine_credential.requests().pop().unwrap().credential.unwrap()
    };
    let client = create("--client-credentials --client-registration m2m --scope a --scope b").await;
    let expected =
        ClientCredentials { client_registration_id: "m2m".into(), scopes: vec!["a".into(), "b".into()] };
    assert_eq!(client, Credential::ClientCredentials(expected));
    let derived = create("--derived-from reseller --target-account 00002222").await;
    let expected = DerivedToken {
        user_id: "reseller".into(),
        target_account_id: "00002222".into(),
        ..Default::default()
    };
    assert_eq!(derived, Credential::Derived(expected));
}

#[tokio::test]
async fn only_one_kind_is_named() {
    let broker = FakeBroker::start().await;
    for flags in [
        "--client-credentials --id-file a --secret-file b",
        "--client-credentials --derived-from u --target-account a",
        "--derived-from u",
        "--target-account a",
        "--client-registration m",
        "--scope a",
    ] {
        let run = ctl(&broker, &format!("credentials create {OF} {flags}")).await;
        assert_eq!(run.code, 2, "{flags}: {run:?}");
    }
    assert!(broker.scripts.create_machine_credential.requests().is_empty());
}

#[tokio::test]
async fn machine_credentials_are_listed() {
    let broker = FakeBroker::start().await;
    let answer =
        ListMachineCredentialsResponse { machine_credentials: vec![credential()], ..Default::default() };
    broker.scripts.list_machine_credentials.will_answer(Ok(answer));
    let run = ctl(&broker, "credentials list --tenant acme").await;
    assert!(run.stdout.starts_with("PROVIDER  USER  ACCOUNT  KIND"), "{run:?}");
    assert_eq!(run.stdout.lines().count(), 2, "{run:?}");
}

#[tokio::test]
async fn the_headers_of_an_api_key_are_hidden_unless_asked_for() {
    let broker = FakeBroker::start().await;
    let headers = HashMap::from([("x-api-key".to_owned(), "s3cret".to_owned())]);
    let answer = GetAccessTokenResponse { headers, token_type: "ApiKey".into(), ..Default::default() };
    let get = async |flags: &str| {
        broker.scripts.get_access_token.will_answer(Ok(answer.clone()));
        ctl(&broker, &format!("token get {OF} {flags}")).await
    };
    let hidden = get("").await;
    assert!(hidden.stdout.contains("x-api-key") && !hidden.stdout.contains("s3cret"), "{hidden:?}");
    assert!(get("--show-token").await.stdout.contains("s3cret"));
    assert_eq!(get("-o token").await.code, 2);
}
