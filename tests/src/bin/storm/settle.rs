//! After the storm: every grant is asked whether it lives.

use std::time::Duration;

use anyhow::{Result, anyhow};
use broker_e2e::Client;
use broker_proto::v1::{Grant, GrantPhase, GrantState};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::grants::Subject;

/// Grants asked at once.
const AT_ONCE: usize = 16;
const RETRY: Duration = Duration::from_millis(250);

/// What the broker says of a grant at the end.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    /// Refresh tokens come and go: the grant is active and was refreshed on demand.
    pub(crate) lives: bool,
    /// The broker says that the user must consent again.
    pub(crate) given_up: bool,
    /// State, phase and cause, for people.
    pub(crate) words: String,
}

/// Asks the broker for the end of every grant, in the order of `subjects`.
pub(crate) async fn endings(
    client: &Client,
    subjects: &[Subject],
    patience: Duration,
) -> Result<Vec<Ending>> {
    let asked = subjects.iter().map(|subject| ending(client, subject, patience));
    stream::iter(asked).buffered(AT_ONCE).try_collect().await
}

/// A grant that is active must refresh on demand, sooner or later: an idle grant proves nothing.
async fn ending(client: &Client, subject: &Subject, patience: Duration) -> Result<Ending> {
    let refreshed = tokio::time::timeout(patience, refreshed_or_given_up(client, subject)).await;
    let lives = matches!(refreshed, Ok(true));
    let grant = client.grant(&subject.key).await.map_err(|error| anyhow!("GetGrant: {error}"))?;
    let given_up = grant.state() != GrantState::Active;
    Ok(Ending { lives: lives && !given_up, given_up, words: words(&grant) })
}

/// Whether it was refreshed.
async fn refreshed_or_given_up(client: &Client, subject: &Subject) -> bool {
    loop {
        let before = client.grant(&subject.key).await;
        if before.as_ref().is_ok_and(|grant| grant.state() != GrantState::Active) {
            return false;
        }
        let after = client.refresh(&subject.key).await;
        if let (Ok(before), Ok(after)) = (before, after)
            && after.generation > before.generation
        {
            return true;
        }
        tokio::time::sleep(RETRY).await;
    }
}

fn words(grant: &Grant) -> String {
    let (state, cause) = (grant.state(), grant.needs_consent_cause());
    match state {
        GrantState::Active if grant.phase() == GrantPhase::Idle => "active".to_owned(),
        GrantState::Active => format!("active, {:?}", grant.phase()),
        _ => format!("{state:?} because of {cause:?}"),
    }
}
