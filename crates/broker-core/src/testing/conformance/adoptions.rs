//! Adopting answers: on time, late, twice, and after the grant went on.

use crate::ports::{AdoptOutcome, Adoption, Lineage};
use crate::{Attempt, AuthorizationStatus, ConsentCause, Generation, Lifecycle, Phase};

use super::World;
use super::samples::{HOUR, NOW, after, key, tokens};
use super::steps::adopted;

pub async fn a_first_consent_makes_the_grant(world: World) {
    let exchange = world.exchange(&key("ada")).await;
    assert_eq!(exchange.0.generation, Generation::NONE);
    assert!(world.grants.vendable(&key("ada")).await.unwrap().is_none());
    assert_eq!(world.adopt_new(&exchange, 0).await, adopted(1));

    let vendable = world.grants.vendable(&key("ada")).await.unwrap().unwrap();
    assert_eq!(vendable.access_token.unwrap().as_bytes(), b"access 1");
    let grant = vendable.grant;
    assert_eq!((grant.id, grant.lineage), (key("ada").grant_id(), exchange.0.lineage));
    assert_eq!((grant.lifecycle, grant.phase, grant.refreshable), (Lifecycle::Active, Phase::Idle, true));
    assert_eq!((grant.consented_at, grant.refreshed_at), (NOW, None));
    assert_eq!(world.status_of(exchange.1).await, AuthorizationStatus::Completed);
}

pub async fn a_refresh_makes_the_next_generation(world: World) {
    world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    world.send(&attempt).await;
    assert_eq!(world.adopt_refresh(&attempt).await, adopted(2));
    let vendable = world.grants.vendable(&key("ada")).await.unwrap().unwrap();
    assert_eq!(vendable.access_token.unwrap().as_bytes(), b"access 2");
    assert_eq!((vendable.grant.phase, vendable.grant.refreshed_at), (Phase::Idle, Some(NOW)));
    assert_eq!(vendable.grant.due_at, Some(NOW + HOUR / 2));
    assert_eq!(world.claim(&key("ada"), 2).await.refresh_token.as_bytes(), b"refresh 2");
}

pub async fn an_answer_is_adopted_once(world: World) {
    let exchange = world.exchange(&key("ada")).await;
    world.adopt_new(&exchange, 0).await;
    let again = AdoptOutcome::AlreadyAdopted(Generation::new(1));
    assert_eq!(world.adopt_new(&exchange, 0).await, again);
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    assert_eq!(world.adopt_refresh(&attempt).await, adopted(2));
    assert_eq!(world.adopt_refresh(&attempt).await, AdoptOutcome::AlreadyAdopted(Generation::new(2)));
    assert!(!world.close(&attempt, Some(after(Phase::Uncertain, true))).await, "it was closed by adopting");
    let next = world.claim(&key("ada"), 2).await.attempt;
    world.adopt_refresh(&next).await;
    assert_eq!(world.adopt_refresh(&attempt).await, AdoptOutcome::AlreadyAdopted(Generation::new(2)));
    assert_eq!(world.adopt_new(&exchange, 0).await, again);
}

pub async fn an_answer_is_adopted_after_its_attempt_was_closed(world: World) {
    world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    world.send(&attempt).await;
    assert!(world.close(&attempt, Some(after(Phase::Uncertain, true))).await);
    assert!(world.read(&key("ada")).await.tainted);
    assert_eq!(world.adopt_refresh(&attempt).await, adopted(2));
    let grant = world.read(&key("ada")).await;
    assert_eq!((grant.tainted, grant.phase, grant.last_failure), (false, Phase::Idle, None));
}

pub async fn a_late_answer_revives_a_grant_given_up(world: World) {
    world.grant(&key("ada")).await;
    let lost = world.claim(&key("ada"), 1).await.attempt;
    world.send(&lost).await;
    world.close(&lost, Some(after(Phase::Uncertain, true))).await;
    world.grant_with_lifecycle(&key("ada"), Lifecycle::NeedsConsent(ConsentCause::LostRotation)).await;
    assert_eq!(world.adopt_refresh(&lost).await, adopted(2));
    assert_eq!(world.read(&key("ada")).await.lifecycle, Lifecycle::Active);
    world.claim(&key("ada"), 2).await;
}

