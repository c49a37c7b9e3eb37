//! Lowering of lists: a list of what one column holds is one list, of anything else one list for each scalar of an item.
//!
//! Of an `Option` the first of them says whether it is there; what stands in the others then is nobody's.

use super::hir::Hir;
use super::lower::{Lower, unit};
use super::types::Ty;
use super::value::{self, Value};
use sabot_ir::ast::BinaryOp;
use sabot_ir::expr::{Expr, ExprKind, Function};
use sabot_ir::list::ListFunction;
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

fn list_call(function: ListFunction, args: Vec<Expr>, ty: Type, span: Span) -> Expr {
    Expr::new(ExprKind::Call(Function::List(function), args), ty, span)
}

/// The scalars that lists hold of an item, in the order of its lists.
fn item_leaves(ty: &Ty, item: Value, leaves: &mut Vec<Expr>) {
    match (ty, item) {
        (Ty::Option(inner), Value::Scalar(option)) if ty.column_type().is_some() => {
            let span = option.span;
            leaves.push(value::is_some(option.clone(), span));
            let default = value::default_of(option.ty.value_type());
            item_leaves(inner, Value::Scalar(value::unwrap_or(option, default, span)), leaves);
        }
        (Ty::Option(inner), Value::Option(present, held)) => {
            leaves.push(present);
            item_leaves(inner, *held, leaves);
        }
        (Ty::Tuple(types), Value::Parts(parts)) => {
            for (ty, part) in types.iter().zip(parts) {
                item_leaves(ty, part, leaves);
            }
        }
        (_, other) => leaves.extend(other.into_leaves()),
    }
}

impl Lower<'_, '_> {
    /// The scalars that lists hold of an item.
    fn leaves_of(&mut self, ty: &Ty, item: Value) -> Vec<Expr> {
        let mut leaves = Vec::new();
        if let (Ty::Record(id), Value::Parts(parts)) = (ty, &item) {
            let types: Vec<Ty> = self.cx.record(*id).fields.iter().map(|field| field.ty.clone()).collect();
            for (ty, part) in types.iter().zip(parts) {
                leaves.extend(self.leaves_of(ty, part.clone()));
            }
            return leaves;
        }
        if let (Ty::Tuple(types), Value::Parts(parts)) = (ty, &item) {
            for (ty, part) in types.iter().zip(parts) {
                leaves.extend(self.leaves_of(ty, part.clone()));
            }
            return leaves;
        }
        if let (Ty::Option(inner), Value::Option(present, held)) = (ty, &item) {
            leaves.push(present.clone());
            leaves.extend(self.leaves_of(inner, (**held).clone()));
            return leaves;
        }
        item_leaves(ty, item, &mut leaves);
        leaves
    }

    /// The item whose scalars come in the order of its lists.
    fn item_of(&mut self, ty: &Ty, leaves: &mut std::vec::IntoIter<Expr>, span: Span) -> Value {
        match ty {
            Ty::Option(inner) => {
                let Some(present) = leaves.next() else { return unit() };
                match self.item_of(inner, leaves, span) {
                    Value::Scalar(held) if ty.column_type().is_some() => {
                        let ty = held.ty.clone().optional();
                        let some = Expr::new(ExprKind::Some(Box::new(held)), ty.clone(), span);
                        let none = Expr::new(ExprKind::None, ty, span);
                        Value::Scalar(value::if_(&[], present, some, none, span))
                    }
                    held @ (Value::Scalar(_) | Value::Parts(_) | Value::Option(..)) => {
                        Value::Option(present, Box::new(held))
                    }
                }
            }
            Ty::Tuple(parts) if !parts.is_empty() => {
                Value::Parts(parts.iter().map(|part| self.item_of(part, leaves, span)).collect())
            }
            Ty::Record(id) => {
                let types: Vec<Ty> = self.cx.record(*id).fields.iter().map(|field| field.ty.clone()).collect();
                Value::Parts(types.iter().map(|ty| self.item_of(ty, leaves, span)).collect())
            }
            Ty::Error
            | Ty::Never
            | Ty::Scalar(_)
            | Ty::Usize
            | Ty::Isize
            | Ty::Tuple(_)
            | Ty::Result(..)
            | Ty::Failure
            | Ty::List(_)
            | Ty::Generic(_)
            | Ty::Ordering
            | Ty::Of(..)
            | Ty::Group
            | Ty::Var(_) => {
                Value::of_type(self.cx, ty, &mut |ty| leaves.next().unwrap_or_else(|| value::default_of(&ty)))
            }
        }
    }

    /// An item as scalars that have names, so that several lists can have them.
    fn named_leaves(&mut self, hir: &Hir) -> Vec<Expr> {
        let item = self.value(hir);
        let item = if item.leaves().len() > 1 || hir.ty.column_type().is_some_and(|ty| ty.is_option()) {
            self.bind_value(item)
        } else {
            item
        };
        self.leaves_of(&hir.ty, item)
    }

    /// Several lists at once share what is named: each is read by every list.
    fn shared(&mut self, hir: &Hir, several: bool) -> Expr {
        let value = self.scalar(hir);
        if several { self.bind_expr(value) } else { value }
    }

    /// A list as its lists.
    fn lists(&mut self, hir: &Hir) -> Vec<Expr> {
        let value = self.value(hir);
        let several = value.leaves().len() > 1;
        let value = if several { self.bind_value(value) } else { value };
        value.into_leaves()
    }

