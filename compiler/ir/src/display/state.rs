//! What a job keeps in memory beside the rows in flight: every table, what is in it, for how long, and how much that is.
//!
//! `sabotc explain --state` prints it. Bytes are those of the values; what a table needs around them is the runtime's.

use crate::pipeline::{
    AggregateSpec, Body, End, Keep, Origin, Pipelines, Step, StreamOperator, Table, TableId, TableKind,
};
use crate::plan::WindowKind;
use crate::ty::Type;
use std::fmt::Write as _;

/// The tables of a job, each with its contents, its lifetime and its size.
#[must_use]
pub fn state(pipelines: &Pipelines) -> String {
    if pipelines.tables.is_empty() {
        return format!("{} keeps nothing: every row is written or dropped as soon as it was read\n", pipelines.job);
    }
    let mut out = String::new();
    for (position, table) in pipelines.tables.iter().enumerate() {
        let id = TableId(position as u32);
        out += &title(table);
        let mut line = |label: &str, text: String| {
            writeln!(out, "  {label:<10}{text}").expect("a String takes any text");
        };
        match &table.kind {
            TableKind::Join { keys, payload, track_matches } => {
                line("keeps", "one entry per row of the side that is built (inner joins build the smaller)".to_owned());
                line("key", types(keys));
                line("beside it", types(payload));
                if *track_matches {
                    line("and", "whether the row had a match".to_owned());
                }
                line("bytes", format!("{} per row", bytes(keys.iter().chain(payload))));
                if let Some(every) = refreshed(pipelines, id) {
                    line(
                        "replaced",
                        format!("when its file has changed, looked at every {every} ms; twice in memory then"),
                    );
                }
            }
            TableKind::Aggregate { keys, calls, closes } => {
                let per = if keys.is_empty() { "one group" } else { "one entry per key" };
                line("keeps", per.to_owned());
                line("key", types(keys));
                line("beside it", calls.iter().map(call).collect::<Vec<_>>().join(", "));
                let each = if keys.is_empty() { "in all" } else { "per key" };
                let grows = if calls.iter().any(grows) { ", and the values that have been seen" } else { "" };
                let accumulators = 24 * calls.len() as u64; // a sum of 128 bits or a value, and a count
                line("bytes", format!("{} {each}{grows}", plus(sizes(keys.iter()), accumulators)));
                if closes.is_some() {
                    line("dropped", "window by window, when event time has passed its end".to_owned());
                }
            }
            TableKind::Sort { columns, limit, partition_by, closes, .. } => {
                line("keeps", kept(*limit, !partition_by.is_empty()));
                line("columns", types(columns));
                line("bytes", format!("{} per row", bytes(columns.iter())));
                if closes.is_some() {
                    line("dropped", "window by window, when event time has passed its end".to_owned());
                }
            }
            TableKind::Rows { columns, limit } => {
                line("keeps", kept(*limit, false));
                line("columns", types(columns));
                line("bytes", format!("{} per row", bytes(columns.iter())));
            }
            TableKind::Window { keys, calls, kind, allowed_lateness_us, .. } => {
                let keeps = match kind {
                    WindowKind::Session { .. } => "one entry per session that is open",
                    WindowKind::Count { .. } => "one entry per key whose window has begun",
                    WindowKind::Tumbling { .. } | WindowKind::Sliding { .. } | WindowKind::Cumulate { .. } => {
                        "one entry per key and slice of the windows that are open"
                    }
                };
                line("keeps", keeps.to_owned());
                line("key", types(keys));
                line("beside it", calls.iter().map(call).collect::<Vec<_>>().join(", "));
                let accumulators = 24 * calls.len() as u64;
                line("bytes", format!("{} per entry", plus(sizes(keys.iter()), accumulators)));
                line(
                    "dropped",
                    match kind {
                        WindowKind::Count { rows } => format!("when {rows} rows of the key are there"),
                        WindowKind::Tumbling { .. }
                        | WindowKind::Sliding { .. }
                        | WindowKind::Session { .. }
                        | WindowKind::Cumulate { .. } => {
                            format!("when event time has passed the window's end by {allowed_lateness_us}us")
                        }
                    },
                );
            }
            TableKind::Stream { keys, inputs, operator, emit_every_us: _ } => {
                let (keeps, dropped) = stream(operator);
                line("keeps", keeps);
                line("key", types(keys));
                for columns in inputs {
                    line("beside it", types(columns));
                    line("bytes", format!("{} per row", bytes(columns.iter())));
                }
                line("dropped", dropped);
            }
        }
        if table.id != table.name {
            line("known as", table.id.clone());
        }
        line("until", until(pipelines, id));
    }
    out
}

