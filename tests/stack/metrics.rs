//! The metrics in the function's log, and what alarms and the dashboard make of them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::account::Account;
use crate::check;

/// Ours, which the template gives to the functions.
const NAMESPACE: &str = "Turnlock";

/// A metric as CloudWatch tells it from others: its name, and the names of its dimensions.
type Metric = (String, BTreeSet<String>);

/// Prints what is emitted and what reads it; whether each reader has something to read.
pub(crate) fn run(account: &Account, function: &str) -> bool {
    println!("Metrics in the log of {function}:");
    let lines = account.log(function);
    let lines: Vec<Value> =
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let lines: Vec<&Value> = lines.iter().filter(|line| line.get("_aws").is_some()).collect();
    for line in &lines {
        println!("  {line}");
    }
    let emitted: BTreeSet<Metric> = lines.iter().flat_map(|line| metrics_of(line)).collect();
    let rotated = lines.iter().filter(|line| line["Rotations"] == 1).count();
    let mut is_well = check("a line for each of 14 steps", lines.len() == 14);
    is_well &= check("two rotations", rotated == 2);
    let dead =
        lines.iter().filter_map(|line| line["DeadPasswordTime"].as_f64()).any(|time| time > 0.0);
    is_well &= check("the time in which consumers held a dead password", dead);
    let failed = lines.iter().any(|line| line["Failures"] == 1 && line["ErrorClass"] == "tcp");
    is_well &= check("the failed step, with its class", failed);
    is_well &= alarms(account, &emitted);
    is_well &= dashboard(account, &emitted);
    println!();
    is_well
}

/// The metrics of one line, by the specification of the embedded metric format.
fn metrics_of(line: &Value) -> Vec<Metric> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut metrics = Vec::new();
    for directive in list(&line["_aws"]["CloudWatchMetrics"]) {
        assert_eq!(directive["Namespace"], NAMESPACE, "{line}");
        for dimensions in list(&directive["Dimensions"]) {
            let dimensions: BTreeSet<String> = list(&dimensions).iter().map(text).collect();
            assert!(dimensions.iter().all(|name| line[name].is_string()), "{line}");
            for metric in list(&directive["Metrics"]) {
                let name = text(&metric["Name"]);
                assert!(line[&name].is_number(), "{name} in {line}");
                metrics.push((name, dimensions.clone()));
            }
        }
    }
    metrics
}

/// Whether each alarm reads a metric of Lambda's or one that is emitted, and tells somebody.
fn alarms(account: &Account, emitted: &BTreeSet<Metric>) -> bool {
    let alarms = account.aws.json(["cloudwatch", "describe-alarms"]);
    let alarms = alarms["MetricAlarms"].as_array().cloned().unwrap_or_default();
    let mut is_well = check("three alarms for each of three functions", alarms.len() == 9);
    for alarm in &alarms {
        let name = alarm["AlarmName"].as_str().unwrap_or_default();
        let metric = alarm["MetricName"].as_str().unwrap_or_default();
        let dimensions = alarm["Dimensions"].as_array().cloned().unwrap_or_default();
        let names =
            dimensions.iter().filter_map(|d| d["Name"].as_str()).map(str::to_owned).collect();
        let is_emitted = match alarm["Namespace"].as_str() {
            Some(NAMESPACE) => emitted.contains(&(metric.to_owned(), names)),
            Some("AWS/Lambda") => ["Errors", "Throttles"].contains(&metric),
            _ => false,
        };
        let tells = alarm["AlarmActions"][0].as_str().is_some_and(|to| to.contains(":sns:"));
        is_well &= check(&format!("alarm {name} reads {metric}"), is_emitted && tells);
    }
    is_well
}

/// Whether each row of each widget is of a metric that is emitted.
fn dashboard(account: &Account, emitted: &BTreeSet<Metric>) -> bool {
    let body: Value = serde_json::from_str(&account.dashboard()).unwrap_or_default();
    let widgets = body["widgets"].as_array().cloned().unwrap_or_default();
    let mut is_well = check("the dashboard is JSON with widgets", !widgets.is_empty());
    for widget in &widgets {
        let title = widget["properties"]["title"].as_str().unwrap_or_default();
        let rows = widget["properties"]["metrics"].as_array().cloned().unwrap_or_default();
        let is_read = |row: &Value| read_by(row).is_some_and(|metric| emitted.contains(&metric));
        let is_log = widget["type"] == "log";
        is_well &= check(
            &format!("widget: {title}"),
            is_log || !rows.is_empty() && rows.iter().all(is_read),
        );
    }
    is_well
}

/// The metric that a row of a widget shows.
fn read_by(row: &Value) -> Option<Metric> {
    let row = row.as_array()?;
    if let Some(expression) = row.first()?["expression"].as_str() {
        let (_, schema) = expression.split_once("SEARCH('{")?;
        let (schema, rest) = schema.split_once('}')?;
        let name = rest.split_once("MetricName=\"")?.1.split_once('"')?.0;
        let mut parts = schema.split(',');
        (parts.next()? == NAMESPACE).then_some(())?;
        return Some((name.to_owned(), parts.map(str::to_owned).collect()));
    }
    let texts: Vec<&str> = row.iter().filter_map(Value::as_str).collect();
    let [NAMESPACE, name, dimensions @ ..] = texts.as_slice() else { return None };
    let names = dimensions.iter().step_by(2).map(|name| (*name).to_owned()).collect();
    Some(((*name).to_owned(), names))
}
