//! Rotation rules: how often, by a number of days or by a schedule expression, and in which window.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::clock::midnight;
use crate::cron::Cron;
use crate::error::ApiError;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// A secret can be rotated as often as every four hours.
const SHORTEST_HOURS: u32 = 4;
const LONGEST_DAYS: u32 = 1000;

/// The rules as they were given; they were valid then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RotationRules {
    pub(crate) automatically_after_days: Option<u32>,
    pub(crate) duration: Option<String>,
    pub(crate) schedule_expression: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Schedule {
    Days(u32),
    Hours(u32),
    Cron(Cron),
}

impl RotationRules {
    /// Checks the rules. The wording of the errors is ours: the service's is not documented.
    pub(crate) fn validate(&self) -> Result<(), ApiError> {
        let schedule = self.schedule()?;
        let Some(hours) = self.duration_hours()? else { return Ok(()) };
        let room = match &schedule {
            Schedule::Days(_) => 24,
            Schedule::Hours(every) => (*every).min(24),
            Schedule::Cron(cron) => cron.room_hours(),
        };
        if hours == 0 || hours > room {
            return Err(invalid(format!(
                "The Duration of the rotation window must be at least 1h and must not extend into the next UTC day or the next window: at most {room}h here."
            )));
        }
        Ok(())
    }

    /// The first window that begins after a time.
    pub(crate) fn window_after(&self, time: SystemTime) -> Option<(SystemTime, SystemTime)> {
        let (start, by_default) = match self.schedule().ok()? {
            Schedule::Days(days) => (midnight(time) + DAY * days, DAY),
            Schedule::Hours(hours) => {
                let step = HOUR * hours;
                let since = time.duration_since(midnight(time)).unwrap_or_default();
                let passed = u32::try_from(since.as_secs() / step.as_secs()).unwrap_or(0);
                (midnight(time) + step * (passed + 1), HOUR)
            }
            Schedule::Cron(cron) => {
                let start = cron.next_after(time)?;
                let to_midnight = midnight(start) + DAY;
                let rest = to_midnight.duration_since(start).unwrap_or(DAY);
                (start, if cron.is_hourly() { HOUR } else { rest })
            }
        };
        let length = self.duration_hours().ok().flatten().map_or(by_default, |hours| HOUR * hours);
        Some((start, start + length - Duration::from_secs(1)))
    }

    fn schedule(&self) -> Result<Schedule, ApiError> {
        match (self.automatically_after_days, &self.schedule_expression) {
            (Some(_), Some(_)) => Err(invalid(
                "You can't specify both AutomaticallyAfterDays and ScheduleExpression.",
            )),
            (Some(days), None) if (1..=LONGEST_DAYS).contains(&days) => Ok(Schedule::Days(days)),
            (Some(_), None) => Err(invalid("AutomaticallyAfterDays must be between 1 and 1000.")),
            (None, Some(expression)) => parse(expression),
            (None, None) => Err(invalid(
                "RotationRules must have AutomaticallyAfterDays or ScheduleExpression.",
            )),
        }
    }

    fn duration_hours(&self) -> Result<Option<u32>, ApiError> {
        let Some(duration) = &self.duration else { return Ok(None) };
        let hours = duration.strip_suffix('h').and_then(|hours| hours.parse().ok());
        hours.map(Some).ok_or_else(|| invalid("Duration must be a number of hours, such as 3h."))
    }
}

fn parse(expression: &str) -> Result<Schedule, ApiError> {
    let inner = |kind: &str| {
        let rest = expression.trim().strip_prefix(kind)?.strip_prefix('(')?;
        rest.strip_suffix(')').map(str::trim)
    };
    if let Some(rate) = inner("rate") {
        return parse_rate(rate);
    }
    let cron = inner("cron").and_then(Cron::parse).map(Schedule::Cron);
    cron.ok_or_else(|| {
        invalid(format!(
            "The ScheduleExpression {expression} isn't valid: it must be rate(n hours), rate(n days) or cron(0 hours day-of-month month day-of-week *), at least four hours apart."
        ))
    })
}

fn parse_rate(rate: &str) -> Result<Schedule, ApiError> {
    let (number, unit) = rate.split_once(' ').unwrap_or((rate, ""));
    let number: u32 = number.parse().unwrap_or(0);
    match unit.trim() {
        "hour" | "hours" if (SHORTEST_HOURS..=LONGEST_DAYS * 24).contains(&number) => {
            Ok(Schedule::Hours(number))
        }
        "day" | "days" if (1..=LONGEST_DAYS).contains(&number) => Ok(Schedule::Days(number)),
        _ => Err(invalid(
            "The ScheduleExpression isn't valid: a rate is a number of hours from 4, or a number of days from 1 to 1000.",
        )),
    }
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::invalid_parameter(message)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn rules(days: Option<u32>, expression: Option<&str>, duration: Option<&str>) -> RotationRules {
        RotationRules {
            automatically_after_days: days,
            schedule_expression: expression.map(str::to_owned),
            duration: duration.map(str::to_owned),
        }
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn rules_that_the_service_refuses_are_refused() {
        for (days, expression, duration) in [
            (None, None, None),
            (Some(0), None, None),
            (Some(1001), None, None),
            (Some(1), Some("rate(1 day)"), None),
            (None, Some("rate(3 hours)"), None),
            (None, Some("rate(0 days)"), None),
            (None, Some("rate(2 weeks)"), None),
            (None, Some("every day"), None),
            (None, Some("cron(5 8 * * ? *)"), None),
            (None, Some("cron(0 8 * * ? 2030)"), None),
            (None, Some("cron(0 25 * * ? *)"), None),
            (None, Some("cron(0 */2 * * ? *)"), None),
            (Some(1), None, Some("25h")),
            (None, Some("rate(4 hours)"), Some("5h")),
            (None, Some("cron(0 22 * * ? *)"), Some("3h")),
            (Some(1), None, Some("3m")),
        ] {
            assert!(
                rules(days, expression, duration).validate().is_err(),
                "{expression:?} {days:?}"
            );
        }
    }

    #[test]
    fn windows_open_where_the_rules_say() {
        let noon = at(43_200);
        let window = |days, expression, duration| {
            let rules = rules(days, expression, duration);
            rules.validate().expect("valid");
            let (start, end) = rules.window_after(noon).expect("a window");
            let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_secs();
            (seconds(start), seconds(end) + 1 - seconds(start))
        };
        assert_eq!(window(Some(1), None, None), (86_400, 86_400));
        assert_eq!(window(None, Some("rate(10 days)"), Some("2h")), (864_000, 7200));
        assert_eq!(window(None, Some("rate(4 hours)"), None), (57_600, 3600));
        assert_eq!(window(None, Some("rate(12 hours)"), None), (86_400, 3600));
        // 1970-01-01 was a Thursday.
        assert_eq!(window(None, Some("cron(0 8 * * ? *)"), None), (86_400 + 28_800, 57_600));
        assert_eq!(
            window(None, Some("cron(0 8 ? * SUN *)"), Some("2h")),
            (3 * 86_400 + 28_800, 7200)
        );
        assert_eq!(window(None, Some("cron(0 /8 * * ? *)"), None), (57_600, 3600));
        assert_eq!(window(None, Some("cron(0 0 L * ? *)"), None), (30 * 86_400, 86_400));
        assert_eq!(window(None, Some("cron(0 0 ? * 2#1 *)"), None), (4 * 86_400, 86_400));
        assert_eq!(window(None, Some("cron(0 0 ? FEB 6L *)"), None), (57 * 86_400, 86_400));
    }
}
