//! Diagnostics in the JSON form that `rustc --error-format=json` writes, which rust-analyzer and other editors read.
//!
//! Lines and columns count from 1, columns in characters; bytes from 0. A help that a tool can carry out is a child with
//! spans that hold `suggested_replacement`.

use crate::messages::{level, rendered};
use sabot_compiler::pages;
use sabot_ir::diagnostic::{Diagnostic, Edit, Help};
use sabot_ir::span::{Span, line_column};
use serde_json::{Value, json};

/// One diagnostic as one object.
#[must_use]
pub(crate) fn diagnostic(source: &str, file: &str, diagnostic: &Diagnostic) -> Value {
    let file = File { source, name: file };
    let mut spans: Vec<Value> = diagnostic
        .labels
        .iter()
        .enumerate()
        .map(|(number, label)| file.span(label.span, number == 0, Some(&label.text), None))
        .collect();
    if spans.is_empty() {
        // What is said about the whole file must stand somewhere: editors drop what has no place.
        spans.push(file.span(Span::NONE, true, None, None));
    }
    let notes = diagnostic.notes.iter().map(|text| child("note", text, Vec::new()));
    let children: Vec<Value> = notes.chain(diagnostic.help.iter().map(|help| file.help(help))).collect();
    json!({
        "$message_type": "diagnostic",
        "message": diagnostic.message,
        "code": {"code": diagnostic.code, "explanation": pages::page(diagnostic.code).map(|page| page.text)},
        "level": level(diagnostic.severity),
        "spans": spans,
        "children": children,
        "rendered": rendered(source, file.name, diagnostic),
    })
}

fn child(level: &str, text: &str, spans: Vec<Value>) -> Value {
    json!({"message": text, "code": null, "level": level, "spans": spans, "children": [], "rendered": null})
}

struct File<'a> {
    source: &'a str,
    name: &'a str,
}

impl File<'_> {
    fn help(&self, help: &Help) -> Value {
        // Text inside a string of JSON would need escapes.
        let is_rust = !self.name.ends_with(".json");
        let edits = help.edits.iter().filter(|_| is_rust);
        let spans = edits.map(|edit| self.span(edit.span, true, None, Some((edit, help)))).collect();
        child("help", &help.text, spans)
    }

    fn span(&self, span: Span, is_primary: bool, label: Option<&str>, edit: Option<(&Edit, &Help)>) -> Value {
        let (line_start, column_start) = line_column(self.source, span.start);
        let (line_end, column_end) = line_column(self.source, span.end);
        let text: Vec<Value> = self
            .source
            .lines()
            .zip(1_u32..)
            .skip(line_start as usize - 1)
            .take((line_end - line_start + 1) as usize)
            .map(|(text, number)| {
                let start = if number == line_start { column_start } else { 1 };
                let end = if number == line_end { column_end } else { text.chars().count() as u32 + 1 };
                json!({"text": text, "highlight_start": start, "highlight_end": end})
            })
            .collect();
        json!({
            "file_name": self.name, "byte_start": span.start, "byte_end": span.end,
            "line_start": line_start, "line_end": line_end, "column_start": column_start, "column_end": column_end,
            "is_primary": is_primary, "text": text, "label": label,
            "suggested_replacement": edit.map(|(edit, _)| &edit.text),
            "suggestion_applicability": edit.map(|(_, help)| help.applicability.name()),
            "expansion": null,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_and_bytes() {
        let source = "a\nbüde f\n";
        let help = vec![Edit::insert(7, " as f64")];
        let said = Diagnostic::error("E0301", "types differ").label(Span::new(5, 7), "here").suggest("cast", help);
        let value = diagnostic(source, "job.rs", &said);
        let span = &value["spans"][0];
        assert_eq!((&span["byte_start"], &span["byte_end"]), (&json!(5), &json!(7)));
        assert_eq!(
            (&span["line_start"], &span["column_start"], &span["column_end"]),
            (&json!(2), &json!(3), &json!(5))
        );
        assert_eq!(span["text"], json!([{"text": "büde f", "highlight_start": 3, "highlight_end": 5}]));
        let edit = &value["children"][0]["spans"][0];
        assert_eq!((&edit["suggested_replacement"], &edit["column_start"]), (&json!(" as f64"), &json!(5)));
        assert_eq!(edit["suggestion_applicability"], "MaybeIncorrect");
    }

    #[test]
    fn what_is_said_of_a_whole_file_stands_at_its_beginning() {
        let value = diagnostic("", "job.rs", &Diagnostic::error("E0221", "this file has no job"));
        assert_eq!((&value["spans"][0]["line_start"], &value["spans"][0]["is_primary"]), (&json!(1), &json!(true)));
    }
}
