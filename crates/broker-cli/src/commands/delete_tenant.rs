//! Deleting a tenant, and waiting until it is gone.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::time::Duration;

use broker_proto::v1::{DeleteTenantRequest, DeleteTenantResponse, TenantState};
use clap::Args;

use super::tenants;
use crate::failure::Failure;
use crate::session::Session;

/// Between two looks at how far it is.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Do not ask before deleting
    #[arg(short, long)]
    yes: bool,
    /// Do not wait until every grant is revoked and the keys are destroyed
    #[arg(long)]
    no_wait: bool,
}

impl Delete {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let tenant = session.tenant()?;
        if !self.yes && !confirmed(&tenant)? {
            return Err(Failure::Usage("nothing was deleted".to_owned()));
        }
        let mut answer = ask(session, &tenant).await?;
        let mut told = None;
        while !self.no_wait && is_deleting(&answer) {
            let left = grants_left(&answer);
            if told.replace(left) != Some(left) {
                session.output().remark(&progress(left));
            }
            tokio::time::sleep(PAUSE).await;
            answer = ask(session, &tenant).await?;
        }
        let tenant = answer.tenant.as_ref().ok_or(Failure::Incomplete("tenant"))?;
        session.output().answer(&answer, |_| tenants::details(tenant))
    }
}

/// The call is idempotent, and answers how far the deletion is.
async fn ask(session: &Session, tenant: &str) -> Result<DeleteTenantResponse, Failure> {
    let request = DeleteTenantRequest { tenant_id: tenant.to_owned(), ..Default::default() };
    Ok(session.admin().delete_tenant(session.request(request)).await?.into_inner())
}

fn is_deleting(answer: &DeleteTenantResponse) -> bool {
    answer.tenant.as_ref().is_some_and(|tenant| tenant.state() == TenantState::Deleting)
}

fn grants_left(answer: &DeleteTenantResponse) -> i64 {
    answer.tenant.as_ref().map_or(0, |tenant| tenant.pending_revocation_count)
}

fn progress(left: i64) -> String {
    match left {
        0 => "every grant is revoked; waiting for what is under way".to_owned(),
        1 => "1 grant is still to be revoked at its provider".to_owned(),
        _ => format!("{left} grants are still to be revoked at their providers"),
    }
}

/// Asks whoever sits at the terminal to type the name.
fn confirmed(tenant: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(format!(
            "this would revoke every grant of {tenant} and destroy its keys; say so with --yes"
        )));
    }
    write!(io::stderr(), "This cannot be undone. Type the tenant's id to delete it: ")?;
    let mut typed = String::new();
    io::stdin().lock().read_line(&mut typed)?;
    Ok(typed.trim() == tenant)
}
