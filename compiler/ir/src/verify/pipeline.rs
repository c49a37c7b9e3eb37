//! What must hold of [`Pipelines`], listed where it does not.
//!
//! - a register is written once on every way through a pipeline, before it is read; behind a probe only what it carries
//!   and gives may be read;
//! - expressions have the types of the registers they are written to; tables, sinks and sources the types of the
//!   registers that meet them;
//! - whoever reads a table stands behind all that fill it, and rows by match behind all that probe;
//! - `live` and `carry` hold exactly what is read later.

use super::expr::{Scope, check_expr};
use crate::display::pipeline::schema;
use crate::expr::Expr;
use crate::pipeline::{
    AggregateInput, AggregateSpec, Body, End, Keep, LateRows, OperatorId, Origin, Pipeline, Pipelines, Reg, Step,
    StreamOperator, TableId, TableKind,
};
use crate::plan::{JoinKind, WindowKind};
use crate::ty::{Schema, TimeUnit, Type};
use std::collections::BTreeSet;

/// Everything that is wrong, a sentence each; none if the pipelines are well formed.
#[must_use]
pub fn verify(pipelines: &Pipelines) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut uses = Uses {
        fills: vec![Vec::new(); pipelines.tables.len()],
        probes: vec![Vec::new(); pipelines.tables.len()],
        reads: vec![Vec::new(); pipelines.tables.len()],
        reads_matches: vec![Vec::new(); pipelines.tables.len()],
    };
    for (position, pipeline) in pipelines.pipelines.iter().enumerate() {
        let registers = schema(pipeline);
        let mut verifier = Verifier { pipelines, position, registers: &registers, uses: &mut uses, wrong: &mut wrong };
        verifier.pipeline(pipeline);
    }
    for (table, info) in pipelines.tables.iter().enumerate() {
        let last = |of: &[usize]| of.iter().max().copied();
        let first = |of: &[usize]| of.iter().min().copied();
        let (fills, probes) = (&uses.fills[table], &uses.probes[table]);
        let mut readers = probes.clone();
        readers.extend(&uses.reads[table]);
        readers.extend(&uses.reads_matches[table]);
        let name = format!("table {table} `{}`", info.name);
        match (last(fills), first(&readers)) {
            (None, _) => wrong.push(format!("{name} is never filled")),
            (_, None) => wrong.push(format!("{name} is never read")),
            (Some(fill), Some(read)) if fill >= read => {
                wrong.push(format!("{name} is read by pipeline {read} before pipeline {fill} has filled it"));
            }
            (Some(_), Some(_)) => {}
        }
        if let (Some(probe), Some(read)) = (last(probes), first(&uses.reads_matches[table]))
            && probe >= read
        {
            wrong.push(format!("{name}: pipeline {read} reads its matches before pipeline {probe} has probed it"));
        }
        if let TableKind::Join { track_matches, .. } = info.kind
            && track_matches == uses.reads_matches[table].is_empty()
        {
            wrong.push(format!("{name} remembers matches if and only if someone asks for them"));
        }
    }
    wrong
}

/// By table: the pipelines that do something with it.
struct Uses {
    fills: Vec<Vec<usize>>,
    probes: Vec<Vec<usize>>,
    reads: Vec<Vec<usize>>,
    reads_matches: Vec<Vec<usize>>,
}

struct Verifier<'a> {
    pipelines: &'a Pipelines,
    position: usize,
    registers: &'a Schema,
    uses: &'a mut Uses,
    wrong: &'a mut Vec<String>,
}

impl<'a> Verifier<'a> {
    fn say(&mut self, what: impl AsRef<str>) {
        self.wrong.push(format!("pipeline {}: {}", self.position, what.as_ref()));
    }

