//! Steps to kernels: what goes into one kernel, which form it has, and how the manifest calls it.
//!
//! What can be computed in vectors is, before what cannot: a `Compute` step becomes [filter and cheap vector outputs]
//! [dear vector outputs][scalar rest]. Dear outputs stand alone behind a filter so that the runtime may compact in between.
//! A row that has two errors keeps its first one: an output that may fail never overtakes one that may fail too.

mod cost;
mod user_aggregate;

use crate::constants::ConstantPool;
use crate::isa::Target;
use crate::kernel::{Form, FusedCall, KernelBody, KernelPlan};
use crate::lower::aggregate::is_fusible;
use crate::lower::vector::capability::{is_vectorisable, may_be_suspected};
use crate::spans::Spans;
use crate::{CodegenError, CompileOptions, manifest};
use sabot_abi::manifest as abi;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind};
use sabot_ir::pipeline::{AggregateInput, Body, End, OperatorId, Pipelines, Reg, Register, Step, TableKind};
use sabot_ir::ty::Type;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A job whose kernels are decided on.
pub(crate) struct Job {
    /// By their number.
    pub(crate) kernels: Vec<KernelPlan>,
    /// Their literals.
    pub(crate) pool: ConstantPool,
    /// Who calls them.
    pub(crate) manifest: abi::Manifest,
}

/// Decides on the kernels of a job.
pub(crate) fn plan(pipelines: &Pipelines, options: &CompileOptions, target: &Target) -> Result<Job, CodegenError> {
    let mut planner = Planner { pipelines, target, kernels: Vec::new(), pool: ConstantPool::new(), parts: 0 };
    let mut loops = Vec::new();
    for pipeline in &pipelines.pipelines {
        let body = planner.body(&pipeline.registers, &pipeline.body)?;
        let registers = pipeline
            .registers
            .iter()
            .map(|register| abi::Field::new(register.name.clone(), manifest::column_type(&register.ty)))
            .collect();
        loops.push(abi::Pipeline { origin: manifest::origin(&pipeline.origin), registers, body });
    }
    let aggregates = pipelines.aggregates.iter().map(|aggregate| planner.user_aggregate(aggregate)).collect();
    let names = planner.kernels.iter().map(|kernel| kernel.name.clone()).collect();
    let manifest = manifest::job(pipelines, options, &target.isa.triple().to_string(), loops, aggregates, names);
    Ok(Job { kernels: planner.kernels, pool: planner.pool, manifest })
}

struct Planner<'a> {
    pipelines: &'a Pipelines,
    target: &'a Target,
    kernels: Vec<KernelPlan>,
    pool: ConstantPool,
    /// Parts so far: a number that makes names unique.
    parts: usize,
}

/// What one kernel does of a step.
struct Part {
    filter: Option<Expr>,
    outputs: Vec<(u32, Expr)>,
    vector: bool,
}

impl Part {
    /// Registers that it reads and does not write.
    fn reads(&self) -> BTreeSet<u32> {
        reads(self.filter.as_ref(), &self.outputs)
    }
}

fn reads(filter: Option<&Expr>, outputs: &[(u32, Expr)]) -> BTreeSet<u32> {
    let mut read: BTreeSet<u32> = filter.map(Expr::columns).unwrap_or_default().into_iter().collect();
    let mut written = BTreeSet::new();
    for (register, expr) in outputs {
        read.extend(expr.columns().into_iter().filter(|column| !written.contains(column)));
        written.insert(*register);
    }
    read
}

