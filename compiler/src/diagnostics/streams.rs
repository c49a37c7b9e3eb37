//! What is said about time, windows, and rows that never end or are taken back: E053x, E081x.

use sabot_ir::diagnostic::Diagnostic;
use sabot_ir::span::Span;

const EVENT_TIME: &str =
    "say behind the source which column is its time: `.event_time(|row| row.at, lateness(seconds(5)))`";

/// A window or a join in time over a stream whose source has no event time.
pub(crate) fn time_missing(what: &str, at: Span, source: &str, declared: Span) -> Diagnostic {
    Diagnostic::error("E0530", format!("{what} needs to know when its rows happened"))
        .label(at, "needs event time")
        .label(declared, format!("`{source}` has none"))
        .help(EVENT_TIME)
}

/// The same where an operator in between does not give the time on.
pub(crate) fn time_lost(what: &str, at: Span, operator: &str, lost: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0530", format!("{what} needs to know when its rows happened"))
        .label(at, "needs event time")
        .label(lost, format!("the rows of this `{operator}` have none"));
    match operator {
        "map" | "filter_map" | "select" => {
            diagnostic.help("keep the column that holds the event time as it is, as a field of the new record")
        }
        "flat_map" => diagnostic.help(
            "keep the column that holds the event time as it is, as a field of every item: `at: row.at`, not a time that is computed",
        ),
        "hash_join" | "interval_join" | "asof_join" => diagnostic.help(
            "keep the column that holds the left row's time as it is; after `.right()` and `.full()` it may be missing, and a join without `.within(..)` of two streams that never end gives rows of any age",
        ),
        "aggregate" | "reduce" => diagnostic.help(
            "rows of a group without a window have no time: aggregate by window, `.window(tumbling(minutes(5)))`, and keep `w.end()`",
        ),
        "top_n" | "dedup" | "distinct" => {
            diagnostic.help("its rows come when a window ends, and do not say which: aggregate by window instead")
        }
        name if name.ends_with("_window") => {
            diagnostic.help("keep the end of the window as a field of the record: `end: w.end()`")
        }
        _ => diagnostic.help("do this before that operator"),
    }
}

/// The guide's `timestamp_column` that is no time.
pub(crate) fn no_time_column(name: &str, ty: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0530", format!("the column `{name}` holds no times"))
        .label(at, format!("it is `{ty}`"))
        .help("name a column of type `Timestamp`")
}

/// The guide's `timestamp_column` that does not come out of a source.
pub(crate) fn time_column_is_made(name: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0530", format!("the column `{name}` does not come from a source as it is"))
        .label(at, "nobody knows how far its times have come")
        .help("set `event_time` of the source to the column that holds the times")
}

/// A length that is nothing or less.
pub(crate) fn length_not_positive(ms: i64, at: Span) -> Diagnostic {
    Diagnostic::error("E0531", "a length of time must be positive").label(at, format!("{ms} milliseconds"))
}

/// A length beyond what a timestamp can hold.
pub(crate) fn length_beyond_time(at: Span) -> Diagnostic {
    Diagnostic::error("E0531", "this length is longer than time is counted")
        .label(at, "timestamps end after 292,000 years")
        .help("to aggregate all rows, leave the window away")
}

/// A window without one of its lengths.
pub(crate) fn length_missing(operator: &str, parameter: &str, name: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0531", format!("`{name}` ({operator}) has no `{parameter}`"))
        .label(at, "how long is it")
        .help(format!("set it in milliseconds: `.param(\"{parameter}\", 300_000)`"))
}

/// Sliding windows with rows between them.
pub(crate) fn slide_beyond_size(slide: Span, size: Span) -> Diagnostic {
    Diagnostic::error("E0531", "these windows leave out what is between them")
        .label(slide, "from one to the next")
        .label(size, "is longer than a window")
        .help("the second length is the distance between windows: `sliding(minutes(5), minutes(1))`")
}

