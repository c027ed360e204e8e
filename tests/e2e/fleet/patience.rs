//! A caller who tries again where the broker says that it helps.

use std::time::Duration;

use broker_e2e::{Answer, Client, LONGEST_WAIT, ask};
use broker_proto::v1;

/// Between two looks at what tells of no change.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// Waits until something holds that comes about by itself.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(PAUSE).await;
        }
    };
    let came = tokio::time::timeout(LONGEST_WAIT, waiting).await;
    came.unwrap_or_else(|_| panic!("{what} did not come about in {LONGEST_WAIT:?}"));
}

/// Refreshes a grant, however often it takes. Any answer that does not ask for another try is an error.
pub(crate) async fn refresh_patiently(client: &Client, key: &v1::GrantKey) -> Answer<v1::Grant> {
    patiently(async || client.refresh(key).await).await
}

/// Asks for a token, however often it takes.
pub(super) async fn vend_patiently(
    client: &Client,
    key: &v1::GrantKey,
) -> Answer<v1::GetAccessTokenResponse> {
    patiently(async || client.token(ask(key)).await).await
}

async fn patiently<T>(call: impl AsyncFn() -> Answer<T>) -> Answer<T> {
    loop {
        match call().await {
            Err(error) if error.retry_delay().is_some() => {
                tokio::time::sleep(error.retry_delay().unwrap()).await;
            }
            settled => return settled,
        }
    }
}
