//! Accumulators in lanes, which go into memory at the end of the chunk.
//!
//! The vectors of one pass are first taken together, so that few registers are held over the loop. A row that does not
//! count is a zero in a sum, and a NaN or the start value in `min` and `max`.
//!
//! `min` and `max` of floats start from an infinity. Should they end there, NaNs and infinities cannot be told apart any
//! more: the kernel then says that some row may have failed, and the replay kernel decides row by row.

use super::{add_count, add_float, add_integer, is_better, merge_best, two_sum};
use crate::CodegenError;
use crate::column::{Class, greatest, least};
use crate::function::FunctionCx;
use crate::kernel::FusedCall;
use crate::lower::vector::{VectorCx, choose};
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{Block, InstBuilder as _, Type as Clif, Value, types};
use cranelift_frontend::Variable;
use sabot_ir::plan::AggregateFunction;

/// What a call accumulates.
enum State {
    /// Nothing but the count.
    Count,
    /// Sums and their compensations.
    Float(Variable, Variable),
    /// Sums of integers so narrow that those of a chunk fit into 64 bits.
    Narrow(Variable),
    /// Sums of the lower and upper halves of 64-bit integers.
    /// And of those that are known to be so small that the sum of a chunk's fits into 64 bits.
    Wide(Variable, Variable, Variable),
    /// The least or greatest so far, and where it started.
    Best(Variable, u64),
}

/// Which rows a call takes, beyond being selected: those of its filter, those where its argument is there.
type Condition = (Option<u32>, Option<u32>);

/// A vector that a call takes.
#[derive(Clone, Copy)]
struct Pending {
    value: Value,
    /// Its integers are so small that those of a chunk do not overflow.
    is_small: bool,
}

/// The accumulators of a fused kernel.
pub(crate) struct LaneAccumulators<'b> {
    calls: &'b [FusedCall],
    states: Vec<State>,
    /// Counters of rows by condition, in lanes.
    counters: Vec<(Condition, Variable)>,
    /// For each call, what the vectors of this pass add.
    pending: Vec<Vec<Pending>>,
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

fn variable(fx: &mut FunctionCx<'_>, ty: Clif, bits: u64) -> Variable {
    let variable = fx.builder.declare_var(ty);
    let start = fx.lanes(ty, bits, bits);
    fx.builder.def_var(variable, start);
    variable
}

impl<'b> LaneAccumulators<'b> {
    /// Accumulators of no rows.
    pub(crate) fn new(fx: &mut FunctionCx<'_>, calls: &'b [FusedCall]) -> Result<Self, CodegenError> {
        let memory = fx.accumulators();
        let rows = fx.builder.declare_var(types::I64);
        let none = fx.int(types::I64, 0);
        fx.builder.def_var(rows, none);
        let mut states = Vec::new();
        let mut counters: Vec<(Condition, Variable)> = Vec::new();
        for call in calls {
            let class = class_of(call);
            let is_min = call.function == AggregateFunction::Min;
            states.push(match (call.function, class) {
                (AggregateFunction::Count, _) => State::Count,
                (AggregateFunction::Sum | AggregateFunction::Avg, Class::F32 | Class::F64) => {
                    State::Float(variable(fx, types::F64X2, 0), variable(fx, types::F64X2, 0))
                }
                (AggregateFunction::Sum | AggregateFunction::Avg, Class::Int { bits: 64, .. }) => {
                    let [low, high, small] = [(); 3].map(|()| variable(fx, types::I64X2, 0));
                    State::Wide(low, high, small)
                }
                (AggregateFunction::Sum | AggregateFunction::Avg, Class::Int { .. }) => {
                    State::Narrow(variable(fx, types::I64X2, 0))
                }
                (AggregateFunction::Min | AggregateFunction::Max, Class::F64) => {
                    let start = if is_min { f64::INFINITY } else { f64::NEG_INFINITY }.to_bits();
                    State::Best(variable(fx, types::F64X2, start), start)
                }
                (AggregateFunction::Min | AggregateFunction::Max, Class::Int { bits, signed }) => {
                    let start = if is_min { greatest(bits, signed) } else { least(bits, signed) }.cast_unsigned();
                    State::Best(variable(fx, types::I64X2, start), start)
                }
                _ => return Err(CodegenError::internal("an aggregate call that cannot be fused")),
            });
            let condition = condition(call);
            if condition != (None, None) && counters.iter().all(|(known, _)| *known != condition) {
                counters.push((condition, variable(fx, types::I64X2, 0)));
            }
        }
        let pending = vec![Vec::new(); calls.len()];
        Ok(Self { calls, states, counters, pending, rows, memory })
    }

