//! Configuration of the simulated Eagle Eye Networks.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::client::ClientConfig;
use crate::policy::{GrantPolicy, ReusePolicy, RevocationReach};

/// A user of Eagle Eye Networks.
#[derive(Clone, Debug)]
pub struct EagleEyeUser {
    /// Identifier, eight hexadecimal digits; the `sub` claim.
    pub id: String,
    /// Account, eight digits; the `vms_account` claim.
    pub account_id: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
    /// Life of the access tokens of this user's account; `None` is the provider's default.
    pub access_ttl: Option<Duration>,
}

/// Host and port of an account's API cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpsBaseUrl {
    /// Host name.
    pub hostname: String,
    /// Port.
    pub port: u16,
}

/// How a dead code or refresh token is refused: the documents disagree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DocStatus {
    /// 400 `invalid_grant`, as RFC 6749 section 5.2 and Spring Authorization Server have it.
    #[default]
    Off,
    /// 401 as the provider's guide says, with the body `{"error":"invalid_grant"}`.
    Labelled,
    /// 401 as the provider's guide says, with an empty body.
    Bare,
}

/// The simulated Eagle Eye Networks. Every field may be changed before the start.
#[derive(Clone, Debug)]
pub struct EagleEyeConfig {
    /// The registered applications.
    pub clients: Vec<ClientConfig>,
    /// The users who may sign in.
    pub users: Vec<EagleEyeUser>,
    /// Life of an authorization code; 5 minutes.
    pub code_ttl: Duration,
    /// Life of an access token; 12 hours. The real provider allows 15 minutes to 7 days per account.
    pub access_ttl: Duration,
    /// Life of grants and refresh tokens.
    pub grant_policy: GrantPolicy,
    /// What the reuse of a rotated refresh token brings.
    pub reuse_policy: ReusePolicy,
    /// What the revocation of a refresh token takes with it.
    pub revocation_reach: RevocationReach,
    /// A new consent ends the older grants of the same user and client; off.
    pub consent_replaces: bool,
    /// The API cluster of every account.
    pub https_base_url: HttpsBaseUrl,
    /// Users of resellers, each with an account of a customer that it may act in; none.
    pub resold_accounts: Vec<(String, String)>,
    /// Whether token answers carry `httpsBaseUrl`; on. The real provider leaves it out at times.
    pub base_url_in_token_response: bool,
    /// Whether API requests must name the host of `https_base_url`; off, because the simulator has one address.
    pub enforce_api_host: bool,
    /// Whether token requests may be JSON, as one sentence of the guide claims; off.
    pub accept_json: bool,
    /// Status of a dead code or refresh token.
    pub doc_status: DocStatus,
    /// Where issued tokens are remembered across restarts; `None` keeps them in memory.
    pub state_file: Option<PathBuf>,
}

impl EagleEyeConfig {
    /// Client identifier of [`EagleEyeConfig::demo`].
    pub const DEMO_CLIENT_ID: &'static str = "de300000000000000000000000000001";
    /// Client secret of [`EagleEyeConfig::demo`]; it protects nothing.
    pub const DEMO_CLIENT_SECRET: &'static str = "notASecretnotASecretnotASecret00";
    /// Redirect URI of [`EagleEyeConfig::demo`].
    pub const DEMO_REDIRECT_URI: &'static str = "http://127.0.0.1:3333";

    /// One confidential client, which may ask for tokens of its own, and two users: `a11ce001` and `b0b00001`.
    pub fn demo() -> Self {
        Self {
            clients: vec![
                ClientConfig::confidential(Self::DEMO_CLIENT_ID, Self::DEMO_CLIENT_SECRET)
                    .redirect_uri(Self::DEMO_REDIRECT_URI)
                    .client_credentials()
                    .scopes(["vms.all"]),
            ],
            users: vec![
                user("a11ce001", "00001106", "Alice", "Example"),
                user("b0b00001", "00001107", "Bob", "Example"),
            ],
            code_ttl: Duration::from_secs(300),
            access_ttl: Duration::from_secs(43_200),
            grant_policy: GrantPolicy::idle14_abs90(),
            reuse_policy: ReusePolicy::reject(),
            revocation_reach: RevocationReach::Token,
            consent_replaces: false,
            https_base_url: HttpsBaseUrl { hostname: "api.c001.eagleeyenetworks.com".into(), port: 443 },
            resold_accounts: Vec::new(),
            base_url_in_token_response: true,
            enforce_api_host: false,
            accept_json: false,
            doc_status: DocStatus::Off,
            state_file: None,
        }
    }

    /// Replaces the clients with one.
    pub fn with_client(mut self, client: ClientConfig) -> Self {
        self.clients = vec![client];
        self
    }
}

fn user(id: &str, account_id: &str, first_name: &str, last_name: &str) -> EagleEyeUser {
    EagleEyeUser {
        id: id.to_owned(),
        account_id: account_id.to_owned(),
        first_name: first_name.to_owned(),
        last_name: last_name.to_owned(),
        email: format!("{}@example.com", first_name.to_lowercase()),
        access_ttl: None,
    }
}
