//! Operators of streams with nothing around them: rows per second of one core.
//!
//! Usage: `cargo run --release -p sabot-benches --bin stream_operators [-- ROWS [NAME]]`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "it reports")]

use sabot_runtime::measure_streams::{Case, cases};
use std::time::{Duration, Instant};

/// What the thread has computed so far, without what others have computed meanwhile; where the system says so.
fn computed() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}

/// The shortest of several runs.
fn best<T>(mut run: impl FnMut() -> T) -> (Duration, T) {
    let timed = |run: &mut dyn FnMut() -> T| {
        let (started, before) = (Instant::now(), computed());
        let result = run();
        let elapsed = started.elapsed();
        (computed().zip(before).map_or(elapsed, |(after, before)| after - before), result)
    };
    let first = timed(&mut run);
    (0..2).map(|_| timed(&mut run)).fold(first, |best, next| if next.0 < best.0 { next } else { best })
}

fn report(name: &str, rows: usize, time: Duration, more: &str) {
    let millions = rows as f64 / time.as_secs_f64() / 1e6;
    println!("{name:45} {millions:8.1} M rows/s {:7.1} ns/row  {more}", time.as_secs_f64() * 1e9 / rows as f64);
}

fn measure(case: &Case) {
    let (time, (given, bytes)) = best(|| case.run());
    report(case.name, case.rows, time, &format!("{given} rows given, {} MB held at most", bytes >> 20));
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rows = arguments.next().and_then(|rows| rows.parse().ok()).unwrap_or(4_000_000);
    let wanted = arguments.next().unwrap_or_default();
    for (number, case) in cases(rows).enumerate() {
        if number == 0 && wanted.is_empty() {
            let (time, fed) = best(|| case.feed());
            report("rows parted by key group", fed, time, "");
        }
        if case.name.contains(&wanted) {
            measure(&case);
        }
    }
}
