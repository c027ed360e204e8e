//! A stand-in for the service, strict about all that is asked of it. It really encrypts.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod engine;
mod request;
mod serve;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use self::engine::Engine;
use self::serve::Traffic;

/// The mount of every stand-in's engine, its key, and the token it takes at first.
pub const MOUNT: &str = "team/transit";
/// See [`MOUNT`].
pub const KEY: &str = "broker";
/// See [`MOUNT`].
pub const TOKEN: &str = "hvs.stand-in-token-1";

/// How the stand-in behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As it should.
    Serves,
    /// Answers 503.
    Sealed,
    /// Closes every connection without an answer.
    Away,
    /// Answers once it is told to serve.
    Holds,
}

/// A running stand-in. Dropping it ends it, and fails if it was asked for anything that the service knows not.
pub struct StandIn {
    address: SocketAddr,
    state: Arc<State>,
    _stop_on_drop: DropGuard,
}

pub(crate) struct State {
    engine: Mutex<Engine>,
    traffic: Traffic,
}

impl State {
    fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StandIn {
    /// Listens on a free port, with a key of one version.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State { engine: Mutex::new(Engine::new()), traffic: Traffic::default() });
        let stop = CancellationToken::new();
        let _stop_on_drop = stop.clone().drop_guard();
        let serving = serve::serve(listener, state.clone());
        TaskTracker::new().spawn(async move { stop.run_until_cancelled(serving).await });
        Self { address, state, _stop_on_drop }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it behaves so.
    pub fn set_mode(&self, mode: Mode) {
        self.state.traffic.set_mode(mode);
    }

    /// From now on it takes this token alone.
    pub fn set_token(&self, token: &str) {
        self.state.engine().token = token.to_owned();
    }

    /// From now on it is asked in this namespace alone.
    pub fn set_namespace(&self, namespace: &str) {
        self.state.engine().namespace = Some(namespace.to_owned());
    }

    /// From now on the key is of this type.
    pub fn set_type(&self, kind: &str) {
        self.state.engine().kind = kind.to_owned();
    }

    /// From now on a service account of this token may log in with this role at `auth/kubernetes`, for so many seconds.
    pub fn let_in(&self, role: &str, jwt: &str, seconds: u64) {
        self.state.engine().service_account = Some((role.to_owned(), jwt.to_owned(), seconds));
    }

    /// Makes another version of the key.
    pub fn rotate(&self) {
        self.state.engine().rotate();
    }

    /// Takes the key away.
    pub fn delete_key(&self) {
        self.state.engine().versions.clear();
    }

    /// Older versions decrypt no more.
    pub fn set_min_decryption_version(&self, version: usize) {
        self.state.engine().min_decryption_version = version;
    }

    /// How often it was asked to `encrypt`, to `decrypt`, about `keys` or for a `login`.
    pub fn calls(&self, action: &str) -> usize {
        self.state.traffic.calls(action)
    }

    /// Waits until so many calls are in flight.
    pub async fn until_in_flight(&self, calls: usize) {
        self.state.traffic.until_in_flight(calls).await;
    }

    /// The most calls that ever were in flight.
    pub fn most_in_flight(&self) -> usize {
        self.state.traffic.most_in_flight()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let breaches = std::mem::take(&mut self.state.engine().breaches);
        assert!(
            breaches.is_empty() || std::thread::panicking(),
            "the service knows no such requests: {breaches:?}"
        );
    }
}
