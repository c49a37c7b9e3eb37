//! Calls of functions and what stands behind a path: UDFs, `Some`, `seconds(5)`, `f64::MAX`, `f64::max(a, b)`.

use super::hir::{FunctionId, Hir, HirKind};
use super::infer::Body;
use super::types::{Ty, integer_range, scalar_named};
use super::unify::Kind;
use crate::diagnostics::outside::outside;
use crate::diagnostics::types::{self as say, Why};
use crate::diagnostics::{names, unsupported};
use sabot_ir::ast::{self, BinaryOp, Name};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

/// Functions that make a `Duration`, and how many microseconds their unit has.
pub(super) const DURATIONS: [(&str, i64); 6] = [
    ("days", 86_400_000_000),
    ("hours", 3_600_000_000),
    ("minutes", 60_000_000),
    ("seconds", 1_000_000),
    ("milliseconds", 1_000),
    ("microseconds", 1),
];

/// The constants of `std::f64::consts`.
const FLOAT_CONSTS: [(&str, f64); 19] = {
    use std::f64::consts as c;
    [
        ("PI", c::PI),
        ("TAU", c::TAU),
        ("E", c::E),
        ("SQRT_2", c::SQRT_2),
        ("FRAC_1_SQRT_2", c::FRAC_1_SQRT_2),
        ("LN_2", c::LN_2),
        ("LN_10", c::LN_10),
        ("LOG2_E", c::LOG2_E),
        ("LOG2_10", c::LOG2_10),
        ("LOG10_E", c::LOG10_E),
        ("LOG10_2", c::LOG10_2),
        ("FRAC_PI_2", c::FRAC_PI_2),
        ("FRAC_PI_3", c::FRAC_PI_3),
        ("FRAC_PI_4", c::FRAC_PI_4),
        ("FRAC_PI_6", c::FRAC_PI_6),
        ("FRAC_PI_8", c::FRAC_PI_8),
        ("FRAC_1_PI", c::FRAC_1_PI),
        ("FRAC_2_PI", c::FRAC_2_PI),
        ("FRAC_2_SQRT_PI", c::FRAC_2_SQRT_PI),
    ]
};

