//! Notices of grants that will die, and who dies by when.

use super::World;
use super::samples::{HOUR, NOW, SECOND, key, key_of, record, tenant_id, tokens};
use super::steps::adopted;
use crate::ports::{Adoption, AtRiskFilter, DueNotice, Lineage, Notice};
use crate::schedule::GrantEnd;
use crate::{GrantKey, Timestamp};

/// When the first notice of every grant here is due.
const FIRST: Timestamp = Timestamp::from_unix_seconds(1_700_000_000 + 3600);

impl World {
    /// Its authorization ends so many hours after its consent, which was now, and a first notice is due in an hour.
    async fn refresh_ending(&self, key: &GrantKey, hours: u32) {
        let generation = self.read(key).await.generation.get();
        let attempt = self.claim(key, generation).await.attempt;
        let ends = Some(NOW + HOUR * hours);
        let end =
            GrantEnd { dies_at: ends, authorization_ends_at: ends, refresh_token_timeout: Some(99 * HOUR) };
        let set = crate::SealedTokenSet { end, first_notice_at: Some(FIRST), ..tokens(generation + 1, true) };
        let adoption = self.adoption_of(&attempt, Lineage::Present, generation, true);
        let outcome = self.grants.adopt(&Adoption { tokens: set, ..adoption }).await.unwrap();
        assert_eq!(outcome, adopted(generation + 1));
    }

    async fn ending(&self, key: &GrantKey, hours: u32) {
        self.grant(key).await;
        self.refresh_ending(key, hours).await;
    }

    async fn notices_at(&self, now: Timestamp) -> Vec<DueNotice> {
        self.scheduler.due_notices(now, 10).await.unwrap()
    }

    async fn give(&self, due: &DueNotice, before_end: std::time::Duration) -> bool {
        let notice =
            Notice { due: due.clone(), before_end, next_at: Some(due.notice_at + HOUR), at: due.notice_at };
        self.scheduler.give_notice(&notice, &record()).await.unwrap()
    }

    async fn at_risk(&self, tenant: &str, hours: u32, after: Option<&str>, limit: u32) -> Vec<String> {
        let after = match after {
            Some(user) => Some(self.read(&key_of(tenant, user)).await),
            None => None,
        };
        let filter = AtRiskFilter {
            tenant: tenant_id(tenant),
            provider: None,
            until: NOW + HOUR * hours,
            after: after.map(|last| (last.dies_at.unwrap(), last.id)),
            limit,
        };
        let grants = self.scheduler.at_risk_grants(&filter).await.unwrap();
        grants.into_iter().map(|grant| grant.key.user.to_string()).collect()
    }
}

pub async fn who_dies_is_counted_by_how_soon(world: World) {
    for (user, hours) in [("ada", 3), ("bob", 24), ("cid", 25), ("dan", 200)] {
        world.ending(&key(user), hours).await;
    }
    world.grant(&key("eve")).await;
    let dying = async |now| world.scheduler.count_grants(now).await.unwrap()[0].dying;
    assert_eq!(dying(NOW).await, [1, 2, 3, 3]);
    assert_eq!(dying(NOW + HOUR * 40).await, [3, 3, 3, 4]);
}

pub async fn of_many_callers_one_gives_a_notice(world: World) {
    world.ending(&key("ada"), 9).await;
    assert_eq!(world.notices_at(FIRST - SECOND).await, []);
    let due = world.notices_at(FIRST).await.remove(0);
    assert_eq!((due.notice_at, due.noticed, due.is_active), (FIRST, None, true));
    assert_eq!(due.authorization_ends_at, NOW + 9 * HOUR);
    let before = world.inbox.inbox_records().await.len();
    let (one, other) = tokio::join!(world.give(&due, 8 * HOUR), world.give(&due, 8 * HOUR));
    assert!(one != other, "one of them");
    assert!(!world.give(&due, 8 * HOUR).await, "nor later");
    assert_eq!(world.inbox.inbox_records().await.len(), before + 1, "committed with its record");
    assert_eq!(world.notices_at(FIRST).await, []);
    let next = world.notices_at(FIRST + HOUR).await.remove(0);
    assert_eq!(next.noticed, Some(8 * HOUR));
    world.scheduler.put_off_notice(&due, None).await.unwrap();
    assert_eq!(world.notices_at(FIRST + HOUR).await.len(), 1, "it was read before the notice");
    world.scheduler.put_off_notice(&next, None).await.unwrap();
    assert_eq!(world.notices_at(FIRST + 99 * HOUR).await, []);
}