pub async fn an_answer_of_a_replaced_lineage_is_superseded(world: World) {
    world.grant(&key("ada")).await;
    let old = world.claim(&key("ada"), 1).await.attempt;
    world.send(&old).await;
    let present = world.reconsent(&key("ada")).await;
    assert_eq!(world.adopt_refresh(&old).await, AdoptOutcome::Superseded);
    assert_eq!(world.read(&key("ada")).await, present);
    assert!(!world.close(&old, Some(after(Phase::Uncertain, true))).await, "it was closed as superseded");
}

pub async fn an_answer_of_a_passed_generation_is_superseded(world: World) {
    world.grant(&key("ada")).await;
    let first = world.claim(&key("ada"), 1).await.attempt;
    world.send(&first).await;
    world.close(&first, Some(after(Phase::Uncertain, true))).await;
    let second = world.claim(&key("ada"), 1).await.attempt;
    assert_eq!(world.adopt_refresh(&second).await, adopted(2));
    assert_eq!(world.adopt_refresh(&first).await, AdoptOutcome::Superseded);
    assert_eq!(world.read(&key("ada")).await.generation, Generation::new(2));
}

pub async fn a_new_lineage_learns_that_the_grant_has_moved(world: World) {
    world.grant(&key("ada")).await;
    let exchange = world.exchange(&key("ada")).await;
    let refresh = world.claim(&key("ada"), 1).await.attempt;
    world.adopt_refresh(&refresh).await;
    assert_eq!(world.adopt_new(&exchange, 1).await, AdoptOutcome::Moved(Generation::new(2)));
    assert_eq!(world.adopt_new(&exchange, 2).await, adopted(3));
    assert_eq!(world.read(&key("ada")).await.lineage, exchange.0.lineage);

    let elsewhere = world.exchange(&key("bob")).await;
    assert_eq!(world.adopt_new(&elsewhere, 4).await, AdoptOutcome::Moved(Generation::NONE));
}

pub async fn a_sent_refresh_of_the_old_lineage_does_not_block_the_new_one(world: World) {
    world.grant(&key("ada")).await;
    let stuck = world.claim(&key("ada"), 1).await.attempt;
    assert!(world.send(&stuck).await);
    let exchange = world.exchange(&key("ada")).await;
    assert_eq!(world.adopt_new(&exchange, 1).await, adopted(2));
    assert_eq!(world.claim(&key("ada"), 2).await.attempt.lineage, exchange.0.lineage);
    assert_eq!(world.adopt_refresh(&stuck).await, AdoptOutcome::Superseded);
}

pub async fn a_later_consent_stands(world: World) {
    let (attempt, authorization) = world.exchange(&key("ada")).await;
    let later = world.exchange(&key("ada")).await;
    world.adopt_new(&later, 0).await;
    // The clock has stepped forward and back meanwhile; the order of the claims decides.
    let earlier = Lineage::New { authorization, consented_at: NOW + HOUR };
    assert_eq!(world.adopt(&attempt, earlier, 1, true).await, AdoptOutcome::Superseded);
    assert_eq!(world.read(&key("ada")).await.lineage, later.0.lineage);
    assert_eq!(world.status_of(authorization).await, AuthorizationStatus::Failed("superseded".to_owned()));
}

pub async fn an_answer_without_refresh_token_keeps_the_old_one(world: World) {
    world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    assert_eq!(world.adopt(&attempt, Lineage::Present, 1, false).await, adopted(2));
    let claimed = world.claim(&key("ada"), 2).await;
    assert_eq!(claimed.access_token.as_bytes(), b"access 2");
    assert_eq!(claimed.refresh_token.as_bytes(), b"refresh 1");
    assert_eq!(claimed.refresh_token_generation, Generation::new(1));
}

