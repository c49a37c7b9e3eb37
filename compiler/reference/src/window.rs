//! Windows over rows in input order, one partition: what is late, which rows a window holds, what it gives.
//!
//! A row is late for a window if the watermark before the row has passed the window's end and the allowed lateness; a row
//! that no window takes is late. A window gives its rows once when the watermark has passed its end, or at the end of the
//! input, and once more for each row that comes after. Early results (`emit_every`) are not given: they say nothing that
//! the last result of a window does not.

use crate::run::{Row, key_of};
use crate::value::sort_order;
use sabot_ir::plan::WindowKind;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The watermark of a row's source partition before the row, in microseconds; nothing is known of rows that do not come
/// straight from a source.
pub(crate) type Watermark = Option<i64>;

/// A row as a window takes it.
#[derive(Clone, Debug)]
pub(crate) struct WindowRow {
    pub key: Row,
    /// In microseconds; windows of a number of rows do not look at it.
    pub time: i128,
    pub watermark: Watermark,
    /// By call, its arguments, if the row counts.
    pub args: Vec<Option<Row>>,
}

/// What a window gives.
#[derive(Clone, Debug)]
pub(crate) struct Fired {
    pub key: Row,
    /// Start and end; none for windows of a number of rows.
    pub times: Option<(i128, i128)>,
    /// By call, the arguments of the rows that count.
    pub args: Vec<Vec<Row>>,
}

/// What comes of all rows.
pub(crate) struct Outcome {
    /// In order.
    pub fired: Vec<Fired>,
    /// Positions of the rows that were late.
    pub late: Vec<usize>,
}

/// A window that still takes rows.
struct Open {
    start: i128,
    end: i128,
    /// Positions of its rows, ascending.
    rows: Vec<usize>,
    /// Its rows have been given as they are now.
    fired: bool,
}

/// Puts rows into windows.
pub(crate) fn windows(kind: WindowKind, allowed_lateness_us: i64, rows: &[WindowRow]) -> Outcome {
    if let WindowKind::Count { rows: size } = kind {
        return Outcome { fired: count_windows(size, rows), late: Vec::new() };
    }
    let allowed = i128::from(allowed_lateness_us);
    let mut open: BTreeMap<Row, Vec<Open>> = BTreeMap::new();
    let (mut fired, mut late) = (Vec::new(), Vec::new());
    for (position, row) in rows.iter().enumerate() {
        let passed = |time: i128| row.watermark.is_some_and(|watermark| i128::from(watermark) >= time);
        let of_key = open.entry(key_of(&row.key)).or_default();
        for window in of_key.iter_mut().filter(|window| !window.fired && passed(window.end)) {
            fired.push(fire(window, rows));
        }
        of_key.retain(|window| !passed(window.end + allowed));
        let mut is_late = true;
        for (start, end) in windows_of(kind, row.time) {
            let mut taken = Open { start, end, rows: vec![position], fired: false };
            let (same, others): (Vec<Open>, Vec<Open>) = of_key.drain(..).partition(|window| match kind {
                WindowKind::Session { .. } => window.start < end && start < window.end,
                WindowKind::Tumbling { .. }
                | WindowKind::Sliding { .. }
                | WindowKind::Cumulate { .. }
                | WindowKind::Count { .. } => (window.start, window.end) == (start, end),
            });
            *of_key = others;
            if same.is_empty() && passed(end + allowed) {
                continue;
            }
            is_late = false;
            for window in same {
                taken.start = taken.start.min(window.start);
                taken.end = taken.end.max(window.end);
                taken.rows.extend(window.rows);
            }
            taken.rows.sort_unstable();
            if passed(taken.end) {
                fired.push(fire(&mut taken, rows));
            }
            of_key.push(taken);
        }
        if is_late {
            late.push(position);
        }
    }
    for window in open.into_values().flatten().filter(|window| !window.fired) {
        fired.push(fire(&mut { window }, rows));
    }
    fired.sort_by(|a, b| a.times.map(|times| times.1).cmp(&b.times.map(|times| times.1)).then(by_key(a, b)));
    Outcome { fired, late }
}

/// Start and end of the windows that a row belongs to.
fn windows_of(kind: WindowKind, time: i128) -> Vec<(i128, i128)> {
    // The last moment at or before the row that is a whole number of steps from the offset.
    let begin = |step: i64, offset: i64| time - (time - i128::from(offset)).rem_euclid(i128::from(step));
    match kind {
        WindowKind::Tumbling { size_us, offset_us } => {
            let start = begin(size_us, offset_us);
            vec![(start, start + i128::from(size_us))]
        }
        WindowKind::Sliding { size_us, slide_us, offset_us } => {
            let last = begin(slide_us, offset_us);
            let starts = (0..).map(|back| last - back * i128::from(slide_us));
            starts.map(|start| (start, start + i128::from(size_us))).take_while(|(_, end)| *end > time).collect()
        }
        WindowKind::Session { gap_us } => vec![(time, time + i128::from(gap_us))],
        WindowKind::Cumulate { step_us, max_us, offset_us } => {
            let start = begin(max_us, offset_us);
            let ends = (1..=max_us / step_us).map(|steps| start + i128::from(steps * step_us));
            ends.filter(|end| *end > time).map(|end| (start, end)).collect()
        }
        WindowKind::Count { .. } => Vec::new(),
    }
}

/// A window is given when its last row comes; what is left at the end in the order of the keys.
fn count_windows(size: u64, rows: &[WindowRow]) -> Vec<Fired> {
    let mut open: BTreeMap<Row, Vec<usize>> = BTreeMap::new();
    let mut fired = Vec::new();
    for (position, row) in rows.iter().enumerate() {
        let of_key = open.entry(key_of(&row.key)).or_default();
        of_key.push(position);
        if of_key.len() as u64 == size {
            fired.push(result(None, &std::mem::take(of_key), rows));
        }
    }
    let mut rest: Vec<Fired> =
        open.into_values().filter(|of_key| !of_key.is_empty()).map(|of_key| result(None, &of_key, rows)).collect();
    rest.sort_by(by_key);
    fired.extend(rest);
    fired
}

