//! A client that keeps tokens: it asks once, watches for newer ones, and reports those that a provider rejects.
//!
//! ```no_run
//! use broker_proto::client::{Options, TokenClient};
//! use broker_proto::v1::GrantKey;
//! use tonic::transport::Endpoint;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let channel = Endpoint::from_static("http://127.0.0.1:7400").connect_lazy();
//! let tokens = TokenClient::new(channel, Options::default());
//! let key = GrantKey {
//!     tenant_id: "demo".into(),
//!     provider: "evercam".into(),
//!     user_id: "alice".into(),
//!     ..GrantKey::default()
//! };
//! let token = tokens.token(&key).await?;
//! let mut request = http::Request::get(format!("{}/v2/cameras", token.api_base_url())).body(())?;
//! token.put_on(request.headers_mut());
//! # Ok(())
//! # }
//! ```

mod again;
mod asking;
mod backoff;
mod calls;
mod entry;
mod error;
mod layer;
mod options;
mod refreshing;
mod replicas;
mod retry;
mod shared;
mod table;
mod token;
mod watching;
mod way;

use std::fmt;
use std::sync::Arc;

use tokio::task::JoinSet;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codegen::{Body as HttpBody, Bytes, StdError};

use self::calls::Caller;
use self::shared::Shared;
use crate::v1::{GrantKey, GrantStateUpdate};

pub use self::error::{CallError, TokenError};
pub use self::layer::{TokenLayer, WithToken};
pub use self::options::{Clock, Jitter, Options, SystemClock};
pub use self::replicas::Replicas;
pub use self::retry::{CopyBody, ReportOnly, RetryWith};
pub use self::token::Token;

/// Answers tokens, from memory where it can.
///
/// A clone is the same client. When the last one is dropped, the stream ends and nothing is asked any more.
#[derive(Clone)]
pub struct TokenClient {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    /// Dropped with the last clone, and the tasks with it.
    _tasks: JoinSet<()>,
}

impl TokenClient {
    /// A client over a channel, or over any other gRPC service, such as one with an interceptor.
    ///
    /// Nothing is asked before [`TokenClient::token`] is.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn new<S>(service: S, options: Options) -> Self
    where
        S: GrpcService<Body> + Clone + Send + Sync + 'static,
        S::Error: Into<StdError>,
        S::Future: Send,
        S::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
        <S::ResponseBody as HttpBody>::Error: Into<StdError> + Send,
    {
        let calls = Box::new(Caller::new(service, options.deadline, options.jitter.clone()));
        let shared = Arc::new(Shared::new(calls, options));
        let mut tasks = JoinSet::new();
        tasks.spawn(watching::keep_watching(shared.clone()));
        tasks.spawn(refreshing::keep_refreshing(shared.clone()));
        Self { inner: Arc::new(Inner { shared, _tasks: tasks }) }
    }

    /// The token to use now.
    ///
    /// It comes from memory while it is valid for [`Options::min_validity`], or no newer one can be expected yet. However many ask at
    /// once for a key, the broker is asked once. While the broker is away, the token is served as long as it lives.
    ///
    /// # Errors
    /// [`TokenError::Broker`] with what the broker, or the way to it, answered where no living token is held. Unless it is a
    /// refusal, it is answered from memory until it is time to ask again.
    pub async fn token(&self, key: &GrantKey) -> Result<Arc<Token>, TokenError> {
        self.inner.shared.token(key).await
    }

    /// Tells the broker that a provider rejected a token with a status from 400 to 499, and answers the token to use now: it may be
    /// the same one, where a refresh would not help. Where a newer one is held already, that is answered and nothing is sent.
    ///
    /// `detail` is what the provider said, for the audit log; what is beyond 1024 bytes is cut off.
    ///
    /// # Errors
    /// As [`TokenClient::token`], but never from memory.
    pub async fn report_rejected(
        &self,
        token: &Token,
        http_status: u16,
        detail: &str,
    ) -> Result<Arc<Token>, TokenError> {
        self.inner.shared.report_rejected(token, http_status, detail).await
    }

    /// What the broker told last of a grant's state, for a page that tells its user so. `None` while it told nothing.
    #[must_use]
    pub fn grant_state(&self, key: &GrantKey) -> Option<GrantStateUpdate> {
        self.inner.shared.table().state(&shared::whole(key))
    }
}

impl fmt::Debug for TokenClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenClient").finish_non_exhaustive()
    }
}
