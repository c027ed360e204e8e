//! Text that a provider chose.

use broker_core::Generation;
use broker_core::ports::{AdoptOutcome, Adoption, GrantStore, Lineage};
use broker_core::testing::conformance::{NOW, StoreUnderTest, World, key, tokens};

use crate::stores::InPostgres;

/// Postgres keeps no NUL in a text.
#[tokio::test]
async fn a_nul_in_what_a_provider_says_costs_no_answer() {
    let postgres = InPostgres::fresh().await;
    let world = World::of(&postgres).await;
    world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    let mut tokens = tokens(2, true);
    tokens.token_type = "Bea\0rer".to_owned();
    tokens.scopes = vec!["cameras:\0read".to_owned()];
    let adoption = Adoption {
        attempt,
        lineage: Lineage::Present,
        base: Generation::new(1),
        tokens,
        at: NOW,
        replaced: broker_core::ports::ReplacedTokens::LetGo,
        overruns_window: false,
        origin: Default::default(),
    };
    let outcome = postgres.store.adopt(&adoption).await.unwrap();
    assert_eq!(outcome, AdoptOutcome::Adopted(Generation::new(2)));
    assert_eq!(world.read(&key("ada")).await.scopes, ["cameras:read"]);
}
