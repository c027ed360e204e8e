//! The machine credential that the command line describes.

use std::path::PathBuf;

use broker_proto::v1::create_machine_credential_request::Credential;
use broker_proto::v1::{ApiKey, ClientCredentials, DerivedToken};
use clap::Args;

use crate::failure::Failure;
use crate::secret_input;

/// One of three: an API key, tokens of the client itself, or tokens of another account.
#[derive(Debug, Args)]
pub(crate) struct NewCredential {
    /// File with the identifying half of the API key, `-` for standard input
    #[arg(long, value_name = "FILE", requires = "secret_file", required_unless_present_any = ["client_credentials", "derived_from"])]
    id_file: Option<PathBuf>,
    /// File with the secret half, `-` for standard input
    #[arg(long, value_name = "FILE", requires = "id_file")]
    secret_file: Option<PathBuf>,
    /// Mint tokens of the client itself
    #[arg(long, conflicts_with_all = ["id_file", "derived_from"])]
    client_credentials: bool,
    /// The client registration whose tokens are minted; the first one unless it is named
    #[arg(
        long,
        value_name = "ID",
        requires = "client_credentials",
        default_value = "",
        hide_default_value = true
    )]
    client_registration: String,
    /// Mint tokens of another account with the token of this user's grant
    #[arg(long, value_name = "USER", requires = "target_account", conflicts_with = "id_file")]
    derived_from: Option<String>,
    /// The label of that grant
    #[arg(
        long,
        value_name = "LABEL",
        requires = "derived_from",
        default_value = "",
        hide_default_value = true
    )]
    derived_from_account: String,
    /// The account at the provider that they are of
    #[arg(long, value_name = "ACCOUNT", requires = "derived_from")]
    target_account: Option<String>,
    /// A scope to ask for besides the provider's own; may be repeated
    #[arg(long = "scope", value_name = "SCOPE", conflicts_with = "id_file")]
    scopes: Vec<String>,
}

impl NewCredential {
    pub(crate) fn read(self) -> Result<Credential, Failure> {
        match self {
            Self { client_credentials: true, client_registration, scopes, .. } => {
                let client_registration_id = client_registration;
                Ok(Credential::ClientCredentials(ClientCredentials { client_registration_id, scopes }))
            }
            Self { derived_from: Some(user_id), derived_from_account, target_account, scopes, .. } => {
                Ok(Credential::Derived(DerivedToken {
                    user_id,
                    account: derived_from_account,
                    target_account_id: target_account.unwrap_or_default(),
                    scopes,
                }))
            }
            Self { id_file: Some(id), secret_file: Some(secret), .. } => {
                if id == secret {
                    let told = "--id-file and --secret-file must not be the same";
                    return Err(Failure::Usage(told.to_owned()));
                }
                let (id, secret) = (secret_input::read(&id)?, secret_input::read(&secret)?);
                Ok(Credential::ApiKey(ApiKey { id, secret }))
            }
            _ => {
                let told = "name --id-file and --secret-file, --client-credentials, or --derived-from";
                Err(Failure::Usage(told.to_owned()))
            }
        }
    }
}
