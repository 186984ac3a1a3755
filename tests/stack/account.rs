//! An account on this machine, and the stack in it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use turnlock_tests::emulator::Emulator;
use turnlock_tests::ports;
use turnlock_tests::project;
use turnlock_tests::tools::AwsCli;

use crate::sam::{self, sam};

/// The account's number, which is that of `turnlock-local`, too.
pub(crate) const NUMBER: &str = "123456789012";

/// The name of the stack, and so the beginning of the functions' names.
pub(crate) const STACK: &str = "turnlock";

/// Where it is built: not where a person's own build is, which may be for other machines.
pub(crate) const BUILD: &str = "target/stack";

/// ministack, which takes an access key of twelve digits for the number of the account.
#[derive(Debug)]
pub(crate) struct Account {
    ministack: Emulator,
    pub(crate) aws: AwsCli,
}

impl Account {
    /// An empty account, whose functions trust the issuer of these certificates. A layer would lie elsewhere here than in
    /// Lambda, so they get the variable from ministack itself.
    pub(crate) fn start(ca_file: &Path) -> Self {
        let port = ports::free();
        let ministack =
            Emulator::start("ministack/bin/ministack", port, &[], &|command: &mut Command| {
                command.env("GATEWAY_PORT", port.to_string()).env("BIND_HOST", "127.0.0.1");
                command.env("MINISTACK_ACCOUNT_ID", NUMBER).env("AWS_ACCESS_KEY_ID", NUMBER);
                command.env("TLS_CA_FILE", ca_file);
            });
        let aws = AwsCli::new(ministack.endpoint()).account(NUMBER);
        Self { ministack, aws }
    }

    /// Deploys what was built, with these parameters (`Name=value`); the stack's outputs.
    pub(crate) fn deploy(&self, parameters: &[String]) -> BTreeMap<String, String> {
        // SAM looks for it beside the template.
        let configuration = project::root().join("samconfig.toml").display().to_string();
        let template = format!("{BUILD}/template.yaml");
        let deploy = ["deploy", "--template-file", &template, "--config-file", &configuration];
        let name = ["--region", "us-east-1", "--stack-name", STACK, "--no-confirm-changeset"];
        let overrides = ["--parameter-overrides", sam::ARCHITECTURE];
        let parameters: Vec<&str> = parameters.iter().map(String::as_str).collect();
        let all = [deploy.as_slice(), &name, &overrides, &parameters].concat();
        let endpoint = self.ministack.endpoint();
        let credentials = [("AWS_ACCESS_KEY_ID", NUMBER), ("AWS_SECRET_ACCESS_KEY", "test")];
        sam(&all, &[credentials.as_slice(), &[("AWS_ENDPOINT_URL", endpoint.as_str())]].concat());
        let stack = self.aws.json(["cloudformation", "describe-stacks", "--stack-name", STACK]);
        let outputs = stack["Stacks"][0]["Outputs"].as_array().cloned().unwrap_or_default();
        let text = |output: &Value, key: &str| output[key].as_str().unwrap_or_default().to_owned();
        outputs.iter().map(|o| (text(o, "OutputKey"), text(o, "OutputValue"))).collect()
    }

    /// Where Lambda takes invocations of a function.
    pub(crate) fn invocations(&self, function: &str) -> String {
        format!("{}/2015-03-31/functions/{function}/invocations", self.ministack.endpoint())
    }

    /// What a function has printed, line by line.
    pub(crate) fn log(&self, function: &str) -> Vec<String> {
        let group = format!("/aws/lambda/{function}");
        let events = self.aws.json(["logs", "filter-log-events", "--log-group-name", &group]);
        let events = events["events"].as_array().cloned().unwrap_or_default();
        let lines = events.iter().filter_map(|event| event["message"].as_str());
        lines.flat_map(str::lines).map(str::to_owned).collect()
    }

    /// What the stack's dashboard shows, as CloudWatch keeps it.
    pub(crate) fn dashboard(&self) -> String {
        let get = ["cloudwatch", "get-dashboard", "--dashboard-name", "turnlock-us-east-1"];
        self.aws.json(get)["DashboardBody"].as_str().unwrap_or_default().to_owned()
    }

    /// The bytes of a function's zip, which a cold start downloads.
    pub(crate) fn zip_size(&self, function: &str) -> u64 {
        let get = ["lambda", "get-function-configuration", "--function-name", function];
        self.aws.json(get)["CodeSize"].as_u64().unwrap_or_default()
    }

    /// The policy documents of a function's role: those written into it and those attached to it.
    pub(crate) fn policies(&self, function: &str) -> Vec<Value> {
        let configuration =
            self.aws.json(["lambda", "get-function-configuration", "--function-name", function]);
        let role = configuration["Role"].as_str().unwrap_or_default();
        let role = role.rsplit('/').next().unwrap_or_default();
        let attached = self.aws.json(["iam", "list-attached-role-policies", "--role-name", role]);
        assert_eq!(
            attached["AttachedPolicies"],
            Value::Array(Vec::new()),
            "a role has its own only"
        );
        let listed = self.aws.json(["iam", "list-role-policies", "--role-name", role]);
        let names = listed["PolicyNames"].as_array().cloned().unwrap_or_default();
        let document = |name: &Value| {
            let name = name.as_str().unwrap_or_default();
            let get = ["iam", "get-role-policy", "--role-name", role, "--policy-name", name];
            self.aws.json(get)["PolicyDocument"].clone()
        };
        names.iter().map(document).collect()
    }
}