/// How often the file of a join's table is looked at, if it is.
fn refreshed(pipelines: &Pipelines, id: TableId) -> Option<&str> {
    fn builds(body: &Body, id: TableId) -> bool {
        match &body.end {
            End::Build { table, .. } => *table == id,
            End::Fork(branches) => branches.iter().any(|branch| builds(branch, id)),
            End::Sink { .. }
            | End::Late { .. }
            | End::Aggregate { .. }
            | End::Collect { .. }
            | End::Window { .. }
            | End::Feed { .. }
            | End::Nothing => false,
        }
    }
    let pipeline = pipelines.pipelines.iter().find(|pipeline| builds(&pipeline.body, id))?;
    let Origin::Scan { source, .. } = &pipeline.origin else { return None };
    let options = &pipelines.sources[source.0 as usize].connector.options;
    options.get("refresh_every_ms").map(String::as_str)
}

fn title(table: &Table) -> String {
    let kind = match table.kind {
        TableKind::Join { .. } => "join table, spills beyond --memory",
        TableKind::Aggregate { .. } => "accumulators, spill beyond --memory",
        TableKind::Sort { .. } => "rows to be sorted",
        TableKind::Rows { .. } => "rows in input order",
        TableKind::Window { .. } => "accumulators of windows",
        TableKind::Stream { .. } => "state by key",
    };
    format!("{} ({kind})\n", table.name)
}

/// What the operator keeps, and until when.
fn stream(operator: &StreamOperator) -> (String, String) {
    let (keeps, dropped) = match operator {
        StreamOperator::Join { keep, .. } => (
            "the rows of both inputs".to_owned(),
            match keep {
                Keep::Forever => "never: it grows with the input; `.within(duration)` bounds it".to_owned(),
                Keep::Within { us } => format!("when the other side's event time is {us}us behind them"),
                Keep::Window { .. } => "window by window, when event time has passed its end".to_owned(),
            },
        ),
        StreamOperator::Asof { .. } => (
            "left rows until they are decided, right rows that may still be the nearest".to_owned(),
            "when event time has passed them".to_owned(),
        ),
        StreamOperator::JoinChanges { changes, .. } => (
            "the rows of both inputs that were not taken back".to_owned(),
            match changes {
                [Some(_), Some(_)] => "when they are taken back".to_owned(),
                [Some(_), None] => "when they are taken back; the rows of the right input never".to_owned(),
                [None, Some(_)] => "when they are taken back; the rows of the left input never".to_owned(),
                [None, None] => "never".to_owned(),
            },
        ),
        StreamOperator::Lookup { .. } => (
            "what the database has answered, and rows until it has".to_owned(),
            "answers by age and beyond a number of rows, as `.cache(rows, age)` of the table says (100000 rows, a minute); rows that wait: \
             beyond 16 MiB nothing more is read"
                .to_owned(),
        ),
        StreamOperator::First => ("the keys that were there".to_owned(), "never: it grows with the keys".to_owned()),
        StreamOperator::Top { limit, change: None, .. } => {
            (format!("at most {limit} rows per key"), "never: it grows with the keys".to_owned())
        }
        StreamOperator::Top { change: Some(_), .. } => {
            ("the rows of each key".to_owned(), "when they are taken back".to_owned())
        }
        StreamOperator::Aggregate { .. } => {
            ("one entry per key".to_owned(), "never: it grows with the keys".to_owned())
        }
    };
    (keeps, dropped)
}

fn types(types: &[Type]) -> String {
    if types.is_empty() {
        return "nothing".to_owned();
    }
    types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn call(call: &AggregateSpec) -> String {
    let args: Vec<_> = call.args.iter().map(ToString::to_string).collect();
    format!("{}({})", call.function.name(), args.join(", "))
}

/// Whether an accumulator grows with the values it has seen.
fn grows(call: &AggregateSpec) -> bool {
    matches!(call.function.name(), "count_distinct" | "median" | "percentile" | "collect")
        || call.args.iter().any(|ty| matches!(ty.value_type(), Type::String | Type::Bytes))
}

fn kept(limit: Option<u64>, partitioned: bool) -> String {
    match (limit, partitioned) {
        (None, _) => "all rows".to_owned(),
        (Some(limit), false) => format!("at most {limit} rows (per thread while they come in)"),
        (Some(limit), true) => format!("at most {limit} rows per key"),
    }
}

/// The fixed bytes of some values, and how many texts stand beside them.
fn sizes<'a>(types: impl Iterator<Item = &'a Type>) -> (u64, usize) {
    types.fold((0, 0), |(fixed, texts), ty| {
        let base = ty.value_type();
        let text = matches!(base, Type::String | Type::Bytes);
        let width = if text { 16 } else { base.width().unwrap_or(1) }; // a text's place and length; a bool
        (fixed + width as u64, texts + usize::from(text))
    })
}

