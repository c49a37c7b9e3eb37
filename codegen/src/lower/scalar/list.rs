//! Functions of lists: items are read and written here, memory comes from the runtime.
//!
//! A list is an address and a number of items, see [`sabot_abi::list`]; in a register it is a string of bytes, so it is
//! opened where it is read and closed where it is written. Out of range is a row error.

use super::{Scalar, ScalarCx};
use crate::CodegenError;
use crate::column::{Class, Items};
use crate::function::memory;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder as _, Value, types};
use sabot_abi::function::RuntimeFunction;
use sabot_abi::kernel::RowErrorCode;
use sabot_abi::list::ItemKind;
use sabot_ir::expr::{BinaryOp, Expr};
use sabot_ir::list::ListFunction;
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

/// `function(args)`, all arguments evaluated from left to right.
pub(super) fn call(
    cx: &mut ScalarCx<'_, '_>,
    function: ListFunction,
    args: &[Expr],
    expr: &Expr,
) -> Result<Scalar, CodegenError> {
    let values = args.iter().map(|arg| cx.lower(arg)).collect::<Result<Vec<_>, _>>()?;
    cx.fx.note(|| format!("list {}", function.name()));
    let wrong = || CodegenError::internal("a function of lists has other arguments");
    let item_of = |ty: &Type| ty.item_type().cloned().ok_or_else(wrong);
    let first = args.first().map(|arg| &arg.ty);
    match (function, values.as_slice()) {
        (ListFunction::Of, []) => Ok(empty(cx)),
        (ListFunction::Of, items) => {
            let item = item_of(&expr.ty)?;
            let class = Class::of(&item);
            let count = i64::try_from(items.len()).map_err(|_| wrong())?;
            let len = cx.fx.int(types::I64, count);
            let shift = shift(cx, &item);
            let list = cx.call_with_result(RuntimeFunction::ListNew, &[len, shift], &expr.ty, expr.span);
            for (position, value) in (0..count).zip(items) {
                let at = cx.fx.int(types::I64, position);
                let at = address(cx, list.value, at, class);
                store(cx, at, class, *value);
            }
            Ok(list)
        }
        (ListFunction::Repeat, [x, n]) => {
            let item = item_of(&expr.ty)?;
            let shift = shift(cx, &item);
            let [low, high] = words(cx, Class::of(&item), *x);
            Ok(cx.call_with_result(RuntimeFunction::ListRepeat, &[n.value, shift, low, high], &expr.ty, expr.span))
        }
        (ListFunction::Len, [list]) => list.len.map(Scalar::plain).ok_or_else(wrong),
        (ListFunction::At, [list, at]) => {
            let class = Class::of(&expr.ty);
            in_range(cx, at.value, list.len.ok_or_else(wrong)?, expr.span);
            let at = address(cx, list.value, at.value, class);
            Ok(load(cx, at, class))
        }
        (ListFunction::Push, [list, x]) => {
            let item = item_of(&expr.ty)?;
            let class = Class::of(&item);
            let shift = shift(cx, &item);
            let len = list.len.ok_or_else(wrong)?;
            let args = [list.value, len, shift];
            let grown = cx.call_with_result(RuntimeFunction::ListGrow, &args, &expr.ty, expr.span);
            let at = address(cx, grown.value, len, class);
            store(cx, at, class, *x);
            Ok(grown)
        }
        (ListFunction::Set, [list, at, x]) => {
            let item = item_of(&expr.ty)?;
            in_range(cx, at.value, list.len.ok_or_else(wrong)?, expr.span);
            let copy = copy(cx, *list, expr)?;
            let class = Class::of(&item);
            let at = address(cx, copy.value, at.value, class);
            store(cx, at, class, *x);
            Ok(copy)
        }
        (ListFunction::Slice, [list, from, to]) => {
            let class = Class::of(&item_of(&expr.ty)?);
            let len = list.len.ok_or_else(wrong)?;
            let behind = cx.fx.builder.ins().icmp(IntCC::UnsignedGreaterThan, to.value, len);
            let crossed = cx.fx.builder.ins().icmp(IntCC::UnsignedGreaterThan, from.value, to.value);
            let bad = cx.fx.builder.ins().bor(behind, crossed);
            cx.fail_if(bad, RowErrorCode::OutOfRange, expr.span);
            let value = address(cx, list.value, from.value, class);
            let len = cx.fx.builder.ins().isub(to.value, from.value);
            Ok(Scalar { value, len: Some(len), valid: None })
        }
        (ListFunction::Concat, [_, _]) => {
            let shift = shift(cx, &item_of(&expr.ty)?);
            let args = pieces(&values).into_iter().chain([shift]).collect::<Vec<_>>();
            Ok(cx.call_with_result(RuntimeFunction::ListConcat, &args, &expr.ty, expr.span))
        }
        (ListFunction::Reverse, [_]) => {
            let shift = shift(cx, &item_of(&expr.ty)?);
            let args = pieces(&values).into_iter().chain([shift]).collect::<Vec<_>>();
            Ok(cx.call_with_result(RuntimeFunction::ListReverse, &args, &expr.ty, expr.span))
        }
        (ListFunction::Order, [_, ..]) => {
            // By the last list first; each sort is stable, so the first list decides in the end.
            let mut order = cx.fx.int(types::I64, 0);
            let mut result = None;
            for (list, arg) in values.iter().zip(args).rev() {
                let kind = kind(cx, &item_of(&arg.ty)?);
                let args = pieces(&[*list]).into_iter().chain([kind, order]).collect::<Vec<_>>();
                let sorted = cx.call_with_result(RuntimeFunction::ListOrder, &args, &expr.ty, expr.span);
                order = sorted.value;
                result = Some(sorted);
            }
            result.ok_or_else(wrong)
        }
        (ListFunction::Take, [list, order]) => {
            let shift = shift(cx, &item_of(&expr.ty)?);
            let mut args = pieces(&[*list]);
            args.push(shift);
            args.extend(pieces(&[*order]));
            Ok(cx.call_with_result(RuntimeFunction::ListTake, &args, &expr.ty, expr.span))
        }
        (ListFunction::Contains, [list, x]) => {
            let item = item_of(first.ok_or_else(wrong)?)?;
            let kind = kind(cx, &item);
            let [low, high] = words(cx, Class::of(&item), *x);
            let args = pieces(&[*list]).into_iter().chain([kind, low, high]).collect::<Vec<_>>();
            Ok(Scalar::plain(cx.fx.call(RuntimeFunction::ListContains, &args)))
        }
        (ListFunction::Join, [_, _]) => {
            Ok(cx.call_with_result(RuntimeFunction::ListJoin, &pieces(&values), &expr.ty, expr.span))
        }
        (ListFunction::Compare, [a, b]) => {
            let order = order(cx, first.ok_or_else(wrong)?, *a, *b);
            Ok(Scalar::plain(cx.fx.builder.ins().ireduce(types::I8, order)))
        }
        (
            ListFunction::Repeat
            | ListFunction::Len
            | ListFunction::At
            | ListFunction::Push
            | ListFunction::Set
            | ListFunction::Slice
            | ListFunction::Concat
            | ListFunction::Reverse
            | ListFunction::Order
            | ListFunction::Take
            | ListFunction::Contains
            | ListFunction::Join
            | ListFunction::Compare,
            _,
        ) => Err(wrong()),
    }
}

