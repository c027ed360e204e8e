//! `brokerctl grants import`.

use std::path::PathBuf;
use std::time::SystemTime;

use broker_proto::v1::ImportGrantRequest;
use clap::Args;

use super::grant_table;
use crate::failure::Failure;
use crate::secret_input;
use crate::session::Session;
use crate::when::now;

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// File with the refresh token, `-` for standard input. From now on nobody else may use it
    #[arg(long, value_name = "FILE")]
    refresh_token_file: PathBuf,
    /// Redeem it once before accepting it
    #[arg(long)]
    verify: bool,
    /// A scope that was granted; may be repeated. Default: those of the client registration
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// The client registration that obtained it. Default: the one of the existing grant, else the first
    #[arg(long = "registration", default_value = "", hide_default_value = true, value_name = "ID")]
    registration_id: String,
    /// When the user consented, as RFC 3339: 2026-01-31T12:00:00Z. Default: now
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_rfc3339)]
    consent_time: Option<SystemTime>,
    /// Replace an existing grant of another upstream account
    #[arg(long)]
    allow_account_change: bool,
    /// A UUID that makes it harmless to repeat the command within a day
    #[arg(long, default_value = "", hide_default_value = true, value_name = "UUID")]
    request_id: String,
}

impl Import {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = session.request(self.into_request(session)?);
        let answer = session.consent().import_grant(request).await?.into_inner();
        let grant = answer.grant.as_ref().ok_or(Failure::Incomplete("grant"))?;
        session.output().answer(&answer, |_| grant_table::details(grant, &now()))
    }

    fn into_request(self, session: &Session) -> Result<ImportGrantRequest, Failure> {
        Ok(ImportGrantRequest {
            tenant_id: session.tenant()?,
            provider: session.provider()?,
            user_id: session.user()?,
            account: session.account(),
            refresh_token: secret_input::read(&self.refresh_token_file)?,
            verify: self.verify,
            scopes: self.scopes,
            registration_id: self.registration_id,
            consent_time: self.consent_time.map(Into::into),
            allow_account_change: self.allow_account_change,
            request_id: self.request_id,
        })
    }
}
