//! One line of CloudWatch's embedded metric format.
//!
//! By the specification in the Amazon CloudWatch User Guide, "Specification: Embedded metric format".

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_secretsmanager::primitives::{DateTime, DateTimeFormat};
use serde_json::{Map, Value, json};

/// A value that CloudWatch shall keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) value: u64,
}

impl Metric {
    pub(super) fn count(name: &'static str, value: u64) -> Self {
        Self { name, unit: "Count", value }
    }

    pub(super) fn milliseconds(name: &'static str, time: Duration) -> Self {
        let value = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self { name, unit: "Milliseconds", value }
    }

    pub(super) fn seconds(name: &'static str, time: Duration) -> Self {
        Self { name, unit: "Seconds", value: time.as_secs() }
    }
}

/// A line in the making.
#[derive(Debug)]
pub(super) struct Line<'a> {
    namespace: &'a str,
    members: Map<String, Value>,
    directives: Vec<Value>,
}

impl<'a> Line<'a> {
    pub(super) fn new(namespace: &'a str) -> Self {
        Self { namespace, members: Map::new(), directives: Vec::new() }
    }

    /// A member of the root: what a dimension's name stands for, or what only queries of the log find.
    pub(super) fn member(&mut self, name: &str, value: &str) {
        self.members.insert(name.to_owned(), value.into());
    }

    /// Has CloudWatch keep metrics by each of some sets of dimensions, whose values are members.
    pub(super) fn metrics(&mut self, dimensions: &[&[&str]], metrics: &[Metric]) {
        let named = metrics.iter().map(|metric| json!({"Name": metric.name, "Unit": metric.unit}));
        self.directives.push(json!({
            "Namespace": self.namespace,
            "Dimensions": dimensions,
            "Metrics": named.collect::<Vec<_>>(),
        }));
        for metric in metrics {
            self.members.insert(metric.name.to_owned(), metric.value.into());
        }
    }

    /// The line with its end, as of a date.
    pub(super) fn text(mut self, date: SystemTime) -> String {
        let millis = date.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let millis = i64::try_from(millis).unwrap_or(i64::MAX);
        let metadata = json!({"Timestamp": millis, "CloudWatchMetrics": self.directives});
        self.members.insert("_aws".to_owned(), metadata);
        // Lambda takes the level of a line only from one that has a time, too.
        if let Ok(time) = DateTime::from_millis(millis).fmt(DateTimeFormat::DateTime) {
            self.member("timestamp", &time);
        }
        let mut text = Value::Object(self.members).to_string();
        text.push('\n');
        text
    }
}
