//! What the compiler suggests can be done by a tool: each suggestion of these wrong jobs, made alone, ends the message that
//! it belongs to and brings no other.
#![allow(missing_docs, reason = "a test")]

use sabot_compiler::Catalog;
use sabot_compiler::check::check;
use sabot_compiler::pages::{Example, Kind, pages};
use sabot_compiler::parse::{graph_from_json, parse};
use sabot_ir::diagnostic::{Applicability, Diagnostic, Diagnostics, Edit};
use sabot_ir::display::diagnostic::render_all;

fn said(source: &str) -> Vec<Diagnostic> {
    let mut diagnostics = Diagnostics::new();
    for graph in parse(source, &mut diagnostics) {
        check(&graph, &Catalog::default(), &mut diagnostics);
    }
    diagnostics.into_sorted()
}

/// Fragments of a file may hold what nothing uses.
fn is_meant(diagnostic: &Diagnostic) -> bool {
    !matches!(diagnostic.code, "E0800" | "E0801" | "E0802" | "E0803")
}

fn rendered(source: &str, list: &[Diagnostic]) -> String {
    let mut all = Diagnostics::new();
    list.iter().for_each(|diagnostic| all.push(diagnostic.clone()));
    render_all(source, "job.rs", &all)
}

/// The text with the edit made, and what is said then.
fn mended(source: &str, edits: &[Edit]) -> (String, Vec<Diagnostic>) {
    let text = Edit::apply(edits, source).unwrap_or_else(|| panic!("these edits overlap: {edits:?}\n{source}"));
    let list = said(&text);
    (text, list)
}

/// The one message of a wrong example has a suggestion; each, made alone, gives a job without messages, and the first gives
/// `becomes`.
fn check_example(kind: Kind, wrong: &'static str, becomes: &str) {
    let example = Example { is_right: false, kind, text: wrong };
    let source = example.whole();
    let list: Vec<_> = said(&source).into_iter().filter(is_meant).collect();
    let [diagnostic] = list.as_slice() else {
        panic!("one message is said about {wrong:?}, not\n{}", rendered(&source, &list))
    };
    let mut suggestions = diagnostic.help.iter().filter(|help| !help.edits.is_empty()).peekable();
    assert!(suggestions.peek().is_some(), "nothing can be mended in\n{}", rendered(&source, &list));
    for (number, help) in suggestions.enumerate() {
        let (text, mut left) = mended(&source, &help.edits);
        left.retain(is_meant);
        assert!(left.is_empty(), "{wrong:?} is not mended:\n{text}\n{}", rendered(&text, &left));
        if number == 0 {
            assert!(text.contains(becomes), "{wrong:?} does not become {becomes:?}:\n{text}");
        }
    }
}

fn check_value(wrong: &'static str, becomes: &str) {
    check_example(Kind::Value, wrong, &format!("let _value = {becomes};"));
}

#[test]
fn misspelt_names() {
    check_value("q.prise", "q.price");
    check_value("Q.price", "q.price");
    check_value("price * 2.0", "q.price * 2.0");
    check_value("q.price.sqr()", "q.price.sqrt()");
    check_value("q.bid.unwrap_o(1.0)", "q.bid.unwrap_or(1.0)");
    check_value("q.price < f64::MAXX", "q.price < f64::MAX");
    check_value("second(5)", "seconds(5)");
    check_example(Kind::Items, "#[sabot::udf]\nfn f(x: f6) -> f64 { x }", "fn f(x: f64)");
    check_example(Kind::Items, "#[sabot::udf]\nfn f(q: Qoute) -> f64 { q.price }", "fn f(q: Quote)");
    check_example(
        Kind::Items,
        "#[sabot::udf]\nfn f(x: f64) -> f64 { gain2(x) }\n#[sabot::udf]\nfn gain(x: f64) -> f64 { x }",
        "{ gain(x) }",
    );
    check_example(
        Kind::Items,
        "#[sabot::record]\n#[sabot(renam_all = \"camelCase\")]\nstruct A { a_b: i64 }",
        "rename_all",
    );
}

