//! `docs/metrics.md` against what brokers show, both ways.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use broker_e2e::{Fleet, House, LONGEST_WAIT, Provider, Site, ask};

use super::page::Page;
use crate::BINARY;

/// What must be so that a row has a value. A new one needs a test that brings it about: here, in `conditions.rs`, or
/// where the thing itself is tested (registrations in `admin`, refusals in `auth` and `access`, panics in `life`).
const CONDITIONS: [&str; 11] = [
    "after a call",
    "after a rotation",
    "after a refusal",
    "after a key rotation",
    "after a panic",
    "while something is due",
    "while a breaker is open",
    "while a registration rests",
    "with Postgres",
    "with Redis",
    "with TLS",
];

/// One row of the document.
struct Row {
    kind: String,
    labels: BTreeSet<String>,
    roles: Vec<String>,
    /// What must be so that it has a value.
    condition: Option<String>,
}

/// The rows of every table whose first column is a name.
fn documented() -> BTreeMap<String, Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let text = fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let rows: BTreeMap<_, _> = rows.map(row).collect();
    assert!(rows.len() > 50, "the document has tables");
    rows
}

fn row(line: &str) -> (String, Row) {
    let columns: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [name, kind, labels, shown, _what, _alert] = columns[..] else { panic!("six columns: {line}") };
    let (roles, condition) =
        shown.split_once("; ").map_or((shown, None), |(roles, when)| (roles, Some(when)));
    let words =
        |text: &str| text.split(", ").map(|word| word.trim_matches('`').to_owned()).collect::<Vec<_>>();
    let labels = words(labels).into_iter().filter(|label| !label.is_empty()).collect();
    let row =
        Row { kind: kind.to_owned(), labels, roles: words(roles), condition: condition.map(str::to_owned) };
    (name.trim_matches('`').to_owned(), row)
}

/// `true_here` are the conditions that hold.
fn compare(role: &str, page: &Page, true_here: &[&str]) {
    let documented = documented();
    let here = |row: &Row| row.roles.iter().any(|of| of == role);
    for (name, kind) in &page.kinds {
        let row = documented.get(name).unwrap_or_else(|| panic!("{name} is not in docs/metrics.md"));
        assert!(here(row), "docs/metrics.md does not say that role {role} shows {name}");
        assert_eq!(kind, &row.kind, "{name}");
        let undocumented: Vec<_> =
            page.labels(name).into_iter().filter(|label| !row.labels.contains(*label)).collect();
        assert!(undocumented.is_empty(), "{name} has labels {undocumented:?}");
    }
    let with_values = page.with_values();
    for (name, row) in documented.iter().filter(|(_, row)| here(row)) {
        let holds = row.condition.as_deref().is_none_or(|when| true_here.contains(&when));
        assert!(!holds || with_values.contains(name.as_str()), "role {role} shows no {name}:\n{}", page.text);
    }
}

/// Every row of that condition has a value on the page.
pub(super) fn shows_what_is_documented(condition: &str, page: &Page) {
    let documented = documented();
    let rows: Vec<_> =
        documented.iter().filter(|(_, row)| row.condition.as_deref() == Some(condition)).collect();
    assert!(!rows.is_empty(), "docs/metrics.md has the condition `{condition}`");
    let with_values = page.with_values();
    for (name, _) in rows {
        assert!(with_values.contains(name.as_str()), "no {name} {condition}:\n{}", page.text);
    }
}

#[test]
fn every_condition_comes_about_in_a_test() {
    let documented = documented();
    let conditions: BTreeSet<_> = documented.values().filter_map(|row| row.condition.as_deref()).collect();
    assert_eq!(conditions, BTreeSet::from(CONDITIONS));
}

#[tokio::test]
async fn a_broker_that_does_everything_shows_what_is_documented_and_nothing_else() {
    let house = House::open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    house.outlive_token(Provider::Evercam);
    house.vend(&key).await.unwrap();
    house.client.grant(&house.key(Provider::Evercam, "nobody")).await.unwrap_err();
    house.clock.advance(Duration::from_secs(61));
    let page = until_counted(&house, "token_broker_grants{provider=\"evercam\",state=\"active\"} 1").await;

    compare("all", &page, &["after a rotation", "after a call"]);
    for line in [
        "token_broker_vends_total{provider=\"evercam\",outcome=\"refreshed\"} 1",
        "token_broker_vend_remaining_validity_seconds_count{provider=\"evercam\"} 1",
        "token_broker_rotation_lateness_seconds_count{provider=\"evercam\"} 1",
        "token_broker_rotation_duration_seconds_count{provider=\"evercam\"} 1",
        "token_broker_leases_total{outcome=\"acquired\"} 1",
        "token_broker_losses_total{point=\"c4_c5\"} 0",
        "token_broker_escrow_records 0",
        "token_broker_grants_in_phase{provider=\"evercam\",phase=\"sent\"} 0",
        "token_broker_watch_streams 0",
        "rpc_server_call_duration_seconds_count{rpc_system_name=\"grpc\",\
         rpc_method=\"tokenbroker.v1.TokenService/GetAccessToken\",\
         rpc_response_status_code=\"OK\"} 1",
    ] {
        assert!(page.says(line), "{line} is not in:\n{}", page.text);
    }
    let called = page.series.iter().any(|(name, labels)| {
        name == "http_client_request_duration_seconds"
            && labels["http_response_status_code"] == "200"
            && labels["server_port"].parse::<u16>().is_ok()
    });
    assert!(called, "{}", page.text);
    house.close().await;
}

async fn until_counted(house: &House, line: &str) -> Page {
    let counted = async {
        loop {
            let page = Page::of(house.http()).await;
            if page.says(line) {
                return page;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, counted).await.expect("the grants are counted")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_of_one_role_show_what_is_documented_for_it() {
    let (rotator, api) = (0, 1);
    let fleet = Fleet::plan(BINARY).roles(&["rotator", "api"]).start().await;
    let key = fleet.expired_consents(Site::Strict, 0..1).await.remove(0);
    fleet.client(api).token(ask(&key)).await.unwrap();
    let shared = ["with Postgres", "with Redis", "after a call"];

    let page = Page::of(fleet.replica(api).http()).await;
    compare("api", &page, &shared);
    let page = Page::of(fleet.replica(rotator).http()).await;
    compare("rotator", &page, &[shared.as_slice(), &["after a rotation"]].concat());
    fleet.close().await;
}

#[tokio::test]
async fn a_stream_is_timed_until_it_ends_and_counted_while_it_is_open() {
    let house = House::open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let mut stream = house.client.watch(&[key]).await.unwrap();
    stream.message().await.unwrap().unwrap();
    let method = "tokenbroker.v1.TokenService/WatchAccessTokens";
    let page = Page::of(house.http()).await;
    assert!(page.says("token_broker_watch_streams 1"), "{}", page.text);
    assert!(!page.text.contains(method), "it has not ended: {}", page.text);
    drop(stream);
    let line = format!(
        "rpc_server_call_duration_seconds_count{{rpc_system_name=\"grpc\",rpc_method=\"{method}\",\
         rpc_response_status_code=\"CANCELLED\"}} 1"
    );
    let page = until_counted(&house, &line).await;
    assert!(page.says("token_broker_watch_streams 0"), "{}", page.text);
    house.close().await;
}
