//! Lists: `vec![..]`, `v[i]`, the methods of `Vec` that change nothing. Arrays and slices are lists too.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are of interest here")]

use super::hir::{Hir, HirKind, HirPat, HirStatement, PatKind};
use super::infer::Body;
use super::types::Ty;
use super::unify::Kind;
use crate::diagnostics::lists as say;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{self, BinaryOp, ExprKind, Name};
use sabot_ir::expr::{Function, UnaryOp};
use sabot_ir::list::ListFunction;
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

/// Methods that are taken care of here, for messages.
pub(super) const NAMES: [&str; 18] = [
    "len",
    "is_empty",
    "get",
    "first",
    "last",
    "contains",
    "join",
    "concat",
    "iter",
    "into_iter",
    "starts_with",
    "ends_with",
    "windows",
    "chunks",
    "push",
    "pop",
    "sort",
    "reverse",
];

/// A call of a function of lists.
pub(super) fn call(function: ListFunction, args: Vec<Hir>, ty: Ty, span: Span) -> Hir {
    Hir::new(HirKind::Call(Function::List(function), args), ty, span)
}

/// A position.
pub(super) fn position(value: i128, span: Span) -> Hir {
    Hir::new(HirKind::Int(value), Ty::Usize, span)
}

/// `list.len()`.
pub(super) fn len(list: &Hir, span: Span) -> Hir {
    call(ListFunction::Len, vec![list.clone()], Ty::Usize, span)
}

/// `a op b` of positions, which do not overflow.
pub(super) fn wrapping(function: Function, a: Hir, b: Hir) -> Hir {
    let (ty, span) = (a.ty.clone(), a.span);
    Hir::new(HirKind::Call(function, vec![a, b]), ty, span)
}

pub(super) fn compare(op: BinaryOp, a: Hir, b: Hir, span: Span) -> Hir {
    Hir::new(HirKind::Binary(op, Box::new(a), Box::new(b)), Ty::BOOL, span)
}

pub(super) fn if_else(condition: Hir, then: Hir, otherwise: Hir) -> Hir {
    let (ty, span) = (then.ty.clone(), then.span);
    Hir::new(HirKind::If(Box::new(condition), Box::new(then), Some(Box::new(otherwise))), ty, span)
}

pub(super) fn some(value: Hir) -> Hir {
    let (ty, span) = (value.ty.clone().option(), value.span);
    Hir::new(HirKind::Some(Box::new(value)), ty, span)
}

pub(super) fn none(of: &Ty, span: Span) -> Hir {
    Hir::new(HirKind::None, of.clone().option(), span)
}

/// The numbers of `[1, 2, 3]`, where each is a byte that is written.
fn literal_bytes(items: &[ast::Expr]) -> Option<Vec<u8>> {
    let byte = |item: &ast::Expr| match &item.kind {
        ExprKind::Literal(ast::Literal::Int(value, None)) => u8::try_from(*value).ok(),
        ExprKind::Literal(ast::Literal::Int(value, Some(suffix))) if suffix == "u8" => u8::try_from(*value).ok(),
        _ => None,
    };
    items.iter().map(byte).collect()
}

impl Body<'_, '_> {
    /// `[a, b]`, `vec![a, b]`.
    pub(super) fn list(&mut self, items: &[ast::Expr], hint: Option<&Ty>, span: Span) -> Hir {
        let item = match hint.map(|hint| self.table.resolve(hint)) {
            Some(Ty::List(item)) => *item,
            Some(Ty::Error) => Ty::Error,
            _ => self.table.fresh(Kind::Any),
        };
        if hint.is_some_and(|hint| self.table.deep(hint) == Ty::bytes())
            && let Some(bytes) = literal_bytes(items)
        {
            return Hir::new(HirKind::Bytes(bytes), Ty::bytes(), span);
        }
        let items = items.iter().map(|written| self.expect(written, &item, Why::Item)).collect();
        call(ListFunction::Of, items, Ty::List(Box::new(item)), span)
    }

    /// `[x; n]`, `vec![x; n]`.
    pub(super) fn repeat(&mut self, item: &ast::Expr, count: &ast::Expr, hint: Option<&Ty>, span: Span) -> Hir {
        let wanted = match hint.map(|hint| self.table.resolve(hint)) {
            Some(Ty::List(item)) => Some(*item),
            _ => None,
        };
        let item = self.expr(item, wanted.as_ref());
        let count = self.expect(count, &Ty::Usize, Why::Index);
        let ty = Ty::List(Box::new(item.ty.clone()));
        call(ListFunction::Repeat, vec![item, count], ty, span)
    }

