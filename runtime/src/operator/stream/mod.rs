//! Streams: state by key that takes rows one after the other and gives rows at once, or when event time has passed.
//!
//! A table of a stream has [`key_group::PARTITIONS`] states of its operator, each with the rows of its own range of key
//! groups, whatever the parallelism. Workers part their rows ([`feed`]); a state gets the rows of its partition in the order
//! in which they stand in the input, between them the watermarks of the inputs, and knows nothing of threads. What it gives
//! depends on the order of the rows and watermarks, not on how they were cut into calls. What the partitions of windows give
//! is put in one order again ([`given`]).
//!
//! States work on whole columns: keys become numbers chunk by chunk ([`keyed`]), stored rows are columns addressed by row
//! number, and what is given is gathered column by column. What is dead is not removed row by row: when more than half of
//! what is stored is dead, the living are moved together, which costs a constant per row.

mod asof;
mod changes;
mod feed;
mod first;
mod gather;
mod given;
mod join;
mod join_changes;
pub(crate) mod key_group;
pub(crate) mod keyed;
pub(crate) mod lookup;
#[cfg(feature = "measure")]
pub mod measure;
mod of;
mod ordered;
mod table;
mod time_queue;
mod top;
mod ways;

#[cfg(test)]
mod testing;

use crate::column::Column;
use crate::error::RunError;
use crate::operator::accumulate::{FailedRow, Refusal, RefusedGroup, Users};
use crate::operator::collect::{Order, Rows};
use crate::operator::key::KeyLayout;
use crate::primitive::memory::StrArena;
use sabot_abi::manifest::{BaseType, ColumnType};
use sabot_abi::stream::{JoinKind, Keep, StreamOperator};

pub(crate) use feed::Feed;
use given::Given;
pub(crate) use lookup::LookupTable;
pub(crate) use of::{GivenOrder, StateOf};
pub(crate) use table::StreamTable;
pub(crate) use ways::{FeedEnd, FeedSpec, To};

/// The state of one partition of a table.
pub(crate) trait StreamState: Send {
    /// Takes rows of an input in the order of the input. Columns: the parts of the key, the event time in microseconds if the
    /// operator looks at it ([`StreamSpec::has_time`]), then the input's columns.
    fn rows(&mut self, input: usize, rows: &Rows, out: &mut Output) -> Result<(), RunError>;

    /// Takes the watermarks of all inputs: rows still to come have no smaller event time; `i64::MAX`: there are none. Gives
    /// the watermark of what it gives from now on.
    fn watermark(&mut self, watermarks: &[i64], out: &mut Output) -> Result<i64, RunError>;

    /// Gives the changes since the last time; after the last watermark there is nothing left to give.
    fn flush(&mut self, out: &mut Output) -> Result<(), RunError>;

    /// Bytes held.
    fn memory_bytes(&self) -> usize;

    /// Whether nothing is held that later rows could meet.
    fn is_empty(&self) -> bool;
}

/// Where a row stood in the input of a table: its morsel, and its place there.
pub(crate) type Place = (Order, u64);

/// What a state gives.
#[derive(Debug)]
pub(crate) struct Output {
    /// The columns of [`StreamSpec::columns`].
    pub(crate) rows: Rows,
    /// Rows that came when what they could have met was gone.
    pub(crate) late: u64,
    /// Those rows, with the columns in which they are to be written, if somebody wants them.
    pub(crate) late_rows: Option<Rows>,
    /// Where the rows that are given stood in the input, of states whose rows are given in that order.
    pub(crate) places: Vec<Place>,
    /// Where the late rows stood.
    pub(crate) late_places: Vec<Place>,
    /// Groups without a value, and keys of rows that cannot be added to theirs.
    pub(crate) refused: Vec<RefusedGroup>,
}

