use std::path::PathBuf;

use broker_proto::v1::{
    AddClientSecretRequest, ClientRegistration, GetClientRegistrationRequest, RetireClientSecretRequest,
};
use clap::{Args, Subcommand};

use super::registration_name::RegistrationName;
use super::registration_table;
use crate::failure::Failure;
use crate::secret_input;
use crate::session::Session;
use crate::when::now;

#[derive(Debug, Subcommand)]
pub(crate) enum Secrets {
    /// Add a secret; a rejected registration is tried with it at once
    Add(Add),
    /// Erase a secret; the last one stays
    Retire(Retire),
    /// List the secrets, in the order in which they are tried
    List(RegistrationName),
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    #[command(flatten)]
    registration: RegistrationName,
    /// File with the client secret, `-` for standard input
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    /// Try it before the others instead of after them
    #[arg(long)]
    prefer: bool,
    /// A UUID that makes it harmless to send this twice within a day
    #[arg(long, default_value = "", hide_default_value = true, value_name = "UUID")]
    request_id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Retire {
    #[command(flatten)]
    registration: RegistrationName,
    /// Id of the secret, as `secrets list` shows it
    #[arg(value_name = "SECRET")]
    secret_id: String,
    /// Retire it only if the registration still has this etag
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
}

impl Secrets {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Add(add) => add.run(session).await,
            Self::Retire(retire) => retire.run(session).await,
            Self::List(name) => list(name, session).await,
        }
    }
}

impl Add {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = AddClientSecretRequest {
            tenant_id: session.tenant()?,
            provider: session.provider()?,
            registration_id: self.registration.id,
            client_secret: secret_input::read(&self.secret_file)?,
            prefer: self.prefer,
            request_id: self.request_id,
        };
        let answer = session.admin().add_client_secret(session.request(request)).await?.into_inner();
        let registration = complete(answer.client_registration.as_ref())?;
        session.output().answer(&answer, |_| registration_table::secrets(registration, &now()))?;
        session.output().remark(&format!("Added secret {}.", answer.secret_id));
        Ok(())
    }
}

impl Retire {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = RetireClientSecretRequest {
            tenant_id: session.tenant()?,
            provider: session.provider()?,
            registration_id: self.registration.id,
            secret_id: self.secret_id,
            etag: self.etag,
        };
        let answer = session.admin().retire_client_secret(session.request(request)).await?.into_inner();
        let registration = complete(answer.client_registration.as_ref())?;
        session.output().answer(&answer, |_| registration_table::secrets(registration, &now()))
    }
}

async fn list(name: RegistrationName, session: &Session) -> Result<(), Failure> {
    let request = GetClientRegistrationRequest {
        tenant_id: session.tenant()?,
        provider: session.provider()?,
        registration_id: name.id,
    };
    let answer = session.admin().get_client_registration(session.request(request)).await?.into_inner();
    let registration = complete(answer.client_registration.as_ref())?;
    session.output().answer(&answer, |_| registration_table::secrets(registration, &now()))
}

fn complete(registration: Option<&ClientRegistration>) -> Result<&ClientRegistration, Failure> {
    registration.ok_or(Failure::Incomplete("client registration"))
}