/// The same items in memory of their own.
fn copy(cx: &mut ScalarCx<'_, '_>, list: Scalar, expr: &Expr) -> Result<Scalar, CodegenError> {
    let wrong = || CodegenError::internal("a function of lists has other arguments");
    let item = expr.ty.item_type().cloned().ok_or_else(wrong)?;
    let nothing = empty(cx);
    let shift = shift(cx, &item);
    let args = pieces(&[list, nothing]).into_iter().chain([shift]).collect::<Vec<_>>();
    Ok(cx.call_with_result(RuntimeFunction::ListConcat, &args, &expr.ty, expr.span))
}

/// `a op b` of two lists of type `ty`.
pub(super) fn compare(cx: &mut ScalarCx<'_, '_>, op: BinaryOp, ty: &Type, left: Scalar, right: Scalar) -> Value {
    let order = order(cx, ty.value_type(), left, right);
    // Unordered is 2: nothing holds but `!=`; below 2, as an unsigned number, -1 is not.
    let (condition, than) = match op {
        BinaryOp::Ne => (IntCC::NotEqual, 0),
        BinaryOp::Lt => (IntCC::SignedLessThan, 0),
        BinaryOp::Le => (IntCC::SignedLessThanOrEqual, 0),
        BinaryOp::Gt => (IntCC::Equal, 1),
        BinaryOp::Ge => (IntCC::UnsignedLessThanOrEqual, 1),
        BinaryOp::Eq
        | BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::BitAnd
        | BinaryOp::BitOr
        | BinaryOp::BitXor
        | BinaryOp::Shl
        | BinaryOp::Shr
        | BinaryOp::And
        | BinaryOp::Or => (IntCC::Equal, 0),
    };
    let than = cx.fx.int(types::I32, than);
    cx.fx.builder.ins().icmp(condition, order, than)
}

