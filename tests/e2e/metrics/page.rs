//! A page of `/metrics`, read.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use broker_e2e::http;

/// What a page shows.
pub(super) struct Page {
    pub(super) text: String,
    /// Kind of every family, by the name a query uses.
    pub(super) kinds: BTreeMap<String, String>,
    /// Every series: its family's name, and its labels without `le`.
    pub(super) series: BTreeSet<(String, BTreeMap<String, String>)>,
}

impl Page {
    pub(super) async fn of(address: SocketAddr) -> Self {
        let (status, text) = http::get(address, "/metrics", "").await;
        assert_eq!(status, 200, "{text}");
        Self::read(text)
    }

    pub(super) fn read(text: String) -> Self {
        let kinds: BTreeMap<_, _> = text.lines().filter_map(kind).collect();
        let series = text.lines().filter(|line| line.contains("{") || kinds_of(line, &kinds).is_some());
        let series = series.filter_map(|line| series_of(line, &kinds)).collect();
        Self { text, kinds, series }
    }

    /// Names of families that have a value.
    pub(super) fn with_values(&self) -> BTreeSet<&str> {
        self.series.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Names of labels of a family.
    pub(super) fn labels(&self, name: &str) -> BTreeSet<&str> {
        let of = self.series.iter().filter(|(family, _)| family == name);
        of.flat_map(|(_, labels)| labels.keys().map(String::as_str)).collect()
    }

    /// Whether a line stands there.
    pub(super) fn says(&self, line: &str) -> bool {
        self.text.lines().any(|told| told == line)
    }
}

/// `# TYPE name kind`; a counter's samples end in `_total`.
fn kind(line: &str) -> Option<(String, String)> {
    let (name, kind) = line.strip_prefix("# TYPE ")?.split_once(' ')?;
    let total = if kind == "counter" { "_total" } else { "" };
    Some((format!("{name}{total}"), kind.to_owned()))
}

fn kinds_of(line: &str, kinds: &BTreeMap<String, String>) -> Option<String> {
    let name = line.split(['{', ' ']).next()?;
    let parts = ["_bucket", "_sum", "_count"].iter().filter_map(|part| name.strip_suffix(part));
    let of_histogram = |name: &&str| kinds.get(*name).is_some_and(|kind| kind == "histogram");
    let family = parts.chain([name]).find(|family| of_histogram(family) || *family == name)?;
    kinds.contains_key(family).then(|| family.to_owned())
}

fn series_of(line: &str, kinds: &BTreeMap<String, String>) -> Option<(String, BTreeMap<String, String>)> {
    let name = kinds_of(line, kinds)?;
    let labels =
        line.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}')).map_or("", |(labels, _)| labels);
    let labels = labels.split("\",").filter_map(|label| label.trim_end_matches('"').split_once("=\""));
    let labels = labels.filter(|(name, _)| *name != "le");
    Some((name, labels.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
}