impl Planner<'_> {
    fn body(&mut self, registers: &[Register], body: &Body) -> Result<abi::Body, CodegenError> {
        let mut steps = Vec::new();
        let fused = self.fused_calls(registers, &body.end);
        // The last step may become one with the aggregate.
        let (apart, last) = match (&fused, body.steps.split_last()) {
            (Some(_), Some((last @ Step::Compute { .. }, before))) => (before, Some(last)),
            _ => (body.steps.as_slice(), None),
        };
        for step in apart {
            self.step(registers, step, &mut steps)?;
        }
        let mut end = manifest::end(&body.end);
        if let (Some(calls), abi::End::Aggregate { inputs, fused, operator, .. }) = (fused, &mut end) {
            inputs.clear();
            *fused = Some(self.fuse(registers, last, calls, *operator, &mut steps)?);
        }
        if let (End::Fork(branches), abi::End::Fork(out)) = (&body.end, &mut end) {
            *out = branches.iter().map(|branch| self.body(registers, branch)).collect::<Result<_, _>>()?;
        }
        Ok(abi::Body { steps, end })
    }

    fn step(&mut self, registers: &[Register], step: &Step, steps: &mut Vec<abi::Step>) -> Result<(), CodegenError> {
        let Step::Compute { filter, outputs, live, operator, counts } = step else {
            steps.push(manifest::probe(step));
            return Ok(());
        };
        let outputs: Vec<(u32, Expr)> = outputs.iter().map(|(register, expr)| (register.0, expr.clone())).collect();
        let parts = split(filter.as_ref(), outputs, self.target);
        self.emit(registers, parts, live, *operator, counts, steps)
    }

    /// The kernels of a step, in order.
    fn emit(
        &mut self,
        registers: &[Register],
        parts: Vec<Part>,
        live: &[Reg],
        operator: OperatorId,
        counts: &[OperatorId],
        steps: &mut Vec<abi::Step>,
    ) -> Result<(), CodegenError> {
        let counted: Vec<u32> = counts.iter().map(|operator| operator.0).collect();
        if parts.is_empty() {
            if !counted.is_empty() {
                steps.push(abi::Step::Count { operators: counted });
            }
            return Ok(());
        }
        let reads: Vec<BTreeSet<u32>> = parts.iter().map(Part::reads).collect();
        let last = parts.len() - 1;
        let mut before: BTreeSet<u32> = BTreeSet::new();
        for (position, part) in parts.into_iter().enumerate() {
            let written: BTreeSet<u32> = part.outputs.iter().map(|(register, _)| *register).collect();
            let mut carried: BTreeSet<u32> = live.iter().map(|register| register.0).collect();
            carried.extend(&before);
            // What later parts read, unless it is theirs or this one's own.
            let mut made: BTreeSet<u32> = written.clone();
            made.extend(&before);
            for later in &reads[position + 1..] {
                carried.extend(later.iter().filter(|register| !made.contains(register)));
            }
            before.extend(&written);
            let kernel = self.kernel(registers, part.filter, part.outputs, None, part.vector, operator)?;
            steps.push(abi::Step::Compute {
                kernel,
                live: carried.into_iter().collect(),
                operator: operator.0,
                counts: if position == last { counted.clone() } else { Vec::new() },
            });
        }
        Ok(())
    }

    /// Adds the functions of one kernel.
    fn kernel(
        &mut self,
        registers: &[Register],
        filter: Option<Expr>,
        outputs: Vec<(u32, Expr)>,
        aggregate: Option<Vec<FusedCall>>,
        vector: bool,
        operator: OperatorId,
    ) -> Result<abi::Kernel, CodegenError> {
        let mut read = reads(filter.as_ref(), &outputs);
        for call in aggregate.iter().flatten() {
            let used = call.arg.iter().map(|(register, _)| *register).chain(call.filter);
            read.extend(used.filter(|register| outputs.iter().all(|(written, _)| written != register)));
        }
        let inputs = read
            .iter()
            .map(|number| {
                let register = registers.get(*number as usize);
                let register =
                    register.ok_or_else(|| CodegenError::internal("a step reads a register that does not exist"))?;
                Ok((*number, register.ty.clone()))
            })
            .collect::<Result<Vec<(u32, Type)>, CodegenError>>()?;
        for expr in filter.iter().chain(outputs.iter().map(|(_, expr)| expr)) {
            self.pool.add(expr);
        }
        let is_fused = aggregate.is_some();
        let mut expressions = filter.iter().chain(outputs.iter().map(|(_, expr)| expr));
        let can_fail = is_fused || expressions.any(|expr| expr.can_fail() || (vector && may_be_suspected(expr)));
        let any_nullable = inputs.iter().any(|(_, ty)| ty.is_option());
        let cost = cost::of_kernel(filter.as_ref(), &outputs, aggregate.as_deref(), vector);
        let written =
            if is_fused { Vec::new() } else { outputs.iter().map(|(register, _)| *register).collect::<Vec<_>>() };
        let has_filter = filter.is_some();
        let body = Arc::new(KernelBody { inputs, filter, outputs, aggregate });
        let spans = Arc::new(Spans::of(&body));
        let name = self.name(operator);
        let (plain, nullable, replay) = if vector {
            let plain = self.function(format!("{name}_plain"), Form::Plain, &body, &spans);
            let nullable = if any_nullable {
                self.function(format!("{name}_nullable"), Form::Nullable, &body, &spans)
            } else {
                plain
            };
            let replay = can_fail.then(|| self.function(format!("{name}_replay"), Form::Scalar, &body, &spans));
            (plain, nullable, replay)
        } else {
            let rows = self.function(format!("{name}_rows"), Form::Scalar, &body, &spans);
            (rows, rows, None)
        };
        Ok(abi::Kernel {
            plain,
            nullable,
            replay,
            vector,
            filter: has_filter,
            cost,
            inputs: read.into_iter().collect(),
            outputs: written,
            spans: if can_fail || !vector { spans.ranges() } else { Vec::new() },
            messages: spans.messages(),
        })
    }

    fn function(&mut self, name: String, form: Form, body: &Arc<KernelBody>, spans: &Arc<Spans>) -> u32 {
        let number = u32::try_from(self.kernels.len()).expect("a job has fewer than 2^32 kernels");
        self.kernels.push(KernelPlan { name, form, body: Arc::clone(body), spans: Arc::clone(spans) });
        number
    }

    /// A symbol for the next kernel: the operator's name and a number.
    fn name(&mut self, operator: OperatorId) -> String {
        let name = self.pipelines.operators.get(operator.0 as usize).map_or("step", |info| info.name.as_str());
        let clean: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        self.parts += 1;
        format!("{clean}_{}", self.parts)
    }

    /// The calls of an aggregate without keys, if all of them can be fused.
    fn fused_calls(&self, registers: &[Register], end: &End) -> Option<Vec<FusedCall>> {
        let End::Aggregate { table, keys, inputs, .. } = end else { return None };
        let TableKind::Aggregate { calls, .. } = &self.pipelines.tables.get(table.0 as usize)?.kind else {
            return None;
        };
        if !keys.is_empty() || calls.len() != inputs.len() {
            return None;
        }
        let fuse = |(function, input): (_, &AggregateInput)| {
            let arg = match input.args.as_slice() {
                [] => None,
                [register] => Some((register.0, registers.get(register.0 as usize)?.ty.clone())),
                _ => return None,
            };
            let call = FusedCall { function, arg, filter: input.filter.map(|register| register.0) };
            is_fusible(&call).then_some(call)
        };
        calls.iter().map(|call| call.function).zip(inputs).map(fuse).collect()
    }

    /// The last step and the aggregate behind it as one kernel.
    fn fuse(
        &mut self,
        registers: &[Register],
        last: Option<&Step>,
        calls: Vec<FusedCall>,
        aggregate: u32,
        steps: &mut Vec<abi::Step>,
    ) -> Result<abi::FusedAggregate, CodegenError> {
        let Some(Step::Compute { filter, outputs, operator, counts, .. }) = last else {
            let kernel = self.kernel(registers, None, Vec::new(), Some(calls), true, OperatorId(aggregate))?;
            return Ok(abi::FusedAggregate { kernel, counts: Vec::new() });
        };
        let outputs: Vec<(u32, Expr)> = outputs.iter().map(|(register, expr)| (register.0, expr.clone())).collect();
        let all_vector = outputs.iter().all(|(_, expr)| is_vectorisable(expr, self.target));
        let mut parts = split(filter.as_ref(), outputs.clone(), self.target);
        let (filter, outputs) = if all_vector && parts.iter().all(|part| part.vector) {
            parts.clear();
            (filter.clone(), outputs)
        } else if all_vector {
            // A filter that is no vector's goes before.
            parts.retain(|part| part.filter.is_some());
            for part in &mut parts {
                part.outputs.clear();
            }
            (None, outputs)
        } else {
            (None, Vec::new())
        };
        let mut live: BTreeSet<u32> = reads(filter.as_ref(), &outputs);
        for call in &calls {
            live.extend(call.arg.iter().map(|(register, _)| *register).chain(call.filter));
        }
        let written: BTreeSet<u32> =
            outputs.iter().chain(parts.iter().flat_map(|part| &part.outputs)).map(|(register, _)| *register).collect();
        let live: Vec<Reg> = live.difference(&written).map(|register| Reg(*register)).collect();
        if !parts.is_empty() {
            self.emit(registers, parts, &live, *operator, &[], steps)?;
        }
        let kernel = self.kernel(registers, filter, outputs, Some(calls), true, *operator)?;
        Ok(abi::FusedAggregate { kernel, counts: counts.iter().map(|operator| operator.0).collect() })
    }
}

