//! What each operation does, given a request that fits the model.

mod create;
mod delete;
mod describe;
mod list;
mod page;
mod password;
mod policy;
mod rotate;
mod stage;
mod tag;
mod update;
mod value;

use serde_json::Value;

use crate::authorization;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::input::Input;
use crate::operation::Operation;
use crate::service::Shared;

/// Carries out a request.
pub(crate) fn perform(
    service: &Shared,
    caller: &Caller,
    operation: Operation,
    input: &Input,
) -> Result<Value, ApiError> {
    authorization::check(service, caller, operation, input)?;
    match operation {
        Operation::BatchGetSecretValue => value::batch(service, caller, input),
        Operation::CancelRotateSecret => rotate::cancel(service, input),
        Operation::CreateSecret => create::create(service, caller, input),
        Operation::DeleteResourcePolicy => policy::delete(service, input),
        Operation::DeleteSecret => delete::delete(service, input),
        Operation::DescribeSecret => describe::describe(service, input),
        Operation::GetRandomPassword => password::random(input),
        Operation::GetResourcePolicy => policy::read(service, input),
        Operation::GetSecretValue => value::get(service, caller, input),
        Operation::ListSecretVersionIds => list::versions(service, input),
        Operation::ListSecrets => list::secrets(service, input),
        Operation::PutResourcePolicy => policy::put(service, input),
        Operation::PutSecretValue => value::put(service, caller, input),
        Operation::RestoreSecret => delete::restore(service, input),
        Operation::RotateSecret => rotate::rotate(service, input),
        Operation::TagResource => tag::tag(service, input),
        Operation::UntagResource => tag::untag(service, input),
        Operation::UpdateSecret => update::update(service, caller, input),
        Operation::UpdateSecretVersionStage => stage::update(service, input),
        Operation::ValidateResourcePolicy => policy::validate(service, input),
    }
}

pub(crate) use rotate::set_function;
pub(crate) use tag::add as add_tags;
