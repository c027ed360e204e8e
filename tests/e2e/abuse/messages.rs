//! Messages that are too long.

use std::future::poll_fn;

use bytes::Bytes;
use http::Request;
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;

use super::good::{GROWTH, attacked, unimpressed};
use broker_e2e::raw::GET_TOKEN;

const GIBIBYTE: u32 = 1 << 30;
const PIECE: usize = 16 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_a_gibibyte_is_refused_by_its_announcement_and_not_taken_in() {
    let (house, key) = attacked("").await;
    let (sent, grown) = unimpressed(&house, &key, send_a_gibibyte(&house)).await;
    assert!(sent < 8 << 20, "{sent} bytes were taken");
    assert!(grown < GROWTH, "it grew by {grown} bytes");
    house.close().await;
}

/// Sends as long as it is taken. Answers how much was.
async fn send_a_gibibyte(house: &broker_e2e::House) -> usize {
    let stream = TcpStream::connect(house.grpc()).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    let tasks = TaskTracker::new();
    tasks.spawn(connection);
    let mut sender = sender.ready().await.unwrap();
    let request = Request::post(format!("http://{}{GET_TOKEN}", house.grpc()))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .unwrap();
    let (response, mut body) = sender.send_request(request, false).unwrap();
    let announced = [&[0], GIBIBYTE.to_be_bytes().as_slice()].concat();
    body.send_data(announced.into(), false).unwrap();
    let mut sent = 0;
    while sent < GIBIBYTE as usize {
        body.reserve_capacity(PIECE);
        // Refused, or reset.
        let Some(Ok(room)) = poll_fn(|cx| body.poll_capacity(cx)).await else { break };
        let piece = Bytes::from(vec![0; room.min(PIECE)]);
        sent += piece.len();
        if body.send_data(piece, false).is_err() {
            break;
        }
    }
    let (head, mut rest) = response.await.unwrap().into_parts();
    let in_head = head.headers.get("grpc-status").cloned();
    let status = match in_head {
        Some(status) => status,
        None => rest.trailers().await.unwrap().unwrap()["grpc-status"].clone(),
    };
    // OUT_OF_RANGE: that is gRPC's own word for it.
    assert_eq!(status, "11", "{head:?}");
    sent
}
