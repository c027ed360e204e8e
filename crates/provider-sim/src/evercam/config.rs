//! Configuration of the simulated Evercam.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::client::ClientConfig;
use crate::policy::{GrantPolicy, ReusePolicy, RevocationReach};

/// A user of Evercam.
#[derive(Clone, Debug)]
pub struct EvercamUser {
    /// Identifier.
    pub id: String,
    /// Full name.
    pub name: String,
    /// Names of the user's cameras.
    pub cameras: Vec<String>,
}

/// A pair of `x-api-id` and `x-api-key` headers that opens the API without OAuth.
#[derive(Clone)]
pub struct ApiKey {
    /// The `x-api-id` header.
    pub id: String,
    /// The `x-api-key` header.
    pub key: String,
    /// The user it stands for.
    pub user: String,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("id", &self.id).field("user", &self.user).finish_non_exhaustive()
    }
}

/// What becomes of a form-encoded token request; the provider documents JSON only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FormBody {
    /// It is read.
    #[default]
    Accept,
    /// 415 `invalid_request`.
    Reject415,
    /// 400 `invalid_request`.
    Reject400,
}

/// The simulated Evercam. Every field may be changed before the start.
#[derive(Clone, Debug)]
pub struct EvercamConfig {
    /// The registered applications.
    pub clients: Vec<ClientConfig>,
    /// The users who may sign in.
    pub users: Vec<EvercamUser>,
    /// API keys.
    pub api_keys: Vec<ApiKey>,
    /// Life of an authorization code; 10 minutes.
    pub code_ttl: Duration,
    /// The pause that a device keeps between its first polls, in whole seconds; 5 s.
    pub device_interval: Duration,
    /// Life of an access token; 1 hour.
    pub access_ttl: Duration,
    /// Life of grants and refresh tokens; 30 days from each rotation.
    pub grant_policy: GrantPolicy,
    /// What the reuse of a rotated refresh token brings.
    pub reuse_policy: ReusePolicy,
    /// What the revocation of a refresh token takes with it.
    pub revocation_reach: RevocationReach,
    /// A new consent ends the older grants of the same user and client; off.
    pub consent_replaces: bool,
    /// What becomes of form-encoded requests.
    pub form_body: FormBody,
    /// Whether a wrong client secret is a 400 instead of a 401; off.
    pub invalid_client_is_400: bool,
    /// Whether errors are `{"message":…}` as in the provider's older API; off.
    pub legacy_errors: bool,
    /// Whether token answers carry `scope`; off, as documented.
    pub scope_in_token_response: bool,
    /// Whether the answer to a revocation is empty instead of `{}`; off.
    pub empty_revocation_response: bool,
    /// Where issued tokens are remembered across restarts; `None` keeps them in memory.
    pub state_file: Option<PathBuf>,
}

impl EvercamConfig {
    /// Client identifier of [`EvercamConfig::demo`].
    pub const DEMO_CLIENT_ID: &'static str = "ev_demo";
    /// Client secret of [`EvercamConfig::demo`]; it protects nothing.
    pub const DEMO_CLIENT_SECRET: &'static str = "evs_demo_not_a_secret";
    /// Redirect URI of [`EvercamConfig::demo`].
    pub const DEMO_REDIRECT_URI: &'static str = "http://localhost:3333/callback";

    /// One confidential client and two users, `alice` and `bob`. Of the scopes only `cameras:read` and
    /// `camera:live_view` are documented names; the others are invented.
    pub fn demo() -> Self {
        Self {
            clients: vec![
                ClientConfig::confidential(Self::DEMO_CLIENT_ID, Self::DEMO_CLIENT_SECRET)
                    .redirect_uri(Self::DEMO_REDIRECT_URI)
                    .scopes([
                        "cameras:read",
                        "camera:live_view",
                        "camera:recordings",
                        "projects:read",
                        "user:read",
                    ]),
            ],
            users: vec![user("alice", "Alice Example"), user("bob", "Bob Example")],
            api_keys: Vec::new(),
            code_ttl: Duration::from_secs(600),
            device_interval: Duration::from_secs(5),
            access_ttl: Duration::from_secs(3_600),
            grant_policy: GrantPolicy::sliding(Duration::from_secs(30 * 24 * 3_600)),
            reuse_policy: ReusePolicy::reject(),
            revocation_reach: RevocationReach::Token,
            consent_replaces: false,
            form_body: FormBody::Accept,
            invalid_client_is_400: false,
            legacy_errors: false,
            scope_in_token_response: false,
            empty_revocation_response: false,
            state_file: None,
        }
    }

    /// Replaces the clients with one.
    pub fn with_client(mut self, client: ClientConfig) -> Self {
        self.clients = vec![client];
        self
    }
}

fn user(id: &str, name: &str) -> EvercamUser {
    let cameras = vec![format!("{id}-gate"), format!("{id}-crane")];
    EvercamUser { id: id.to_owned(), name: name.to_owned(), cameras }
}
