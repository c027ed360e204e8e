//! What operators pause, and what they see of refreshing.

use super::World;
use super::samples::{HOUR, NOW, SECOND, after, key, key_at, provider, provider_named, record, tenant_id};
use crate::ports::{AttemptEnd, Backlog, GrantAfter, PauseTarget, ProviderGrants, RefreshPause, Replica};
use crate::{ConsentCause, FailureKind, LastFailure, Lifecycle, Phase, Principal, Timestamp};

fn pause(target: &PauseTarget, note: &str) -> RefreshPause {
    RefreshPause {
        target: target.clone(),
        expires_at: NOW + HOUR,
        principal: Principal::new("grace").unwrap(),
        note: note.to_owned(),
        created_at: NOW,
    }
}

fn of_tenant(name: &str) -> PauseTarget {
    PauseTarget::Tenant(tenant_id(name))
}

fn of_provider(name: &str) -> PauseTarget {
    PauseTarget::Provider(provider_named(name))
}

impl World {
    /// Refreshes a user's grant once in vain.
    async fn fail(&self, user: &str, kind: FailureKind, phase: Phase, tainted: bool, lifecycle: Lifecycle) {
        let attempt = self.claim(&key(user), 1).await.attempt;
        let failure =
            LastFailure { kind, at: NOW, oauth_error: None, http_status: None, in_a_row: 1, since: NOW };
        let left = GrantAfter { lifecycle, failure: Some(failure), ..after(phase, tainted) };
        let end = AttemptEnd { grant: Some(left), ..self.end_of(&attempt, None) };
        assert!(self.grants.close_attempt(&end).await.unwrap());
    }

    async fn backlog(&self) -> Backlog {
        self.scheduler.backlog(NOW + HOUR / 2).await.unwrap()
    }

    /// The grants of the usual provider.
    async fn count(&self, now: Timestamp) -> ProviderGrants {
        self.scheduler.count_grants(now).await.unwrap().pop().unwrap()
    }
}

pub async fn a_pause_is_kept_until_its_end(world: World) {
    world.add_tenant("globex").await;
    let pauses = [of_tenant("acme"), of_tenant("globex"), of_provider("evercam"), of_provider("zeta")];
    // A tenant and a provider of one name are two targets.
    for target in pauses.iter().rev() {
        world.scheduler.pause_refresh(&pause(target, "why \"so\"\n"), &record()).await.unwrap();
    }
    let kept = world.scheduler.refresh_pauses(NOW).await.unwrap();
    assert_eq!(kept, pauses.iter().map(|target| pause(target, "why \"so\"\n")).collect::<Vec<_>>());
    assert_eq!(world.scheduler.refresh_pauses(NOW + HOUR).await.unwrap(), []);
    assert_eq!(world.scheduler.prune_pauses(NOW + HOUR - SECOND).await.unwrap(), 0);
    assert_eq!(world.scheduler.prune_pauses(NOW + HOUR).await.unwrap(), 4);
}

pub async fn a_second_pause_replaces_the_first(world: World) {
    for target in [of_tenant("acme"), of_provider("acme")] {
        world.scheduler.pause_refresh(&pause(&target, "first"), &record()).await.unwrap();
        let second = RefreshPause { expires_at: NOW + SECOND, ..pause(&target, "second") };
        world.scheduler.pause_refresh(&second, &record()).await.unwrap();
        let kept = world.scheduler.refresh_pauses(NOW).await.unwrap();
        assert_eq!(kept.iter().filter(|pause| pause.target == target).collect::<Vec<_>>(), [&second]);
    }
}

pub async fn a_pause_is_ended_once_and_alone(world: World) {
    for target in [of_tenant("acme"), of_provider("acme")] {
        world.scheduler.pause_refresh(&pause(&target, ""), &record()).await.unwrap();
    }
    let resume = async |target, now| world.scheduler.resume_refresh(&target, now, &record()).await.unwrap();
    assert!(resume(of_tenant("acme"), NOW).await);
    assert!(!resume(of_tenant("acme"), NOW).await);
    assert_eq!(world.scheduler.refresh_pauses(NOW).await.unwrap().len(), 1);
    assert!(!resume(of_provider("acme"), NOW + HOUR).await, "it was over by itself");
}

