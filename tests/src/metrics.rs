//! What CloudWatch reads out of a function's output: lines of its embedded metric format.
//!
//! By the specification in the Amazon CloudWatch User Guide, "Specification: Embedded metric format", and by the
//! limits of `PutMetricData`.

use std::collections::BTreeMap;

use serde_json::Value;

/// The longest event that CloudWatch Logs takes, by the oldest text of the specification.
const LONGEST: usize = 256 * 1024;

/// Those of CloudWatch's units that a function has a use for.
const UNITS: [&str; 3] = ["Count", "Milliseconds", "Seconds"];

/// One value as CloudWatch keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Datum {
    /// The namespace.
    pub namespace: String,
    /// The name of the metric.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// The name and value of each dimension.
    pub dimensions: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
}

/// The lines with metrics in a function's output, in their order.
///
/// # Panics
///
/// If one of them is not of the format, or lacks what Lambda asks of a line of JSON.
pub fn lines(output: &str) -> Vec<Value> {
    let lines = output.lines().filter(|line| line.contains("\"_aws\""));
    lines
        .map(|line| {
            assert!(line.len() <= LONGEST, "too long: {line}");
            let value: Value = serde_json::from_str(line).expect("nothing else is on the line");
            assert!(value["level"].is_string() && value["timestamp"].is_string(), "{line}");
            assert!(!data(&value).is_empty(), "{line}");
            value
        })
        .collect()
}

/// Every value that CloudWatch keeps of a line.
///
/// # Panics
///
/// If the line is not of the format.
pub fn data(line: &Value) -> Vec<Datum> {
    let metadata = &line["_aws"];
    assert!(metadata["Timestamp"].as_u64().is_some_and(|millis| millis > 1_700_000_000_000));
    let directives = metadata["CloudWatchMetrics"].as_array().expect("directives");
    let mut data = Vec::new();
    for directive in directives {
        let namespace = text(&directive["Namespace"], 255);
        let sets = list(&directive["Dimensions"], usize::MAX);
        let metrics = list(&directive["Metrics"], 100);
        for set in sets {
            let dimensions = list(set, 30).iter().map(|name| {
                let name = text(name, 250);
                let value = text(&line[&name], 1024);
                (name, value)
            });
            let dimensions: BTreeMap<_, _> = dimensions.collect();
            for metric in metrics {
                let (name, unit) = (text(&metric["Name"], 255), text(&metric["Unit"], 255));
                assert!(UNITS.contains(&unit.as_str()), "{unit}");
                let value = line[&name].as_f64().filter(|value| value.is_finite());
                let value = value.unwrap_or_else(|| panic!("{name} is no number"));
                let (namespace, dimensions) = (namespace.clone(), dimensions.clone());
                data.push(Datum { namespace, name, unit, dimensions, value });
            }
        }
    }
    data
}

fn list(value: &Value, most: usize) -> &[Value] {
    let list = value.as_array().expect("a list");
    assert!((1..=most).contains(&list.len()), "{value}");
    list
}

fn text(value: &Value, longest: usize) -> String {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no text"));
    assert!((1..=longest).contains(&text.len()), "{value}");
    text.to_owned()
}
