//! States of streams with nothing around them, for `benches`. Only with the feature `measure`.

use super::{Feed, Output, StreamSpec, StreamState};
use crate::operator::collect::Rows;
use crate::primitive::hash::hash_word;
use crate::primitive::memory::Str;
use crate::registers::{Registers, Selection};
use crate::spill::fields;
use sabot_abi::CHUNK_ROWS;
use sabot_abi::manifest::{AggregateFunction, AggregateSpec, BaseType, ColumnType, Reg};
use sabot_abi::stream::{AsofDirection, JoinKind, Keep, StreamInput, StreamOperator};

/// Rows of a call.
const MORSEL: usize = 16 * 1024;

/// Rows between two flushes.
const FLUSH_ROWS: usize = 128 * 1024;

/// Microseconds between two rows.
const STEP_US: i64 = 10;

/// A state, and the calls that are made of it.
pub struct Case {
    /// What it is.
    pub name: &'static str,
    spec: StreamSpec,
    /// Input, rows, and the watermark behind them.
    calls: Vec<(usize, Rows, i64)>,
    /// Rows in all.
    pub rows: usize,
}

const fn plain(base: BaseType) -> ColumnType {
    ColumnType { base, nullable: false }
}

/// A key, a time, a price and a name, as an auction has them.
const COLUMNS: [ColumnType; 4] =
    [plain(BaseType::Int64), plain(BaseType::TimestampUs), plain(BaseType::Int64), plain(BaseType::String)];

/// The name of a row.
const NAMES: [&str; 4] = ["a", "channel-7", "https://www.example.com/item", "some longer text of a bidder"];

/// Rows from a number on, every `stride`th; the key is one of those that are open at their time, or the first.
fn rows(types: &[ColumnType], first: usize, stride: usize, key: impl Fn(u64) -> u64, place: Option<i64>) -> Rows {
    let mut rows = Rows::new(types.iter().copied());
    let keys = types.len() - COLUMNS.len() - usize::from(place.is_none());
    for number in (first..).step_by(stride).take(MORSEL) {
        let time = number as i64 * STEP_US;
        let jitter = (hash_word(number as u64 ^ 0x55) % 1000) as i64;
        let columns = rows.columns.split_at_mut(types.len() - COLUMNS.len());
        let (key, time) = (key(number as u64), (time - jitter) as u64);
        match (&mut *columns.0, place) {
            ([part], Some(_)) => part.push_word(key),
            ([part, end], Some(size)) => {
                part.push_word(key);
                end.push_word(((time as i64).div_euclid(size) * size + size) as u64);
            }
            ([at], None) if keys == 0 => at.push_word(time),
            ([part, at], None) => {
                part.push_word(key);
                at.push_word(time);
            }
            _ => unreachable!("keys have one part, or two"),
        }
        columns.1[0].push_word(key);
        columns.1[1].push_word(time);
        columns.1[2].push_word(hash_word(number as u64) % 100_000);
        columns.1[3].push_str(Str::new(NAMES[number % NAMES.len()].as_bytes()));
    }
    rows.rows = MORSEL;
    rows
}

impl Case {
    fn new(
        name: &'static str,
        rows_of_all: usize,
        keys: &[ColumnType],
        operator: StreamOperator,
        place: Option<i64>,
        key: impl Fn(u64) -> u64 + Copy,
    ) -> Self {
        let inputs = match operator {
            StreamOperator::Join { .. }
            | StreamOperator::JoinChanges { .. }
            | StreamOperator::Asof { .. }
            | StreamOperator::Lookup { .. } => 2,
            StreamOperator::First | StreamOperator::Top { .. } | StreamOperator::Aggregate { .. } => 1,
        };
        let spec = StreamSpec::new(name, keys, &vec![COLUMNS.to_vec(); inputs], &operator).expect("the case is sound");
        let calls = (0..rows_of_all / MORSEL).map(|call| {
            let input = call % inputs;
            let first = call / inputs * inputs * MORSEL + input;
            let watermark = ((call / inputs + 1) * inputs * MORSEL) as i64 * STEP_US - 1000;
            (input, rows(&spec.fed(input), first, inputs, key, place), watermark)
        });
        let calls: Vec<_> = calls.collect();
        Self { name, rows: calls.len() * MORSEL, calls, spec }
    }

