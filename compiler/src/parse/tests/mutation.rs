//! Whatever the text is, the parsers give messages and never panic.
//!
//! Texts are made from real ones by cutting, doubling, swapping and overwriting, and from random tokens. The seed is fixed;
//! a text that once failed becomes a test of its own.

use super::super::{graph_from_json, parse};
use super::QUOTE_ENRICHMENT;
use super::random::Random;
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::display;

/// Pieces that the grammar of jobs is made of, and some that it is not.
const TOKENS: [&str; 96] = [
    "fn",
    "job",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "<",
    ">",
    "|",
    "||",
    ",",
    ";",
    ":",
    "::",
    ".",
    "..",
    "..=",
    "=",
    "==",
    "=>",
    "->",
    "&",
    "&&",
    "&mut",
    "*",
    "+",
    "-",
    "!",
    "?",
    "#",
    "#[sabot::pipeline]",
    "#[sabot::record]",
    "#[sabot::udf]",
    "#[sabot(rename = \"x\")]",
    "#[sabot(",
    "struct",
    "R",
    "x",
    "y",
    "i64",
    "Option",
    "Some",
    "None",
    "_",
    "let",
    "mut",
    "if",
    "else",
    "match",
    "for",
    "in",
    "loop",
    "while",
    "return",
    "break",
    "as",
    "const",
    "async",
    "unsafe",
    "impl",
    "trait",
    "enum",
    "mod",
    "where",
    "dyn",
    "1",
    "1.5",
    "1e999",
    "0x",
    "1u8",
    "\"s\"",
    "'c'",
    "'a",
    "b\"x\"",
    "r#\"",
    "source",
    "table",
    "csv",
    "kafka",
    ".filter",
    ".map",
    ".hash_join",
    ".on",
    ".key_by",
    ".aggregate",
    ".sink",
    ".errors",
    ".window",
    "tumbling",
    "seconds",
    "fields!",
    "format!",
    "matches!",
    "\u{e4}",
];

/// Both parsers, and the messages shown, which must fit their source.
fn survives(text: &str) {
    let mut diagnostics = Diagnostics::new();
    let graphs = parse(text, &mut diagnostics);
    let _ = display::diagnostic::render_all(text, "job.rs", &diagnostics);
    for graph in graphs {
        // The checker goes on where the parser could not: it must take whatever is left.
        let _ = crate::check::check(&graph, &crate::Catalog::default(), &mut diagnostics.clone());
        let json = graph.to_json();
        // Only what the parser took without complaint must be readable again.
        if !diagnostics.has_errors()
            && let Err(diagnostics) = graph_from_json(&json)
        {
            panic!("{text}\n{json}\n{}", display::diagnostic::render_all(&json, "graph.json", &diagnostics));
        }
        let _ = display::diagram::svg(&graph);
    }
    if let Err(diagnostics) = graph_from_json(text) {
        let _ = display::diagnostic::render_all(text, "graph.json", &diagnostics);
    }
}

/// A place between two characters.
fn place(random: &mut Random, text: &str) -> usize {
    let mut at = random.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn mutated(random: &mut Random, text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..=random.below(4) {
        let (from, to) = (place(random, &text), place(random, &text));
        let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 200));
        let to = (to..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        match random.below(6) {
            0 => text.replace_range(from..to, ""),
            1 => {
                let piece = text[from..to].to_owned();
                let at = place(random, &text);
                text.insert_str(at, &piece);
            }
            2 => text.truncate(from),
            3 => text.replace_range(from..to, &format!(" {} ", random.one_of(&TOKENS))),
            4 => text.insert_str(from, random.one_of(&TOKENS)),
            _ => {
                let character = char::from_u32(u32::try_from(random.below(300)).unwrap_or(0)).unwrap_or(' ');
                text.insert(from, character);
            }
        }
    }
    text
}

#[test]
fn mutated_jobs_survive() {
    let mut random = Random(1);
    for _ in 0..300 {
        survives(&mutated(&mut random, QUOTE_ENRICHMENT));
    }
}

#[test]
fn mutated_graphs_survive() {
    let json = super::graph(QUOTE_ENRICHMENT).to_json();
    let mut random = Random(2);
    for _ in 0..800 {
        let text = mutated(&mut random, &json);
        if let Err(diagnostics) = graph_from_json(&text) {
            let _ = display::diagnostic::render_all(&text, "graph.json", &diagnostics);
        }
    }
}

#[test]
fn token_soup_survives() {
    let mut random = Random(3);
    for _ in 0..1200 {
        let tokens: Vec<&str> = (0..random.below(60)).map(|_| random.one_of(&TOKENS)).collect();
        let soup = tokens.join(" ");
        survives(&soup);
        survives(&format!("#[sabot::pipeline] fn job() {{ source::<R>(\"r\", csv(\"r.csv\")) {soup} }}"));
        survives(&format!(
            "#[sabot::pipeline] fn job() {{ let a = {soup}; a.filter(|x| {soup}).sink(\"s\", stdout()); }}"
        ));
    }
}
