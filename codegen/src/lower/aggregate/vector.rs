//! Accumulators in lanes: each vector of a pass has its own, and at the end of the chunk they go into memory.
//!
//! `min` and `max` of floats start from an infinity. Should they end there, NaNs and infinities cannot be told apart any
//! more: the kernel then says that some row may have failed, and the replay kernel decides row by row.

use super::{add_count, add_float, add_integer, is_better, merge_best, two_sum};
use crate::CodegenError;
use crate::column::{Class, greatest, least};
use crate::function::FunctionCx;
use crate::kernel::FusedCall;
use crate::lower::vector::VectorCx;
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{Block, InstBuilder as _, Type as Clif, Value, types};
use cranelift_frontend::Variable;
use sabot_ir::plan::AggregateFunction;

/// What a call accumulates; one variable for each vector of a pass.
enum State {
    /// Nothing but the count.
    Count,
    /// Sums and their compensations.
    Float(Vec<Variable>, Vec<Variable>),
    /// Sums of integers so narrow that those of a chunk fit into 64 bits.
    Narrow(Vec<Variable>),
    /// Sums of the lower and upper halves of 64-bit integers.
    Wide(Vec<Variable>, Vec<Variable>),
    /// The least or greatest so far, and where it started.
    Best(Vec<Variable>, u64),
}

/// Which rows a call takes, beyond being selected: those of its filter, those where its argument is there.
type Condition = (Option<u32>, Option<u32>);

/// The accumulators of a fused kernel.
pub(crate) struct LaneAccumulators<'b> {
    calls: &'b [FusedCall],
    states: Vec<State>,
    /// Counters of rows by condition, in lanes.
    counters: Vec<(Condition, Vec<Variable>)>,
    /// Number of rows that passed.
    rows: Variable,
    /// `Chunk::accumulators`.
    memory: Value,
}

fn condition(call: &FusedCall) -> Condition {
    let nullable = call.arg.as_ref().filter(|(_, ty)| ty.is_option()).map(|(register, _)| *register);
    (call.filter, nullable)
}

fn class_of(call: &FusedCall) -> Class {
    call.arg.as_ref().map_or(Class::Unit, |(_, ty)| Class::of(ty))
}

fn variables(fx: &mut FunctionCx<'_>, ty: Clif, unroll: usize, bits: u64) -> Vec<Variable> {
    let mut variables = Vec::with_capacity(unroll);
    for _ in 0..unroll {
        let variable = fx.builder.declare_var(ty);
        let start = fx.lanes(ty, bits, bits);
        fx.builder.def_var(variable, start);
        variables.push(variable);
    }
    variables
}

impl<'b> LaneAccumulators<'b> {
    /// Accumulators of no rows.
    pub(crate) fn new(fx: &mut FunctionCx<'_>, calls: &'b [FusedCall], unroll: usize) -> Result<Self, CodegenError> {
        let memory = fx.accumulators();
        let rows = fx.builder.declare_var(types::I64);
        let none = fx.int(types::I64, 0);
        fx.builder.def_var(rows, none);
        let mut states = Vec::new();
        let mut counters: Vec<(Condition, Vec<Variable>)> = Vec::new();
        for call in calls {
            let class = class_of(call);
            let is_min = call.function == AggregateFunction::Min;
            states.push(match (call.function, class) {
                (AggregateFunction::Count, _) => State::Count,
                (AggregateFunction::Sum | AggregateFunction::Avg, Class::F32 | Class::F64) => {
                    State::Float(variables(fx, types::F64X2, unroll, 0), variables(fx, types::F64X2, unroll, 0))
                }
                (AggregateFunction::Sum | AggregateFunction::Avg, Class::Int { bits: 64, .. }) => {
                    State::Wide(variables(fx, types::I64X2, unroll, 0), variables(fx, types::I64X2, unroll, 0))
                }
                (AggregateFunction::Sum | AggregateFunction::Avg, Class::Int { .. }) => {
                    State::Narrow(variables(fx, types::I64X2, unroll, 0))
                }
                (AggregateFunction::Min | AggregateFunction::Max, Class::F64) => {
                    let start = if is_min { f64::INFINITY } else { f64::NEG_INFINITY }.to_bits();
                    State::Best(variables(fx, types::F64X2, unroll, start), start)
                }
                (AggregateFunction::Min | AggregateFunction::Max, Class::Int { bits, signed }) => {
                    let start = if is_min { greatest(bits, signed) } else { least(bits, signed) }.cast_unsigned();
                    State::Best(variables(fx, types::I64X2, unroll, start), start)
                }
                _ => return Err(CodegenError::internal("an aggregate call that cannot be fused")),
            });
            let condition = condition(call);
            if condition != (None, None) && counters.iter().all(|(known, _)| *known != condition) {
                counters.push((condition, variables(fx, types::I64X2, unroll, 0)));
            }
        }
        Ok(Self { calls, states, counters, rows, memory })
    }