    /// Makes all calls; gives how many rows came out, and the bytes that were held at most.
    #[must_use]
    pub fn run(&self) -> (usize, usize) {
        let mut state: Box<dyn StreamState> = self.spec.state(0);
        let mut out = Output::new(&self.spec.columns());
        let (mut given, mut most) = (0, 0);
        let mut watermarks = vec![i64::MIN; self.spec.inputs.len()];
        let mut since_flush = 0;
        for (input, rows, watermark) in &self.calls {
            state.rows(*input, rows, &mut out).expect("rows are taken");
            watermarks[*input] = *watermark;
            let _ = state.watermark(&watermarks, &mut out).expect("a watermark is taken");
            since_flush += rows.rows;
            if since_flush >= FLUSH_ROWS {
                since_flush = 0;
                state.flush(&mut out).expect("changes are given");
            }
            given += out.take().rows;
            most = most.max(state.memory_bytes());
        }
        (given, most)
    }

    /// Parts the rows of all calls by key group; gives how many there are.
    #[must_use]
    pub fn feed(&self) -> usize {
        let types = self.spec.fed(0);
        let keys: Vec<Reg> = (0..self.spec.keys.len() as Reg).collect();
        let time = self.spec.has_time().then_some(keys.len() as Reg);
        let first = self.spec.first_column() as Reg;
        let columns: Vec<Reg> = (first..types.len() as Reg).collect();
        let mut feed = Feed::new(&self.spec, 0, &keys, time, &columns);
        let mut registers = Registers::new(&fields(&types));
        let mut all = 0;
        for (_, rows, _) in &self.calls {
            for start in (0..rows.rows).step_by(CHUNK_ROWS) {
                let count = (rows.rows - start).min(CHUNK_ROWS);
                registers.load_rows((0..).zip(&rows.columns), start, count);
                feed.add(&mut registers, &Selection::all(count));
            }
            all += feed.take().iter().map(|(_, rows)| rows.rows).sum::<usize>();
        }
        all
    }
}

/// One case after the other, of about so many rows.
pub fn cases(rows: usize) -> impl Iterator<Item = Case> {
    let number = [plain(BaseType::Int64)];
    let in_window = [plain(BaseType::Int64), plain(BaseType::TimestampUs)];
    let join = |keep| StreamOperator::Join { kind: JoinKind::Inner, keep };
    // As an auction: open for a while, then others come.
    let open = |number: u64| number / 64 + hash_word(number) % 64;
    let makes: Vec<Box<dyn Fn() -> Case>> = vec![
        Box::new(move || Case::new("join for ever", rows, &number, join(Keep::Forever), Some(0), open)),
        Box::new(move || {
            Case::new("interval join", rows, &number, join(Keep::Within { us: 1_000_000 }), None, move |number| {
                number / 4 + hash_word(number) % 64
            })
        }),
        Box::new(move || {
            Case::new(
                "interval join, one key has half of the rows",
                rows,
                &number,
                join(Keep::Within { us: 200 }),
                None,
                move |number| if hash_word(number) & 1 == 0 { 0 } else { open(number) },
            )
        }),
        Box::new(move || {
            Case::new("window join", rows, &in_window, join(Keep::Window { end: 1 }), Some(10_000_000), {
                move |number| hash_word(number) % 500_000
            })
        }),
        Box::new(move || {
            let operator =
                StreamOperator::Asof { outer: false, direction: AsofDirection::Backward, tolerance_us: None };
            Case::new("as-of join", rows, &number, operator, None, |number| hash_word(number) % 10_000)
        }),
        Box::new(move || Case::new("first", rows, &number, StreamOperator::First, Some(0), open)),
        Box::new(move || {
            let operator = StreamOperator::Top { by: vec![(2, true)], limit: 10, change: None };
            Case::new("top 10", rows, &number, operator, Some(0), |number| hash_word(number) % 100_000)
        }),
        Box::new(move || {
            let call = |function, args: &[ColumnType], ty| AggregateSpec { function, args: args.to_vec(), ty };
            let int = plain(BaseType::Int64);
            let operator = StreamOperator::Aggregate {
                calls: vec![
                    call(AggregateFunction::Count, &[], int),
                    call(AggregateFunction::Sum, &[int], int),
                    call(AggregateFunction::Max, &[int], ColumnType { nullable: true, ..int }),
                ],
                inputs: [&[][..], &[2], &[2]].map(|args| StreamInput { args: args.to_vec(), filter: None }).to_vec(),
                change: None,
            };
            Case::new("changes of count, sum and max", rows, &number, operator, Some(0), |number| {
                hash_word(number) % 100_000
            })
        }),
    ];
    makes.into_iter().map(|make| make())
}