pub async fn a_new_lineage_without_refresh_token_drops_the_old_one(world: World) {
    world.grant(&key("ada")).await;
    let (attempt, authorization) = world.exchange(&key("ada")).await;
    let lineage = Lineage::New { authorization, consented_at: NOW };
    assert_eq!(world.adopt(&attempt, lineage, 1, false).await, adopted(2));
    assert!(!world.read(&key("ada")).await.refreshable);
}

pub async fn a_base_url_is_kept_within_a_lineage(world: World) {
    let (exchange, authorization) = world.exchange(&key("ada")).await;
    let mut named = tokens(1, true);
    named.api_base_url = Some("https://api.c001.example".to_owned());
    let lineage = Lineage::New { authorization, consented_at: NOW };
    let adoption = Adoption {
        attempt: exchange,
        lineage,
        base: Generation::NONE,
        tokens: named.clone(),
        at: NOW,
        replaced: crate::ports::ReplacedTokens::LetGo,
        overruns_window: false,
        origin: Default::default(),
    };
    world.grants.adopt(&adoption).await.unwrap();
    let refresh = world.claim(&key("ada"), 1).await.attempt;
    world.adopt_refresh(&refresh).await;
    assert_eq!(world.read(&key("ada")).await.api_base_url, named.api_base_url);
    assert_eq!(world.reconsent(&key("ada")).await.api_base_url, None);
}

pub async fn a_consent_passes_an_open_refresh(world: World) {
    world.grant(&key("ada")).await;
    let stuck = world.claim(&key("ada"), 1).await.attempt;
    world.send(&stuck).await;
    let present = world.reconsent(&key("ada")).await;
    assert_eq!((present.phase, present.generation), (Phase::Idle, Generation::new(2)));
    assert!(!world.close(&stuck, Some(after(Phase::Uncertain, true))).await, "the new lineage closed it");
    assert_eq!(world.read(&key("ada")).await, present, "the old lineage's end harms the new one");
    world.claim(&key("ada"), 2).await;
}

pub async fn a_refresh_leaves_a_running_exchange_alone(world: World) {
    world.grant(&key("ada")).await;
    let exchange = world.exchange(&key("ada")).await;
    let refresh = world.claim(&key("ada"), 1).await.attempt;
    assert_eq!((exchange.0.presentation_no, refresh.presentation_no), (1, 2));
    world.adopt_refresh(&refresh).await;
    assert!(world.send(&exchange.0).await, "the exchange is still open");
}

pub async fn an_adoption_that_does_not_fit_its_attempt_is_refused(world: World) {
    world.grant(&key("ada")).await;
    let lost = world.lose(&key("ada"), 1).await;
    world.adopt_refresh(&lost).await;
    let attempt = world.claim(&key("ada"), 2).await.attempt;
    let good = Adoption {
        attempt: attempt.clone(),
        lineage: Lineage::Present,
        base: Generation::new(2),
        tokens: tokens(3, true),
        at: NOW,
        replaced: crate::ports::ReplacedTokens::LetGo,
        overruns_window: false,
        origin: Default::default(),
    };
    let exchange = world.exchange(&key("ada")).await;
    let elsewhere = Lineage::New { authorization: exchange.1, consented_at: NOW };
    let another = |change: fn(&mut Attempt)| {
        let mut attempt = attempt.clone();
        change(&mut attempt);
        Adoption { attempt, ..good.clone() }
    };
    for wrong in [
        Adoption { base: Generation::new(1), tokens: tokens(2, true), ..good.clone() },
        Adoption { tokens: tokens(4, true), ..good.clone() },
        Adoption { lineage: elsewhere, ..good.clone() },
        Adoption { attempt: exchange.0, ..good.clone() },
        another(|attempt| attempt.lineage = crate::LineageId::from_bytes([9; 16])),
        another(|attempt| attempt.key.user = crate::UserId::new("bob").unwrap()),
    ] {
        world.grants.adopt(&wrong).await.expect_err("a defect");
    }
    assert_eq!(world.adopt_after(&attempt, 5).await, AdoptOutcome::Moved(Generation::new(2)));
    assert_eq!(world.grants.adopt(&good).await.unwrap(), adopted(3));
}
