//! Methods of scalars: a table per type of what they take and give.

use super::chain;
use super::hir::{Hir, HirKind};
use super::infer::Body;
use super::snippet;
use super::text;
use super::types::Ty;
use super::unify::Kind;
use crate::diagnostics::types::{self as say, Why};
use crate::diagnostics::{names, unsupported};
use sabot_ir::ast::{self, BinaryOp, Name, TypeName};
use sabot_ir::expr::Function;
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

/// What an argument must be.
#[derive(Clone, Copy)]
enum Arg {
    /// The type of the receiver.
    Own,
    I32,
    U32,
}

/// What comes out.
#[derive(Clone, Copy)]
enum Out {
    /// The type of the receiver.
    Own,
    /// `Option` of it.
    Maybe,
    Bool,
    U32,
    /// The unsigned type of the receiver's width.
    Unsigned,
}

/// A method of the library.
struct Method {
    name: &'static str,
    function: Function,
    args: &'static [Arg],
    out: Out,
}

const fn method(name: &'static str, function: Function, args: &'static [Arg], out: Out) -> Method {
    Method { name, function, args, out }
}

const OWN: &[Arg] = &[Arg::Own];
const NONE: &[Arg] = &[];

const INTEGER: &[Method] = &[
    method("min", Function::Min, OWN, Out::Own),
    method("max", Function::Max, OWN, Out::Own),
    method("clamp", Function::Clamp, &[Arg::Own, Arg::Own], Out::Own),
    method("pow", Function::Pow, &[Arg::U32], Out::Own),
    method("rem_euclid", Function::RemEuclid, OWN, Out::Own),
    method("div_euclid", Function::DivEuclid, OWN, Out::Own),
    method("abs_diff", Function::AbsDiff, OWN, Out::Unsigned),
    method("wrapping_add", Function::WrappingAdd, OWN, Out::Own),
    method("wrapping_sub", Function::WrappingSub, OWN, Out::Own),
    method("wrapping_mul", Function::WrappingMul, OWN, Out::Own),
    method("wrapping_neg", Function::WrappingNeg, NONE, Out::Own),
    method("saturating_add", Function::SaturatingAdd, OWN, Out::Own),
    method("saturating_sub", Function::SaturatingSub, OWN, Out::Own),
    method("saturating_mul", Function::SaturatingMul, OWN, Out::Own),
    method("checked_add", Function::CheckedAdd, OWN, Out::Maybe),
    method("checked_sub", Function::CheckedSub, OWN, Out::Maybe),
    method("checked_mul", Function::CheckedMul, OWN, Out::Maybe),
    method("checked_div", Function::CheckedDiv, OWN, Out::Maybe),
    method("checked_rem", Function::CheckedRem, OWN, Out::Maybe),
    method("count_ones", Function::CountOnes, NONE, Out::U32),
    method("leading_zeros", Function::LeadingZeros, NONE, Out::U32),
    method("trailing_zeros", Function::TrailingZeros, NONE, Out::U32),
];

const SIGNED: &[Method] = &[
    method("abs", Function::Abs, NONE, Out::Own),
    method("signum", Function::Signum, NONE, Out::Own),
    method("wrapping_abs", Function::WrappingAbs, NONE, Out::Own),
];

