use broker_proto::v1::{CreateTenantRequest, Tenant};
use clap::{Args, Subcommand};

use super::delete_tenant::Delete;
use super::short;
use crate::failure::Failure;
use crate::output::Table;
use crate::session::Session;
use crate::when::{now, when};

#[derive(Debug, Subcommand)]
pub(crate) enum Tenants {
    /// Create the tenant --tenant
    Create(Create),
    /// Revoke every grant of --tenant, then destroy its keys
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Name for people
    #[arg(long, default_value = "")]
    display_name: String,
}

impl Tenants {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(session).await,
            Self::Delete(delete) => delete.run(session).await,
        }
    }
}

impl Create {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = CreateTenantRequest {
            tenant_id: session.tenant()?,
            display_name: self.display_name,
            ..Default::default()
        };
        let answer = session.admin().create_tenant(session.request(request)).await?.into_inner();
        session.output().answer(&answer, |answer| table(answer.tenant.as_ref()))
    }
}

/// A tenant for people.
pub(crate) fn table(tenant: Option<&Tenant>) -> Table {
    let mut table = Table::default();
    table.fact("tenant", tenant.map_or("", |tenant| &tenant.tenant_id));
    table.fact("display name", tenant.map_or("", |tenant| &tenant.display_name));
    table.fact("state", tenant.map_or("", |tenant| short(tenant.state().as_str_name(), "TENANT_STATE_")));
    table.fact("created", when(tenant.and_then(created), &now()));
    table
}

fn created(tenant: &Tenant) -> Option<&prost_types::Timestamp> {
    tenant.create_time.as_ref()
}
