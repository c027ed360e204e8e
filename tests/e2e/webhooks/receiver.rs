//! A receiver of webhooks, of a few lines, that answers what a test wants.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use broker_e2e::{Dice, LONGEST_WAIT};
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

    pub(super) fn is_refused(&self) -> bool {
        self.status >= 300
    }

    /// Whether a library that knows nothing of the broker finds it signed with this secret.
    pub(super) fn is_signed_with(&self, secret: &str) -> bool {
        Webhook::new(secret).unwrap().verify(&self.body, &self.headers).is_ok()
    }
}

/// What it answers.
struct Answers {
    status: AtomicU16,
    moods: Mutex<Option<Moods>>,
}

/// When it refuses what it would accept a moment later.
struct Moods {
    dice: Dice,
    /// So many are answered before one is refused.
    patience: usize,
    /// After a second failure in a row a message is not sent for long: each is refused once.
    refused: BTreeSet<String>,
}

/// It refuses one of so many at least.
const MOST_PATIENCE: usize = 3;

impl Moods {
    fn new(mut dice: Dice) -> Self {
        let patience = dice.below(MOST_PATIENCE);
        Self { dice, patience, refused: BTreeSet::new() }
    }

    fn refuses(&mut self, id: &str) -> bool {
        if self.patience > 0 {
            self.patience -= 1;
            return false;
        }
        let refuses = self.refused.insert(id.to_owned());
        if refuses {
            self.patience = self.dice.below(MOST_PATIENCE);
        }
        refuses
    }
}

impl Answers {
    fn next(&self, id: &str) -> u16 {
        let mut moods = self.moods.lock().unwrap_or_else(PoisonError::into_inner);
        match moods.as_mut().is_some_and(|moods| moods.refuses(id)) {
            true => 503,
            false => self.status.load(Ordering::SeqCst),
        }
    }
}

pub(super) struct Receiver {
    pub(super) url: String,
    answers: Arc<Answers>,
    messages: watch::Sender<Vec<Message>>,
    _listening: JoinSet<()>,
}

impl Receiver {
    pub(super) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let answers = Arc::new(Answers { status: AtomicU16::new(204), moods: Mutex::default() });
        let (messages, mut listening) = (watch::Sender::default(), JoinSet::new());
        listening.spawn(listen(listener, answers.clone(), messages.clone()));
        Self { url, answers, messages, _listening: listening }
    }

    /// Answers this from now on.
    pub(super) fn answers(&self, status: u16) {
        self.answers.status.store(status, Ordering::SeqCst);
    }

    /// Refuses now and then from now on.
    pub(super) fn refuses_now_and_then(&self, dice: Dice) {
        *self.answers.moods.lock().unwrap_or_else(PoisonError::into_inner) = Some(Moods::new(dice));
    }

    /// Refuses nothing any more.
    pub(super) fn refuses_no_more(&self) {
        *self.answers.moods.lock().unwrap_or_else(PoisonError::into_inner) = None;
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
            let accepted = messages.iter().filter(|message| !message.is_refused()).map(Message::sequence);
            accepted.collect::<BTreeSet<_>>().last() >= Some(&sequence)
        })
        .await
    }
}

async fn listen(listener: TcpListener, answers: Arc<Answers>, messages: watch::Sender<Vec<Message>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        // Whoever is killed in the middle of a request has sent nothing.
        let _whole: Option<()> = answer(stream, &answers, &messages).await;
    }
}

async fn answer(stream: TcpStream, answers: &Answers, messages: &watch::Sender<Vec<Message>>) -> Option<()> {
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
    let status = answers.next(headers.get("webhook-id")?.to_str().ok()?);
    messages.send_modify(|messages| messages.push(Message { headers, body, status }));
    let answer = format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.ok()
}
