//! The cron expressions that rotation schedules take, in UTC.
//!
//! Six fields: minutes (only 0), hours, day of month, month, day of week, year (only `*`).
//! Documented: `*`, `?`, lists, ranges, steps, names, `L` (last day of the month) and, for days of
//! the week, `nL` (the last of the month) and `n#k` (the k-th).

use std::collections::BTreeSet;
use std::time::SystemTime;

use time::{Date, OffsetDateTime, Time, UtcOffset};

/// Two rotations are at least this far apart.
const SHORTEST_HOURS: u8 = 4;
/// Four years hold every day there is.
const DAYS_SEARCHED: usize = 4 * 366;
const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cron {
    hours: BTreeSet<u8>,
    days: Days,
    months: BTreeSet<u8>,
}

#[derive(Debug, PartialEq, Eq)]
enum Days {
    OfMonth(BTreeSet<u8>),
    LastOfMonth,
    OfWeek(BTreeSet<u8>),
    LastOfWeekday(u8),
    NthOfWeekday(u8, u8),
}

impl Cron {
    /// Reads what is between the parentheses; `None` when it is not a schedule the service takes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let &["0", hours, day_of_month, months, day_of_week, "*"] = fields.as_slice() else {
            return None;
        };
        let cron = Self {
            hours: values(hours, 0, 23, &[])?,
            days: Days::parse(day_of_month, day_of_week)?,
            months: values(months, 1, 12, &MONTHS)?,
        };
        (cron.gap_hours() >= SHORTEST_HOURS).then_some(cron)
    }

    /// The first time that matches, strictly after the one given.
    pub(crate) fn next_after(&self, time: SystemTime) -> Option<SystemTime> {
        let after = OffsetDateTime::from(time).to_offset(UtcOffset::UTC);
        let mut date = after.date();
        for _ in 0..DAYS_SEARCHED {
            if self.months.contains(&u8::from(date.month())) && self.days.contain(date) {
                for hour in &self.hours {
                    let moment = date.with_time(Time::from_hms(*hour, 0, 0).ok()?).assume_utc();
                    if moment > after {
                        return Some(moment.into());
                    }
                }
            }
            date = date.next_day()?;
        }
        None
    }

    /// Whether it is a schedule in hours: its window is one hour by default.
    pub(crate) fn is_hourly(&self) -> bool {
        self.hours.len() > 1
    }

    /// The longest window that ends with the UTC day and before the next one opens.
    pub(crate) fn room_hours(&self) -> u32 {
        let last = self.hours.last().copied().unwrap_or(0);
        u32::from((24 - last).min(self.gap_hours()))
    }

    fn gap_hours(&self) -> u8 {
        let later = self.hours.iter().skip(1).copied();
        let wrap = self.hours.first().zip(self.hours.last()).map(|(first, last)| 24 + first - last);
        let gaps = self.hours.iter().zip(later).map(|(hour, next)| next - hour);
        gaps.chain(wrap).min().unwrap_or(0)
    }
}

impl Days {
    /// One of the two fields says which days, the other is a wildcard.
    fn parse(of_month: &str, of_week: &str) -> Option<Self> {
        match (of_month, of_week) {
            ("?" | "*", "?" | "*") => values("*", 1, 31, &[]).map(Self::OfMonth),
            ("L", "?" | "*") => Some(Self::LastOfMonth),
            (days, "?" | "*") => values(days, 1, 31, &[]).map(Self::OfMonth),
            ("?" | "*", days) => Self::parse_of_week(days),
            (_, _) => None,
        }
    }

    fn parse_of_week(text: &str) -> Option<Self> {
        if let Some((day, nth)) = text.split_once('#') {
            let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth))?;
            return Some(Self::NthOfWeekday(value(day, 1, 7, &WEEKDAYS)?, nth));
        }
        if let Some(day) = text.strip_suffix('L').filter(|day| !day.is_empty()) {
            return value(day, 1, 7, &WEEKDAYS).map(Self::LastOfWeekday);
        }
        let text = if text == "L" { "7" } else { text };
        values(text, 1, 7, &WEEKDAYS).map(Self::OfWeek)
    }

    fn contain(&self, date: Date) -> bool {
        let (day, weekday) = (date.day(), date.weekday().number_from_sunday());
        let last = date.month().length(date.year());
        match self {
            Self::OfMonth(days) => days.contains(&day),
            Self::LastOfMonth => day == last,
            Self::OfWeek(days) => days.contains(&weekday),
            Self::LastOfWeekday(meant) => weekday == *meant && day + 7 > last,
            Self::NthOfWeekday(meant, nth) => weekday == *meant && (day - 1) / 7 + 1 == *nth,
        }
    }
}

/// A list of values, ranges and steps.
fn values(text: &str, low: u8, high: u8, names: &[&str]) -> Option<BTreeSet<u8>> {
    let mut found = BTreeSet::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<u8>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (value(from, low, high, names)?, value(to, low, high, names)?),
            None if matches!(range, "*" | "?" | "") => (low, high),
            None => {
                let from = value(range, low, high, names)?;
                (from, if part.contains('/') { high } else { from })
            }
        };
        found.extend((from..=to).step_by(usize::from(step)));
    }
    (!text.is_empty() && !found.is_empty()).then_some(found)
}

fn value(text: &str, low: u8, high: u8, names: &[&str]) -> Option<u8> {
    let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
    let number = match named {
        Some(index) => u8::try_from(index).ok()? + low,
        None => text.parse().ok()?,
    };
    (low..=high).contains(&number).then_some(number)
}