const FLOAT: &[Method] = &[
    method("abs", Function::Abs, NONE, Out::Own),
    method("signum", Function::Signum, NONE, Out::Own),
    method("min", Function::Min, OWN, Out::Own),
    method("max", Function::Max, OWN, Out::Own),
    method("clamp", Function::Clamp, &[Arg::Own, Arg::Own], Out::Own),
    method("rem_euclid", Function::RemEuclid, OWN, Out::Own),
    method("div_euclid", Function::DivEuclid, OWN, Out::Own),
    method("sqrt", Function::Sqrt, NONE, Out::Own),
    method("floor", Function::Floor, NONE, Out::Own),
    method("ceil", Function::Ceil, NONE, Out::Own),
    method("trunc", Function::Trunc, NONE, Out::Own),
    method("round", Function::Round, NONE, Out::Own),
    method("fract", Function::Fract, NONE, Out::Own),
    method("copysign", Function::Copysign, OWN, Out::Own),
    method("mul_add", Function::MulAdd, &[Arg::Own, Arg::Own], Out::Own),
    method("recip", Function::Recip, NONE, Out::Own),
    method("is_nan", Function::IsNan, NONE, Out::Bool),
    method("is_finite", Function::IsFinite, NONE, Out::Bool),
    method("is_infinite", Function::IsInfinite, NONE, Out::Bool),
    method("is_sign_negative", Function::IsSignNegative, NONE, Out::Bool),
    method("is_sign_positive", Function::IsSignPositive, NONE, Out::Bool),
    method("powf", Function::Powf, OWN, Out::Own),
    method("powi", Function::Powi, &[Arg::I32], Out::Own),
    method("exp", Function::Exp, NONE, Out::Own),
    method("exp2", Function::Exp2, NONE, Out::Own),
    method("exp_m1", Function::ExpM1, NONE, Out::Own),
    method("ln", Function::Ln, NONE, Out::Own),
    method("ln_1p", Function::Ln1p, NONE, Out::Own),
    method("log2", Function::Log2, NONE, Out::Own),
    method("log10", Function::Log10, NONE, Out::Own),
    method("log", Function::Log, OWN, Out::Own),
    method("sin", Function::Sin, NONE, Out::Own),
    method("cos", Function::Cos, NONE, Out::Own),
    method("tan", Function::Tan, NONE, Out::Own),
    method("asin", Function::Asin, NONE, Out::Own),
    method("acos", Function::Acos, NONE, Out::Own),
    method("atan", Function::Atan, NONE, Out::Own),
    method("atan2", Function::Atan2, OWN, Out::Own),
    method("sinh", Function::Sinh, NONE, Out::Own),
    method("cosh", Function::Cosh, NONE, Out::Own),
    method("tanh", Function::Tanh, NONE, Out::Own),
    method("cbrt", Function::Cbrt, NONE, Out::Own),
    method("hypot", Function::Hypot, OWN, Out::Own),
];

/// Methods that give their receiver back: the language has values only.
const IDENTITY: [&str; 8] = ["clone", "to_owned", "as_ref", "borrow", "copied", "cloned", "as_deref", "to_vec"];

/// Methods of std that a job's author may expect, and that are not there yet.
const LATER: &[&str] = &["nth", "unwrap", "expect", "total_cmp", "partial_cmp", "cmp"];

fn table(ty: &Ty, kind: Option<Kind>) -> Vec<&'static [Method]> {
    if ty.is_float() || kind == Some(Kind::Float) {
        vec![FLOAT]
    } else if ty.is_signed() {
        vec![INTEGER, SIGNED]
    } else if ty.is_integer() || kind == Some(Kind::Integer) {
        vec![INTEGER]
    } else {
        Vec::new()
    }
}

/// The type of the same width without a sign.
fn unsigned(ty: &Ty) -> Ty {
    const PAIRS: [(Ty, Ty); 5] = [
        (Ty::Scalar(Type::Int8), Ty::Scalar(Type::UInt8)),
        (Ty::Scalar(Type::Int16), Ty::Scalar(Type::UInt16)),
        (Ty::Scalar(Type::Int32), Ty::Scalar(Type::UInt32)),
        (Ty::Scalar(Type::Int64), Ty::Scalar(Type::UInt64)),
        (Ty::Isize, Ty::Usize),
    ];
    PAIRS.iter().find(|(signed, _)| signed == ty).map_or_else(|| ty.clone(), |(_, unsigned)| unsigned.clone())
}

impl Body<'_, '_> {
    /// `receiver.name(args)`.
    pub(super) fn method(
        &mut self,
        receiver: &ast::Expr,
        name: &Name,
        type_args: &[TypeName],
        args: &[ast::Expr],
        hint: Option<&Ty>,
        span: Span,
    ) -> Hir {
        if Self::is_entry(receiver) {
            return self.with_entry(receiver, span, |this, held| this.method(held, name, type_args, args, hint, span));
        }
        if Self::gives_entry(receiver, &name.text) {
            let receiver = Box::new(receiver.clone());
            let whole = ast::ExprKind::Method(receiver, name.clone(), Vec::new(), args.to_vec());
            let whole = ast::Expr { kind: whole, span };
            return self.with_entry(&whole, span, |this, held| this.expr(held, hint));
        }
        if let Some(hir) = self.change_of_part(receiver, name, args, span) {
            return hir;
        }
        if let Some(hir) = self.for_each_place(receiver, name, args, span) {
            return hir;
        }
        let behind = self.place_behind(receiver);
        let receiver = if matches!(receiver.kind, ast::ExprKind::Name(_)) { &behind } else { receiver };
        if let Some(hir) = self.range_contains(receiver, name, args, span) {
            return hir;
        }
        if let Some(hir) = self.chain_method(receiver, name, type_args, args, hint, span) {
            return hir;
        }
        if let Some(pattern) = self.regex_of(receiver) {
            return self.regex_method(&pattern, receiver.span, name, args, span);
        }
        let is_identity = args.is_empty() && (IDENTITY.contains(&name.text.as_str()));
        let receiver_hir = self.expr(receiver, if is_identity { hint } else { None });
        if let ("parse", [to], true) = (name.text.as_str(), type_args, args.is_empty())
            && self.table.resolve(&receiver_hir.ty) == Ty::STRING
        {
            let to = if to.kind == ast::TypeNameKind::Infer {
                self.table.fresh(Kind::Any)
            } else {
                self.cx.resolve_type(to)
            };
            return self.parse(receiver_hir, to, span);
        }
        if let ("aggregate" | "aggregate_if", Some(group)) = (name.text.as_str(), &self.group)
            && !self.in_aggregate
            && self.table.resolve(&receiver_hir.ty) == Ty::Group
        {
            let group = group.clone();
            return self.user_aggregate(&group, name, type_args, args, span);
        }
        if !type_args.is_empty() && !receiver_hir.ty.is_error() {
            self.cx.say(unsupported::type_arguments(&name.text, name.span));
            return Hir::error(span);
        }
        self.method_on(receiver_hir, receiver, name, args, hint, span)
    }

