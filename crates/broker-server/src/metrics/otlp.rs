//! Families as a message of the OpenTelemetry protocol: the same numbers as on the page.

use broker_core::Timestamp;
use broker_core::measure::Distribution;
use broker_otlp::proto::collector::metrics::v1::ExportMetricsServiceRequest;
use broker_otlp::proto::common::v1::{InstrumentationScope, KeyValue};
use broker_otlp::proto::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum, metric, number_data_point,
};
use broker_otlp::{Resource, attribute};

use super::family::{Family, Kind, Point, Unit, Value};

/// The time of the numbers: counters began at `since`, and all are as of `at`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) since: Timestamp,
    pub(crate) at: Timestamp,
}

/// The message of a process. Families without values are left out.
pub(crate) fn message(families: &[Family], resource: &Resource, span: Span) -> ExportMetricsServiceRequest {
    let with_values = families.iter().filter(|family| !family.points.is_empty());
    let scope = InstrumentationScope {
        name: "token-broker".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Default::default()
    };
    let metrics = with_values.map(|family| metric(family, span)).collect();
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, ..Default::default() }];
    let of_process =
        ResourceMetrics { resource: Some(resource.of_message()), scope_metrics, ..Default::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![of_process] }
}

fn metric(family: &Family, span: Span) -> Metric {
    let temporality = AggregationTemporality::Cumulative.into();
    let data = match family.kind {
        Kind::Counter => metric::Data::Sum(Sum {
            data_points: numbers(family, span),
            aggregation_temporality: temporality,
            is_monotonic: true,
        }),
        Kind::Gauge => metric::Data::Gauge(Gauge { data_points: numbers(family, span) }),
        Kind::Histogram => metric::Data::Histogram(Histogram {
            data_points: family.points.iter().filter_map(|point| distribution(point, span)).collect(),
            aggregation_temporality: temporality,
        }),
    };
    Metric {
        name: family.name.to_owned(),
        description: family.help.to_owned(),
        unit: family.unit.map_or("", ucum).to_owned(),
        data: Some(data),
        ..Default::default()
    }
}

fn numbers(family: &Family, span: Span) -> Vec<NumberDataPoint> {
    // Of a gauge no beginning is told: its values are of one moment.
    let since = if family.kind == Kind::Counter { nanos(span.since) } else { 0 };
    let number = |point: &Point| {
        let value = match point.value {
            Value::Whole(whole) => number_data_point::Value::AsInt(i64::try_from(whole).unwrap_or(i64::MAX)),
            Value::Real(real) => number_data_point::Value::AsDouble(real),
            Value::Distribution(_) => return None,
        };
        Some(NumberDataPoint {
            attributes: attributes(point),
            start_time_unix_nano: since,
            time_unix_nano: nanos(span.at),
            value: Some(value),
            ..Default::default()
        })
    };
    family.points.iter().filter_map(number).collect()
}

fn distribution(point: &Point, span: Span) -> Option<HistogramDataPoint> {
    let Value::Distribution(Distribution { bounds, counts, sum }) = &point.value else { return None };
    Some(HistogramDataPoint {
        attributes: attributes(point),
        start_time_unix_nano: nanos(span.since),
        time_unix_nano: nanos(span.at),
        count: counts.iter().sum(),
        sum: Some(*sum),
        bucket_counts: counts.clone(),
        explicit_bounds: bounds.to_vec(),
        ..Default::default()
    })
}

fn attributes(point: &Point) -> Vec<KeyValue> {
    point.labels.iter().map(|(name, value)| attribute(name, value)).collect()
}

/// Units as OpenTelemetry writes them (UCUM).
fn ucum(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "s",
        Unit::Bytes => "By",
    }
}

fn nanos(time: Timestamp) -> u64 {
    u64::try_from(time.as_unix_micros()).unwrap_or(0).saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { since: Timestamp::from_unix_seconds(5), at: Timestamp::from_unix_seconds(9) };

    fn told(family: Family) -> Vec<Metric> {
        let message = message(&[family], &Resource::default(), SPAN);
        message.resource_metrics[0].scope_metrics[0].metrics.clone()
    }

    #[test]
    fn a_counter_is_a_sum_since_the_process_began() {
        let told = told(Family::counter("token_broker.vends", "Tokens").point([("provider", "a")], 7_u64));
        let Some(metric::Data::Sum(sum)) = &told[0].data else { panic!("no sum: {told:?}") };
        let point = &sum.data_points[0];
        assert!(sum.is_monotonic && sum.aggregation_temporality == AggregationTemporality::Cumulative as i32);
        assert_eq!(point.value, Some(number_data_point::Value::AsInt(7)));
        assert_eq!(point.attributes, [attribute("provider", "a")]);
        assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (5_000_000_000, 9_000_000_000));
    }

    #[test]
    fn a_gauge_is_of_one_moment_and_one_without_values_is_left_out() {
        let family = Family::gauge("process.memory", "Memory").unit(Unit::Bytes);
        assert!(told(family.clone()).is_empty());
        let told = told(family.value(1.5));
        let Some(metric::Data::Gauge(gauge)) = &told[0].data else { panic!("no gauge: {told:?}") };
        assert_eq!(gauge.data_points[0].value, Some(number_data_point::Value::AsDouble(1.5)));
        assert_eq!((told[0].unit.as_str(), gauge.data_points[0].start_time_unix_nano), ("By", 0));
    }

    #[test]
    fn a_histogram_keeps_each_bucket_by_itself() {
        let times = Distribution { bounds: &[0.5, 1.0], counts: vec![1, 2, 3], sum: 9.5 };
        let told = told(Family::histogram("rpc.server.call.duration", "Calls").value(times));
        let Some(metric::Data::Histogram(histogram)) = &told[0].data else { panic!("{told:?}") };
        let point = &histogram.data_points[0];
        assert_eq!((point.count, point.sum, point.bucket_counts.as_slice()), (6, Some(9.5), &[1, 2, 3][..]));
        assert_eq!((point.explicit_bounds.as_slice(), told[0].unit.as_str()), (&[0.5, 1.0][..], "s"));
    }
}
