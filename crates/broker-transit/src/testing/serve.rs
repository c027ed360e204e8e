//! Connections and what is in flight on them.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Mode, State, request};

/// What is in flight, and whether it is answered.
pub(super) struct Traffic {
    mode: watch::Sender<Mode>,
    in_flight: watch::Sender<usize>,
    most: Mutex<usize>,
    calls: Mutex<BTreeMap<String, usize>>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            mode: watch::Sender::new(Mode::Serves),
            in_flight: watch::Sender::new(0),
            most: Mutex::default(),
            calls: Mutex::default(),
        }
    }
}

impl Traffic {
    pub(super) fn set_mode(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    pub(super) fn calls(&self, action: &str) -> usize {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).get(action).copied().unwrap_or(0)
    }

    pub(super) fn most_in_flight(&self) -> usize {
        *self.most.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn until_in_flight(&self, calls: usize) {
        self.in_flight.subscribe().wait_for(|now| *now >= calls).await.expect("the sender is in self");
    }

    fn begin(&self, action: &str) {
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner).entry(action.to_owned()).or_default() += 1;
        self.in_flight.send_modify(|now| *now += 1);
        let mut most = self.most.lock().unwrap_or_else(PoisonError::into_inner);
        *most = (*most).max(*self.in_flight.borrow());
    }

    fn end(&self) {
        self.in_flight.send_modify(|now| *now -= 1);
    }

    /// The mode, once it is one that answers.
    async fn answering(&self) -> Mode {
        *self.mode.subscribe().wait_for(|mode| *mode != Mode::Holds).await.expect("the sender is in self")
    }
}

/// Serves until it is dropped, and every connection with it.
pub(super) async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        let service = service_fn(move |request| answer(state.clone(), request));
        let connection =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        connections.spawn(connection);
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    state.traffic.begin(request::action(parts.uri.path()));
    let mode = state.traffic.answering().await;
    state.traffic.end();
    let (status, body) = match mode {
        // An error of the service closes the connection without an answer.
        Mode::Away => return Err(io::ErrorKind::ConnectionReset.into()),
        Mode::Sealed => (503, serde_json::json!({ "errors": ["Vault is sealed"] })),
        Mode::Serves | Mode::Holds => request::reply(&mut state.engine(), &parts, &body),
    };
    let response = Response::builder().status(status).header("content-type", "application/json");
    Ok(response.body(Full::new(body.to_string().into())).unwrap())
}
