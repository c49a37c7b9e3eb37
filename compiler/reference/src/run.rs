//! A whole plan over rows in memory: one operator after the other, all rows of each.

use crate::asof_join::asof_join;
use crate::contenders::contends;
use crate::evaluate::{RowError, evaluate};
use crate::interval_join::{TimedRow, interval_join};
use crate::join::{Keyed, join};
use crate::user_aggregate::{Call, Users};
use crate::value::{Value, sort_order};
use crate::window::{Watermark, WindowRow, windows};
use sabot_ir::expr::Expr;
use sabot_ir::plan::{
    AggregateCall, ErrorPolicy, EventTime, JoinKind, Node, Operator, Plan, Side, Sink, SortKey, Window,
};
use sabot_ir::span::Span;
use sabot_ir::ty::{Schema, TimeUnit, Type};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One value per column of the schema.
pub type Row = Vec<Value>;

/// The rows of each source by its name, with all columns of the source's schema. A source without an entry is empty.
pub type Inputs = BTreeMap<String, Vec<Row>>;

/// The rows of each sink by its name, error sinks too.
pub type Outputs = BTreeMap<String, Vec<Row>>;

/// Why a job failed: the first row, in the order of the operators, that could not be computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The operator's name.
    pub operator: String,
    /// Where the operator stands in job.rs.
    pub operator_span: Span,
    /// The row that went into it; of a join, the row of the failing side; of a sum that is too large, the group's key.
    pub row: Row,
    /// What went wrong, and in which expression.
    pub error: RowError,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` cannot compute a row: {} (row:", self.operator, self.error)?;
        for value in &self.row {
            write!(f, " {value}")?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for Failure {}

/// The defaults of the job's parameters by `ParamId`; nothing if one has none.
#[must_use]
pub fn default_params(plan: &Plan) -> Option<Vec<Value>> {
    plan.params.iter().map(|param| Some(Value::literal(param.default.as_ref()?, &param.ty))).collect()
}

/// Runs a plan.
///
/// # Errors
/// The first row that cannot be computed where the operator's error policy is to fail.
pub fn run(plan: &Plan, inputs: &Inputs, params: &[Value]) -> Result<Outputs, Failure> {
    run_counted(plan, inputs, params).map(|(outputs, _)| outputs)
}

/// Runs a plan. Beside the rows of each sink, gives the rows out of each operator, by `NodeId`; of a sink, what it wrote.
///
/// # Errors
/// The first row that cannot be computed where the operator's error policy is to fail.
pub fn run_counted(plan: &Plan, inputs: &Inputs, params: &[Value]) -> Result<(Outputs, Vec<u64>), Failure> {
    let mut rows_out = vec![0; plan.nodes.len()];
    let mut run = Run {
        plan,
        rows: vec![Vec::new(); plan.nodes.len()],
        outputs: plan.sinks.iter().map(|sink| (sink.name.clone(), Vec::new())).collect(),
    };
    for id in plan.bottom_up() {
        let node = plan.node(id);
        let mut cx =
            OperatorCx { node, params, users: Users { aggregates: &plan.aggregates, params }, refused: Vec::new() };
        let rows = run.operator(&mut cx, inputs)?;
        let refused = cx.refused;
        if let ErrorPolicy::Sink(sink) = node.on_error {
            let sink = &plan.sinks[sink.0 as usize];
            let rows = refused.iter().map(|failure| error_row(sink, failure));
            run.outputs.entry(sink.name.clone()).or_default().extend(rows);
        }
        let is_sink = matches!(node.operator, Operator::Sink { .. });
        rows_out[id.0 as usize] = if is_sink { run.rows[node.inputs[0].0 as usize].len() } else { rows.len() } as u64;
        run.rows[id.0 as usize] = rows;
    }
    Ok((run.outputs, rows_out))
}

/// A row on an edge.
#[derive(Clone)]
struct StreamRow {
    row: Row,
    /// Known as long as the row has only passed operators that keep no rows.
    watermark: Watermark,
}

/// Rows out of an operator that keeps rows.
fn kept(rows: Vec<Row>) -> Vec<StreamRow> {
    rows.into_iter().map(|row| StreamRow { row, watermark: None }).collect()
}

struct Run<'a> {
    plan: &'a Plan,
    /// By node, those that have run.
    rows: Vec<Vec<StreamRow>>,
    outputs: Outputs,
}

/// What the computation of one operator needs beside its rows.
struct OperatorCx<'a> {
    node: &'a Node,
    params: &'a [Value],
    users: Users<'a>,
    /// Rows that were refused and did not fail the job.
    refused: Vec<Failure>,
}

impl OperatorCx<'_> {
    /// What `compute` makes of a row; nothing if it was refused and the job goes on.
    fn attempt<T>(
        &mut self,
        row: &[Value],
        compute: impl FnOnce(&[Value]) -> Result<T, RowError>,
    ) -> Result<Option<T>, Failure> {
        compute(row).map(Some).or_else(|error| {
            let failure =
                Failure { operator: self.node.name.clone(), operator_span: self.node.span, row: row.to_vec(), error };
            match self.node.on_error {
                ErrorPolicy::Fail => Err(failure),
                ErrorPolicy::Skip | ErrorPolicy::Sink(_) => {
                    self.refused.push(failure);
                    Ok(None)
                }
            }
        })
    }

    /// Rows with the values of these expressions.
    fn with_values(&mut self, rows: &[StreamRow], exprs: &[Expr]) -> Result<Vec<(StreamRow, Row)>, Failure> {
        let mut result = Vec::new();
        for row in rows {
            let params = self.params;
            let values =
                self.attempt(&row.row, |row| exprs.iter().map(|expr| evaluate(expr, row, params)).collect())?;
            if let Some(values) = values {
                result.push((row.clone(), values));
            }
        }
        Ok(result)
    }

    /// Rows with their keys and times.
    fn timed(&mut self, rows: &[StreamRow], keys: &[Expr], time: &Expr) -> Result<Vec<TimedRow>, Failure> {
        let exprs: Vec<Expr> = keys.iter().chain([time]).cloned().collect();
        let timed = |(row, mut values): (StreamRow, Row)| {
            let time = values.pop().and_then(|time| time.as_int()).unwrap_or_default();
            TimedRow { row: row.row, key: match_key(&values), time }
        };
        Ok(self.with_values(rows, &exprs)?.into_iter().map(timed).collect())
    }
}

impl Run<'_> {
    fn operator(&mut self, cx: &mut OperatorCx<'_>, inputs: &Inputs) -> Result<Vec<StreamRow>, Failure> {
        let node = cx.node;
        let input = |position: usize| &self.rows[node.inputs[position].0 as usize];
        let width = |position: usize| self.plan.node(node.inputs[position]).schema.len();
        match &node.operator {
            Operator::Source { source, columns, prune: _ } => {
                let source = &self.plan.sources[source.0 as usize];
                let rows = inputs.get(&source.name).map_or(&[][..], Vec::as_slice);
                let watermarks = watermarks(source.event_time.as_ref(), &source.schema, rows);
                let read = |row: &Row| columns.iter().map(|column| row[*column as usize].clone()).collect();
                let rows = rows.iter().zip(watermarks);
                Ok(rows.map(|(row, watermark)| StreamRow { row: read(row), watermark }).collect())
            }
            Operator::Filter { predicate } => {
                let with_truth = cx.with_values(input(0), std::slice::from_ref(predicate))?;
                Ok(with_truth.into_iter().filter(|(_, truth)| truth[0].is_true()).map(|(row, _)| row).collect())
            }
            Operator::OnTime { end, late, of_copies } => {
                let with_end = cx.with_values(input(0), std::slice::from_ref(end))?.into_iter();
                let is_late = |(row, end): &(StreamRow, Row)| {
                    let end = end[0].as_int();
                    row.watermark.is_some_and(|watermark| end.is_some_and(|end| i128::from(watermark) >= end))
                };
                let (lost, kept): (Vec<_>, Vec<_>) = with_end.partition(is_late);
                if let (Some(sink), false) = (late, *of_copies) {
                    let sink = &self.plan.sinks[sink.0 as usize];
                    let rows = lost.into_iter().map(|(of, _)| of.row[..sink.schema.len()].to_vec());
                    self.outputs.entry(sink.name.clone()).or_default().extend(rows);
                }
                Ok(kept.into_iter().map(|(row, _)| row).collect())
            }
            Operator::Contenders { keys, value, is_least } => {
                let exprs: Vec<_> = keys.iter().chain([value]).cloned().collect();
                let mut best = BTreeMap::new();
                let with_keys = cx.with_values(input(0), &exprs)?.into_iter();
                let contends = |(row, mut key): (StreamRow, Row)| {
                    let value = key.pop()?;
                    contends(best.entry(key_of(&key)), &value, *is_least).then_some(row)
                };
                Ok(with_keys.filter_map(contends).collect())
            }
            Operator::Project { columns } => {
                let rows = cx.with_values(input(0), columns)?.into_iter();
                Ok(rows.map(|(of, row)| StreamRow { row, watermark: of.watermark }).collect())
            }
            Operator::FlatMap { columns } => {
                let lists = cx.with_values(input(0), columns)?.into_iter();
                let made = lists.flat_map(|(of, lists)| {
                    items(&lists).into_iter().map(move |row| StreamRow { row, watermark: of.watermark })
                });
                Ok(made.collect())
            }
            Operator::Union => Ok((0..node.inputs.len()).flat_map(|position| input(position).clone()).collect()),
            Operator::HashJoin { kind, left_keys, right_keys, build, .. } => {
                let left = cx.with_values(input(0), left_keys)?;
                let right = cx.with_values(input(1), right_keys)?;
                let mut rows = hash_join(*kind, *build, &left, &right, (width(0), width(1)));
                rows.iter_mut().for_each(|row| row.row.resize(node.schema.len(), Value::Int(1)));
                Ok(rows)
            }
            Operator::IntervalJoin { kind, left_keys, right_keys, left_time, right_time, within_us } => {
                let left = cx.timed(input(0), left_keys, left_time)?;
                let right = cx.timed(input(1), right_keys, right_time)?;
                Ok(kept(interval_join(*kind, *within_us, &left, &right, (width(0), width(1)))))
            }
            Operator::AsofJoin { outer, left_keys, right_keys, left_time, right_time, direction, tolerance_us } => {
                let left = cx.timed(input(0), left_keys, left_time)?;
                let right = cx.timed(input(1), right_keys, right_time)?;
                Ok(kept(asof_join(*outer, *direction, *tolerance_us, &left, &right, width(1))))
            }
            Operator::Aggregate { keys, calls } => {
                let rows = aggregate_rows(cx, input(0), keys, calls)?;
                Ok(kept(as_changes(rows, &node.schema)))
            }
            Operator::WindowAggregate { keys, calls, window } => {
                let (rows, late) = window_rows(cx, input(0), keys, calls, window)?;
                if let Some(sink) = window.late {
                    let name = &self.plan.sinks[sink.0 as usize].name;
                    self.outputs.entry(name.clone()).or_default().extend(late);
                }
                Ok(kept(rows))
            }
            Operator::Dedup { keys } => {
                let mut seen = BTreeSet::new();
                let keyed = cx.with_values(input(0), keys)?.into_iter();
                Ok(kept(keyed.filter(|(_, key)| seen.insert(key_of(key))).map(|(row, _)| row.row).collect()))
            }
            Operator::Sort { by, limit, partition_by } => {
                let rows = sort_rows(cx, input(0), by, *limit, partition_by)?;
                Ok(kept(as_changes(rows, &node.schema)))
            }
            Operator::Limit { rows } => {
                let keep = usize::try_from(*rows).unwrap_or(usize::MAX);
                Ok(kept(input(0).iter().take(keep).map(|row| row.row.clone()).collect()))
            }
            Operator::Sink { sink } => {
                let rows: Vec<Row> = input(0).iter().map(|row| row.row.clone()).collect();
                let name = &self.plan.sinks[sink.0 as usize].name;
                self.outputs.entry(name.clone()).or_default().extend(rows);
                Ok(Vec::new())
            }
        }
    }
}

/// The watermark before each row of a source: the greatest time of the rows before it, less the lateness. All rows of a
/// source are one partition.
pub(crate) fn watermarks(event_time: Option<&EventTime>, schema: &Schema, rows: &[Row]) -> Vec<Watermark> {
    let mut watermark = None;
    let before = |row: &Row| {
        let before = watermark;
        if let Some(event_time) = event_time {
            let column = event_time.column as usize;
            let time = row[column].as_int().map(|time| micros(time, schema.fields[column].ty.value_type()));
            watermark = watermark.max(time.map(|time| time.saturating_sub(event_time.lateness_us)));
        }
        before
    };
    rows.iter().map(before).collect()
}

/// A moment in microseconds.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is no timestamp is in microseconds")]
fn micros(time: i128, ty: &Type) -> i64 {
    let micros = match ty {
        Type::Timestamp(TimeUnit::Millisecond) => time * 1000,
        Type::Timestamp(TimeUnit::Nanosecond) => time.div_euclid(1000),
        _ => time,
    };
    i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX })
}

/// Rows of an operator that may give changes, as its schema says: here each row comes once, and is never taken back.
fn as_changes(mut rows: Vec<Row>, schema: &Schema) -> Vec<Row> {
    for row in &mut rows {
        row.resize(row.len().max(schema.len()), Value::Int(1));
    }
    rows
}

/// A row for each item of these lists, which have one length.
pub(crate) fn items(lists: &[Value]) -> Vec<Row> {
    let list = |value: &Value| {
        let Value::List(items) = value else { unreachable!("{value} is no list") };
        items.clone()
    };
    let lists: Vec<Vec<Value>> = lists.iter().map(list).collect();
    (0..lists[0].len()).map(|at| lists.iter().map(|list| list[at].clone()).collect()).collect()
}

/// A refused row as an error sink wants it, whose columns are known by name.
pub(crate) fn error_row(sink: &Sink, failure: &Failure) -> Row {
    let text = failure.row.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let value = |name: &str| match name {
        "operator" => Value::String(failure.operator.clone()),
        "message" => Value::String(failure.error.code.message().to_owned()),
        "code" => Value::Int(failure.error.code as i128),
        "row" => Value::String(text.clone()),
        _other => Value::Null,
    };
    sink.schema.fields.iter().map(|field| value(&field.name)).collect()
}

/// The one value that stands for all keys that are the same.
pub(crate) fn key_of(values: &[Value]) -> Row {
    values.iter().map(Value::key).collect()
}

/// The key of a row in a join; one with a null matches nothing.
pub(crate) fn match_key(key: &[Value]) -> Option<Row> {
    (!key.iter().any(Value::is_null)).then(|| key_of(key))
}

/// Joins the positions of the rows, so that it is known from which row of the probing side each pair comes.
fn hash_join(
    kind: JoinKind,
    build: Side,
    left: &[(StreamRow, Row)],
    right: &[(StreamRow, Row)],
    widths: (usize, usize),
) -> Vec<StreamRow> {
    let positions = |rows: &[(StreamRow, Row)]| -> Vec<Keyed> {
        (0..).zip(rows).map(|(position, (_, key))| (vec![Value::Int(position)], match_key(key))).collect()
    };
    let row_at = |rows: &[(StreamRow, Row)], position: &Value| {
        position.as_int().map(|position| rows[position as usize].0.clone())
    };
    let only_left = matches!(kind, JoinKind::Semi | JoinKind::Anti);
    let pairs = join(kind, build, &positions(left), &positions(right), 1, 1).into_iter();
    let pair = |pair: Row| {
        let l = row_at(left, &pair[0]);
        let r = if only_left { None } else { row_at(right, &pair[1]) };
        let probing = if build == Side::Right { &l } else { &r };
        let watermark = probing.as_ref().and_then(|row| row.watermark);
        let mut row = l.map_or_else(|| vec![Value::Null; widths.0], |l| l.row);
        if !only_left {
            row.extend(r.map_or_else(|| vec![Value::Null; widths.1], |r| r.row));
            row.extend_from_slice(&pair[2..]);
        }
        StreamRow { row, watermark }
    };
    pairs.map(pair).collect()
}

/// The arguments of each call for which the row counts.
type Arguments = Vec<Option<Row>>;

/// What the calls of an aggregate take of a row.
fn arguments(calls: &[AggregateCall], row: &[Value], params: &[Value]) -> Result<Arguments, RowError> {
    let mut of_calls = Vec::new();
    for call in calls {
        let counts = match &call.filter {
            Some(filter) => evaluate(filter, row, params)?.is_true(),
            None => true,
        };
        let args = || call.args.iter().map(|arg| evaluate(arg, row, params)).collect::<Result<Row, _>>();
        of_calls.push(if counts { Some(args()?) } else { None });
    }
    Ok(of_calls)
}

/// The calls as the author's aggregates take them.
fn calls_of(calls: &[AggregateCall]) -> impl Iterator<Item = Call<'_>> {
    calls.iter().map(|call| Call { function: call.function, ty: &call.ty, span: call.span })
}

/// The row of a group; what cannot be added to it is treated as the policy says.
fn finish(
    cx: &mut OperatorCx<'_>,
    begin: &[Value],
    calls: &[AggregateCall],
    args: &[Vec<Row>],
) -> Result<Option<Row>, Failure> {
    let users = cx.users;
    let Some(finished) = cx.attempt(begin, |begin| users.finished(begin, calls_of(calls), args))? else {
        return Ok(None);
    };
    for (row, error) in finished.refused {
        cx.attempt(&row, |_| Err::<(), _>(error))?;
    }
    Ok(Some(finished.row))
}

fn aggregate_rows(
    cx: &mut OperatorCx<'_>,
    rows: &[StreamRow],
    keys: &[Expr],
    calls: &[AggregateCall],
) -> Result<Vec<Row>, Failure> {
    struct Group {
        key: Row,
        /// By call, the arguments of the rows that count.
        args: Vec<Vec<Row>>,
    }
    let new_group = |key: Row| Group { key, args: vec![Vec::new(); calls.len()] };
    let mut groups: Vec<Group> = Vec::new();
    let mut positions: BTreeMap<Row, usize> = BTreeMap::new();
    if keys.is_empty() {
        positions.insert(Row::new(), 0);
        groups.push(new_group(Row::new()));
    }
    for StreamRow { row, .. } in rows {
        let params = cx.params;
        // The whole row counts, or none of it.
        let values = cx.attempt(row, |row| {
            let key: Row = keys.iter().map(|key| evaluate(key, row, params)).collect::<Result<_, _>>()?;
            Ok((key, arguments(calls, row, params)?))
        })?;
        let Some((key, of_calls)) = values else { continue };
        let group = *positions.entry(key_of(&key)).or_insert_with(|| {
            groups.push(new_group(key));
            groups.len() - 1
        });
        for (of_group, of_row) in groups[group].args.iter_mut().zip(of_calls) {
            of_group.extend(of_row);
        }
    }
    let mut result = Vec::new();
    for group in &groups {
        result.extend(finish(cx, &group.key, calls, &group.args)?);
    }
    Ok(result)
}

/// What the windows give, and the rows that came too late.
fn window_rows(
    cx: &mut OperatorCx<'_>,
    rows: &[StreamRow],
    keys: &[Expr],
    calls: &[AggregateCall],
    window: &Window,
) -> Result<(Vec<Row>, Vec<Row>), Failure> {
    let mut taken: Vec<WindowRow> = Vec::new();
    let mut rows_taken: Vec<&Row> = Vec::new();
    let now = processing_time();
    for StreamRow { row, watermark } in rows {
        let params = cx.params;
        let values = cx.attempt(row, |row| {
            let key: Row = keys.iter().map(|key| evaluate(key, row, params)).collect::<Result<_, _>>()?;
            let time = window.time.as_ref().map(|time| evaluate(time, row, params)).transpose()?;
            Ok((key, time, arguments(calls, row, params)?))
        })?;
        let Some((key, time, args)) = values else { continue };
        let time = time.map_or(now, |time| time.as_int().unwrap_or_default());
        let watermark = if window.time.is_some() { *watermark } else { None };
        taken.push(WindowRow { key, time, watermark, args });
        rows_taken.push(row);
    }
    let outcome = windows(window.kind, window.allowed_lateness_us, &taken);
    let mut result = Vec::new();
    for fired in &outcome.fired {
        let times = fired.times.iter().flat_map(|(start, end)| [Value::Int(*start), Value::Int(*end)]);
        let begin: Row = fired.key.iter().cloned().chain(times).collect();
        result.extend(finish(cx, &begin, calls, &fired.args)?);
    }
    Ok((result, outcome.late.iter().map(|position| rows_taken[*position].clone()).collect()))
}

/// The clock, for windows that go by it: all rows come at once here.
pub(crate) fn processing_time() -> i128 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as i128)
}

fn sort_rows(
    cx: &mut OperatorCx<'_>,
    rows: &[StreamRow],
    by: &[SortKey],
    limit: Option<u64>,
    partition_by: &[Expr],
) -> Result<Vec<Row>, Failure> {
    // The row, then what it is sorted and partitioned by.
    let mut wide: Vec<Row> = Vec::new();
    let width = rows.first().map_or(0, |row| row.row.len());
    for StreamRow { row, .. } in rows {
        let params = cx.params;
        let exprs = by.iter().map(|key| &key.expr).chain(partition_by);
        let values: Option<Row> = cx.attempt(row, |row| exprs.map(|expr| evaluate(expr, row, params)).collect())?;
        wide.extend(values.map(|values| row.iter().cloned().chain(values).collect()));
    }
    let position = |at: usize| (width + at) as u32;
    let by: Vec<(u32, bool)> = by.iter().enumerate().map(|(at, key)| (position(at), key.descending)).collect();
    let partition_by: Vec<u32> = (0..partition_by.len()).map(|at| position(by.len() + at)).collect();
    let mut sorted = sort_positions(&wide, &by, limit, &partition_by);
    sorted.iter_mut().for_each(|row| row.truncate(width));
    Ok(sorted)
}

/// Sorts rows by columns (with `descending`), and keeps the first of each partition.
pub(crate) fn sort_positions(rows: &[Row], by: &[(u32, bool)], limit: Option<u64>, partition_by: &[u32]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| {
        let mut order = Ordering::Equal;
        for (at, descending) in by {
            let ascending = sort_order(&a[*at as usize], &b[*at as usize]);
            order = order.then(if *descending { ascending.reverse() } else { ascending });
        }
        order
    });
    let keep = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let mut kept: BTreeMap<Row, usize> = BTreeMap::new();
    rows.retain(|row| {
        let partition: Row = partition_by.iter().map(|at| row[*at as usize].key()).collect();
        let kept = kept.entry(partition).or_default();
        *kept += 1;
        *kept <= keep
    });
    rows
}
