//! Who calls, and what its policies let it do.

use std::sync::{Arc, Mutex};

use crate::error::ApiError;
use crate::lambda::Deployed;
use crate::lock::lock;
use crate::policy::{Decision, Policy, Request};
use crate::{ACCOUNT, REGION};

/// What IAM was asked for a call, and what it said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Access {
    /// For example `secretsmanager:GetSecretValue` or `kms:Decrypt`.
    pub action: String,
    /// The ARN, or `*` where the action is on no resource.
    pub resource: String,
    /// What the caller's policies say; a caller without a policy is allowed everything.
    pub decision: Decision,
}

/// Who calls.
#[derive(Debug)]
pub(crate) struct Caller {
    /// Of the credential's scope: the region that new ARNs are in.
    pub(crate) region: String,
    function: Option<Arc<Deployed>>,
    accesses: Mutex<Vec<Access>>,
}

impl Caller {
    pub(crate) fn new(region: Option<&str>, function: Option<Arc<Deployed>>) -> Self {
        let region = region.unwrap_or(REGION).to_owned();
        Self { region, function, accesses: Mutex::default() }
    }

    pub(crate) fn is_function(&self) -> bool {
        self.function.is_some()
    }

    /// The function's name, where it is one.
    pub(crate) fn function(&self) -> Option<&str> {
        self.function.as_ref().map(|function| function.name())
    }

    fn policy(&self) -> Option<Arc<Policy>> {
        self.function.as_ref()?.policy()
    }

    /// What IAM was asked so far.
    pub(crate) fn accesses(&self) -> Vec<Access> {
        lock(&self.accesses).clone()
    }

    /// Refuses what the caller may not do, as Secrets Manager says it.
    pub(crate) fn may(&self, mut request: Request) -> Result<(), ApiError> {
        if let Some(function) = &self.function {
            // Lambda puts it into the context of whatever the function's code asks for.
            request.conditions.push(("lambda:SourceFunctionArn".to_owned(), function.arn()));
        }
        match self.decide(&request) {
            Decision::Allowed => Ok(()),
            decision @ (Decision::NotAllowed | Decision::Denied) => {
                Err(ApiError::access_denied(request.refusal(&self.user(), decision)))
            }
        }
    }

    /// Refuses what the caller may not have KMS do for it, as Secrets Manager says it: without the reason.
    pub(crate) fn may_in_kms(&self, request: &Request) -> Result<(), ApiError> {
        match self.decide(request) {
            Decision::Allowed => Ok(()),
            Decision::NotAllowed | Decision::Denied => {
                Err(ApiError::access_denied("Access to KMS is not allowed"))
            }
        }
    }

    fn decide(&self, request: &Request) -> Decision {
        let decision = self.policy().map_or(Decision::Allowed, |policy| policy.decide(request));
        lock(&self.accesses).push(Access {
            action: request.action.clone(),
            resource: request.resource.clone(),
            decision,
        });
        decision
    }

    /// Who it is to STS: Lambda names the session of a role after the function.
    fn user(&self) -> String {
        let name = self.function().unwrap_or("somebody");
        format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{name}")
    }
}