pub async fn the_backlog_counts_what_is_due_open_and_in_doubt(world: World) {
    assert_eq!(world.backlog().await, Backlog::default());
    world.register_at("acme", &provider_named("eagle-eye")).await;
    for user in ["due", "open", "uncertain", "suspect", "dead", "fine"] {
        world.grant(&key(user)).await;
    }
    let elsewhere = key_at("acme", "eagle-eye", "open");
    world.grant(&elsewhere).await;
    let (active, dead) = (Lifecycle::Active, Lifecycle::NeedsConsent(ConsentCause::Revoked));
    world.fail("uncertain", FailureKind::Uncertain, Phase::Uncertain, true, active).await;
    world.fail("suspect", FailureKind::DeadToken, Phase::Suspect, false, active).await;
    world.fail("dead", FailureKind::DeadToken, Phase::Idle, true, dead).await;
    world.claim(&key("open"), 1).await;
    world.claim(&elsewhere, 1).await;
    let backlog = world.backlog().await;
    // Not the two that were claimed, whose due time has moved, nor the dead one.
    assert_eq!((backlog.due, backlog.due_since), (4, Some(NOW)));
    assert_eq!((backlog.uncertain, backlog.suspect), (1, 1));
    assert_eq!(backlog.in_flight, [(provider_named("eagle-eye"), 1), (provider(), 1)]);
    assert_eq!(world.scheduler.backlog(NOW - SECOND).await.unwrap().due, 0);
}

pub async fn all_grants_are_counted_by_provider_state_and_phase(world: World) {
    assert_eq!(world.scheduler.count_grants(NOW).await.unwrap(), []);
    let other = provider_named("eagle-eye");
    world.register_at("acme", &other).await;
    for user in ["due", "open", "sent", "uncertain", "suspect", "dead", "fine"] {
        world.grant(&key(user)).await;
    }
    world.grant(&key_at("acme", "eagle-eye", "ada")).await;
    let (active, dead) = (Lifecycle::Active, Lifecycle::NeedsConsent(ConsentCause::Revoked));
    world.fail("uncertain", FailureKind::Uncertain, Phase::Uncertain, true, active).await;
    world.fail("suspect", FailureKind::DeadToken, Phase::Suspect, false, active).await;
    world.fail("dead", FailureKind::DeadToken, Phase::Idle, true, dead).await;
    world.claim(&key("open"), 1).await;
    let sent = world.claim(&key("sent"), 1).await.attempt;
    world.send(&sent).await;
    let counts = world.scheduler.count_grants(NOW + HOUR / 2).await.unwrap();
    let (one, usual) = (ProviderGrants::none(other), ProviderGrants::none(provider()));
    let one = ProviderGrants { active: 1, due_since: Some(NOW + HOUR / 2), ..one };
    let usual = ProviderGrants {
        active: 6,
        needs_consent: 1,
        claimed: 1,
        sent: 1,
        uncertain: 1,
        suspect: 1,
        due_since: Some(NOW),
        ..usual
    };
    assert_eq!(counts, [one, usual]);
    assert_eq!(world.count(NOW - SECOND).await.due_since, None);
}

pub async fn grants_whose_token_expired_and_those_overdue_are_counted(world: World) {
    world.grant(&key("ada")).await;
    let (before, after) = (NOW + HOUR - SECOND, NOW + HOUR);
    assert_eq!(world.count(before).await.without_valid_token, 0);
    assert_eq!(world.count(after).await.without_valid_token, 1);
    assert_eq!(world.count(before).await.due_since, Some(NOW + HOUR / 2));
    for target in [of_provider("evercam"), of_tenant("acme")] {
        world.scheduler.pause_refresh(&pause(&target, ""), &record()).await.unwrap();
        assert_eq!(world.count(before).await.due_since, None, "{target} is paused");
        assert_eq!(world.count(after).await.due_since, Some(NOW + HOUR / 2), "the pause is over");
        world.scheduler.resume_refresh(&target, NOW, &record()).await.unwrap();
    }
}

pub async fn the_last_success_of_a_provider_stands(world: World) {
    assert_eq!(world.scheduler.last_successes().await.unwrap(), []);
    let note = async |provider: &str, at| {
        world.scheduler.note_successes(&[(provider_named(provider), at)]).await.unwrap();
    };
    world.scheduler.note_successes(&[]).await.unwrap();
    note("evercam", NOW + HOUR).await;
    note("evercam", NOW).await;
    note("eagle-eye", NOW).await;
    let kept = world.scheduler.last_successes().await.unwrap();
    assert_eq!(kept, [(provider_named("eagle-eye"), NOW), (provider(), NOW + HOUR)]);
}

pub async fn replicas_are_shown_while_they_live_or_their_journal_is_waited_for(world: World) {
    let join = async || {
        let replica = Replica {
            incarnation: world.incarnation(),
            escrow: world.escrow_id(),
            started_at: NOW,
            rejoins: false,
        };
        world.fleet.join(&replica, NOW).await.unwrap();
        replica
    };
    let (silent, left) = (join().await, join().await);
    world.fleet.heartbeat(world.owner, NOW + HOUR, NOW, NOW).await.unwrap();
    world.fleet.leave(left.incarnation, NOW).await.unwrap();
    let shown = world.scheduler.replicas(NOW + SECOND).await.unwrap();
    let facts: Vec<_> = shown.iter().map(|r| (r.incarnation, r.heartbeat_at, r.drained_at)).collect();
    assert_eq!(facts, [(world.owner, NOW + HOUR, None), (silent.incarnation, NOW, None)]);
    assert_eq!(shown[1].escrow, silent.escrow);
}
