//! Callers who vend and refresh all the time, at every replica that is up.

use std::time::Duration;

use broker_e2e::{Client, ask};
use broker_proto::v1::GrantKey;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

const VENDERS: usize = 4;
const REFRESHERS: usize = 2;
/// A caller does not ask more often: two cores serve everybody here.
const PACE: Duration = Duration::from_millis(20);

/// A replica as callers see it: a client while it is up.
type Place = watch::Sender<Option<Client>>;

/// What came of the calls.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) vended: usize,
    pub(super) refreshed: usize,
    /// Vends that failed at a replica that was up from the first moment to the last.
    pub(super) failed: Vec<String>,
}

pub(super) struct Load {
    places: Vec<Place>,
    callers: JoinSet<Tally>,
    over: CancellationToken,
}

impl Load {
    pub(super) fn begin(replicas: Vec<Client>, keys: &[GrantKey]) -> Self {
        let places: Vec<Place> =
            replicas.into_iter().map(|client| watch::Sender::new(Some(client))).collect();
        let (mut callers, over) = (JoinSet::new(), CancellationToken::new());
        for place in &places {
            for number in 0..VENDERS + REFRESHERS {
                let mut keys = keys.to_vec();
                keys.rotate_left(number * 7);
                let caller = Caller { place: place.subscribe(), keys, refreshes: number >= VENDERS };
                let over = over.clone();
                callers.spawn(async move { caller.call_until(&over).await });
            }
        }
        Self { places, callers, over }
    }

    /// The replica is about to be killed. From now on its failures are forgiven.
    pub(super) fn goes(&self, replica: usize) {
        self.places[replica].send_replace(None);
    }

    /// The replica is up again.
    pub(super) fn comes(&self, replica: usize, client: Client) {
        self.places[replica].send_replace(Some(client));
    }

    /// Ends the calls, and checks that all vends were answered.
    pub(super) async fn end(self) {
        self.over.cancel();
        let mut sum = Tally::default();
        for tally in self.callers.join_all().await {
            sum.vended += tally.vended;
            sum.refreshed += tally.refreshed;
            sum.failed.extend(tally.failed);
        }
        assert_eq!(sum.failed, [""; 0], "vends failed");
        assert!(sum.vended > 100 && sum.refreshed > 20, "no load to speak of: {sum:?}");
    }
}

struct Caller {
    place: watch::Receiver<Option<Client>>,
    keys: Vec<GrantKey>,
    refreshes: bool,
}

impl Caller {
    async fn call_until(mut self, over: &CancellationToken) -> Tally {
        let mut tally = Tally::default();
        let keys = self.keys.clone();
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for key in keys.iter().cycle() {
            tokio::select! {
                () = over.cancelled() => break,
                _ = pace.tick() => self.call(key, &mut tally).await,
            }
        }
        tally
    }

    async fn call(&mut self, key: &GrantKey, tally: &mut Tally) {
        let Some(client) = self.place.borrow_and_update().clone() else { return };
        if self.refreshes {
            // What was in flight at a kill is in doubt for a while, and not refreshed meanwhile.
            tally.refreshed += usize::from(client.refresh(key).await.is_ok());
            return;
        }
        match client.token(ask(key)).await {
            Ok(_) => tally.vended += 1,
            Err(_) if self.place.has_changed().unwrap_or(true) => {}
            Err(error) => tally.failed.push(format!("{key:?}: {error}")),
        }
    }
}