    /// Takes two rows, of which `mask` are selected (`None`: both), for the end of the pass.
    pub(crate) fn update(&mut self, cx: &mut VectorCx<'_, '_>, mask: Option<Value>) -> Result<(), CodegenError> {
        let mut counted = vec![false; self.counters.len()];
        for (position, call) in self.calls.iter().enumerate() {
            cx.fx.note(|| call.function.name().to_owned());
            let missing = || CodegenError::internal("an aggregate reads a register that the kernel was not given");
            let arg = match &call.arg {
                Some((register, _)) => Some(*cx.registers.get(register).ok_or_else(missing)?),
                None => None,
            };
            let mut mask = mask;
            if let Some(filter) = call.filter {
                let keeps = cx.registers.get(&filter).ok_or_else(missing)?.value;
                mask = cx.both(mask, Some(keeps));
            }
            mask = cx.both(mask, arg.and_then(|arg| arg.valid));
            let own = condition(call);
            if let Some(number) = self.counters.iter().position(|(known, _)| *known == own)
                && !std::mem::replace(&mut counted[number], true)
            {
                // A mask of a row is -1.
                let counter = self.counters[number].1;
                let before = cx.fx.builder.use_var(counter);
                let mask = mask.unwrap_or_else(|| cx.mask(true));
                let after = cx.fx.builder.ins().isub(before, mask);
                cx.fx.builder.def_var(counter, after);
            }
            if let Some(arg) = arg {
                let is_small = cx.is_small(class_of(call), arg.value);
                let value = match mask {
                    Some(mask) => masked(cx, &self.states[position], mask, arg.value),
                    None => arg.value,
                };
                self.pending[position].push(Pending { value, is_small });
            }
        }
        Ok(())
    }

