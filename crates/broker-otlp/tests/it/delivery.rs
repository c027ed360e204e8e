//! What is tried again, and what is given up.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use broker_otlp::{Delivery, Protocol};
use prost::Message as _;
use tokio::net::TcpListener;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::collectors::{grpc, http, nothing, partly, pipeline};

/// Long enough for some tries.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Longer than the first pause is without being asked for.
const ASKED: Duration = Duration::from_secs(1);

const TAKEN: Delivery = Delivery { delivered: 1, lost: 0, rejected: 0 };
const LOST: Delivery = Delivery { delivered: 0, lost: 1, rejected: 0 };

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_will_not_is_given_up_at_once() {
    for (statuses, expected, asked_times) in [
        (&["200 OK"][..], TAKEN, 1),
        (&["503 Service Unavailable", "429 Too Many Requests", "200 OK"][..], TAKEN, 3),
        (&["400 Bad Request"][..], LOST, 1),
        (&["413 Content Too Large"][..], LOST, 1),
    ] {
        let answer = |_: &str, number: usize| (statuses[number.min(statuses.len() - 1)], Vec::new());
        let (endpoint, asked) = http(answer).await;
        let sender = pipeline(&endpoint, Protocol::Http, TIMEOUT).sender();
        assert_eq!(sender.deliver(nothing()).await.is_ok(), expected == TAKEN, "{statuses:?}");
        assert_eq!((asked.load(Ordering::SeqCst), sender.delivery()), (asked_times, expected));
    }
}

#[tokio::test]
async fn a_collector_says_over_grpc_what_is_tried_again_and_when() {
    let asks = |code, pause| Status::with_error_details(code, "", ErrorDetails::with_retry_info(pause));
    for (answer, expected, asked_times, least) in [
        (Status::unavailable(""), TAKEN, 2, Duration::ZERO),
        (asks(Code::Unavailable, Some(ASKED)), TAKEN, 2, ASKED),
        (asks(Code::ResourceExhausted, Some(ASKED)), TAKEN, 2, ASKED),
        // Larger than it takes: it will not take it later.
        (Status::resource_exhausted(""), LOST, 1, Duration::ZERO),
        (Status::invalid_argument(""), LOST, 1, Duration::ZERO),
    ] {
        let (endpoint, asked) = grpc(vec![Err(answer.clone())]).await;
        let sender = pipeline(&endpoint, Protocol::Grpc, TIMEOUT).sender();
        let began = Instant::now();
        assert_eq!(sender.deliver(nothing()).await.is_ok(), expected == TAKEN, "{answer:?}");
        assert_eq!((asked.load(Ordering::SeqCst), sender.delivery()), (asked_times, expected), "{answer:?}");
        assert!(began.elapsed() >= least, "{answer:?} after {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_collector_says_over_http_when_it_is_tried_again() {
    let answer = |_: &str, number: usize| match number {
        0 => ("503 Service Unavailable\r\nretry-after: 1", Vec::new()),
        _ => ("200 OK", Vec::new()),
    };
    let (endpoint, asked) = http(answer).await;
    let sender = pipeline(&endpoint, Protocol::Http, TIMEOUT).sender();
    let began = Instant::now();
    sender.deliver(nothing()).await.unwrap();
    assert_eq!((asked.load(Ordering::SeqCst), sender.delivery()), (2, TAKEN));
    assert!(began.elapsed() >= ASKED, "after {:?}", began.elapsed());
}

#[tokio::test]
async fn what_a_collector_rejects_of_a_message_is_counted_and_not_sent_again() {
    let (over_grpc, asked_by_grpc) = grpc(vec![Ok(3)]).await;
    let (over_http, asked_by_http) = http(|_, _| ("200 OK", partly(3).encode_to_vec())).await;
    for (endpoint, protocol, asked) in
        [(over_grpc, Protocol::Grpc, asked_by_grpc), (over_http, Protocol::Http, asked_by_http)]
    {
        let sender = pipeline(&endpoint, protocol, TIMEOUT).sender();
        sender.deliver(nothing()).await.unwrap();
        assert_eq!(sender.delivery(), Delivery { rejected: 3, ..TAKEN }, "{protocol:?}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{protocol:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_message_says_that_all_was_taken() {
    let (endpoint, _) = http(|_, _| ("200 OK", b"{\"partialSuccess\":{}}".to_vec())).await;
    let sender = pipeline(&endpoint, Protocol::Http, TIMEOUT).sender();
    sender.deliver(nothing()).await.unwrap();
    assert_eq!(sender.delivery(), TAKEN);
}

#[tokio::test]
async fn a_collector_that_is_silent_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    for protocol in [Protocol::Grpc, Protocol::Http] {
        let pipeline = pipeline(&endpoint, protocol, Duration::from_millis(300));
        let began = Instant::now();
        pipeline.sender().deliver(nothing()).await.unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(5), "{protocol:?}: {:?}", began.elapsed());
    }
}