fn fire(window: &mut Open, rows: &[WindowRow]) -> Fired {
    window.fired = true;
    result(Some((window.start, window.end)), &window.rows, rows)
}

fn result(times: Option<(i128, i128)>, positions: &[usize], rows: &[WindowRow]) -> Fired {
    let first = &rows[positions[0]];
    let args = (0..first.args.len())
        .map(|call| positions.iter().filter_map(|position| rows[*position].args[call].clone()).collect())
        .collect();
    Fired { key: first.key.clone(), times, args }
}

/// Part by part: `None` first, numbers by value, strings by bytes.
fn by_key(a: &Fired, b: &Fired) -> Ordering {
    let orders = a.key.iter().zip(&b.key).map(|(a, b)| sort_order(a, b));
    orders.fold(Ordering::Equal, Ordering::then)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    /// Runs rows of (key, time) with this lateness; gives the windows as `key start..end: rows`, and who was late.
    fn check(kind: WindowKind, lateness: i64, allowed: i64, rows: &[(i128, i64)]) -> (Vec<String>, Vec<usize>) {
        let mut watermark = None;
        let rows: Vec<WindowRow> = rows
            .iter()
            .map(|(key, time)| {
                let row = WindowRow {
                    key: vec![Value::Int(*key)],
                    time: i128::from(*time),
                    watermark,
                    args: vec![Some(vec![Value::Int(i128::from(*time))])],
                };
                watermark = watermark.max(Some(time - lateness));
                row
            })
            .collect();
        let outcome = windows(kind, allowed, &rows);
        let text = |fired: &Fired| {
            let times = fired.times.map_or(String::new(), |(start, end)| format!(" {start}..{end}"));
            let rows: Vec<String> = fired.args[0].iter().map(|row| row[0].to_string()).collect();
            format!("{}{times}: {}", fired.key[0], rows.join(" "))
        };
        (outcome.fired.iter().map(text).collect(), outcome.late)
    }

    #[test]
    fn a_row_is_late_by_the_watermark_before_it() {
        let kind = WindowKind::Tumbling { size_us: 10, offset_us: 0 };
        let (fired, late) = check(kind, 2, 0, &[(1, 5), (1, 11), (1, 9), (1, 12), (1, 8), (1, -1)]);
        assert_eq!(fired, ["1 0..10: 5 9", "1 10..20: 11 12"]);
        assert_eq!(late, [4, 5], "12 - 2 has passed the end, 11 - 2 has not");
    }

    #[test]
    fn a_late_row_within_the_allowed_lateness_gives_the_window_once_more() {
        let kind = WindowKind::Tumbling { size_us: 10, offset_us: 3 };
        let (fired, late) = check(kind, 0, 5, &[(1, 5), (1, 13), (1, 6), (1, 17), (1, 7), (1, 18), (1, 8)]);
        assert_eq!(fired, ["1 3..13: 5", "1 3..13: 5 6", "1 3..13: 5 6 7", "1 13..23: 13 17 18"]);
        assert_eq!(late, [6]);
    }

    #[test]
    fn sliding_and_cumulate_take_a_row_several_times() {
        let sliding = WindowKind::Sliding { size_us: 10, slide_us: 4, offset_us: 0 };
        let (fired, _) = check(sliding, 0, 0, &[(2, 5), (1, 5)]);
        assert_eq!(fired, ["1 -4..6: 5", "2 -4..6: 5", "1 0..10: 5", "2 0..10: 5", "1 4..14: 5", "2 4..14: 5"]);
        // Late for the window that ended at 6, not for the others.
        let (fired, late) = check(sliding, 0, 0, &[(1, 7), (1, 5)]);
        assert_eq!((fired, late), (vec!["1 0..10: 7 5".into(), "1 4..14: 7 5".into()], vec![]));
        let cumulate = WindowKind::Cumulate { step_us: 5, max_us: 15, offset_us: 0 };
        let (fired, _) = check(cumulate, 0, 0, &[(1, 2), (1, 12), (1, 15)]);
        assert_eq!(fired, ["1 0..5: 2", "1 0..10: 2", "1 0..15: 2 12", "1 15..20: 15", "1 15..25: 15", "1 15..30: 15"]);
    }

    #[test]
    fn sessions_merge_while_they_are_open() {
        let kind = WindowKind::Session { gap_us: 10 };
        let (fired, late) = check(kind, 100, 0, &[(1, 0), (1, 20), (2, 5), (1, 9), (1, 12), (1, 39), (1, 30)]);
        assert_eq!(fired, ["2 5..15: 5", "1 0..30: 0 20 9 12", "1 30..49: 39 30"][..]);
        assert!(late.is_empty());
        // The session of 0 and 5 is gone when 14 comes; 3 belongs to none that is open.
        let (fired, late) = check(kind, 2, 0, &[(1, 0), (1, 5), (1, 17), (1, 14), (1, 3)]);
        assert_eq!(fired, ["1 0..15: 0 5", "1 14..27: 17 14"]);
        assert_eq!(late, [4]);
    }

    #[test]
    fn count_windows_go_by_arrival() {
        let (fired, _) = check(WindowKind::Count { rows: 2 }, 0, 0, &[(2, 9), (1, 5), (2, 1), (2, 3), (1, 8), (0, 1)]);
        assert_eq!(fired, ["2: 9 1", "1: 5 8", "0: 1", "2: 3"]);
    }
}
