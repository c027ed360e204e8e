//! A real authorization server that others wrote (npm `oidc-provider`), spoken to by the plain `oauth2` adapter.
//!
//! These need node and npm and are run by the step `third-party` of `cargo xtask test`.

mod device;
mod life;
mod reuse;
mod server;

use broker_e2e::House;
use broker_proto::v1::{CreateClientRegistrationRequest, Grant, GrantKey};

use self::server::Server;

const TENANT: &str = "acme";

/// How a client shows who it is (RFC 6749 section 2.3).
#[derive(Clone, Copy, PartialEq)]
enum Shows {
    Basic,
    Post,
    Nothing,
}

impl Shows {
    /// The client's name at the server.
    fn client_id(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Post => "post",
            Self::Nothing => "public",
        }
    }

    fn secret(self) -> &'static str {
        match self {
            Self::Basic => "b%s: c+/=&secret",
            Self::Post => "p%st +/=&secret",
            Self::Nothing => "",
        }
    }

    /// The provider of the broker that is the server to such clients.
    fn provider(self) -> &'static str {
        match self {
            Self::Basic | Self::Nothing => "third-basic",
            Self::Post => "third-post",
        }
    }
}

/// A house whose broker knows the server under two names.
async fn house(server: &Server) -> House {
    plan(server).open().await
}

fn plan(server: &Server) -> broker_e2e::house::Plan {
    let sections: String = ["basic", "post"].map(|way| section(server, way)).concat();
    House::plan().rotation("suspect_confirm_after", "1s").sections(&sections)
}

fn section(server: &Server, way: &str) -> String {
    let at = server.url();
    // Without the prompt this server gives no refresh token (OpenID Connect Core section 11).
    format!(
        "[providers.third-{way}]\nadapter = \"oauth2\"\nauthorize_url = \"{at}/auth?prompt=consent\"\n\
         token_url = \"{at}/token\"\ndevice_authorization_url = \"{at}/device/auth\"\n\
         revoke_url = \"{at}/token/revocation\"\nissuer = \"{at}\"\nissuer_always_named = true\n\
         client_authentication = \"{way}\"\ndefault_scopes = [\"openid\", \"offline_access\"]\n\
         rotation = \"single-use\"\nreuse = \"revoke-family\"\n"
    )
}

/// Registers the client, unless that is done.
async fn register(house: &House, shows: Shows) {
    let request = CreateClientRegistrationRequest {
        tenant_id: TENANT.to_owned(),
        provider: shows.provider().to_owned(),
        registration_id: "main".to_owned(),
        client_id: shows.client_id().to_owned(),
        client_secret: shows.secret().to_owned(),
        public: shows == Shows::Nothing,
        redirect_uri: "https://product.example/callback".to_owned(),
        allow_device_authorization: true,
        ..Default::default()
    };
    house.client.register(request).await.unwrap();
    if shows != Shows::Nothing {
        house.remember(|canaries| canaries.add("client_secret", shows.secret()));
    }
}

fn key(shows: Shows) -> GrantKey {
    GrantKey {
        tenant_id: TENANT.to_owned(),
        provider: shows.provider().to_owned(),
        user_id: "ada".to_owned(),
        account: String::new(),
    }
}

/// Walks the person through consent.
async fn consent(house: &House, server: &Server, shows: Shows) -> (GrantKey, Grant) {
    let key = key(shows);
    let started = house.client.start(&key).await.unwrap();
    let callback = server.approve(&started.authorization_url).await;
    let grant = house.client.complete(&key, &callback).await.unwrap();
    (key, grant)
}