#[test]
fn misspelt_streams() {
    check_example(Kind::Pipeline, "quote.sink(\"o\", csv(\"o.csv\"));", "quotes.sink(");
    check_example(Kind::Pipeline, "quotes.fliter(|q| q.id > 1).sink(\"o\", csv(\"o.csv\"));", "quotes.filter(|q|");
    check_example(Kind::Pipeline, "quotes.sink(\"o\", parqet(\"o.parquet\"));", "parquet(\"o.parquet\")");
    check_example(Kind::Pipeline, "quotes.sink(\"o\", stdout().format(Format::Ndjsn));", "Format::Ndjson");
    check_example(
        Kind::Pipeline,
        "quotes.key_by(|q| q.id).aggregate(|g| Out { symbol: String::new(), value: g.summ(|q| q.price) }).sink(\"o\", csv(\"o.csv\"));",
        "g.sum(|q| q.price)",
    );
    check_example(
        Kind::Pipeline,
        "quotes.aggregate(|g| Out { symbol: String::new(), value: g.sum(price) }).sink(\"o\", csv(\"o.csv\"));",
        "g.sum(|row| row.price)",
    );
    check_example(
        Kind::Pipeline,
        "quotes.map(|q| Out { symbl: q.symbol, value: q.price }).sink(\"o\", csv(\"o.csv\"));",
        "Out { symbol: q.symbol",
    );
    check_example(
        Kind::Pipeline,
        "quotes.hash_join(securities).on(|q| q.venue.clone(), |s| s.name.clone()).semi().sink(\"o\", csv(\"o.csv\"));",
        "|s| Some(s.name.clone())",
    );
}

#[test]
fn numbers_of_other_types() {
    check_value("q.volume * q.price", "q.volume as f64 * q.price");
    check_value("q.price * q.volume", "q.price * q.volume as f64");
    check_value("q.volume < q.price", "(q.volume as f64) < q.price");
    check_value("(q.volume + 1) * q.price", "(q.volume + 1) as f64 * q.price");
    check_value("q.volume + 1 < q.price", "((q.volume + 1) as f64) < q.price");
    check_value("q.volume == q.lots", "q.volume == q.lots as i64");
    check_value("q.price * 2", "q.price * 2.0");
    check_value("q.volume > 5.0", "q.volume as f64 > 5.0");
    check_value("q.volume.sqrt()", "(q.volume as f64).sqrt()");
    check_value("2.0.sqrt()", "2.0_f64.sqrt()");
    check_value("-q.lots", "-(q.lots as i64)");
    check_value("q.price as bool", "q.price != 0.0");
    check_value("(q.id > 0) as f64", "(q.id > 0) as i32 as f64");
    check_value("if q.volume { 1 } else { 2 }", "if q.volume != 0 { 1 } else { 2 }");
    check_value("5_000_000_000 as f64", "5_000_000_000_i64 as f64");
    check_example(
        Kind::Pipeline,
        "quotes.map(|q| Out { symbol: q.symbol, value: q.volume }).sink(\"o\", csv(\"o.csv\"));",
        "value: q.volume as f64 }",
    );
    check_example(Kind::Items, "#[sabot::udf]\nfn f(x: i64) -> f64 { x }", "{ x as f64 }");
}

#[test]
fn options() {
    check_value("q.bid + 1.0", "q.bid.unwrap_or(0.0) + 1.0");
    check_value("q.bid.sqrt()", "q.bid.map(|x| x.sqrt())");
    check_value("q.venue.len()", "q.venue.map(|x| x.len())");
    check_value("q.price.unwrap_or(1.0)", "q.price");
    check_value("if q.bid { 1 } else { 2 }", "if q.bid.is_some() { 1 } else { 2 }");
    check_value("{ let x: Option<f64> = q.price; x }", "{ let x: Option<f64> = Some(q.price); x }");
    check_value("{ let x: f64 = q.bid; x }", "{ let x: f64 = q.bid.unwrap_or(0.0); x }");
}

