//! Very many streams: opened, taken back, or with headers without end.

use super::good::{GROWTH, attacked, unimpressed};
use broker_e2e::raw::{
    CANCEL, CONTINUATION, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GET_TOKEN, GOAWAY, HEADERS,
    REFUSED_STREAM, RST_STREAM, Raw, call, field, frame,
};

const STREAMS: u32 = 10_000;

/// The ids of a client's streams.
fn ids() -> impl Iterator<Item = u32> {
    (0..STREAMS).map(|number| 2 * number + 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_thousand_streams_on_a_connection_as_many_as_may_be_are_served() {
    let (house, key) = attacked("streams_per_connection = 100\n").await;
    let attack = async {
        let mut raw = Raw::connect(house.grpc()).await;
        // None of them ever sends a message.
        let opening = ids().flat_map(|id| frame(HEADERS, END_HEADERS, id, &call(GET_TOKEN)));
        raw.send(&opening.collect::<Vec<_>>()).await;
        let mut refused = 0;
        while refused < STREAMS - 100 {
            let heard = raw.until(|heard| [RST_STREAM, GOAWAY].contains(&heard.kind)).await;
            match heard {
                Some(heard) if heard.kind == RST_STREAM => {
                    assert_eq!(heard.error_code(), REFUSED_STREAM);
                    refused += 1;
                }
                // It may lose its patience as well.
                _ => return refused,
            }
        }
        refused
    };
    let (refused, grown) = unimpressed(&house, &key, attack).await;
    assert!(refused > 0, "no stream was refused");
    assert!(grown < GROWTH, "it grew by {grown} bytes");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_calls_back_as_fast_as_they_are_made_is_told_to_calm_down() {
    let (house, key) = attacked("").await;
    let attack = async {
        let mut raw = Raw::connect(house.grpc()).await;
        for id in ids() {
            let opened = frame(HEADERS, END_HEADERS | END_STREAM, id, &call(GET_TOKEN));
            let taken_back = frame(RST_STREAM, 0, id, &CANCEL.to_be_bytes());
            if !raw.send(&[opened, taken_back].concat()).await {
                break;
            }
        }
        raw.to_end().await
    };
    let (frames, grown) = unimpressed(&house, &key, attack).await;
    let codes: Vec<_> =
        frames.iter().filter(|frame| frame.kind == GOAWAY).map(|frame| frame.error_code()).collect();
    assert!(codes.is_empty() || codes.contains(&ENHANCE_YOUR_CALM), "{codes:?}");
    assert!(grown < GROWTH, "it grew by {grown} bytes");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_in_many_small_frames_end_the_connection() {
    let (house, key) = attacked("").await;
    let attack = async {
        let mut few = Raw::connect(house.grpc()).await;
        few.send(&in_frames(&call(GET_TOKEN), 5)).await;
        assert!(few.until(|heard| heard.kind == HEADERS).await.is_some(), "five are answered");
        let mut many = Raw::connect(house.grpc()).await;
        many.send(&in_frames(&call(GET_TOKEN), 6)).await;
        many.until(|heard| heard.kind == GOAWAY).await.map(|goaway| goaway.error_code())
    };
    let (code, _) = unimpressed(&house, &key, attack).await;
    assert_eq!(code, Some(ENHANCE_YOUR_CALM));
    house.close().await;
}

/// The headers of a call without a message: so many CONTINUATION frames of a byte, and then all the rest.
fn in_frames(headers: &[u8], small: usize) -> Vec<u8> {
    let (first, rest) = headers.split_at(small);
    let pieces = first.iter().flat_map(|byte| frame(CONTINUATION, 0, 1, &[*byte])).collect();
    [frame(HEADERS, END_STREAM, 1, &[]), pieces, frame(CONTINUATION, END_HEADERS, 1, rest)].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_without_end_end_the_connection() {
    let (house, key) = attacked("").await;
    let attack = async {
        let mut raw = Raw::connect(house.grpc()).await;
        raw.send(&frame(HEADERS, 0, 1, &call(GET_TOKEN))).await;
        let more: Vec<u8> = (0..100).flat_map(|n| field(&format!("x-{n}"), &"v".repeat(120))).collect();
        let mut sent = 0;
        // 1 GiB, if nobody says stop.
        while sent < 1 << 30 && raw.send(&frame(CONTINUATION, 0, 1, &more)).await {
            sent += more.len();
        }
        sent
    };
    let (sent, grown) = unimpressed(&house, &key, attack).await;
    assert!(sent < 64 << 20, "{sent} bytes of headers were taken");
    assert!(grown < GROWTH, "it grew by {grown} bytes");
    house.close().await;
}
