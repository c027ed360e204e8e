use broker_proto::v1::{
    AuditOutcome, ListAuditEventsRequest, ListAuditEventsResponse, ListTenantsRequest, TenantState,
    VerifyAuditLogRequest, VerifyAuditLogResponse,
};
use clap::{Args, Subcommand, ValueEnum};

use super::audit_table;
use super::pages::{Limit, remark_on_more};
use crate::failure::Failure;
use crate::session::Session;
use crate::when::now;

/// Records verified by one call: a few seconds of the broker's time.
const AT_ONCE: u64 = 50_000;

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// List what was done, newest first; without --tenant, what concerns the whole installation
    List(List),
    /// Verify that no record was changed or removed; exits with 9 where one was
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only of this caller; `broker` for what it does by itself
    #[arg(long, value_name = "NAME")]
    principal: Option<String>,
    /// Only what ended so; may be given several times
    #[arg(long, value_enum)]
    outcome: Vec<Outcome>,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The logs of every tenant and of the installation, instead of --tenant
    #[arg(long)]
    all: bool,
    /// Place of a record whose hash was kept elsewhere
    #[arg(long, value_name = "NUMBER", requires = "known_hash", conflicts_with = "all")]
    known_sequence: Option<u64>,
    /// Its hash, 64 hexadecimal digits
    #[arg(long, value_name = "HEX", requires = "known_sequence", value_parser = hash)]
    known_hash: Option<Hash>,
}

/// A hash as it is written.
#[derive(Clone, Debug)]
struct Hash(Vec<u8>);

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Outcome {
    /// Done
    Succeeded,
    /// Not allowed
    Denied,
    /// Allowed, and failed
    Failed,
}

impl From<Outcome> for AuditOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Succeeded => Self::Succeeded,
            Outcome::Denied => Self::Denied,
            Outcome::Failed => Self::Failed,
        }
    }
}

impl Audit {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(session).await,
            Self::Verify(verify) => verify.run(session).await,
        }
    }
}

impl List {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let asked = ListAuditEventsRequest {
            tenant_id: session.any_tenant().unwrap_or_default(),
            provider: session.any_provider(),
            user_id: session.any_user(),
            principal: self.principal.unwrap_or_default(),
            outcomes: self.outcome.into_iter().map(|outcome| AuditOutcome::from(outcome).into()).collect(),
            ..Default::default()
        };
        let (audit_events, next_page_token) = self
            .limit
            .read(async |page| {
                let request =
                    ListAuditEventsRequest { page_size: page.size, page_token: page.token, ..asked.clone() };
                let page = session.admin().list_audit_events(session.request(request)).await?.into_inner();
                Ok((page.audit_events, page.next_page_token))
            })
            .await?;
        let answer = ListAuditEventsResponse { audit_events, next_page_token };
        session.output().answer(&answer, |answer| audit_table::events(&answer.audit_events, &now()))?;
        remark_on_more(session, &answer.next_page_token);
        Ok(())
    }
}

impl Verify {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let logs = match (self.all, session.tenant()) {
            (true, Ok(_)) => return Err(Failure::Usage("give --tenant or --all, not both".to_owned())),
            (true, Err(_)) => every_log(session).await?,
            (false, tenant) => vec![tenant.unwrap_or_default()],
        };
        let mut broken = 0;
        for log in logs {
            let answer = self.verify(session, &log).await?;
            broken += usize::from(answer.first_broken.is_some());
            session.output().answer(&answer, |answer| audit_table::verdict(&log, answer))?;
        }
        if broken > 0 { Err(Failure::AuditBroken(broken)) } else { Ok(()) }
    }

    /// Verifies part after part, so that none takes longer than a call may.
    async fn verify(&self, session: &Session, log: &str) -> Result<VerifyAuditLogResponse, Failure> {
        let mut verified = 0;
        let mut from = 1;
        loop {
            let mut request = VerifyAuditLogRequest {
                tenant_id: log.to_owned(),
                from_sequence: from,
                to_sequence: from + AT_ONCE - 1,
                ..Default::default()
            };
            if let (1, Some(sequence), Some(hash)) = (from, self.known_sequence, &self.known_hash) {
                (request.known_sequence, request.known_hash) = (sequence, hash.0.clone());
            }
            let answer = session.admin().verify_audit_log(session.request(request)).await?.into_inner();
            verified += answer.verified_count;
            if answer.first_broken.is_some() || answer.last_sequence < from + AT_ONCE {
                return Ok(VerifyAuditLogResponse { verified_count: verified, ..answer });
            }
            let so_far = format!("{verified} of {} records hold so far", answer.last_sequence);
            session.output().remark(&so_far);
            from += AT_ONCE;
        }
    }
}

/// The log of the installation, and those of all tenants there are or were.
async fn every_log(session: &Session) -> Result<Vec<String>, Failure> {
    let mut logs = vec![String::new()];
    let states = [TenantState::Active, TenantState::Deleting, TenantState::Deleted];
    let mut request =
        ListTenantsRequest { states: states.map(i32::from).to_vec(), ..ListTenantsRequest::default() };
    loop {
        let page = session.admin().list_tenants(session.request(request.clone())).await?.into_inner();
        logs.extend(page.tenants.into_iter().map(|tenant| tenant.tenant_id));
        if page.next_page_token.is_empty() {
            return Ok(logs);
        }
        request.page_token = page.next_page_token;
    }
}

fn hash(text: &str) -> Result<Hash, String> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    match digits {
        Some(digits) if digits.len() == 64 => {
            Ok(Hash(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()))
        }
        _ => Err("must be 64 hexadecimal digits, as `audit verify` prints them".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_printed() {
        assert_eq!(hash(&"0a".repeat(32)).unwrap().0, [10; 32]);
        for bad in ["", "0a", &"0g".repeat(32), &"ä".repeat(64)] {
            assert!(hash(bad).is_err(), "{bad}");
        }
    }
}
