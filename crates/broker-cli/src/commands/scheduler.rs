use std::time::Duration;

use broker_proto::v1::{
    ClaimingHold, GetSchedulerStatusRequest, PauseRefreshRequest, RefreshPause, Replica,
    ResumeRefreshRequest, ResumeRefreshResponse, SchedulerStatus, pause_refresh_request, refresh_pause,
    resume_refresh_request,
};
use clap::{Args, Subcommand};
use prost_types::Timestamp;

use crate::failure::Failure;
use crate::output::{Cell, Table, Tone};
use crate::session::Session;
use crate::when::{now, when};

#[derive(Debug, Subcommand)]
pub(crate) enum Scheduler {
    /// Show what is due, what is in doubt, what is paused, and who refreshes
    Status,
    /// Pause the refreshing of --tenant, or at --provider. Valid tokens are still served
    Pause(Pause),
    /// End the pause of --tenant, or of --provider, whose fleet breaker is closed too
    Resume,
}

#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// For how long: 30m, 2h, 7d at most
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    ttl: Duration,
    /// Why, for people
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    note: String,
}

impl Scheduler {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Status => status(session).await,
            Self::Pause(pause) => pause.run(session).await,
            Self::Resume => resume(session).await,
        }
    }
}

/// What a pause is of: one flag, not both.
enum Target {
    Tenant(String),
    Provider(String),
}

impl Target {
    fn of(session: &Session) -> Result<Self, Failure> {
        match (session.tenant(), session.provider()) {
            (Ok(tenant), Err(_)) => Ok(Self::Tenant(tenant)),
            (Err(_), Ok(provider)) => Ok(Self::Provider(provider)),
            _ => Err(Failure::Usage("give --tenant or --provider, and not both".to_owned())),
        }
    }
}

async fn status(session: &Session) -> Result<(), Failure> {
    let request = session.request(GetSchedulerStatusRequest {});
    let answer = session.admin().get_scheduler_status(request).await?.into_inner();
    let status = answer.status.as_ref().ok_or(Failure::Incomplete("status"))?;
    session.output().answer(&answer, |_| overview(status, &now()))
}

impl Pause {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let target = match Target::of(session)? {
            Target::Tenant(tenant) => pause_refresh_request::Target::TenantId(tenant),
            Target::Provider(provider) => pause_refresh_request::Target::Provider(provider),
        };
        let ttl = prost_types::Duration::try_from(self.ttl);
        let request = PauseRefreshRequest {
            target: Some(target),
            ttl: Some(ttl.map_err(|_| Failure::Usage("--for is too long".to_owned()))?),
            note: self.note,
        };
        let answer = session.admin().pause_refresh(session.request(request)).await?.into_inner();
        let pause = answer.pause.as_ref().ok_or(Failure::Incomplete("pause"))?;
        session.output().answer(&answer, |_| details(pause, &now()))
    }
}

async fn resume(session: &Session) -> Result<(), Failure> {
    let target = match Target::of(session)? {
        Target::Tenant(tenant) => resume_refresh_request::Target::TenantId(tenant),
        Target::Provider(provider) => resume_refresh_request::Target::Provider(provider),
    };
    let request = session.request(ResumeRefreshRequest { target: Some(target) });
    let answer = session.admin().resume_refresh(request).await?.into_inner();
    session.output().answer(&answer, resumed)
}

fn resumed(answer: &ResumeRefreshResponse) -> Table {
    let mut table = Table::default();
    table.fact("was paused", if answer.was_paused { "yes" } else { "no" });
    table
}

fn overview(status: &SchedulerStatus, now: &Timestamp) -> Table {
    let mut table = Table::default();
    table.fact("claiming", claiming(status.hold()));
    table.fact("due", status.due_count.to_string());
    table.fact("lag", lag(status.lag.as_ref()));
    table.fact("in flight", status.in_flight_count.to_string());
    table.fact("uncertain", in_doubt(status.uncertain_count));
    table.fact("suspect", in_doubt(status.suspect_count));
    if status.pauses.is_empty() {
        table.fact("paused", "nothing");
    }
    for pause in &status.pauses {
        table.fact("paused", Cell::toned(pause_line(pause, now), Tone::Warning));
    }
    for replica in &status.replicas {
        table.fact("replica", replica_line(replica, now));
    }
    table
}

fn claiming(hold: ClaimingHold) -> Cell {
    match hold {
        ClaimingHold::Unspecified => Cell::toned("goes on", Tone::Good),
        ClaimingHold::EpochChanged => {
            Cell::toned("held: replicas still replay their escrow after the store's epoch changed", Tone::Bad)
        }
        ClaimingHold::StoreNotAdopted => {
            Cell::toned("held: the database may be a copy; see `token-broker store adopt`", Tone::Bad)
        }
        ClaimingHold::EscrowUnwritable => Cell::toned("held: the escrow cannot be written", Tone::Bad),
        ClaimingHold::ClockSkew => Cell::toned("held: the clock is off the store's", Tone::Bad),
    }
}

fn lag(lag: Option<&prost_types::Duration>) -> String {
    let seconds = lag.map_or(0, |lag| u64::try_from(lag.seconds).unwrap_or(0));
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}

fn in_doubt(count: i64) -> Cell {
    Cell::toned(count.to_string(), if count > 0 { Tone::Warning } else { Tone::Plain })
}

fn pause_line(pause: &RefreshPause, now: &Timestamp) -> String {
    let note = if pause.note.is_empty() { String::new() } else { format!(": {}", pause.note) };
    let until = when(pause.expire_time.as_ref(), now);
    format!("{} until {until}, by {}{note}", target(pause), pause.principal)
}

fn details(pause: &RefreshPause, now: &Timestamp) -> Table {
    let mut table = Table::default();
    table.fact("paused", target(pause));
    table.fact("resumes", when(pause.expire_time.as_ref(), now));
    table.fact("by", &pause.principal);
    table.fact("note", &pause.note);
    table
}

fn target(pause: &RefreshPause) -> String {
    match &pause.target {
        Some(refresh_pause::Target::TenantId(tenant)) => format!("tenant {tenant}"),
        Some(refresh_pause::Target::Provider(provider)) => format!("provider {provider}"),
        None => String::new(),
    }
}

fn replica_line(replica: &Replica, now: &Timestamp) -> String {
    let journal = match &replica.drained_time {
        Some(time) => format!(", journal drained {}", when(Some(time), now)),
        None => String::new(),
    };
    let heard = when(replica.heartbeat_time.as_ref(), now);
    format!("{}, heard of {heard}, escrow {}{journal}", replica.incarnation, replica.escrow_id)
}
