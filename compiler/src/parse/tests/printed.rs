//! Code that is printed and read again is the same code.

use super::super::{Reader, SpanMap};
use super::random::Random;
use super::{QUOTE_ENRICHMENT, graph};
use sabot_ir::ast::{
    Arm, BinaryOp, Closure, Condition, Const, Expr, ExprKind, Literal, Name, Pattern, PatternKind, RangeBound,
    Repeated, Statement, TypeName, TypeNameKind, UnaryOp,
};
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::display;
use sabot_ir::job_graph::Value;
use sabot_ir::span::Span;

/// The debug text without places.
fn without_spans(node: &impl std::fmt::Debug) -> String {
    let text = format!("{node:?}");
    let mut rest = text.as_str();
    let mut plain = String::new();
    while let Some(start) = rest.find("span: Span {") {
        plain.push_str(&rest[..start]);
        rest = &rest[start + rest[start..].find('}').expect("spans are closed") + 1..];
    }
    plain + rest
}

/// Reads a piece of Rust that has no mistakes.
fn read<S: syn::parse::Parse, T>(text: &str, lower: impl FnOnce(&mut Reader<'_>, &S) -> T) -> T {
    let mut diagnostics = Diagnostics::new();
    let mut reader = Reader::new(SpanMap::default(), &mut diagnostics);
    let node = reader.syntax::<S>(text).map(|syntax| lower(&mut reader, &syntax));
    assert!(diagnostics.is_empty(), "{}", display::diagnostic::render_all(text, "text", &diagnostics));
    node.expect("it was read")
}

#[test]
fn printed_code_is_the_same_code() {
    let graph = graph(QUOTE_ENRICHMENT);
    for node in &graph.operators {
        for parameter in node.parameters.values() {
            if let Value::Closure(closure) = &parameter.value {
                let text = display::ast::closure(closure);
                let again: Closure = read(&text, |reader, syntax: &syn::ExprClosure| reader.closure(syntax));
                assert_eq!(without_spans(&again), without_spans(closure), "{text}");
            }
        }
    }
    for function in &graph.functions {
        let text = display::ast::function(function);
        let again = read(&text, |reader, syntax: &syn::ItemFn| reader.function(syntax)).expect("a function");
        assert_eq!(without_spans(&again), without_spans(function), "{text}");
    }
}

#[test]
fn code_is_laid_out_as_people_do() {
    let text = "|q, s| Enriched { instrument_id: q.instrument_id, price: q.price, spread: if q.ask > q.bid { spread_bps(q.bid, q.ask) } else { 0.0 }, sector: match s.sector { Some(x) if x.len() > 3 => x, None | Some(_) => { let y = \"unknown\"; y.into() } } }";
    let closure: Closure = read(text, |reader, syntax: &syn::ExprClosure| reader.closure(syntax));
    let expected = r#"|q, s| Enriched {
    instrument_id: q.instrument_id,
    price: q.price,
    spread: if q.ask > q.bid { spread_bps(q.bid, q.ask) } else { 0.0 },
    sector: match s.sector {
        Some(x) if x.len() > 3 => x,
        None | Some(_) => {
            let y = "unknown";
            y.into()
        }
    },
}"#;
    assert_eq!(display::ast::closure(&closure), expected);
    let text = "fn f(a: f64, b: f64) -> f64 { let mid = (a + b) / 2.0; if mid == 0.0 { 0.0 } else { (a - b) / mid } }";
    let function = read(text, |reader, syntax: &syn::ItemFn| reader.function(syntax)).expect("a function");
    assert_eq!(
        display::ast::function(&function),
        "fn f(a: f64, b: f64) -> f64 {\n    let mid = (a + b) / 2.0;\n    if mid == 0.0 { 0.0 } else { (a - b) / mid }\n}"
    );
}

impl Random {
    fn word(&mut self) -> String {
        self.one_of(&["a", "b", "price", "type", "match", "x1"]).to_owned()
    }

    fn name(&mut self) -> Name {
        Name { text: self.word(), span: Span::NONE }
    }

    fn literal(&mut self) -> Literal {
        let suffix = |random: &mut Self, suffix: &str| (random.below(2) == 0).then(|| suffix.to_owned());
        match self.below(6) {
            0 => Literal::Bool(true),
            1 => Literal::Int(i128::from(self.below(300) as u64), suffix(self, "u16")),
            2 => Literal::Float(self.one_of(&[0.0, 1.5, 1e300, 1e-7, 16_777_216.0]), suffix(self, "f64")),
            3 => Literal::String(self.one_of(&["", "a\"b\\\n{}", "ä\u{1}☃"]).to_owned()),
            4 => Literal::Char(self.one_of(&['a', '\'', '"', '\n', 'ß'])),
            _ => Literal::Bytes(self.one_of(&[vec![], vec![0, 255, b'"', b'a']])),
        }
    }

