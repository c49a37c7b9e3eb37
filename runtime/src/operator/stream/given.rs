//! What the partitions of a table have given in a round, put together.

use super::of::GivenOrder;
use super::{Output, Place};
use crate::live::GIVEN_ROWS;
use crate::operator::accumulate::RefusedGroup;
use crate::operator::collect::Rows;
use crate::operator::rows;
use crate::primitive::memory::StrArena;

/// Rows below which what two partitions give is put together.
const FEW_ROWS: usize = 4096;

/// What a partition gives in a round.
#[derive(Debug, Default)]
pub(super) struct Part {
    rows: Vec<Rows>,
    places: Vec<Place>,
    late: Option<Rows>,
    late_places: Vec<Place>,
}

impl Part {
    /// Takes over what the state has given, if that is much.
    pub(super) fn take_much(&mut self, out: &mut Output) {
        if out.rows.rows >= GIVEN_ROWS {
            self.rows.push(out.take());
        }
    }

    /// Takes over what the state has given.
    pub(super) fn take(&mut self, out: &mut Output) {
        if out.rows.rows > 0 {
            self.rows.push(out.take());
        }
        self.places.append(&mut out.places);
        self.late = out.late_rows.take();
        self.late_places.append(&mut out.late_places);
    }
}

/// What a round has given.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) rows: Vec<Rows>,
    /// Rows that came too late, if somebody wants them, as they stood in the input.
    pub(crate) late: Option<Rows>,
    pub(crate) watermark: i64,
    pub(crate) is_last: bool,
    pub(crate) refused: Vec<RefusedGroup>,
}

/// The rows of all partitions, and those that came too late.
pub(super) fn together(parts: impl Iterator<Item = Part>, order: &GivenOrder) -> (Vec<Rows>, Option<Rows>) {
    let mut all: Vec<Rows> = Vec::new();
    let (mut places, mut late, mut late_places) = (Vec::new(), None::<Rows>, Vec::new());
    for part in parts {
        for rows in part.rows {
            match all.last_mut().filter(|last| last.rows + rows.rows <= FEW_ROWS) {
                Some(last) => last.take_over(rows),
                None => all.push(rows),
            }
        }
        places.extend(part.places);
        late_places.extend(part.late_places);
        match (&mut late, part.late) {
            (Some(late), Some(more)) => late.take_over(more),
            (None, more) => late = more,
            (Some(_), None) => {}
        }
    }
    let late = late.map(|late| {
        let mut in_order: Vec<u32> = (0..late.rows as u32).collect();
        in_order.sort_by_key(|row| late_places[*row as usize]);
        late.take(&in_order)
    });
    let (by, places) = match order {
        GivenOrder::Partitions => return (all, late),
        GivenOrder::Columns(by) => (by, None),
        GivenOrder::Places(by) => (by, Some(places)),
    };
    let Some(stacked) = all.into_iter().reduce(|mut all, rows| {
        all.take_over(rows);
        all
    }) else {
        return (Vec::new(), late);
    };
    let in_order = match places {
        None => rows::sorted(&stacked.columns, stacked.rows, by),
        Some(places) => {
            // Equal places are of what was given at the end.
            let mut in_order = rows::sorted(&stacked.columns, stacked.rows, by);
            in_order.sort_by_key(|row| places[*row as usize]);
            in_order
        }
    };
    if in_order.is_sorted() && stacked.rows <= 2 * GIVEN_ROWS {
        return (vec![stacked], late);
    }
    (in_order.chunks(GIVEN_ROWS).map(|rows| stacked.take(rows)).collect(), late)
}

impl Rows {
    /// These rows, in this order, with strings of their own.
    fn take(&self, wanted: &[u32]) -> Self {
        let mut strings = StrArena::default();
        let mut columns = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let mut column = column.take(wanted);
            column.keep_strings(0, &mut strings);
            columns.push(column);
        }
        Self { columns, rows: wanted.len(), strings, runs: Vec::new() }
    }
}