/// `std::f32::consts::PI` is the `f32` nearest to π, which is what rounding the `f64` gives; likewise the others.
fn float_const(name: &str) -> Option<f64> {
    FLOAT_CONSTS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// `f64::MAX` and its like.
fn float_associated(ty: &Ty, name: &str) -> Option<f64> {
    let single = *ty == Ty::Scalar(Type::Float32);
    let pick = |wide: f64, narrow: f32| if single { f64::from(narrow) } else { wide };
    match name {
        "MAX" => Some(pick(f64::MAX, f32::MAX)),
        "MIN" => Some(pick(f64::MIN, f32::MIN)),
        "MIN_POSITIVE" => Some(pick(f64::MIN_POSITIVE, f32::MIN_POSITIVE)),
        "EPSILON" => Some(pick(f64::EPSILON, f32::EPSILON)),
        "INFINITY" => Some(f64::INFINITY),
        "NEG_INFINITY" => Some(f64::NEG_INFINITY),
        "NAN" => Some(f64::NAN),
        _ => None,
    }
}

/// The path without `std`, `core` and the modules that only group names.
fn short(path: &[String]) -> &[String] {
    let mut rest = path;
    while let [first, more @ ..] = rest {
        if !more.is_empty()
            && matches!(
                first.as_str(),
                "std" | "core" | "option" | "string" | "cmp" | "sabot" | "prelude" | "crate" | "self"
            )
        {
            rest = more;
        } else {
            break;
        }
    }
    rest
}

impl Body<'_, '_> {
    /// A path that is not called.
    pub(super) fn path(&mut self, segments: &[String], span: Span) -> Hir {
        let path = short(segments);
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        if let Some(constant) = Self::library_path(&names, span) {
            return constant;
        }
        match names.as_slice() {
            [single] => {
                let name = ast::Expr { kind: ast::ExprKind::Name((*single).to_owned()), span };
                return self.expr(&name, None);
            }
            ["Option", "None"] => {
                let inner = self.table.fresh(Kind::Any);
                return Hir::new(HirKind::None, inner.option(), span);
            }
            ["Ordering", name] => {
                if let Some(order) = self.ordering_named(name, span) {
                    return order;
                }
            }
            [owner, name] if self.is_owner(owner) => return self.associated_constant(owner, name, span),
            [float @ ("f32" | "f64"), "consts", name] => {
                if let (Some(value), Some(ty)) = (float_const(name), scalar_named(float)) {
                    return Hir::new(HirKind::Float(value), ty, span);
                }
            }
            [ty, name] => {
                if let Some(ty) = scalar_named(ty) {
                    if let Some((least, greatest)) = integer_range(&ty) {
                        let value = match *name {
                            "MIN" => Some(least),
                            "MAX" => Some(greatest),
                            "BITS" => {
                                let bits = 128 - (greatest - least).leading_zeros();
                                return Hir::new(HirKind::Int(i128::from(bits)), Ty::U32, span);
                            }
                            _ => None,
                        };
                        if let Some(value) = value {
                            return Hir::new(HirKind::Int(value), ty, span);
                        }
                    } else if ty.is_float()
                        && let Some(value) = float_associated(&ty, name)
                    {
                        return Hir::new(HirKind::Float(value), ty, span);
                    }
                }
            }
            _ => {}
        }
        let known: Vec<&str> = match names.as_slice() {
            ["f32" | "f64", "consts", _] => FLOAT_CONSTS.iter().map(|(name, _)| *name).collect(),
            ["f32" | "f64", _] => {
                vec!["MAX", "MIN", "MIN_POSITIVE", "EPSILON", "INFINITY", "NEG_INFINITY", "NAN"]
            }
            [_, _] => vec!["MAX", "MIN", "BITS"],
            _ => Vec::new(),
        };
        let path = segments.join("::");
        let diagnostic =
            outside(&path, span).unwrap_or_else(|| names::unknown_path(&path, names.last().copied(), &known, span));
        self.cx.say(diagnostic);
        Hir::error(span)
    }

    /// `f(a, b)`.
    pub(super) fn call(&mut self, path: &[Name], args: &[ast::Expr], hint: Option<&Ty>, span: Span) -> Hir {
        let segments: Vec<String> = path.iter().map(|name| name.text.clone()).collect();
        let name_span = path.iter().fold(Span::NONE, |span, name| span.to(name.span));
        let short: Vec<&str> = short(&segments).iter().map(String::as_str).collect();
        if let Some(hir) = self.text_call(&short, args, span) {
            return hir;
        }
        if let Some(hir) = self.memory_call(path, args, span) {
            return hir;
        }
        if let Some(hir) = self.outcome_call(&short, args, hint, span) {
            return hir;
        }
        if let Some(hir) = self.tuple_value(&short, args, name_span, span) {
            return hir;
        }
        if let Some(hir) = self.collection_call(&short, args, hint, span) {
            return hir;
        }
        match short.as_slice() {
            ["Some"] | ["Option", "Some"] => {
                let [arg] = args else { return self.wrong_arity("Some", 1, args, name_span, span) };
                let hint = match hint.map(|hint| self.table.resolve(hint)) {
                    Some(Ty::Option(inner)) => Some(*inner),
                    _ => None,
                };
                let inner = self.expr(arg, hint.as_ref());
                let ty = inner.ty.clone().option();
                return Hir::new(HirKind::Some(Box::new(inner)), ty, span);
            }
            [name] => {
                if let Some((id, _)) = self.bound_since(0, name)
                    && self.closures.contains_key(&id)
                {
                    return self.call_closure(id, args, name_span, span);
                }
                if let Some(&id) = self.cx.function_names.get(*name) {
                    return self.call_function(id, None, args, name_span, span);
                }
                if let Some(value) = self.library_call(&[name], args, name_span, span) {
                    return value;
                }
                if let Some((_, micros)) = DURATIONS.iter().find(|(unit, _)| unit == name) {
                    return self.duration(name, *micros, args, name_span, span);
                }
                if let ("min" | "max", [a, rest @ ..]) = (*name, args)
                    && segments.len() > 1
                {
                    let method = Name { text: (*name).to_owned(), span: name_span };
                    return self.method(a, &method, &[], rest, hint, span);
                }
            }
            ["Vec", "new" | "default"] if args.is_empty() => return self.list(&[], hint, span),
            ["Vec", "with_capacity"] => {
                let [room] = args else { return self.wrong_arity("with_capacity", 1, args, name_span, span) };
                self.expect(room, &Ty::Usize, Why::Index);
                return self.list(&[], hint, span);
            }
            [owner, function] if self.is_owner(owner) => {
                return self.associated_function(owner, function, args, name_span, span);
            }
            ["String", "new"] if args.is_empty() => return Hir::new(HirKind::Str(String::new()), Ty::STRING, span),
            // A method of a trait by its path.
            ["ToString" | "ToOwned" | "Clone" | "AsRef" | "Into" | "Ord" | "PartialOrd" | "PartialEq", method]
                if !args.is_empty() =>
            {
                let name = Name { text: (*method).to_owned(), span: name_span };
                return self.method(&args[0], &name, &[], &args[1..], hint, span);
            }
            [ty, "from"] => {
                if let Some(ty) = scalar_named(ty) {
                    let [arg] = args else { return self.wrong_arity("from", 1, args, name_span, span) };
                    let hint = matches!(arg.kind, ast::ExprKind::Literal(_)).then_some(&ty);
                    let inner = self.expr(arg, hint);
                    return Hir::new(HirKind::Into(Box::new(inner)), ty, span);
                }
            }
            [ty, "try_from"] => {
                if let Some(ty) = scalar_named(ty) {
                    let [arg] = args else { return self.wrong_arity("try_from", 1, args, name_span, span) };
                    let value = self.expr(arg, None);
                    return self.try_into(value, ty, span);
                }
            }
            [ty, "default"] if args.is_empty() => {
                if let Some(ty) = scalar_named(ty)
                    && let Some(value) = super::option::default_of(&ty, span)
                {
                    return value;
                }
            }
            [ty, method] => {
                if let Some(value) = self.library_call(&[ty, method], args, name_span, span) {
                    return value;
                }
                if let Some(ty) = scalar_named(ty)
                    && let Some(value) = self.bits_call(&ty, method, args, span)
                {
                    return value;
                }
                if let (Some(ty), [receiver, rest @ ..]) = (scalar_named(ty), args) {
                    let receiver_hir = self.expect(receiver, &ty, Why::Argument { function: method, index: 0 });
                    let name = Name { text: (*method).to_owned(), span: name_span };
                    return self.method_on(receiver_hir, receiver, &name, rest, hint, span);
                }
            }
            _ => {}
        }
        for arg in args {
            if !matches!(arg.kind, ast::ExprKind::Closure(_)) {
                self.expr(arg, None);
            }
        }
        let name = segments.join("::");
        if let [only] = short.as_slice()
            && (self.cx.record_names.contains_key(*only) || *only == "Ok" || *only == "Err")
        {
            self.cx.say(unsupported::call(&name, name_span));
            return Hir::error(span);
        }
        let known: Vec<&str> = self
            .cx
            .function_names
            .keys()
            .map(String::as_str)
            .chain(DURATIONS.iter().map(|(name, _)| *name))
            .chain(super::library::LITERALS)
            .chain(["Some"])
            .collect();
        if known.contains(&name.as_str()) {
            return Hir::error(span); // a function of what was told to be no record
        }
        let diagnostic = outside(&name, name_span).unwrap_or_else(|| names::unknown_function(&name, &known, name_span));
        self.cx.say(diagnostic);
        Hir::error(span)
    }

    /// `f(args)`, or `receiver.f(args)`.
    pub(super) fn call_function(
        &mut self,
        id: FunctionId,
        receiver: Option<(Hir, Option<&ast::Expr>)>,
        args: &[ast::Expr],
        name_span: Span,
        span: Span,
    ) -> Hir {
        if let Some(template) = self.cx.functions[id.0 as usize].template.clone() {
            return self.put_in(id, &template, receiver, args, name_span, span);
        }
        let mark = self.enter();
        let (params, returns, chosen) = self.instantiate(id, &[]);
        let function = &self.cx.functions[id.0 as usize];
        let (name, declared) = (function.name.clone(), function.span);
        let taken = usize::from(receiver.is_some());
        let names: Vec<String> = function.params.iter().skip(taken).map(|(name, _)| name.clone()).collect();
        let owned: Vec<bool> = function.owned.iter().skip(taken).copied().collect();
        let lent = function.lent.clone();
        let mut places: Vec<(usize, Option<ast::Expr>)> = Vec::new();
        let mut lets = Vec::new();
        if names.len() != args.len() {
            for arg in args {
                self.expr(arg, None);
            }
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let diagnostic = say::wrong_arity(&name, &names, args.len(), name_span, Some(declared));
            self.cx.say(diagnostic);
            return Hir::new(HirKind::Error, returns, span);
        }
        let mut values = Vec::with_capacity(params.len());
        let mut types = params.iter();
        if let (Some((receiver, written)), Some(ty)) = (receiver, types.next()) {
            let mut receiver = receiver;
            if lent.first() == Some(&true) {
                let place = written.and_then(|written| self.held_place(written, &mut lets));
                if let Some(place) = &place {
                    receiver = self.expr(place, None);
                }
                places.push((0, place));
            }
            values.push(self.coerce(receiver, ty, Why::Argument { function: &name, index: 0 }, None));
        } else {
            types = params.iter();
        }
        for (((arg, param), ty), is_owned) in args.iter().zip(&names).zip(types).zip(owned) {
            let why = Why::Parameter { function: &name, param };
            if lent.get(values.len()) == Some(&true) {
                let place = self.held_place(arg, &mut lets);
                let value = match &place {
                    Some(place) => self.expect(place, ty, why),
                    None => Hir::new(HirKind::Error, ty.clone(), span),
                };
                places.push((values.len(), place));
                values.push(value);
                continue;
            }
            let value = self.expect(arg, ty, why);
            if is_owned {
                self.must_own(arg, &value, why);
            }
            values.push(value);
        }
        self.ask_bounds_later(id, &chosen, name_span);
        if places.is_empty() {
            return Hir::new(HirKind::Udf(id, chosen, values), returns, span);
        }
        let made = |values, gives| Hir::new(HirKind::Udf(id, chosen, values), gives, span);
        let called = self.call_lending(made, values, places, &returns, lets, span);
        self.leave(mark);
        called
    }

    fn duration(&mut self, unit: &str, micros: i64, args: &[ast::Expr], name_span: Span, span: Span) -> Hir {
        let [arg] = args else { return self.wrong_arity(unit, 1, args, name_span, span) };
        let arg = self.expect(arg, &Ty::I64, Why::Argument { function: unit, index: 0 });
        // A duration is its microseconds: an overflow is a row error as in any other multiplication.
        if let HirKind::Int(count) = arg.kind {
            let total = count.saturating_mul(micros.into());
            let greatest = i128::from(i64::MAX);
            if !(-greatest..=greatest).contains(&total) {
                let limit = greatest / i128::from(micros);
                self.cx.say(say::out_of_range(count, &format!("{unit}(..)"), -limit, limit, arg.span));
                return Hir::new(HirKind::Error, Ty::DURATION, span);
            }
            return Hir::new(HirKind::Int(total), Ty::DURATION, span);
        }
        let factor = Hir::new(HirKind::Int(micros.into()), Ty::I64, span);
        let product = Hir::new(HirKind::Binary(BinaryOp::Mul, Box::new(arg), Box::new(factor)), Ty::I64, span);
        Hir::new(HirKind::Cast(Box::new(product)), Ty::DURATION, span)
    }

    pub(super) fn wrong_arity(&mut self, name: &str, takes: usize, args: &[ast::Expr], at: Span, span: Span) -> Hir {
        for arg in args {
            if !matches!(arg.kind, ast::ExprKind::Closure(_)) {
                self.expr(arg, None);
            }
        }
        let names = ["a", "b", "c"];
        let diagnostic = say::wrong_arity(name, &names[..takes.min(3)], args.len(), at, None);
        self.cx.say(diagnostic);
        Hir::error(span)
    }
}