/// -1, 0, 1 or 2.
fn order(cx: &mut ScalarCx<'_, '_>, ty: &Type, left: Scalar, right: Scalar) -> Value {
    let kind = kind(cx, ty.item_type().unwrap_or(ty));
    let args = pieces(&[left, right]).into_iter().chain([kind]).collect::<Vec<_>>();
    cx.fx.call(RuntimeFunction::ListCompare, &args)
}

/// A list that was read from a register, as kernels have it.
pub(super) fn open(cx: &mut ScalarCx<'_, '_>, items: Items, list: Scalar) -> Scalar {
    let Some(bytes) = list.len else { return list };
    match items {
        Items::Fixed(shift) => {
            let len = cx.fx.builder.ins().ushr_imm_u(bytes, i64::from(shift));
            Scalar { len: Some(len), ..list }
        }
        Items::Strings | Items::Lists(..) => {
            let layout = cx.fx.int(types::I64, layout(items));
            cx.call_with_result(RuntimeFunction::ListOpen, &[list.value, bytes, layout], &Type::Bytes, Span::NONE)
        }
    }
}

/// A list that is written to a register, as registers have it.
pub(super) fn close(cx: &mut ScalarCx<'_, '_>, items: Items, list: Scalar) -> Scalar {
    let Some(len) = list.len else { return list };
    match items {
        Items::Fixed(shift) => {
            let bytes = cx.fx.builder.ins().ishl_imm_u(len, i64::from(shift));
            Scalar { len: Some(bytes), ..list }
        }
        Items::Strings | Items::Lists(..) => {
            let layout = cx.fx.int(types::I64, layout(items));
            let closed =
                cx.call_with_result(RuntimeFunction::ListClose, &[list.value, len, layout], &Type::Bytes, Span::NONE);
            Scalar { valid: list.valid, ..closed }
        }
    }
}

/// How deep the lists lie in each other, and what the innermost are made of: see [`ItemKind`].
fn layout(items: Items) -> i64 {
    let of_shift = |shift: Option<u8>| shift.map_or(ItemKind::STRINGS, i64::from);
    match items {
        Items::Fixed(shift) => i64::from(shift),
        Items::Strings => ItemKind::STRINGS,
        Items::Lists(depth, inner) => of_shift(inner) | i64::from(depth) << 8,
    }
}

fn empty(cx: &mut ScalarCx<'_, '_>) -> Scalar {
    let value = cx.fx.constant(0);
    Scalar { value, len: Some(cx.fx.int(types::I64, 0)), valid: None }
}

/// Addresses and lengths, as arguments.
fn pieces(lists: &[Scalar]) -> Vec<Value> {
    lists.iter().flat_map(|list| std::iter::once(list.value).chain(list.len)).collect()
}

fn in_range(cx: &mut ScalarCx<'_, '_>, at: Value, len: Value, span: Span) {
    let bad = cx.fx.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, at, len);
    cx.fail_if(bad, RowErrorCode::OutOfRange, span);
}

fn item_shift(class: Class) -> i64 {
    match class {
        Class::List(_) | Class::Str | Class::Decimal => 4,
        Class::Unit | Class::Bool | Class::Int { .. } | Class::F32 | Class::F64 => {
            class.width().map_or(0, |width| i64::from(width.trailing_zeros()))
        }
    }
}

fn shift(cx: &mut ScalarCx<'_, '_>, item: &Type) -> Value {
    cx.fx.int(types::I64, item_shift(Class::of(item)))
}

