//! Runs physical pipelines a row at a time: the test of the physical stage, and a second opinion on the runtime.
//!
//! What a step does not carry along is destroyed behind it, so that a pipeline with wrong liveness gives wrong rows. One
//! pipeline runs after the other, also where they would run at the same time: a table gives everything at the end of its
//! input, when event time has passed all there is.

use crate::contenders::contends;
use crate::evaluate::{RowError, evaluate};
use crate::run::{Failure, Inputs, Outputs, Row, error_row, key_of, processing_time, sort_positions, watermarks};
use crate::stream_table::{FedRow, given};
use crate::user_aggregate::{Call, Users};
use crate::value::Value;
use crate::window::{Watermark, WindowRow, windows};
use sabot_ir::expr::Expr;
use sabot_ir::pipeline::{
    AggregateInput, AggregateSpec, Body, End, OperatorId, Origin, Pipelines, Reg, ScanTime, Step, StreamOperator,
    TableId, TableKind,
};
use sabot_ir::plan::{ErrorPolicy, EventTime, JoinKind, SinkId};
use sabot_ir::span::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Runs the pipelines of a job. Beside the rows of each sink, gives the rows out of each operator, by `OperatorId`: what a
/// run's summary shows.
///
/// # Errors
/// The first row that cannot be computed where the operator's error policy is to fail.
pub fn run_pipelines(pipelines: &Pipelines, inputs: &Inputs, params: &[Value]) -> Result<(Outputs, Vec<u64>), Failure> {
    let mut run = Run {
        pipelines,
        params,
        tables: pipelines.tables.iter().map(|table| Table::new(&table.kind)).collect(),
        outputs: pipelines.sinks.iter().map(|sink| (sink.name.clone(), Vec::new())).collect(),
        rows_out: vec![0; pipelines.operators.len()],
        contenders: BTreeMap::new(),
    };
    for pipeline in &pipelines.pipelines {
        let (rows, columns) = run.origin(&pipeline.origin, inputs)?;
        let watermarks = run.watermarks(&pipeline.origin, &rows);
        for (row, watermark) in rows.into_iter().zip(watermarks) {
            let mut registers = vec![Value::Unit; pipeline.registers.len()];
            for (position, register) in columns {
                registers[register.0 as usize] = row[*position as usize].clone();
            }
            if let Origin::Scan { event_time: Some(ScanTime { watermark: Some(register), .. }), .. } = pipeline.origin {
                registers[register.0 as usize] = Value::Int(watermark.unwrap_or(i64::MIN).into());
            }
            run.body(&pipeline.body, registers)?;
        }
    }
    Ok((run.outputs, run.rows_out))
}

struct Run<'a> {
    pipelines: &'a Pipelines,
    params: &'a [Value],
    tables: Vec<Table>,
    outputs: Outputs,
    rows_out: Vec<u64>,
    /// By operator and key: the value that no row fell short of so far.
    contenders: BTreeMap<(OperatorId, Row), Value>,
}

enum Table {
    Join(Vec<BuildRow>),
    Aggregate {
        groups: Vec<Group>,
        positions: BTreeMap<Row, usize>,
    },
    Rows(Vec<Row>),
    Window(Vec<InWindow>),
    /// By input.
    Stream(Vec<Vec<FedRow>>),
}

/// A row in a `Window` table, and where it goes if it comes too late.
struct InWindow {
    row: WindowRow,
    late: Option<(SinkId, Row)>,
}

struct BuildRow {
    key: Row,
    payload: Row,
    matched: bool,
}

struct Group {
    key: Row,
    /// By call, the arguments of the rows that count.
    args: Vec<Vec<Row>>,
}

