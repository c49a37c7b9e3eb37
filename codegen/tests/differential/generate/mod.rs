//! Random typed expressions, and random columns that lie on the edges of their types.

mod numbers;
mod rows;

use super::bodies::Making;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, LocalId, ParamId, UnaryOp};
use sabot_ir::pipeline::Register;
use sabot_ir::span::Span;
use sabot_ir::text::{TextFunction, TextType, is_formatted, is_parsed};
use sabot_ir::ty::{TimeUnit, Type};
use sabot_ir::value::{ValueFunction, ValueType};
use sabot_reference::Value;
use sabot_reference::random::Rng;

pub(crate) use rows::{rows, value};

/// Types of parameters, in the order of their numbers.
fn param_types() -> [Type; 4] {
    [Type::Float64, Type::Int64, Type::String, Type::Int32]
}

/// Regular expressions.
pub(crate) const PATTERNS: [&str; 6] = ["", r"(\w)(\d*)", "(?i)a(b?)", r"^\s*\S+", r"[^a-z]+$", r"(x)|\p{Lu}"];

/// Types that columns have.
fn column_types(vector_only: bool) -> Vec<Type> {
    let mut types = vec![
        Type::Bool,
        Type::Int8,
        Type::Int16,
        Type::Int32,
        Type::Int64,
        Type::UInt8,
        Type::UInt16,
        Type::UInt32,
        Type::UInt64,
        Type::Float32,
        Type::Float64,
        Type::Float64,
        Type::Int64,
        Type::Date,
        Type::Timestamp(TimeUnit::Microsecond),
        Type::Duration,
    ];
    if !vector_only {
        types.extend([Type::String, Type::Bytes, Type::Decimal(20, 2), Type::DECIMAL]);
    }
    types
}

/// What expressions saw before a body began.
pub(crate) struct Outside {
    body: Option<Making>,
    columns: Vec<Register>,
    outputs: Vec<Type>,
    locals: Vec<(LocalId, Type)>,
}
/// Functions that have a vector form.
const IN_VECTORS: &[ValueFunction] = &[
    ValueFunction::DateYear,
    ValueFunction::DateQuarter,
    ValueFunction::DateMonth,
    ValueFunction::DateDay,
    ValueFunction::DateWeekday,
    ValueFunction::DateAtMidnight,
    ValueFunction::TimeDate,
    ValueFunction::TimeHour,
    ValueFunction::TimeMinute,
    ValueFunction::TimeSecond,
    ValueFunction::TimeMillisecond,
    ValueFunction::TimeMicrosecond,
    ValueFunction::TimeTrunc,
    ValueFunction::TimeFloorTo,
    ValueFunction::DurationAbs,
];

pub(crate) struct Generator<'a> {
    pub(crate) rng: &'a mut Rng,
    /// The body whose expressions are being made.
    body: Option<Making>,
    /// Whether there are bodies at all.
    bodies: bool,
    columns: Vec<Register>,
    vector_only: bool,
    locals: Vec<(LocalId, Type)>,
    next_local: u32,
    next_span: u32,
    outputs: Vec<Type>,
}

impl<'a> Generator<'a> {
    /// `vector_only`: only what must have a vector form.
    pub(crate) fn new(rng: &'a mut Rng, vector_only: bool) -> Self {
        let mut columns = Vec::new();
        let types = column_types(vector_only);
        for number in 0..4 + rng.below(6) {
            let ty = rng.pick(&types).clone();
            let ty = if rng.percent(35) { ty.optional() } else { ty };
            columns.push(Register { name: format!("c{number}"), ty });
        }
        Self {
            rng,
            body: None,
            bodies: false,
            columns,
            vector_only,
            locals: Vec::new(),
            next_local: 0,
            next_span: 10,
            outputs: Vec::new(),
        }
    }

    /// With bodies among the expressions.
    pub(crate) fn with_bodies(mut self) -> Self {
        self.bodies = true;
        self
    }

    /// The body that is being made.
    pub(crate) fn making(&mut self) -> &mut Making {
        self.body.as_mut().expect("a body is being made")
    }

