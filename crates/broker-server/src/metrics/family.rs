//! What is measured, in no format: every way out writes the same families.

use broker_core::measure::Distribution;

/// Measurements of one name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Family {
    /// As OpenTelemetry names it: words with dots between, and no unit.
    pub(crate) name: &'static str,
    /// One line for people.
    pub(crate) help: &'static str,
    pub(crate) unit: Option<Unit>,
    pub(crate) kind: Kind,
    pub(crate) points: Vec<Point>,
}

/// What a value is in. Both formats say it apart from the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Bytes,
}

/// How values of a family behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Grows, and begins anew with the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Is distributed over buckets, which grow as counters do.
    Histogram,
}

/// One time series at this time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    /// Names, as OpenTelemetry has them, and values. Never a tenant, user or grant.
    pub(crate) labels: Vec<(&'static str, String)>,
    pub(crate) value: Value,
}

/// A value of one time series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Whole(u64),
    Real(f64),
    Distribution(Distribution),
}

impl Family {
    /// A counter without values.
    pub(crate) fn counter(name: &'static str, help: &'static str) -> Self {
        Self { name, help, unit: None, kind: Kind::Counter, points: Vec::new() }
    }

    /// A gauge without values.
    pub(crate) fn gauge(name: &'static str, help: &'static str) -> Self {
        Self { kind: Kind::Gauge, ..Self::counter(name, help) }
    }

    /// A histogram of times without values.
    pub(crate) fn histogram(name: &'static str, help: &'static str) -> Self {
        Self { kind: Kind::Histogram, unit: Some(Unit::Seconds), ..Self::counter(name, help) }
    }

    /// In that unit.
    pub(crate) fn unit(self, unit: Unit) -> Self {
        Self { unit: Some(unit), ..self }
    }

    /// With this value, and no label.
    pub(crate) fn value(self, value: impl Into<Value>) -> Self {
        self.point([], value)
    }

    /// With this value under these labels.
    pub(crate) fn point<const N: usize>(
        mut self,
        labels: [(&'static str, &str); N],
        value: impl Into<Value>,
    ) -> Self {
        // A label without a value says nothing, and both formats take it for none.
        let labels = labels.into_iter().filter(|(_, value)| !value.is_empty());
        let labels = labels.map(|(name, value)| (name, value.to_owned())).collect();
        self.points.push(Point { labels, value: value.into() });
        self
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        // Never more, as usize has at most 64 bits.
        Self::Whole(value as u64)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Whole(u64::from(value))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<Distribution> for Value {
    fn from(value: Distribution) -> Self {
        Self::Distribution(value)
    }
}