impl Table {
    fn new(kind: &TableKind) -> Self {
        match kind {
            TableKind::Join { .. } => Self::Join(Vec::new()),
            TableKind::Aggregate { keys, calls, closes: _ } => {
                let mut table = Self::Aggregate { groups: Vec::new(), positions: BTreeMap::new() };
                if keys.is_empty() {
                    table.group(Row::new(), calls.len());
                }
                table
            }
            TableKind::Sort { .. } | TableKind::Rows { .. } => Self::Rows(Vec::new()),
            TableKind::Window { .. } => Self::Window(Vec::new()),
            TableKind::Stream { inputs, .. } => Self::Stream(vec![Vec::new(); inputs.len()]),
        }
    }

    fn group(&mut self, key: Row, calls: usize) -> &mut Group {
        let Self::Aggregate { groups, positions } = self else { unreachable!("the verifier knows the tables") };
        let position = *positions.entry(key_of(&key)).or_insert_with(|| {
            groups.push(Group { key, args: vec![Vec::new(); calls] });
            groups.len() - 1
        });
        &mut groups[position]
    }

    fn build_rows(&mut self) -> &mut Vec<BuildRow> {
        let Self::Join(rows) = self else { unreachable!("the verifier knows the tables") };
        rows
    }
}

impl<'a> Run<'a> {
    fn count(&mut self, operator: OperatorId, rows: usize) {
        self.rows_out[operator.0 as usize] += rows as u64;
    }

    /// What a failure does.
    fn refuse(&mut self, operator: OperatorId, row: &[Value], error: RowError) -> Result<(), Failure> {
        let info = &self.pipelines.operators[operator.0 as usize];
        let failure = Failure { operator: info.name.clone(), operator_span: info.span, row: row.to_vec(), error };
        match info.on_error {
            ErrorPolicy::Fail => Err(failure),
            ErrorPolicy::Skip => Ok(()),
            ErrorPolicy::Sink(sink) => {
                let sink = &self.pipelines.sinks[sink.0 as usize];
                self.outputs.entry(sink.name.clone()).or_default().push(error_row(sink, &failure));
                Ok(())
            }
        }
    }

    /// The watermark before each row, all rows of a source being one partition.
    fn watermarks(&self, origin: &Origin, rows: &[Row]) -> Vec<Watermark> {
        match origin {
            Origin::Scan { source, event_time: Some(time), .. } => {
                let event_time = EventTime { column: time.column, lateness_us: time.lateness_us };
                watermarks(Some(&event_time), &self.pipelines.sources[source.0 as usize].schema, rows)
            }
            Origin::Scan { event_time: None, .. } | Origin::Table { .. } | Origin::BuildRows { .. } => {
                vec![None; rows.len()]
            }
        }
    }

    fn origin(&mut self, origin: &'a Origin, inputs: &Inputs) -> Result<(Vec<Row>, &'a [(u32, Reg)]), Failure> {
        match origin {
            Origin::Scan { source, columns, prune, event_time: _, operator } => {
                let name = &self.pipelines.sources[source.0 as usize].name;
                let mut rows = inputs.get(name).cloned().unwrap_or_default();
                if let Some(prune) = prune {
                    // A reader may skip all that it can tell: the most that it can do shows a wrong `prune`.
                    rows.retain(|row| evaluate(prune, row, self.params).map_or(true, |truth| truth.is_true()));
                }
                self.count(*operator, rows.len());
                Ok((rows, columns))
            }
            Origin::Table { table, columns, operator } => {
                self.read_looked_up(*table, inputs);
                let rows = self.table_rows(*table, *operator)?;
                self.count(*operator, rows.len());
                Ok((rows, columns))
            }
            Origin::BuildRows { table, matched, columns, operator } => {
                let rows = self.tables[table.0 as usize].build_rows();
                let wanted = rows.iter().filter(|row| row.matched == *matched);
                let rows: Vec<Row> = wanted.map(|row| row.payload.clone()).collect();
                self.count(*operator, rows.len());
                Ok((rows, columns))
            }
        }
    }

