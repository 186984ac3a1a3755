//! What clients of AWS services have in common: TLS, time-outs, pauses between attempts.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader};
use aws_sdk_secretsmanager::error::SdkError;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use crate::Class;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(6);

/// Begins the configuration of a client: what is still to be set, then `load`.
///
/// Region, credentials and endpoints come from the environment, as in every AWS SDK. A call is tried up to
/// `attempts` times, with pauses that double from 100 ms to 5 s, with jitter; each attempt has 3 s to connect
/// and 6 s in all.
pub fn configuration(attempts: u32) -> ConfigLoader {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let retries = RetryConfig::standard()
        .with_max_attempts(attempts)
        .with_initial_backoff(FIRST_PAUSE)
        .with_max_backoff(LONGEST_PAUSE);
    let bounds =
        TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ANSWER);
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .retry_config(retries)
        .timeout_config(bounds.build())
}

/// The class of a call that no service has answered; `None` where one has.
pub fn unanswered<E, R>(error: &SdkError<E, R>) -> Option<Class> {
    if matches!(error, SdkError::TimeoutError(_)) {
        return Some(Class::Timeout);
    }
    let SdkError::DispatchFailure(failure) = error else { return None };
    Some(if failure.is_timeout() { Class::Timeout } else { Class::Tcp })
}
