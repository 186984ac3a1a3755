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
        let now = SystemTime::now();
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
