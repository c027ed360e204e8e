//! What the log of events must tell: every adoption of every grant, in order and once, at places without gaps.

use std::collections::HashMap;

use super::case::Case;
use super::verdict::Charge;
use crate::evidence::Event;

/// Those that tell of a token set that was adopted.
const OF_ADOPTIONS: [&str; 3] = ["grant.created", "grant.refreshed", "grant.recovered"];

/// Everything in which the log falls short.
pub(super) fn breaches(events: &[Event], cases: &[Case]) -> Vec<(Charge, String)> {
    let mut told = HashMap::new();
    let mut breaches = Vec::new();
    for (expected, event) in (1..).zip(events) {
        if event.sequence.is_some_and(|sequence| sequence != expected) {
            breaches.push((Charge::EventGap, format!("{event:?} where {expected} was due")));
            // What comes after a gap is shifted, and tells nothing new.
            break;
        }
    }
    for event in events {
        let Some((grant, generation)) = event.grant else { continue };
        let before: u64 = told.get(&grant).copied().unwrap_or_default();
        let due = before + u64::from(OF_ADOPTIONS.contains(&event.r#type.as_str()));
        if generation != due {
            breaches.push((Charge::EventOutOfTurn, format!("{event:?} where generation {due} was due")));
        }
        told.insert(grant, before.max(generation));
    }
    for case in cases {
        let adopted = case.adoptions();
        let told = told.get(&case.subject.grant).copied().unwrap_or_default();
        if told != adopted {
            let detail = format!("{:032x}: {adopted} token sets, told of {told}", case.subject.grant);
            breaches.push((Charge::EventMissing, detail));
        }
    }
    breaches
}
