//! What a rule or a dashboard looks for in a label can stand there. Where it cannot, an alert is silent for ever, and
//! nothing says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;

use broker_core::AttemptCount;
use broker_e2e::{House, LONGEST_WAIT, Provider, ask, http};
use broker_proto::reason;
use broker_proto::v1::create_machine_credential_request::Credential;
use broker_proto::v1::{ApiKey, GetAccessTokenRequest, Reason};
use provider_sim::{Endpoint, Fault, FaultBody, When};
use regex::Regex;
use tonic::Code;

use super::known::roles;
use super::papers::{Paper, papers};
use crate::minted;

const RECORDING_RULES: &str = "deploy/prometheus/recording.rules.yaml";

/// A label that is compared with a value: of a query, or of a line of a page.
#[derive(Debug, PartialEq, Eq)]
struct Matcher {
    metric: String,
    label: String,
    operator: String,
    value: String,
}

/// Every matcher of every `metric{label="value"}` in a text.
fn matchers(text: &str) -> Vec<Matcher> {
    static SELECTOR: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[^{}"]|"(?:[^"\\]|\\.)*")*)\}"#).unwrap()
    });
    static MATCHER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)""#).unwrap()
    });
    let selectors = SELECTOR.captures_iter(text);
    let of_selector = |selector: regex::Captures<'_>| {
        let (metric, inside) = (selector[1].to_owned(), selector[2].to_owned());
        let found = MATCHER.captures_iter(&inside).map(|matcher| Matcher {
            metric: metric.clone(),
            label: matcher[1].to_owned(),
            operator: matcher[2].to_owned(),
            value: matcher[3].replace("\\\"", "\"").replace("\\\\", "\\"),
        });
        found.collect::<Vec<_>>()
    };
    selectors.flat_map(of_selector).collect()
}

impl Matcher {
    /// What it looks for: of a regular expression each alternative.
    fn alternatives(&self) -> Vec<Regex> {
        let exact = |pattern: &str| Regex::new(&format!("^(?:{pattern})$")).unwrap();
        match self.operator.ends_with('~') {
            true => self.value.split('|').map(exact).collect(),
            false => vec![exact(&regex::escape(&self.value))],
        }
    }
}

/// Values by metric and label.
#[derive(Default)]
struct Shown {
    values: BTreeMap<(String, String), BTreeSet<String>>,
    /// The expression of each recorded metric.
    recorded: BTreeMap<String, String>,
}

impl Shown {
    fn add(&mut self, metric: &str, label: &str, values: impl IntoIterator<Item = String>) {
        self.values.entry((metric.to_owned(), label.to_owned())).or_default().extend(values);
    }

    /// Whether every alternative can stand there.
    fn has(&self, matcher: &Matcher) -> bool {
        let values = self.of(&matcher.metric, &matcher.label);
        matcher
            .alternatives()
            .iter()
            .all(|alternative| values.iter().any(|value| alternative.is_match(value)))
    }

    /// What is recorded has the labels of what it is made of.
    fn of(&self, metric: &str, label: &str) -> BTreeSet<&str> {
        let of_itself = self.values.get(&(metric.to_owned(), label.to_owned()));
        let of_itself = of_itself.into_iter().flatten().map(String::as_str);
        let expression = self.recorded.get(metric).map_or("", String::as_str);
        let parts = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
        of_itself.chain(parts.filter(|part| *part != metric).flat_map(|part| self.of(part, label))).collect()
    }
}

/// Everything a query says, as Prometheus is sent it.
fn queries(paper: &Paper) -> String {
    match paper.path.strip_suffix(".json") {
        None => paper.text.clone(),
        Some(_) => {
            let mut texts = Vec::new();
            collect(&serde_json::from_str(&paper.text).unwrap(), &mut texts);
            texts.join("\n")
        }
    }
}

fn collect(json: &serde_json::Value, texts: &mut Vec<String>) {
    match json {
        serde_json::Value::String(text) => texts.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        serde_json::Value::Object(fields) => fields.values().for_each(|field| collect(field, texts)),
        _ => {}
    }
}