    /// Takes two rows, of which `mask` are selected.
    pub(crate) fn update(&mut self, cx: &mut VectorCx<'_, '_>, group: usize, mask: Value) -> Result<(), CodegenError> {
        let mut counted = vec![false; self.counters.len()];
        for (call, state) in self.calls.iter().zip(&self.states) {
            cx.fx.note(|| call.function.name().to_owned());
            let missing = || CodegenError::internal("an aggregate reads a register that the kernel was not given");
            let arg = match &call.arg {
                Some((register, _)) => Some(*cx.registers.get(register).ok_or_else(missing)?),
                None => None,
            };
            let mut mask = mask;
            if let Some(filter) = call.filter {
                let keeps = cx.registers.get(&filter).ok_or_else(missing)?.value;
                mask = cx.fx.builder.ins().band(mask, keeps);
            }
            if let Some(valid) = arg.and_then(|arg| arg.valid) {
                mask = cx.fx.builder.ins().band(mask, valid);
            }
            let own = condition(call);
            if let Some(number) = self.counters.iter().position(|(known, _)| *known == own)
                && !std::mem::replace(&mut counted[number], true)
            {
                // A mask of a row is -1.
                let counter = self.counters[number].1[group];
                let before = cx.fx.builder.use_var(counter);
                let after = cx.fx.builder.ins().isub(before, mask);
                cx.fx.builder.def_var(counter, after);
            }
            if let Some(arg) = arg {
                take(cx, state, group, class_of(call), call.function == AggregateFunction::Min, mask, arg.value);
            }
        }
        Ok(())
    }

    /// Counts the rows of a block that are left.
    pub(crate) fn count_block(&self, fx: &mut FunctionCx<'_>, left: Value) {
        let count = fx.builder.ins().popcnt(left);
        let before = fx.builder.use_var(self.rows);
        let after = fx.builder.ins().iadd(before, count);
        fx.builder.def_var(self.rows, after);
    }

    /// The chunk is done: takes the lanes into memory, or goes to `fail` and leaves memory as it is.
    pub(crate) fn merge(&self, fx: &mut FunctionCx<'_>, fail: Block) {
        fx.note(|| "into the accumulators".to_owned());
        let rows = fx.builder.use_var(self.rows);
        let totals: Vec<Value> = self.counters.iter().map(|(_, lanes)| sum_lanes(fx, lanes)).collect();
        let counts: Vec<Value> = self
            .calls
            .iter()
            .map(|call| {
                let own = condition(call);
                self.counters.iter().position(|(known, _)| *known == own).map_or(rows, |number| totals[number])
            })
            .collect();
        let bests: Vec<Option<Value>> = self
            .calls
            .iter()
            .zip(&self.states)
            .map(|(call, state)| match state {
                State::Best(lanes, _) => {
                    Some(best_lane(fx, class_of(call), call.function == AggregateFunction::Min, lanes))
                }
                State::Count | State::Float(..) | State::Narrow(_) | State::Wide(..) => None,
            })
            .collect();
        for ((state, best), count) in self.states.iter().zip(&bests).zip(&counts) {
            if let (State::Best(_, start), Some(best)) = (state, best)
                && fx.type_of(*best) == types::F64
            {
                let start = fx.builder.ins().f64const(f64::from_bits(*start));
                let unchanged = fx.builder.ins().fcmp(FloatCC::Equal, *best, start);
                let any = fx.builder.ins().icmp_imm_u(cranelift_codegen::ir::condcodes::IntCC::NotEqual, *count, 0);
                let unclear = fx.builder.ins().band(unchanged, any);
                let clear = fx.builder.create_block();
                fx.builder.ins().brif(unclear, fail, &[], clear, &[]);
                fx.builder.switch_to_block(clear);
            }
        }
        for (position, (call, state)) in self.calls.iter().zip(&self.states).enumerate() {
            let count = counts[position];
            match state {
                State::Count => {}
                State::Float(sums, rests) => {
                    let (sum, rest) = sum_float_lanes(fx, sums, rests);
                    add_float(fx, self.memory, position, sum, Some(rest));
                }
                State::Narrow(lanes) => {
                    let sum = sum_lanes(fx, lanes);
                    let wide = fx.builder.ins().sextend(types::I128, sum);
                    add_integer(fx, self.memory, position, wide);
                }
                State::Wide(low, high) => {
                    let low = sum_lanes(fx, low);
                    let high = sum_lanes(fx, high);
                    let low = fx.builder.ins().uextend(types::I128, low);
                    let high = fx.builder.ins().sextend(types::I128, high);
                    let high = fx.builder.ins().ishl_imm_u(high, 32);
                    let wide = fx.builder.ins().iadd(high, low);
                    add_integer(fx, self.memory, position, wide);
                }
                State::Best(..) => {
                    let (some, next) = (fx.builder.create_block(), fx.builder.create_block());
                    fx.builder.ins().brif(count, some, &[], next, &[]);
                    fx.builder.switch_to_block(some);
                    let best = bests[position].expect("it was computed above");
                    let is_min = call.function == AggregateFunction::Min;
                    merge_best(fx, self.memory, position, class_of(call), is_min, best);
                    fx.builder.ins().jump(next, &[]);
                    fx.builder.switch_to_block(next);
                }
            }
            add_count(fx, self.memory, position, count);
        }
    }
}