    /// What a database would be asked for is read as a whole.
    fn read_looked_up(&mut self, table: TableId, inputs: &Inputs) {
        let TableKind::Stream { operator: StreamOperator::Lookup { source, columns, keys, .. }, .. } =
            &self.pipelines.tables[table.0 as usize].kind
        else {
            return;
        };
        let all = inputs.get(&self.pipelines.sources[source.0 as usize].name).map_or(&[][..], Vec::as_slice);
        let part = |row: &Row, of: &[u32]| of.iter().map(|at| row[*at as usize].clone()).collect::<Row>();
        let fed = all.iter().map(|row| FedRow { key: part(row, keys), time: 0, columns: part(row, columns) });
        if let Table::Stream(of_inputs) = &mut self.tables[table.0 as usize] {
            of_inputs[1] = fed.collect();
        }
    }

    fn table_rows(&mut self, table: TableId, operator: OperatorId) -> Result<Vec<Row>, Failure> {
        let at = table.0 as usize;
        let mut rows = Vec::new();
        let mut refused = Vec::new();
        let users = Users { aggregates: &self.pipelines.aggregates, params: self.params };
        match (&self.pipelines.tables[at].kind, &self.tables[at]) {
            (TableKind::Aggregate { calls, closes, .. }, Table::Aggregate { groups, .. }) => {
                let mut groups: Vec<&Group> = groups.iter().collect();
                if let Some(end) = closes {
                    groups.sort_by(|a, b| a.key[*end as usize].cmp(&b.key[*end as usize]));
                }
                for group in groups {
                    match users.finished(&group.key, calls_of(calls), &group.args) {
                        Ok(finished) => {
                            rows.push(finished.row);
                            refused.extend(finished.refused);
                        }
                        Err(error) => refused.push((group.key.clone(), error)),
                    }
                }
            }
            (TableKind::Sort { by, limit, partition_by, closes, .. }, Table::Rows(of_table)) => {
                rows = sort_positions(of_table, by, *limit, partition_by);
                if let Some(end) = closes {
                    rows.sort_by(|a, b| a[*end as usize].cmp(&b[*end as usize]));
                }
            }
            (TableKind::Rows { limit, .. }, Table::Rows(of_table)) => {
                let keep = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
                rows = of_table.iter().take(keep).cloned().collect();
            }
            (TableKind::Window { calls, kind, allowed_lateness_us, .. }, Table::Window(of_table)) => {
                let taken: Vec<WindowRow> = of_table.iter().map(|row| row.row.clone()).collect();
                let outcome = windows(*kind, *allowed_lateness_us, &taken);
                for fired in &outcome.fired {
                    let times = fired.times.iter().flat_map(|(start, end)| [Value::Int(*start), Value::Int(*end)]);
                    let begin: Row = fired.key.iter().cloned().chain(times).collect();
                    match users.finished(&begin, calls_of(calls), &fired.args) {
                        Ok(finished) => {
                            rows.push(finished.row);
                            refused.extend(finished.refused);
                        }
                        Err(error) => refused.push((begin, error)),
                    }
                }
                for (sink, row) in outcome.late.iter().filter_map(|position| of_table[*position].late.as_ref()) {
                    let name = &self.pipelines.sinks[sink.0 as usize].name;
                    self.outputs.entry(name.clone()).or_default().push(row.clone());
                }
            }
            (TableKind::Stream { operator, inputs, keys, .. }, Table::Stream(of_inputs)) => {
                let widths: Vec<usize> = inputs.iter().map(Vec::len).collect();
                let given = given(operator, keys.len(), of_inputs, &widths, users);
                rows = given.rows;
                let error = |code| RowError { code, span: Span::NONE };
                refused.extend(given.refused.into_iter().map(|(key, code)| (key, error(code))));
            }
            (kind, _) => unreachable!("{kind:?} is not read as rows"),
        }
        for (key, error) in refused {
            self.refuse(operator, &key, error)?;
        }
        Ok(rows)
    }

    fn body(&mut self, body: &Body, registers: Row) -> Result<(), Failure> {
        self.steps(&body.steps, &body.end, registers)
    }

