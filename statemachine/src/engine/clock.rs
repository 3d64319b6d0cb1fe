//! The execution's clock: its dates are the caller's start date plus the time that the runtime has measured since.

use chrono::{DateTime, SecondsFormat, Utc};
use std::time::Duration;
use tokio::time::Instant;

/// The longest sleep of a single runtime timer; longer sleeps are cut into slices.
///
/// Tokio's timers last at most about 795 days, but the language allows waits of 24,855 days.
const SLICE: Duration = Duration::from_hours(300 * 24);

/// A clock that adds the elapsed time to a start date.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// The date that the clock showed when it was created.
    start: DateTime<Utc>,
    /// The runtime's instant at `start`; elapsed time follows the runtime's clock, which tests may pause.
    origin: Instant,
}

impl Clock {
    /// Creates a clock that shows `start` now.
    pub(crate) fn starting_at(start: DateTime<Utc>) -> Self {
        Self {
            start,
            origin: Instant::now(),
        }
    }

    /// Returns the start date plus the time elapsed since.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.date_after(self.elapsed())
    }

    /// Returns the time elapsed since the clock was created.
    pub(crate) fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Returns the start date plus `elapsed`, at most the last date that `DateTime` can hold.
    pub(crate) fn date_after(&self, elapsed: Duration) -> DateTime<Utc> {
        let elapsed = chrono::TimeDelta::from_std(elapsed).unwrap_or(chrono::TimeDelta::MAX);
        self.start
            .checked_add_signed(elapsed)
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// Formats a date as events and the context object show it, such as `2026-01-01T00:00:00.000Z`.
pub(crate) fn date_text(date: DateTime<Utc>) -> String {
    date.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Sleeps for a duration of any length, even one that exceeds the limit of a single timer.
pub(crate) async fn sleep(mut duration: Duration) {
    while duration > SLICE {
        tokio::time::sleep(SLICE).await;
        duration -= SLICE;
    }
    tokio::time::sleep(duration).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn sixty_eight_years_pass_at_once() {
        let clock = Clock::starting_at(DateTime::UNIX_EPOCH);
        sleep(Duration::from_hours(24_855 * 24)).await;
        assert_eq!(clock.now().date_naive().to_string(), "2038-01-19");
    }
}
