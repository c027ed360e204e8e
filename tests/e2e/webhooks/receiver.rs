//! A receiver of webhooks, of a few lines, that answers what a test wants.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use broker_e2e::LONGEST_WAIT;
use http::{HeaderMap, HeaderName, HeaderValue};
use standardwebhooks::Webhook;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What was sent.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// What it was answered with.
    pub(super) status: u16,
}

impl Message {
    /// The event, as its receiver reads it.
    pub(super) fn event(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn sequence(&self) -> u64 {
        self.event()["data"]["sequence"].as_u64().unwrap()
    }

    pub(super) fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().unwrap()
    }

    /// Whether a library that knows nothing of the broker finds it signed with this secret.
    pub(super) fn is_signed_with(&self, secret: &str) -> bool {
        Webhook::new(secret).unwrap().verify(&self.body, &self.headers).is_ok()
    }
}

pub(super) struct Receiver {
    pub(super) url: String,
    status: Arc<AtomicU16>,
    messages: watch::Sender<Vec<Message>>,
    _listening: JoinSet<()>,
}

impl Receiver {
    pub(super) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let (status, messages) = (Arc::new(AtomicU16::new(204)), watch::Sender::default());
        let mut listening = JoinSet::new();
        listening.spawn(listen(listener, status.clone(), messages.clone()));
        Self { url, status, messages, _listening: listening }
    }

    /// Answers this from now on.
    pub(super) fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// Everything that came, in its order.
    pub(super) fn messages(&self) -> Vec<Message> {
        self.messages.borrow().clone()
    }

    /// Waits for what came to be as asked.
    pub(super) async fn until(&self, is_as_asked: impl Fn(&[Message]) -> bool) -> Vec<Message> {
        let mut messages = self.messages.subscribe();
        let come = messages.wait_for(|messages| is_as_asked(messages));
        let come = tokio::time::timeout(LONGEST_WAIT, come).await;
        come.unwrap_or_else(|_| panic!("not in time: {:#?}", self.messages())).unwrap().clone()
    }

    /// Waits until every event up to this place was accepted.
    pub(super) async fn accepted_through(&self, sequence: u64) -> Vec<Message> {
        self.until(|messages| {
            let accepted = messages.iter().filter(|message| message.status < 300).map(Message::sequence);
            accepted.collect::<BTreeSet<_>>().last() >= Some(&sequence)
        })
        .await
    }
}

async fn listen(listener: TcpListener, status: Arc<AtomicU16>, messages: watch::Sender<Vec<Message>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        // Whoever is killed in the middle of a request has sent nothing.
        let _whole: Option<()> = answer(stream, &status, &messages).await;
    }
}

async fn answer(stream: TcpStream, status: &AtomicU16, messages: &watch::Sender<Vec<Message>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut headers = HeaderMap::new();
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        let (name, value) = (HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
        headers.insert(name, value);
    }
    let mut body = vec![0; headers.get("content-length")?.to_str().ok()?.parse().ok()?];
    stream.read_exact(&mut body).await.ok()?;
    let status = status.load(Ordering::SeqCst);
    messages.send_modify(|messages| messages.push(Message { headers, body, status }));
    let answer = format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.ok()
}