    fn steps(&mut self, steps: &[Step], end: &End, mut registers: Row) -> Result<(), Failure> {
        let Some((step, rest)) = steps.split_first() else { return self.end(end, registers) };
        match step {
            Step::Compute { filter, outputs, live, operator, counts } => {
                match compute(filter.as_ref(), outputs, &mut registers, self.params) {
                    Ok(true) => {}
                    Ok(false) => return Ok(()),
                    Err(error) => return self.refuse(*operator, &registers, error),
                }
                counts.iter().for_each(|counted| self.count(*counted, 1));
                if filter.is_some() || !outputs.is_empty() {
                    keep(&mut registers, live.iter().chain(outputs.iter().map(|(reg, _)| reg)));
                }
                self.steps(rest, end, registers)
            }
            Step::Contenders { keys, value, is_least, operator } => {
                let key = (*operator, key_of(&values(&registers, keys)));
                if !contends(self.contenders.entry(key), &registers[value.0 as usize], *is_least) {
                    return Ok(());
                }
                self.count(*operator, 1);
                self.steps(rest, end, registers)
            }
            Step::FlatMap { lists, items: to, carry, operator } => {
                let made = crate::run::items(&values(&registers, lists));
                self.count(*operator, made.len());
                keep(&mut registers, carry.iter());
                for row in made {
                    let mut registers = registers.clone();
                    for (reg, item) in to.iter().zip(row) {
                        registers[reg.0 as usize] = item;
                    }
                    self.steps(rest, end, registers)?;
                }
                Ok(())
            }
            Step::Probe { table, kind, keys, carry, payload, matched, mark_only, operator } => {
                let key = values(&registers, keys);
                let has_null = key.iter().any(Value::is_null);
                let key = key_of(&key);
                let mut found: Vec<Row> = Vec::new();
                for row in self.tables[table.0 as usize].build_rows() {
                    if !has_null && key_of(&row.key) == key {
                        row.matched = true;
                        found.push(row.payload.clone());
                    }
                }
                keep(&mut registers, carry.iter());
                if *mark_only {
                    return Ok(());
                }
                let rows = match kind {
                    JoinKind::Inner => found.len(),
                    JoinKind::Left => found.len().max(1),
                    JoinKind::Semi => usize::from(!found.is_empty()),
                    JoinKind::Anti => usize::from(found.is_empty()),
                    JoinKind::Right | JoinKind::Full => unreachable!("a probe has the probing side on its left"),
                };
                self.count(*operator, rows);
                let mut go_on = |payload_row: Option<&Row>| {
                    let mut registers = registers.clone();
                    for (position, reg) in payload {
                        registers[reg.0 as usize] =
                            payload_row.map_or(Value::Null, |row| row[*position as usize].clone());
                    }
                    if let Some(matched) = matched {
                        registers[matched.0 as usize] = Value::Bool(payload_row.is_some());
                    }
                    self.steps(rest, end, registers)
                };
                match kind {
                    JoinKind::Semi if found.is_empty() => Ok(()),
                    JoinKind::Anti if !found.is_empty() => Ok(()),
                    JoinKind::Semi | JoinKind::Anti => self.steps(rest, end, registers),
                    JoinKind::Left if found.is_empty() => go_on(None),
                    JoinKind::Inner | JoinKind::Left => found.iter().try_for_each(|row| go_on(Some(row))),
                    JoinKind::Right | JoinKind::Full => unreachable!("a probe has the probing side on its left"),
                }
            }
        }
    }

