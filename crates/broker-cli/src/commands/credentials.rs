use broker_proto::v1::create_machine_credential_request::Credential;
use broker_proto::v1::rotate_machine_credential_request::Credential as NextCredential;
use broker_proto::v1::{
    CreateMachineCredentialRequest, DeleteMachineCredentialRequest, GetMachineCredentialRequest,
    ListMachineCredentialsRequest, ListMachineCredentialsResponse, MachineCredential,
    RotateMachineCredentialRequest,
};
use clap::{Args, Subcommand};

use super::credential_table;
use super::new_credential::NewCredential;
use crate::failure::Failure;
use crate::session::Session;
use crate::when::now;

const PAGE_SIZE: i32 = 1000;

#[derive(Debug, Subcommand)]
pub(crate) enum Credentials {
    /// Put an API key, or what tokens are minted of, under a key that has no grant
    Create(NewCredential),
    /// List the machine credentials of a tenant
    List(List),
    /// Show one, without its secret
    Get,
    /// Put another one, of any kind, in the place of the one there is
    Rotate(Rotate),
    /// Erase one; at the provider it works on until it is withdrawn there
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// List no more than this many; 0 lists all
    #[arg(long, default_value_t = 1000, value_name = "COUNT")]
    limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    new: NewCredential,
    /// Rotate it only if it still has this etag
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Delete it only if it still has this etag
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
}

impl Credentials {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Create(new) => create(new, session).await,
            Self::List(list) => list.run(session).await,
            Self::Get => get(session).await,
            Self::Rotate(rotate) => rotate.run(session).await,
            Self::Delete(delete) => delete.run(session).await,
        }
    }
}

async fn create(new: NewCredential, session: &Session) -> Result<(), Failure> {
    let key = Some(session.key()?);
    let request = CreateMachineCredentialRequest { key, credential: Some(new.read()?) };
    let answer = session.admin().create_machine_credential(session.request(request)).await?.into_inner();
    let credential = complete(answer.machine_credential.as_ref())?;
    session.output().answer(&answer, |_| credential_table::details(credential, &now()))
}

impl List {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let answer = self.read(session).await?;
        session
            .output()
            .answer(&answer, |answer| credential_table::list(&answer.machine_credentials, &now()))?;
        if !answer.next_page_token.is_empty() {
            session.output().remark("There are more. List them with a higher --limit, or --limit 0.");
        }
        Ok(())
    }

    /// Reads page after page. A limit that cuts the list leaves the token of the next page in the answer.
    async fn read(self, session: &Session) -> Result<ListMachineCredentialsResponse, Failure> {
        let limit = if self.limit == 0 { usize::MAX } else { self.limit };
        let mut request = ListMachineCredentialsRequest {
            tenant_id: session.tenant()?,
            provider: session.any_provider(),
            user_id: session.any_user(),
            ..Default::default()
        };
        let mut all: Vec<MachineCredential> = Vec::new();
        loop {
            request.page_size = i32::try_from(limit - all.len()).unwrap_or(PAGE_SIZE).min(PAGE_SIZE);
            let page = session.admin().list_machine_credentials(session.request(request.clone())).await?;
            let ListMachineCredentialsResponse { machine_credentials, next_page_token } = page.into_inner();
            all.extend(machine_credentials);
            if next_page_token.is_empty() || all.len() >= limit {
                return Ok(ListMachineCredentialsResponse { machine_credentials: all, next_page_token });
            }
            request.page_token = next_page_token;
        }
    }
}

async fn get(session: &Session) -> Result<(), Failure> {
    let request = session.request(GetMachineCredentialRequest { key: Some(session.key()?) });
    let answer = session.admin().get_machine_credential(request).await?.into_inner();
    let credential = complete(answer.machine_credential.as_ref())?;
    session.output().answer(&answer, |_| credential_table::details(credential, &now()))
}

impl Rotate {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = RotateMachineCredentialRequest {
            key: Some(session.key()?),
            credential: Some(next(self.new.read()?)),
            etag: self.etag,
        };
        let answer = session.admin().rotate_machine_credential(session.request(request)).await?.into_inner();
        let credential = complete(answer.machine_credential.as_ref())?;
        session.output().answer(&answer, |_| credential_table::details(credential, &now()))
    }
}

impl Delete {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let key = session.key()?;
        let request = DeleteMachineCredentialRequest { key: Some(key.clone()), etag: self.etag };
        let answer = session.admin().delete_machine_credential(session.request(request)).await?.into_inner();
        session.output().answer(&answer, |_| credential_table::deleted(&key))
    }
}

fn next(credential: Credential) -> NextCredential {
    match credential {
        Credential::ApiKey(pair) => NextCredential::ApiKey(pair),
        Credential::ClientCredentials(client) => NextCredential::ClientCredentials(client),
        Credential::Derived(derived) => NextCredential::Derived(derived),
    }
}

fn complete(credential: Option<&MachineCredential>) -> Result<&MachineCredential, Failure> {
    credential.ok_or(Failure::Incomplete("machine credential"))
}
