use broker_proto::v1::{
    GetGrantRequest, GrantState, ListGrantsRequest, ListGrantsResponse, RefreshGrantRequest,
};
use clap::{Args, Subcommand, ValueEnum};

use super::at_risk::AtRisk;
use super::import::Import;
use super::pages::{Limit, remark_on_more};
use super::revoke::RevokeAll;
use super::{grant_table, revoke};
use crate::failure::Failure;
use crate::session::Session;
use crate::when::now;

#[derive(Debug, Subcommand)]
pub(crate) enum Grants {
    /// List the grants of --tenant; --provider and --user narrow the list
    List(List),
    /// Show the health of one grant
    Get,
    /// List the grants of --tenant that die soon, the earliest first; --provider narrows the list
    AtRisk(AtRisk),
    /// Refresh one grant now
    Refresh,
    /// Take over a refresh token that was obtained elsewhere
    Import(Import),
    /// Revoke one grant: no token of it is served any more, and the provider is told
    Revoke,
    /// Revoke the grants of --tenant; --provider and --user narrow them
    RevokeAll(RevokeAll),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only grants in this state; may be repeated. Default: all but revoked
    #[arg(long = "state", value_enum, value_name = "STATE")]
    states: Vec<State>,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum State {
    Active,
    NeedsConsent,
    ConsentExpired,
    Revoking,
    Revoked,
}

impl From<State> for GrantState {
    fn from(state: State) -> Self {
        match state {
            State::Active => Self::Active,
            State::NeedsConsent => Self::NeedsConsent,
            State::ConsentExpired => Self::ConsentExpired,
            State::Revoking => Self::Revoking,
            State::Revoked => Self::Revoked,
        }
    }
}

impl Grants {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(session).await,
            Self::Get => get(session).await,
            Self::AtRisk(at_risk) => at_risk.run(session).await,
            Self::Refresh => refresh(session).await,
            Self::Import(import) => import.run(session).await,
            Self::Revoke => revoke::one(session).await,
            Self::RevokeAll(all) => all.run(session).await,
        }
    }
}

impl List {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let answer = self.read(session).await?;
        session.output().answer(&answer, |answer| grant_table::list(&answer.grants, &now()))?;
        remark_on_more(session, &answer.next_page_token);
        Ok(())
    }

    async fn read(self, session: &Session) -> Result<ListGrantsResponse, Failure> {
        let limit = self.limit;
        let mut request = self.into_request(session)?;
        let (grants, next_page_token) = limit
            .read(async |page| {
                (request.page_size, request.page_token) = (page.size, page.token);
                let page = session.admin().list_grants(session.request(request.clone())).await?.into_inner();
                Ok((page.grants, page.next_page_token))
            })
            .await?;
        Ok(ListGrantsResponse { grants, next_page_token })
    }

    fn into_request(self, session: &Session) -> Result<ListGrantsRequest, Failure> {
        Ok(ListGrantsRequest {
            tenant_id: session.tenant()?,
            provider: session.any_provider(),
            user_id: session.any_user(),
            states: self.states.into_iter().map(|state| GrantState::from(state).into()).collect(),
            ..Default::default()
        })
    }
}

async fn get(session: &Session) -> Result<(), Failure> {
    let request = session.request(GetGrantRequest { key: Some(session.key()?) });
    let answer = session.admin().get_grant(request).await?.into_inner();
    let grant = answer.grant.as_ref().ok_or(Failure::Incomplete("grant"))?;
    session.output().answer(&answer, |_| grant_table::details(grant, &now()))
}

async fn refresh(session: &Session) -> Result<(), Failure> {
    let request = session.request(RefreshGrantRequest { key: Some(session.key()?) });
    let answer = session.admin().refresh_grant(request).await?.into_inner();
    let grant = answer.grant.as_ref().ok_or(Failure::Incomplete("grant"))?;
    session.output().answer(&answer, |_| grant_table::details(grant, &now()))
}
