//! What a provider answers badly is counted, and its breaker is one for the fleet.

use super::World;
use super::samples::{HOUR, NOW, SECOND, after, key, key_at, key_of, provider, provider_named, record};
use crate::ports::{AttemptEnd, BadAnswers, OpenBreaker};
use crate::{GrantKey, Phase, Timestamp};

impl World {
    async fn ends_as(&self, key: &GrantKey, conclusion: &'static str, at: Timestamp) {
        let generation = self.read(key).await.generation.get();
        let attempt = self.claim(key, generation).await.attempt;
        let end = AttemptEnd { conclusion, at, ..self.end_of(&attempt, Some(after(Phase::Idle, false))) };
        assert!(self.grants.close_attempt(&end).await.unwrap());
    }
}

pub async fn bad_answers_are_counted_by_name_time_and_tenant(world: World) {
    world.add_tenant("globex").await;
    world.register_at("acme", &provider_named("eagle-eye")).await;
    let (ada, of_globex, elsewhere) =
        (key("ada"), key_of("globex", "ada"), key_at("acme", "eagle-eye", "ada"));
    for grant in [&ada, &of_globex, &elsewhere] {
        world.grant(grant).await;
    }
    for (key, conclusion, hours_ago) in [
        (&ada, "dead_token", 30),
        (&ada, "dead_token", 2),
        (&ada, "dead_token", 0),
        (&ada, "dead_token", 0),
        (&of_globex, "dead_token", 0),
        (&ada, "dead_token_confirmed", 0),
        (&ada, "unreadable", 0),
        (&ada, "unreadable", 2),
        (&elsewhere, "dead_token", 0),
    ] {
        world.ends_as(key, conclusion, NOW + SECOND - HOUR * hours_ago).await;
    }
    let counted = world.fleet.bad_answers(&provider(), NOW + SECOND, NOW - 24 * HOUR).await.unwrap();
    let expected =
        BadAnswers { dead_tokens: 3, tenants: 2, dead_tokens_before: 4, unreadable: 1, attempts: 5 };
    assert_eq!(counted, expected);
    let nothing = world.fleet.bad_answers(&provider_named("unknown"), NOW, NOW).await.unwrap();
    assert_eq!(nothing, BadAnswers::default());
}

pub async fn a_breaker_opens_once_and_remembers_the_last_bad_answer(world: World) {
    assert_eq!(world.fleet.open_breakers().await.unwrap(), []);
    for seconds in [0, 9, 5] {
        world.fleet.note_bad_answer(&provider(), NOW + SECOND * seconds).await.unwrap();
    }
    let open = OpenBreaker {
        provider: provider(),
        opened_at: NOW,
        last_bad_at: NOW + SECOND * 9,
        suspects_refreshed: 0,
    };
    assert_eq!(world.fleet.open_breakers().await.unwrap(), [open]);
}

pub async fn refreshed_suspects_count_while_the_breaker_is_open(world: World) {
    world.fleet.note_suspect_refreshed(&provider()).await.unwrap();
    assert_eq!(world.fleet.open_breakers().await.unwrap(), [], "a good answer opens nothing");
    world.fleet.note_bad_answer(&provider(), NOW).await.unwrap();
    world.fleet.note_bad_answer(&provider_named("eagle-eye"), NOW).await.unwrap();
    for _ in 0..2 {
        world.fleet.note_suspect_refreshed(&provider()).await.unwrap();
    }
    let open = world.fleet.open_breakers().await.unwrap();
    let counts: Vec<_> = open.iter().map(|open| (open.provider.as_str(), open.suspects_refreshed)).collect();
    assert_eq!(counts, [("eagle-eye", 0), ("evercam", 2)]);
}

pub async fn a_closed_breaker_begins_anew(world: World) {
    world.fleet.note_bad_answer(&provider(), NOW).await.unwrap();
    world.fleet.note_suspect_refreshed(&provider()).await.unwrap();
    for was_open in [true, false] {
        assert_eq!(world.fleet.close_breaker(&provider(), &record()).await.unwrap(), was_open);
        assert_eq!(world.fleet.open_breakers().await.unwrap(), []);
    }
    world.fleet.note_bad_answer(&provider(), NOW + HOUR).await.unwrap();
    let again = world.fleet.open_breakers().await.unwrap().remove(0);
    assert_eq!((again.opened_at, again.suspects_refreshed), (NOW + HOUR, 0));
}
