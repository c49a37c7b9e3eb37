//! What uses a value after it was moved is refused here exactly where rustc refuses it, over a list of functions; what rustc
//! takes is taken.
//!
//! The comparison is skipped where there is no rustc; what each function says then stands in the list.
#![allow(missing_docs, reason = "a test")]

use sabot_compiler::Catalog;
use sabot_compiler::check::check;
use sabot_compiler::parse::parse;
use sabot_ir::diagnostic::Diagnostics;
use std::process::Command;

const TYPES: &str = "
struct Spec { name: String, width: i64, tags: Vec<String> }
#[derive(Clone, Copy, PartialEq)]
enum Side { Buy, Sell }
#[derive(Clone, PartialEq)]
enum Token { Word(String), End }
fn own(s: String) -> usize { s.len() }
fn lend(s: &str) -> usize { s.len() }
fn pass<T>(x: T) -> T { x }
impl Spec {
    fn new(name: &str) -> Self { Self { name: name.to_string(), width: 0, tags: Vec::new() } }
    fn wide(mut self, width: i64) -> Self { self.width = width; self }
    fn total(&self) -> i64 { self.width }
}
";

/// A body of `fn f(text: &str, n: i64) -> i64`, and whether it moves what it uses later.
const BODIES: [(&str, bool); 40] = [
    ("let a = text.to_string(); let b = a; (a.len() + b.len()) as i64", true),
    ("let a = text.to_string(); let b = a.clone(); (a.len() + b.len()) as i64", false),
    ("let a = text.to_string(); let b = &a; (a.len() + b.len()) as i64", false),
    ("let a = String::from(text); own(a); own(a) as i64", true),
    ("let a = String::from(text); lend(&a); own(a) as i64", false),
    ("let a = String::new(); if n > 0 { own(a); } a.len() as i64", true),
    ("let a = String::new(); if n > 0 { return own(a) as i64; } a.len() as i64", false),
    ("let a = String::new(); let b = if n > 0 { a } else { String::from(text) }; b.len() as i64", false),
    ("let a = String::new(); let b = if n > 0 { a } else { String::from(text) }; (a.len() + b.len()) as i64", true),
    ("let v = vec![n, 2]; let mut s = 0; for x in v { s += x; } s + v.len() as i64", true),
    ("let v = vec![n, 2]; let mut s = 0; for x in &v { s += x; } s + v.len() as i64", false),
    ("let v = vec![n, 2]; let w: Vec<i64> = v.iter().map(|x| x + 1).collect(); (v.len() + w.len()) as i64", false),
    ("let v = vec![n, 2]; let s: i64 = v.into_iter().sum(); s + v.len() as i64", true),
    ("let mut v: Vec<String> = Vec::new(); let a = text.to_string(); v.push(a); v.push(a); v.len() as i64", true),
    (
        "let mut v: Vec<String> = Vec::new(); let a = text.to_string(); v.push(a.clone()); v.push(a); v.len() as i64",
        false,
    ),
    ("let mut a = text.to_string(); own(a); a = String::new(); own(a) as i64", false),
    ("let mut i = 0; let a = text.to_string(); while i < 3 { own(a); i += 1; } i", true),
    ("let mut i = 0; while i < 3 { let a = text.to_string(); own(a); i += 1; } i", false),
    ("let s = Spec::new(text); let t = s.wide(3); t.total() + s.width", true),
    ("let s = Spec::new(text); let t = s.wide(3); t.total() + s.name.len() as i64", true),
    ("let s = Spec::new(text); let name = s.name; name.len() as i64 + s.width", false),
    ("let s = Spec::new(text); let name = s.name; name.len() as i64 + s.total()", true),
    ("let s = Spec::new(text); let t = Spec { width: 1, ..s }; t.width + s.width", false),
    ("let s = Spec::new(text); let t = Spec { width: 1, ..s }; t.width + s.name.len() as i64", true),
    (
        "let s = Spec::new(text); let t = Spec { name: s.name.clone(), tags: Vec::new(), ..s }; t.width + s.name.len() as i64",
        false,
    ),
    ("let o = Some(text.to_string()); let a = o.unwrap_or_default(); a.len() as i64 + o.is_some() as i64", true),
    ("let o = Some(text.to_string()); if let Some(a) = o { own(a); } o.is_some() as i64", true),
    ("let o = Some(text.to_string()); if let Some(a) = &o { lend(a); } o.is_some() as i64", false),
    ("let o = Some(n); let a = o.unwrap_or(0); a + o.unwrap_or(1)", false),
    ("let a = text.to_string(); let b = a + \"x\"; (a.len() + b.len()) as i64", true),
    ("let a = text.to_string(); let b = a == \"x\"; a.len() as i64 + b as i64", false),
    ("let a = text.to_string(); let t = (a, 1); t.1 + format!(\"{a}\").len() as i64", true),
    ("let a = text.to_string(); let s = format!(\"{a}{a}\"); (a.len() + s.len()) as i64", false),
    ("let s = Side::Buy; let t = s; (s == t) as i64", false),
    (
        "let s = if n > 0 { Token::End } else { Token::Word(text.to_string()) }; match s { Token::Word(w) => w.len() as i64, Token::End => 0 }",
        false,
    ),
    ("let s = Token::Word(text.to_string()); let t = s; (t == s) as i64", true),
    ("let a = text; let b = a; (a.len() + b.len()) as i64", false),
    ("let a = text.to_string(); { let a = 5; let _b = a; } a.len() as i64", false),
    ("let a = pass(text.to_string()); let b = pass(n); let c = pass(n); a.len() as i64 + b + c", false),
    ("let a = text.to_string(); let c = match n { 0 => own(a), 1 => own(a), _ => 0 }; c as i64", false),
];