    /// The pass is over: takes its vectors into the accumulators.
    pub(crate) fn end_pass(&mut self, fx: &mut FunctionCx<'_>) {
        for ((call, state), values) in self.calls.iter().zip(&self.states).zip(&mut self.pending) {
            let values = std::mem::take(values);
            fx.note(|| call.function.name().to_owned());
            take(fx, state, class_of(call), call.function == AggregateFunction::Min, &values);
        }
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
        let totals: Vec<Value> = self.counters.iter().map(|(_, lanes)| sum_lanes(fx, *lanes)).collect();
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
                    Some(best_lane(fx, class_of(call), call.function == AggregateFunction::Min, *lanes))
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
                    let (sum, rest) = sum_float_lanes(fx, *sums, *rests);
                    add_float(fx, self.memory, position, sum, Some(rest));
                }
                State::Narrow(lanes) => {
                    let sum = sum_lanes(fx, *lanes);
                    let wide = fx.builder.ins().sextend(types::I128, sum);
                    add_integer(fx, self.memory, position, wide);
                }
                State::Wide(low, high, small) => {
                    let small = sum_lanes(fx, *small);
                    let low = sum_lanes(fx, *low);
                    let high = sum_lanes(fx, *high);
                    let low = fx.builder.ins().uextend(types::I128, low);
                    let high = fx.builder.ins().sextend(types::I128, high);
                    let high = fx.builder.ins().ishl_imm_u(high, 32);
                    let wide = fx.builder.ins().iadd(high, low);
                    let small = fx.builder.ins().sextend(types::I128, small);
                    let wide = fx.builder.ins().iadd(wide, small);
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

/// The values of two rows, or where they do not count what changes nothing.
fn masked(cx: &mut VectorCx<'_, '_>, state: &State, mask: Value, value: Value) -> Value {
    let ty = cx.fx.type_of(value);
    match state {
        State::Count => value,
        State::Float(..) | State::Narrow(_) | State::Wide(..) => {
            let bits = cx.fx.bitcast(types::I64X2, value);
            let bits = cx.fx.builder.ins().band(bits, mask);
            cx.fx.bitcast(ty, bits)
        }
        State::Best(..) if ty == types::F64X2 => {
            // All ones are a NaN, which is never less or greater.
            let not = cx.fx.builder.ins().bnot(mask);
            let bits = cx.fx.bitcast(types::I64X2, value);
            let bits = cx.fx.builder.ins().bor(bits, not);
            cx.fx.bitcast(ty, bits)
        }
        State::Best(_, start) => {
            let start = cx.fx.lanes(ty, *start, *start);
            cx.choose(mask, value, start)
        }
    }
}

/// Takes the vectors of a pass.
fn take(fx: &mut FunctionCx<'_>, state: &State, class: Class, is_min: bool, values: &[Pending]) {
    let all_small = values.iter().all(|pending| pending.is_small);
    let values: Vec<Value> = values.iter().map(|pending| pending.value).collect();
    let Some((&first, rest)) = values.split_first() else { return };
    match state {
        State::Count => {}
        State::Float(sums, rests) => {
            let (mut all, mut lost) = (first, None);
            for value in rest {
                let (sum, error) = two_sum(fx, all, *value);
                lost = Some(lost.map_or(error, |lost| fx.builder.ins().fadd(lost, error)));
                all = sum;
            }
            let before = fx.builder.use_var(*sums);
            let (sum, error) = two_sum(fx, before, all);
            let error = lost.map_or(error, |lost| fx.builder.ins().fadd(lost, error));
            let before = fx.builder.use_var(*rests);
            let rest = fx.builder.ins().fadd(before, error);
            fx.builder.def_var(*sums, sum);
            fx.builder.def_var(*rests, rest);
        }
        State::Narrow(sums) => {
            let all = rest.iter().fold(first, |all, value| fx.builder.ins().iadd(all, *value));
            add_to(fx, *sums, all);
        }
        State::Wide(_, _, small) if all_small => {
            let all = rest.iter().fold(first, |all, value| fx.builder.ins().iadd(all, *value));
            add_to(fx, *small, all);
        }
        State::Wide(low, high, _) => {
            let signed = matches!(class, Class::Int { signed: true, .. });
            let (mut lowers, mut uppers) = (None, None);
            for value in std::iter::once(&first).chain(rest) {
                let lower = fx.lanes(types::I64X2, 0xffff_ffff, 0xffff_ffff);
                let lower = fx.builder.ins().band(*value, lower);
                let ins = fx.builder.ins();
                let upper = if signed { ins.sshr_imm_u(*value, 32) } else { ins.ushr_imm_u(*value, 32) };
                lowers = Some(lowers.map_or(lower, |all| fx.builder.ins().iadd(all, lower)));
                uppers = Some(uppers.map_or(upper, |all| fx.builder.ins().iadd(all, upper)));
            }
            if let (Some(lowers), Some(uppers)) = (lowers, uppers) {
                add_to(fx, *low, lowers);
                add_to(fx, *high, uppers);
            }
        }
        State::Best(best, _) => {
            for candidate in std::iter::once(&first).chain(rest) {
                let before = fx.builder.use_var(*best);
                let better = is_better(fx, class, is_min, *candidate, before);
                let after = choose(fx, better, *candidate, before);
                fx.builder.def_var(*best, after);
            }
        }
    }
}

fn add_to(fx: &mut FunctionCx<'_>, variable: Variable, value: Value) {
    let before = fx.builder.use_var(variable);
    let after = fx.builder.ins().iadd(before, value);
    fx.builder.def_var(variable, after);
}

fn lanes(fx: &mut FunctionCx<'_>, variable: Variable) -> [Value; 2] {
    let vector = fx.builder.use_var(variable);
    [0u8, 1].map(|lane| fx.builder.ins().extractlane(vector, lane))
}

fn sum_lanes(fx: &mut FunctionCx<'_>, variable: Variable) -> Value {
    let [a, b] = lanes(fx, variable);
    fx.builder.ins().iadd(a, b)
}

fn sum_float_lanes(fx: &mut FunctionCx<'_>, sums: Variable, rests: Variable) -> (Value, Value) {
    let [a, b] = lanes(fx, sums);
    let [a_rest, b_rest] = lanes(fx, rests);
    let (sum, error) = two_sum(fx, a, b);
    let rest = fx.builder.ins().fadd(a_rest, b_rest);
    let rest = fx.builder.ins().fadd(rest, error);
    (sum, rest)
}

fn best_lane(fx: &mut FunctionCx<'_>, class: Class, is_min: bool, variable: Variable) -> Value {
    let [a, b] = lanes(fx, variable);
    let better = is_better(fx, class, is_min, b, a);
    fx.select(better, b, a)
}
