//! What the rules make of Secrets Manager's events, and what arrives where a person reads it.

use serde_json::{Value, json};

use crate::account::{Account, NUMBER};
use crate::check;

/// The source of events of Secrets Manager, which nobody else may send under.
const SOURCE: &str = "aws.secretsmanager";

/// A source that anybody may send under.
const OURS: &str = "test.secretsmanager";

const RULES: [(&str, &str); 3] = [
    ("RotationFailedRule", "RotationFailed"),
    ("RotationAbandonedRule", "RotationAbandoned"),
    ("TestRotationFailedRule", "TestRotationFailed"),
];

/// Prints the messages; whether each rule takes its event and no other, and its text arrives.
pub(crate) fn run(account: &Account) -> bool {
    println!("Events of Secrets Manager, and the messages for them:");
    let queue = Queue::subscribed(account);
    let mut is_well = true;
    for (logical, event) in RULES {
        let rule = rule_of(account, logical);
        let takes = |name: &str| {
            let pattern = rule["EventPattern"].as_str().unwrap_or_default();
            let test = ["events", "test-event-pattern", "--event-pattern", pattern, "--event"];
            account.aws.json(test.into_iter().chain([event_of(SOURCE, name).to_string().as_str()]))
                ["Result"]
                == true
        };
        is_well &= check(&format!("the rule for {event} takes it"), takes(event));
        is_well &= check("and not RotationSucceeded", !takes("RotationSucceeded"));
        let text = queue.message(account, &rule, event);
        println!("{}", text.lines().map(|line| format!("      {line}\n")).collect::<String>());
        is_well &= check("its message names the secret", text.contains(SECRET));
        is_well &= check(
            "and has no hole",
            !text.is_empty() && !text.contains('<') && !text.contains("${"),
        );
    }
    println!();
    is_well
}

const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/app-AbCdEf";

/// An event as AWS documents those that services send.
fn event_of(source: &str, name: &str) -> Value {
    json!({
        "version": "0",
        "id": "8c2b0a4e-33a1-4b1e-a4c5-000000000001",
        "detail-type": "AWS Service Event via CloudTrail",
        "source": source,
        "account": NUMBER,
        "time": "2026-11-01T03:00:12Z",
        "region": "us-east-1",
        "resources": [],
        "detail": detail_of(name),
    })
}

fn detail_of(name: &str) -> Value {
    json!({
        "eventVersion": "1.08",
        "userIdentity": {"accountId": NUMBER, "invokedBy": "secretsmanager.amazonaws.com"},
        "eventTime": "2026-11-01T03:00:12Z",
        "eventSource": "secretsmanager.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "eventType": "AwsServiceEvent",
        "errorMessage": "Failed to execute step: setSecret",
        "additionalEventData": {"SecretId": SECRET},
    })
}

/// A rule of the stack.
fn rule_of(account: &Account, logical: &str) -> Value {
    let resource =
        ["cloudformation", "describe-stack-resource", "--stack-name", crate::account::STACK];
    let resource = account.aws.json(resource.into_iter().chain(["--logical-resource-id", logical]));
    let physical = &resource["StackResourceDetail"]["PhysicalResourceId"];
    let physical = physical.as_str().unwrap_or_default();
    let name = physical.rsplit(['/', '|']).next().unwrap_or_default();
    account.aws.json(["events", "describe-rule", "--name", name])
}

/// A queue that gets what the topic gets.
#[derive(Debug)]
struct Queue {
    url: String,
}

impl Queue {
    fn subscribed(account: &Account) -> Self {
        let url = account.aws.json(["sqs", "create-queue", "--queue-name", "messages"]);
        let url = url["QueueUrl"].as_str().unwrap_or_default().to_owned();
        let topics = account.aws.json(["sns", "list-topics"]);
        let topic = topics["Topics"][0]["TopicArn"].as_str().unwrap_or_default().to_owned();
        let queue = format!("arn:aws:sqs:us-east-1:{NUMBER}:messages");
        let subscribe = ["sns", "subscribe", "--topic-arn", &topic, "--protocol", "sqs"];
        account.aws.json(subscribe.into_iter().chain(["--notification-endpoint", &queue]));
        Self { url }
    }

    /// What arrives when an event comes in. Only AWS may send under Secrets Manager's name, so a copy of the rule, with its
    /// own targets, takes the same event under another.
    fn message(&self, account: &Account, rule: &Value, event: &str) -> String {
        let name = rule["Name"].as_str().unwrap_or_default();
        let copy = format!("copy-{event}");
        let pattern = json!({"source": [OURS], "detail": {"eventName": [event]}}).to_string();
        account.aws.json(["events", "put-rule", "--name", &copy, "--event-pattern", &pattern]);
        let targets = account.aws.json(["events", "list-targets-by-rule", "--rule", name]);
        let targets = targets["Targets"].to_string();
        account.aws.json(["events", "put-targets", "--rule", &copy, "--targets", &targets]);
        let entry = json!([{
            "Source": OURS,
            "DetailType": "AWS Service Event via CloudTrail",
            "Detail": detail_of(event).to_string(),
        }]);
        account.aws.json(["events", "put-events", "--entries", &entry.to_string()]);
        let receive =
            ["sqs", "receive-message", "--queue-url", &self.url, "--wait-time-seconds", "5"];
        let messages = account.aws.json(receive);
        let message = &messages["Messages"][0];
        let handle = message["ReceiptHandle"].as_str().unwrap_or_default();
        let body: Value =
            serde_json::from_str(message["Body"].as_str().unwrap_or_default()).unwrap_or_default();
        if !handle.is_empty() {
            let delete = ["sqs", "delete-message", "--queue-url", &self.url];
            account.aws.json(delete.into_iter().chain(["--receipt-handle", handle]));
        }
        body["Message"].as_str().unwrap_or_default().to_owned()
    }
}