    fn ty(&self, reg: Reg) -> Option<&'a Type> {
        self.registers.fields.get(reg.0 as usize).map(|field| &field.ty)
    }

    fn operator(&mut self, operator: OperatorId) {
        if operator.0 as usize >= self.pipelines.operators.len() {
            self.say(format!("operator {} is not in the list", operator.0));
        }
    }

    fn table(&mut self, table: TableId) -> Option<&'a TableKind> {
        let found = self.pipelines.tables.get(table.0 as usize);
        if found.is_none() {
            self.say(format!("table {} is not in the list", table.0));
        }
        found.map(|table| &table.kind)
    }

    /// Registers that are to have these types.
    fn types(&mut self, what: &str, regs: &[Reg], types: &[Type]) {
        if regs.len() != types.len() {
            self.say(format!("{what}: {} registers for {} columns", regs.len(), types.len()));
        }
        for (reg, ty) in regs.iter().zip(types) {
            if self.ty(*reg) != Some(ty) {
                self.say(format!("{what}: register {} is no {ty}", reg.0));
            }
        }
    }

    /// Registers that are to have these types or options of them.
    fn keys(&mut self, what: &str, regs: &[Reg], types: &[Type]) {
        if regs.len() != types.len() {
            self.say(format!("{what}: {} registers for {} keys", regs.len(), types.len()));
        }
        for (reg, ty) in regs.iter().zip(types) {
            if self.ty(*reg).map(Type::value_type) != Some(ty) {
                self.say(format!("{what}: key register {} is no {ty}", reg.0));
            }
        }
    }

    /// Columns by position and their registers.
    fn columns(&mut self, what: &str, columns: &[(u32, Reg)], types: &[Type], written: &mut BTreeSet<Reg>) {
        for (at, reg) in columns {
            match types.get(*at as usize) {
                Some(ty) if self.ty(*reg) == Some(ty) => {}
                Some(ty) => self.say(format!("{what}: register {} is no {ty}", reg.0)),
                None => self.say(format!("{what} has no column {at}")),
            }
            self.write(*reg, written);
        }
    }

    fn write(&mut self, reg: Reg, written: &mut BTreeSet<Reg>) {
        if self.ty(reg).is_none() {
            self.say(format!("register {} is not in the list", reg.0));
        }
        if !written.insert(reg) {
            self.say(format!("register {} is written twice", reg.0));
        }
    }

    fn read(&mut self, what: &str, regs: &[Reg], readable: &BTreeSet<Reg>) {
        for reg in regs {
            if !readable.contains(reg) {
                self.say(format!("{what} reads register {}, which is not there", reg.0));
            }
        }
    }

    fn expr(&mut self, what: &str, expr: &Expr, ty: &Type, readable: &BTreeSet<Reg>) {
        let mut scope = Scope::new(self.registers, &self.pipelines.params);
        check_expr(expr, &mut scope);
        for wrong in scope.into_wrong() {
            self.say(format!("{what} `{expr}`: {wrong}"));
        }
        if expr.ty != *ty {
            self.say(format!("{what} `{expr}` is {}, must be {ty}", expr.ty));
        }
        let columns: Vec<Reg> = expr.columns().into_iter().map(Reg).collect();
        self.read(what, &columns, readable);
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
        let mut written = BTreeSet::new();
        match &pipeline.origin {
            Origin::Scan { source, columns, prune, event_time, operator } => {
                self.operator(*operator);
                match self.pipelines.sources.get(source.0 as usize) {
                    None => self.say("scans a source that is not in the list"),
                    Some(source) => {
                        let types: Vec<Type> = source.schema.fields.iter().map(|field| field.ty.clone()).collect();
                        self.columns("scan", columns, &types, &mut written);
                        if let Some(time) = event_time {
                            if !columns.iter().any(|(position, _)| *position == time.column) {
                                self.say("does not scan the column with the event time");
                            }
                            if let Some(watermark) = time.watermark {
                                self.write(watermark, &mut written);
                                if self.ty(watermark) != Some(&Type::Int64) {
                                    self.say("its watermark is no i64");
                                }
                            }
                        }
                        if let Some(prune) = prune {
                            let mut scope = Scope::new(&source.schema, &self.pipelines.params);
                            check_expr(prune, &mut scope);
                            for wrong in scope.into_wrong() {
                                self.say(format!("prune `{prune}`: {wrong}"));
                            }
                        }
                    }
                }
            }
            Origin::Table { table, columns, operator } => {
                self.operator(*operator);
                let types = match self.table(*table) {
                    Some(TableKind::Aggregate { keys, calls, .. }) => {
                        keys.iter().chain(calls.iter().map(|call| &call.ty)).cloned().collect()
                    }
                    Some(TableKind::Window { keys, calls, kind, .. }) => window_columns(keys, calls, *kind),
                    Some(TableKind::Stream { keys, inputs, operator, .. }) => stream_columns(keys, inputs, operator),
                    Some(TableKind::Sort { columns, .. } | TableKind::Rows { columns, .. }) => columns.clone(),
                    Some(TableKind::Join { .. }) => {
                        self.say("the rows of a join's table are asked for by match");
                        return;
                    }
                    None => return,
                };
                self.uses.reads[table.0 as usize].push(self.position);
                self.columns("table", columns, &types, &mut written);
            }
            Origin::BuildRows { table, matched: _, columns, operator } => {
                self.operator(*operator);
                let Some(TableKind::Join { payload, .. }) = self.table(*table) else {
                    return self.say("asks for matches in what is no join's table");
                };
                self.uses.reads_matches[table.0 as usize].push(self.position);
                self.columns("table", columns, payload, &mut written);
            }
        }
        let readable = written.clone();
        self.body(&pipeline.body, readable, written);
    }

    /// Returns the registers that the body reads and does not write itself.
    fn body(&mut self, body: &Body, mut readable: BTreeSet<Reg>, mut written: BTreeSet<Reg>) -> BTreeSet<Reg> {
        for step in &body.steps {
            self.step(step, &mut readable, &mut written);
        }
        let mut live: BTreeSet<Reg> = match &body.end {
            End::Sink { sink, columns, operator } => {
                self.operator(*operator);
                self.read("sink", columns, &readable);
                match self.pipelines.sinks.get(sink.0 as usize) {
                    None => self.say("writes a sink that is not in the list"),
                    Some(sink) => {
                        let types: Vec<Type> = sink.schema.fields.iter().map(|field| field.ty.clone()).collect();
                        self.types(&format!("sink `{}`", sink.name), columns, &types);
                    }
                }
                columns.iter().copied().collect()
            }
            End::Late { late, operator } => {
                self.operator(*operator);
                let columns = late.as_ref().map_or(&[][..], |late| &late.columns);
                self.read("late rows", columns, &readable);
                self.late_rows(late.as_ref());
                columns.iter().copied().collect()
            }
            End::Build { table, keys, payload, operator } => {
                self.operator(*operator);
                self.read("build", keys, &readable);
                self.read("build", payload, &readable);
                match self.table(*table) {
                    Some(TableKind::Join { keys: key_types, payload: payload_types, .. }) => {
                        self.keys("build", keys, key_types);
                        self.types("build", payload, payload_types);
                    }
                    Some(
                        TableKind::Aggregate { .. }
                        | TableKind::Sort { .. }
                        | TableKind::Rows { .. }
                        | TableKind::Window { .. }
                        | TableKind::Stream { .. },
                    ) => {
                        self.say("builds what is no join's table");
                    }
                    None => {}
                }
                self.fills(*table);
                keys.iter().chain(payload).copied().collect()
            }
            End::Aggregate { table, keys, inputs, operator } => {
                self.operator(*operator);
                let args = inputs.iter().flat_map(|input| input.args.iter().chain(&input.filter)).copied();
                let args: Vec<Reg> = args.collect();
                self.read("aggregate", keys, &readable);
                self.read("aggregate", &args, &readable);
                match self.table(*table) {
                    Some(TableKind::Aggregate { keys: key_types, calls, .. }) => {
                        self.accumulators(keys, key_types, calls, inputs);
                    }
                    Some(
                        TableKind::Join { .. }
                        | TableKind::Sort { .. }
                        | TableKind::Rows { .. }
                        | TableKind::Window { .. }
                        | TableKind::Stream { .. },
                    ) => {
                        self.say("aggregates into what is no aggregate's table");
                    }
                    None => {}
                }
                self.fills(*table);
                keys.iter().copied().chain(args).collect()
            }
            End::Window { table, time, watermark, keys, inputs, late, operator } => {
                self.operator(*operator);
                let args = inputs.iter().flat_map(|input| input.args.iter().chain(&input.filter));
                let late_columns = late.iter().flat_map(|late| &late.columns);
                let read = keys.iter().chain(time).chain(watermark).chain(args).chain(late_columns).copied();
                let read: Vec<Reg> = read.collect();
                self.read("window", &read, &readable);
                match self.table(*table) {
                    Some(TableKind::Window { keys: key_types, calls, kind, processing_time, .. }) => {
                        self.accumulators(keys, key_types, calls, inputs);
                        if time.is_some() != (kind.has_times() && !processing_time) {
                            self.say("the time of a window's rows is missing, or of no use");
                        }
                    }
                    Some(
                        TableKind::Join { .. }
                        | TableKind::Sort { .. }
                        | TableKind::Rows { .. }
                        | TableKind::Aggregate { .. }
                        | TableKind::Stream { .. },
                    ) => {
                        self.say("aggregates windows into what is no window's table");
                    }
                    None => {}
                }
                if time.is_some_and(|time| self.ty(time) != Some(&TIME)) {
                    self.say("the time of a window's rows is no timestamp in microseconds");
                }
                self.late_rows(late.as_ref());
                self.fills(*table);
                read.into_iter().collect()
            }
            End::Feed { table, input, keys, time, columns, operator } => {
                self.operator(*operator);
                let read: Vec<Reg> = keys.iter().chain(time).chain(columns).copied().collect();
                self.read("feed", &read, &readable);
                match self.table(*table) {
                    Some(TableKind::Stream { keys: key_types, inputs, operator, .. }) => {
                        let is_join = matches!(
                            operator,
                            StreamOperator::Join { .. }
                                | StreamOperator::JoinChanges { .. }
                                | StreamOperator::Asof { .. }
                                | StreamOperator::Lookup { .. }
                        );
                        if is_join {
                            self.keys("feed", keys, key_types);
                        } else {
                            self.types("feed's key", keys, key_types);
                        }
                        match inputs.get(*input as usize) {
                            Some(types) => self.types("feed", columns, types),
                            None => self.say(format!("feeds input {input}, which is not there")),
                        }
                    }
                    Some(
                        TableKind::Join { .. }
                        | TableKind::Sort { .. }
                        | TableKind::Rows { .. }
                        | TableKind::Aggregate { .. }
                        | TableKind::Window { .. },
                    ) => self.say("feeds what takes no rows one by one"),
                    None => {}
                }
                if time.is_some_and(|time| self.ty(time) != Some(&TIME)) {
                    self.say("the time of a row is no timestamp in microseconds");
                }
                self.fills(*table);
                read.into_iter().collect()
            }
            End::Collect { table, columns, operator } => {
                self.operator(*operator);
                self.read("collect", columns, &readable);
                match self.table(*table) {
                    Some(TableKind::Sort { columns: types, .. } | TableKind::Rows { columns: types, .. }) => {
                        self.types("collect", columns, types);
                    }
                    Some(
                        TableKind::Join { .. }
                        | TableKind::Aggregate { .. }
                        | TableKind::Window { .. }
                        | TableKind::Stream { .. },
                    ) => {
                        self.say("collects into a table that does not hold rows");
                    }
                    None => {}
                }
                self.fills(*table);
                columns.iter().copied().collect()
            }
            End::Fork(branches) => {
                if branches.len() < 2 {
                    self.say(format!("forks into {} branches", branches.len()));
                }
                let mut live = BTreeSet::new();
                for branch in branches {
                    live.extend(self.body(branch, readable.clone(), written.clone()));
                }
                live
            }
            End::Nothing => BTreeSet::new(),
        };
        for step in body.steps.iter().rev() {
            live = self.live_before(step, live);
        }
        live
    }

    fn accumulators(&mut self, keys: &[Reg], key_types: &[Type], calls: &[AggregateSpec], inputs: &[AggregateInput]) {
        self.types("aggregate key", keys, key_types);
        if calls.len() != inputs.len() {
            self.say(format!("{} inputs for {} accumulators", inputs.len(), calls.len()));
        }
        for (call, input) in calls.iter().zip(inputs) {
            self.types(call.function.name(), &input.args, &call.args);
            if input.filter.is_some_and(|filter| self.ty(filter) != Some(&Type::Bool)) {
                self.say("the filter of an accumulator is no bool");
            }
        }
    }

    fn fills(&mut self, table: TableId) {
        if let Some(fills) = self.uses.fills.get_mut(table.0 as usize) {
            fills.push(self.position);
        }
    }

    /// Late rows have the columns of their sink.
    fn late_rows(&mut self, late: Option<&LateRows>) {
        let Some(late) = late else { return };
        match self.pipelines.sinks.get(late.sink.0 as usize) {
            None => self.say("sends late rows to a sink that is not in the list"),
            Some(sink) => {
                let types: Vec<Type> = sink.schema.fields.iter().map(|field| field.ty.clone()).collect();
                self.types("late rows", &late.columns, &types);
            }
        }
    }

    fn step(&mut self, step: &Step, readable: &mut BTreeSet<Reg>, written: &mut BTreeSet<Reg>) {
        match step {
            Step::Compute { filter, outputs, live: _, operator, counts } => {
                self.operator(*operator);
                counts.iter().for_each(|counted| self.operator(*counted));
                if let Some(filter) = filter {
                    self.expr("filter", filter, &Type::Bool, readable);
                }
                for (reg, value) in outputs {
                    let ty = self.ty(*reg).cloned().unwrap_or(Type::Unit);
                    self.expr("output", value, &ty, readable);
                    self.write(*reg, written);
                    readable.insert(*reg);
                }
            }
            Step::Contenders { keys, value, is_least: _, operator } => {
                self.operator(*operator);
                self.read("contenders by", keys, readable);
                self.read("contenders of", std::slice::from_ref(value), readable);
            }
            Step::FlatMap { lists, items, carry, operator } => {
                self.operator(*operator);
                self.read("flat map", lists, readable);
                self.read("flat map carries and", carry, readable);
                for (list, item) in lists.iter().zip(items) {
                    if self.ty(*list).and_then(Type::item_type) != self.ty(*item) {
                        self.say("takes items of another type out of a list");
                    }
                    self.write(*item, written);
                }
                if lists.is_empty() || lists.len() != items.len() {
                    self.say("has other lists than items");
                }
                readable.clear();
                readable.extend(items.iter().chain(carry));
            }
            Step::Probe { table, kind, keys, carry, payload, matched, mark_only, operator } => {
                self.operator(*operator);
                self.read("probe", keys, readable);
                self.read("probe carries and", carry, readable);
                if !matches!(kind, JoinKind::Inner | JoinKind::Left | JoinKind::Semi | JoinKind::Anti) {
                    self.say(format!("probes as {kind:?}"));
                }
                let pairs = !*mark_only && matches!(kind, JoinKind::Inner | JoinKind::Left);
                if !pairs && !payload.is_empty() {
                    self.say("probes for a payload where no pairs come out");
                }
                if matched.is_some_and(|reg| *kind != JoinKind::Left || self.ty(reg) != Some(&Type::Bool)) {
                    self.say("asks for a match where there is always one, or into what is no bool");
                }
                readable.clear();
                readable.extend(carry);
                match self.table(*table) {
                    Some(TableKind::Join { keys: key_types, payload: types, .. }) => {
                        self.keys("probe", keys, key_types);
                        let optional = *kind == JoinKind::Left;
                        let types: Vec<Type> =
                            types.iter().map(|ty| if optional { ty.clone().optional() } else { ty.clone() }).collect();
                        self.columns("probe", payload, &types, written);
                    }
                    Some(
                        TableKind::Aggregate { .. }
                        | TableKind::Sort { .. }
                        | TableKind::Rows { .. }
                        | TableKind::Window { .. }
                        | TableKind::Stream { .. },
                    ) => {
                        self.say("probes what is no join's table");
                    }
                    None => {}
                }
                if let Some(matched) = matched {
                    self.write(*matched, written);
                    readable.insert(*matched);
                }
                readable.extend(payload.iter().map(|(_, reg)| reg));
                if let Some(probes) = self.uses.probes.get_mut(table.0 as usize) {
                    probes.push(self.position);
                }
            }
        }
    }

    fn live_before(&mut self, step: &Step, after: BTreeSet<Reg>) -> BTreeSet<Reg> {
        match step {
            Step::Compute { filter, outputs, live, .. } => {
                let written: BTreeSet<Reg> = outputs.iter().map(|(reg, _)| *reg).collect();
                let expected: Vec<Reg> = after.difference(&written).copied().collect();
                if *live != expected {
                    self.say(format!("a step says that {live:?} are live, {expected:?} are"));
                }
                let mut before = after;
                for expr in filter.iter().chain(outputs.iter().map(|(_, value)| value)) {
                    before.extend(expr.columns().into_iter().map(Reg));
                }
                before.difference(&written).copied().collect()
            }
            Step::Contenders { keys, value, .. } => {
                after.into_iter().chain(keys.iter().copied()).chain([*value]).collect()
            }
            Step::FlatMap { lists, items, carry, .. } => {
                let expected: Vec<Reg> = after.into_iter().filter(|reg| !items.contains(reg)).collect();
                if *carry != expected {
                    self.say(format!("a flat map carries {carry:?}, {expected:?} are read later"));
                }
                expected.into_iter().chain(lists.iter().copied()).collect()
            }
            Step::Probe { keys, carry, payload, matched, .. } => {
                let written: BTreeSet<Reg> = payload.iter().map(|(_, reg)| *reg).chain(*matched).collect();
                let expected: Vec<Reg> = after.difference(&written).copied().collect();
                if *carry != expected {
                    self.say(format!("a probe carries {carry:?}, {expected:?} are read later"));
                }
                expected.into_iter().chain(keys.iter().copied()).collect()
            }
        }
    }
}

