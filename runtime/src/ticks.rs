//! What a worker does because time has passed: rows that have waited long enough for others are written without them.

use crate::connector::{ConnectorError, SinkEncoder};
use crate::operator::sink::SinkRun;
use crate::scheduler::JobRun;
use std::time::{Duration, Instant};

/// How often a worker looks at what time brings.
pub(crate) const TICK: Duration = Duration::from_millis(2);

/// When a worker looked last, and what it needs to write.
pub(crate) struct Ticks {
    last: Instant,
    /// By sink.
    encoders: Vec<Box<dyn SinkEncoder>>,
}

impl Ticks {
    pub(crate) fn new(job: &JobRun<'_>) -> Self {
        Self { last: Instant::now(), encoders: job.sinks.iter().map(SinkRun::encoder).collect() }
    }

    /// Whether so much time has passed since this was last true.
    pub(crate) fn is_due(&mut self, every: Duration) -> bool {
        let is_due = self.last.elapsed() >= every;
        if is_due {
            self.last = Instant::now();
        }
        is_due
    }

    /// Writes what has waited long enough.
    pub(crate) fn flush_sinks(&mut self, job: &JobRun<'_>) -> Result<(), ConnectorError> {
        let mut sinks = job.sinks.iter().zip(&mut self.encoders);
        sinks.try_for_each(|(sink, encoder)| sink.flush(&mut **encoder, &job.waiting_bytes))
    }
}
