//! The policies of a function's role, and what is in them.

use serde_json::{Value, json};
use turnlock_local::{Access, Policy, Request};

/// The account of the stand-in.
const ACCOUNT: &str = "123456789012";

/// A function's role.
#[derive(Clone, Debug)]
pub struct Role {
    function: &'static str,
    documents: Vec<Value>,
}

/// One action that one statement of a role allows.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The statement's `Sid`, or its number.
    pub statement: String,
    /// The action, as it is written.
    pub action: String,
    /// Where it is: the document, the statement and the action in it.
    at: [usize; 3],
    /// A policy of this grant alone, without the statement's conditions.
    alone: Policy,
}

impl Role {
    /// The role of one of our functions, `turnlock-postgres` and so on, by its policy documents.
    ///
    /// They are taken to the account and the function's name in the stand-in, if they were written for a function that
    /// has another ARN.
    ///
    /// # Panics
    ///
    /// If a document is no policy that the stand-in can enforce.
    pub fn new(function: &'static str, deployed_arn: &str, documents: &[Value]) -> Self {
        let ours = format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}");
        let account = deployed_arn.split(':').nth(4).expect("an ARN");
        let region = deployed_arn.split(':').nth(3).expect("an ARN");
        let moved = |document: &Value| {
            let text = document.to_string().replace(deployed_arn, &ours);
            let text =
                text.replace(&format!(":{region}:{account}:"), &format!(":us-east-1:{ACCOUNT}:"));
            let text =
                text.replace(&format!("\"secretsmanager.{region}."), "\"secretsmanager.us-east-1.");
            serde_json::from_str(&text).expect("JSON is still JSON")
        };
        let role = Self { function, documents: documents.iter().map(moved).collect() };
        // Read once, so that it is refused here.
        let _policy = role.policy();
        role
    }

    /// The function's name in the stand-in.
    pub fn function(&self) -> &'static str {
        self.function
    }

    /// All documents together.
    pub fn policy(&self) -> Policy {
        policy(&self.documents)
    }

    /// Every action of every statement that allows.
    pub fn grants(&self) -> Vec<Grant> {
        let mut grants = Vec::new();
        for (document, value) in self.documents.iter().enumerate() {
            for (statement, value) in list(&value["Statement"]).into_iter().enumerate() {
                if value["Effect"] != "Allow" {
                    continue;
                }
                for (action, name) in list(&value["Action"]).into_iter().enumerate() {
                    let mut alone = value.clone();
                    alone["Action"] = name.clone();
                    alone.as_object_mut().map(|members| members.remove("Condition"));
                    let sid = value["Sid"].as_str().map(str::to_owned);
                    grants.push(Grant {
                        statement: sid.unwrap_or_else(|| format!("{document}.{statement}")),
                        action: name.as_str().expect("an action is a text").to_owned(),
                        at: [document, statement, action],
                        alone: policy(&[json!({ "Statement": alone })]),
                    });
                }
            }
        }
        grants
    }

    /// The policy with one action of one statement less.
    pub fn without(&self, grant: &Grant) -> Policy {
        let [document, statement, action] = grant.at;
        let mut documents = self.documents.clone();
        let mut statements: Vec<Value> =
            list(&documents[document]["Statement"]).into_iter().cloned().collect();
        let mut actions: Vec<Value> =
            list(&statements[statement]["Action"]).into_iter().cloned().collect();
        actions.remove(action);
        if actions.is_empty() {
            statements.remove(statement);
        } else {
            statements[statement]["Action"] = json!(actions);
        }
        documents[document]["Statement"] = json!(statements);
        policy(&documents)
    }
}

impl Grant {
    /// Why a rotation cannot show whether it is needed.
    pub(super) fn unseen(&self) -> Option<&'static str> {
        // By name: another action of these services would be one too many.
        match self.action.as_str() {
            "ec2:AssignPrivateIpAddresses"
            | "ec2:CreateNetworkInterface"
            | "ec2:DeleteNetworkInterface"
            | "ec2:DescribeNetworkInterfaces"
            | "ec2:DescribeSubnets"
            | "ec2:UnassignPrivateIpAddresses" => {
                Some("Lambda itself uses it, to put the function into a VPC")
            }
            "logs:CreateLogStream" | "logs:PutLogEvents" => {
                Some("Lambda itself uses it, to write the function's log")
            }
            _ => None,
        }
    }

    /// Whether any of these asked for what it allows; its conditions are left aside.
    pub(super) fn is_used_by(&self, accesses: &[Access]) -> bool {
        accesses.iter().any(|access| {
            let Access { action, resource, .. } = access.clone();
            self.alone.allows(&Request { action, resource, conditions: Vec::new() })
        })
    }
}

fn policy(documents: &[Value]) -> Policy {
    documents.iter().fold(Policy::default(), |policy, document| {
        let read = Policy::from_value(document);
        policy.and(read.unwrap_or_else(|error| panic!("{error}: {document}")))
    })
}

/// One, or a list of them.
fn list(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |list| list.iter().collect())
}