/// Takes the values of two rows.
fn take(cx: &mut VectorCx<'_, '_>, state: &State, group: usize, class: Class, is_min: bool, mask: Value, value: Value) {
    match state {
        State::Count => {}
        State::Float(sums, rests) => {
            // A row that does not count is a zero.
            let bits = cx.fx.bitcast(types::I64X2, value);
            let bits = cx.fx.builder.ins().band(bits, mask);
            let value = cx.fx.bitcast(types::F64X2, bits);
            let before = cx.fx.builder.use_var(sums[group]);
            let (sum, error) = two_sum(cx.fx, before, value);
            let rest = cx.fx.builder.use_var(rests[group]);
            let rest = cx.fx.builder.ins().fadd(rest, error);
            cx.fx.builder.def_var(sums[group], sum);
            cx.fx.builder.def_var(rests[group], rest);
        }
        State::Narrow(sums) => {
            let value = cx.fx.builder.ins().band(value, mask);
            add_to(cx.fx, sums[group], value);
        }
        State::Wide(low, high) => {
            let value = cx.fx.builder.ins().band(value, mask);
            let lower = cx.fx.lanes(types::I64X2, 0xffff_ffff, 0xffff_ffff);
            let lower = cx.fx.builder.ins().band(value, lower);
            let signed = matches!(class, Class::Int { signed: true, .. });
            let ins = cx.fx.builder.ins();
            let upper = if signed { ins.sshr_imm_u(value, 32) } else { ins.ushr_imm_u(value, 32) };
            add_to(cx.fx, low[group], lower);
            add_to(cx.fx, high[group], upper);
        }
        State::Best(best, start) => {
            let ty = cx.fx.type_of(value);
            let start = cx.fx.lanes(ty, *start, *start);
            let candidate = cx.choose(mask, value, start);
            let before = cx.fx.builder.use_var(best[group]);
            let better = is_better(cx.fx, class, is_min, candidate, before);
            let after = cx.choose(better, candidate, before);
            cx.fx.builder.def_var(best[group], after);
        }
    }
}

fn add_to(fx: &mut FunctionCx<'_>, variable: Variable, value: Value) {
    let before = fx.builder.use_var(variable);
    let after = fx.builder.ins().iadd(before, value);
    fx.builder.def_var(variable, after);
}

/// All lanes, one after the other.
fn lanes(fx: &mut FunctionCx<'_>, variables: &[Variable]) -> Vec<Value> {
    let mut all = Vec::new();
    for variable in variables {
        let vector = fx.builder.use_var(*variable);
        for lane in 0..2u8 {
            all.push(fx.builder.ins().extractlane(vector, lane));
        }
    }
    all
}

fn sum_lanes(fx: &mut FunctionCx<'_>, variables: &[Variable]) -> Value {
    let all = lanes(fx, variables);
    let (first, rest) = all.split_first().expect("there are lanes");
    rest.iter().fold(*first, |sum, lane| fx.builder.ins().iadd(sum, *lane))
}

fn sum_float_lanes(fx: &mut FunctionCx<'_>, sums: &[Variable], rests: &[Variable]) -> (Value, Value) {
    let sums = lanes(fx, sums);
    let rests = lanes(fx, rests);
    let (mut sum, mut rest) = (sums[0], rests[0]);
    for (other, other_rest) in sums.iter().zip(&rests).skip(1) {
        let (new, error) = two_sum(fx, sum, *other);
        rest = fx.builder.ins().fadd(rest, *other_rest);
        rest = fx.builder.ins().fadd(rest, error);
        sum = new;
    }
    (sum, rest)
}

fn best_lane(fx: &mut FunctionCx<'_>, class: Class, is_min: bool, variables: &[Variable]) -> Value {
    let all = lanes(fx, variables);
    let (first, rest) = all.split_first().expect("there are lanes");
    rest.iter().fold(*first, |best, lane| {
        let better = is_better(fx, class, is_min, *lane, best);
        fx.select(better, *lane, best)
    })
}