    /// A method on a value that is typed already.
    pub(super) fn method_on(
        &mut self,
        receiver_hir: Hir,
        receiver: &ast::Expr,
        name: &Name,
        args: &[ast::Expr],
        hint: Option<&Ty>,
        span: Span,
    ) -> Hir {
        let ty = self.table.resolve(&receiver_hir.ty);
        let method_name = name.text.as_str();
        match &ty {
            Ty::Error | Ty::Never => {
                for arg in args {
                    if !matches!(arg.kind, ast::ExprKind::Closure(_)) {
                        self.expr(arg, None);
                    }
                }
                return Hir::error(span);
            }
            Ty::Group => return self.group_method(receiver, name, args, span),
            Ty::Result(inner, _) => {
                let inner = (**inner).clone();
                if let Some(hir) = self.telling_method(&receiver_hir, name, args, hint, receiver, span) {
                    return hir;
                }
                return self.result_method(receiver_hir, &inner, receiver, name, args, hint, span);
            }
            Ty::Record(id) => {
                if let Some(hir) = self.match_method(&receiver_hir, *id, name, args, span) {
                    return hir;
                }
                if let Some(function) = self.method_of_record(*id, &name.text) {
                    return self.call_method(function, (receiver_hir, receiver), name, args, span);
                }
            }
            Ty::Scalar(_)
            | Ty::Usize
            | Ty::Isize
            | Ty::Option(_)
            | Ty::Tuple(_)
            | Ty::List(_)
            | Ty::Generic(_)
            | Ty::Failure
            | Ty::Ordering
            | Ty::Of(..)
            | Ty::Var(_) => {}
        }
        if let ("clone" | "to_owned" | "cloned" | "copied", Ty::Record(id)) = (method_name, &ty) {
            self.must_derive(*id, "Clone", name.span);
        }
        if args.is_empty() && IDENTITY.contains(&method_name) {
            return Hir { span, ..receiver_hir };
        }
        if let Ty::Of(wrapper, inner) = &ty {
            let inner = (**inner).clone();
            return self.collection_method(receiver_hir, (*wrapper, &inner), receiver, name, args, span);
        }
        if args.is_empty() && method_name == "into" {
            let converts =
                ty.is_number() || ty == Ty::BOOL || matches!(ty, Ty::Generic(_)) || self.table.kind(&ty).is_some();
            if ty == Ty::STRING || !converts {
                return Hir { span, ..receiver_hir };
            }
            let to = match hint {
                Some(hint) => hint.clone(),
                None => self.table.fresh(Kind::Any),
            };
            return Hir::new(HirKind::Into(Box::new(receiver_hir)), to, span);
        }
        if args.is_empty() && method_name == "try_into" && (ty.is_integer() || self.table.kind(&ty).is_some()) {
            let to = self.table.fresh(Kind::Any);
            return self.try_into(receiver_hir, to, span);
        }
        if let Ty::Option(inner) = &ty {
            let inner = (**inner).clone();
            return self.option_method(receiver_hir, &inner, receiver, name, args, hint, span);
        }
        if ty == Ty::STRING
            && let Some(hir) = self.text_change(receiver, name, args, span)
        {
            return hir;
        }
        if (ty == Ty::STRING || matches!(ty, Ty::List(_)))
            && let Some(hir) = self.changed_by_code(receiver, &ty, name, args, span)
        {
            return hir;
        }
        if let ("drain", Ty::List(_), [range]) = (method_name, &ty, args) {
            return self.drained_away(receiver, range, span);
        }
        if (ty == Ty::STRING || matches!(ty, Ty::List(_)))
            && chain::is_source(name, args)
            && !(matches!(ty, Ty::List(_)) && super::list_more::ITEMS.contains(&method_name))
        {
            self.cx.say(crate::diagnostics::text::items_alone(&name.text, name.span));
            return Hir::error(span);
        }
        if let Ty::List(item) = &ty {
            if let Some(hir) = self.list_change(receiver, item, name, args, span) {
                return hir;
            }
            let method = self
                .list_method(&receiver_hir, item, name, args, span)
                .or_else(|| self.list_written(&receiver_hir, name, args, span))
                .or_else(|| self.list_more(&receiver_hir, item, name, args, span))
                .or_else(|| self.ordering_of(&receiver_hir, name, args, span));
            return match method {
                Some(hir) => hir,
                None => self.no_list_method(&ty, name, args, span),
            };
        }
        if let Some(value) = self.bits_method(&receiver_hir, &ty, name, args, span) {
            return value;
        }
        if let Some(order) = self.ordering_of(&receiver_hir, name, args, span) {
            return order;
        }
        if ty == Ty::Ordering
            && let Some(hir) = self.ordering_method(&receiver_hir, name, args, span)
        {
            return hir;
        }
        if ty == Ty::STRING
            && let Some(hir) = self.text_written(&receiver_hir, name, args, span)
        {
            return hir;
        }
        if ty == Ty::CHAR && args.is_empty() && matches!(method_name, "to_uppercase" | "to_lowercase") {
            let text = text::call(sabot_ir::text::TextFunction::CharToString, vec![receiver_hir], span);
            let to = if method_name == "to_uppercase" {
                sabot_ir::text::TextFunction::ToUppercase
            } else {
                sabot_ir::text::TextFunction::ToLowercase
            };
            return text::call(to, vec![text], span);
        }
        if let Some(hir) = self.text_method(&receiver_hir, &ty, name, args, span) {
            return hir;
        }
        if let (Ty::Generic(id), false) = (&ty, matches!(method_name, "eq" | "ne" | "lt" | "le" | "gt" | "ge")) {
            return self.generic_method(*id, receiver_hir, name, args, span);
        }
        if let Some(value) = self.library_method(&receiver_hir, &ty, name, args, span) {
            return value;
        }
        if method_name == "to_string" {
            if let (Some(text), true) = (self.written_as_text(&receiver_hir, &ty, span), args.is_empty()) {
                return text;
            }
            self.cx.say(unsupported::to_string(&self.show(&ty), name.span));
            return Hir::error(span);
        }
        if ty == Ty::BOOL && matches!(method_name, "then" | "then_some") {
            return self.bool_then(receiver_hir, name, args, span);
        }
        if let ("eq" | "ne" | "lt" | "le" | "gt" | "ge", [other]) = (method_name, args) {
            let op = match method_name {
                "eq" => BinaryOp::Eq,
                "ne" => BinaryOp::Ne,
                "lt" => BinaryOp::Lt,
                "le" => BinaryOp::Le,
                "gt" => BinaryOp::Gt,
                _ => BinaryOp::Ge,
            };
            let left = Box::new(receiver.clone());
            let kind = ast::ExprKind::Binary(op, left, Box::new(other.clone()));
            return self.expr(&ast::Expr { kind, span }, None);
        }
        if let ("min" | "max", [other], Ty::Tuple(_) | Ty::Record(_)) = (method_name, args, &ty)
            && !self.has_float(&self.table.deep(&ty))
            && self.is_comparable(&ty, false)
        {
            let other = self.expect(other, &ty, Why::Argument { function: "max", index: 0 });
            return self.min_max(method_name == "min", receiver_hir, other, span);
        }
        let kind = self.table.kind(&ty);
        if kind == Some(Kind::Any) {
            self.cx.say(say::annotations_needed(receiver.span));
            return Hir::error(span);
        }
        let tables = table(&ty, kind);
        let found = tables.iter().flat_map(|table| table.iter()).find(|method| method.name == method_name);
        let Some(found) = found else {
            if let ("is_positive" | "is_negative", true, true) = (method_name, args.is_empty(), ty.is_signed()) {
                let op = if method_name == "is_positive" { BinaryOp::Gt } else { BinaryOp::Lt };
                let zero = Hir::new(HirKind::Int(0), ty.clone(), span);
                return Hir::new(HirKind::Binary(op, Box::new(receiver_hir), Box::new(zero)), Ty::BOOL, span);
            }
            if kind.is_none()
                && let Some(value) = self.number_method(&receiver_hir, &ty, name, args, span)
            {
                return value;
            }
            return self.no_method(&ty, receiver, name, args, span);
        };
        if kind.is_some() {
            // As in rustc: the method could be of any of the number types.
            let place = snippet::place(receiver);
            let diagnostic = say::ambiguous_number(&name.text, kind == Some(Kind::Float), &place, receiver.span);
            self.cx.say(diagnostic);
            return Hir::error(span);
        }
        if found.args.len() != args.len() {
            return self.wrong_arity(found.name, found.args.len(), args, name.span, span);
        }
        let result = match found.out {
            Out::Own => ty.clone(),
            Out::Maybe => ty.clone().option(),
            Out::Bool => Ty::BOOL,
            Out::U32 => Ty::U32,
            Out::Unsigned => unsigned(&ty),
        };
        let mut all = vec![receiver_hir];
        for (index, (arg, spec)) in args.iter().zip(found.args).enumerate() {
            let arg_ty = match spec {
                Arg::Own => ty.clone(),
                Arg::I32 => Ty::I32,
                Arg::U32 => Ty::U32,
            };
            all.push(self.expect(arg, &arg_ty, Why::Argument { function: found.name, index }));
        }
        if self.fast_math
            && ty.is_float()
            && let Some(value) = super::library::fast(found.function, &all, &ty, span)
        {
            return value;
        }
        Hir::new(HirKind::Call(found.function, all), result, span)
    }