    /// From here on expressions are a body's; gives what they saw before.
    pub(crate) fn enter_body(&mut self, making: Making) -> Outside {
        Outside {
            body: self.body.replace(making),
            columns: std::mem::take(&mut self.columns),
            outputs: std::mem::take(&mut self.outputs),
            locals: std::mem::take(&mut self.locals),
        }
    }

    /// The body is complete.
    pub(crate) fn leave_body(&mut self, outside: Outside) -> Making {
        self.columns = outside.columns;
        self.outputs = outside.outputs;
        self.locals = outside.locals;
        std::mem::replace(&mut self.body, outside.body).expect("a body was made")
    }

    pub(crate) fn columns(&self) -> Vec<Register> {
        self.columns.clone()
    }

    pub(crate) fn params(&mut self) -> Vec<Value> {
        param_types().iter().map(|ty| value(self.rng, ty)).collect()
    }

    pub(crate) fn maybe_filter(&mut self) -> Option<Expr> {
        self.rng.percent(70).then(|| self.expr(&Type::Bool, 4))
    }

    pub(crate) fn filter(&mut self) -> Expr {
        self.expr(&Type::Bool, 3)
    }

    pub(crate) fn outputs(&mut self) -> Vec<Expr> {
        let mut outputs = Vec::new();
        for _ in 0..1 + self.rng.below(4) {
            let ty = self.any_type();
            let expr = self.expr(&ty, 4);
            self.outputs.push(expr.ty.clone());
            outputs.push(expr);
        }
        outputs
    }

    pub(crate) fn any_type(&mut self) -> Type {
        let ty = self.base_type();
        if self.rng.percent(25) { ty.optional() } else { ty }
    }

    pub(crate) fn base_type(&mut self) -> Type {
        let types = column_types(self.vector_only);
        self.rng.pick(&types).clone()
    }

    /// Every node has a place of its own, so that errors can be told apart.
    pub(crate) fn node(&mut self, kind: ExprKind, ty: &Type) -> Expr {
        self.next_span += 2;
        Expr::new(kind, ty.clone(), Span::new(self.next_span as usize, self.next_span as usize + 1))
    }

    pub(crate) fn expr(&mut self, ty: &Type, depth: u32) -> Expr {
        let kind = if depth == 0 || self.rng.percent(12) { self.leaf(ty) } else { self.inner(ty, depth - 1) };
        self.node(kind, ty)
    }

    fn boxed(&mut self, ty: &Type, depth: u32) -> Box<Expr> {
        Box::new(self.expr(ty, depth))
    }

    fn leaf(&mut self, ty: &Type) -> ExprKind {
        let mut choices: Vec<ExprKind> = Vec::new();
        for (local, of) in &self.locals {
            if of == ty {
                choices.push(ExprKind::Local(*local));
            }
        }
        let registers = self.columns.iter().map(|column| &column.ty).chain(&self.outputs);
        for (number, of) in (0u32..).zip(registers) {
            if of == ty {
                choices.push(ExprKind::Column(number));
                choices.push(ExprKind::Column(number));
            }
        }
        for (number, of) in (0u32..).zip(&param_types()) {
            if of == ty && self.body.is_none() {
                choices.push(ExprKind::Param(ParamId(number)));
            }
        }
        for id in self.body.iter().flat_map(|body| body.of_type(ty)) {
            choices.extend([ExprKind::Variable(id), ExprKind::Variable(id), ExprKind::Variable(id)]);
        }
        if choices.is_empty() || self.rng.percent(20) {
            return self.literal(ty);
        }
        self.rng.pick(&choices).clone()
    }

    fn literal(&mut self, ty: &Type) -> ExprKind {
        if let Type::Option(inner) = ty {
            return if self.rng.percent(30) {
                ExprKind::None
            } else {
                let literal = self.literal(inner);
                ExprKind::Some(Box::new(self.node(literal, inner)))
            };
        }
        ExprKind::Literal(match value(self.rng, ty) {
            Value::Bool(value) => Literal::Bool(value),
            Value::Int(value) => Literal::Int(value),
            Value::Float32(value) => Literal::Float(f64::from(value)),
            Value::Float64(value) => Literal::Float(value),
            Value::String(value) => Literal::String(value),
            Value::Bytes(value) => Literal::Bytes(value),
            Value::Null | Value::Unit | Value::List(_) => Literal::Unit,
        })
    }