/// A page of a broker that gave tokens in every way, and refreshed one.
async fn page() -> String {
    let house = House::open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    house.vend(&key).await.unwrap();
    let ill = Fault::respond(Endpoint::Refresh, When::BeforeCommit, 503, FaultBody::Provider);
    house.simulator(Provider::Evercam).faults().push(ill);
    // A token in the first half of its life is as good as a new one, whatever is demanded.
    house.clock.advance(Provider::Evercam.token_life() * 2 / 3);
    let forever = Some(prost_types::Duration { seconds: 86_400, nanos: 0 });
    house.vend_as(GetAccessTokenRequest { min_validity: forever, ..ask(&key) }).await.unwrap();
    house.outlive_token(Provider::Evercam);
    house.vend(&key).await.unwrap();
    let pair = ApiKey { id: "first-id".to_owned(), secret: "first-secret-of-a-key".to_owned() };
    for (provider, credential) in
        [(Provider::Evercam, Credential::ApiKey(pair)), (Provider::EagleEye, minted::of_client())]
    {
        let key = house.key(provider, "machine");
        minted::create(&house.client, &key, credential).await.unwrap();
        house.client.token(ask(&key)).await.unwrap();
    }
    house.clock.advance(Duration::from_secs(61));
    let counted = async {
        loop {
            let page = http::get(house.http(), "/metrics", "").await.1;
            if page.contains("token_broker_grants{provider=\"evercam\",state=\"active\"} 1\n") {
                return page;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let page = tokio::time::timeout(LONGEST_WAIT, counted).await.expect("the grants are counted");
    house.close().await;
    page
}

/// What a page shows, and what others would where it depends on what happens to them.
async fn shown(papers: &[Paper]) -> Shown {
    let mut shown = Shown::default();
    for line in matchers(&page().await) {
        shown.add(&line.metric, &line.label, [line.value]);
    }
    let conclusions = AttemptCount::CONCLUSIONS.map(str::to_owned);
    shown.add("token_broker_attempts_ended_total", "conclusion", conclusions);
    let reasons = (1..).map_while(|number| Reason::try_from(number).ok());
    shown.add("token_broker_vends_total", "outcome", reasons.map(|one| reason::name(one).to_lowercase()));
    let codes: Vec<_> = (0..=16).map(|number| in_capitals(&format!("{:?}", Code::from(number)))).collect();
    shown.add("rpc_server_call_duration_seconds_count", "rpc_response_status_code", codes);
    shown.add("token_broker_build_info", "role", roles());
    // These are Prometheus' own.
    shown.add("ALERTS", "alertstate", ["pending", "firing"].map(str::to_owned));
    shown.add("ALERTS", "alertname", after("- alert: ", papers));
    let jobs = after("- job_name: ", papers);
    let of_processes = papers.iter().flat_map(|paper| matchers(&queries(paper)));
    for matcher in of_processes.filter(|matcher| matcher.label == "job") {
        shown.add(&matcher.metric, "job", jobs.clone());
    }
    let rules = papers.iter().find(|paper| paper.path == RECORDING_RULES).unwrap();
    for rule in rules.text.split("- record: ").skip(1) {
        let (name, expression) = rule.split_once('\n').unwrap();
        shown.recorded.insert(name.to_owned(), expression.to_owned());
    }
    assert!(shown.recorded.len() > 20, "the rules are read: {}", shown.recorded.len());
    shown
}

/// `DataLoss` is `DATA_LOSS`.
fn in_capitals(name: &str) -> String {
    let letters = name.char_indices().flat_map(|(at, letter)| {
        [(at > 0 && letter.is_ascii_uppercase()).then_some('_'), Some(letter.to_ascii_uppercase())]
    });
    letters.flatten().collect()
}

/// What follows these words on a line.
fn after(words: &str, papers: &[Paper]) -> BTreeSet<String> {
    let lines = papers.iter().flat_map(|paper| paper.text.lines());
    lines.filter_map(|line| line.trim().strip_prefix(words)).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_value_that_is_looked_for_in_a_label_can_stand_there() {
    let mut papers = papers();
    papers.retain(|paper| {
        let of = |folder: &str, end: &str| paper.path.starts_with(folder) && paper.path.ends_with(end);
        of("deploy/prometheus/", ".yaml") || of("deploy/grafana/", ".json") || of("deploy/compose/", ".yaml")
    });
    papers.retain(|paper| !paper.path.contains("/tests/"));
    let shown = shown(&papers).await;
    let (mut looked_at, mut dead) = (0, Vec::new());
    for paper in &papers {
        // Grafana puts in what its variables stand for: names that it was given by Prometheus.
        for matcher in matchers(&queries(paper)).into_iter().filter(|matcher| !matcher.value.contains('$')) {
            looked_at += 1;
            if !shown.has(&matcher) {
                let values = shown.of(&matcher.metric, &matcher.label);
                dead.push(format!("{}: {matcher:?}: there are {values:?}", paper.path));
            }
        }
    }
    assert!(looked_at > 60, "rules and dashboards are read: {looked_at}");
    assert!(dead.is_empty(), "never shown:\n{}", dead.join("\n"));
}

#[test]
fn a_value_that_cannot_stand_there_is_noticed() {
    let mut shown = Shown::default();
    shown.add("a_total", "outcome", ["fresh", "stale"].map(str::to_owned));
    shown.add("a_bucket", "le", ["60.0".to_owned()]);
    shown.recorded.insert("a:rate".to_owned(), "expr: sum by (outcome) (rate(a_total[5m]))".to_owned());
    for (query, is_shown) in [
        ("a_total{outcome=\"fresh\"}", true),
        ("a_total{outcome=\"fresh|stale\"}", false),
        ("a_total{outcome=~\"fresh|stale\"}", true),
        ("a_total{outcome=~\"fresh|stael\"}", false),
        ("a_total{outcome!~\"old\"}", false),
        ("a_total{result=\"fresh\"}", false),
        ("a_bucket{le=~\"60(\\\\.0)?\"}", true),
        ("a_bucket{le=~\"61(\\\\.0)?\"}", false),
        ("sum(a:rate{outcome=\"stale\"})", true),
        ("sum(a:rate{outcome=\"old\"})", false),
        ("b_total{outcome=\"fresh\"}", false),
    ] {
        let [matcher] = matchers(query).try_into().unwrap();
        assert_eq!(shown.has(&matcher), is_shown, "{query}: {matcher:?}");
    }
}
