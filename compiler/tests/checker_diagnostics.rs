//! What the checker says about mistakes: each case is a snapshot of source and messages.
#![allow(missing_docs, reason = "a test")]

use sabot_compiler::Catalog;
use sabot_compiler::check::check as check_graph;
use sabot_compiler::parse::parse;
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::display::diagnostic::render_all;
use sabot_snapshots::assert_stage;

/// Checks a whole file and keeps what is said.
fn check_file(name: &str, source: &str) {
    let mut diagnostics = Diagnostics::new();
    for graph in parse(source, &mut diagnostics) {
        check_graph(&graph, &Catalog::default(), &mut diagnostics);
    }
    assert!(!diagnostics.is_empty(), "{name}: nothing is said");
    assert_stage!("diagnostics", name, render_all(source, "job.rs", &diagnostics));
}

/// Checks the body of a pipeline that has `quotes` and `securities`, behind other items.
fn check_job(name: &str, items: &str, body: &str) {
    let source = format!(
        "#[sabot::record]
#[sabot(rename_all = \"camelCase\")]
struct Quote {{ instrument_id: i64, symbol: String, price: f64, volume: i64, lots: u32, venue: Option<String>, bid: Option<f64>, at: Timestamp, hot: bool }}
#[sabot::record]
struct Security {{ id: i64, name: String, sector: Option<String> }}
#[sabot::record]
struct Out {{ k: String, x: i64, y: f64 }}
{items}
#[sabot::pipeline]
fn job(#[sabot(default = 2)] n: i64) {{
    let quotes = source::<Quote>(\"quotes\", csv(\"quotes.csv\"));
    let securities = table::<Security>(\"securities\", csv(\"securities.csv\"));
{body}
    securities.sink(\"rest\", csv(\"rest.csv\"));
}}
"
    );
    check_file(name, &source);
}

/// Checks expressions, each the value of a function's `let`, so that a line is a case.
fn check_lines(name: &str, lines: &[&str]) {
    let body: String = lines.iter().map(|line| format!("    let _ = {line};\n")).collect();
    let function = format!("#[sabot::udf]\nfn f(q: Quote) -> i64 {{\n{body}    1\n}}");
    check_job(name, &function, "    quotes.sink(\"o\", csv(\"o.csv\"));");
}

#[test]
fn types() {
    check_lines(
        "E0301_mismatch",
        &[
            "if q.volume { 1 } else { 2 }",
            "if q.hot { 1 } else { 2.0 }",
            "q.hot && q.volume",
            "match q.volume { 0 => 1, _ => \"a\" }",
            "match q.volume { x if x => 1, _ => 2 }",
            "Out { k: q.volume, x: q.price, y: q.bid }",
            "Out { x: 1, ..q }",
            "q.volume.pow(2.0)",
            "f(q.symbol)",
            "{ let x: f64 = q.volume; x }",
            "{ let x: Option<f64> = q.price; x }",
        ],
    );
    check_lines(
        "E0302_operands",
        &[
            "q.price * 2",
            "q.volume * q.price",
            "q.bid + 1.0",
            "q.volume == q.lots",
            "q.volume > 1.5",
            "q.symbol > 1",
            "q.symbol == q.volume",
            "1 + \"a\"",
        ],
    );
    check_lines(
        "E0303_operators",
        &[
            "-q.lots",
            "!q.price",
            "q.symbol + \"x\"",
            "q.volume << 1.0",
            "q.hot + q.hot",
            "q.bid + q.bid",
            "q.price & 1.0",
        ],
    );
    check_lines(
        "E0305_casts",
        &[
            "q.price as bool",
            "q.hot as f64",
            "q.symbol as i64",
            "q.bid as i64",
            "q.volume as Quote",
            "i32::from(q.volume)",
        ],
    );
    check_lines("E0306_annotations", &["None", "None.is_some()", "{ let x = None; 1 }"]);
    check_lines(
        "E0307_ranges",
        &["256u8", "-129_i8", "5_000_000_000 as f64", "{ let x: u32 = -1; x }", "match q.lots { -1 => 1, _ => 2 }"],
    );
    check_lines("E0309_numbers", &["2.0.powi(2)", "{ let x = 2.0; x.sqrt() }", "2.pow(3)"]);
    check_lines("E0310_if", &["if q.hot { 1 }", "if let Some(b) = q.bid { b }"]);
    check_lines(
        "E0311_match",
        &[
            "match q.volume { 1 => 1, 5..=9 => 2 }",
            "match q.bid { Some(_) => 1 }",
            "match (q.hot, q.bid) { (true, _) => 1, (_, None) => 2 }",
            "match q.symbol.as_str() { \"A\" => 1 }",
            "match q.hot { true => 1, x if x => 2 }",
            "match q.lots { 1.. => 1 }",
        ],
    );
    check_lines(
        "E0312_unreachable",
        &["match q.volume { _ => 1, 2 => 3 }", "match q.bid { Some(_) => 1, None => 2, _ => 3 }"],
    );
    check_lines(
        "E0313_patterns",
        &[
            "match q.volume { Some(x) => x, _ => 1 }",
            "match q.volume { \"a\" => 1, _ => 1 }",
            "match q.bid { 1.0 => 1, _ => 1 }",
            "match q.bid { Some(x) | None => 1 }",
            "match q.volume { 9..=1 => 1, _ => 2 }",
            "match q.volume { (a, b) => 1 }",
            "{ let Some(x) = q.bid; 1 }",
        ],
    );
    check_lines(
        "E0314_arity",
        &["f(q, 2)", "q.price.abs(1)", "q.volume.clamp(1)", "q.bid.map(|a, b| a)", "Some(1, 2)"],
    );
}

#[test]
fn fields_and_types() {
    check_job(
        "E0308_types",
        "#[sabot::record]
struct Wide { a: Vec<f64>, b: Quote, c: usize, d: char, e: Decimal, f: (i64, i64), g: Option<Option<i64>>, h: Strin, i: Option }
#[sabot::record]
struct Node { id: i64, next: Option<Edge> }
#[sabot::record]
struct Edge { weight: f64, to: Node }
#[sabot::udf]
fn g(x: i128, y: Quotes) -> u8 { 1 }",
        "    quotes.sink(\"o\", csv(\"o.csv\"));",
    );
}

#[test]
fn names() {
    check_lines(
        "E0401_names",
        &["price", "Q.price", "vol", "n", "f", "Quote", "f64::MAXX", "std::f64::consts::PIE", "Some"],
    );
    check_lines("E0402_functions", &["ff(q)", "g(1)", "second(1)", "f64::foo(1.0)", "Ok(1)", "Out(1)"]);
    check_lines("E0403_fields", &["q.prise", "q.instrumentId", "q.nothing", "q.volume.0", "(1, 2).5", "Some(q).price"]);
    check_lines(
        "E0404_methods",
        &[
            "q.price.sqr()",
            "q.symbol.to_upper()",
            "q.volume()",
            "q.price()",
            "q.volume.unwrap_or(3)",
            "q.bid.sqrt()",
            "q.venue.len()",
            "q.bid.unwrap_o(1.0)",
            "q.volume.sqrt()",
        ],
    );
    check_lines(
        "E0410_records",
        &[
            "Out { x: 1 }",
            "Out { k: \"\".into(), x: 1, y: 1.0, z: 2 }",
            "Ouch { x: 1 }",
            "Out { x: 1, x: 2, ..o }",
            "Out { kk: 1 }",
        ],
    );
    check_job(
        "E0705_recursion",
        "#[sabot::udf]
fn a(x: i64) -> i64 { b(x) }
#[sabot::udf]
fn b(x: i64) -> i64 { c(x) + 1 }
#[sabot::udf]
fn c(x: i64) -> i64 { a(x) }
#[sabot::udf]
fn d(x: i64) -> i64 { if x > 0 { d(x - 1) } else { 0 } }
const E: i64 = E + 1;",
        "    quotes.sink(\"o\", csv(\"o.csv\"));",
    );
}

#[test]
fn not_yet() {
    check_lines(
        "E0700_later",
        &[
            "format!(\"{}\", q.volume)",
            "q.volume.to_string()",
            "q.symbol.trim()",
            "q.symbol.starts_with('a')",
            "q.symbol.contains(|c| c == 'a')",
            "q.bid.unwrap()",
            "q.bid.ok_or(1)",
            "|x| x",
            "'c'",
            "q.symbol.parse::<i64>()",
            "q.volume.rotate_left(3)",
            "q.at + seconds(5)",
            "q.bid.map(f64)",
        ],
    );
    check_job(
        "E0301_return",
        "#[sabot::udf]
fn a(x: i64) -> i64 { 1 + { if x > 0 { return 2; } x } }
#[sabot::udf]
fn b(x: i64) -> f64 { if x > 0 { return x; } 1.0 }",
        "    quotes.map(|q| Out { k: \"\".into(), x: a(q.volume), y: b(1) }).sink(\"o\", csv(\"o.csv\"));
    quotes.map(|q| Out { k: \"\".into(), x: { return q; }, y: 1.0 }).sink(\"p\", csv(\"p.csv\"));",
    );
    check_job(
        "E0703_return_in_guard",
        "#[sabot::udf]
fn a(x: i64) -> i64 { match x { 0 if { return 2; } => 1, _ => 3 } }",
        "    quotes.map(|q| Out { k: q.symbol, x: a(q.volume), y: 1.0 }).sink(\"o\", csv(\"o.csv\"));",
    );
    check_job(
        "E0700_operators",
        "",
        "    quotes.flat_map(|q| q).sink(\"a\", csv(\"a.csv\"));
    quotes.key_by(|q| q.symbol).reduce(|a, b| a).sink(\"b\", csv(\"b.csv\"));
    quotes.key_by(|q| q.symbol).window(tumbling(minutes(5))).aggregate(|w| Out { k: w.key(), x: 1, y: 1.0 }).sink(\"c\", csv(\"c.csv\"));
    quotes.aggregate(|g| Out { k: \"\".into(), x: g.start(), y: g.percentile(|q| q.price, 0.9) }).sink(\"d\", csv(\"d.csv\"));
    quotes.aggregate(|g| Out { k: \"\".into(), x: g.collect(|q| q.volume), y: g.percentile(95.0, |q| q.price) }).sink(\"e\", csv(\"e.csv\"));",
    );
    check_job(
        "E0707_parameters",
        "",
        "    quotes.sink(\"o\", csv(\"o.csv\"));
}

#[sabot::pipeline]
fn other(#[sabot(default = 1)] a: f64, b: Option<i64>, #[sabot(default = f(1))] c: i64) {
    let securities = source::<Security>(\"s\", csv(\"s.csv\"));",
    );
}

#[test]
fn operators() {
    check_job(
        "E0505_rows",
        "",
        "    quotes.map(|q| q.price).sink(\"a\", csv(\"a.csv\"));
    quotes.map(|q| Some(q)).sink(\"b\", csv(\"b.csv\"));
    quotes.map(|q| { q.price; }).sink(\"c\", csv(\"c.csv\"));
    quotes.filter_map(|q| q).sink(\"d\", csv(\"d.csv\"));
    quotes.filter(|q| q.price).sink(\"e\", csv(\"e.csv\"));
    quotes.filter(|q| q.price = 1.0).sink(\"f\", csv(\"f.csv\"));
    quotes.select(fields![symbol, prise]).sink(\"g\", csv(\"g.csv\"));
    quotes.select(fields![symbol, symbol]).sink(\"h\", csv(\"h.csv\"));
    quotes.select(fields![symbol, price]).filter(|r| r.volume > 1).sink(\"i\", csv(\"i.csv\"));
    quotes.union(securities).sink(\"j\", csv(\"j.csv\"));",
    );
    check_job(
        "E0509_keys",
        "",
        "    quotes.dedup(|q| q.prise).sink(\"a\", csv(\"a.csv\"));
    quotes.dedup(|q| ()).sink(\"b\", csv(\"b.csv\"));
    source::<Quote>(\"t\", csv(\"t.csv\")).event_time(|q| q.price, lateness(seconds(1))).sink(\"c\", csv(\"c.csv\"));
    table::<Security>(\"u\", csv(\"u.csv\")).primary_key(|s| s.id + 1).sink(\"d\", csv(\"d.csv\"));
    source::<Quotes>(\"v\", csv(\"v.csv\")).sink(\"e\", csv(\"e.csv\"));",
    );
    check_job(
        "E0511_joins",
        "",
        "    quotes.hash_join(securities).on(|q| q.symbol, |s| s.id).semi().sink(\"a\", csv(\"a.csv\"));
    quotes.hash_join(securities).on(|q| q.lots, |s| s.id).semi().sink(\"b\", csv(\"b.csv\"));
    quotes.hash_join(securities).on(|q| q.venue, |s| s.name).anti().sink(\"c\", csv(\"c.csv\"));
    quotes.hash_join(securities).on(|q| q.instrument_id, |s| s.idd).semi().sink(\"d\", csv(\"d.csv\"));
    quotes.hash_join(securities).on(|q| q.instrument_id, |s| s.id).left()
        .map(|q, s| Out { k: s.name, x: q.volume, y: q.bid }).sink(\"e\", csv(\"e.csv\"));",
    );
    check_job(
        "E0520_groups",
        "",
        "    quotes.key_by(|q| q.symbol).aggregate(|g| Out { k: g.symbol, x: g.sum(|q| q.symbol), y: g.sum(|q| g.sum(|r| r.price)) }).sink(\"a\", csv(\"a.csv\"));
    quotes.aggregate(|g| Out { k: g.key(), x: g.count(|q| q.hot), y: g.sum(price) }).sink(\"b\", csv(\"b.csv\"));
    quotes.key_by(|q| q.symbol).aggregate(|g| Out { k: g.key(), x: g.summ(|q| q.volume), y: g.sum(|q| q.hot) }).sink(\"c\", csv(\"c.csv\"));
    quotes.key_by(|q| q.symbol).aggregate(|g| Out { k: g.key(), x: g.arg_max(|q| q.volume), y: g.min(|q| q.bid) }).sink(\"d\", csv(\"d.csv\"));",
    );
    check_job(
        "E0521_group_value_inside",
        "",
        "    quotes.key_by(|q| q.symbol).aggregate(|g| {
        let count = g.count();
        Out { k: g.key(), x: g.sum(|q| q.volume * count), y: 1.0 }
    }).sink(\"a\", csv(\"a.csv\"));",
    );
}

#[test]
fn text() {
    check_lines(
        "E0740_text",
        &[
            "format!(\"{} {}\", q.price)",
            "format!(\"{}\", q.price, q.volume)",
            "format!(\"{\")",
            "format!(\"{:z}\", q.price)",
            "format!(\"{:w$}\", q.price)",
            "format!(\"{:x}\", q.price)",
            "format!(\"{pryce}\")",
            "format!(\"{q.price}\")",
            "format!(\"{}\", q.bid)",
            "format!(\"{}\", q)",
            "format!(q.symbol)",
            "q.symbol[0]",
            "q.symbol.get(1)",
            "q.symbol[q.volume..]",
            "q.symbol.trim_matches(\"ab\")",
            "q.symbol.contains(|c: char| c.is_numeric())",
            "q.symbol.find(char::is_numeric)",
            "q.symbol.parse()",
            "q.symbol.parse::<Timestamp>()",
            "q.symbol.parse::<f64>() + 1.0",
            "q.symbol.parse::<f64>().and_then(|x| x)",
            "match q.symbol.parse::<i64>() { Ok(n) => n, Err(e) => 0 }",
            "match q.symbol.parse::<i64>() { Ok(n) => n }",
            "q.volume as char",
            "'a' + 'b'",
            "q.symbol == 'a'",
            "q.symbol + q.price",
            "regex!(\"(a\").is_match(&q.symbol)",
            "regex!(r\"x[9-0]\").is_match(&q.symbol)",
            "regex!(q.symbol).is_match(&q.symbol)",
            "regex!(\"a\")",
            "regex!(\"a\").split(&q.symbol)",
            "regex!(\"(a)\").capture(&q.symbol, 2)",
        ],
    );
}
