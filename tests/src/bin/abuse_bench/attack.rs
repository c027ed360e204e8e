//! The attacks, and the one thing that is nobody's fault: a provider that takes its time. Each goes on until it is dropped.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::Duration;

use broker_e2e::bench::key;
use broker_e2e::raw::{
    CANCEL, CONTINUATION, END_HEADERS, END_STREAM, GET_TOKEN, HEADERS, RST_STREAM, Raw, announced, call,
    frame, hello,
};
use broker_e2e::{Client, ask};
use clap::ValueEnum;
use futures_util::future::join_all;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::front::{GRANTS, WAITING};

/// Between two bursts.
const PAUSE: Duration = Duration::from_millis(250);
/// Between two bytes.
const DRIP: Duration = Duration::from_millis(100);
const IDLE: usize = 1000;
const SLOW: usize = 200;
const STREAMS: u32 = 10_000;
/// Streams in one write: an attacker does not spare its victim by sending each by itself.
const AT_ONCE: usize = 100;
/// How many times as many calls wait for the provider as are answered at once.
const LOAD: u32 = 10;
/// Those who wait share so many connections.
const CONNECTIONS: usize = 100;

/// One kind of attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Attack {
    /// 1,000 connections that say nothing.
    Idle,
    /// 200 connections whose handshakes (TLS) come byte by byte.
    Handshakes,
    /// 200 connections whose headers come byte by byte.
    Slow,
    /// 200 connections whose headers come in a frame for each byte. They are closed for the number of frames, and come again.
    Pieces,
    /// 10,000 streams on one connection.
    Streams,
    /// 10,000 calls on one connection, each taken back.
    Resets,
    /// A message of 1 GiB, as far as it is taken.
    Message,
    /// Ten times as many calls for tokens that have expired, of a provider that takes 30 s.
    Provider,
}

/// Where an attack finds its victim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Plain,
    Tls,
    SlowProvider,
}

impl Attack {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Idle => "1,000 idle connections",
            Self::Handshakes => "200 slow TLS handshakes",
            Self::Slow => "200 slow headers",
            Self::Pieces => "200 headers in pieces",
            Self::Streams => "10,000 streams",
            Self::Resets => "rapid reset",
            Self::Message => "1 GiB message",
            Self::Provider => "10 x load, provider 30 s",
        }
    }

    pub(crate) fn at(self) -> At {
        match self {
            Self::Handshakes => At::Tls,
            Self::Provider => At::SlowProvider,
            _ => At::Plain,
        }
    }

    /// Never ends. Good clients make so many calls a second.
    pub(crate) async fn go_on(self, address: SocketAddr, rate: u32, blows: &Blows) {
        match self {
            Self::Idle => idle(address, blows).await,
            Self::Handshakes => drop(join_all((0..SLOW).map(|_| slow_handshake(address, blows))).await),
            Self::Slow => drop(join_all((0..SLOW).map(|_| slow(address, blows))).await),
            Self::Pieces => drop(join_all((0..SLOW).map(|_| in_pieces(address, blows))).await),
            Self::Provider => wait_for_provider(address, LOAD * rate, blows).await,
            Self::Streams => calls(address, opened, blows).await,
            Self::Resets => calls(address, taken_back, blows).await,
            Self::Message => messages(address, blows).await,
        }
    }

    /// Fewer blows in so much time are not the attack that it is called: half of what an attacker sets out to do.
    pub(crate) fn least(self, span: Duration, rate: u32) -> u64 {
        let a_second = match self {
            Self::Idle => return IDLE as u64,
            Self::Handshakes | Self::Slow | Self::Pieces => SLOW as f64 / DRIP.as_secs_f64(),
            Self::Streams | Self::Resets | Self::Message => 1.0 / PAUSE.as_secs_f64(),
            Self::Provider => f64::from(LOAD * rate),
        };
        (a_second * span.as_secs_f64() / 2.0) as u64
    }
}

/// What an attacker has done: connections that say nothing, bytes that come one by one, connections full of calls, pieces of a
/// message, or calls.
#[derive(Default)]
pub(crate) struct Blows(Cell<u64>);

impl Blows {
    fn strike(&self) {
        self.0.set(self.0.get() + 1);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.get()
    }
}

fn opened(id: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, id, &call(GET_TOKEN))
}

