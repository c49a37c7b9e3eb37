//! Generators that make so many rows a second: when each is due.

use super::error::ConnectorError;
use crate::interrupt;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// So much time a piece of rows is made for at once. Short, so that a row is soon seen; long enough to be worth its trouble.
const PIECE: f64 = 0.002;

/// The clock of a generator with a rate. It starts when somebody first waits for it.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: u64,
    start: OnceLock<Instant>,
}

impl Pace {
    /// The option `rate` of a generator, if it has one.
    pub(super) fn of(option: Option<&String>, path: &str) -> Result<Option<Self>, ConnectorError> {
        let Some(written) = option else { return Ok(None) };
        match written.parse::<u64>() {
            Ok(per_second) if per_second > 0 => Ok(Some(Self { per_second, start: OnceLock::new() })),
            Ok(_) | Err(_) => Err(ConnectorError::Unsupported {
                path: path.to_owned(),
                detail: format!("`rate` is how many a second, a positive integer, not `{written}`"),
            }),
        }
    }

    /// How many are made at once.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a piece need not be exact")]
    pub(super) fn piece(&self) -> u64 {
        ((self.per_second as f64 * PIECE) as u64).max(1)
    }

    /// Waits until number `count`, counted from 0, is due.
    pub(super) fn wait_for(&self, count: u64) {
        // Who waits for long looks up now and then whether the run is to stop.
        const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(100);
        loop {
            let left = self.due_in(count);
            if left.is_zero() || interrupt::is_requested() {
                return;
            }
            std::thread::sleep(left.min(LOOK_AGAIN_AFTER));
        }
    }

    /// Whether number `count`, counted from 0, is due.
    pub(super) fn is_due(&self, count: u64) -> bool {
        self.due_in(count).is_zero()
    }

    fn due_in(&self, count: u64) -> Duration {
        let start = *self.start.get_or_init(Instant::now);
        let (seconds, rest) = (count / self.per_second, count % self.per_second);
        let nanos = u128::from(rest) * 1_000_000_000 / u128::from(self.per_second);
        let due = Duration::new(seconds, u32::try_from(nanos).unwrap_or(0));
        due.saturating_sub(start.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_when_they_are_due_and_not_before() {
        let option = "1000".to_owned();
        let pace = Pace::of(Some(&option), "nexmark()").expect("a rate").expect("a rate");
        assert_eq!(pace.piece(), 2);
        let start = Instant::now();
        pace.wait_for(0);
        pace.wait_for(20);
        assert!(start.elapsed() >= Duration::from_millis(20));
        pace.wait_for(10); // long due
    }

    #[test]
    fn a_rate_is_a_positive_number() {
        for wrong in ["0", "-1", "fast", "1.5"] {
            assert!(Pace::of(Some(&wrong.to_owned()), "nexmark()").is_err(), "{wrong}");
        }
        assert!(Pace::of(None, "nexmark()").expect("nothing is wrong").is_none());
    }
}