fn plus((fixed, texts): (u64, usize), more: u64) -> String {
    match texts {
        0 => format!("{}", fixed + more),
        1 => format!("{} and its text", fixed + more),
        _ => format!("{} and its {texts} texts", fixed + more),
    }
}

fn bytes<'a>(types: impl Iterator<Item = &'a Type>) -> String {
    plus(sizes(types), 0)
}

/// When a table is no longer needed: behind the last pipeline that reads it.
fn until(pipelines: &Pipelines, table: TableId) -> String {
    let mut readers = pipelines.pipelines.iter().enumerate().filter(|(_, pipeline)| {
        let by_origin = match pipeline.origin {
            Origin::Scan { .. } => false,
            Origin::Table { table: read, .. } | Origin::BuildRows { table: read, .. } => read == table,
        };
        by_origin || probes(&pipeline.body, table)
    });
    match readers.next_back() {
        Some((position, pipeline)) => match &pipeline.origin {
            Origin::Scan { source, .. } => {
                let source = &pipelines.sources[source.0 as usize].name;
                format!("the source `{source}` was read to its end (pipeline {position})")
            }
            Origin::Table { .. } | Origin::BuildRows { .. } => format!("its rows were read (pipeline {position})"),
        },
        None => "the end of the run".to_owned(),
    }
}

fn probes(body: &Body, wanted: TableId) -> bool {
    let in_steps = body.steps.iter().any(|step| match step {
        Step::Probe { table, .. } => *table == wanted,
        Step::Compute { .. } | Step::FlatMap { .. } | Step::Contenders { .. } => false,
    });
    in_steps
        || match &body.end {
            End::Fork(bodies) => bodies.iter().any(|body| probes(body, wanted)),
            End::Sink { .. }
            | End::Build { .. }
            | End::Aggregate { .. }
            | End::Collect { .. }
            | End::Window { .. }
            | End::Feed { .. }
            | End::Late { .. }
            | End::Nothing => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::AggregateFunction;

    #[test]
    fn a_job_without_tables_keeps_nothing() {
        let job = Pipelines { job: "copy".to_owned(), ..Pipelines::default() };
        assert_eq!(state(&job), "copy keeps nothing: every row is written or dropped as soon as it was read\n");
    }

    #[test]
    fn every_kind_of_table_says_what_it_keeps() {
        let call = |function, ty: Type| AggregateSpec { function, args: vec![ty.clone()], ty };
        let kinds = [
            TableKind::Join { keys: vec![Type::Int64], payload: vec![Type::String.optional()], track_matches: true },
            TableKind::Aggregate {
                keys: vec![Type::String],
                calls: vec![call(AggregateFunction::Sum, Type::Float64), call(AggregateFunction::Max, Type::String)],
                closes: None,
            },
            TableKind::Sort {
                columns: vec![Type::Bool, Type::Int32],
                by: vec![(1, true)],
                limit: Some(3),
                partition_by: vec![0],
                closes: None,
            },
            TableKind::Rows { columns: vec![Type::Date], limit: None },
        ];
        let tables = kinds.into_iter().map(|kind| Table { name: "t".to_owned(), id: "t".to_owned(), kind }).collect();
        let text = state(&Pipelines { job: "all".to_owned(), tables, ..Pipelines::default() });
        for part in [
            "  beside it Option<String>\n  and       whether the row had a match\n  bytes     24 and its text per row",
            "  beside it sum(f64), max(String)\n  bytes     64 and its text per key, and the values that have been seen",
            "  keeps     at most 3 rows per key\n  columns   bool, i32\n  bytes     5 per row",
            "  keeps     all rows\n  columns   Date\n  bytes     4 per row\n  until     the end of the run",
        ] {
            assert!(text.contains(part), "no {part:?} in\n{text}");
        }
    }
}