    fn inner(&mut self, ty: &Type, depth: u32) -> ExprKind {
        if self.bodies && self.rng.percent(if self.body.is_some() { 3 } else { 25 }) {
            return self.compute(ty, depth);
        }
        match self.rng.below(12) {
            0 | 1 => ExprKind::If {
                condition: self.boxed(&Type::Bool, depth),
                then: self.boxed(ty, depth),
                otherwise: self.boxed(ty, depth),
            },
            2 => {
                let of = self.any_type();
                let value = self.boxed(&of, depth);
                let (local, body) = self.with_local(of, ty, depth);
                ExprKind::Let { local, value, body }
            }
            3 | 4 => {
                let of = self.base_type();
                let option = self.boxed(&of.clone().optional(), depth);
                let (local, then) = self.with_local(of, ty, depth);
                ExprKind::IfSome { option, local, then, otherwise: self.boxed(ty, depth) }
            }
            5 if !ty.is_option() => {
                let args = vec![self.expr(&ty.clone().optional(), depth), self.expr(ty, depth)];
                ExprKind::Call(Function::UnwrapOr, args)
            }
            _ => self.of_type(ty, depth),
        }
    }

    fn with_local(&mut self, of: Type, ty: &Type, depth: u32) -> (LocalId, Box<Expr>) {
        let local = LocalId(self.next_local);
        self.next_local += 1;
        self.locals.push((local, of));
        let body = self.boxed(ty, depth);
        self.locals.pop();
        (local, body)
    }

    fn of_type(&mut self, ty: &Type, depth: u32) -> ExprKind {
        if self.rng.percent(20)
            && let Some(call) = self.value_function(ty, depth)
        {
            return call;
        }
        match ty {
            ty if !self.vector_only && self.rng.percent(25) => self.text(ty, depth),
            Type::Bool => self.truth(depth),
            Type::Option(inner) if **inner == Type::DECIMAL && self.rng.percent(60) => self.checked(inner, depth),
            Type::Decimal(38, 9) => self.decimal(depth),
            Type::Option(inner) if inner.is_integer() && self.rng.percent(40) => self.checked(inner, depth),
            Type::Option(inner) => ExprKind::Some(self.boxed(inner, depth)),
            Type::Date | Type::Timestamp(_) | Type::Duration => self.time(ty, depth),
            ty if ty.is_integer() => self.integer(ty, depth),
            ty if ty.is_float() => self.float(ty, depth),
            ty => {
                if self.vector_only {
                    self.leaf(ty)
                } else {
                    self.text(ty, depth)
                }
            }
        }
    }

    /// A function of decimals, times or JSON that gives this type, if there is one.
    fn value_function(&mut self, ty: &Type, depth: u32) -> Option<ExprKind> {
        let vector_only = self.vector_only;
        let gives = |function: &&ValueFunction| {
            function.result().ty() == *ty && (!vector_only || IN_VECTORS.contains(function))
        };
        let functions: Vec<ValueFunction> = ValueFunction::ALL.iter().filter(gives).copied().collect();
        if functions.is_empty() {
            return None;
        }
        let function = *self.rng.pick(&functions);
        let args = function.args().iter().enumerate().map(|(at, arg)| self.value_argument(function, at, *arg, depth));
        Some(ExprKind::Call(Function::Value(function), args.collect()))
    }

