//! Retriers: the choice of the retrier that matches a failure, and the delay before the next attempt.

use std::time::Duration;

use crate::definition::model::Retrier;
use crate::engine::failure::Failure;
use crate::scope::Random;

/// The longest delay that a growing back-off reaches without `MaxDelaySeconds`: a year of 366 days, which is also AWS's
/// upper bound for that field.
const LONGEST_DELAY_SECONDS: f64 = 31_622_400.0;

/// A counter of the retries that each retrier of a state has used since the state was entered.
#[derive(Debug)]
pub(crate) struct RetryCounter<'a> {
    /// The state's retriers, in the order in which they are tried.
    retriers: &'a [Retrier],
    /// The number of retries used, per retrier.
    used: Vec<u32>,
}

impl<'a> RetryCounter<'a> {
    /// Creates a counter in which no retry has been used.
    pub(crate) fn new(retriers: &'a [Retrier]) -> Self {
        Self {
            retriers,
            used: vec![0; retriers.len()],
        }
    }

    /// Creates a counter in which every retrier has used `used` retries, as the request to test a state may say.
    pub(crate) fn with_used(retriers: &'a [Retrier], used: u32) -> Self {
        Self {
            retriers,
            used: vec![used; retriers.len()],
        }
    }

    /// Counts a retry of the retrier that matches the failure, and returns its delay with jitter; `None` if no retrier
    /// matches or its retries are used up.
    pub(crate) fn next(&mut self, failure: &Failure, random: &mut Random) -> Option<Duration> {
        let (index, delay) = self.find(failure)?;
        self.used[index] += 1;
        let delay = if self.retriers[index].full_jitter {
            delay.mul_f64(random.fraction())
        } else {
            delay
        };
        Some(delay)
    }

    /// Returns the index of the first retrier that matches the failure, even if the retries of that retrier are used
    /// up.
    pub(crate) fn index(&self, failure: &Failure) -> Option<usize> {
        self.retriers
            .iter()
            .position(|retrier| failure.matches(&retrier.errors))
    }

    /// Returns the index of the matching retrier and its delay before jitter, without counting a retry; `None` if no
    /// retrier matches or its retries are used up.
    pub(crate) fn find(&self, failure: &Failure) -> Option<(usize, Duration)> {
        let index = self.index(failure)?;
        let retrier = &self.retriers[index];
        (self.used[index] < retrier.max_attempts).then(|| (index, delay(retrier, self.used[index])))
    }
}

/// Returns the delay before a retry: `interval * rate ^ used`, at most the longest delay.
fn delay(retrier: &Retrier, used: u32) -> Duration {
    let seconds = retrier.interval.as_secs_f64()
        * retrier
            .backoff_rate
            .powi(i32::try_from(used).unwrap_or(i32::MAX));
    let bound = retrier
        .max_delay
        .map_or(LONGEST_DELAY_SECONDS, |delay| delay.as_secs_f64());
    Duration::from_secs_f64(seconds.min(bound))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retrier(errors: &[&str], max_attempts: u32) -> Retrier {
        Retrier {
            errors: errors.iter().map(|&error| error.to_owned()).collect(),
            interval: Duration::from_secs(2),
            max_attempts,
            backoff_rate: 3.0,
            max_delay: Some(Duration::from_secs(10)),
            full_jitter: false,
        }
    }

    #[test]
    fn delays_grow_up_to_their_bound() {
        let defined = [retrier(&["States.ALL"], 4)];
        let mut retries = RetryCounter::new(&defined);
        let mut random = Random::from_seed(1);
        let delays: Vec<_> =
            std::iter::from_fn(|| retries.next(&Failure::ordinary("E", ""), &mut random)).collect();
        assert_eq!(
            delays.iter().map(Duration::as_secs).collect::<Vec<_>>(),
            [2, 6, 10, 10]
        );
    }

    #[test]
    fn each_retrier_counts_for_itself() {
        let defined = [retrier(&["A"], 1), retrier(&["B"], 1)];
        let mut retries = RetryCounter::new(&defined);
        let mut random = Random::from_seed(1);
        let mut next = |error: &str| {
            retries
                .next(&Failure::ordinary(error, ""), &mut random)
                .is_some()
        };
        assert_eq!(
            [next("A"), next("B"), next("A"), next("B")],
            [true, true, false, false]
        );
    }
}
