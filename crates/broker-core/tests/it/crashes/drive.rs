//! Runs processes through time until they stop or the grant is settled.

use std::time::Duration;

use broker_core::{BrokerError, Clock, ConsentCause, Lifecycle};

use super::outcome::{Fate, Outcome};
use super::process::Process;
use super::stand::{Shelf, Stand};
use crate::world::{key, request};

/// When a process is looked at, in seconds from where it took over: around every time the protocol knows.
const LOOKS: [u64; 28] = [
    0, 1, 5, 7, 8, 9, 10, 18, 19, 20, 27, 28, 29, 59, 60, 61, 119, 120, 121, 239, 240, 241, 607, 608, 609,
    613, 618, 628,
];

impl<S: Shelf> Stand<S> {
    /// Lets a replica work until it comes to the stop that is armed.
    pub(crate) fn crash(&self, process: &Process) {
        let stops = || process.run(process.replica.stops_at_work());
        assert!(self.over_time(stops), "the stop was never reached");
    }

    /// Lets a replica work until the grant is settled.
    pub(crate) fn settle(&self, process: &Process) {
        let settles = || process.run(process.replica.settles());
        assert!(self.over_time(settles), "the grant was never settled: {:?}", self.ledger.endings());
    }

    fn over_time(&self, mut ends: impl FnMut() -> bool) -> bool {
        let began = self.clock.now();
        LOOKS.into_iter().any(|seconds| {
            self.pass_until(began + Duration::from_secs(seconds));
            ends()
        })
    }

    /// How things stand, `since` the first crash.
    pub(crate) fn outcome(&self, process: &Process, since: broker_core::Timestamp) -> Outcome {
        let grant = process.run(process.replica.grant());
        let fate = match grant.lifecycle {
            Lifecycle::Active => Fate::Kept(grant.generation.get()),
            Lifecycle::NeedsConsent(cause) => Fate::Lost(cause),
            Lifecycle::ConsentExpired => panic!("no grant here has a window"),
            Lifecycle::Revoking | Lifecycle::Revoked => panic!("no grant here is revoked"),
        };
        Outcome {
            fate,
            presented: self.server.presented("rt-1"),
            seconds: self.clock.now().since(since).as_secs(),
            endings: self.ledger.endings(),
        }
    }

    /// A grant that was kept is refreshed when its token has run out; one that was lost asks for the user.
    pub(crate) fn lives_on(&self, process: &Process, fate: Fate) {
        self.clock.advance(Duration::from_secs(7200));
        let replica = &process.replica;
        process.run(async {
            replica.beat().await;
            let vended = replica.broker.vend(&request()).await;
            match fate {
                Fate::Kept(generation) => {
                    assert_eq!(vended.unwrap().grant.grant.generation.get(), generation + 1);
                    let grant = replica.broker.grant(&key()).await.unwrap();
                    assert!(!grant.tainted, "adopting clears the taint");
                }
                Fate::Lost(cause) => assert_asks_for_consent(vended.unwrap_err(), cause),
            }
        });
    }
}

fn assert_asks_for_consent(error: BrokerError, cause: ConsentCause) {
    assert!(matches!(error, BrokerError::ConsentRequired(why) if why == cause), "{error:?}");
}