/// Whether the body is refused here for what it moves; any other message is a mistake in the list.
fn is_refused(body: &str) -> bool {
    let job = format!(
        "use sabot::prelude::*;\n{TYPES}\n#[sabot::record] struct In {{ text: String, n: i64 }}\n#[sabot::record] struct Out {{ n: i64 }}\n#[sabot::udf] fn f(text: &str, n: i64) -> i64 {{ {body} }}\n#[sabot::pipeline] fn job() {{ source::<In>(\"a\", csv(\"a.csv\")).map(|r| Out {{ n: f(&r.text, r.n) }}).sink(\"o\", csv(\"o.csv\")); }}\n"
    );
    let mut diagnostics = Diagnostics::new();
    for graph in parse(&job, &mut diagnostics) {
        check(&graph, &Catalog::default(), &mut diagnostics);
    }
    let mut refused = false;
    for diagnostic in diagnostics.as_slice() {
        assert!(diagnostic.code == "E0719" || diagnostic.code.starts_with("E08"), "{body}\n{diagnostic:#?}");
        refused |= diagnostic.code == "E0719";
    }
    refused
}

#[test]
fn what_is_moved_is_refused() {
    for (body, refused) in BODIES {
        assert_eq!(is_refused(body), refused, "{body}");
    }
}

#[test]
fn rustc_refuses_the_same() {
    let folder = std::env::temp_dir().join(format!("sabot-moves-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the program");
    let mut text = format!("#![allow(warnings)]\n{TYPES}").replace('\n', " ") + "\n";
    for (i, (body, _)) in BODIES.iter().enumerate() {
        text += &format!("fn f{i}(text: &str, n: i64) -> i64 {{ {body} }}\n");
    }
    std::fs::write(folder.join("moves.rs"), &text).expect("the program can be written");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let said = Command::new(rustc)
        .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "--error-format", "short", "moves.rs"])
        .current_dir(&folder)
        .output();
    let Ok(said) = said else { return };
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    for (i, (body, refused)) in BODIES.iter().enumerate() {
        let place = format!("moves.rs:{}:", i + 2);
        let by_rustc = said.lines().any(|line| line.starts_with(&place) && line.contains("error[E0382]"));
        assert_eq!(by_rustc, *refused, "{body}\n{said}");
    }
}
