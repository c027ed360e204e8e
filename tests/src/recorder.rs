//! A wire tap between the broker and a simulator: every byte passes unchanged, and is kept.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use url::form_urlencoded;

use crate::canary::Canaries;

/// The members of requests and answers that are secrets.
const SECRET_MEMBERS: [&str; 6] =
    ["access_token", "refresh_token", "code", "code_verifier", "client_secret", "device_code"];

type Tape = Arc<Mutex<Vec<u8>>>;

/// A running tap. Dropping it cuts every connection.
pub struct Recorder {
    address: SocketAddr,
    tapes: Arc<Mutex<Vec<Tape>>>,
    _stop_on_drop: DropGuard,
}

impl Recorder {
    /// Listens on a free port and passes everything on to `upstream`.
    pub async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tapes, stop) = (Arc::default(), CancellationToken::new());
        let _stop_on_drop = stop.clone().drop_guard();
        let accepting = accept(listener, upstream, Arc::clone(&tapes));
        TaskTracker::new().spawn(async move { stop.run_until_cancelled(accepting).await });
        Self { address, tapes, _stop_on_drop }
    }

    /// The root of the URLs that lead through the tap.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that passed, one direction of one connection after the other.
    pub fn text(&self) -> String {
        let tapes = self.tapes.lock().unwrap_or_else(PoisonError::into_inner);
        let text = |tape: &Tape| {
            String::from_utf8_lossy(&tape.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
        };
        tapes.iter().map(text).collect::<Vec<_>>().join("\n")
    }

    /// The secrets among it.
    pub fn secrets(&self) -> Canaries {
        let text = self.text();
        let mut secrets = Canaries::default();
        for member in SECRET_MEMBERS {
            for value in json_values(&text, member).chain(form_values(&text, member)) {
                secrets.add(member, value);
            }
        }
        for credentials in basic_credentials(&text) {
            let decoded = String::from_utf8(STANDARD.decode(&credentials).unwrap()).unwrap();
            secrets.add("client_secret", decoded.split_once(':').unwrap().1);
            secrets.add("basic credentials", credentials);
        }
        secrets
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, tapes: Arc<Mutex<Vec<Tape>>>) {
    // Dropped with this future, and every connection with it.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(upstream).await else { continue };
        let (there, back) = (Tape::default(), Tape::default());
        tapes.lock().unwrap_or_else(PoisonError::into_inner).extend([there.clone(), back.clone()]);
        connections.spawn(async move {
            let ((from_client, to_client), (from_server, to_server)) =
                (client.into_split(), server.into_split());
            // Whoever leaves first ends it for both, as on one connection.
            tokio::select! {
                () = pass(from_client, to_server, there) => {}
                () = pass(from_server, to_client, back) => {}
            }
        });
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, tape: Tape) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        tape.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..length]);
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// The values of `"name":"value"`.
fn json_values<'a>(text: &'a str, name: &str) -> impl Iterator<Item = String> + 'a {
    let opening = format!("\"{name}\":\"");
    let starts: Vec<usize> = text.match_indices(&opening).map(|(at, _)| at + opening.len()).collect();
    // An answer may have been cut within a value: what came of it is a secret too.
    starts.into_iter().filter_map(|at| text[at..].split(['"', '\n']).next().map(str::to_owned))
}

/// The credentials of Basic authentication (RFC 7617).
fn basic_credentials(text: &str) -> impl Iterator<Item = String> + '_ {
    text.lines().filter_map(|line| line.strip_prefix("authorization: Basic ").map(str::to_owned))
}

/// The values of `name=value` in form bodies.
fn form_values<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = String> + 'a {
    let bodies = text.split("\r\n").filter(|line| line.contains('='));
    let pairs = bodies.flat_map(|body| form_urlencoded::parse(body.as_bytes()));
    pairs.filter(move |(key, _)| key == name).map(|(_, value)| value.into_owned())
}
