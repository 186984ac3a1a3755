//! What the role of the function that asks may do.

use turnlock_local::{Access, Decision, Policy, Request};

use super::{ACCOUNT, Call};

/// A role; without a policy it may ask for everything.
#[derive(Debug, Default)]
pub(super) struct Role {
    policy: Option<Policy>,
    function_arn: String,
    accesses: Vec<Access>,
}

impl Role {
    pub(super) fn enforce(&mut self, policy: Option<Policy>, function_arn: &str) {
        self.policy = policy;
        function_arn.clone_into(&mut self.function_arn);
    }

    pub(super) fn take_accesses(&mut self) -> Vec<Access> {
        std::mem::take(&mut self.accesses)
    }

    /// Whether a request is allowed; the error is what AWS says.
    ///
    /// Both actions are on resources: an instance is `db:NAME`, a cluster `cluster:NAME`
    /// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonrds.html>).
    pub(super) fn may(&mut self, call: &Call) -> Result<(), String> {
        let kind = if call.action == "DescribeDBClusters" { "cluster" } else { "db" };
        let Call { identifier, region, .. } = call;
        let resource = if identifier.starts_with("arn:") {
            identifier.clone()
        } else {
            // RDS keeps identifiers in lower case.
            let id = identifier.to_lowercase();
            format!("arn:aws:rds:{region}:{ACCOUNT}:{kind}:{id}")
        };
        let conditions = [
            ("aws:RequestedRegion", region.clone()),
            ("lambda:SourceFunctionArn", self.function_arn.clone()),
        ];
        let request = Request {
            action: format!("rds:{}", call.action),
            resource,
            conditions: conditions.map(|(key, value)| (key.to_owned(), value)).to_vec(),
        };
        let decision = match &self.policy {
            Some(policy) => policy.decide(&request),
            None => Decision::Allowed,
        };
        let Request { action, resource, .. } = request.clone();
        self.accesses.push(Access { action, resource, decision });
        if decision == Decision::Allowed {
            return Ok(());
        }
        let name = self.function_arn.rsplit(':').next().unwrap_or_default();
        let user = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{name}");
        Err(request.refusal(&user, decision))
    }
}
