//! Event time in random jobs: sources with times in some disorder, windows, joins in time.
//!
//! What comes late for a window is a function of the rows of a source, and so are the windows' rows. Joins in time do not say
//! what becomes of rows that are behind the watermark, so they only stand where none is.

use super::{Builder, Stream};
use crate::run::Row;
use crate::value::Value;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, UnaryOp};
use sabot_ir::list::ListFunction;
use sabot_ir::plan::{
    AggregateCall, AsofDirection, EventTime, JoinKind, Operator, Properties, Sink, SinkId, Window, WindowKind,
};
use sabot_ir::span::Span;
use sabot_ir::ty::{Schema, TimeUnit, Type};

const TIME: Type = Type::Timestamp(TimeUnit::Microsecond);

/// What is known of the times in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Times {
    /// Nothing that says when a row comes.
    #[default]
    None,
    /// Any time among the columns may cut windows: the rows bring the watermark of their source along.
    Any {
        /// The source's event time, if no row is behind the watermark.
        punctual: Option<u32>,
    },
    /// Rows of windows, whose end is this column.
    WindowEnd(u32),
}

impl Builder {
    /// Event time for a source: its first column gets times, in order but for some disorder.
    pub(super) fn event_time(&mut self, rows: &mut [Row]) -> (EventTime, Times) {
        let disorder = *self.rng.pick(&[0, 3, 20]);
        let lateness_us = if self.rng.percent(50) { disorder } else { self.rng.below(10) };
        let mut now = self.rng.below(30);
        for row in rows {
            let most = if self.rng.percent(10) { 30 } else { 5 };
            now += self.rng.below(most);
            row[0] = Value::Int(i128::from(now) - i128::from(self.rng.below(disorder + 1)));
        }
        let punctual = (lateness_us >= disorder).then_some(0);
        (EventTime { column: 0, lateness_us: lateness_us as i64 }, Times::Any { punctual })
    }

    /// What an operator makes of the times of its inputs.
    pub(super) fn times_after(&self, operator: &Operator, inputs: &[usize]) -> Times {
        let of = |at: usize| self.streams[inputs[at]].times;
        match operator {
            Operator::Filter { .. } | Operator::Dedup { .. } | Operator::Limit { .. } | Operator::Sort { .. } => {
                // What is kept until a window has closed comes with its end; else everything comes at the end.
                match (operator, of(0)) {
                    (Operator::Filter { .. }, times) => times,
                    (_, Times::Any { .. }) => Times::Any { punctual: None },
                    (_, Times::None | Times::WindowEnd(_)) => Times::None,
                }
            }
            Operator::Project { columns } => {
                let at = |wanted: u32| {
                    let found = columns.iter().position(|column| column.kind == ExprKind::Column(wanted));
                    found.map(|at| at as u32)
                };
                match of(0) {
                    Times::None => Times::None,
                    Times::Any { punctual } => Times::Any { punctual: punctual.and_then(at) },
                    Times::WindowEnd(end) => at(end).map_or(Times::None, Times::WindowEnd),
                }
            }
            Operator::WindowAggregate { keys, window, .. } => {
                let is_timed = window.kind.has_times() && window.allowed_lateness_us == 0;
                if is_timed { Times::WindowEnd(keys.len() as u32 + 1) } else { Times::None }
            }
            Operator::FlatMap { columns } => {
                let is_of = |list: &Expr, wanted: u32| {
                    let list = if let ExprKind::If { otherwise, .. } = &list.kind { otherwise } else { list };
                    list.columns().contains(&wanted)
                };
                let at = |wanted: u32| columns.iter().position(|list| is_of(list, wanted)).map(|at| at as u32);
                match of(0) {
                    Times::None => Times::None,
                    Times::Any { punctual } => Times::Any { punctual: punctual.and_then(at) },
                    Times::WindowEnd(end) => at(end).map_or(Times::None, Times::WindowEnd),
                }
            }
            Operator::Source { .. }
            | Operator::OnTime { .. }
            | Operator::Contenders { .. }
            | Operator::Union
            | Operator::HashJoin { .. }
            | Operator::IntervalJoin { .. }
            | Operator::AsofJoin { .. }
            | Operator::Aggregate { .. }
            | Operator::Sink { .. } => Times::None,
        }
    }

    /// What the plan says of a stream with such times.
    pub(super) fn properties(times: Times) -> Properties {
        let (event_time, window_end) = match times {
            Times::None => (None, None),
            Times::Any { punctual } => (punctual, None),
            Times::WindowEnd(end) => (Some(end), Some(end)),
        };
        Properties { bounded: true, event_time, window_end, ..Properties::default() }
    }

    /// A window or a join in time, if the stream has times.
    pub(super) fn operator_of_time(&mut self, input: usize) {
        match self.rng.below(10) {
            0..6 => self.window(input),
            6..8 => self.interval_join(input),
            8 => self.flat_map(input),
            _ => self.asof_join(input),
        }
    }

