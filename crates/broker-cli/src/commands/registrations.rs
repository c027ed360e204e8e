use std::path::PathBuf;

use broker_proto::v1::{
    ClientSecretTest, ClientSecretVerdict, CreateClientRegistrationRequest, DeleteClientRegistrationRequest,
    GetClientRegistrationRequest, ListClientRegistrationsRequest, ListClientRegistrationsResponse,
    TestClientRegistrationRequest, UpdateClientRegistrationRequest,
};
use clap::{ArgGroup, Args, Subcommand};
use prost_types::FieldMask;

use super::pages::{Limit, remark_on_more};
use super::registration_name::RegistrationName;
use super::window_args::WindowArgs;
use super::{registration_table, short};
use crate::failure::Failure;
use crate::output::{Cell, Table, Tone};
use crate::secret_input;
use crate::session::Session;
use crate::when::now;

#[derive(Debug, Subcommand)]
pub(crate) enum Registrations {
    /// Register the OAuth client of --tenant at --provider
    Create(Create),
    /// Show one registration
    Get(RegistrationName),
    /// List the registrations of --tenant; --provider narrows the list
    List(List),
    /// Change a registration; what is not named stays. Grants stay pinned to it
    Update(Update),
    /// Delete a registration that no living grant is pinned to
    Delete(Delete),
    /// Ask the provider which of its secrets it accepts. Uses no grant
    Test(RegistrationName),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    registration: RegistrationName,
    /// The client id that the provider gave
    #[arg(long)]
    client_id: String,
    /// File with the client secret, `-` for standard input
    #[arg(long, value_name = "FILE", required_unless_present = "public", conflicts_with = "public")]
    client_secret_file: Option<PathBuf>,
    /// The redirect URI as registered at the provider
    #[arg(long, value_name = "URI")]
    redirect_uri: String,
    /// A scope to ask for; may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A client without a secret
    #[arg(long)]
    public: bool,
    /// A place where the callback page may send the browser; may be repeated
    #[arg(long, value_name = "NAME=URL", value_parser = name_and_url)]
    return_to: Vec<(String, String)>,
    /// Allow the device flow
    #[arg(long)]
    allow_device_authorization: bool,
    #[command(flatten)]
    window: WindowArgs,
    /// A UUID that makes it harmless to send this twice within a day
    #[arg(long, default_value = "", hide_default_value = true, value_name = "UUID")]
    request_id: String,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    limit: Limit,
}

#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("change").required(true).multiple(true)
    .args(["redirect_uri", "scopes", "no_scopes", "return_to", "no_return_to", "fixed_window", "idle_window",
        "absolute_window", "permanent", "default_window", "allow_device_authorization"]))]
pub(crate) struct Update {
    #[command(flatten)]
    registration: RegistrationName,
    /// The redirect URI as registered at the provider
    #[arg(long, value_name = "URI")]
    redirect_uri: Option<String>,
    /// A scope to ask for, instead of those there are; may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Ask for no scopes
    #[arg(long, conflicts_with = "scopes")]
    no_scopes: bool,
    /// A place where the callback page may send the browser, instead of those there are; may be repeated
    #[arg(long, value_name = "NAME=URL", value_parser = name_and_url)]
    return_to: Vec<(String, String)>,
    /// Send the browser nowhere
    #[arg(long, conflicts_with = "return_to")]
    no_return_to: bool,
    #[command(flatten)]
    window: WindowArgs,
    /// Let its grants live as the provider's grants do
    #[arg(long, conflicts_with_all = ["fixed_window", "idle_window", "absolute_window", "permanent"])]
    default_window: bool,
    /// Allow the device flow, or not
    #[arg(long, value_name = "BOOL")]
    allow_device_authorization: Option<bool>,
    /// Change it only if it still has this etag
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    registration: RegistrationName,
    /// Delete it only if it still has this etag
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
}

impl Registrations {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(session).await,
            Self::Get(name) => get(name, session).await,
            Self::List(list) => list.run(session).await,
            Self::Update(update) => update.run(session).await,
            Self::Delete(delete) => delete.run(session).await,
            Self::Test(name) => test(name, session).await,
        }
    }
}

impl Create {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = self.into_request(session)?;
        let answer = session.admin().create_client_registration(session.request(request)).await?.into_inner();
        let registration =
            answer.client_registration.as_ref().ok_or(Failure::Incomplete("client registration"))?;
        session.output().answer(&answer, |_| registration_table::details(registration, &now()))
    }

    fn into_request(self, session: &Session) -> Result<CreateClientRegistrationRequest, Failure> {
        let client_secret = self.client_secret_file.as_deref().map(secret_input::read);
        Ok(CreateClientRegistrationRequest {
            tenant_id: session.tenant()?,
            provider: session.provider()?,
            registration_id: self.registration.id,
            client_id: self.client_id,
            client_secret: client_secret.transpose()?.unwrap_or_default(),
            redirect_uri: self.redirect_uri,
            scopes: self.scopes,
            public: self.public,
            return_to: self.return_to.into_iter().collect(),
            allow_device_authorization: self.allow_device_authorization,
            grant_window: self.window.window()?,
            request_id: self.request_id,
        })
    }
}

fn name_and_url(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, url)) if !name.is_empty() && !url.is_empty() => Ok((name.to_owned(), url.to_owned())),
        _ => Err("must be NAME=URL".to_owned()),
    }
}