/// The parts of `a && b && c`, in order.
fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    if let ExprKind::Binary(BinaryOp::And, a, b) = &expr.kind {
        let mut all = conjuncts(a);
        all.extend(conjuncts(b));
        all
    } else {
        vec![expr]
    }
}

fn all_of(terms: &[&Expr]) -> Option<Expr> {
    let mut terms = terms.iter().map(|term| (*term).clone());
    let first = terms.next()?;
    Some(terms.fold(first, |all, term| {
        let span = all.span.to(term.span);
        Expr::new(ExprKind::Binary(BinaryOp::And, Box::new(all), Box::new(term)), Type::Bool, span)
    }))
}

/// A filter as one for vectors and one for the rows that are left.
fn split_filter(filter: &Expr, target: &Target) -> (Option<Expr>, Option<Expr>) {
    let terms = conjuncts(filter);
    let (vector, scalar): (Vec<&Expr>, Vec<&Expr>) = if terms.iter().any(|term| term.can_fail()) {
        let first_scalar = terms.iter().position(|term| !is_vectorisable(term, target)).unwrap_or(terms.len());
        (terms[..first_scalar].to_vec(), terms[first_scalar..].to_vec())
    } else {
        terms.into_iter().partition(|term| is_vectorisable(term, target))
    };
    (all_of(&vector), all_of(&scalar))
}