    /// No, one or more rows of each row, which keep its values and times.
    fn flat_map(&mut self, input: usize) {
        let Stream { rows, ordered, .. } = self.streams[input];
        let schema = self.schema_of(input);
        let kept: Vec<u32> =
            (0u32..).zip(&schema.fields).filter(|(_, field)| !field.ty.is_option()).map(|(at, _)| at).collect();
        let items = self.rng.below(4);
        if kept.is_empty() || rows * items > 2_000 {
            return;
        }
        let conditions = self.columns_of(&schema, &Type::Bool);
        let condition = if conditions.is_empty() { None } else { Some(self.rng.pick(&conditions).clone()) };
        let list = |at: &u32| {
            let item = &schema.fields[*at as usize].ty;
            let ty = Type::List(Box::new(item.clone()));
            let of = |items: u64| {
                let items = (0..items).map(|_| Expr::column(*at, item.clone())).collect();
                Expr::new(ExprKind::Call(Function::List(ListFunction::Of), items), ty.clone(), Span::NONE)
            };
            let Some(condition) = condition.clone() else { return of(items) };
            let (then, otherwise) = (of(items), of(1));
            let not = Expr::new(ExprKind::Unary(UnaryOp::Not, Box::new(condition)), Type::Bool, Span::NONE);
            let kind = ExprKind::If { condition: Box::new(not), then: Box::new(then), otherwise: Box::new(otherwise) };
            Expr::new(kind, ty.clone(), Span::NONE)
        };
        let columns = kept.iter().map(list).collect();
        let types = kept.iter().map(|at| schema.fields[*at as usize].ty.clone()).collect();
        let schema = self.schema(types);
        let name = self.name("flat_map");
        self.add(name, Operator::FlatMap { columns }, &[input], schema, ordered, rows * items.max(1));
    }

    fn window(&mut self, input: usize) {
        let Stream { ordered, rows, times, .. } = self.streams[input];
        let schema = self.schema_of(input);
        let time = match times {
            Times::None => return,
            Times::WindowEnd(end) => last_moment(end),
            Times::Any { .. } => {
                let columns = self.columns_of(&schema, &TIME);
                if columns.is_empty() {
                    return;
                }
                self.rng.pick(&columns).clone()
            }
        };
        let kind = self.window_kind(ordered);
        let keys = if self.rng.percent(25) { Vec::new() } else { self.keys(&schema, 2) };
        // Of keys that are equal and not the same, the first is given back.
        let keys: Vec<Expr> = keys.into_iter().filter(|key| !key.ty.value_type().is_float()).collect();
        let calls: Vec<AggregateCall> = (0..self.rng.below(4)).map(|_| self.call(&schema, ordered)).collect();
        if keys.is_empty() && calls.is_empty() {
            return;
        }
        let ends = if kind.has_times() { 2 } else { 0 };
        let types = keys.iter().map(|key| key.ty.clone()).chain(std::iter::repeat_n(TIME, ends));
        let types = types.chain(calls.iter().map(|call| call.ty.clone())).collect();
        let late = (kind.has_times() && self.rng.percent(50)).then(|| self.late_sink(&schema));
        let allowed_lateness_us = if kind.has_times() && self.rng.percent(20) { *self.rng.pick(&[1, 4]) } else { 0 };
        let window = Window { kind, time: Some(time), allowed_lateness_us, emit_every_us: None, late };
        let windows_of_a_row = match kind {
            WindowKind::Tumbling { .. } | WindowKind::Session { .. } | WindowKind::Count { .. } => 1,
            WindowKind::Sliding { .. } | WindowKind::Cumulate { .. } => 5,
        };
        let schema = self.schema(types);
        let name = self.name("window");
        let operator = Operator::WindowAggregate { keys, calls, window };
        self.add(name, operator, &[input], schema, false, rows * windows_of_a_row);
    }

    fn window_kind(&mut self, ordered: bool) -> WindowKind {
        let offset_us = *self.rng.pick(&[0, 0, 3, -4]);
        match self.rng.below(if ordered { 5 } else { 4 }) {
            0 => WindowKind::Tumbling { size_us: *self.rng.pick(&[1, 7, 10, 50]), offset_us },
            1 => {
                let slide_us = *self.rng.pick(&[2, 5, 6]);
                WindowKind::Sliding { size_us: slide_us + *self.rng.pick(&[0, 1, 5, 14]), slide_us, offset_us }
            }
            2 => {
                let step_us = *self.rng.pick(&[2, 5]);
                WindowKind::Cumulate { step_us, max_us: step_us * *self.rng.pick(&[1, 3, 5]), offset_us }
            }
            3 => WindowKind::Session { gap_us: *self.rng.pick(&[1, 3, 12]) },
            _ => WindowKind::Count { rows: 1 + self.rng.below(4) },
        }
    }

    fn late_sink(&mut self, schema: &Schema) -> SinkId {
        let name = self.name("late");
        let sink = SinkId(self.plan.sinks.len() as u32);
        let connector = Self::connector(&name);
        self.plan.sinks.push(Sink { name, connector, schema: schema.clone(), span: Span::NONE });
        sink
    }