/// Times of windows and rows.
const TIME: Type = Type::Timestamp(TimeUnit::Microsecond);

/// The columns that a window's table gives.
#[must_use]
pub fn window_columns(keys: &[Type], calls: &[AggregateSpec], kind: WindowKind) -> Vec<Type> {
    let times = if kind.has_times() { 2 } else { 0 };
    let times = std::iter::repeat_n(TIME, times);
    keys.iter().cloned().chain(times).chain(calls.iter().map(|call| call.ty.clone())).collect()
}

/// The columns that a stream's table gives.
#[must_use]
pub fn stream_columns(keys: &[Type], inputs: &[Vec<Type>], operator: &StreamOperator) -> Vec<Type> {
    let input = |at: usize| inputs.get(at).cloned().unwrap_or_default();
    let optional = |types: Vec<Type>| types.into_iter().map(Type::optional).collect::<Vec<_>>();
    let (left, right, flags) = match operator {
        StreamOperator::Join { kind, .. } | StreamOperator::Lookup { kind, .. } => match kind {
            JoinKind::Inner => (input(0), input(1), 0),
            JoinKind::Left => (input(0), optional(input(1)), 1),
            JoinKind::Right => (optional(input(0)), input(1), 1),
            JoinKind::Full => (optional(input(0)), optional(input(1)), 2),
            JoinKind::Semi | JoinKind::Anti => (input(0), Vec::new(), 0),
        },
        StreamOperator::JoinChanges { kind, changes } => {
            let inputs = [0, 1].map(|at| {
                let mut columns = input(at);
                columns.truncate(columns.len().saturating_sub(usize::from(changes[at].is_some())));
                columns
            });
            let join = StreamOperator::Join { kind: *kind, keep: Keep::Forever };
            let mut columns = stream_columns(keys, &inputs, &join);
            columns.push(Type::Int8);
            return columns;
        }
        StreamOperator::Asof { outer: false, .. } => (input(0), input(1), 0),
        StreamOperator::Asof { outer: true, .. } => (input(0), optional(input(1)), 1),
        StreamOperator::First => (input(0), Vec::new(), 0),
        StreamOperator::Top { change: None, .. } => (input(0), vec![Type::Int8], 0),
        // The change is one of the input's columns.
        StreamOperator::Top { change: Some(_), .. } => (input(0), Vec::new(), 0),
        StreamOperator::Aggregate { calls, .. } => {
            let calls = calls.iter().map(|call| call.ty.clone());
            (keys.iter().cloned().chain(calls).collect(), vec![Type::Int8], 0)
        }
    };
    left.into_iter().chain(right).chain(std::iter::repeat_n(Type::Bool, flags)).collect()
}
