use std::time::Duration;

use broker_proto::v1::{Breaker, BreakerState, ListProvidersRequest, ListProvidersResponse, Provider};
use clap::Subcommand;
use prost_types::Timestamp;

use super::pages::{Limit, remark_on_more};
use super::short;
use crate::failure::Failure;
use crate::output::{Cell, Table, Tone};
use crate::session::Session;
use crate::when::{now, when};

#[derive(Debug, Subcommand)]
pub(crate) enum Providers {
    /// List the configured providers with their breakers, as the replica that answers sees them
    List(Limit),
}

impl Providers {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List(limit) => list(limit, session).await,
        }
    }
}

async fn list(limit: Limit, session: &Session) -> Result<(), Failure> {
    let (providers, next_page_token) = limit
        .read(async |page| {
            let request = ListProvidersRequest { page_size: page.size, page_token: page.token };
            let page = session.admin().list_providers(session.request(request)).await?.into_inner();
            Ok((page.providers, page.next_page_token))
        })
        .await?;
    let answer = ListProvidersResponse { providers, next_page_token };
    session.output().answer(&answer, |answer| table(&answer.providers, &now()))?;
    for remark in answer.providers.iter().flat_map(|provider| remarks(provider, &now())) {
        session.output().remark(&remark);
    }
    remark_on_more(session, &answer.next_page_token);
    Ok(())
}

fn table(providers: &[Provider], now: &Timestamp) -> Table {
    let mut table = Table::headed([
        "PROVIDER",
        "ADAPTER",
        "ROTATION",
        "CONNECTION",
        "FLEET",
        "IN FLIGHT",
        "LAST SUCCESS",
    ]);
    for provider in providers {
        table.row([
            provider.provider.as_str().into(),
            provider.adapter.as_str().into(),
            rotation(provider).into(),
            breaker(provider.circuit_breaker.as_ref()),
            breaker(provider.fleet_breaker.as_ref()),
            provider.in_flight_count.to_string().into(),
            when(provider.last_success_time.as_ref(), now).into(),
        ]);
    }
    table
}

fn rotation(provider: &Provider) -> String {
    let kind = short(provider.rotation_kind().as_str_name(), "ROTATION_KIND_");
    match &provider.grace {
        Some(grace) => {
            let span = Duration::from_secs(u64::try_from(grace.seconds).unwrap_or(0));
            format!("{kind} {}", humantime::format_duration(span))
        }
        None => kind.to_owned(),
    }
}

fn breaker(breaker: Option<&Breaker>) -> Cell {
    let state = breaker.map_or(BreakerState::Unspecified, Breaker::state);
    let tone = match state {
        BreakerState::Closed => Tone::Good,
        BreakerState::HalfOpen => Tone::Warning,
        BreakerState::Open => Tone::Bad,
        BreakerState::Unspecified => Tone::Plain,
    };
    Cell::toned(short(state.as_str_name(), "BREAKER_STATE_"), tone)
}

/// Why breakers are open, a line for each: `evercam connection OPEN since …, until …: why`.
fn remarks(provider: &Provider, now: &Timestamp) -> Vec<String> {
    let breakers = [("connection", &provider.circuit_breaker), ("fleet", &provider.fleet_breaker)];
    let open = breakers.into_iter().filter_map(|(name, breaker)| Some((name, breaker.as_ref()?)));
    let open = open.filter(|(_, breaker)| breaker.open_time.is_some());
    open.map(|(name, breaker)| {
        let state = short(breaker.state().as_str_name(), "BREAKER_STATE_");
        let since = when(breaker.open_time.as_ref(), now);
        let until = match &breaker.retry_time {
            Some(time) => format!(", until {}", when(Some(time), now)),
            None => String::new(),
        };
        format!("{} {name} {state} since {since}{until}: {}", provider.provider, breaker.note)
    })
    .collect()
}