    fn interval_join(&mut self, left: usize) {
        let Some((right, [left_time, right_time], keys, rows)) = self.sides(left) else { return };
        let kinds = [JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Full, JoinKind::Semi, JoinKind::Anti];
        let kind = *self.rng.pick(&kinds);
        let types = sabot_ir::verify::plan::join_types(kind, &self.schema_of(left), &self.schema_of(right));
        let schema = self.schema(types);
        let (left_keys, right_keys) = keys.into_iter().unzip();
        let within_us = *self.rng.pick(&[0, 2, 10]);
        let operator = Operator::IntervalJoin { kind, left_keys, right_keys, left_time, right_time, within_us };
        let name = self.name("interval_join");
        self.add(name, operator, &[left, right], schema, false, rows);
    }

    fn asof_join(&mut self, left: usize) {
        let Some((right, [left_time, right_time], keys, _)) = self.sides(left) else { return };
        // Of equal times the last in input order: there must be one.
        if !self.streams[right].ordered {
            return;
        }
        let outer = self.rng.percent(50);
        let kind = if outer { JoinKind::Left } else { JoinKind::Inner };
        let types = sabot_ir::verify::plan::join_types(kind, &self.schema_of(left), &self.schema_of(right));
        let schema = self.schema(types);
        let (left_keys, right_keys) = keys.into_iter().unzip();
        let direction = *self.rng.pick(&[AsofDirection::Backward, AsofDirection::Forward, AsofDirection::Nearest]);
        let tolerance_us = self.rng.percent(50).then(|| *self.rng.pick(&[0, 4]));
        let operator =
            Operator::AsofJoin { outer, left_keys, right_keys, left_time, right_time, direction, tolerance_us };
        let name = self.name("asof_join");
        let rows = self.streams[left].rows;
        self.add(name, operator, &[left, right], schema, false, rows);
    }

    /// Another side for a join in time, the times of both, keys, and how many pairs there may be.
    #[expect(clippy::type_complexity, reason = "the parts of a join, named where they are taken apart")]
    fn sides(&mut self, left: usize) -> Option<(usize, [Expr; 2], Vec<(Expr, Expr)>, u64)> {
        let right = self.pick();
        let time = |times: Times| match times {
            Times::Any { punctual } => punctual.map(|column| Expr::column(column, TIME)),
            Times::WindowEnd(end) => Some(last_moment(end)),
            Times::None => None,
        };
        let times = [time(self.streams[left].times)?, time(self.streams[right].times)?];
        let (l, r) = (self.streams[left].rows, self.streams[right].rows);
        let rows = l * r + l + r;
        if rows > 2_000 {
            return None;
        }
        let (left_schema, right_schema) = (self.schema_of(left), self.schema_of(right));
        let mut keys = Vec::new();
        for at in 0..left_schema.len() as u32 {
            let column = Expr::column(at, left_schema.fields[at as usize].ty.clone());
            let same = self.columns_of(&right_schema, &column.ty);
            if !same.is_empty() && keys.len() < 2 && self.rng.percent(30) {
                keys.push((column, self.rng.pick(&same).clone()));
            }
        }
        Some((right, times, keys, rows))
    }
}

/// The last moment in a window that ends at this column.
fn last_moment(end: u32) -> Expr {
    let one = Expr::new(ExprKind::Literal(Literal::Int(1)), Type::Duration, Span::NONE);
    let kind = ExprKind::Binary(BinaryOp::Sub, Box::new(Expr::column(end, TIME)), Box::new(one));
    Expr::new(kind, TIME, Span::NONE)
}

#[cfg(test)]
mod tests {
    use crate::random::{RandomOptions, random_job};
    use crate::run::run_counted;
    use std::collections::BTreeMap;

    #[test]
    fn jobs_over_time_have_all_operators_and_rows_that_are_late() {
        let options = RandomOptions { time: true, fallible: false, ..RandomOptions::default() };
        let mut rows: BTreeMap<&str, u64> = BTreeMap::new();
        for seed in 0..300 {
            let job = random_job(seed, &options);
            assert_eq!(sabot_ir::verify::plan::verify(&job.plan), Vec::<String>::new(), "seed {seed}");
            // A sum may still be too large.
            let Ok((outputs, counts)) = run_counted(&job.plan, &job.inputs, &job.params) else { continue };
            for (node, count) in job.plan.nodes.iter().zip(counts) {
                *rows.entry(node.operator.name()).or_default() += count;
            }
            let late = outputs.iter().filter(|(sink, _)| sink.starts_with("late"));
            *rows.entry("late").or_default() += late.map(|(_, rows)| rows.len() as u64).sum::<u64>();
        }
        for what in [
            "tumbling_window",
            "sliding_window",
            "session_window",
            "cumulate_window",
            "count_window",
            "interval_join",
            "asof_join",
            "late",
        ] {
            assert!(rows.get(what).is_some_and(|rows| *rows > 10), "{what}: {rows:?}");
        }
    }
}
