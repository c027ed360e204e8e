//! Who is turned away, and what callers and the broker itself are known by.

use super::{Family, Unit};
use crate::auth::Report;

pub(super) fn families(auth: &Report) -> Vec<Family> {
    let turned_away = Family::counter(
        "token_broker.callers_turned_away",
        "Calls and handshakes of callers that are not known",
    );
    let turned_away = auth
        .turned_away
        .iter()
        .fold(turned_away, |family, (reason, count)| family.point([("reason", reason)], *count));
    let fresh = Family::gauge(
        "token_broker.credential_fresh",
        "Whether what is used is what the file or the issuer says now",
    );
    let fresh = auth
        .credentials
        .iter()
        .fold(fresh, |family, credential| family.point([("credential", &credential.name)], credential.fresh));
    let mut families = vec![turned_away, fresh];
    if let Some(ends) = auth.certificate_ends {
        let ends_at = ends.as_unix_micros() as f64 / 1e6;
        families.push(
            Family::gauge(
                "token_broker.server_certificate_end_timestamp",
                "When the server's certificate ends",
            )
            .unit(Unit::Seconds)
            .value(ends_at),
        );
    }
    families
}