/// Windows that overlap more often than anybody can compute.
pub(crate) fn too_many_windows(count: i64, slide: Span, size: Span) -> Diagnostic {
    Diagnostic::error("E0531", format!("every row would be in {count} windows"))
        .label(slide, "so short")
        .label(size, "in so long a window")
        .help("choose a longer distance between windows")
}

/// `cumulate` whose longest window is no number of steps.
pub(crate) fn steps_do_not_fit(step: Span, max: Span) -> Diagnostic {
    Diagnostic::error("E0531", "the longest window is no whole number of steps")
        .label(max, "the longest")
        .label(step, "a step")
        .help("choose a step that divides it: `cumulate(minutes(1), hours(1))`")
}

/// `count(0)`.
pub(crate) fn count_of_window(at: Span) -> Diagnostic {
    Diagnostic::error("E0531", "a window holds at least one row")
        .label(at, "how many rows")
        .help("say how many rows make a window: `count(100)`")
}

/// `.late(..)` and its like of windows that no row misses.
pub(crate) fn never_late(method: &str, is_count: bool, at: Span) -> Diagnostic {
    let why =
        if is_count { "windows of a number of rows take rows as they come" } else { "these are windows of the clock" };
    Diagnostic::error("E0532", format!("`{method}` makes no sense here"))
        .label(at, "no row comes too late")
        .note(why)
        .help("leave it away")
}

/// `.late(..)` of an operator without a window.
pub(crate) fn late_without_window(method: &str, operator: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0532", format!("`{method}` makes no sense here"))
        .label(at, "no row comes too late")
        .note(format!("this `{operator}` is in no window"))
        .help("leave it away, or set `window`")
}

/// `.emit_every(..)` of an operator whose rows are complete when they come.
pub(crate) fn never_changes(operator: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0532", "`emit_every` makes no sense here")
        .label(at, "its rows come once, when their window has ended")
        .note(format!("the keys of this `{operator}` hold the end of a window"))
        .help("leave it away, or say it of the window's own aggregate")
}

/// An operator that needs all rows, of a stream that never ends.
pub(crate) fn never_complete(operator: &str, at: Span, source: &str, declared: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0533", format!("`{operator}` needs all of its rows first"))
        .label(at, "would wait for ever")
        .label(declared, format!("`{source}` never ends"));
    match operator {
        "order_by" => diagnostic
            .help("keep the greatest rows of each window: `.window(tumbling(minutes(1))).top_n(10, |row| row.price)`"),
        _ => diagnostic.help("make the source end: a file, or a generator with a number of rows"),
    }
}

/// A join that keeps rows without a partner, where a partner may still come.
pub(crate) fn partner_may_come(kind: &str, at: Span, source: &str, declared: Span, is_table: bool) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0534", format!("this `{kind}` join cannot know that a row has no partner"))
        .label(at, "one may still come")
        .label(declared, format!("`{source}` never ends"));
    if is_table {
        return diagnostic.help("join the other way round: the stream on the left, the table on the right");
    }
    diagnostic.help("say how far apart partners are at most, `.within(minutes(10))`, or join in windows, `.window(tumbling(minutes(10)))`")
}

/// `.lookup_join` of what never ends.
pub(crate) fn lookup_never_ends(at: Span, source: &str, declared: Span) -> Diagnostic {
    Diagnostic::error("E0534", "a lookup join reads all of its table first")
        .label(at, "would wait for ever")
        .label(declared, format!("`{source}` never ends"))
        .help("use `.hash_join(other).on(l, r).within(..)`, or `.asof_join(other)` for the latest row")
}

/// `.refresh_every(..)` of what is no file.
pub(crate) fn nothing_to_read_again(at: Span) -> Diagnostic {
    Diagnostic::error("E0538", "only files are read again when they have changed")
        .label(at, "this is no table in a file")
        .help("leave it away, or name a file: `table::<Rate>(\"rates\", csv(\"rates.csv\")).refresh_every(minutes(1))`")
}

/// A table that is to be read again, and an operator between it and where it is looked up.
pub(crate) fn between_table_and_lookup(at: Span, operator: &str, between: Span) -> Diagnostic {
    Diagnostic::error("E0538", "this table cannot be read again while the job runs")
        .label(at, "looks it up")
        .label(between, format!("this `{operator}` works on all of it"))
        .help("only `filter`, `map` and `flat_map` may stand between the table and `lookup_join`; or leave `.refresh_every(..)` away")
}

