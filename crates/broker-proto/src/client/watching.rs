//! Keeps one stream open that tells of newer tokens.

use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::time::sleep;
use tonic::{Status, Streaming};

use super::backoff::wait;
use super::error::TokenError;
use super::refreshing::ask_all;
use super::shared::{Shared, whole};
use crate::error::BrokerError;
use crate::v1::watch_access_tokens_response::Update;
use crate::v1::{GrantKey, WatchAccessTokensRequest, WatchAccessTokensResponse};

/// Why a stream is not open any more.
enum End {
    /// There are other keys to watch.
    KeysChanged,
    Broken(Status),
}

/// Never ends: whoever dropped the client dropped it.
pub(super) async fn keep_watching(shared: Arc<Shared>) {
    let mut failures = 0;
    loop {
        // What changed until here is in the request.
        let _ = shared.keys_changed.notified().now_or_never();
        let request = shared.table().watch();
        let end = match request {
            Some(request) => watch(&shared, request, &mut failures).await,
            None => shared.other_keys().await,
        };
        let watched = shared.unwatched();
        if let End::Broken(status) = end {
            failures += 1;
            recover(&shared, watched, status, failures).await;
        }
    }
}

/// Waits before the next stream. One refused for a key without a grant says not which: asking for each sorts it out.
async fn recover(shared: &Arc<Shared>, watched: Vec<GrantKey>, status: Status, failures: u32) {
    let error = TokenError::from(status);
    if error.is_refusal() {
        ask_all(shared, watched).await;
    }
    let asked = error.broker().and_then(BrokerError::retry_delay);
    sleep(wait(failures, asked, &shared.options)).await;
}

async fn watch(shared: &Shared, request: WatchAccessTokensRequest, failures: &mut u32) -> End {
    shared.table().watching(request.keys.iter().cloned());
    let stream = match shared.calls.watch(request).await {
        Ok(stream) => stream,
        Err(status) => return End::Broken(status),
    };
    tokio::select! {
        end = shared.other_keys() => end,
        status = listen(shared, stream, failures) => End::Broken(status),
    }
}

async fn listen(
    shared: &Shared,
    mut stream: Streaming<WatchAccessTokensResponse>,
    failures: &mut u32,
) -> Status {
    loop {
        match stream.message().await {
            Ok(Some(message)) => {
                *failures = 0;
                shared.heard(message);
            }
            Ok(None) => return Status::unavailable("the stream ended"),
            Err(status) => return status,
        }
    }
}

impl Shared {
    /// Waits until there are other keys to watch, and then for more of them.
    async fn other_keys(&self) -> End {
        self.keys_changed.notified().await;
        sleep(self.options.collect_keys_for).await;
        End::KeysChanged
    }

    /// Nothing is watched any more. Answers what was.
    fn unwatched(&self) -> Vec<GrantKey> {
        let mut table = self.table();
        let watched = table.watched();
        table.watching([]);
        self.due_changed.notify_one();
        watched
    }

    fn heard(&self, message: WatchAccessTokensResponse) {
        let Some(key) = message.key.as_ref().map(whole) else { return };
        match message.update {
            Some(Update::Token(told)) => self.told(&key, told),
            Some(Update::Invalidation(told)) => {
                if let Some(entry) = self.table().known(&key) {
                    entry.invalidate(told.generation);
                }
            }
            Some(Update::State(state)) => {
                if let Some(entry) = self.table().known(&key) {
                    entry.state = Some(state);
                }
            }
            None => {}
        }
    }
}