/// Both are text to a job, and two types to rustc, which reads the same file.
#[test]
fn text_that_is_borrowed() {
    check_example(
        Kind::Pipeline,
        "quotes.map(|q| Out { symbol: \"all\", value: q.price }).sink(\"o\", csv(\"o.csv\"));",
        "symbol: \"all\".to_string(), value",
    );
    check_example(
        Kind::Pipeline,
        "quotes.map(|q| Out { symbol: q.symbol.trim(), value: q.price }).sink(\"o\", csv(\"o.csv\"));",
        "q.symbol.trim().to_string()",
    );
    check_example(
        Kind::Pipeline,
        "quotes.map(|q| Quote { venue: Some(\"X\"), ..q }).sink(\"o\", csv(\"o.csv\"));",
        "Some(\"X\".to_string())",
    );
    check_example(Kind::Items, "#[sabot::udf]\nfn f(x: &str) -> String { &x[0..1] }", "(&x[0..1]).to_string()");
    check_value("{ let x: String = \"a\"; x }", "{ let x: String = \"a\".to_string(); x }");
    check_value("match q.symbol { \"A\" => 1, _ => 2 }", "match q.symbol.as_str() { \"A\" => 1, _ => 2 }");
    check_example(
        Kind::Items,
        "#[sabot::udf]\nfn f(x: &str) -> i64 { g(\"a\") }\n#[sabot::udf]\nfn g(s: String) -> i64 { 1 }",
        "g(\"a\".to_string())",
    );
    // Not where a `&str` is right.
    for right in ["q.symbol == \"A\"", "q.symbol.contains(\"A\")", "{ let x: &str = \"a\"; x == q.symbol }"] {
        let example = Example { is_right: false, kind: Kind::Value, text: right };
        let list = said(&example.whole());
        assert!(list.iter().all(|said| !is_meant(said)), "{}", rendered(&example.whole(), &list));
    }
}

#[test]
fn signs_and_attributes() {
    check_value("q.price()", "q.price");
    check_example(Kind::Items, "#[sabot::udf]\nfn f(x: f64) -> f64 { x * 2.0; }", "{ x * 2.0 }");
    check_example(
        Kind::File,
        "struct A { a: i64 }\n#[sabot::pipeline]\nfn job() { source::<A>(\"a\", csv(\"a.csv\")).sink(\"o\", csv(\"o.csv\")); }",
        "#[sabot::record]\nstruct A",
    );
    check_value("{ let x = q.price\n let y = x; y }", "{ let x = q.price");
    check_example(Kind::Items, "#[sabot::record]\nstruct A {\n    a: i64\n    b: i64\n}", "a: i64,\n");
}

/// Also what the pages' wrong examples are told to type: where a tool may do it without asking, no error is left.
#[test]
fn suggestions_of_the_pages() {
    let mut count = 0;
    for page in pages() {
        for example in page.examples().iter().filter(|example| !example.is_right && example.kind != Kind::Json) {
            let source = example.whole();
            for diagnostic in said(&source) {
                for help in diagnostic.help.iter().filter(|help| !help.edits.is_empty()) {
                    let (text, mut left) = mended(&source, &help.edits);
                    left.retain(is_meant);
                    let is_sure = help.applicability == Applicability::MachineApplicable;
                    let is_told_again = left.contains(&diagnostic);
                    assert!(!is_told_again, "{}: {} does not help:\n{text}", page.code, help.text);
                    assert!(!is_sure || left.is_empty(), "{}: {}\n{}", page.code, help.text, rendered(&text, &left));
                    count += 1;
                }
            }
        }
    }
    assert!(count > 10, "pages show suggestions: {count}");
}

/// In the text of a JSON graph places are those of the file, and quotes in code have escapes: no edits are lost there.
#[test]
fn graphs_in_json_say_the_same() {
    let text = r#"{"sabot_job_graph": 1, "job_name": "j", "operators": [
{"type": "SOURCE", "name": "s", "parameters": {"path": "s.csv", "schema": ["price: f64"]}},
{"type": "FILTER", "name": "f", "function": {"rust": "|q| q.prise > 1.0"}},
{"type": "SINK", "name": "o", "parameters": {"path": "o.csv"}}],
"edges": [{"from": "s", "to": "f"}, {"from": "f", "to": "o"}]}"#;
    let graph = graph_from_json(text).expect("the graph can be read");
    let mut diagnostics = Diagnostics::new();
    check(&graph, &Catalog::default(), &mut diagnostics);
    let [diagnostic] = diagnostics.as_slice() else { panic!("one message: {diagnostics:?}") };
    let mended = Edit::apply(&diagnostic.help[0].edits, text).expect("the edits do not overlap");
    assert!(mended.contains("|q| q.price > 1.0"), "{mended}");
}
