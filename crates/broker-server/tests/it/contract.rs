use broker_proto::v1::{CreateClientRegistrationRequest, StartAuthorizationRequest};
use tonic::{Code, Request};

use crate::broker::{Clients, Home};

fn registration() -> CreateClientRegistrationRequest {
    CreateClientRegistrationRequest {
        tenant_id: "acme".into(),
        provider: "evercam".into(),
        registration_id: "main".into(),
        client_id: "c".into(),
        client_secret: "s3cret".into(),
        redirect_uri: "https://app.example/cb".into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_confidential_registration_tells_of_its_secret_and_a_public_one_of_none() {
    let home = Home::new().await;
    let mut process = home.serve();
    let mut clients = Clients::of(&mut process).await;
    let mut request = Request::new(registration());
    request.metadata_mut().insert("x-tokenbroker-principal", "grace".parse().unwrap());
    let made = clients.admin.create_client_registration(request).await.unwrap().into_inner();
    let secrets = made.client_registration.unwrap().secrets;
    assert_eq!(secrets.iter().map(|secret| secret.secret_id.as_str()).collect::<Vec<_>>(), ["1"]);

    let public = CreateClientRegistrationRequest {
        registration_id: "public".into(),
        client_secret: String::new(),
        public: true,
        ..registration()
    };
    let made = clients.admin.create_client_registration(public).await.unwrap().into_inner();
    assert_eq!(made.client_registration.unwrap().secrets, []);

    let line = process.logged("client registration created").await;
    assert!(line.contains("grace") && line.contains("INFO") && !line.contains("s3cret"), "{line}");
}

#[tokio::test]
async fn a_redirect_uri_on_the_brokers_own_page_makes_a_registration_broker_hosted() {
    let home = Home::new().await;
    home.configure("[http]\npublic_url = \"https://broker.example/\"\n");
    let mut process = home.serve();
    let mut clients = Clients::of(&mut process).await;
    for (id, redirect_uri, broker_hosted) in [
        ("hosted", "https://BROKER.example:443/oauth/callback/evercam", true),
        ("other-provider", "https://broker.example/oauth/callback/eagle-eye", false),
        ("product", "https://app.example/cb", false),
    ] {
        let request = CreateClientRegistrationRequest {
            registration_id: id.into(),
            redirect_uri: redirect_uri.into(),
            ..registration()
        };
        let made = clients.admin.create_client_registration(request).await.unwrap().into_inner();
        assert_eq!(made.client_registration.unwrap().broker_hosted, broker_hosted, "{redirect_uri}");
    }
}

#[tokio::test]
async fn more_scopes_than_the_contract_allows_are_refused() {
    let home = Home::new().await;
    let mut process = home.serve();
    let mut clients = Clients::of(&mut process).await;
    let scopes: Vec<String> = (0..65).map(|n| format!("s{n}")).collect();
    let many = CreateClientRegistrationRequest { scopes: scopes.clone(), ..registration() };
    let start = StartAuthorizationRequest {
        tenant_id: "acme".into(),
        provider: "evercam".into(),
        user_id: "ada".into(),
        scopes,
        ..Default::default()
    };
    let refused = [
        clients.admin.create_client_registration(many).await.unwrap_err(),
        clients.consent.start_authorization(start).await.unwrap_err(),
    ];
    for refused in refused {
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains("scopes must be at most 64"), "{refused}");
    }
}
