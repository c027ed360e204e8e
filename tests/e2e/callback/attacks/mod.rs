//! A table of attacks for each provider. None of them reaches the token endpoint, which a last, honest user does.

mod completions;
mod product;
mod queries;
mod sequences;
mod starts;

use std::collections::BTreeSet;

use broker_e2e::Provider;

use super::stage::{Stage, issuer};

/// The attacks that were made so far.
struct Tally<'a> {
    stage: &'a Stage,
    made: BTreeSet<String>,
}

impl Tally<'_> {
    /// One more was made, and nothing was asked of the provider for it.
    fn made(&mut self, attack: &str) {
        assert_eq!(self.stage.token_requests(), 0, "{attack} reached the token endpoint");
        assert!(self.made.insert(attack.to_owned()), "{attack} stands twice in the table");
    }
}

#[tokio::test]
async fn no_attack_reaches_evercams_token_endpoint() {
    none_reaches_the_token_endpoint(Provider::Evercam).await;
}

#[tokio::test]
async fn no_attack_reaches_eagle_eyes_token_endpoint() {
    none_reaches_the_token_endpoint(Provider::EagleEye).await;
}

async fn none_reaches_the_token_endpoint(provider: Provider) {
    let stage = Stage::with_issuer(provider).await;
    let mut tally = Tally { stage: &stage, made: BTreeSet::new() };
    queries::attack(&mut tally).await;
    starts::attack(&mut tally).await;
    completions::attack(&mut tally).await;
    product::attack(&mut tally).await;
    sequences::attack(&mut tally).await;
    assert!(tally.made.len() >= 60, "{} attacks", tally.made.len());

    let mut link = stage.link().await;
    link.callback.query_pairs_mut().append_pair("iss", issuer(provider));
    let code = stage.answered(&link).await;
    stage.complete(&link.key, &link.id, &code).await.unwrap();
    assert_eq!(stage.token_requests(), 1, "the count does move");
    stage.house.close().await;
}

#[tokio::test]
async fn where_no_issuer_is_known_every_one_is_another() {
    let stage = Stage::open(Provider::Evercam).await;
    let link = stage.link().await;
    for named in [issuer(Provider::Evercam), "", "null"] {
        let (status, _) = stage.send("GET", &format!("{}&iss={named}", link.path())).await;
        assert_eq!(status, 400, "{named:?}");
    }
    assert_eq!(stage.token_requests(), 0);
    stage.answered(&link).await;
    stage.house.close().await;
}
