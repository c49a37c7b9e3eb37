//! What a person sees while the job runs: a bar per pipeline, on a terminal, once it has run for a second.

use crate::morsel::Morsels;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long a pipeline runs before it is shown.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// Whether bars are wanted and somebody sees them.
#[derive(Debug)]
pub(crate) struct Progress {
    is_shown: bool,
}

/// The bar of one pipeline.
#[derive(Debug)]
pub(crate) struct Bar {
    is_shown: bool,
    name: String,
    started: Instant,
    total_rows: Option<u64>,
    total_bytes: Option<u64>,
    bar: Mutex<Option<ProgressBar>>,
}

impl Progress {
    pub(crate) fn new(is_wanted: bool) -> Self {
        Self { is_shown: is_wanted && stderr().is_terminal() }
    }

    /// Starts a pipeline of which so many rows and bytes are expected.
    pub(crate) fn start(&self, name: &str, (total_rows, total_bytes): (Option<u64>, Option<u64>)) -> Bar {
        let (is_shown, name, started) = (self.is_shown, name.to_owned(), Instant::now());
        Bar { is_shown, name, started, total_rows, total_bytes, bar: Mutex::default() }
    }
}

impl Bar {
    /// Shows how far it is. Called by every worker after every morsel.
    pub(crate) fn update(&self, morsels: &Morsels<'_>) {
        if !self.is_shown || self.started.elapsed() < SHOWN_AFTER {
            return;
        }
        let Ok(mut bar) = self.bar.try_lock() else { return };
        let (rows, bytes) = (morsels.rows_read.load(Ordering::Relaxed), morsels.bytes_read.load(Ordering::Relaxed));
        let (position, total) = match (self.total_rows, self.total_bytes) {
            (Some(total), _) => (rows, Some(total)),
            (None, Some(total)) => (bytes, Some(total)),
            (None, None) => (rows, None),
        };
        let bar = bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(10));
            let template = match total {
                Some(_) => "{prefix} {wide_bar} {percent}% {msg}, {eta} left",
                None => "{prefix} {spinner} {msg}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_prefix(self.name.clone());
            bar.with_elapsed(self.started.elapsed())
        });
        let seconds = self.started.elapsed().as_secs_f64();
        bar.set_message(format!(
            "{} rows, {}, {} rows/s",
            count(rows),
            size(bytes),
            count((rows as f64 / seconds) as u64)
        ));
        bar.set_position(position);
    }

    /// Takes it away.
    pub(crate) fn end(&self) {
        if let Ok(mut bar) = self.bar.lock()
            && let Some(bar) = bar.take()
        {
            bar.finish_and_clear();
        }
    }
}

/// A number in groups of three digits.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes with a unit.
pub(crate) fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", units[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_read_them() {
        let counts = [0, 999, 1000, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([512, 1536, 3 << 30].map(size), ["512 B", "1.5 KiB", "3.0 GiB"]);
    }
}
