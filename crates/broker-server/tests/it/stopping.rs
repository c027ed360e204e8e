use broker_proto::v1::complete_authorization_request::Callback;
use broker_proto::v1::{
    CompleteAuthorizationRequest, CreateClientRegistrationRequest, StartAuthorizationRequest,
};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::broker::{Clients, Home};

#[tokio::test]
async fn a_signal_right_after_the_first_line_drains() {
    let home = Home::new().await;
    let mut process = home.serve();
    assert!(process.line().await.contains("grpc"));
    process.signal();
    let (code, log) = process.ended().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("waiting for 0 attempts, at most 45 s"), "{log}");
}

#[tokio::test]
async fn a_second_signal_ends_the_wait() {
    let home = Home::new().await;
    // A provider that takes the request and never answers.
    let provider = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = provider.local_addr().unwrap();
    home.configure(&format!(
        "[providers.evercam]\nauthorize_url = \"http://{address}/a\"\ntoken_url = \"http://{address}/t\"\n"
    ));
    let mut process = home.serve();
    let clients = Clients::of(&mut process).await;
    let mut calls = JoinSet::new();
    calls.spawn(complete(clients));
    let (mut connection, _) = provider.accept().await.unwrap();
    connection.read_u8().await.unwrap();

    process.signal();
    process.logged("waiting for 1 attempts, at most 45 s").await;
    process.signal();

    let (code, log) = process.ended().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("ending now; what is under way is in escrow"), "{log}");
}

/// Goes through a consent up to the code exchange.
async fn complete(mut clients: Clients) {
    let redirect_uri = "https://app.example/cb";
    let registration = CreateClientRegistrationRequest {
        tenant_id: "acme".into(),
        provider: "evercam".into(),
        registration_id: "main".into(),
        client_id: "c".into(),
        client_secret: "s".into(),
        redirect_uri: redirect_uri.into(),
        ..Default::default()
    };
    clients.admin.create_client_registration(registration).await.unwrap();
    let start = StartAuthorizationRequest {
        tenant_id: "acme".into(),
        provider: "evercam".into(),
        user_id: "ada".into(),
        ..Default::default()
    };
    let url = clients.consent.start_authorization(start).await.unwrap().into_inner().authorization_url;
    let state = url.split(['?', '&']).find(|part| part.starts_with("state=")).unwrap();
    let callback_url = format!("{redirect_uri}?code=abc&{state}");
    let complete = CompleteAuthorizationRequest {
        tenant_id: "acme".into(),
        user_id: "ada".into(),
        callback: Some(Callback::CallbackUrl(callback_url)),
    };
    // The broker ends before it answers.
    let _ = clients.consent.complete_authorization(complete).await;
}
