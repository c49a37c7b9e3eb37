//! `sabotc explain E0301`: the page of an error code, made for a terminal.

use crate::exit::Failure;
use crate::messages::Messages;
use sabot_compiler::pages::{self, Kind, Page};
use std::path::Path;

/// The code that a positional argument names; nothing if it names a file.
#[must_use]
pub(crate) fn asked_for(file: &Path) -> Option<&str> {
    file.to_str().filter(|word| pages::is_code(word) && !file.exists())
}

/// A line for every code.
#[must_use]
pub(crate) fn list() -> String {
    pages::pages().iter().map(|page| format!("{}  {}\n", page.code, page.title())).collect()
}

/// The page of a code.
///
/// # Errors
/// There is no such code.
pub(crate) fn explain(code: &str, messages: &Messages) -> Result<String, Failure> {
    match pages::page(code) {
        Some(page) => Ok(render(page, messages)),
        None => Err(Failure::Usage(format!("there is no error code `{code}`; `sabotc explain --list` names all"))),
    }
}

/// The page without Markdown's signs: headings in bold, examples indented.
fn render(page: &Page, messages: &Messages) -> String {
    let mut text = String::new();
    let mut is_example = false;
    for line in page.text.lines() {
        if line.starts_with("```") {
            is_example = !is_example;
        } else if is_example {
            let indented = format!("    {line}");
            text.push_str(indented.trim_end());
            text.push('\n');
        } else {
            let heading = line.strip_prefix("# ").or_else(|| line.strip_prefix("## "));
            text.push_str(&heading.map_or_else(|| line.to_owned(), |heading| messages.paint_output(heading, "1")));
            text.push('\n');
        }
    }
    let kinds: Vec<Kind> = page.examples().iter().map(|example| example.kind).collect();
    if let Some(around) = kinds.iter().find_map(|kind| around(*kind)) {
        text.push_str(&format!("\n{around}\n"));
    }
    text
}

/// What stands around an example that is no whole file.
fn around(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::File | Kind::Json => None,
        Kind::Items => Some("The examples stand at the top of a job's file."),
        Kind::Pipeline => Some(
            "The examples stand in a pipeline. `quotes` is a stream of\n  \
             Quote { id: i64, symbol: String, price: f64, volume: i64, lots: u32, venue: Option<String>, bid: Option<f64>, at: Timestamp }\n\
             and `securities` one of\n  Security { id: i64, name: String, sector: Option<String> }\n\
             and there is a record\n  Out { symbol: String, value: f64 }",
        ),
        Kind::Value => Some(
            "The examples stand in a closure; `q` is a\n  \
             Quote { id: i64, symbol: String, price: f64, volume: i64, lots: u32, venue: Option<String>, bid: Option<f64>, at: Timestamp }",
        ),
    }
}
