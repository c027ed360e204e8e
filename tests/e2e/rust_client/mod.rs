//! The Rust client that keeps tokens, against a broker and simulated providers: what it asks, what it is told, and what it
//! does while the broker is away.

mod away;
mod calls;
mod kept;
mod refused;
mod rejected;
mod request;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use broker_core::Clock as _;
use broker_e2e::{HandClock, House, LONGEST_WAIT, Provider};
use broker_proto::client::{Clock, Options, SystemClock, Token, TokenClient};
use broker_proto::v1::GrantKey;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Endpoint;

use self::calls::Calls;

const GET: &str = "GetAccessToken";
const WATCH: &str = "WatchAccessTokens";
const REPORT: &str = "ReportRejectedToken";

/// Between two looks at what comes about by itself.
const GLANCE: Duration = Duration::from_millis(20);

/// A service that keeps its tokens with the client, and what that asked of the broker.
struct Service {
    tokens: TokenClient,
    calls: Calls,
}

/// The clock of the house, as the client reads it.
struct HouseClock(Arc<HandClock>);

impl Clock for HouseClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_micros(self.0.now().as_unix_micros().try_into().unwrap())
    }
}

impl Service {
    /// One on the clock of the house.
    fn of(house: &House) -> Self {
        Self::with(options(Arc::new(HouseClock(house.clock.clone()))), house)
    }

    /// The same, which watches nothing.
    fn without_stream(house: &House) -> Self {
        let options = options(Arc::new(HouseClock(house.clock.clone())));
        Self::with(Options { collect_keys_for: 60 * LONGEST_WAIT, ..options }, house)
    }

    /// One on the machine's clock, for a broker that is a child process.
    fn of_child(house: &House) -> Self {
        Self::with(options(Arc::new(SystemClock)), house)
    }

    fn with(options: Options, house: &House) -> Self {
        let channel = Endpoint::from_shared(format!("http://{}", house.grpc())).unwrap().connect_lazy();
        let calls = Calls::default();
        let tokens = TokenClient::new(InterceptedService::new(channel, calls.clone()), options);
        Self { tokens, calls }
    }

    /// The token to use now, which must not be found in a log.
    async fn token(&self, house: &House, key: &GrantKey) -> Arc<Token> {
        let token = self.tokens.token(key).await.unwrap();
        house.remember(|canaries| canaries.add("access_token", token.access_token()));
        token
    }

    /// Waits until the broker has told how the grant stands: a stream is open.
    async fn until_watched(&self, key: &GrantKey) {
        until("a stream", async || self.tokens.grant_state(key).is_some()).await;
    }

    /// Waits until this generation is used. Asks the client alone, which asks the broker where it must.
    async fn until_generation(&self, key: &GrantKey, generation: u64) {
        let is_used =
            async || self.tokens.token(key).await.is_ok_and(|token| token.generation() == generation);
        until("the generation", is_used).await;
    }
}

/// Quicker to try again than services are, so that a test does not wait for it.
fn options(clock: Arc<dyn Clock>) -> Options {
    Options {
        purpose: "test".to_owned(),
        collect_keys_for: GLANCE,
        first_retry: GLANCE,
        longest_retry: 5 * GLANCE,
        clock,
        ..Options::default()
    }
}

/// Waits for what comes about by itself.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(GLANCE).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, waiting)
        .await
        .unwrap_or_else(|_| panic!("{what} does not come about"));
}

/// What the provider's API answers to this token.
async fn api_status(house: &House, provider: Provider, token: &Token) -> u16 {
    let (_, authorization) = token.headers().find(|(name, _)| *name == "authorization").unwrap();
    broker_e2e::http::get(house.simulator(provider).address(), provider.api_path(), authorization).await.0
}