    fn value_argument(&mut self, function: ValueFunction, at: usize, arg: ValueType, depth: u32) -> Expr {
        const DATES: [&str; 3] = ["%Y-%m-%d", "%A, %-d. %B %y week %V of %G", "%j|%q|%e|%%"];
        const TIMES: [&str; 3] = ["%Y-%m-%d %H:%M:%S%.3f", "%I %p %s %6f", "%F %T%.f"];
        const PATHS: [&str; 4] = ["a", "$.a[1]", "b.c", "$"];
        const TEXTS: [&str; 12] = [
            "2024-02-29",
            "1969-12-31T23:59:59.999999Z",
            "-0044-03-15",
            "12.5",
            "-99999999999999999999999999999.999999999",
            "PT1.5S",
            "{\"a\": 12, \"b\": {\"c\": true}}",
            "{\"a\": [1, -2.5e3], \"b\": {\"c\": null}}",
            "{\"b\": {\"c\": \"x\\n\\u00e4\"}, \"a\": 1.5}",
            "[1, 2",
            "true",
            "7",
        ];
        let literal = |rng: &mut Rng, texts: &[&str]| Literal::String((*rng.pick(texts)).to_owned());
        let literal = match (function, at) {
            (ValueFunction::TimeTrunc, 1) if self.vector_only => Literal::Int(4 + i128::from(self.rng.below(5))),
            (ValueFunction::TimeTrunc | ValueFunction::DateTrunc, 1) => Literal::Int(i128::from(self.rng.below(9))),
            (ValueFunction::TimeFloorTo, 1) if self.vector_only || self.rng.percent(50) => {
                Literal::Int(*self.rng.pick(&[1, 7, 300_000_000, 86_400_000_000]))
            }
            (ValueFunction::DecimalFormatted, 1) => literal(self.rng, &["", ">12.2", "+", "010.1", "*^30.11", "<5"]),
            (ValueFunction::DateFormat, 1) => literal(self.rng, &DATES),
            (ValueFunction::TimeFormat, 1) => literal(self.rng, &TIMES),
            (
                ValueFunction::JsonGet
                | ValueFunction::JsonGetI64
                | ValueFunction::JsonGetF64
                | ValueFunction::JsonGetBool,
                1,
            ) => literal(self.rng, &PATHS),
            _ if arg == ValueType::Str && self.rng.percent(70) => literal(self.rng, &TEXTS),
            _ if arg == ValueType::U32 && self.rng.percent(70) => Literal::Int(i128::from(self.rng.below(13))),
            _ => return self.expr(&arg.ty(), depth),
        };
        self.node(ExprKind::Literal(literal), &arg.ty())
    }

    fn decimal(&mut self, depth: u32) -> ExprKind {
        let ty = &Type::DECIMAL;
        match self.rng.below(10) {
            0..=4 => {
                let ops = [BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Div, BinaryOp::Rem];
                let op = *self.rng.pick(&ops);
                ExprKind::Binary(op, self.boxed(ty, depth), self.boxed(ty, depth))
            }
            5 => ExprKind::Unary(UnaryOp::Neg, self.boxed(ty, depth)),
            6 => {
                let function = *self.rng.pick(&[Function::Abs, Function::Signum]);
                self.call(function, &[ty], depth)
            }
            7 => {
                let function = *self.rng.pick(&[Function::Min, Function::Max]);
                self.call(function, &[ty, ty], depth)
            }
            8 => self.call(Function::Clamp, &[ty, ty, ty], depth),
            _ => {
                let from = self.rng.pick(&[Type::Int8, Type::Int64, Type::UInt64, Type::UInt16]).clone();
                ExprKind::Cast(self.boxed(&from, depth))
            }
        }
    }

    /// A function of strings that gives this type, if there is one.
    fn text(&mut self, ty: &Type, depth: u32) -> ExprKind {
        let gives = |function: &&TextFunction| function.result().ty() == *ty;
        let functions: Vec<TextFunction> = TextFunction::ALL.iter().filter(gives).copied().collect();
        if *ty == Type::String && self.rng.percent(25) {
            return self.formatted(depth);
        }
        if let Type::Option(inner) = ty
            && is_parsed(inner)
            && self.rng.percent(40)
        {
            return ExprKind::Call(Function::Parse, vec![self.expr(&Type::String, depth)]);
        }
        if functions.is_empty() {
            return self.leaf(ty);
        }
        let function = *self.rng.pick(&functions);
        let is_regex = function.name().starts_with("regex_");
        let args = function.args().iter().enumerate().map(|(at, arg)| match arg {
            _ if at == 1 && is_regex => {
                let pattern = Literal::String((*self.rng.pick(&PATTERNS)).to_owned());
                self.node(ExprKind::Literal(pattern), &Type::String)
            }
            // Mostly a position in the string, or a radix.
            TextType::U64 | TextType::U32 if self.rng.percent(70) => {
                let number = ExprKind::Literal(Literal::Int(self.rng.below(12).into()));
                self.node(number, &arg.ty())
            }
            arg => self.expr(&arg.ty(), depth),
        });
        let args = args.collect();
        ExprKind::Call(Function::Text(function), args)
    }

