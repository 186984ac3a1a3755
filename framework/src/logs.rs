//! What the function prints: its own events at the level asked for, other crates' at `info` at most.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The crates that are written to hold no secret in any event.
const OURS: &str = "turnlock";

/// Starts logging by `RUST_LOG` or `AWS_LAMBDA_LOG_LEVEL`, and as JSON where `AWS_LAMBDA_LOG_FORMAT` says so.
///
/// HTTP and database crates print requests, responses and statements at `debug` and `trace`, and nobody
/// can vouch for what is in them: they stay at `info`, whatever is asked for.
pub(crate) fn start(variable: impl Fn(&str) -> Option<String>) {
    let level = variable("RUST_LOG").or_else(|| variable("AWS_LAMBDA_LOG_LEVEL"));
    let level = level.map_or(LevelFilter::INFO, |text| parse(&text));
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::INFO))
        // It passes on the server's notices, and a notice can quote a statement.
        .with_target("sqlx", LevelFilter::OFF)
        .with_target(OURS, level);
    let json = variable("AWS_LAMBDA_LOG_FORMAT").is_some_and(|f| f.eq_ignore_ascii_case("json"));

    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_target(false);
    let registry = tracing_subscriber::registry().with(filter);
    let started = if json {
        registry.with(lines.json().flatten_event(true).with_current_span(false)).try_init()
    } else {
        // CloudWatch adds the time to every line of text.
        registry.with(lines.without_time()).try_init()
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// The level of a directive list: the one for our crates, else the general one, else the highest named.
fn parse(text: &str) -> LevelFilter {
    let directives = || text.split(',').map(str::trim).filter(|d| !d.is_empty());
    let level = |name: &str| match name.to_ascii_lowercase().as_str() {
        "fatal" => Some(LevelFilter::ERROR),
        other => other.parse().ok(),
    };
    let ours = directives().find_map(|d| d.split_once('=').filter(|(t, _)| t.starts_with(OURS)));
    let general = || directives().find_map(level);
    ours.and_then(|(_, name)| level(name)).or_else(general).unwrap_or(LevelFilter::INFO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_found_in_both_variables_spellings() {
        for (text, level) in [
            ("trace", LevelFilter::TRACE),
            ("DEBUG", LevelFilter::DEBUG),
            ("FATAL", LevelFilter::ERROR),
            ("warn,turnlock=debug", LevelFilter::DEBUG),
            ("sqlx=trace", LevelFilter::INFO),
            ("off", LevelFilter::OFF),
            ("nonsense", LevelFilter::INFO),
        ] {
            assert_eq!(parse(text), level, "{text}");
        }
    }
}
