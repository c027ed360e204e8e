//! The gRPC listener: each connection has a server of its own, so that each can be asked to leave by itself.

use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use axum::http::{Request, Response};
use futures_util::{StreamExt as _, stream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::Server;
use tower::{Layer, Service};

use super::accept::accept;
use super::calls::Calls;
use super::connection::Guarded;
use super::life::{Life, Times, spread};
use super::slots::Slots;
use super::spoken::Spoken;
use crate::around::AroundLayer;
use crate::auth::Door;
use crate::config::LimitsConfig;

/// What one connection, and one of its calls, may send before it is read, in bytes. Messages are small.
const CONNECTION_WINDOW: u32 = 512 << 10;
const STREAM_WINDOW: u32 = 128 << 10;

/// Serves gRPC.
pub(crate) struct GrpcListener<L> {
    /// Prepared: that takes longer than all else that a connection needs.
    pub(crate) routes: Routes,
    /// Around the services, inside what is done here.
    pub(crate) layer: L,
    pub(crate) door: Door,
    pub(crate) slots: Arc<Slots>,
    pub(crate) limits: LimitsConfig,
    /// After how long a connection is ended in order.
    pub(crate) age: Duration,
}

impl<L> GrpcListener<L>
where
    L: Layer<Routes> + Clone + Send + Sync + 'static,
    L::Service:
        Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    <L::Service as Service<Request<Body>>>::Future: Send + 'static,
{
    /// Accepts connections until `stop`, then asks every one to leave. `tasks` has whoever is served.
    pub(crate) async fn run(self, listener: TcpListener, tasks: TaskTracker, stop: CancellationToken) {
        let (served, number) = (Arc::new(self), AtomicU32::new(0));
        let handshakes = Arc::new(Semaphore::new(served.limits.handshakes));
        let accepting = async {
            loop {
                // Never fails because nobody closes it.
                let Ok(handshake) = handshakes.clone().acquire_owned().await else { return };
                let (stream, peer) = accept(&listener, "grpc").await;
                let Some(slot) = served.slots.take(peer) else { continue };
                let connection = Newcomer { stream, slot, handshake, number: number.fetch_add(1, Relaxed) };
                tasks.spawn(served.clone().serve(connection, stop.child_token()));
            }
        };
        stop.run_until_cancelled(accepting).await;
    }

    async fn serve(self: Arc<Self>, newcomer: Newcomer, leaving: CancellationToken) {
        let Newcomer { stream, slot, handshake, number } = newcomer;
        let Some(connection) = self.door.admit(stream).await else { return };
        drop(handshake);
        let life = self.life(number, leaving.clone());
        let guarded = Guarded::new(connection, life.cut.clone(), leaving.clone(), slot);
        // One connection and then no more: the server ends with it.
        let incoming = stream::once(ready(Ok::<_, io::Error>(guarded))).chain(stream::pending());
        // Not as a router of the server, which would prepare the routes for each connection anew.
        let serving = self
            .server()
            .layer(AroundLayer(life.calls.clone()))
            .layer(AroundLayer(Spoken))
            .layer(self.layer.clone())
            .serve_with_incoming_shutdown(self.routes.clone(), incoming, leaving.cancelled_owned());
        tokio::pin!(serving);
        tokio::select! {
            ended = &mut serving => log(ended),
            () = life.run() => log(serving.await),
        }
    }

    fn life(&self, number: u32, leaving: CancellationToken) -> Life {
        let times = Times {
            first_call: self.limits.first_call_timeout,
            idle: self.limits.idle_timeout,
            age: spread(self.age, number),
            grace: self.limits.connection_grace,
        };
        Life { times, calls: Calls::new(), leaving, cut: CancellationToken::new() }
    }

    fn server(&self) -> Server {
        let limits = &self.limits;
        Server::builder()
            .timeout(limits.call_timeout)
            .max_concurrent_streams(limits.streams_per_connection)
            .http2_max_header_list_size(limits.header_bytes)
            .http2_keepalive_interval(Some(limits.keepalive_interval))
            .http2_keepalive_timeout(Some(limits.keepalive_timeout))
            .http2_max_pending_accept_reset_streams(Some(limits.pending_resets))
            .http2_max_local_error_reset_streams(Some(limits.broken_streams))
            .initial_connection_window_size(CONNECTION_WINDOW)
            .initial_stream_window_size(STREAM_WINDOW)
    }
}

/// A connection that was accepted.
struct Newcomer {
    stream: TcpStream,
    slot: OwnedSemaphorePermit,
    handshake: OwnedSemaphorePermit,
    number: u32,
}

/// What is wrong with one connection is no failure of the broker.
fn log(ended: Result<(), tonic::transport::Error>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection could not be served");
    }
}