    fn end(&mut self, end: &End, registers: Row) -> Result<(), Failure> {
        match end {
            End::Sink { sink, columns, operator } => {
                self.count(*operator, 1);
                let name = &self.pipelines.sinks[sink.0 as usize].name;
                self.outputs.entry(name.clone()).or_default().push(values(&registers, columns));
            }
            End::Late { late, operator: _ } => {
                if let Some(late) = late {
                    let name = &self.pipelines.sinks[late.sink.0 as usize].name;
                    self.outputs.entry(name.clone()).or_default().push(values(&registers, &late.columns));
                }
            }
            End::Build { table, keys, payload, operator: _ } => {
                let row =
                    BuildRow { key: values(&registers, keys), payload: values(&registers, payload), matched: false };
                self.tables[table.0 as usize].build_rows().push(row);
            }
            End::Aggregate { table, keys, inputs, operator: _ } => {
                let group = self.tables[table.0 as usize].group(values(&registers, keys), inputs.len());
                for (args, input) in group.args.iter_mut().zip(inputs) {
                    args.extend(arguments(input, &registers));
                }
            }
            End::Collect { table, columns, operator: _ } => {
                let Table::Rows(rows) = &mut self.tables[table.0 as usize] else {
                    unreachable!("the verifier knows the tables")
                };
                rows.push(values(&registers, columns));
            }
            End::Window { table, time, watermark, keys, inputs, late, operator: _ } => {
                let number = |reg: Reg| registers[reg.0 as usize].as_int();
                let row = WindowRow {
                    key: values(&registers, keys),
                    time: time.map_or_else(processing_time, |time| number(time).unwrap_or_default()),
                    watermark: watermark.and_then(number).and_then(|watermark| i64::try_from(watermark).ok()),
                    args: inputs.iter().map(|input| arguments(input, &registers)).collect(),
                };
                let late = late.as_ref().map(|late| (late.sink, values(&registers, &late.columns)));
                let Table::Window(rows) = &mut self.tables[table.0 as usize] else {
                    unreachable!("the verifier knows the tables")
                };
                rows.push(InWindow { row, late });
            }
            End::Feed { table, input, keys, time, columns, operator: _ } => {
                let time = time.and_then(|time| registers[time.0 as usize].as_int()).unwrap_or_default();
                let row = FedRow { key: values(&registers, keys), time, columns: values(&registers, columns) };
                let Table::Stream(inputs) = &mut self.tables[table.0 as usize] else {
                    unreachable!("the verifier knows the tables")
                };
                inputs[*input as usize].push(row);
            }
            End::Fork(branches) => {
                for branch in branches {
                    self.body(branch, registers.clone())?;
                }
            }
            End::Nothing => {}
        }
        Ok(())
    }
}

/// Whether the row is kept; its outputs are then computed.
fn compute(
    filter: Option<&Expr>,
    outputs: &[(Reg, Expr)],
    registers: &mut Row,
    params: &[Value],
) -> Result<bool, RowError> {
    if let Some(filter) = filter
        && !evaluate(filter, registers, params)?.is_true()
    {
        return Ok(false);
    }
    for (reg, expr) in outputs {
        registers[reg.0 as usize] = evaluate(expr, registers, params)?;
    }
    Ok(true)
}

/// What an accumulator takes of the row, if it counts.
fn arguments(input: &AggregateInput, registers: &[Value]) -> Option<Row> {
    let counts = input.filter.is_none_or(|filter| registers[filter.0 as usize].is_true());
    counts.then(|| values(registers, &input.args))
}

/// The calls as the author's aggregates take them.
fn calls_of(calls: &[AggregateSpec]) -> impl Iterator<Item = Call<'_>> {
    calls.iter().map(|call| Call { function: call.function, ty: &call.ty, span: Span::NONE })
}

/// Destroys all registers but these.
fn keep<'a>(registers: &mut Row, kept: impl Iterator<Item = &'a Reg>) {
    let kept: BTreeSet<Reg> = kept.copied().collect();
    for (reg, value) in (0u32..).map(Reg).zip(registers) {
        if !kept.contains(&reg) {
            *value = Value::Unit;
        }
    }
}

fn values(registers: &[Value], of: &[Reg]) -> Row {
    of.iter().map(|reg| registers[reg.0 as usize].clone()).collect()
}
