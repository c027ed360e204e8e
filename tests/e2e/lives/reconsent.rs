//! A user who consents anew, after the end and before it.

use broker_proto::v1::{EventType, GrantState};

use super::life::Life;
use super::window::Ends;
use super::{HOUR, NOTICES, seconds};

/// It lives again, for a whole window that is announced anew.
pub(super) async fn after_its_death(life: &mut Life, ends: Ends) {
    life.consent().await;
    assert_eq!(life.told.turns().last(), Some(&EventType::GrantRecovered));
    life.vend().await.unwrap();
    assert_eq!(end_of(life).await, first_end(life, ends));
    life.pass(ends.whole.unwrap() - HOUR * 23).await;
    assert_eq!(life.notices(), NOTICES[..2], "it is announced anew");
}

/// Its window begins anew, and nothing is told of the old one's end.
pub(super) async fn before_its_death(life: &mut Life, ends: Ends) {
    let (turns, generation) = (life.told.turns(), life.grant().await.generation);
    life.consent().await;
    let renewed = life.grant().await;
    assert_eq!((renewed.state(), renewed.generation), (GrantState::Active, generation + 1));
    assert_eq!(end_of(life).await, first_end(life, ends));
    assert_eq!(life.told.turns(), turns, "a new consent for a living grant is told as a refresh");
    let expired = life.told.count(EventType::GrantExpired);
    life.pass(ends.whole.unwrap() - HOUR).await;
    assert_eq!((life.notices(), life.told.count(EventType::GrantExpired)), (NOTICES.to_vec(), expired));
    assert_eq!(life.grant().await.state(), GrantState::Active);
}

/// When it dies as things are, in seconds.
async fn end_of(life: &Life) -> Option<i64> {
    life.grant().await.grant_expire_time.map(|end| end.seconds)
}

/// When it dies if nothing is refreshed after the consent.
fn first_end(life: &Life, ends: Ends) -> Option<i64> {
    ends.idle.into_iter().chain(ends.whole).min().map(|first| life.consented + seconds(first))
}
