//! How long consumers may still have what the current version replaced.

use std::time::{Duration, SystemTime};

use aws_sdk_secretsmanager::primitives::{DateTime, DateTimeFormat};

/// The time after a credential was replaced in which consumers may still have it.
pub(super) struct Overlap {
    lasts: Duration,
    /// When the current version was created.
    created: Option<SystemTime>,
    /// When it became current, as far as that can be told.
    since: Option<SystemTime>,
    now: SystemTime,
}

impl Overlap {
    /// `created` is the date of the current version, `rotated` that of the last rotation.
    ///
    /// Whichever is later is when the version became current: a version that somebody wrote is so at once, one
    /// that a rotation wrote at the end of it.
    pub(super) fn new(
        lasts: Duration,
        created: Option<SystemTime>,
        rotated: Option<SystemTime>,
    ) -> Self {
        Self::seen_at(SystemTime::now(), lasts, created, rotated)
    }

    fn seen_at(
        now: SystemTime,
        lasts: Duration,
        created: Option<SystemTime>,
        rotated: Option<SystemTime>,
    ) -> Self {
        // Another clock than ours may be ahead.
        let since = created.max(rotated).map(|date| date.min(now));
        if since.is_none() && !lasts.is_zero() {
            tracing::warn!(
                "AWSCURRENT has no date: consumers are taken to have changed over to it"
            );
        }
        Self { lasts, created, since, now }
    }

    /// Why what the current version replaced may not be retired yet, if it may not.
    pub(super) fn obstacle(&self) -> Option<String> {
        let since = self.since.filter(|_| !self.is_over())?;
        let minutes = self.lasts.as_secs().div_ceil(60);
        let until = since.checked_add(self.lasts).and_then(text);
        Some(format!(
            "AWSCURRENT became current at {}, and for {minutes} minutes, until {}, consumers may still have the \
             credential that it replaced, which works: rotate again then; an overlap of 0 \
             (`rotation.overlap_minutes`, where the rotator has that) retires it at once",
            text(since).unwrap_or_default(),
            until.unwrap_or_else(|| "the end of time".to_owned()),
        ))
    }

    /// Whether consumers have changed over to the current version.
    pub(super) fn is_over(&self) -> bool {
        self.since.is_none_or(|since| {
            // Never in the future, so there is no error.
            self.now.duration_since(since).is_ok_and(|passed| passed >= self.lasts)
        })
    }

    /// Whether `AWSCURRENT` was moved back to a version older than the one that it replaced, which has no date.
    pub(super) fn moved_back(&self, replaced: Option<SystemTime>) -> bool {
        let (Some(created), Some(replaced)) = (self.created, replaced) else { return false };
        // No two rotations are that close.
        !self.lasts.is_zero() && replaced > created + Duration::from_secs(1)
    }

    /// Whether consumers may have a version without a label, of that date.
    ///
    /// It may have been current until a moment ago. One that is newer than the current version never was.
    pub(super) fn covers(&self, created: Option<SystemTime>) -> bool {
        !self.is_over() && self.created.is_none_or(|current| created <= Some(current))
    }
}

/// A date as `2026-01-31T12:00:00Z`.
fn text(date: SystemTime) -> Option<String> {
    let seconds = DateTime::from(date).secs();
    DateTime::from_secs(seconds).fmt(DateTimeFormat::DateTime).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);
    /// 2026-01-31T12:00:00Z
    const NOON: Duration = Duration::from_secs(1_769_860_800);

    fn at(hours: i32) -> Option<SystemTime> {
        let noon = SystemTime::UNIX_EPOCH + NOON;
        let distance = HOUR * hours.unsigned_abs();
        Some(if hours < 0 { noon - distance } else { noon + distance })
    }

    fn at_noon(
        lasts: Duration,
        created: Option<SystemTime>,
        rotated: Option<SystemTime>,
    ) -> Overlap {
        Overlap::seen_at(SystemTime::UNIX_EPOCH + NOON, lasts, created, rotated)
    }

    #[test]
    fn the_later_of_the_two_dates_counts() {
        for (created, rotated) in
            [(at(-1), at(-9)), (at(-9), at(-1)), (at(-1), None), (None, at(-1))]
        {
            let overlap = at_noon(2 * HOUR, created, rotated);
            let text = overlap.obstacle().unwrap();
            let dates = "at 2026-01-31T11:00:00Z, and for 120 minutes, until 2026-01-31T13:00:00Z,";
            assert!(text.contains(dates), "{text}");
            assert!(at_noon(HOUR, created, rotated).is_over());
        }
    }

    #[test]
    fn it_is_over_to_the_moment() {
        assert!(at_noon(HOUR, at(-1), None).is_over());
        assert!(!at_noon(HOUR + Duration::from_nanos(1), at(-1), None).is_over());
    }

    #[test]
    fn a_date_in_the_future_counts_as_now() {
        let text = at_noon(HOUR, at(500), at(-9)).obstacle().unwrap();
        assert!(text.contains("until 2026-01-31T13:00:00Z,"), "{text}");
        assert!(at_noon(Duration::ZERO, at(500), None).is_over());
    }

    #[test]
    fn a_current_version_older_than_the_one_it_replaced_was_moved_back() {
        assert!(at_noon(HOUR, at(-9), at(-5)).moved_back(at(-5)));
        for (lasts, created, replaced) in [
            (Duration::ZERO, at(-9), at(-5)),
            (HOUR, at(-5), at(-9)),
            (HOUR, None, at(-5)),
            (HOUR, at(-5), None),
        ] {
            assert!(!at_noon(lasts, created, at(-5)).moved_back(replaced));
        }
    }

    #[test]
    fn two_versions_of_one_rotation_can_be_a_second_apart() {
        let overlap = at_noon(HOUR, at(-9), at(-5));
        let created = at(-9).unwrap();
        let second = Duration::from_secs(1);
        assert!(!overlap.moved_back(Some(created + second)));
        assert!(overlap.moved_back(Some(created + second + Duration::from_nanos(1))));
    }

    #[test]
    fn without_a_date_it_is_over() {
        let overlap = at_noon(HOUR, None, None);
        assert!(overlap.is_over() && !overlap.covers(None));
    }

    #[test]
    fn one_that_never_ends_is_told() {
        let text = at_noon(Duration::MAX, at(-1), None).obstacle().unwrap();
        assert!(text.contains("until the end of time,"), "{text}");
    }

    #[test]
    fn it_covers_what_is_as_old_as_the_current_version_and_what_may_be() {
        let overlap = at_noon(2 * HOUR, at(-1), None);
        assert!(overlap.covers(at(-1)) && overlap.covers(at(-9)) && overlap.covers(None));
        assert!(!overlap.covers(at(0)));
        assert!(at_noon(2 * HOUR, None, at(-1)).covers(at(0)), "nothing says that it is newer");
        assert!(!at_noon(HOUR, at(-1), None).covers(at(-9)));
    }
}