impl Output {
    /// Nothing yet, of these columns.
    pub(crate) fn new(types: &[ColumnType]) -> Self {
        Self {
            rows: Rows::new(types.iter().copied()),
            late: 0,
            late_rows: None,
            places: Vec::new(),
            late_places: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// The rows so far; what comes then starts anew.
    pub(crate) fn take(&mut self) -> Rows {
        let types: Vec<ColumnType> = self.rows.columns.iter().map(|column| column.ty).collect();
        std::mem::replace(&mut self.rows, Rows::new(types.into_iter()))
    }

    /// Rows that could not be added to groups, with the columns of their keys.
    pub(crate) fn refuse_rows(&mut self, failed: &[FailedRow], key: impl Fn(&FailedRow) -> Vec<Column>) {
        for row in failed {
            let key = key(row).iter().map(|column| column.show(0)).collect();
            self.refused.push(RefusedGroup { key, why: Refusal::User(row.error) });
        }
    }

    /// That many rows were added to every column, whose strings are somebody else's: keeps them.
    pub(crate) fn added(&mut self, rows: usize) {
        for column in &mut self.rows.columns {
            column.keep_strings(self.rows.rows, &mut self.rows.strings);
        }
        self.rows.rows += rows;
        debug_assert!(
            self.rows.columns.iter().all(|column| column.len() == self.rows.rows),
            "columns are of one length"
        );
    }
}

/// What a table of a stream does.
#[derive(Clone, Debug)]
pub(crate) struct StreamSpec {
    /// Its name, for messages.
    pub(crate) name: String,
    /// Types of the key's parts.
    pub(crate) keys: Vec<ColumnType>,
    /// By input: the types of its columns.
    pub(crate) inputs: Vec<Vec<ColumnType>>,
    pub(crate) operator: StreamOperator,
    /// How keys are laid out, on all inputs alike.
    pub(crate) layout: KeyLayout,
    /// The job's own aggregates.
    pub(crate) users: Users,
    /// Changes are given at most this often, in microseconds; none: as often as the run says.
    pub(crate) emit_every_us: Option<i64>,
}

/// A row more or a row less.
const CHANGE: ColumnType = ColumnType { base: BaseType::Int8, nullable: false };

/// Whether a row of the other side is there.
const PRESENT: ColumnType = ColumnType { base: BaseType::Bool, nullable: false };

/// Event time in microseconds.
const TIME: ColumnType = ColumnType { base: BaseType::TimestampUs, nullable: false };

impl StreamSpec {
    /// Of the manifest; an error if it does not hold together.
    pub(crate) fn new(
        name: &str,
        keys: &[ColumnType],
        inputs: &[Vec<ColumnType>],
        operator: &StreamOperator,
    ) -> Result<Self, RunError> {
        let is_join = is_join(operator);
        let spec = Self {
            name: name.to_owned(),
            keys: keys.to_vec(),
            inputs: inputs.to_vec(),
            operator: operator.clone(),
            layout: KeyLayout::of_streams(keys, !is_join),
            users: Users::default(),
            emit_every_us: None,
        };
        if inputs.len() != if is_join { 2 } else { 1 } {
            return Err(RunError::BadManifest(format!("the stream `{name}` has {} inputs", inputs.len())));
        }
        let has = |position: u32| (position as usize) < inputs[0].len();
        let is_sound = match operator {
            StreamOperator::Join { keep: Keep::Window { end }, .. } => (*end as usize) < keys.len(),
            StreamOperator::Join { keep: Keep::Forever | Keep::Within { .. }, .. } => true,
            StreamOperator::Asof { .. } | StreamOperator::First => true,
            // The fields of the source are checked where it is asked.
            StreamOperator::Lookup { keys: of_source, columns, .. } => {
                of_source.len() == keys.len() && columns.len() == inputs[1].len()
            }
            // Behind the columns that are kept.
            StreamOperator::JoinChanges { changes, .. } => changes
                .iter()
                .zip(inputs)
                .all(|(change, columns)| change.is_none_or(|change| change as usize + 1 == columns.len())),
            StreamOperator::Top { by, change, .. } => by.iter().map(|(position, _)| *position).chain(*change).all(has),
            StreamOperator::Aggregate { calls, inputs, change } => {
                let positions = inputs.iter().flat_map(|input| input.args.iter().copied().chain(input.filter));
                calls.len() == inputs.len() && positions.chain(*change).all(has)
            }
        };
        if !is_sound {
            return Err(RunError::BadManifest(format!("the stream `{name}` reads a column that it does not have")));
        }
        Ok(spec)
    }

    /// Whether rows come with their event time.
    pub(crate) fn has_time(&self) -> bool {
        match &self.operator {
            StreamOperator::Join { keep, .. } => matches!(keep, Keep::Within { .. }),
            StreamOperator::Asof { .. } => true,
            StreamOperator::JoinChanges { .. }
            | StreamOperator::Lookup { .. }
            | StreamOperator::First
            | StreamOperator::Top { .. }
            | StreamOperator::Aggregate { .. } => false,
        }
    }

    /// Whether a null is a key like any other; else rows with one match nothing.
    pub(crate) fn is_null_a_key(&self) -> bool {
        !is_join(&self.operator)
    }

    /// Whether it gives changes, which wait for a flush.
    pub(crate) fn gives_changes(&self) -> bool {
        match &self.operator {
            StreamOperator::Join { .. }
            | StreamOperator::JoinChanges { .. }
            | StreamOperator::Asof { .. }
            | StreamOperator::Lookup { .. }
            | StreamOperator::First => false,
            StreamOperator::Top { .. } | StreamOperator::Aggregate { .. } => true,
        }
    }

    /// Whether so many registers are what an input takes.
    pub(crate) fn check_feed(&self, input: u32, keys: usize, has_time: bool, columns: usize) -> Result<(), RunError> {
        let bad = |what: &str| Err(RunError::BadManifest(format!("what feeds the stream `{}` {what}", self.name)));
        if self.inputs.get(input as usize).is_none_or(|types| types.len() != columns) || keys != self.keys.len() {
            return bad("has other columns");
        }
        if self.has_time() && !has_time {
            return bad("has no event time");
        }
        Ok(())
    }

    /// Types of the columns in which rows of an input come.
    pub(crate) fn fed(&self, input: usize) -> Vec<ColumnType> {
        let time = self.has_time().then_some(TIME);
        self.keys.iter().copied().chain(time).chain(self.inputs[input].iter().copied()).collect()
    }

    /// Where the input's columns begin among those.
    fn first_column(&self) -> usize {
        self.keys.len() + usize::from(self.has_time())
    }

    /// Types of the columns that it gives.
    pub(crate) fn columns(&self) -> Vec<ColumnType> {
        let side = |input: usize, may_be_missing: bool| {
            self.inputs[input].iter().map(move |ty| ColumnType { nullable: ty.nullable || may_be_missing, ..*ty })
        };
        match &self.operator {
            StreamOperator::Join { kind: JoinKind::Semi | JoinKind::Anti, .. }
            | StreamOperator::Lookup { kind: JoinKind::Semi | JoinKind::Anti, .. }
            | StreamOperator::First => self.inputs[0].clone(),
            StreamOperator::Join { kind, .. } | StreamOperator::Lookup { kind, .. } => {
                let (left, right) = may_be_missing(*kind);
                side(0, left)
                    .chain(side(1, right))
                    .chain([left, right].into_iter().filter(|is| *is).map(|_| PRESENT))
                    .collect()
            }
            StreamOperator::JoinChanges { kind, changes } => {
                let (left, right) = may_be_missing(*kind);
                let own = |input: usize| self.inputs[input].len() - usize::from(changes[input].is_some());
                let of_right = if matches!(kind, JoinKind::Semi | JoinKind::Anti) { 0 } else { own(1) };
                side(0, left)
                    .take(own(0))
                    .chain(side(1, right).take(of_right))
                    .chain([left, right].into_iter().filter(|is| *is).map(|_| PRESENT))
                    .chain([CHANGE])
                    .collect()
            }
            StreamOperator::Asof { outer, .. } => {
                side(0, false).chain(side(1, *outer)).chain(outer.then_some(PRESENT)).collect()
            }
            StreamOperator::Top { change, .. } => {
                self.inputs[0].iter().copied().chain(change.is_none().then_some(CHANGE)).collect()
            }
            StreamOperator::Aggregate { calls, .. } => {
                self.keys.iter().copied().chain(calls.iter().map(|call| call.ty)).chain([CHANGE]).collect()
            }
        }
    }

    /// An empty state for a partition.
    pub(crate) fn state(&self, partition: usize) -> Box<dyn StreamState> {
        match &self.operator {
            StreamOperator::Join { kind, keep } => Box::new(join::Join::new(self, *kind, *keep)),
            StreamOperator::JoinChanges { kind, changes } => {
                Box::new(join_changes::JoinChanges::new(self, *kind, *changes))
            }
            StreamOperator::Asof { outer, direction, tolerance_us } => {
                Box::new(asof::Asof::new(self, *outer, *direction, *tolerance_us))
            }
            StreamOperator::Lookup { .. } => unreachable!("what is asked by key has a table of its own"),
            StreamOperator::First => Box::new(first::First::new(self)),
            StreamOperator::Top { by, limit, change } => Box::new(top::Top::new(self, by, *limit, *change)),
            StreamOperator::Aggregate { calls, inputs, change } => {
                Box::new(changes::Changes::new(self, partition, calls, inputs, *change))
            }
        }
    }
}

/// Whether it joins two inputs.
fn is_join(operator: &StreamOperator) -> bool {
    match operator {
        StreamOperator::Join { .. }
        | StreamOperator::JoinChanges { .. }
        | StreamOperator::Asof { .. }
        | StreamOperator::Lookup { .. } => true,
        StreamOperator::First | StreamOperator::Top { .. } | StreamOperator::Aggregate { .. } => false,
    }
}

/// Of what a join gives: whether the left row may be missing, and the right one.
fn may_be_missing(kind: JoinKind) -> (bool, bool) {
    match kind {
        JoinKind::Inner | JoinKind::Semi | JoinKind::Anti => (false, false),
        JoinKind::Left => (false, true),
        JoinKind::Right => (true, false),
        JoinKind::Full => (true, true),
    }
}

/// Rows that are stored: columns whose strings lie in an arena of their own.
#[derive(Debug)]
struct Stored {
    columns: Vec<Column>,
    strings: StrArena,
    rows: usize,
}

impl Stored {
    fn new(types: &[ColumnType]) -> Self {
        Self { columns: types.iter().map(|ty| Column::new(*ty)).collect(), strings: StrArena::default(), rows: 0 }
    }

    /// Adds all rows; `columns` are those of them that are stored. Gives the number of the first.
    fn add(&mut self, columns: &[Column], rows: usize) -> usize {
        let first = self.rows;
        for (to, from) in self.columns.iter_mut().zip(columns) {
            to.append(from, 0..rows);
            to.keep_strings(first, &mut self.strings);
        }
        self.rows += rows;
        first
    }

    /// Adds some rows. Gives the number of the first.
    fn add_some(&mut self, columns: &[Column], rows: &[u32]) -> usize {
        let first = self.rows;
        for (to, from) in self.columns.iter_mut().zip(columns) {
            to.extend_rows(from, rows);
            to.keep_strings(first, &mut self.strings);
        }
        self.rows += rows.len();
        first
    }

    /// Keeps only these rows, in this order.
    fn keep(&mut self, rows: &[u32]) {
        let mut strings = StrArena::default();
        for column in &mut self.columns {
            *column = column.take(rows);
            column.keep_strings(0, &mut strings);
        }
        self.strings = strings;
        self.rows = rows.len();
    }

    fn memory_bytes(&self) -> usize {
        self.columns.iter().map(Column::memory_bytes).sum::<usize>() + self.strings.memory_bytes()
    }
}
