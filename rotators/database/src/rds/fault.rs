//! What went wrong at Amazon RDS, in words that one can act on.

use aws_sdk_rds::error::{ProvideErrorMetadata, SdkError};
use turnlock::aws::unanswered;
use turnlock::{Class, TargetError};

/// A call that failed; what RDS says of it stays out but for its code.
pub(super) fn failed<E, R>(
    operation: &'static str,
    region: &str,
    error: &SdkError<E, R>,
) -> TargetError
where
    SdkError<E, R>: ProvideErrorMetadata,
{
    let code = error.code();
    let class = class(error, code);
    let text = if class == Class::Permission {
        format!("the function's role may not rds:{operation} in {region}")
    } else if class == Class::Throttled {
        format!("Amazon RDS throttled {operation} to the end")
    } else if class == Class::Timeout {
        format!("Amazon RDS did not answer {operation} in time; {}", way(region))
    } else if class == Class::Tcp {
        format!("cannot reach Amazon RDS for {operation}; {}", way(region))
    } else if class == Class::Refused {
        format!("Amazon RDS refused {operation} in {region}")
    } else {
        format!("Amazon RDS failed in {operation} in {region}")
    };
    let error = TargetError::new(class, text);
    match code {
        Some(code) => error.with_code(code),
        None => error,
    }
}

fn way(region: &str) -> String {
    format!("in a VPC it needs the endpoint com.amazonaws.{region}.rds or a NAT gateway")
}

fn class<E, R>(error: &SdkError<E, R>, code: Option<&str>) -> Class {
    if let Some(class) = unanswered(error) {
        return class;
    }
    match code {
        Some(
            "AccessDenied"
            | "AccessDeniedException"
            | "ExpiredToken"
            | "InvalidClientTokenId"
            | "NotAuthorized"
            | "OptInRequired"
            | "SignatureDoesNotMatch"
            | "UnauthorizedOperation"
            | "UnrecognizedClientException",
        ) => Class::Permission,
        Some("RequestLimitExceeded" | "Throttling" | "ThrottlingException") => Class::Throttled,
        Some(
            "DBClusterNotFoundFault"
            | "DBInstanceNotFound"
            | "DBInstanceNotFoundFault"
            | "InvalidParameterCombination"
            | "InvalidParameterValue",
        ) => Class::Refused,
        _ => Class::Unexpected,
    }
}