/// The kernels of a step, in order.
fn split(filter: Option<&Expr>, outputs: Vec<(u32, Expr)>, target: &Target) -> Vec<Part> {
    let mut vector_outputs = Vec::new();
    let mut scalar_outputs: Vec<(u32, Expr)> = Vec::new();
    for (register, expr) in outputs {
        let reads_scalar = expr.columns().iter().any(|column| scalar_outputs.iter().any(|(made, _)| made == column));
        let overtakes = expr.can_fail() && scalar_outputs.iter().any(|(_, before)| before.can_fail());
        if is_vectorisable(&expr, target) && !reads_scalar && !overtakes {
            vector_outputs.push((register, expr));
        } else {
            scalar_outputs.push((register, expr));
        }
    }
    let (vector_filter, scalar_filter) = filter.map_or((None, None), |filter| split_filter(filter, target));
    let mut parts = Vec::new();
    let dear = vector_outputs.iter().any(|(_, expr)| cost::is_dear(expr));
    match (vector_filter, scalar_filter) {
        (Some(filter), None) if !dear => {
            parts.push(Part { filter: Some(filter), outputs: std::mem::take(&mut vector_outputs), vector: true });
        }
        (vector, scalar) => {
            if let Some(filter) = vector {
                parts.push(Part { filter: Some(filter), outputs: Vec::new(), vector: true });
            }
            if let Some(filter) = scalar {
                // Scalar outputs come along, if nothing stands between.
                let with = if vector_outputs.is_empty() { std::mem::take(&mut scalar_outputs) } else { Vec::new() };
                parts.push(Part { filter: Some(filter), outputs: with, vector: false });
            }
        }
    }
    if !vector_outputs.is_empty() {
        parts.push(Part { filter: None, outputs: vector_outputs, vector: true });
    }
    if !scalar_outputs.is_empty() {
        parts.push(Part { filter: None, outputs: scalar_outputs, vector: false });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Cpu;
    use sabot_ir::expr::{Function, Literal};
    use sabot_ir::span::Span;

    fn text(register: u32) -> Expr {
        Expr::column(register, Type::String)
    }

    fn number(register: u32) -> Expr {
        Expr::column(register, Type::Int64)
    }

    fn binary(op: BinaryOp, a: Expr, b: Expr, ty: Type) -> Expr {
        Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), ty, Span::NONE)
    }

    /// Parts of a step, as text: `v` or `s`, `?` for a filter, the registers that it writes.
    fn parts(filter: Option<Expr>, outputs: Vec<(u32, Expr)>) -> Vec<String> {
        let target = Target::new(Some("x86_64-unknown-linux-gnu"), Cpu::V3).expect("a known target");
        let show = |part: &Part| {
            let form = if part.vector { "v" } else { "s" };
            let filter = if part.filter.is_some() { "?" } else { "" };
            let registers: Vec<String> = part.outputs.iter().map(|(register, _)| register.to_string()).collect();
            format!("{form}{filter}{}", registers.join(","))
        };
        split(filter.as_ref(), outputs, &target).iter().map(show).collect()
    }

    fn is_text() -> Expr {
        binary(BinaryOp::Eq, text(0), Expr::literal(Literal::String("x".to_owned()), Type::String), Type::Bool)
    }

    fn is_great() -> Expr {
        binary(BinaryOp::Gt, number(1), Expr::literal(Literal::Int(1), Type::Int64), Type::Bool)
    }

    fn sum() -> Expr {
        binary(BinaryOp::Add, number(1), number(2), Type::Int64)
    }

    fn length() -> Expr {
        Expr::new(ExprKind::Call(Function::Len, vec![text(0)]), Type::UInt64, Span::NONE)
    }

    #[test]
    fn cheap_outputs_go_with_the_filter_and_dear_ones_behind_it() {
        let quotient = binary(BinaryOp::Div, number(1), number(2), Type::Int64);
        assert_eq!(parts(Some(is_great()), vec![(5, sum())]), ["v?5"]);
        assert_eq!(parts(Some(is_great()), vec![(5, sum()), (6, quotient)]), ["v?", "v5,6"]);
        assert_eq!(parts(None, vec![(5, sum())]), ["v5"]);
        assert_eq!(parts(None, Vec::new()), Vec::<String>::new());
    }

    #[test]
    fn what_has_no_vector_form_comes_last() {
        assert_eq!(parts(Some(is_great()), vec![(5, length()), (6, sum())]), ["v?6", "s5"]);
        assert_eq!(parts(Some(is_text()), vec![(5, length())]), ["s?5"]);
        assert_eq!(parts(Some(is_text()), vec![(5, length()), (6, sum())]), ["s?", "v6", "s5"]);
    }

    #[test]
    fn outputs_do_not_overtake_what_they_read_nor_earlier_errors() {
        let next = binary(
            BinaryOp::Add,
            Expr::column(5, Type::UInt64),
            Expr::literal(Literal::Int(1), Type::UInt64),
            Type::UInt64,
        );
        assert_eq!(parts(None, vec![(5, length()), (6, next.clone())]), ["s5,6"]);
        let fallible = Expr::new(
            ExprKind::Call(Function::Pow, vec![number(1), Expr::column(3, Type::UInt32)]),
            Type::Int64,
            Span::NONE,
        );
        assert_eq!(parts(None, vec![(5, fallible), (6, sum())]), ["s5,6"]);
    }

    #[test]
    fn a_filter_is_split_only_where_no_error_can_tell() {
        let both = binary(BinaryOp::And, is_text(), is_great(), Type::Bool);
        assert_eq!(parts(Some(both), Vec::new()), ["v?", "s?"]);
        let may_fail = binary(BinaryOp::Gt, sum(), Expr::literal(Literal::Int(1), Type::Int64), Type::Bool);
        let both = binary(BinaryOp::And, is_text(), may_fail, Type::Bool);
        assert_eq!(parts(Some(both), Vec::new()), ["s?"]);
    }
}
