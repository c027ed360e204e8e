//! Who says everything, but one byte at a time (slow loris).

use std::time::{Duration, Instant};

use broker_e2e::LONGEST_WAIT;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::good::{attacked, unimpressed};
use broker_e2e::raw::{END_HEADERS, GET_TOKEN, HEADERS, RST_STREAM, Raw, announced, call, frame};

/// Between two bytes.
const PAUSE: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_of_a_call_that_come_byte_by_byte_are_not_waited_for() {
    let (house, key) = attacked("first_call_timeout = \"500ms\"\n").await;
    let attack = async {
        let began = Instant::now();
        let mut raw = Raw::connect(house.grpc()).await;
        // One frame, of which no byte is one too many: in many frames it would be cut off for their number.
        raw.send(&announced(HEADERS, END_HEADERS, 1, 16 << 10)).await;
        let trickling = async {
            for byte in call(GET_TOKEN).iter().cycle() {
                if !raw.send(&[*byte]).await {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(LONGEST_WAIT, trickling).await.expect("it is cut off");
        assert!(began.elapsed() >= Duration::from_millis(500), "something else cut it off");
    };
    unimpressed(&house, &key, attack).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_says_nothing_is_answered_in_time() {
    let (house, key) = attacked("call_timeout = \"3s\"\n").await;
    let attack = async {
        let mut raw = Raw::connect(house.grpc()).await;
        raw.send(&frame(HEADERS, END_HEADERS, 1, &call(GET_TOKEN))).await;
        let answer = raw.until(|heard| [HEADERS, RST_STREAM].contains(&heard.kind));
        assert!(answer.await.is_some(), "the connection ends without an answer");
    };
    unimpressed(&house, &key, attack).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_of_an_http_request_that_come_byte_by_byte_are_not_waited_for() {
    let (house, key) = attacked("http_header_timeout = \"500ms\"\n").await;
    let attack = async {
        let mut trickling = TcpStream::connect(house.http()).await.unwrap();
        let mut idle = TcpStream::connect(house.http()).await.unwrap();
        idle.write_all(b"GET /livez HTTP/1.1\r\nhost: broker\r\n\r\n").await.unwrap();
        let sending = async {
            for byte in b"GET /livez HTTP/1.1\r\nx: ".iter().chain(b"y".iter().cycle()) {
                if trickling.write_all(&[*byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(LONGEST_WAIT, sending).await.expect("it is cut off");
        let mut answer = String::new();
        let reading = idle.read_to_string(&mut answer);
        tokio::time::timeout(LONGEST_WAIT, reading).await.expect("a rest is no use of a connection").unwrap();
        assert!(answer.contains("200 OK"), "{answer}");
    };
    unimpressed(&house, &key, attack).await;
    house.close().await;
}
