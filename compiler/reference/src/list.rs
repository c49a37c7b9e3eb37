//! Functions of lists, as `Vec` of std has them.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are of interest here")]

use crate::value::{Value, compare};
use sabot_abi::ROW_BYTES;
use sabot_abi::kernel::RowErrorCode;
use sabot_ir::list::ListFunction;
use std::cmp::Ordering;

/// `function(args)`, of bytes as of the list of them; `bytes` says that it gives some.
pub(crate) fn of_any(function: ListFunction, args: &[Value], bytes: bool) -> Result<Value, RowErrorCode> {
    let listed = |value: &Value| match value {
        Value::Bytes(bytes) => Value::List(bytes.iter().map(|byte| Value::Int(i128::from(*byte))).collect()),
        other => other.clone(),
    };
    // Lists of bytes hold them as they are.
    let lists = match function {
        ListFunction::Of | ListFunction::Repeat => 0,
        ListFunction::Len
        | ListFunction::At
        | ListFunction::Push
        | ListFunction::Set
        | ListFunction::Slice
        | ListFunction::Reverse
        | ListFunction::Take
        | ListFunction::Contains
        | ListFunction::Join => 1,
        ListFunction::Concat | ListFunction::Order | ListFunction::Compare => args.len(),
    };
    let args: Vec<Value> =
        args.iter().enumerate().map(|(at, arg)| if at < lists { listed(arg) } else { arg.clone() }).collect();
    let value = self::function(function, &args)?;
    match value {
        Value::List(items) if bytes => {
            let byte = |item: &Value| item.as_int().and_then(|byte| u8::try_from(byte).ok()).unwrap_or_default();
            Ok(Value::Bytes(items.iter().map(byte).collect()))
        }
        other => Ok(other),
    }
}

/// `function(args)`.
fn function(function: ListFunction, args: &[Value]) -> Result<Value, RowErrorCode> {
    Ok(match function {
        ListFunction::Of => Value::List(args.to_vec()),
        ListFunction::Repeat => {
            let len = usize::try_from(number(&args[1])).map_err(|_| RowErrorCode::TooLarge)?;
            too_large(len, &args[0])?;
            Value::List(vec![args[0].clone(); len])
        }
        ListFunction::Len => Value::Int(items(&args[0]).len() as i128),
        ListFunction::At => {
            let items = items(&args[0]);
            position(&args[1], items.len()).map(|at| items[at].clone())?
        }
        ListFunction::Push => {
            let mut items = items(&args[0]).to_vec();
            items.push(args[1].clone());
            Value::List(items)
        }
        ListFunction::Set => {
            let mut items = items(&args[0]).to_vec();
            let at = position(&args[1], items.len())?;
            items[at] = args[2].clone();
            Value::List(items)
        }
        ListFunction::Slice => {
            let items = items(&args[0]);
            let from = position(&args[1], items.len() + 1)?;
            let to = position(&args[2], items.len() + 1)?;
            Value::List(items.get(from..to).ok_or(RowErrorCode::OutOfRange)?.to_vec())
        }
        ListFunction::Concat => Value::List([items(&args[0]), items(&args[1])].concat()),
        ListFunction::Reverse => Value::List(items(&args[0]).iter().rev().cloned().collect()),
        ListFunction::Order => {
            let lists: Vec<&[Value]> = args.iter().map(items).collect();
            let mut order: Vec<usize> = (0..lists[0].len()).collect();
            order.sort_by(|a, b| {
                let by = |list: &&[Value]| total_order(&list[*a], &list[*b]);
                lists.iter().map(by).find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
            });
            Value::List(order.into_iter().map(|at| Value::Int(at as i128)).collect())
        }
        ListFunction::Take => {
            let from = items(&args[0]);
            let take = |at: &Value| position(at, from.len()).map(|at| from[at].clone());
            Value::List(items(&args[1]).iter().map(take).collect::<Result<_, _>>()?)
        }
        ListFunction::Contains => {
            let is = |item: &Value| compare(item, &args[1]) == Some(Ordering::Equal);
            Value::Bool(items(&args[0]).iter().any(is))
        }
        ListFunction::Join => {
            let text = |value: &Value| match value {
                Value::String(text) => text.clone(),
                other => unreachable!("{other:?} is no string"),
            };
            Value::String(items(&args[0]).iter().map(text).collect::<Vec<_>>().join(&text(&args[1])))
        }
        ListFunction::Compare => Value::Int(match compare(&args[0], &args[1]) {
            Some(Ordering::Less) => -1,
            Some(Ordering::Equal) => 0,
            Some(Ordering::Greater) => 1,
            None => 2,
        }),
    })
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::List(items) => items,
        other => unreachable!("{other:?} is no list"),
    }
}

fn number(value: &Value) -> i128 {
    value.as_int().unwrap_or_else(|| unreachable!("{value:?} is no position"))
}

/// A position below `len`.
fn position(value: &Value, len: usize) -> Result<usize, RowErrorCode> {
    match usize::try_from(number(value)) {
        Ok(at) if at < len => Ok(at),
        Ok(_) | Err(_) => Err(RowErrorCode::OutOfRange),
    }
}

/// More than a row may take.
fn too_large(len: usize, item: &Value) -> Result<(), RowErrorCode> {
    let width = match item {
        Value::Bool(_) => 1,
        Value::String(_) | Value::Bytes(_) | Value::List(_) => 16,
        Value::Null | Value::Unit | Value::Int(_) | Value::Float32(_) | Value::Float64(_) => 1,
    };
    if len.saturating_mul(width) > ROW_BYTES as usize { Err(RowErrorCode::TooLarge) } else { Ok(()) }
}

/// `Ord` of a list's items; floats as `total_cmp`.
fn total_order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Float32(a), Value::Float32(b)) => a.total_cmp(b),
        (Value::Float64(a), Value::Float64(b)) => a.total_cmp(b),
        (a, b) => compare(a, b).unwrap_or_else(|| unreachable!("only floats are unordered")),
    }
}
