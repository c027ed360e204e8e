use broker_proto::v1::{
    GetGrantRequest, Grant, GrantState, ListGrantsRequest, ListGrantsResponse, RefreshGrantRequest,
};
use clap::{Args, Subcommand, ValueEnum};

use super::revoke::RevokeAll;
use super::{grant_table, revoke};
use crate::failure::Failure;
use crate::session::Session;
use crate::when::now;

const PAGE_SIZE: i32 = 500;

#[derive(Debug, Subcommand)]
pub(crate) enum Grants {
    /// List the grants of --tenant; --provider and --user narrow the list
    List(List),
    /// Show the health of one grant
    Get,
    /// Refresh one grant now
    Refresh,
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
    /// List no more than this many; 0 lists all
    #[arg(long, default_value_t = 1000, value_name = "COUNT")]
    limit: usize,
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
            Self::Refresh => refresh(session).await,
            Self::Revoke => revoke::one(session).await,
            Self::RevokeAll(all) => all.run(session).await,
        }
    }
}

impl List {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let answer = self.read(session).await?;
        session.output().answer(&answer, |answer| grant_table::list(&answer.grants, &now()))?;
        if !answer.next_page_token.is_empty() {
            session.output().remark("There are more. List them with a higher --limit, or --limit 0.");
        }
        Ok(())
    }

    /// Reads page after page. A limit that cuts the list leaves the token of the next page in the answer.
    async fn read(self, session: &Session) -> Result<ListGrantsResponse, Failure> {
        let limit = if self.limit == 0 { usize::MAX } else { self.limit };
        let mut request = self.into_request(session)?;
        let mut grants: Vec<Grant> = Vec::new();
        loop {
            let left = limit - grants.len();
            request.page_size = i32::try_from(left).unwrap_or(PAGE_SIZE).min(PAGE_SIZE);
            let page = session.admin().list_grants(session.request(request.clone())).await?.into_inner();
            grants.extend(page.grants);
            if page.next_page_token.is_empty() || grants.len() >= limit {
                return Ok(ListGrantsResponse { grants, next_page_token: page.next_page_token });
            }
            request.page_token = page.next_page_token;
        }
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
