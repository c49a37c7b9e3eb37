//! A whole plan over rows in memory: one operator after the other, all rows of each.

use crate::aggregate::aggregate;
use crate::evaluate::{RowError, evaluate};
use crate::join::{Keyed, join};
use crate::value::{Value, sort_order};
use sabot_ir::expr::Expr;
use sabot_ir::plan::{AggregateCall, ErrorPolicy, Node, Operator, Plan, Sink, SortKey};
use sabot_ir::span::Span;
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
        let mut cx = OperatorCx { node, params, refused: Vec::new() };
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

struct Run<'a> {
    plan: &'a Plan,
    /// By node, those that have run.
    rows: Vec<Vec<Row>>,
    outputs: Outputs,
}

/// What the computation of one operator needs beside its rows.
struct OperatorCx<'a> {
    node: &'a Node,
    params: &'a [Value],
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
    fn with_values(&mut self, rows: &[Row], exprs: &[Expr]) -> Result<Vec<(Row, Row)>, Failure> {
        let mut result = Vec::new();
        for row in rows {
            let params = self.params;
            let values = self.attempt(row, |row| exprs.iter().map(|expr| evaluate(expr, row, params)).collect())?;
            if let Some(values) = values {
                result.push((row.clone(), values));
            }
        }
        Ok(result)
    }
}

impl Run<'_> {
    fn operator(&mut self, cx: &mut OperatorCx<'_>, inputs: &Inputs) -> Result<Vec<Row>, Failure> {
        let node = cx.node;
        let input = |position: usize| &self.rows[node.inputs[position].0 as usize];
        let width = |position: usize| self.plan.node(node.inputs[position]).schema.len();
        match &node.operator {
            Operator::WindowAggregate { .. } | Operator::IntervalJoin { .. } | Operator::AsofJoin { .. } => {
                unreachable!("plans over time are not interpreted")
            }
            Operator::Source { source, columns, prune: _ } => {
                let name = &self.plan.sources[source.0 as usize].name;
                let rows = inputs.get(name).map_or(&[][..], Vec::as_slice);
                Ok(rows
                    .iter()
                    .map(|row| columns.iter().map(|column| row[*column as usize].clone()).collect())
                    .collect())
            }
            Operator::Filter { predicate } => {
                let with_truth = cx.with_values(input(0), std::slice::from_ref(predicate))?;
                Ok(with_truth.into_iter().filter(|(_, truth)| truth[0].is_true()).map(|(row, _)| row).collect())
            }
            Operator::Project { columns } => {
                Ok(cx.with_values(input(0), columns)?.into_iter().map(|(_, values)| values).collect())
            }
            Operator::FlatMap { columns } => {
                let lists = cx.with_values(input(0), columns)?;
                Ok(lists.into_iter().flat_map(|(_, lists)| items(&lists)).collect())
            }
            Operator::Union => Ok((0..node.inputs.len()).flat_map(|position| input(position).clone()).collect()),
            Operator::HashJoin { kind, left_keys, right_keys, build } => {
                let left = keyed(cx.with_values(input(0), left_keys)?);
                let right = keyed(cx.with_values(input(1), right_keys)?);
                Ok(join(*kind, *build, &left, &right, width(0), width(1)))
            }
            Operator::Aggregate { keys, calls } => aggregate_rows(cx, input(0), keys, calls),
            Operator::Dedup { keys } => {
                let mut seen = BTreeSet::new();
                let keyed = cx.with_values(input(0), keys)?;
                Ok(keyed.into_iter().filter(|(_, key)| seen.insert(key_of(key))).map(|(row, _)| row).collect())
            }
            Operator::Sort { by, limit, partition_by } => sort_rows(cx, input(0), by, *limit, partition_by),
            Operator::Limit { rows } => {
                let keep = usize::try_from(*rows).unwrap_or(usize::MAX);
                Ok(input(0).iter().take(keep).cloned().collect())
            }
            Operator::Sink { sink } => {
                let rows = input(0).clone();
                let name = &self.plan.sinks[sink.0 as usize].name;
                self.outputs.entry(name.clone()).or_default().extend(rows);
                Ok(Vec::new())
            }
        }
    }
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

/// Rows with their keys; a key with a null matches nothing.
fn keyed(rows: Vec<(Row, Row)>) -> Vec<Keyed> {
    rows.into_iter()
        .map(|(row, key)| {
            let has_null = key.iter().any(Value::is_null);
            (row, (!has_null).then(|| key_of(&key)))
        })
        .collect()
}

fn aggregate_rows(
    cx: &mut OperatorCx<'_>,
    rows: &[Row],
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
    for row in rows {
        let params = cx.params;
        // The whole row counts, or none of it.
        let values = cx.attempt(row, |row| {
            let key: Row = keys.iter().map(|key| evaluate(key, row, params)).collect::<Result<_, _>>()?;
            let mut of_calls: Vec<Option<Row>> = Vec::new();
            for call in calls {
                let counts = match &call.filter {
                    Some(filter) => evaluate(filter, row, params)?.is_true(),
                    None => true,
                };
                let args = || call.args.iter().map(|arg| evaluate(arg, row, params)).collect::<Result<Row, _>>();
                of_calls.push(if counts { Some(args()?) } else { None });
            }
            Ok((key, of_calls))
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
        let row = cx.attempt(&group.key, |key| {
            let mut row = key.to_vec();
            for (call, args) in calls.iter().zip(&group.args) {
                let at = |code| RowError { code, span: call.span };
                row.push(aggregate(call.function, &call.ty, args).map_err(at)?);
            }
            Ok(row)
        })?;
        result.extend(row);
    }
    Ok(result)
}

fn sort_rows(
    cx: &mut OperatorCx<'_>,
    rows: &[Row],
    by: &[SortKey],
    limit: Option<u64>,
    partition_by: &[Expr],
) -> Result<Vec<Row>, Failure> {
    // The row, then what it is sorted and partitioned by.
    let mut wide: Vec<Row> = Vec::new();
    let width = rows.first().map_or(0, Vec::len);
    for row in rows {
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