    fn ty(&mut self, depth: usize) -> TypeName {
        let kind = match self.below(if depth == 0 { 2 } else { 7 }) {
            5 => TypeNameKind::Slice(Box::new(self.ty(depth - 1))),
            6 => TypeNameKind::Array(Box::new(self.ty(depth - 1)), self.boxed(0)),
            0 => TypeNameKind::Path("f64".into(), vec![]),
            1 => TypeNameKind::Infer,
            2 => TypeNameKind::Path("Option".into(), vec![self.ty(depth - 1)]),
            3 => TypeNameKind::Tuple((0..self.below(3)).map(|_| self.ty(depth - 1)).collect()),
            _ => TypeNameKind::Reference(Box::new(self.ty(depth - 1))),
        };
        TypeName { kind, span: Span::NONE }
    }

    fn bound(&mut self) -> Literal {
        let value = i128::from(self.below(9) as u64) - 4;
        if self.below(2) == 0 {
            Literal::Int(value, None)
        } else {
            Literal::Float(value as f64 + 0.5, Some("f32".into()))
        }
    }

    fn range_bound(&mut self) -> RangeBound {
        match self.below(3) {
            0 => RangeBound::Path(vec!["i64".into(), "MIN".into()]),
            1 => RangeBound::Path(vec!["LIMIT".into()]),
            _ => RangeBound::Literal(self.bound()),
        }
    }

    fn pattern(&mut self, depth: usize) -> Pattern {
        let kind = match self.below(if depth == 0 { 5 } else { 12 }) {
            10 => {
                let fields = (0..self.below(3)).map(|_| (self.name(), self.pattern(depth - 1))).collect();
                PatternKind::Record(Name { text: "R".into(), span: Span::NONE }, fields, self.below(2) == 0)
            }
            11 => {
                let rest = Pattern { kind: PatternKind::Rest, span: Span::NONE };
                let mut parts: Vec<Pattern> = (0..self.below(3)).map(|_| self.pattern(depth - 1)).collect();
                parts.insert(self.below(parts.len() + 1), rest);
                PatternKind::Tuple(parts)
            }
            0 => PatternKind::Wild,
            1 => PatternKind::Bind(self.word(), self.below(2) == 0, None),
            2 => PatternKind::Literal(if self.below(2) == 0 { self.literal() } else { self.bound() }),
            3 => PatternKind::Path(vec!["None".into()], vec![]),
            4 => PatternKind::Path(vec!["f64".into(), "MAX".into()], vec![]),
            5 => PatternKind::Bind(self.word(), false, Some(Box::new(self.pattern(depth - 1)))),
            6 => PatternKind::Path(vec!["Some".into()], vec![self.pattern(depth - 1)]),
            7 => PatternKind::Or((0..2 + self.below(2)).map(|_| self.pattern(depth - 1)).collect()),
            8 => PatternKind::Tuple((0..self.below(3)).map(|_| self.pattern(depth - 1)).collect()),
            _ => match self.below(4) {
                0 => PatternKind::Range(Some(self.range_bound()), Some(self.range_bound()), true),
                1 => PatternKind::Range(Some(self.range_bound()), Some(self.range_bound()), false),
                2 => PatternKind::Range(None, Some(self.range_bound()), true),
                _ => PatternKind::Reference(Box::new(self.pattern(depth - 1))),
            },
        };
        Pattern { kind, span: Span::NONE }
    }

    fn boxed(&mut self, depth: usize) -> Box<Expr> {
        Box::new(self.expr(depth))
    }

    fn list(&mut self, depth: usize) -> Vec<Expr> {
        (0..self.below(3)).map(|_| self.expr(depth)).collect()
    }

    fn block(&mut self, depth: usize) -> Expr {
        let mut statements = Vec::new();
        for _ in 0..self.below(3) {
            let ty = (self.below(2) == 0).then(|| self.ty(1));
            statements.push(match self.below(8) {
                0..=2 => Statement::Let(self.pattern(1), ty, self.expr(depth)),
                3 => Statement::LetElse(self.pattern(1), ty, self.expr(depth), self.block(0)),
                4 => Statement::Declare(
                    Pattern { kind: PatternKind::Bind(self.word(), self.below(2) == 0, None), span: Span::NONE },
                    ty,
                ),
                5 => {
                    let ty = TypeName { kind: TypeNameKind::Path("i64".into(), vec![]), span: Span::NONE };
                    Statement::Const(Const { name: self.name(), owner: None, ty, value: self.expr(depth) })
                }
                _ => Statement::Expr(self.expr(depth)),
            });
        }
        let tail = (self.below(3) > 0).then(|| self.boxed(depth));
        Expr { kind: ExprKind::Block(statements, tail), span: Span::NONE }
    }