    /// `base[index]`, `base[a..b]` of a list.
    pub(super) fn list_index(&mut self, base: Hir, item: &Ty, index: &ast::Expr, span: Span) -> Hir {
        if let ExprKind::Range(from, to, inclusive) = &index.kind {
            let from = match from {
                Some(from) => self.expect(from, &Ty::Usize, Why::Index),
                None => position(0, span),
            };
            let to = to.as_ref().map(|to| self.expect(to, &Ty::Usize, Why::Index));
            let ty = base.ty.clone();
            return self.let_in(vec![base, from], span, |values| {
                let to = match to {
                    Some(to) if *inclusive => wrapping(Function::SaturatingAdd, to, position(1, span)),
                    Some(to) => to,
                    None => len(&values[0], span),
                };
                call(ListFunction::Slice, vec![values[0].clone(), values[1].clone(), to], ty, span)
            });
        }
        let at = self.expect(index, &Ty::Usize, Why::Index);
        call(ListFunction::At, vec![base, at], item.clone(), span)
    }

    /// `if at < list.len() { Some(list[at]) } else { None }`; both are names.
    pub(super) fn get_item(&self, list: &Hir, at: &Hir, item: &Ty, span: Span) -> Hir {
        let is_there = compare(BinaryOp::Lt, at.clone(), len(list, span), span);
        let held = call(ListFunction::At, vec![list.clone(), at.clone()], item.clone(), span);
        if_else(is_there, some(held), none(item, span))
    }