    fn no_list_method(&mut self, ty: &Ty, name: &Name, args: &[ast::Expr], span: Span) -> Hir {
        for arg in args {
            if !matches!(arg.kind, ast::ExprKind::Closure(_)) {
                self.expr(arg, None);
            }
        }
        let shown = self.show(ty);
        self.cx.say(crate::diagnostics::lists::no_method(&shown, &name.text, &super::list::NAMES, name.span));
        Hir::error(span)
    }

    fn bool_then(&mut self, condition: Hir, name: &Name, args: &[ast::Expr], span: Span) -> Hir {
        let [arg] = args else { return self.wrong_arity(&name.text, 1, args, name.span, span) };
        let is_lazy = name.text == "then";
        let value = if is_lazy {
            match self.callback(arg, &[], None, "then") {
                Some(closure) => {
                    Hir { ty: closure.body.ty.clone(), span: arg.span, kind: HirKind::Body(Box::new(closure.body)) }
                }
                None => return Hir::error(span),
            }
        } else {
            self.expr(arg, None)
        };
        let ty = value.ty.clone().option();
        let choose = |condition: Hir, value: Hir| {
            let some = Hir::new(HirKind::Some(Box::new(value)), ty.clone(), span);
            let none = Hir::new(HirKind::None, ty.clone(), span);
            Hir::new(HirKind::If(Box::new(condition), Box::new(some), Some(Box::new(none))), ty.clone(), span)
        };
        if is_lazy {
            return choose(condition, value);
        }
        // An argument is evaluated whether it is needed or not.
        self.let_in(vec![condition, value], span, |values| choose(values[0].clone(), values[1].clone()))
    }

