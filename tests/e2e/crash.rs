//! SIGKILL in the middle of rotations: grants survive, and no refresh token that has an adopted successor is ever
//! shown again.

mod witness;

use std::time::Duration;

use broker_e2e::{House, Provider};
use broker_proto::v1::{GrantPhase, GrantState, NeedsConsentCause};
use provider_sim::Endpoint;
use tokio::task::JoinSet;

use self::witness::Witness;
use crate::BINARY;

const KILLS: usize = 10;
/// New grants of each provider before each kill.
const FRESH: usize = 2;
const ORPHAN_WAIT: Duration = Duration::from_secs(4);
const SETTLED_WITHIN: Duration = Duration::from_secs(15);

#[tokio::test]
async fn no_kill_spends_a_token_twice_or_loses_a_grant_without_a_reason() {
    let mut house = House::plan()
        .child(BINARY)
        .rotation("connect_timeout", "1s")
        .rotation("provider_timeout", "2s")
        .rotation("lease_ttl", "4s")
        .rotation("orphan_wait", "4s")
        .rotation("tick", "100ms")
        .open()
        .await;
    let mut witnesses = Vec::new();
    let mut in_doubt = 0;
    for kill in 0..KILLS {
        for number in 0..FRESH {
            for provider in Provider::ALL {
                witnesses.push(Witness::consent(&house, provider, &format!("user-{kill}-{number}")).await);
            }
        }
        // At another moment each time, now in this provider's rotations and now in the other's.
        let provider = Provider::ALL[kill % 2];
        witnesses = burst_and_kill(&mut house, witnesses, provider, 3 + kill * 2).await;
        house.restart().await;
        for witness in &mut witnesses {
            in_doubt += usize::from(check_after_restart(&house, witness).await);
        }
    }
    assert!(in_doubt > 0, "no kill met a rotation");
    settle(&mut house, &witnesses).await;

    let mut lost = 0;
    for witness in &mut witnesses {
        lost += usize::from(check_at_the_end(&house, witness).await);
        assert_eq!(witness.double_spends(&house), [""; 0]);
        assert_eq!(witness.hasty_probes(&house, ORPHAN_WAIT), [""; 0]);
    }
    assert!(lost < witnesses.len(), "every grant was lost to {KILLS} kills");
    house.close().await;
}

/// Refreshes every grant again and again, and kills the broker once the provider has seen so many requests more.
async fn burst_and_kill(
    house: &mut House,
    witnesses: Vec<Witness>,
    provider: Provider,
    requests: usize,
) -> Vec<Witness> {
    let refreshes =
        |journal: &provider_sim::Journal| journal.count(|entry| entry.endpoint == Endpoint::Refresh);
    let journal = house.simulator(provider).journal().clone();
    let enough = refreshes(&journal) + requests;
    let mut bursts = JoinSet::new();
    for mut witness in witnesses {
        let (client, journal) = (house.client.clone(), house.simulator(witness.provider()).journal().clone());
        bursts.spawn(async move {
            // Ends with the broker, or where a token is in doubt.
            while let Ok(grant) = client.refresh(witness.key()).await {
                witness.saw(&grant, &journal);
            }
            witness
        });
    }
    journal.wait_for(|journal| refreshes(journal) >= enough, SETTLED_WITHIN).await.unwrap();
    house.kill().await;
    bursts.join_all().await
}

/// What the broker says of a grant is so: an idle one has a token that works, one given up was lost in flight.
/// Answers whether it is in doubt.
async fn check_after_restart(house: &House, witness: &mut Witness) -> bool {
    let journal = house.simulator(witness.provider()).journal();
    let mut grant = house.client.grant(witness.key()).await.unwrap();
    while matches!(grant.phase(), GrantPhase::Claimed | GrantPhase::Sent) {
        // What was provably not sent is begun again at once. This joins it.
        let _ = house.client.refresh(witness.key()).await;
        grant = house.client.grant(witness.key()).await.unwrap();
    }
    witness.saw(&grant, journal);
    match (grant.state(), grant.phase()) {
        (GrantState::Active, GrantPhase::Idle) => check_token(house, witness).await,
        (GrantState::Active, _) => assert!(grant.tainted, "in doubt without a reason: {grant:?}"),
        (GrantState::NeedsConsent, _) => {
            assert_eq!(grant.needs_consent_cause(), NeedsConsentCause::LostRotation, "{grant:?}");
        }
        _ => panic!("{grant:?}"),
    }
    grant.tainted
}

/// A token is vended, and works unless the next rotation was quicker than its user.
async fn check_token(house: &House, witness: &Witness) {
    let mut token = house.vend(witness.key()).await.unwrap();
    while house.api_status(witness.provider(), &token).await != 200 {
        let newer = house.vend(witness.key()).await.unwrap();
        assert!(newer.generation > token.generation, "a dead token of {:?} is served", witness.key());
        token = newer;
    }
}

/// Waits until every token in doubt was shown once more, then lets the broker finish what it began.
async fn settle(house: &mut House, witnesses: &[Witness]) {
    for witness in witnesses {
        let grant = house.client.grant(witness.key()).await.unwrap();
        if grant.state() == GrantState::Active && grant.phase() == GrantPhase::Uncertain {
            let shown = witness.presentations(house);
            let journal = house.simulator(witness.provider()).journal();
            let probed = |journal: &provider_sim::Journal| {
                journal.count(|entry| witness.is_presentation(entry) && entry.outcome.is_some()) > shown.len()
            };
            journal.wait_for(probed, SETTLED_WITHIN).await.unwrap();
        }
    }
    house.stop().await;
    house.restart().await;
}

/// Whether the grant was lost. If so, a rotation was carried out whose answer never arrived.
async fn check_at_the_end(house: &House, witness: &mut Witness) -> bool {
    check_after_restart(house, witness).await;
    let grant = house.client.grant(witness.key()).await.unwrap();
    assert_ne!(grant.phase(), GrantPhase::Uncertain, "not settled: {grant:?}");
    let lost = grant.state() == GrantState::NeedsConsent;
    assert_eq!(witness.has_unadopted_successor(house), lost, "{grant:?}");
    lost
}
