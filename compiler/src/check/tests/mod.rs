//! Jobs through the checker: what they become, and what is said about their mistakes.

mod control;
mod generic;
mod guide;
mod jobs;
mod library;
mod lists;
mod random;
mod streams;
mod values;

use super::check;
use crate::Catalog;
use crate::parse::parse;
use sabot_ir::diagnostic::{Diagnostic, Diagnostics};
use sabot_ir::display;

/// The plan of a job as text, or what is said about it.
fn outcome(job: &str) -> String {
    let mut diagnostics = Diagnostics::new();
    let graphs = parse(job, &mut diagnostics);
    let mut text = String::new();
    for graph in &graphs {
        if let Some(plan) = check(graph, &Catalog::default(), &mut diagnostics) {
            text.push_str(&display::plan::plan(&plan));
        }
    }
    // These jobs declare records, functions and parameters for all of the tests.
    let is_meant = |diagnostic: &Diagnostic| !diagnostic.code.starts_with("E080");
    for diagnostic in diagnostics.into_sorted().into_iter().filter(is_meant) {
        text.push_str(&format!("{}: {}\n", diagnostic.code, diagnostic.message));
        for label in &diagnostic.labels {
            let at =
                job.get(label.span.start as usize..label.span.end as usize).expect("a span is a place in the text");
            text.push_str(&format!("  `{at}`: {}\n", label.text));
        }
        for note in &diagnostic.notes {
            text.push_str(&format!("  note: {note}\n"));
        }
        for help in &diagnostic.help {
            text.push_str(&format!("  help: {help}\n"));
        }
    }
    text
}

const QUOTES: &str = r#"
use sabot::prelude::*;
#[sabot::record]
#[sabot(rename_all = "camelCase")]
struct Quote { instrument_id: i64, symbol: String, price: f64, volume: i64, lots: u32, venue: Option<String>, bid: Option<f64>, at: Timestamp, hot: bool }
#[sabot::record]
struct Security { id: i64, name: String, sector: Option<String>, weight: f64 }
"#;

/// What the expressions of a record become: `fields` are declarations, `code` the closure's body over a `Quote` named `q`.
fn computed(more: &str, out: &str, code: &str) -> String {
    let job = format!(
        "{QUOTES}{more}\n#[sabot::record]\nstruct Out {{ {out} }}\n#[sabot::pipeline]\nfn job(#[sabot(default = 2)] n: i64) {{\n    source::<Quote>(\"quotes\", csv(\"q.csv\")).map(|q| {code}).sink(\"out\", csv(\"o.csv\"));\n}}\n"
    );
    let text = outcome(&job);
    match text.lines().find(|line| line.starts_with("  project")) {
        Some(line) => {
            let columns = line.split_once(": ").map_or("", |(_, columns)| columns);
            columns.split(" -> (").next().unwrap_or_default().to_owned()
        }
        None => text,
    }
}

/// The one column `x` of type `ty` that `code` computes.
fn value(ty: &str, code: &str) -> String {
    let text = computed("", &format!("x: {ty}"), &format!("Out {{ x: {code} }}"));
    text.strip_prefix("x = ").map(str::to_owned).unwrap_or(text)
}

/// A job whose pipeline goes on from `quotes` and `securities` with this code.
fn job_text(body: &str) -> String {
    format!(
        "{QUOTES}#[sabot::record]\nstruct Out {{ k: String, x: i64, y: f64 }}\n#[sabot::record]\nstruct Pair {{ price: f64, name: String, sector: String, weight: f64 }}\n#[sabot::pipeline]\nfn job(#[sabot(default = 2)] n: i64) {{\n    let quotes = source::<Quote>(\"quotes\", csv(\"q.csv\"));\n    let securities = table::<Security>(\"securities\", csv(\"s.csv\")).primary_key(|s| s.id);\n    {body}\n}}\n"
    )
}

/// A closure as a parameter of a graph that is made by hand.
fn closure(code: &str) -> sabot_ir::job_graph::Value {
    let job = format!(
        "{QUOTES}#[sabot::pipeline]\nfn job() {{ source::<Quote>(\"q\", csv(\"q\")).map({code}).sink(\"o\", csv(\"o\")); }}"
    );
    let graphs = parse(&job, &mut Diagnostics::new());
    graphs[0].operators[1].get("function").cloned().expect("a map has a function")
}
