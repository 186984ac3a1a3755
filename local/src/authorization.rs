//! What a caller needs permission for, operation by operation.
//!
//! The actions, their resources and condition keys are those of the Service Authorization Reference
//! (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html>).

pub(crate) mod kms;

use crate::ACCOUNT;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::input::Input;
use crate::operation::Operation;
use crate::policy::Request;
use crate::random;
use crate::secret::Secret;
use crate::service::Service;

/// Refuses an operation that the caller may not perform.
pub(crate) fn check(
    service: &Service,
    caller: &Caller,
    operation: Operation,
    input: &Input,
) -> Result<(), ApiError> {
    match operation {
        Operation::GetRandomPassword | Operation::ListSecrets => {
            caller.may(request(caller, operation, "*"))
        }
        Operation::BatchGetSecretValue => {
            caller.may(request(caller, operation, "*"))?;
            // Documented of filters; each secret is asked for as by GetSecretValue.
            if input.filters().is_some() {
                caller.may(request(caller, Operation::ListSecrets, "*"))?;
            }
            Ok(())
        }
        Operation::CreateSecret => {
            let (region, name) = (&caller.region, input.required("Name"));
            let suffix = random::arn_suffix();
            let arn = format!("arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:{name}-{suffix}");
            let mut request = request(caller, operation, &arn);
            condition(&mut request, "secretsmanager:Name", name);
            caller.may(request)
        }
        Operation::ValidateResourcePolicy if input.text("SecretId").is_none() => {
            caller.may(request(caller, operation, "*"))
        }
        Operation::CancelRotateSecret
        | Operation::DeleteResourcePolicy
        | Operation::DeleteSecret
        | Operation::DescribeSecret
        | Operation::GetResourcePolicy
        | Operation::GetSecretValue
        | Operation::ListSecretVersionIds
        | Operation::PutResourcePolicy
        | Operation::PutSecretValue
        | Operation::RestoreSecret
        | Operation::RotateSecret
        | Operation::TagResource
        | Operation::UntagResource
        | Operation::UpdateSecret
        | Operation::UpdateSecretVersionStage
        | Operation::ValidateResourcePolicy => {
            check_secret(service, caller, operation, input.secret_id(), input)
        }
    }
}

/// Refuses an operation on a secret that the caller may not perform.
///
/// Seen at the service: a secret that does not exist is named in the refusal as the caller named it, and who may do
/// it to every secret hears instead that there is none. So it is checked as it was given.
pub(crate) fn check_secret(
    service: &Service,
    caller: &Caller,
    operation: Operation,
    id: &str,
    input: &Input,
) -> Result<(), ApiError> {
    let mut request = service.look(|store| match store.find(id) {
        Ok(secret) => {
            let mut request = request(caller, operation, &secret.arn);
            describe(&mut request, secret);
            request
        }
        Err(_) => request(caller, operation, id),
    });
    condition(&mut request, "secretsmanager:SecretId", id);
    let with_stage = [Operation::GetSecretValue, Operation::UpdateSecretVersionStage];
    let stage = with_stage.contains(&operation).then_some("VersionStage");
    let version = (operation == Operation::GetSecretValue).then_some("VersionId");
    for member in stage.into_iter().chain(version) {
        if let Some(value) = input.text(member) {
            condition(&mut request, &format!("secretsmanager:{member}"), value);
        }
    }
    caller.may(request)
}

fn request(caller: &Caller, operation: Operation, resource: &str) -> Request {
    let mut request = Request {
        action: format!("secretsmanager:{operation}"),
        resource: resource.to_owned(),
        conditions: Vec::new(),
    };
    condition(&mut request, "aws:RequestedRegion", &caller.region);
    request
}

/// Adds what is known of the secret.
fn describe(request: &mut Request, secret: &Secret) {
    if let Some(rotation) = &secret.rotation {
        let key = "secretsmanager:resource/AllowRotationLambdaArn";
        condition(request, key, &rotation.function_arn);
    }
    for (key, value) in secret.tags.iter().flatten() {
        condition(request, &format!("aws:ResourceTag/{key}"), value);
        condition(request, &format!("secretsmanager:ResourceTag/{key}"), value);
    }
}

fn condition(request: &mut Request, key: &str, value: &str) {
    request.conditions.push((key.to_owned(), value.to_owned()));
}
