//! Whole files through the parser.

use super::{Reader, SpanMap, parse};
use sabot_ir::ast::{
    Arm, BinaryOp, Closure, Condition, Expr, ExprKind, Literal, Name, Pattern, PatternKind, Statement, TypeName,
    TypeNameKind, UnaryOp,
};
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::display;
use sabot_ir::job_graph::{JobGraph, Value};
use sabot_ir::span::Span;

/// The job of the language's description.
const QUOTE_ENRICHMENT: &str = r#"
use sabot::prelude::*;

/// A price.
#[sabot::record]
#[sabot(rename_all = "camelCase")]
struct Quote { instrument_id: i64, symbol: String, price: f64, bid: f64, ask: f64, volume: i64, event_time: Timestamp }

#[sabot::record]
#[sabot(rename_all = "UPPERCASE")]
struct Security { id: i64, cusip: String, name: String, sector: Option<String> }

#[sabot::record]
struct Enriched { instrument_id: i64, price: f64, spread_bps: f64, cusip: String, sector: String }

#[sabot::record]
struct Volume { symbol: String, window_end: Timestamp, volume: i64, trades: i64, vwap: f64 }

#[sabot::udf]
fn spread_bps(bid: f64, ask: f64) -> f64 {
    let mid = (bid + ask) / 2.0;
    if mid == 0.0 { 0.0 } else { (ask - bid) / mid * BASIS }
}

const BASIS: f64 = 10_000.0;

fn main() { for x in 0..3 { println!("{x}"); } }

fn unused(x: &mut i64) { *x += 1; }

#[cfg(test)]
mod tests { #[test] fn t() { loop {} } }

#[sabot::pipeline]
fn quote_enrichment(#[sabot(default = 100.0)] min_price: f64) {
    let quotes = source::<Quote>("quotes", kafka("market.quotes").format(Format::Arrow))
        .event_time(|q| q.event_time, lateness(seconds(5)));
    let securities = table::<Security>("securities", kafka("reference.securities").format(Format::Arrow))
        .primary_key(|s| s.id);

    quotes
        .filter(|q| q.price > min_price)
        .hash_join(securities)
        .on(|q| q.instrument_id, |s| s.id)
        .map(|q, s| Enriched {
            instrument_id: q.instrument_id,
            price: q.price,
            spread_bps: spread_bps(q.bid, q.ask),
            cusip: s.cusip,
            sector: s.sector.unwrap_or("unknown".into()),
        })
        .sink("enriched", kafka("enriched.quotes").format(Format::Arrow));

    quotes
        .key_by(|q| q.symbol.clone())
        .window(tumbling(minutes(5)))
        .aggregate(|w| Volume {
            symbol: w.key(),
            window_end: w.end(),
            volume: w.sum(|q| q.volume),
            trades: w.count(),
            vwap: w.sum(|q| q.price * q.volume as f64) / w.sum(|q| q.volume) as f64,
        })
        .late("late_quotes", parquet("late_quotes.parquet"))
        .sink("volumes", parquet("volumes.parquet"));
}
"#;

/// The only graph of a file without mistakes.
fn graph(source: &str) -> JobGraph {
    let mut diagnostics = Diagnostics::new();
    let mut graphs = parse(source, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    assert_eq!(graphs.len(), 1);
    graphs.swap_remove(0)
}

/// The codes of what is wrong with the body of a pipeline, and what each primary label covers.
fn complaints(body: &str) -> Vec<(&'static str, String)> {
    let source = format!(
        "#[sabot::record] struct R {{ id: i64, price: f64 }}\n\
         const N: i64 = 3;\nfn big(r: R) -> bool {{ r.price > 1.0 }}\n\
         #[sabot::pipeline]\nfn job() {{ let a = source::<R>(\"a\", csv(\"a.csv\")); {body} }}"
    );
    complaints_of(&source)
}

fn complaints_of(source: &str) -> Vec<(&'static str, String)> {
    let mut diagnostics = Diagnostics::new();
    parse(source, &mut diagnostics);
    diagnostics
        .into_sorted()
        .into_iter()
        .map(|diagnostic| {
            let span = diagnostic.labels.first().map_or(sabot_ir::span::Span::NONE, |label| label.span);
            (diagnostic.code, source[span.start as usize..span.end as usize].to_owned())
        })
        .collect()
}

#[test]
fn the_example_of_the_language_parses() {
    let graph = graph(QUOTE_ENRICHMENT);
    let names: Vec<&str> = graph.operators.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(
        names,
        ["quotes", "securities", "filter_1", "hash_join_1", "enriched", "tumbling_window_1", "late_quotes", "volumes"]
    );
    let edges: Vec<String> = graph.edges.iter().map(|edge| format!("{} -> {}", edge.from, edge.to)).collect();
    assert_eq!(
        edges,
        [
            "quotes -> filter_1",
            "filter_1 -> hash_join_1",
            "securities -> hash_join_1",
            "hash_join_1 -> enriched",
            "quotes -> tumbling_window_1",
            "tumbling_window_1 -> volumes",
        ]
    );
    assert_eq!(graph.functions.len(), 1);
    assert_eq!(graph.consts.len(), 1);
    assert_eq!(graph.records.len(), 4);
    assert_eq!(graph.records[0].fields[0].wire_name, "instrumentId");
    let quotes = &graph.operators[0];
    assert_eq!(quotes.get("lateness_ms"), Some(&Value::Int(5000)));
    assert_eq!(quotes.get("kafka_topic"), Some(&Value::from("market.quotes")));
    assert_eq!(quotes.get("format"), Some(&Value::from("arrow")));
    assert_eq!(&QUOTE_ENRICHMENT[quotes.span.start as usize..quotes.span.end as usize], "source");
    let function = graph.operators[2].parameters["function"].span;
    assert_eq!(&QUOTE_ENRICHMENT[function.start as usize..function.end as usize], "|q| q.price > min_price");
}

#[test]
fn deep_text_neither_panics_nor_overflows() {
    for hole in [
        "(%)",
        "[%]",
        "{%}",
        "!%",
        "-%",
        "&%",
        "&mut %",
        "*%",
        "|x|%",
        "|x,y|%",
        "||%",
        "move || %",
        "Vec::<%",
        "if %",
        "x = %",
        "return %",
        "if a {} else if %",
        "if a {} else {%}",
        "..%",
        "match %",
        "match x { _ => % }",
        "x.y(%)",
        "x! {%}",
        "unsafe {%}",
        "'a: loop {%}",
        "{} + %",
        "a + %",
        "x.f().%",
        "x? + %",
        "x as A<%",
        "x + (%)",
        "let x: A<%",
        "let x: &%",
        "let x: fn() -> %",
        "let &%",
        "let (%)",
        "let A(%)",
        "R { x: % }",
        "[%; 3]",
        "x[%]",
        "if let A = %",
        "for x in %",
        "while %",
        "async {%}",
        "f(|x| %)",
        "a == % == b",
        "(a, %)",
        "break %",
        "x = |a: (%)| b",
        "let x: impl A<B = %",
        "let x: dyn A + %",
        "#[a] %",
        "fn f() {%}",
        "struct A { x: (%) }",
    ] {
        let (before, after) = hole.split_once('%').expect("a hole");
        for depth in [20, 60, 90, 120, 400, 5000] {
            let text = format!("fn main_() {{ {}x{}; }}", before.repeat(depth), after.repeat(depth));
            complaints_of(&text);
            let text = format!(
                "#[sabot::pipeline] fn p() {{ source::<R>(\"r\", csv(\"r.csv\")).filter(|r| {}x{}); }}",
                before.repeat(depth),
                after.repeat(depth)
            );
            complaints_of(&text);
        }
    }
}

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
    let node = match reader.syntax::<S>(text) {
        Some(syntax) => Some(lower(&mut reader, &syntax)),
        None => None,
    };
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

/// Makes random trees; splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).expect("small")).expect("small")
    }