    /// A method of a list that changes nothing and runs no closure; nothing if there is no such method.
    pub(super) fn list_method(
        &mut self,
        list: &Hir,
        item: &Ty,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<Hir> {
        let list = list.clone();
        let ty = list.ty.clone();
        let argument = |function| Why::Argument { function, index: 0 };
        Some(match (name.text.as_str(), args) {
            ("len", []) => len(&list, span),
            ("is_empty", []) => compare(BinaryOp::Eq, len(&list, span), position(0, span), span),
            ("as_slice" | "into_boxed_slice" | "into_vec" | "to_owned" | "as_ref", []) => Hir { span, ..list },
            ("get", [at]) if !matches!(at.kind, ExprKind::Range(..)) => {
                let at = self.expect(at, &Ty::Usize, argument("get"));
                let item = item.clone();
                self.let_in_of(vec![list, at], span, |body, values| body.get_item(&values[0], &values[1], &item, span))
            }
            ("get", [ast::Expr { kind: ExprKind::Range(from, to, inclusive), .. }]) => {
                self.get_part(list, (from.as_deref(), to.as_deref(), *inclusive), span)
            }
            ("first", []) => {
                let item = item.clone();
                self.let_in_of(vec![list], span, |body, values| {
                    body.get_item(&values[0], &position(0, span), &item, span)
                })
            }
            ("last", []) => {
                let item = item.clone();
                self.let_in_of(vec![list], span, |body, values| {
                    let last = wrapping(Function::WrappingSub, len(&values[0], span), position(1, span));
                    body.get_item(&values[0], &last, &item, span)
                })
            }
            ("contains", [wanted]) => {
                let wanted = self.expect(wanted, item, argument("contains"));
                let known = self.table.deep(item);
                let is_one = known.column_type().is_some() || self.table.kind(&known).is_some();
                if !is_one || !self.is_comparable(&known, true) {
                    let shown = self.show(&known);
                    self.cx.say(say::items_do_not_compare("contains", &shown, name.span));
                    return Some(Hir::error(span));
                }
                call(ListFunction::Contains, vec![list, wanted], Ty::BOOL, span)
            }
            ("join", [separator]) if self.table.resolve(item) == Ty::STRING => {
                let separator = self.expect(separator, &Ty::STRING, argument("join"));
                call(ListFunction::Join, vec![list, separator], Ty::STRING, span)
            }
            ("concat", []) if self.table.resolve(item) == Ty::STRING => {
                let nothing = Hir::new(HirKind::Str(String::new()), Ty::STRING, span);
                call(ListFunction::Join, vec![list, nothing], Ty::STRING, span)
            }
            ("starts_with" | "ends_with", [other]) => {
                let is_start = name.text == "starts_with";
                let other = self.expect(other, &ty, argument("starts_with"));
                self.let_in(vec![list, other], span, |values| {
                    let (all, part) = (len(&values[0], span), len(&values[1], span));
                    let fits = compare(BinaryOp::Le, part.clone(), all.clone(), span);
                    let (from, to) = if is_start {
                        (position(0, span), part)
                    } else {
                        (wrapping(Function::WrappingSub, all.clone(), part), all)
                    };
                    let slice = call(ListFunction::Slice, vec![values[0].clone(), from, to], ty, span);
                    let same = compare(BinaryOp::Eq, slice, values[1].clone(), span);
                    Hir::new(HirKind::Binary(BinaryOp::And, Box::new(fits), Box::new(same)), Ty::BOOL, span)
                })
            }
            _ => return None,
        })
    }

    /// `v.get(a..b)`.
    fn get_part(
        &mut self,
        list: Hir,
        (from, to, inclusive): (Option<&ast::Expr>, Option<&ast::Expr>, bool),
        span: Span,
    ) -> Hir {
        let ty = list.ty.clone();
        let from = match from {
            Some(from) => self.expect(from, &Ty::Usize, Why::Index),
            None => position(0, span),
        };
        let to = to.map(|to| self.expect(to, &Ty::Usize, Why::Index));
        let list_id = self.new_binding(ty.clone());
        let named = Hir::new(HirKind::Local(list_id), ty.clone(), span);
        let to = match to {
            Some(to) if inclusive => wrapping(Function::SaturatingAdd, to, position(1, span)),
            Some(to) => to,
            None => len(&named, span),
        };
        let bind = HirStatement::Let(HirPat::new(PatKind::Bind(list_id, None), ty.clone(), span), list);
        let part = self.let_in(vec![from, to], span, |values| {
            let ordered = compare(BinaryOp::Le, values[0].clone(), values[1].clone(), span);
            let inside = compare(BinaryOp::Le, values[1].clone(), len(&named, span), span);
            let fits = Hir::new(HirKind::Binary(BinaryOp::And, Box::new(ordered), Box::new(inside)), Ty::BOOL, span);
            let part = vec![named.clone(), values[0].clone(), values[1].clone()];
            if_else(fits, some(call(ListFunction::Slice, part, ty.clone(), span)), none(&ty, span))
        });
        let of = part.ty.clone();
        Hir::new(HirKind::Block(vec![bind], Some(Box::new(part))), of, span)
    }

    /// [`Self::let_in`] for what needs the body too.
    fn let_in_of(&mut self, values: Vec<Hir>, span: Span, make: impl FnOnce(&Self, &[Hir]) -> Hir) -> Hir {
        let mut lets = Vec::new();
        let mut named = Vec::new();
        for value in values {
            let id = self.new_binding(value.ty.clone());
            named.push(Hir::new(HirKind::Local(id), value.ty.clone(), span));
            let pattern = HirPat::new(PatKind::Bind(id, None), value.ty.clone(), span);
            lets.push(HirStatement::Let(pattern, value));
        }
        let tail = make(self, &named);
        let ty = tail.ty.clone();
        Hir::new(HirKind::Block(lets, Some(Box::new(tail))), ty, span)
    }

    // ---- orders ----

    /// `a.cmp(&b)`, `a.partial_cmp(&b)`, `a.total_cmp(&b)`; nothing if it is none of them.
    pub(super) fn ordering_of(&mut self, a: &Hir, name: &Name, args: &[ast::Expr], span: Span) -> Option<Hir> {
        let [other] = args else { return None };
        if !matches!(name.text.as_str(), "cmp" | "partial_cmp" | "total_cmp") {
            return None;
        }
        let ty = a.ty.clone();
        let b = self.expect(other, &ty, Why::Argument { function: "cmp", index: 0 });
        let known = self.table.deep(&ty);
        let is_float = known.is_float() || self.table.kind(&known) == Some(Kind::Float);
        let total = name.text == "total_cmp";
        if known.is_error() {
            return Some(Hir::error(span));
        }
        let fits = match name.text.as_str() {
            "total_cmp" => is_float,
            "cmp" => !self.has_float(&known) && self.is_comparable(&known, false),
            _ => self.is_comparable(&known, false),
        };
        if !fits {
            let shown = self.show(&known);
            self.cx.say(say::no_order(&name.text, &shown, self.has_float(&known), name.span));
            return Some(Hir::error(span));
        }
        let partial = name.text == "partial_cmp";
        let a = a.clone();
        Some(self.let_in(vec![a, b], span, |values| {
            let (a, b) = (&values[0], &values[1]);
            let int = |value: i128| {
                let order = Hir::new(HirKind::Int(value), Ty::Ordering, span);
                if partial { some(order) } else { order }
            };
            let is = |op| compare(op, a.clone(), b.clone(), span);
            let otherwise = if partial {
                let greater = if_else(is(BinaryOp::Gt), int(1), none(&Ty::Ordering, span));
                if_else(is(BinaryOp::Eq), int(0), greater)
            } else if total && is_float {
                // Equal, or with a NaN: the sign decides between the zeros, and NaN stands at the end of its sign.
                let negative =
                    |x: &Hir| Hir::new(HirKind::Call(Function::IsSignNegative, vec![x.clone()]), Ty::BOOL, span);
                let nan = |x: &Hir| Hir::new(HirKind::Call(Function::IsNan, vec![x.clone()]), Ty::BOOL, span);
                let both =
                    |a: Hir, b: Hir| Hir::new(HirKind::Binary(BinaryOp::And, Box::new(a), Box::new(b)), Ty::BOOL, span);
                let not = |x: Hir| Hir::new(HirKind::Unary(UnaryOp::Not, Box::new(x)), Ty::BOOL, span);
                let of_one_sign = {
                    let a_only = if_else(negative(a), int(-1), int(1));
                    let b_only = if_else(negative(b), int(1), int(-1));
                    let one = if_else(both(nan(b), not(nan(a))), b_only, int(0));
                    if_else(both(nan(a), not(nan(b))), a_only, one)
                };
                let signs = if_else(both(not(negative(a)), negative(b)), int(1), of_one_sign);
                let signs = if_else(both(negative(a), not(negative(b))), int(-1), signs);
                if_else(is(BinaryOp::Gt), int(1), signs)
            } else {
                if_else(is(BinaryOp::Eq), int(0), int(1))
            };
            if_else(is(BinaryOp::Lt), int(-1), otherwise)
        }))
    }

    /// A method of `Ordering`; nothing if there is no such method.
    pub(super) fn ordering_method(&mut self, order: &Hir, name: &Name, args: &[ast::Expr], span: Span) -> Option<Hir> {
        let zero = || Hir::new(HirKind::Int(0), Ty::Ordering, span);
        let order = order.clone();
        let op = match name.text.as_str() {
            "is_lt" => Some(BinaryOp::Lt),
            "is_le" => Some(BinaryOp::Le),
            "is_gt" => Some(BinaryOp::Gt),
            "is_ge" => Some(BinaryOp::Ge),
            "is_eq" => Some(BinaryOp::Eq),
            "is_ne" => Some(BinaryOp::Ne),
            _ => None,
        };
        Some(match (name.text.as_str(), args) {
            (_, []) if op.is_some() => compare(op?, order, zero(), span),
            ("reverse", []) => {
                let args = vec![zero(), order];
                Hir::new(HirKind::Call(Function::WrappingSub, args), Ty::Ordering, span)
            }
            ("then", [other]) => {
                let other = self.expect(other, &Ty::Ordering, Why::Argument { function: "then", index: 0 });
                self.let_in(vec![order, other], span, |values| {
                    let is_equal = compare(BinaryOp::Eq, values[0].clone(), zero(), span);
                    if_else(is_equal, values[1].clone(), values[0].clone())
                })
            }
            ("then_with", [other]) => {
                let other = self.callback(other, &[], Some(&Ty::Ordering), "then_with")?;
                let other = Hir::new(HirKind::Body(Box::new(other.body)), Ty::Ordering, span);
                self.let_in(vec![order], span, |values| {
                    let is_equal = compare(BinaryOp::Eq, values[0].clone(), zero(), span);
                    if_else(is_equal, other, values[0].clone())
                })
            }
            _ => return None,
        })
    }

    /// `Ordering::Less` and its like.
    pub(super) fn ordering_named(&self, name: &str, span: Span) -> Option<Hir> {
        let value = match name {
            "Less" => -1,
            "Equal" => 0,
            "Greater" => 1,
            _ => return None,
        };
        Some(Hir::new(HirKind::Int(value), Ty::Ordering, span))
    }

    /// Whether values of the type hold floats, which are in no order if one is NaN.
    pub(super) fn has_float(&self, ty: &Ty) -> bool {
        match self.table.resolve(ty) {
            Ty::Scalar(Type::Float32 | Type::Float64) => true,
            Ty::Option(inner) | Ty::List(inner) | Ty::Result(inner, _) | Ty::Of(_, inner) => self.has_float(&inner),
            Ty::Tuple(parts) => parts.iter().any(|part| self.has_float(part)),
            Ty::Record(id) => self.cx.record(id).fields.iter().any(|field| self.has_float(&field.ty)),
            var @ Ty::Var(_) => self.table.kind(&var) == Some(Kind::Float),
            Ty::Error
            | Ty::Never
            | Ty::Scalar(_)
            | Ty::Usize
            | Ty::Isize
            | Ty::Generic(_)
            | Ty::Failure
            | Ty::Ordering
            | Ty::Group => false,
        }
    }
}
