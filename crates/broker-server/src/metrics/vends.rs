//! What became of the tokens asked for.

use super::Family;
use crate::measured::Measured;

pub(super) fn families(measured: &Measured) -> Vec<Family> {
    if !measured.role.vends() {
        return Vec::new();
    }
    let outcomes = Family::counter("token_broker.vends", "Tokens asked for, by what became of that");
    let outcomes = measured.vends.outcomes().fold(outcomes, |family, (provider, outcome, count)| {
        family.point([("provider", provider), ("outcome", &outcome)], count)
    });
    let remaining = Family::histogram(
        "token_broker.vend_remaining_validity",
        "Life left of tokens when they were vended",
    );
    let remaining = measured
        .vends
        .remaining()
        .fold(remaining, |family, (provider, lives)| family.point([("provider", provider)], lives));
    let streams = Family::gauge("token_broker.watch_streams", "Open streams of WatchAccessTokens");
    vec![outcomes, remaining, streams.value(measured.streams.len())]
}