fn taken_back(id: u32) -> Vec<u8> {
    let taken_back = frame(RST_STREAM, 0, id, &CANCEL.to_be_bytes());
    [frame(HEADERS, END_HEADERS | END_STREAM, id, &call(GET_TOKEN)), taken_back].concat()
}

/// All on one connection, again and again. Made once: what it costs to make them is not the victim's.
async fn calls(address: SocketAddr, one: impl Fn(u32) -> Vec<u8>, blows: &Blows) {
    let ids: Vec<u32> = (0..STREAMS).map(|number| 2 * number + 1).collect();
    let writes: Vec<Vec<u8>> =
        ids.chunks(AT_ONCE).map(|ids| ids.iter().flat_map(|id| one(*id)).collect()).collect();
    loop {
        let mut raw = Raw::connect(address).await;
        for write in &writes {
            if !raw.send(write).await {
                break;
            }
        }
        blows.strike();
        tokio::time::sleep(PAUSE).await;
    }
}

/// Those that are closed are opened again.
async fn idle(address: SocketAddr, blows: &Blows) {
    let mut held = Vec::new();
    loop {
        while held.len() < IDLE {
            if let Ok(stream) = TcpStream::connect(address).await {
                held.push(stream);
                blows.strike();
            }
        }
        tokio::time::sleep(PAUSE).await;
        held.retain(|stream| !is_closed(stream));
    }
}

fn is_closed(stream: &TcpStream) -> bool {
    let mut byte = [0; 1];
    matches!(stream.try_read(&mut byte), Ok(0)) || stream.take_error().is_ok_and(|error| error.is_some())
}

async fn slow(address: SocketAddr, blows: &Blows) {
    loop {
        let mut raw = Raw::connect(address).await;
        raw.send(&announced(HEADERS, END_HEADERS, 1, 16 << 10)).await;
        for byte in call(GET_TOKEN).iter().cycle() {
            if !raw.send(&[*byte]).await {
                break;
            }
            blows.strike();
            tokio::time::sleep(DRIP).await;
        }
    }
}

async fn in_pieces(address: SocketAddr, blows: &Blows) {
    loop {
        let mut raw = Raw::connect(address).await;
        raw.send(&frame(HEADERS, 0, 1, &[])).await;
        for byte in call(GET_TOKEN).iter().cycle() {
            if !raw.send(&frame(CONTINUATION, 0, 1, &[*byte])).await {
                break;
            }
            blows.strike();
            tokio::time::sleep(DRIP).await;
        }
    }
}

async fn slow_handshake(address: SocketAddr, blows: &Blows) {
    loop {
        // Where there is no room it is tried again.
        let Ok(mut stream) = TcpStream::connect(address).await else { continue };
        for byte in hello() {
            if stream.write_all(&[byte]).await.is_err() {
                break;
            }
            blows.strike();
            tokio::time::sleep(DRIP).await;
        }
    }
}

async fn messages(address: SocketAddr, blows: &Blows) {
    loop {
        message(&mut Raw::connect(address).await, blows).await;
        tokio::time::sleep(PAUSE).await;
    }
}

/// The announcement, and then what no window allows any more.
async fn message(raw: &mut Raw, blows: &Blows) {
    const DATA: u8 = 0x0;
    let announced = [&[0], (1_u32 << 30).to_be_bytes().as_slice()].concat();
    raw.send(&frame(HEADERS, END_HEADERS, 1, &call(GET_TOKEN))).await;
    raw.send(&frame(DATA, 0, 1, &announced)).await;
    let piece = frame(DATA, 0, 1, &[0; 16 << 10]);
    let mut sent = 0;
    while sent < 1 << 30 && raw.send(&piece).await {
        sent += piece.len();
        blows.strike();
        tokio::task::yield_now().await;
    }
}

/// Calls for tokens that cannot be had now, whatever is answered to them.
async fn wait_for_provider(address: SocketAddr, rate: u32, blows: &Blows) {
    let clients = join_all((0..CONNECTIONS).map(|_| Client::connect(address))).await;
    let (mut pace, mut calls) = (tokio::time::interval(Duration::from_secs(1) / rate), JoinSet::new());
    for (client, grant) in clients.iter().cycle().zip((GRANTS..GRANTS + WAITING).cycle()) {
        pace.tick().await;
        blows.strike();
        let client = client.clone();
        calls.spawn(async move { drop(client.token(ask(&key(grant))).await) });
        while calls.try_join_next().is_some() {}
    }
}
