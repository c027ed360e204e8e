//! Families in the OpenMetrics text format.

use std::fmt;

use broker_core::measure::Distribution;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{self, Registry};

use super::family::{Family, Kind, Unit, Value};

/// The page that Prometheus reads.
pub(super) fn page(families: Vec<Family>) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Measured(families)));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Measured(Vec<Family>);

impl Collector for Measured {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|family| write(family, &mut encoder))
    }
}

/// A family without values is named too: who looks for it learns that there are none.
fn write(family: &Family, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let (name, unit) = (family.name.replace('.', "_"), family.unit.map(unit));
    let kind = match family.kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram => MetricType::Histogram,
    };
    let mut metric = encoder.encode_descriptor(&name, family.help, unit.as_ref(), kind)?;
    for point in &family.points {
        let labels = point.labels.iter().map(|(name, value)| (name.replace('.', "_"), value.as_str()));
        match labels.collect::<Vec<_>>() {
            none if none.is_empty() => value(family.kind, &point.value, &mut metric)?,
            labels => value(family.kind, &point.value, &mut metric.encode_family(&labels)?)?,
        }
    }
    Ok(())
}

fn unit(unit: Unit) -> registry::Unit {
    match unit {
        Unit::Seconds => registry::Unit::Seconds,
        Unit::Bytes => registry::Unit::Bytes,
    }
}

fn value(kind: Kind, value: &Value, metric: &mut MetricEncoder<'_>) -> fmt::Result {
    match (kind, value) {
        (Kind::Counter, Value::Whole(count)) => metric.encode_counter::<NoLabelSet, _, u64>(count, None),
        (Kind::Counter, Value::Real(count)) => metric.encode_counter::<NoLabelSet, _, u64>(count, None),
        (_, Value::Whole(value)) => metric.encode_gauge(value),
        (_, Value::Real(value)) => metric.encode_gauge(value),
        (_, Value::Distribution(Distribution { bounds, counts, sum })) => {
            let bounds = bounds.iter().copied().chain([f64::INFINITY]);
            let buckets: Vec<_> = bounds.zip(counts.iter().copied()).collect();
            metric.encode_histogram::<NoLabelSet>(*sum, counts.iter().sum(), &buckets, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_written_with_its_unit_and_labels_are_escaped() {
        let times = Distribution { bounds: &[0.5, 1.0], counts: vec![1, 2, 3], sum: 9.5 };
        let families = vec![
            Family::counter("token_broker.vends", "Tokens").point([("a.b", "x\"\n")], 2_u64).value(1_u64),
            Family::gauge("process.cpu", "Time").unit(Unit::Seconds).value(1.5),
            Family::histogram("rpc.call", "Calls").point([("method", "m")], times),
            Family::gauge("token_broker.none", "Nothing"),
        ];
        let expected = "# HELP token_broker_vends Tokens\n# TYPE token_broker_vends counter\n\
             token_broker_vends_total{a_b=\"x\\\"\\n\"} 2\ntoken_broker_vends_total 1\n\
             # HELP process_cpu_seconds Time\n# TYPE process_cpu_seconds gauge\n# UNIT process_cpu_seconds seconds\n\
             process_cpu_seconds 1.5\n\
             # HELP rpc_call_seconds Calls\n# TYPE rpc_call_seconds histogram\n# UNIT rpc_call_seconds seconds\n\
             rpc_call_seconds_sum{method=\"m\"} 9.5\nrpc_call_seconds_count{method=\"m\"} 6\n\
             rpc_call_seconds_bucket{le=\"0.5\",method=\"m\"} 1\nrpc_call_seconds_bucket{le=\"1.0\",method=\"m\"} 3\n\
             rpc_call_seconds_bucket{le=\"+Inf\",method=\"m\"} 6\n\
             # HELP token_broker_none Nothing\n# TYPE token_broker_none gauge\n# EOF\n";
        assert_eq!(page(families).unwrap(), expected);
    }
}
