//! A server of a few lines that does exactly what a test wants, and gates to go with it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use broker_core::ports::{SendGate, SendRefused};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use url::Url;

/// Runs `script` with a listener; answers with its URL and what the script will return.
pub(crate) async fn serve<F, Fut>(script: F) -> (Url, JoinHandle<Fut::Output>)
where
    F: FnOnce(TcpListener) -> Fut,
    Fut: Future<Output: Send> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap()).parse().unwrap();
    (url, TaskTracker::new().spawn(script(listener)))
}

/// One connection, one whole request, these bytes, then close. Returns the request.
pub(crate) async fn answer_once(answer: &'static [u8]) -> (Url, JoinHandle<Seen>) {
    serve(async |listener: TcpListener| {
        let (mut stream, _) = listener.accept().await.unwrap();
        let seen = Seen::read(&mut stream).await;
        stream.write_all(answer).await.unwrap();
        seen
    })
    .await
}

/// One connection, the head of a request, these bytes, then whatever else comes until the client closes.
pub(crate) async fn answer_head_only(answer: &'static [u8]) -> (Url, JoinHandle<Vec<u8>>) {
    serve(async |listener: TcpListener| {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        stream.write_all(answer).await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        rest
    })
    .await
}

/// A request as the server got it.
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) async fn read(stream: &mut TcpStream) -> Self {
        let head = read_head(stream).await;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.expect("a length").parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        Self { head, body }
    }
}

/// Ends early if the client closes: a refused request may not even show its head.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { break };
        head.push(byte);
    }
    String::from_utf8(head).unwrap()
}

/// A gate that agrees at once, and counts.
#[derive(Default)]
pub(crate) struct Open(AtomicUsize);

impl Open {
    pub(crate) fn asked(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl SendGate for Open {
    async fn commit_sent(&self) -> Result<(), SendRefused> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// A gate that refuses.
pub(crate) struct Shut;

#[async_trait]
impl SendGate for Shut {
    async fn commit_sent(&self) -> Result<(), SendRefused> {
        Err(SendRefused)
    }
}

/// A gate that says when it was asked, and agrees when told.
pub(crate) struct Waiting {
    pub(crate) asked: Semaphore,
    pub(crate) go: Semaphore,
}

impl Waiting {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { asked: Semaphore::new(0), go: Semaphore::new(0) })
    }
}

#[async_trait]
impl SendGate for Waiting {
    async fn commit_sent(&self) -> Result<(), SendRefused> {
        self.asked.add_permits(1);
        let _ = self.go.acquire().await;
        Ok(())
    }
}
