use broker_proto::v1::{
    CreateTenantRequest, GetTenantRequest, ListTenantsRequest, ListTenantsResponse, Tenant, TenantState,
    UpdateTenantRequest,
};
use clap::{Args, Subcommand, ValueEnum};
use prost_types::FieldMask;

use super::delete_tenant::Delete;
use super::pages::{Limit, remark_on_more};
use super::short;
use crate::failure::Failure;
use crate::output::{Cell, Table, Tone};
use crate::session::Session;
use crate::when::{now, when};

#[derive(Debug, Subcommand)]
pub(crate) enum Tenants {
    /// Create the tenant --tenant
    Create(Create),
    /// Show the tenant --tenant
    Get,
    /// List the tenants
    List(List),
    /// Change the tenant --tenant
    Update(Update),
    /// Revoke every grant of --tenant, then destroy its keys
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Name for people
    #[arg(long, default_value = "")]
    display_name: String,
    /// A UUID that makes it harmless to send this twice within a day
    #[arg(long, default_value = "", hide_default_value = true, value_name = "UUID")]
    request_id: String,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only tenants in this state; may be repeated. Default: all but deleted
    #[arg(long = "state", value_enum, value_name = "STATE")]
    states: Vec<State>,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    /// Name for people
    #[arg(long)]
    display_name: String,
    /// Change it only if it still has this etag
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Active,
    Deleting,
    Deleted,
}

impl From<State> for TenantState {
    fn from(state: State) -> Self {
        match state {
            State::Active => Self::Active,
            State::Deleting => Self::Deleting,
            State::Deleted => Self::Deleted,
        }
    }
}

impl Tenants {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(session).await,
            Self::Get => get(session).await,
            Self::List(list) => list.run(session).await,
            Self::Update(update) => update.run(session).await,
            Self::Delete(delete) => delete.run(session).await,
        }
    }
}

impl Create {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = CreateTenantRequest {
            tenant_id: session.tenant()?,
            display_name: self.display_name,
            request_id: self.request_id,
        };
        let answer = session.admin().create_tenant(session.request(request)).await?.into_inner();
        let tenant = answer.tenant.as_ref().ok_or(Failure::Incomplete("tenant"))?;
        session.output().answer(&answer, |_| details(tenant))
    }
}

async fn get(session: &Session) -> Result<(), Failure> {
    let request = session.request(GetTenantRequest { tenant_id: session.tenant()? });
    let answer = session.admin().get_tenant(request).await?.into_inner();
    let tenant = answer.tenant.as_ref().ok_or(Failure::Incomplete("tenant"))?;
    session.output().answer(&answer, |_| details(tenant))
}

impl List {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let states: Vec<i32> = self.states.into_iter().map(|state| TenantState::from(state).into()).collect();
        let (tenants, next_page_token) = self
            .limit
            .read(async |page| {
                let request = ListTenantsRequest {
                    page_size: page.size,
                    page_token: page.token,
                    states: states.clone(),
                };
                let page = session.admin().list_tenants(session.request(request)).await?.into_inner();
                Ok((page.tenants, page.next_page_token))
            })
            .await?;
        let answer = ListTenantsResponse { tenants, next_page_token };
        session.output().answer(&answer, |answer| list(&answer.tenants))?;
        remark_on_more(session, &answer.next_page_token);
        Ok(())
    }
}

impl Update {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = UpdateTenantRequest {
            tenant_id: session.tenant()?,
            display_name: self.display_name,
            update_mask: Some(FieldMask { paths: vec!["display_name".to_owned()] }),
            etag: self.etag,
        };
        let answer = session.admin().update_tenant(session.request(request)).await?.into_inner();
        let tenant = answer.tenant.as_ref().ok_or(Failure::Incomplete("tenant"))?;
        session.output().answer(&answer, |_| details(tenant))
    }
}

fn list(tenants: &[Tenant]) -> Table {
    let now = now();
    let mut table = Table::headed(["TENANT", "DISPLAY NAME", "STATE", "CREATED"]);
    for tenant in tenants {
        table.row([
            tenant.tenant_id.as_str().into(),
            tenant.display_name.as_str().into(),
            state(tenant),
            when(tenant.create_time.as_ref(), &now).into(),
        ]);
    }
    table
}

/// A tenant for people.
pub(crate) fn details(tenant: &Tenant) -> Table {
    let now = now();
    let mut table = Table::default();
    table.fact("tenant", &tenant.tenant_id);
    table.fact("display name", &tenant.display_name);
    table.fact("state", state(tenant));
    if tenant.state() == TenantState::Deleting {
        table.fact("grants to revoke", tenant.pending_revocation_count.to_string());
    }
    table.fact("created", when(tenant.create_time.as_ref(), &now));
    table.fact("changed", when(tenant.update_time.as_ref(), &now));
    table.fact("etag", &tenant.etag);
    table
}

fn state(tenant: &Tenant) -> Cell {
    let tone = match tenant.state() {
        TenantState::Active => Tone::Good,
        TenantState::Deleting => Tone::Warning,
        TenantState::Deleted => Tone::Bad,
        TenantState::Unspecified => Tone::Plain,
    };
    Cell::toned(short(tenant.state().as_str_name(), "TENANT_STATE_"), tone)
}