fn address(cx: &mut ScalarCx<'_, '_>, list: Value, at: Value, class: Class) -> Value {
    let bytes = cx.fx.builder.ins().ishl_imm_u(at, item_shift(class));
    cx.fx.builder.ins().iadd(list, bytes)
}

/// The item that lies there. It may not be aligned: lists in registers are bytes.
fn load(cx: &mut ScalarCx<'_, '_>, at: Value, class: Class) -> Scalar {
    match class {
        Class::Unit => Scalar::plain(cx.fx.int(types::I8, 0)),
        Class::Bool | Class::Int { .. } | Class::F32 | Class::F64 => {
            Scalar::plain(cx.fx.builder.ins().load(class.scalar(), memory(), at, 0))
        }
        Class::Str | Class::List(_) => {
            let value = cx.fx.builder.ins().load(types::I64, memory(), at, 0);
            let len = cx.fx.builder.ins().load(types::I64, memory(), at, 8);
            Scalar { value, len: Some(len), valid: None }
        }
        Class::Decimal => {
            let low = cx.fx.builder.ins().load(types::I64, memory(), at, 0);
            let high = cx.fx.builder.ins().load(types::I64, memory(), at, 8);
            Scalar::plain(cx.fx.builder.ins().iconcat(low, high))
        }
    }
}

fn store(cx: &mut ScalarCx<'_, '_>, at: Value, class: Class, item: Scalar) {
    match class {
        Class::Unit => {}
        Class::Bool | Class::Int { .. } | Class::F32 | Class::F64 => {
            cx.fx.builder.ins().store(memory(), item.value, at, 0);
        }
        Class::Str | Class::List(_) => {
            cx.fx.builder.ins().store(memory(), item.value, at, 0);
            if let Some(len) = item.len {
                cx.fx.builder.ins().store(memory(), len, at, 8);
            }
        }
        Class::Decimal => {
            let (low, high) = cx.fx.builder.ins().isplit(item.value);
            cx.fx.builder.ins().store(memory(), low, at, 0);
            cx.fx.builder.ins().store(memory(), high, at, 8);
        }
    }
}

/// An item as two words: its bits, or its address and length.
fn words(cx: &mut ScalarCx<'_, '_>, class: Class, item: Scalar) -> [Value; 2] {
    let zero = cx.fx.int(types::I64, 0);
    match class {
        Class::Str | Class::List(_) => [item.value, item.len.unwrap_or(zero)],
        Class::Decimal => cx.fx.builder.ins().isplit(item.value).into(),
        Class::F32 => {
            let bits = cx.fx.bitcast(types::I32, item.value);
            [cx.fx.builder.ins().uextend(types::I64, bits), zero]
        }
        Class::F64 => [cx.fx.bitcast(types::I64, item.value), zero],
        Class::Int { bits: 64, .. } => [item.value, zero],
        Class::Unit | Class::Bool | Class::Int { .. } => [cx.fx.builder.ins().uextend(types::I64, item.value), zero],
    }
}

/// What items of this type are to the runtime.
fn kind(cx: &mut ScalarCx<'_, '_>, item: &Type) -> Value {
    let kind = i64::from(item_kind(item));
    cx.fx.int(types::I64, kind)
}

fn item_kind(item: &Type) -> i32 {
    let code = |kind: ItemKind| kind as i32;
    match item {
        Type::List(inner) => item_kind(inner) + 256,
        Type::Unit | Type::Bool | Type::UInt8 => code(ItemKind::U8),
        Type::Int8 => code(ItemKind::I8),
        Type::Int16 => code(ItemKind::I16),
        Type::Int32 | Type::Date => code(ItemKind::I32),
        Type::Int64 | Type::Timestamp(_) | Type::Duration => code(ItemKind::I64),
        Type::UInt16 => code(ItemKind::U16),
        Type::UInt32 | Type::Char => code(ItemKind::U32),
        Type::UInt64 => code(ItemKind::U64),
        Type::Float32 => code(ItemKind::F32),
        Type::Float64 => code(ItemKind::F64),
        Type::Decimal(..) => code(ItemKind::I128),
        Type::String | Type::Bytes => code(ItemKind::Strings),
        Type::Option(inner) => item_kind(inner),
    }
}
