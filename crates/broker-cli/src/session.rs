//! One run of a command: the connection, the grant that is meant, and how to print.

use broker_proto::v1::GrantKey;
use broker_proto::v1::admin_service_client::AdminServiceClient;
use broker_proto::v1::consent_service_client::ConsentServiceClient;
use broker_proto::v1::token_service_client::TokenServiceClient;
use tonic::Request;
use tonic_health::pb::health_client::HealthClient;

use crate::cli::Globals;
use crate::connection::{Connection, connect};
use crate::failure::Failure;
use crate::output::Output;

pub(crate) struct Session {
    globals: Globals,
    connection: Connection,
    output: Output,
}

impl Session {
    /// Does not connect yet: the first call does.
    pub(crate) fn open(globals: Globals) -> Result<Self, Failure> {
        let connection = connect(&globals.endpoint, &globals.credentials)?;
        let output = Output::to_stdout(globals.output);
        Ok(Self { connection, output, globals })
    }

    pub(crate) fn admin(&self) -> AdminServiceClient<Connection> {
        AdminServiceClient::new(self.connection.clone())
    }

    pub(crate) fn consent(&self) -> ConsentServiceClient<Connection> {
        ConsentServiceClient::new(self.connection.clone())
    }

    pub(crate) fn token(&self) -> TokenServiceClient<Connection> {
        TokenServiceClient::new(self.connection.clone())
    }

    pub(crate) fn health(&self) -> HealthClient<Connection> {
        HealthClient::new(self.connection.clone())
    }

    /// For a service that only one command calls.
    pub(crate) fn connection(&self) -> Connection {
        self.connection.clone()
    }

    pub(crate) fn output(&self) -> &Output {
        &self.output
    }

    /// Wraps a message for sending; the broker learns how long we wait.
    pub(crate) fn request<M>(&self, message: M) -> Request<M> {
        let mut request = Request::new(message);
        request.set_timeout(self.globals.timeout);
        request
    }

    pub(crate) fn tenant(&self) -> Result<String, Failure> {
        required(self.globals.tenant.as_ref(), "--tenant")
    }

    pub(crate) fn provider(&self) -> Result<String, Failure> {
        required(self.globals.provider.as_ref(), "--provider")
    }

    pub(crate) fn user(&self) -> Result<String, Failure> {
        required(self.globals.user.as_ref(), "--user")
    }

    pub(crate) fn account(&self) -> String {
        self.globals.account.clone().unwrap_or_default()
    }

    /// `--tenant` where it narrows a list.
    pub(crate) fn any_tenant(&self) -> Option<String> {
        self.globals.tenant.clone()
    }

    /// `--provider` where it narrows a list.
    pub(crate) fn any_provider(&self) -> String {
        self.globals.provider.clone().unwrap_or_default()
    }

    /// `--user` where it narrows a list.
    pub(crate) fn any_user(&self) -> String {
        self.globals.user.clone().unwrap_or_default()
    }

    pub(crate) fn key(&self) -> Result<GrantKey, Failure> {
        Ok(GrantKey {
            tenant_id: self.tenant()?,
            provider: self.provider()?,
            user_id: self.user()?,
            account: self.account(),
        })
    }
}

fn required(value: Option<&String>, flag: &str) -> Result<String, Failure> {
    match value {
        Some(value) if !value.is_empty() => Ok(value.clone()),
        _ => Err(Failure::Usage(format!("{flag} is required"))),
    }
}
