//! What is tried again, and what is given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use broker_otlp::proto::collector::metrics::v1::ExportMetricsServiceRequest;
use broker_otlp::{Delivery, Headers, Message, Pipeline, Protocol, Resource, Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

/// Answers each request with the next of the statuses, the last of them for ever.
async fn collector(statuses: &'static [&'static str]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = asked.clone();
    TaskTracker::new().spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            // Small enough to come at once.
            let _ = stream.read(&mut request).await.unwrap();
            let number = count.fetch_add(1, Ordering::SeqCst).min(statuses.len() - 1);
            let answer =
                format!("HTTP/1.1 {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", statuses[number]);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (format!("http://{address}/prefix"), asked)
}

fn pipeline(endpoint: &str, protocol: Protocol, timeout: Duration) -> Pipeline {
    let settings = Settings {
        endpoint: endpoint.parse().unwrap(),
        protocol,
        headers: Headers::default(),
        ca_pem: None,
        timeout,
        sample_ratio: 1.0,
        resource: Resource::default(),
    };
    Pipeline::open(&settings, Handle::current()).unwrap()
}

fn nothing() -> Message {
    Message::Metrics(ExportMetricsServiceRequest::default())
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_will_not_is_given_up_at_once() {
    for (statuses, delivered, asked_times) in [
        (&["200 OK"][..], true, 1),
        (&["503 Service Unavailable", "429 Too Many Requests", "200 OK"][..], true, 3),
        (&["400 Bad Request"][..], false, 1),
    ] {
        let (endpoint, asked) = collector(statuses).await;
        let pipeline = pipeline(&endpoint, Protocol::Http, Duration::from_secs(10));
        let sender = pipeline.sender();
        assert_eq!(sender.deliver(nothing()).await.is_ok(), delivered, "{statuses:?}");
        assert_eq!(asked.load(Ordering::SeqCst), asked_times, "{statuses:?}");
        let expected = Delivery { delivered: u64::from(delivered), lost: u64::from(!delivered) };
        assert_eq!(sender.delivery(), expected);
    }
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
