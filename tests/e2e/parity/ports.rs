//! A port that a paper names is one on which something listens, and the right thing.

use std::collections::BTreeSet;

use super::known::listens;
use super::names::none_is_unknown;
use super::papers::{Paper, papers};

/// The ports of broker and simulators begin so.
const OURS: &str = "74";

/// What is asked over HTTP.
const PATHS: [&str; 4] = ["/readyz", "/livez", "/metrics", "/oauth/callback"];
/// Files in which every port is scraped.
const SCRAPES: [&str; 2] = ["deploy/prometheus/prometheus.yaml", "deploy/compose/prometheus.yaml"];

/// What is asked over gRPC: a line with one of these names no other port.
const CLIENTS: [&str; 4] = ["TOKEN_BROKER_ENDPOINT", "--endpoint ", "dns:///", "port_value: 74"];

/// A port, and where it stands.
struct Port<'a> {
    line: usize,
    number: u16,
    whole_line: &'a str,
    rest: &'a str,
}

/// Numbers of four digits that begin like ours.
fn ports(paper: &Paper) -> impl Iterator<Item = Port<'_>> {
    let lines = paper.text.lines().enumerate();
    lines.flat_map(|(number, line)| {
        line.match_indices(OURS).filter_map(move |(at, _)| port(line, at, number + 1))
    })
}

fn port(whole_line: &str, at: usize, line: usize) -> Option<Port<'_>> {
    let (digits, rest) = whole_line[at..].split_at_checked(4)?;
    let number = digits.parse().ok()?;
    let goes_on = |c: char| c.is_ascii_alphanumeric() || "_.,".contains(c);
    let begins = !whole_line[..at].ends_with(goes_on);
    let ends = !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
    (begins && ends).then_some(Port { line, number, whole_line, rest })
}

fn text<'a>(papers: &'a [Paper], path: &str) -> &'a str {
    &papers.iter().find(|paper| paper.path == path).unwrap().text
}

/// The numbers that follow these words.
fn after(words: &str, text: &str) -> BTreeSet<u16> {
    let digits = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect::<String>();
    text.split(words).skip(1).map(|rest| digits(rest).parse().unwrap()).collect()
}

#[test]
fn on_every_port_something_listens() {
    let papers = papers();
    let mut known = after("listen ", text(&papers, "deploy/compose/proxy.conf"));
    assert_eq!(known.len(), 2, "a simulator of each provider: {known:?}");
    known.extend(listens());
    assert!(papers.iter().flat_map(ports).count() > 40, "papers name ports");
    none_is_unknown(&papers, |paper| {
        let unknown = ports(paper).filter(|port| !known.contains(&port.number));
        unknown.map(|port| (port.line, port.number.to_string())).collect()
    });
}

#[test]
fn what_is_asked_goes_to_the_port_where_it_is_answered() {
    let [grpc, http] = listens();
    none_is_unknown(&papers(), |paper| {
        let is_scraped = SCRAPES.contains(&paper.path.as_str());
        let is_wrong = |port: &Port<'_>| {
            let over_http = is_scraped || PATHS.iter().any(|path| port.rest.starts_with(path));
            let over_grpc = CLIENTS.iter().any(|client| port.whole_line.contains(client));
            over_http && port.number != http || over_grpc && port.number != grpc
        };
        let wrong = ports(paper).filter(is_wrong);
        wrong.map(|port| (port.line, port.whole_line.trim().to_owned())).collect()
    });
}

#[test]
fn behind_the_proxy_of_compose_there_are_simulators() {
    let papers = papers();
    let asked = after("simulator-plain:", text(&papers, "deploy/compose/proxy.conf"));
    let served = after("=0.0.0.0:", text(&papers, "deploy/compose.yaml"));
    assert_eq!((asked.len(), &asked), (2, &served));
}
