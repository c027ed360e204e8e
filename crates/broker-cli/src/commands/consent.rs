use std::path::PathBuf;

use broker_proto::v1::complete_authorization_request::Callback;
use broker_proto::v1::{
    AuthorizationState, CompleteAuthorizationRequest, GetAuthorizationRequest, GetAuthorizationResponse,
    HostedCallback, StartAuthorizationRequest, StartAuthorizationResponse,
};
use clap::{Args, Subcommand};

use super::{device, grant_table, short};
use crate::failure::Failure;
use crate::output::{Cell, Table, Tone};
use crate::secret_input;
use crate::session::Session;
use crate::when::{now, when};

#[derive(Debug, Subcommand)]
pub(crate) enum Consent {
    /// Start an authorization and print the URL to send the user to
    Start(Start),
    /// Start an authorization on another device, print the code, and wait for the user
    Device(device::Device),
    /// Complete an authorization with what the browser brought back
    Complete(Complete),
    /// Show how far an authorization is
    Status(StatusOf),
}

#[derive(Debug, Args)]
pub(crate) struct Start {
    /// A scope to ask for; may be repeated. Default: those of the client registration
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Where the callback page sends the browser: a name in the client registration, not a URL
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAME")]
    return_to: String,
    /// Hint about the user's account, for the provider
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    login_hint: String,
    /// Accept another upstream account than the one of the existing grant
    #[arg(long)]
    allow_account_change: bool,
    /// The client registration. Default: the one of the existing grant, else the first
    #[arg(long = "registration", default_value = "", hide_default_value = true, value_name = "ID")]
    registration_id: String,
}

#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Complete {
    /// File with the full URL that the redirect URI was called with, `-` for standard input. It holds a code
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "completion_code_file",
        conflicts_with_all = ["authorization", "completion_code_file"]
    )]
    callback_url_file: Option<PathBuf>,
    /// Id of the authorization, with --completion-code-file
    #[arg(long, value_name = "ID", requires = "completion_code_file")]
    authorization: Option<String>,
    /// File with the code that the broker's callback page gave, `-` for standard input
    #[arg(long, value_name = "FILE", requires = "authorization")]
    completion_code_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct StatusOf {
    /// Id of the authorization
    #[arg(long, value_name = "ID")]
    authorization: String,
}

impl Consent {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Start(start) => start.run(session).await,
            Self::Device(device) => device.run(session).await,
            Self::Complete(complete) => complete.run(session).await,
            Self::Status(status) => status.run(session).await,
        }
    }
}

impl Start {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = session.request(self.into_request(session)?);
        let answer = session.consent().start_authorization(request).await?.into_inner();
        session.output().answer(&answer, started)
    }

    fn into_request(self, session: &Session) -> Result<StartAuthorizationRequest, Failure> {
        Ok(StartAuthorizationRequest {
            tenant_id: session.tenant()?,
            provider: session.provider()?,
            user_id: session.user()?,
            account: session.account(),
            scopes: self.scopes,
            return_to: self.return_to,
            login_hint: self.login_hint,
            allow_account_change: self.allow_account_change,
            registration_id: self.registration_id,
        })
    }
}

impl Complete {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = CompleteAuthorizationRequest {
            tenant_id: session.tenant()?,
            user_id: session.user()?,
            callback: Some(self.into_callback()?),
        };
        let answer = session.consent().complete_authorization(session.request(request)).await?.into_inner();
        let grant = answer.grant.as_ref().ok_or(Failure::Incomplete("grant"))?;
        session.output().answer(&answer, |_| grant_table::details(grant, &now()))
    }

    fn into_callback(self) -> Result<Callback, Failure> {
        match (self.callback_url_file, self.authorization, self.completion_code_file) {
            (Some(file), _, _) => Ok(Callback::CallbackUrl(secret_input::read(&file)?)),
            (None, Some(authorization_id), Some(file)) => {
                let completion_code = secret_input::read(&file)?;
                Ok(Callback::HostedCallback(HostedCallback { authorization_id, completion_code }))
            }
            _ => Err(Failure::Usage("--callback-url-file or --completion-code-file is required".to_owned())),
        }
    }
}

impl StatusOf {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request =
            GetAuthorizationRequest { tenant_id: session.tenant()?, authorization_id: self.authorization };
        let answer = session.consent().get_authorization(session.request(request)).await?.into_inner();
        session.output().answer(&answer, status)
    }
}

fn started(answer: &StartAuthorizationResponse) -> Table {
    let mut table = Table::default();
    table.fact("authorization", &answer.authorization_id);
    table.fact("lapses", when(answer.expire_time.as_ref(), &now()));
    table.fact("send the user to", &answer.authorization_url);
    table
}

pub(super) fn status(answer: &GetAuthorizationResponse) -> Table {
    let now = now();
    let mut table = Table::default();
    table.fact("authorization", &answer.authorization_id);
    table.fact("state", state(answer));
    grant_table::key_facts(&mut table, answer.key.as_ref());
    table.fact("grant", &answer.grant_id);
    table.fact("started", when(answer.create_time.as_ref(), &now));
    table.fact("lapses", when(answer.expire_time.as_ref(), &now));
    table
}

fn state(answer: &GetAuthorizationResponse) -> Cell {
    let state = short(answer.state().as_str_name(), "AUTHORIZATION_STATE_");
    let failure = short(answer.failure().as_str_name(), "AUTHORIZATION_FAILURE_");
    let text = if failure.is_empty() { state.to_owned() } else { format!("{state} ({failure})") };
    let tone = match answer.state() {
        AuthorizationState::Completed => Tone::Good,
        AuthorizationState::Denied | AuthorizationState::Expired | AuthorizationState::Failed => Tone::Bad,
        AuthorizationState::Pending | AuthorizationState::AwaitingCompletion => Tone::Warning,
        AuthorizationState::Unspecified => Tone::Plain,
    };
    Cell::toned(text, tone)
}