async fn get(name: RegistrationName, session: &Session) -> Result<(), Failure> {
    let request = GetClientRegistrationRequest {
        tenant_id: session.tenant()?,
        provider: session.provider()?,
        registration_id: name.id,
    };
    let answer = session.admin().get_client_registration(session.request(request)).await?.into_inner();
    let registration =
        answer.client_registration.as_ref().ok_or(Failure::Incomplete("client registration"))?;
    session.output().answer(&answer, |_| registration_table::details(registration, &now()))
}

impl List {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let (tenant_id, provider) = (session.tenant()?, session.any_provider());
        let (client_registrations, next_page_token) = self
            .limit
            .read(async |page| {
                let request = ListClientRegistrationsRequest {
                    tenant_id: tenant_id.clone(),
                    provider: provider.clone(),
                    page_size: page.size,
                    page_token: page.token,
                };
                let page = session.admin().list_client_registrations(session.request(request)).await?;
                let page = page.into_inner();
                Ok((page.client_registrations, page.next_page_token))
            })
            .await?;
        let answer = ListClientRegistrationsResponse { client_registrations, next_page_token };
        let table = |answer: &ListClientRegistrationsResponse| {
            registration_table::list(&answer.client_registrations, &now())
        };
        session.output().answer(&answer, table)?;
        remark_on_more(session, &answer.next_page_token);
        Ok(())
    }
}

impl Update {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = session.request(self.into_request(session)?);
        let answer = session.admin().update_client_registration(request).await?.into_inner();
        let registration =
            answer.client_registration.as_ref().ok_or(Failure::Incomplete("client registration"))?;
        session.output().answer(&answer, |_| registration_table::details(registration, &now()))
    }

    fn into_request(self, session: &Session) -> Result<UpdateClientRegistrationRequest, Failure> {
        let grant_window = self.window.window()?;
        let named = [
            ("grant_window", self.default_window || grant_window.is_some()),
            ("redirect_uri", self.redirect_uri.is_some()),
            ("scopes", self.no_scopes || !self.scopes.is_empty()),
            ("return_to", self.no_return_to || !self.return_to.is_empty()),
            ("allow_device_authorization", self.allow_device_authorization.is_some()),
        ];
        let paths = named.into_iter().filter(|(_, named)| *named).map(|(path, _)| path.to_owned());
        Ok(UpdateClientRegistrationRequest {
            tenant_id: session.tenant()?,
            provider: session.provider()?,
            registration_id: self.registration.id,
            redirect_uri: self.redirect_uri.unwrap_or_default(),
            scopes: self.scopes,
            return_to: self.return_to.into_iter().collect(),
            grant_window,
            allow_device_authorization: self.allow_device_authorization.unwrap_or_default(),
            update_mask: Some(FieldMask { paths: paths.collect() }),
            etag: self.etag,
        })
    }
}

impl Delete {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = DeleteClientRegistrationRequest {
            tenant_id: session.tenant()?,
            provider: session.provider()?,
            registration_id: self.registration.id,
            etag: self.etag,
        };
        let name = request.registration_id.clone();
        let answer = session.admin().delete_client_registration(session.request(request)).await?.into_inner();
        session.output().answer(&answer, |_| {
            let mut table = Table::default();
            table.fact("deleted", name);
            table
        })
    }
}

/// Prints the verdicts. Fails if none of the secrets is accepted.
async fn test(name: RegistrationName, session: &Session) -> Result<(), Failure> {
    let request = TestClientRegistrationRequest {
        tenant_id: session.tenant()?,
        provider: session.provider()?,
        registration_id: name.id,
    };
    let answer = session.admin().test_client_registration(session.request(request)).await?.into_inner();
    session.output().answer(&answer, |answer| verdicts(&answer.secret_tests))?;
    let any = |verdict| answer.secret_tests.iter().any(|test| test.verdict() == verdict);
    if any(ClientSecretVerdict::Accepted) {
        Ok(())
    } else if any(ClientSecretVerdict::Rejected) {
        Err(Failure::ClientRejected)
    } else {
        Err(Failure::NoVerdict)
    }
}

fn verdicts(tests: &[ClientSecretTest]) -> Table {
    let mut table = Table::headed(["SECRET", "VERDICT", "THE PROVIDER SAID"]);
    for test in tests {
        let secret = if test.secret_id.is_empty() { "(public)" } else { &test.secret_id };
        let tone = match test.verdict() {
            ClientSecretVerdict::Accepted => Tone::Good,
            ClientSecretVerdict::Rejected => Tone::Bad,
            ClientSecretVerdict::Unreachable | ClientSecretVerdict::Inconclusive => Tone::Warning,
            ClientSecretVerdict::Unspecified => Tone::Plain,
        };
        let verdict = Cell::toned(short(test.verdict().as_str_name(), "CLIENT_SECRET_VERDICT_"), tone);
        table.row([secret.into(), verdict, said(test).into()]);
    }
    table
}

fn said(test: &ClientSecretTest) -> String {
    match (test.http_status, test.oauth_error.as_str()) {
        (0, _) => "nothing".to_owned(),
        (status, "") => format!("HTTP {status}"),
        (status, error) => format!("{error} HTTP {status}"),
    }
}