/// Rows that are taken back, and an operator that cannot take them back.
pub(crate) fn changes_not_taken(operator: &str, name: &str, at: Span, origin: &str, made: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E0535", format!("`{name}` ({operator}) cannot take rows back"))
        .label(at, "gets rows that change later")
        .label(made, format!("this `{origin}` gives a row again whenever it changes"));
    let by_window =
        "aggregate by window, so that each row is final: `.key_by(..).window(tumbling(minutes(5))).aggregate(..)`";
    if operator == "hash_join" {
        let by_key = "or join by key alone, `.hash_join(other).on(l, r)`: pairs change with their rows";
        return diagnostic.help(format!("{by_window}, {by_key}"));
    }
    diagnostic.help(by_window)
}

/// `g.first(..)` of rows that are taken back.
pub(crate) fn order_of_changes(function: &str, name: &str, at: Span, origin: &str, made: Span) -> Diagnostic {
    let which = if function == "first" { "arg_min" } else { "arg_max" };
    Diagnostic::error("E0535", format!("`{name}` cannot say which row is the {function} of rows that change"))
        .label(at, "when a change comes is a matter of when it was flushed")
        .label(made, format!("this `{origin}` gives a row again whenever it changes"))
        .help(format!("say by what it is meant: `g.{which}(|row| row.since, |row| row.value)`"))
}

/// A sink that cannot take a row back.
pub(crate) fn sink_without_changes(name: &str, at: Span, origin: &str, made: Span) -> Diagnostic {
    Diagnostic::error("E0535", format!("the sink `{name}` cannot take rows back"))
        .label(at, "gets rows that change later")
        .label(made, format!("this `{origin}` gives a row again whenever it changes"))
        .help(
            "aggregate by window, so that each row is final, or write the changes to a file: they become a column `op`",
        )
}

/// A join or operator in time that another clause of its contradicts.
pub(crate) fn clauses_exclude(first: &str, second: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0536", format!("a join has `{first}` or `{second}`, not both"))
        .label(at, "says both")
        .help("leave one of them away")
}

/// An as-of join with keys on one side only.
pub(crate) fn half_a_key(at: Span) -> Diagnostic {
    Diagnostic::error("E0536", "this join has a key on one side only")
        .label(at, "which key of the other side")
        .help("set `left_key` and `right_key`, or none of them")
}

/// A kind of join that this operator has not.
pub(crate) fn kind_not_here(operator: &str, kind: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0536", format!("{operator} is no `{kind}` join"))
        .label(at, "`inner` or `left`")
        .help("leave the kind away, or keep left rows without a partner with `left`")
}

/// A temporal join with something that is no table.
pub(crate) fn no_primary_key(at: Span, source: &str, declared: Span) -> Diagnostic {
    Diagnostic::error("E0536", "which row is in force can be asked of a table only")
        .label(at, "asks for the row in force at a time")
        .label(declared, format!("`{source}` is not one"))
        .help("begin it with `table::<Record>(..)`, its `.primary_key(..)` and `.event_time(..)`")
}

/// A join of two streams that never end, without a bound.
pub(crate) fn state_grows(at: Span) -> Diagnostic {
    Diagnostic::warning("E0810", "this join keeps every row of both sides for ever")
        .label(at, "its state grows without bound")
        .help("say how far apart partners are at most, `.within(minutes(10))`, or join in windows, `.window(tumbling(minutes(10)))`")
}

/// A join of rows that are taken back with a stream whose rows never are.
pub(crate) fn side_grows(at: Span, side: &str) -> Diagnostic {
    Diagnostic::warning("E0810", format!("this join keeps every row of its {side} side for ever"))
        .label(at, "its state grows without bound")
        .help(format!("a row of the other side may change at any time: make the {side} side a table, or its rows fewer, with `.dedup(..)` or `.top_n(..)`"))
}
