//! Contract lines EEN 24 and Evercam 16: what goes wrong on the wire, before and after the rotation.

use std::time::Duration;

use provider_sim::{Effect, Endpoint, Fault, FaultBody, Times, When};

use crate::een::{Een, tokens};
use crate::http::{Answer, Closed};

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn dropped_before_commit_leaves_the_token_usable() {
    let een = Een::demo().await;
    let (_, refresh) = een.grant().await;
    een.sim.faults().push(Fault::drop_connection(Endpoint::Refresh, When::BeforeCommit));
    assert!(een.try_refresh(&refresh).await.is_err());
    let entry = een.sim.journal().last().unwrap();
    assert!(!entry.committed && entry.presented.is_some());
    assert_eq!(entry.outcome.unwrap().status, None);
    assert_eq!(een.refresh(&refresh).await.status, 200);
}

#[tokio::test]
async fn dropped_after_commit_has_rotated() {
    let een = Een::demo().await;
    let (_, refresh) = een.grant().await;
    een.sim.faults().push(Fault::drop_connection(Endpoint::Refresh, When::AfterCommit));
    assert!(een.try_refresh(&refresh).await.is_err());
    assert_eq!(een.sim.journal().refreshes(), 1);
    assert_eq!(een.refresh(&refresh).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn dropped_code_exchange_has_used_the_code() {
    let een = Een::demo().await;
    let code = een.code().await;
    een.sim.faults().push(Fault::drop_connection(Endpoint::Exchange, When::AfterCommit));
    let params = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", crate::een::REDIRECT),
    ];
    assert!(een.try_token(&params).await.is_err());
    assert_eq!(een.exchange(&code).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn cut_body_announces_more_than_it_sends() {
    let een = Een::demo().await;
    let (_, refresh) = een.grant().await;
    een.sim.faults().push(Fault::new(Endpoint::Refresh, Effect::CutBody));
    let address = een.base.strip_prefix("http://").unwrap();
    let body = crate::http::form(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]);
    let request = format!(
        "POST /oauth2/token HTTP/1.1\r\nhost: {address}\r\nauthorization: {}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        crate::een::basic(crate::een::ID, crate::een::SECRET),
        body.len()
    );
    let raw = raw_exchange(address, &request).await;
    let (head, received) = raw.split_once("\r\n\r\n").unwrap();
    let announced =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    let announced: usize = announced.unwrap().parse().unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(received.len(), announced / 2);
    assert_eq!(een.refresh(&refresh).await.error(), (400, "invalid_grant".into()));
}

async fn raw_exchange(address: &str, request: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    // A reset after the data is as good an end as an orderly one.
    let _ = stream.read_to_end(&mut received).await;
    String::from_utf8(received).unwrap()
}

#[tokio::test]
async fn server_errors_come_before_or_after_the_rotation() {
    for (when, then) in [(When::BeforeCommit, 200), (When::AfterCommit, 400)] {
        let een = Een::demo().await;
        let (_, refresh) = een.grant().await;
        een.sim.faults().push(Fault::respond(Endpoint::Refresh, when, 502, FaultBody::Html));
        let answer = een.refresh(&refresh).await;
        assert_eq!(answer.status, 502);
        assert!(answer.header("content-type").unwrap().starts_with("text/html"));
        assert_eq!(een.refresh(&refresh).await.status, then, "{when:?}");
    }
}

/// Polls both until the first is done: the request is on its way while the other future acts.
async fn meanwhile<T>(
    request: impl Future<Output = Result<Answer, Closed>>,
    act: impl Future<Output = T>,
) -> (Result<Answer, Closed>, T) {
    tokio::join!(request, act)
}

#[tokio::test]
async fn hanging_before_commit_goes_on_when_cleared() {
    let een = Een::demo().await;
    let (_, refresh) = een.grant().await;
    een.sim.faults().push(Fault::hang(Endpoint::Refresh, When::BeforeCommit));
    let clear = async {
        let journal = een.sim.journal();
        journal
            .wait_for(|journal| journal.last().unwrap().endpoint == Endpoint::Refresh, PATIENCE)
            .await
            .unwrap();
        let entry = journal.last().unwrap();
        een.sim.faults().clear();
        entry
    };
    let (answer, hanging) = meanwhile(een.try_refresh(&refresh), clear).await;
    assert!(!hanging.committed && hanging.outcome.is_none());
    tokens(&answer.unwrap());
}

#[tokio::test]
async fn hanging_after_commit_has_rotated_though_the_client_left() {
    let een = Een::demo().await;
    let (_, refresh) = een.grant().await;
    een.sim.faults().push(Fault::hang(Endpoint::Refresh, When::AfterCommit));
    tokio::select! {
        answer = een.try_refresh(&refresh) => panic!("{answer:?}"),
        waited = een.sim.journal().wait_for(|journal| journal.refreshes() == 1, PATIENCE) => waited.unwrap(),
    }
    assert_eq!(een.refresh(&refresh).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn hanging_before_commit_is_never_carried_out_when_the_client_leaves() {
    let een = Een::demo().await;
    let (_, refresh) = een.grant().await;
    een.sim.faults().push(Fault::hang(Endpoint::Refresh, When::BeforeCommit));
    tokio::select! {
        answer = een.try_refresh(&refresh) => panic!("{answer:?}"),
        waited = een.sim.journal().wait_for(|journal| journal.presentations(1) == 1, PATIENCE) => waited.unwrap(),
    }
    assert_eq!(een.refresh(&refresh).await.status, 200);
    een.sim.shutdown().await;
}

#[tokio::test]
async fn orphaned_request_is_carried_out_after_the_client_left() {
    let een = Een::demo().await;
    let (_, refresh) = een.grant().await;
    een.sim.faults().push(Fault::latency(Endpoint::Refresh, Duration::from_millis(200)));
    tokio::select! {
        answer = een.try_refresh(&refresh) => panic!("{answer:?}"),
        waited = een.sim.journal().wait_for(|journal| journal.presentations(1) == 1, PATIENCE) => waited.unwrap(),
    }
    assert_eq!(een.sim.journal().refreshes(), 0);
    een.sim.journal().wait_for(|journal| journal.refreshes() == 1, PATIENCE).await.unwrap();
    assert_eq!(een.refresh(&refresh).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn delay_after_commit_shows_in_the_journal_before_the_answer() {
    let een = Een::demo().await;
    let (_, refresh) = een.grant().await;
    let slow = Fault::new(Endpoint::Refresh, Effect::None).delay_after(Duration::from_millis(200));
    een.sim.faults().push(slow);
    let committed = een.sim.journal().wait_for(|journal| journal.refreshes() == 1, PATIENCE);
    let committed = async {
        committed.await.unwrap();
        een.sim.journal().last().unwrap().outcome
    };
    let (answer, outcome) = meanwhile(een.try_refresh(&refresh), committed).await;
    assert_eq!(outcome, None);
    tokens(&answer.unwrap());
}

#[tokio::test]
async fn faults_are_counted_queued_and_bound_to_their_endpoint() {
    let een = Een::demo().await;
    let (access, refresh) = een.grant().await;
    let faults = een.sim.faults();
    let broken = |status| Fault::respond(Endpoint::Refresh, When::BeforeCommit, status, FaultBody::Empty);
    faults.push(broken(500).times(2));
    faults.push(broken(503));
    faults.push(broken(504).forever());
    assert!(een.is_alive(&access).await);
    for status in [500, 500, 503, 504, 504, 504] {
        assert_eq!(een.refresh(&refresh).await.status, status);
    }
    assert_eq!(faults.waiting().iter().map(|fault| fault.times).collect::<Vec<_>>(), [Times::Forever]);
    faults.clear();
    assert_eq!(een.refresh(&refresh).await.status, 200);
}

#[tokio::test]
async fn shutdown_ends_hanging_requests() {
    let een = Een::demo().await;
    let (_, refresh) = een.grant().await;
    een.sim.faults().push(Fault::hang(Endpoint::Refresh, When::BeforeCommit));
    let Een { sim, base } = een;
    let journal = sim.journal().clone();
    let stop = async {
        journal.wait_for(|journal| journal.presentations(1) == 1, PATIENCE).await.unwrap();
        sim.shutdown().await;
    };
    let auth = crate::een::basic(crate::een::ID, crate::een::SECRET);
    let body = crate::http::form(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]);
    let headers = [crate::een::FORM, ("authorization", auth.as_str())];
    let request = crate::http::try_send(&base, "POST", "/oauth2/token", &headers, &body);
    let (answer, ()) = meanwhile(request, stop).await;
    assert!(answer.is_err());
}
