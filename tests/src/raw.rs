//! HTTP/2 (RFC 9113) and TLS by hand: what no client library would send.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::LONGEST_WAIT;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The beginning of a stream.
pub const HEADERS: u8 = 0x1;
/// The end of one.
pub const RST_STREAM: u8 = 0x3;
const SETTINGS: u8 = 0x4;
/// Whether the other side is alive.
pub const PING: u8 = 0x6;
/// The end of the connection.
pub const GOAWAY: u8 = 0x7;
/// More headers.
pub const CONTINUATION: u8 = 0x9;

const ACK: u8 = 0x1;
/// Nothing more comes of this side.
pub const END_STREAM: u8 = 0x1;
/// These were all headers.
pub const END_HEADERS: u8 = 0x4;

/// As many streams as may be.
pub const REFUSED_STREAM: u32 = 0x7;
/// Not wanted any more.
pub const CANCEL: u32 = 0x8;
/// Too much of something.
pub const ENHANCE_YOUR_CALM: u32 = 0xb;

/// A frame that came.
#[derive(Debug)]
pub struct Frame {
    /// What it is.
    pub kind: u8,
    flags: u8,
    payload: Vec<u8>,
}

impl Frame {
    /// The code of a RST_STREAM or a GOAWAY.
    pub fn error_code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

/// A connection.
pub struct Raw(TcpStream);

impl Raw {
    /// Connects, and says no more than that it speaks HTTP/2.
    pub async fn connect(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(PREFACE).await.unwrap();
        let mut raw = Self(stream);
        raw.send(&frame(SETTINGS, 0, 0, &[])).await;
        raw
    }

    /// Writes; a connection that is closed by now has what it needs.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok()
    }

    /// The next frame; `None` at the end.
    pub async fn next(&mut self) -> Option<Frame> {
        tokio::time::timeout(LONGEST_WAIT, self.read())
            .await
            .expect("the connection neither says anything nor ends")
    }

    async fn read(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).await.ok()?;
        Some(Frame { kind: head[3], flags: head[4], payload })
    }

    /// Reads on to a frame that is the one; `None` if the connection ends before. Acknowledges what has to be.
    pub async fn until(&mut self, mut is_it: impl FnMut(&Frame) -> bool) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if is_it(&frame) {
                return Some(frame);
            }
            self.acknowledge(&frame).await;
        }
    }

    async fn acknowledge(&mut self, heard: &Frame) {
        match (heard.kind, heard.flags & ACK) {
            (SETTINGS, 0) => drop(self.send(&frame(SETTINGS, ACK, 0, &[])).await),
            (PING, 0) => drop(self.send(&frame(PING, ACK, 0, &heard.payload)).await),
            _ => {}
        }
    }

    /// Everything up to the end of the connection.
    pub async fn to_end(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }
}

/// A frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    [&announced(kind, flags, stream, length), payload].concat()
}

/// The beginning of a frame, whose payload has so many bytes. More than 16 KiB are too many (RFC 9113 section 4.2).
pub fn announced(kind: u8, flags: u8, stream: u32, length: u32) -> Vec<u8> {
    [&length.to_be_bytes()[1..], &[kind, flags], &stream.to_be_bytes()].concat()
}

/// The headers of a call, as literals without indexing (RFC 7541 section 6.2.2).
pub fn call(path: &str) -> Vec<u8> {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "broker"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    fields.iter().flat_map(|(name, value)| field(name, value)).collect()
}

/// One header, shorter than 127 bytes in each half.
pub fn field(name: &str, value: &str) -> Vec<u8> {
    let half = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [vec![0], half(name), half(value)].concat()
}

/// GetAccessToken.
pub const GET_TOKEN: &str = "/tokenbroker.v1.TokenService/GetAccessToken";

/// A TLS record with the beginning of a hello (RFC 8446 section 4.1.2), for those who say it byte by byte.
pub fn hello() -> impl Iterator<Item = u8> {
    const RECORD: [u8; 11] = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];
    RECORD.into_iter().chain([0; 500])
}
