//! Revoking one grant, or all that match. What is revoked cannot be brought back: its user must consent again.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use broker_proto::v1::{
    GrantFilter, GrantKey, GrantState, RevokeGrantRequest, RevokeGrantsRequest, RevokeGrantsResponse,
};
use clap::Args;

use super::grant_table;
use super::grants::State;
use crate::failure::Failure;
use crate::output::Table;
use crate::session::Session;
use crate::when::now;

#[derive(Debug, Args)]
pub(crate) struct RevokeAll {
    /// Only grants in this state; may be repeated. Default: all that are not revoked yet
    #[arg(long = "state", value_enum, value_name = "STATE")]
    states: Vec<State>,
    /// Only tell which grants would be revoked
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before revoking
    #[arg(short, long)]
    yes: bool,
}

/// Revokes one grant.
pub(crate) async fn one(session: &Session) -> Result<(), Failure> {
    let request = session.request(RevokeGrantRequest { key: Some(session.key()?) });
    let answer = session.consent().revoke_grant(request).await?.into_inner();
    let grant = answer.grant.as_ref().ok_or(Failure::Incomplete("grant"))?;
    session.output().answer(&answer, |_| grant_table::details(grant, &now()))
}

impl RevokeAll {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let filter = self.filter(session)?;
        if self.dry_run {
            let would = ask(session, &filter, true).await?;
            return session.output().answer(&would, |would| table(would, "would revoke"));
        }
        if !self.yes {
            let would = ask(session, &filter, true).await?;
            if !confirmed(&would)? {
                return Err(Failure::Usage("nothing was revoked".to_owned()));
            }
        }
        let revoked = revoke_all(session, &filter).await?;
        session.output().answer(&revoked, |revoked| table(revoked, "revoking"))
    }

    fn filter(&self, session: &Session) -> Result<GrantFilter, Failure> {
        Ok(GrantFilter {
            tenant_id: session.tenant()?,
            provider: session.any_provider(),
            user_id: session.any_user(),
            states: self.states.iter().map(|state| GrantState::from(*state).into()).collect(),
            ..Default::default()
        })
    }
}

/// One call revokes a limited number; the answers are added up.
async fn revoke_all(session: &Session, filter: &GrantFilter) -> Result<RevokeGrantsResponse, Failure> {
    let mut all = RevokeGrantsResponse::default();
    loop {
        let part = ask(session, filter, false).await?;
        all.matched_count += part.matched_count;
        if all.sample.is_empty() {
            all.sample = part.sample;
        }
        // Named states that a revoked grant is in would match for ever.
        if !part.more || !filter.states.is_empty() {
            return Ok(RevokeGrantsResponse { more: part.more, ..all });
        }
        session.output().remark(&format!("{} revoked so far", all.matched_count));
    }
}

async fn ask(
    session: &Session,
    filter: &GrantFilter,
    dry_run: bool,
) -> Result<RevokeGrantsResponse, Failure> {
    let request = RevokeGrantsRequest { filter: Some(filter.clone()), dry_run };
    Ok(session.admin().revoke_grants(session.request(request)).await?.into_inner())
}

/// Asks whoever sits at the terminal.
fn confirmed(would: &RevokeGrantsResponse) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(format!(
            "this would revoke {} grants; say so with --yes, or look at them with --dry-run",
            count(would)
        )));
    }
    write!(io::stderr(), "Revoke {} grants? Their users must consent again. [y/N] ", count(would))?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn count(answer: &RevokeGrantsResponse) -> String {
    let more = if answer.more { "more than " } else { "" };
    format!("{more}{}", answer.matched_count)
}

fn table(answer: &RevokeGrantsResponse, what: &str) -> Table {
    let mut table = Table::default();
    table.fact(what, format!("{} grants", count(answer)));
    for key in &answer.sample {
        table.fact("", name(key));
    }
    table
}

fn name(key: &GrantKey) -> String {
    format!("{} {} {}", key.provider, key.user_id, key.account)
}
