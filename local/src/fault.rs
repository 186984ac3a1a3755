//! Faults that hit the next calls.

use std::sync::Mutex;

use crate::error::ApiError;
use crate::lock::lock;
use crate::operation::Operation;

/// What happens to a call instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// `ThrottlingException`; nothing was done.
    Throttled,
    /// `AccessDeniedException`; nothing was done.
    AccessDenied,
    /// `InternalServiceError`, HTTP 500; nothing was done.
    InternalServiceError,
    /// Any other error of the API; nothing was done.
    Error {
        /// For example `DecryptionFailure`.
        code: String,
        /// What the error says.
        message: String,
    },
    /// No answer, ever; nothing was done.
    Hang,
    /// The connection is closed; nothing was done.
    Drop,
    /// It was done, but the connection is closed before the answer.
    DropAnswer,
    /// The function's process that calls is killed; nothing was done. Others hang.
    CrashBefore,
    /// It was done, then the function's process that called is killed. Others hang.
    CrashAfter,
}

impl Fault {
    /// Whether the call is carried out, though nobody hears of it.
    pub(crate) fn lets_it_be_done(&self) -> bool {
        matches!(self, Self::DropAnswer | Self::CrashAfter)
    }

    /// The answer, for a fault that is one.
    pub(crate) fn error(&self) -> Option<ApiError> {
        match self {
            Self::Throttled => Some(ApiError::throttled()),
            Self::AccessDenied => Some(ApiError::access_denied(
                "User is not authorized to perform this operation because no identity-based policy allows it",
            )),
            Self::InternalServiceError => Some(ApiError::internal()),
            Self::Error { code, message } => Some(ApiError::new(code, message.clone())),
            Self::Hang | Self::Drop | Self::DropAnswer | Self::CrashBefore | Self::CrashAfter => {
                None
            }
        }
    }
}

/// The faults that wait for their calls.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Planned>>);

#[derive(Debug)]
struct Planned {
    /// `None`: any operation, but only calls that functions make.
    operation: Option<Operation>,
    skip: u32,
    count: u32,
    fault: Fault,
}

impl Faults {
    pub(crate) fn plan(&self, operation: Option<Operation>, skip: u32, count: u32, fault: Fault) {
        lock(&self.0).push(Planned { operation, skip, count, fault });
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// The fault that hits this call, if one does.
    pub(crate) fn strike(&self, operation: Operation, from_function: bool) -> Option<Fault> {
        let mut planned = lock(&self.0);
        let mut struck = None;
        for plan in planned.iter_mut() {
            let meant = plan.operation.map_or(from_function, |meant| meant == operation);
            if !meant || struck.is_some() {
                continue;
            }
            if plan.skip > 0 {
                plan.skip -= 1;
            } else if plan.count > 0 {
                plan.count -= 1;
                struck = Some(plan.fault.clone());
            }
        }
        planned.retain(|plan| plan.count > 0);
        struck
    }
}