pub async fn a_refresh_keeps_what_was_told_and_a_consent_begins_anew(world: World) {
    world.ending(&key("ada"), 9).await;
    let due = world.notices_at(FIRST).await.remove(0);
    assert!(world.give(&due, 8 * HOUR).await);
    world.refresh_ending(&key("ada"), 9).await;
    assert_eq!(world.notices_at(FIRST).await, [], "the same end");
    world.refresh_ending(&key("ada"), 10).await;
    let moved = world.notices_at(FIRST).await.remove(0);
    assert_eq!((moved.noticed, moved.lineage), (Some(8 * HOUR), due.lineage), "what was told stays told");
    world.reconsent(&key("ada")).await;
    assert!(!world.give(&moved, 4 * HOUR).await, "it is about another consent");
    assert_eq!(world.notices_at(FIRST + 99 * HOUR).await, [], "no end is known of the new one");
    world.refresh_ending(&key("ada"), 9).await;
    assert_eq!(world.notices_at(FIRST).await.remove(0).noticed, None);
}

pub async fn of_a_grant_given_up_nothing_is_told(world: World) {
    world.ending(&key("ada"), 9).await;
    let due = world.notices_at(FIRST).await.remove(0);
    let attempt = world.claim(&key("ada"), 2).await.attempt;
    let expired = crate::ports::GrantAfter {
        lifecycle: crate::Lifecycle::ConsentExpired,
        due_at: None,
        ..super::after(crate::Phase::Idle, false)
    };
    assert!(world.close(&attempt, Some(expired)).await);
    assert!(!world.notices_at(FIRST).await.remove(0).is_active);
    assert!(!world.give(&due, 8 * HOUR).await);
    assert_eq!(world.at_risk("acme", 99, None, 10).await, [""; 0], "it is dead already");
}

impl World {
    /// Consents, and gets no refresh token; the first notice is due as ever.
    async fn consent_without(&self, key: &GrantKey, base: u64) {
        let (attempt, authorization) = self.exchange(key).await;
        let lineage = Lineage::New { authorization, consented_at: NOW };
        let set = crate::SealedTokenSet {
            end: GrantEnd::of_token(NOW + HOUR),
            first_notice_at: Some(FIRST),
            due_at: None,
            ..tokens(base + 1, false)
        };
        let adoption = Adoption { tokens: set, ..self.adoption_of(&attempt, lineage, base, false) };
        assert_eq!(self.grants.adopt(&adoption).await.unwrap(), adopted(base + 1));
    }

    /// What is due of the one grant without a refresh token.
    async fn due_without(&self) -> DueNotice {
        let due = self.notices_at(FIRST).await.into_iter().filter(|due| !due.refreshable);
        let [due] = <[DueNotice; 1]>::try_from(due.collect::<Vec<_>>()).unwrap();
        due
    }

    async fn end_with_token(&self, due: &DueNotice) -> bool {
        self.scheduler.end_with_token(due, FIRST, &record()).await.unwrap()
    }
}

pub async fn a_grant_without_a_refresh_token_ends_with_its_access_token(world: World) {
    world.ending(&key("bob"), 9).await;
    world.consent_without(&key("ada"), 0).await;
    let replaced = world.due_without().await;
    assert_eq!((&replaced.key, replaced.authorization_ends_at), (&key("ada"), NOW + HOUR));
    world.consent_without(&key("ada"), 1).await;
    assert!(!world.end_with_token(&replaced).await, "it is about another consent");
    assert_eq!(world.read(&key("ada")).await.lifecycle, crate::Lifecycle::Active);
    let due = world.due_without().await;
    assert_eq!(due.notice_at, replaced.notice_at);
    let before = world.inbox.inbox_records().await.len();
    let (one, other) = tokio::join!(world.end_with_token(&due), world.end_with_token(&due));
    assert!(one != other, "one of them");
    let grant = world.read(&key("ada")).await;
    assert_eq!(grant.lifecycle, crate::Lifecycle::NeedsConsent(crate::ConsentCause::NoOfflineAccess));
    assert_eq!((grant.due_at, grant.updated_at), (None, FIRST));
    assert_eq!(world.inbox.inbox_records().await.len(), before + 1, "committed with its record");
    assert_eq!(world.notices_at(FIRST).await.len(), 1, "nothing is left to tell of it");
    assert_eq!(
        world.scheduler.count_grants(NOW).await.unwrap()[0].dying,
        [0, 1, 1, 1],
        "bob, who is refreshed"
    );
}

pub async fn who_dies_soon_comes_earliest_first(world: World) {
    world.add_tenant("globex").await;
    for (user, hours) in [("ada", 30), ("bob", 10), ("cy", 20), ("dan", 10)] {
        world.ending(&key(user), hours).await;
    }
    world.grant(&key("eve")).await;
    world.ending(&key_of("globex", "gus"), 5).await;
    let all = world.at_risk("acme", 30, None, 10).await;
    assert_eq!(all[2..], ["cy", "ada"]);
    assert_eq!(world.at_risk("acme", 20, None, 10).await, all[..3]);
    assert_eq!(world.at_risk("acme", 30, None, 1).await, all[..1]);
    assert_eq!(world.at_risk("acme", 30, Some(&all[0]), 2).await, all[1..3]);
    assert_eq!(world.at_risk("globex", 30, None, 10).await, ["gus"]);
}
