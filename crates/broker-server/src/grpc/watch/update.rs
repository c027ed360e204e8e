//! What a watcher is told, as a message.

use broker_core::{InvalidationCause, WatchUpdate};
use broker_proto::v1::watch_access_tokens_response::Update;
use broker_proto::v1::{self, TokenInvalidation, WatchAccessTokensResponse};

use super::super::message;

pub(super) fn response(update: &WatchUpdate) -> WatchAccessTokensResponse {
    let (key, update) = match update {
        WatchUpdate::Token(vended) => (&vended.grant.grant.key, Update::Token(message::token(vended))),
        WatchUpdate::Invalidation(key, generation, cause) => {
            let cause = invalidation_cause(*cause).into();
            (key, Update::Invalidation(TokenInvalidation { generation: generation.get(), cause }))
        }
        WatchUpdate::State(grant) => (&grant.key, Update::State(message::grant_state(grant))),
    };
    WatchAccessTokensResponse { key: Some(message::grant_key(key)), update: Some(update) }
}

fn invalidation_cause(cause: InvalidationCause) -> v1::InvalidationCause {
    match cause {
        InvalidationCause::Revoked => v1::InvalidationCause::Revoked,
        InvalidationCause::Rejected => v1::InvalidationCause::Rejected,
        InvalidationCause::Expired => v1::InvalidationCause::Expired,
        InvalidationCause::Rotating => v1::InvalidationCause::Rotating,
    }
}