    fn one_of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

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
        let kind = match self.below(if depth == 0 { 2 } else { 5 }) {
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

    fn pattern(&mut self, depth: usize) -> Pattern {
        let kind = match self.below(if depth == 0 { 5 } else { 10 }) {
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
                0 => PatternKind::Range(Some(self.bound()), Some(self.bound()), true),
                1 => PatternKind::Range(Some(self.bound()), Some(self.bound()), false),
                2 => PatternKind::Range(None, Some(self.bound()), true),
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
            statements.push(if self.below(2) == 0 {
                let ty = (self.below(2) == 0).then(|| self.ty(1));
                Statement::Let(self.pattern(1), ty, self.expr(depth))
            } else {
                Statement::Expr(self.expr(depth))
            });
        }
        let tail = (self.below(3) > 0).then(|| self.boxed(depth));
        Expr { kind: ExprKind::Block(statements, tail), span: Span::NONE }
    }

    fn closure(&mut self, depth: usize) -> Closure {
        let params = (0..self.below(3)).map(|_| (self.pattern(1), (self.below(4) == 0).then(|| self.ty(1)))).collect();
        Closure { params, body: self.boxed(depth), span: Span::NONE }
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
        let kind = match self.below(16) {
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
                let condition = if self.below(2) == 0 {
                    Condition::Expr(self.expr(depth))
                } else {
                    Condition::Let(self.pattern(1), self.expr(depth))
                };
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
    for round in 0..3000 {
        let closure = random.closure(1 + round % 5);
        let text = display::ast::closure(&closure);
        let again: Closure = read(&text, |reader, syntax: &syn::ExprClosure| reader.closure(syntax));
        assert!(without_spans(&again) == without_spans(&closure), "{text}\n{}", display::ast::closure(&again));
    }
}