    fn no_method(&mut self, ty: &Ty, receiver: &ast::Expr, name: &Name, args: &[ast::Expr], span: Span) -> Hir {
        for arg in args {
            if !matches!(arg.kind, ast::ExprKind::Closure(_)) {
                self.expr(arg, None);
            }
        }
        let shown = self.show(ty);
        let kind = self.table.kind(ty);
        if let Ty::Record(id) = ty
            && self.cx.record(*id).position(&name.text).is_some()
        {
            let text = snippet::written(receiver);
            self.cx.say(names::field_not_method(&shown, text.as_deref(), &name.text, name.span, span));
            return Hir::error(span);
        }
        let known: Vec<&str> = table(ty, kind)
            .iter()
            .flat_map(|table| table.iter())
            .map(|method| method.name)
            .chain(super::numbers::names(ty))
            .chain(text::names(ty))
            .chain(super::library::method_names(ty))
            .collect();
        if LATER.contains(&name.text.as_str()) {
            self.cx.say(unsupported::method(&name.text, &shown, name.span));
        } else if (super::option::NAMES.contains(&name.text.as_str()) || name.text == "unwrap")
            && !known.contains(&name.text.as_str())
        {
            self.cx.say(names::option_method_on_value(&shown, &name.text, name.span, receiver.span, span));
        } else {
            let of_floats = ty.is_integer() && FLOAT.iter().any(|method| method.name == name.text);
            let of_floats = of_floats.then(|| snippet::place(receiver));
            self.cx.say(names::unknown_method(&shown, &name.text, &known, of_floats.as_ref(), name.span));
        }
        Hir::error(span)
    }
}