    fn label(&mut self) -> Option<Name> {
        (self.below(2) == 0).then(|| Name { text: self.one_of(&["outer", "a"]).to_owned(), span: Span::NONE })
    }

    fn place(&mut self, depth: usize) -> Expr {
        let base = Expr { kind: ExprKind::Name(self.word()), span: Span::NONE };
        let kind = match self.below(5) {
            0 => ExprKind::Field(Box::new(base), self.name()),
            1 => ExprKind::Index(Box::new(base), self.boxed(depth)),
            2 => ExprKind::Unary(UnaryOp::Deref, Box::new(base)),
            3 => ExprKind::Tuple(vec![base.clone(), base]),
            _ => return base,
        };
        Expr { kind, span: Span::NONE }
    }

    fn condition(&mut self, depth: usize) -> Condition {
        match self.below(3) {
            0 => Condition::Expr(self.expr(depth)),
            1 => Condition::Let(self.pattern(1), self.expr(depth)),
            _ => {
                let mut parts: Vec<Condition> =
                    (0..1 + self.below(2)).map(|_| Condition::Expr(self.expr(depth))).collect();
                let bound = Condition::Let(self.pattern(1), self.expr(depth));
                parts.insert(self.below(parts.len() + 1), bound);
                Condition::All(parts)
            }
        }
    }

    /// Loops, jumps, assignments and what else came with them.
    fn control(&mut self, depth: usize) -> Expr {
        const OPS: [Option<BinaryOp>; 5] =
            [None, Some(BinaryOp::Add), Some(BinaryOp::Shl), Some(BinaryOp::BitOr), Some(BinaryOp::Rem)];
        let maybe = |random: &mut Self| (random.below(2) == 0).then(|| random.boxed(depth));
        let kind = match self.below(13) {
            0 => ExprKind::Assign(Box::new(self.place(depth)), self.one_of(&OPS), self.boxed(depth)),
            1 => ExprKind::Index(self.boxed(depth), self.boxed(depth)),
            2 => ExprKind::Range(maybe(self), Some(self.boxed(depth)), self.below(2) == 0),
            3 => ExprKind::Range(maybe(self), None, false),
            4 => ExprKind::Array(self.list(depth)),
            5 => {
                let kind = self.one_of(&[Repeated::Array, Repeated::Vec]);
                ExprKind::Repeat(kind, self.boxed(depth), self.boxed(depth))
            }
            6 => ExprKind::While(self.label(), Box::new(self.condition(depth)), Box::new(self.block(depth))),
            7 => {
                let pattern = Box::new(self.pattern(1));
                ExprKind::For(self.label(), pattern, self.boxed(depth), Box::new(self.block(depth)))
            }
            8 => ExprKind::Loop(self.label(), Box::new(self.block(depth))),
            9 => {
                let label = Name { text: "block".into(), span: Span::NONE };
                ExprKind::Labeled(label, Box::new(self.block(depth)))
            }
            10 => ExprKind::Break(self.label(), maybe(self)),
            11 => ExprKind::Continue(self.label()),
            _ => ExprKind::Try(self.boxed(depth)),
        };
        Expr { kind, span: Span::NONE }
    }

    fn closure(&mut self, depth: usize) -> Closure {
        let params = (0..self.below(3)).map(|_| (self.pattern(1), (self.below(4) == 0).then(|| self.ty(1)))).collect();
        let moves = self.below(4) == 0;
        if self.below(6) == 0 {
            let returns = Some(self.ty(1));
            return Closure { params, body: Box::new(self.block(depth)), returns, moves, span: Span::NONE };
        }
        Closure { params, body: self.boxed(depth), returns: None, moves, span: Span::NONE }
    }