    /// `function(args)`.
    pub(super) fn list_function(&mut self, function: ListFunction, args: &[Hir], hir: &Hir) -> Value {
        let span = hir.span;
        let nothing = |lower: &Self| Value::default_of(lower.cx, &hir.ty);
        match (function, args) {
            (ListFunction::Of, items) => {
                let items: Vec<Vec<Expr>> = items.iter().map(|item| self.named_leaves(item)).collect();
                let mut at = 0;
                Value::of_type(self.cx, &hir.ty, &mut |ty| {
                    let items = items.iter().filter_map(|leaves| leaves.get(at).cloned()).collect();
                    at += 1;
                    list_call(ListFunction::Of, items, ty, span)
                })
            }
            (ListFunction::Repeat, [item, count]) => {
                let leaves = self.named_leaves(item);
                let count = self.shared(count, leaves.len() > 1);
                self.make(&hir.ty, leaves, |leaf, ty| {
                    list_call(ListFunction::Repeat, vec![leaf, count.clone()], ty, span)
                })
            }
            (ListFunction::Len, [list]) => {
                let mut lists = self.lists(list);
                if lists.is_empty() {
                    return nothing(self);
                }
                let first = lists.swap_remove(0);
                if first.ty == Type::Bytes {
                    return Value::Scalar(Expr::new(ExprKind::Call(Function::Len, vec![first]), Type::UInt64, span));
                }
                Value::Scalar(list_call(ListFunction::Len, vec![first], Type::UInt64, span))
            }
            (ListFunction::At, [list, at]) => {
                let lists = self.lists(list);
                let at = self.shared(at, lists.len() > 1);
                let items: Vec<Expr> = lists
                    .into_iter()
                    .map(|list| {
                        let ty = list.ty.item_type().cloned().unwrap_or(Type::Bool);
                        list_call(ListFunction::At, vec![list, at.clone()], ty, span)
                    })
                    .collect();
                let items: Vec<Expr> =
                    if items.len() > 1 { items.into_iter().map(|item| self.bind_expr(item)).collect() } else { items };
                self.item_of(&hir.ty, &mut items.into_iter(), span)
            }
            (ListFunction::Push, [list, item]) => {
                let lists = self.lists(list);
                let leaves = self.named_leaves(item);
                let mut leaves = leaves.into_iter();
                self.make(&hir.ty, lists, |list, ty| {
                    let item = leaves.next().into_iter();
                    list_call(ListFunction::Push, std::iter::once(list).chain(item).collect(), ty, span)
                })
            }
            (ListFunction::Set, [list, at, item]) => {
                let lists = self.lists(list);
                let at = self.shared(at, lists.len() > 1);
                let mut leaves = self.named_leaves(item).into_iter();
                self.make(&hir.ty, lists, |list, ty| {
                    let item = leaves.next().into_iter();
                    let args = [list, at.clone()].into_iter().chain(item).collect();
                    list_call(ListFunction::Set, args, ty, span)
                })
            }
            (ListFunction::Slice, [list, from, to]) => {
                let lists = self.lists(list);
                let several = lists.len() > 1;
                let (from, to) = (self.shared(from, several), self.shared(to, several));
                self.make(&hir.ty, lists, |list, ty| {
                    list_call(ListFunction::Slice, vec![list, from.clone(), to.clone()], ty, span)
                })
            }
            (ListFunction::Concat, [a, b]) => {
                let a = self.lists(a);
                let mut b = self.lists(b).into_iter();
                self.make(&hir.ty, a, |list, ty| {
                    list_call(ListFunction::Concat, std::iter::once(list).chain(b.next()).collect(), ty, span)
                })
            }
            (ListFunction::Reverse, [list]) => {
                let lists = self.lists(list);
                self.make(&hir.ty, lists, |list, ty| list_call(ListFunction::Reverse, vec![list], ty, span))
            }
            (ListFunction::Take, [list, order]) => {
                let lists = self.lists(list);
                let order = self.shared(order, lists.len() > 1);
                self.make(&hir.ty, lists, |list, ty| list_call(ListFunction::Take, vec![list, order.clone()], ty, span))
            }
            (ListFunction::Order, lists) => {
                let lists: Vec<Expr> = lists.iter().flat_map(|list| self.lists(list)).collect();
                let ty = Type::List(Box::new(Type::UInt64));
                Value::Scalar(list_call(ListFunction::Order, lists, ty, span))
            }
            (ListFunction::Contains | ListFunction::Join | ListFunction::Compare, args) => {
                let args = args.iter().map(|arg| self.scalar(arg)).collect();
                let ty = hir.ty.column_type().unwrap_or(Type::Bool);
                Value::Scalar(list_call(function, args, ty, span))
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
                | ListFunction::Take,
                _,
            ) => nothing(self),
        }
    }

    /// The value of this type whose lists are made of others, one by one.
    fn make(&mut self, ty: &Ty, leaves: Vec<Expr>, mut make: impl FnMut(Expr, Type) -> Expr) -> Value {
        let mut leaves = leaves.into_iter();
        Value::of_type(self.cx, ty, &mut |ty| match leaves.next() {
            Some(leaf) => make(leaf, ty),
            None => value::default_of(&ty),
        })
    }

    /// Whether two lists that no single list holds are equal: all of their lists are.
    pub(super) fn equal_lists(&mut self, op: BinaryOp, a: &Hir, b: &Hir, span: Span) -> Value {
        let (a, b) = (self.lists(a), self.lists(b));
        let equal = a.into_iter().zip(b).fold(Expr::bool(true), |all, (a, b)| {
            let same = value::binary(BinaryOp::Eq, a, b, Type::Bool, span);
            value::binary(BinaryOp::And, all, same, Type::Bool, span)
        });
        Value::Scalar(if op == BinaryOp::Ne { value::not(equal, span) } else { equal })
    }
}
