//! Spreads calls over the replicas of a broker.

mod picking;
mod resolving;

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint, Error};
use tower::Service;

use self::picking::Set;
use self::resolving::{Name, keep_resolving};
use super::way::is_of_the_way;

/// One gRPC service over several replicas, in place of a channel to one of them.
///
/// Calls go to the replicas in turn. One that cannot be reached, or that broke a connection, is left out for a second, as long as
/// there is another one; the call itself fails, and [`TokenClient`](super::TokenClient) makes it again, at another replica. One that
/// did not answer within `Endpoint::timeout` is neither left out nor asked again at once.
///
/// ```no_run
/// use std::time::Duration;
/// use broker_proto::client::{Options, Replicas, TokenClient};
/// use tonic::transport::Endpoint;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let replicas = Replicas::of_host("token-broker.broker.svc", 7400, Duration::from_secs(10), |address| {
///     Endpoint::try_from(format!("http://{address}"))
///         .map(|endpoint| endpoint.connect_timeout(Duration::from_secs(2)))
/// });
/// let tokens = TokenClient::new(replicas, Options::default());
/// # }
/// ```
#[derive(Clone)]
pub struct Replicas {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    /// Dropped with the last clone, and what resolves names with it.
    _tasks: JoinSet<()>,
}

/// What calls and name resolution share.
struct Shared {
    set: Mutex<Set<Channel>>,
    /// A replica failed: the name may stand for others now.
    failed: Notify,
    /// The set has changed from no replica to some.
    filled: Notify,
}

impl Replicas {
    /// Replicas at these endpoints, for as long as it lives. They are connected to when they are called.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn of(endpoints: impl IntoIterator<Item = Endpoint>) -> Self {
        let channels = endpoints.into_iter().map(|endpoint| endpoint.connect_lazy());
        let set = Set::new(channels.enumerate().map(|(number, channel)| (number.to_string(), channel)));
        Self::over(set, |_| JoinSet::new())
    }

    /// Every replica that a host name stands for, as the name of a headless Kubernetes service does: looked up so often, and
    /// when a replica fails. `endpoint` says how an address is connected to. While the name cannot be looked up, the replicas
    /// found last are used.
    ///
    /// An endpoint of an address is called by that address. TLS needs the name: `ClientTlsConfig::domain_name`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn of_host(
        host: &str,
        port: u16,
        every: Duration,
        endpoint: impl Fn(SocketAddr) -> Result<Endpoint, Error> + Send + Sync + 'static,
    ) -> Self {
        let name = Name { host: host.to_owned(), port, every, endpoint: Box::new(endpoint) };
        Self::over(Set::new([]), |shared| {
            let mut tasks = JoinSet::new();
            tasks.spawn(keep_resolving(shared, name));
            tasks
        })
    }

    fn over(set: Set<Channel>, tasks: impl FnOnce(Arc<Shared>) -> JoinSet<()>) -> Self {
        let shared = Shared { set: Mutex::new(set), failed: Notify::new(), filled: Notify::new() };
        let shared = Arc::new(shared);
        Self { inner: Arc::new(Inner { _tasks: tasks(shared.clone()), shared }) }
    }
}

impl Shared {
    fn set(&self) -> MutexGuard<'_, Set<Channel>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The replica whose turn it is. Waits for the first one to be known.
    async fn pick(&self) -> (String, Channel) {
        loop {
            let filled = self.filled.notified();
            if let Some(picked) = self.set().pick(Instant::now()) {
                return picked;
            }
            filled.await;
        }
    }

    fn has_failed(&self, name: &str) {
        self.set().leave_out(name, Instant::now());
        self.failed.notify_one();
    }

    async fn call(&self, request: http::Request<Body>) -> Result<http::Response<Body>, Error> {
        let (name, mut channel) = self.pick().await;
        let answer = async {
            poll_fn(|context| channel.poll_ready(context)).await?;
            channel.call(request).await
        };
        answer.await.inspect_err(|error| {
            if is_of_the_way(error) {
                self.has_failed(&name);
            }
        })
    }
}

impl Service<http::Request<Body>> for Replicas {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Self::Response, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let inner = self.inner.clone();
        Box::pin(async move { inner.shared.call(request).await })
    }
}

impl fmt::Debug for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replicas").field("known", &self.inner.shared.set().len()).finish_non_exhaustive()
    }
}