    fn formatted(&mut self, depth: u32) -> ExprKind {
        let of = self.any_type().value_type().clone();
        let of = if is_formatted(&of) { of } else { Type::Char };
        let specs: &[&str] = match &of {
            of if of.is_integer() => &["", "?", "x", "#010b", ">12", "+", "o", "*^9", "05"],
            of if of.is_float() => &["", "?", ".2", "10.3", "+e", "08.1", "<20"],
            _ => &["", "?", "4", ">6", "^5", ".2", "ä<7.3"],
        };
        let spec = Literal::String((*self.rng.pick(specs)).to_owned());
        let spec = self.node(ExprKind::Literal(spec), &Type::String);
        let args = vec![self.expr(&Type::String, depth), self.expr(&of, depth), spec];
        ExprKind::Call(Function::Append, args)
    }

    fn call(&mut self, function: Function, types: &[&Type], depth: u32) -> ExprKind {
        ExprKind::Call(function, types.iter().map(|ty| self.expr(ty, depth)).collect())
    }

    fn checked(&mut self, ty: &Type, depth: u32) -> ExprKind {
        let functions: &[Function] = if self.vector_only && ty.is_integer() {
            &[Function::CheckedAdd, Function::CheckedSub, Function::CheckedMul]
        } else {
            &[
                Function::CheckedAdd,
                Function::CheckedSub,
                Function::CheckedMul,
                Function::CheckedDiv,
                Function::CheckedRem,
            ]
        };
        let function = *self.rng.pick(functions);
        self.call(function, &[ty, ty], depth)
    }

    fn truth(&mut self, depth: u32) -> ExprKind {
        match self.rng.below(11) {
            0 => ExprKind::Unary(UnaryOp::Not, self.boxed(&Type::Bool, depth)),
            1 | 2 => {
                let op = *self.rng.pick(&[BinaryOp::And, BinaryOp::Or]);
                ExprKind::Binary(op, self.boxed(&Type::Bool, depth), self.boxed(&Type::Bool, depth))
            }
            3 => {
                let op = *self.rng.pick(&[BinaryOp::BitAnd, BinaryOp::BitOr, BinaryOp::BitXor]);
                ExprKind::Binary(op, self.boxed(&Type::Bool, depth), self.boxed(&Type::Bool, depth))
            }
            4 => {
                let of = self.base_type().optional();
                ExprKind::IsSome(self.boxed(&of, depth))
            }
            5 if !self.vector_only => {
                let functions = [Function::StartsWith, Function::EndsWith, Function::Contains];
                let function = *self.rng.pick(&functions);
                self.call(function, &[&Type::String, &Type::String], depth)
            }
            6 if !self.vector_only => {
                let of = self.rng.pick(&[Type::String, Type::Bytes]).clone();
                self.call(Function::IsEmpty, &[&of], depth)
            }
            7 => {
                // Not the sign: that of a NaN is no value of the language.
                let function = *self.rng.pick(&[Function::IsNan, Function::IsFinite, Function::IsInfinite]);
                let of = self.rng.pick(&[Type::Float32, Type::Float64]).clone();
                self.call(function, &[&of], depth)
            }
            _ => {
                let ops = [BinaryOp::Eq, BinaryOp::Ne, BinaryOp::Lt, BinaryOp::Le, BinaryOp::Gt, BinaryOp::Ge];
                let op = *self.rng.pick(&ops);
                let of = self.any_type();
                ExprKind::Binary(op, self.boxed(&of, depth), self.boxed(&of, depth))
            }
        }
    }
}
