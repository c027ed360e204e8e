//! What the log says of a collector: changes, each once.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use broker_otlp::proto::collector::logs::v1::ExportLogsServiceRequest;
use broker_otlp::proto::collector::trace::v1::ExportTraceServiceRequest;
use broker_otlp::{Message, Protocol};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt;

use super::collectors::{grpc, http, nothing, pipeline};

const TIMEOUT: Duration = Duration::from_secs(10);

/// What is logged by this thread while the guard is there.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn keep(&self) -> DefaultGuard {
        let log = self.clone();
        let layer = fmt::Subscriber::builder().with_ansi(false).without_time();
        tracing::subscriber::set_default(layer.with_writer(move || log.clone()).finish())
    }

    /// The lines of broker-otlp, without their level and target.
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().filter_map(|line| line.split_once("broker_otlp::standing: "));
        lines.map(|(_, line)| line.to_owned()).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn signals() -> [Message; 3] {
    let traces = Message::Traces(ExportTraceServiceRequest::default());
    [traces, Message::Logs(ExportLogsServiceRequest::default()), nothing()]
}

const NOT_TAKEN: &str = "telemetry is not taken by the collector; what finds no room is dropped";

#[tokio::test]
async fn a_collector_that_refuses_one_signal_is_told_of_once() {
    let log = Log::default();
    let _kept = log.keep();
    let (endpoint, _) = http(|path, _| match path {
        "/prefix/v1/logs" => ("404 Not Found", Vec::new()),
        _ => ("200 OK", Vec::new()),
    })
    .await;
    let sender = pipeline(&endpoint, Protocol::Http, TIMEOUT).sender();
    for _ in 0..3 {
        for message in signals() {
            let is_refused = matches!(message, Message::Logs(_));
            assert_eq!(sender.deliver(message).await.is_err(), is_refused);
        }
    }
    let told = format!("{NOT_TAKEN} signal=\"logs\" problem=\"the collector answered 404\"");
    assert_eq!(log.lines(), [told]);
}

#[tokio::test]
async fn each_problem_is_told_once_until_the_collector_takes_something_again() {
    let log = Log::default();
    let _kept = log.keep();
    let statuses = ["400 Bad Request", "401 Unauthorized", "400 Bad Request", "200 OK", "400 Bad Request"];
    let (endpoint, _) = http(move |_, number| (statuses[number], Vec::new())).await;
    let sender = pipeline(&endpoint, Protocol::Http, TIMEOUT).sender();
    for status in statuses {
        assert_eq!(sender.deliver(nothing()).await.is_ok(), status == "200 OK");
    }
    let not_taken =
        |status| format!("{NOT_TAKEN} signal=\"metrics\" problem=\"the collector answered {status}\"");
    let again = "telemetry is taken by the collector again signal=\"metrics\"".to_owned();
    assert_eq!(log.lines(), [not_taken(400), not_taken(401), again, not_taken(400)]);
}

#[tokio::test]
async fn a_collector_that_rejects_parts_is_told_of_once_and_not_in_its_words() {
    let log = Log::default();
    let _kept = log.keep();
    let (endpoint, _) = grpc(vec![Ok(2), Ok(0), Ok(3)]).await;
    let sender = pipeline(&endpoint, Protocol::Grpc, TIMEOUT).sender();
    for _ in 0..3 {
        sender.deliver(nothing()).await.unwrap();
    }
    let told = "the collector takes telemetry and rejects parts of it signal=\"metrics\" rejected=2";
    assert_eq!(log.lines(), [told]);
}
