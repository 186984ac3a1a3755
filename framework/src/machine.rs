//! What a step has to do, decided from what Secrets Manager says and from nothing else.

use crate::vault::{Description, Label};
use crate::{Step, VersionId};

/// What a step has to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    /// It was done before.
    Nothing,
    /// Make a credential and store it.
    Create,
    /// Bring the target to accept the stored one.
    Set,
    /// Try the stored one.
    Test,
    /// Move `AWSCURRENT`, from this version.
    Promote {
        /// The version that has the label now, if one has.
        from: Option<VersionId>,
    },
}

/// A state in which no step can be right.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("rotation is not enabled for the secret")]
    RotationDisabled,
    #[error("the secret has no version of that ClientRequestToken")]
    NoSuchVersion,
    #[error("the version is not AWSPENDING; this rotation was abandoned, or the call is late")]
    NotPending,
    #[error("the pending version has no value; createSecret comes first")]
    NoValue,
}

/// What is known of the value of the version to make.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Value {
    /// Nobody asked.
    Unread,
    /// It was asked for, and there is none.
    Absent,
    /// There is one.
    Stored,
}

/// Decides what `step` has to do for `version`.
pub(crate) fn decide(
    step: Step,
    secret: &Description,
    version: &VersionId,
    value: Value,
) -> Result<Action, Refusal> {
    if !secret.rotation_enabled {
        return Err(Refusal::RotationDisabled);
    }
    let labels = secret.labels.get(version).ok_or(Refusal::NoSuchVersion)?;
    if labels.contains(&Label::Current) {
        return Ok(Action::Nothing);
    }
    if !labels.contains(&Label::Pending) {
        return Err(Refusal::NotPending);
    }
    match (step, value) {
        (Step::Create, Value::Stored) => Ok(Action::Nothing),
        (Step::Create, Value::Absent | Value::Unread) => Ok(Action::Create),
        (_, Value::Absent) => Err(Refusal::NoValue),
        (Step::Set, Value::Stored | Value::Unread) => Ok(Action::Set),
        (Step::Test, Value::Stored | Value::Unread) => Ok(Action::Test),
        (Step::Finish, Value::Stored | Value::Unread) => {
            Ok(Action::Promote { from: secret.holder(Label::Current).cloned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [Value; 3] = [Value::Unread, Value::Absent, Value::Stored];

    fn secret(labels: &[Label]) -> Description {
        let others = (VersionId::new("old"), vec![Label::Current]);
        let mut secret = Description {
            rotation_enabled: true,
            labels: [others].into_iter().collect(),
            ..Description::default()
        };
        secret.labels.insert(VersionId::new("new"), labels.to_vec());
        secret
    }

    fn decided(step: Step, secret: &Description, value: Value) -> Result<Action, Refusal> {
        decide(step, secret, &VersionId::new("new"), value)
    }

    #[test]
    fn a_version_that_is_current_is_left_alone() {
        for labels in [vec![Label::Current], vec![Label::Current, Label::Pending]] {
            for step in Step::ALL {
                for value in VALUES {
                    assert_eq!(decided(step, &secret(&labels), value), Ok(Action::Nothing));
                }
            }
        }
    }

    #[test]
    fn no_step_runs_on_a_version_that_is_not_pending() {
        for labels in [vec![], vec![Label::Previous]] {
            for step in Step::ALL {
                for value in VALUES {
                    let refused = decided(step, &secret(&labels), value);
                    assert_eq!(refused, Err(Refusal::NotPending));
                }
            }
        }
    }

    #[test]
    fn no_step_runs_without_rotation_or_without_the_version() {
        for step in Step::ALL {
            let mut off = secret(&[Label::Pending]);
            off.rotation_enabled = false;
            assert_eq!(decided(step, &off, Value::Stored), Err(Refusal::RotationDisabled));
            let mut gone = secret(&[Label::Pending]);
            gone.labels.remove(&VersionId::new("new"));
            assert_eq!(decided(step, &gone, Value::Stored), Err(Refusal::NoSuchVersion));
        }
    }

    #[test]
    fn a_stored_value_is_never_created_again() {
        let pending = secret(&[Label::Pending]);
        assert_eq!(decided(Step::Create, &pending, Value::Stored), Ok(Action::Nothing));
        assert_eq!(decided(Step::Create, &pending, Value::Absent), Ok(Action::Create));
    }

    #[test]
    fn nothing_but_create_runs_on_a_version_without_a_value() {
        let pending = secret(&[Label::Pending]);
        for step in [Step::Set, Step::Test, Step::Finish] {
            assert_eq!(decided(step, &pending, Value::Absent), Err(Refusal::NoValue));
        }
    }

    #[test]
    fn a_pending_version_with_a_value_is_set_tested_and_promoted_whatever_else_is_on_it() {
        for labels in [vec![Label::Pending], vec![Label::Previous, Label::Pending]] {
            for value in [Value::Unread, Value::Stored] {
                let pending = secret(&labels);
                assert_eq!(decided(Step::Set, &pending, value), Ok(Action::Set));
                assert_eq!(decided(Step::Test, &pending, value), Ok(Action::Test));
                let promote = Action::Promote { from: Some(VersionId::new("old")) };
                assert_eq!(decided(Step::Finish, &pending, value), Ok(promote));
            }
        }
    }

    #[test]
    fn a_secret_without_a_current_version_gets_one() {
        let mut secret = secret(&[Label::Pending]);
        secret.labels.remove(&VersionId::new("old"));
        let promote = Ok(Action::Promote { from: None });
        assert_eq!(decided(Step::Finish, &secret, Value::Unread), promote);
    }
}
