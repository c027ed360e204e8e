use std::path::PathBuf;

use broker_proto::v1::{ClientRegistration, CreateClientRegistrationRequest};
use clap::{Args, Subcommand};

use super::short;
use crate::failure::Failure;
use crate::output::Table;
use crate::secret_input;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum Registrations {
    /// Register the OAuth client of --tenant at --provider
    Create(Create),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Name of the registration
    #[arg(long = "registration", default_value = "default", value_name = "ID")]
    registration_id: String,
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
}

impl Registrations {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(session).await,
        }
    }
}

impl Create {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = self.into_request(session)?;
        let answer = session.admin().create_client_registration(session.request(request)).await?.into_inner();
        let registration =
            answer.client_registration.as_ref().ok_or(Failure::Incomplete("client registration"))?;
        session.output().answer(&answer, |_| table(registration))
    }

    fn into_request(self, session: &Session) -> Result<CreateClientRegistrationRequest, Failure> {
        let client_secret = self.client_secret_file.as_deref().map(secret_input::read);
        Ok(CreateClientRegistrationRequest {
            tenant_id: session.tenant()?,
            provider: session.provider()?,
            registration_id: self.registration_id,
            client_id: self.client_id,
            client_secret: client_secret.transpose()?.unwrap_or_default(),
            redirect_uri: self.redirect_uri,
            scopes: self.scopes,
            public: self.public,
            return_to: self.return_to.into_iter().collect(),
            allow_device_authorization: self.allow_device_authorization,
            ..Default::default()
        })
    }
}

fn name_and_url(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, url)) if !name.is_empty() && !url.is_empty() => Ok((name.to_owned(), url.to_owned())),
        _ => Err("must be NAME=URL".to_owned()),
    }
}

fn table(registration: &ClientRegistration) -> Table {
    let mut table = Table::default();
    table.fact("tenant", &registration.tenant_id);
    table.fact("provider", &registration.provider);
    table.fact("registration", &registration.registration_id);
    table.fact("state", short(registration.state().as_str_name(), "CLIENT_REGISTRATION_STATE_"));
    table.fact("client id", &registration.client_id);
    table.fact("secrets", registration.secrets.len().to_string());
    table.fact("redirect uri", &registration.redirect_uri);
    table.fact("callback page", if registration.broker_hosted { "the broker's" } else { "the product's" });
    table.fact("scopes", registration.scopes.join(" "));
    table
}