    fn expr(&mut self, depth: usize) -> Expr {
        const OPS: [BinaryOp; 18] = [
            BinaryOp::Add,
            BinaryOp::Sub,
            BinaryOp::Mul,
            BinaryOp::Div,
            BinaryOp::Rem,
            BinaryOp::BitAnd,
            BinaryOp::BitOr,
            BinaryOp::BitXor,
            BinaryOp::Shl,
            BinaryOp::Shr,
            BinaryOp::Eq,
            BinaryOp::Ne,
            BinaryOp::Lt,
            BinaryOp::Le,
            BinaryOp::Gt,
            BinaryOp::Ge,
            BinaryOp::And,
            BinaryOp::Or,
        ];
        let Some(depth) = depth.checked_sub(1) else {
            let kind = match self.below(3) {
                0 => ExprKind::Literal(self.literal()),
                1 => ExprKind::Name(self.word()),
                _ => ExprKind::Path(vec!["f64".into(), "MAX".into()]),
            };
            return Expr { kind, span: Span::NONE };
        };
        let kind = match self.below(22) {
            16.. => return self.control(depth),
            0 => ExprKind::Field(
                self.boxed(depth),
                if self.below(2) == 0 { self.name() } else { Name { text: "0".into(), span: Span::NONE } },
            ),
            1 => ExprKind::Unary(self.one_of(&[UnaryOp::Neg, UnaryOp::Not, UnaryOp::Deref]), self.boxed(depth)),
            2 => ExprKind::Reference(self.boxed(depth)),
            3..=5 => ExprKind::Binary(self.one_of(&OPS), self.boxed(depth), self.boxed(depth)),
            6 => ExprKind::Cast(
                self.boxed(depth),
                TypeName { kind: TypeNameKind::Path("i64".into(), vec![]), span: Span::NONE },
            ),
            7 => {
                let condition = self.condition(depth);
                let otherwise = match self.below(3) {
                    0 => None,
                    1 => Some(Box::new(self.block(depth))),
                    _ => Some(Box::new(Expr {
                        kind: ExprKind::If(
                            Box::new(Condition::Expr(self.expr(depth))),
                            Box::new(self.block(depth)),
                            None,
                        ),
                        span: Span::NONE,
                    })),
                };
                ExprKind::If(Box::new(condition), Box::new(self.block(depth)), otherwise)
            }
            8 => {
                let arms = (0..self.below(3)).map(|_| Arm {
                    pattern: self.pattern(2),
                    guard: (self.below(3) == 0).then(|| self.expr(depth)),
                    body: self.expr(depth),
                });
                let arms = arms.collect();
                ExprKind::Match(self.boxed(depth), arms)
            }
            9 => ExprKind::Call(vec![self.name()], self.list(depth)),
            10 => {
                let types = (0..self.below(2)).map(|_| self.ty(1)).collect();
                ExprKind::Method(self.boxed(depth), self.name(), types, self.list(depth))
            }
            11 => {
                let fields = (0..self.below(3)).map(|_| (self.name(), self.expr(depth))).collect();
                let base = (self.below(3) == 0).then(|| self.boxed(depth));
                ExprKind::Record(Name { text: "R".into(), span: Span::NONE }, fields, base)
            }
            12 => ExprKind::Tuple(self.list(depth)),
            13 => return self.block(depth),
            14 => ExprKind::Closure(self.closure(depth)),
            _ => match self.below(3) {
                0 => ExprKind::Return((self.below(2) == 0).then(|| self.boxed(depth))),
                1 => ExprKind::Macro(Name { text: "format".into(), span: Span::NONE }, self.list(depth)),
                _ => ExprKind::Macro(Name { text: "vec".into(), span: Span::NONE }, self.list(depth)),
            },
        };
        Expr { kind, span: Span::NONE }
    }
}

#[test]
fn any_printed_tree_is_read_again() {
    let mut random = Random(7);
    for round in 0..1500 {
        let closure = random.closure(1 + round % 5);
        let text = display::ast::closure(&closure);
        let again: Closure = read(&text, |reader, syntax: &syn::ExprClosure| reader.closure(syntax));
        assert!(without_spans(&again) == without_spans(&closure), "{text}\n{}", display::ast::closure(&again));
    }
}

#[test]
fn functions_of_records_and_generic_ones_are_read_again() {
    for text in [
        "impl Quote {\n    fn mid(&self) -> f64 {\n        (self.bid + self.ask) / 2.0\n    }\n}",
        "impl Quote {\n    fn with(mut self, x: f64) -> Quote {\n        self.bid = x;\n        self\n    }\n}",
        "impl Quote {\n    fn new() -> Self {\n        Self { bid: Self::LEAST, ask: 1.0 }\n    }\n}",
        "fn largest<T: PartialOrd + Copy, F>(items: &[T], (a, b): (T, T), f: F) -> T\nwhere\n    F: Fn(T) -> T,\n{\n    f(a)\n}",
    ] {
        let function = read(text, |reader, syntax: &syn::Item| reader.function_item(syntax)).expect("a function");
        let printed = display::ast::function(&function);
        let again = read(&printed, |reader, syntax: &syn::Item| reader.function_item(syntax)).expect("a function");
        assert_eq!(without_spans(&again), without_spans(&function), "{printed}");
    }
    let text = "impl Quote {\n    const LEAST: f64 = 0.5;\n}";
    let constant = read(text, |reader, syntax: &syn::Item| reader.const_item(syntax)).expect("a constant");
    assert_eq!(display::ast::constant(&constant), text);
}
