//! Where a product may not have browsers sent.

use super::Tally;
use crate::errors::bad_fields;

const PLACES: [&str; 10] = [
    "https://evil.example/",
    "//evil.example",
    "https:%2F%2Fevil.example",
    "javascript:alert(1)",
    "https://app.example/connected?from=broker",
    "APP",
    "app ",
    "app/../app",
    "app\u{0}",
    "unknown",
];

pub(super) async fn attack(tally: &mut Tally<'_>) {
    let stage = tally.stage;
    let key = stage.house.key(stage.provider, "starter");
    for place in PLACES {
        assert_eq!(bad_fields(stage.start(&key, "hosted", place).await), ["return_to"], "{place:?}");
        tally.made(&format!("return to {place:?}"));
    }
    assert_eq!(bad_fields(stage.start(&key, "main", "app").await), ["return_to"]);
    tally.made("return from the product's own callback");
}
