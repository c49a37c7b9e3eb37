//! A diagnostic as plain text with the lines of source that it speaks of, in the shape of rustc's.
//!
//! No colour and no terminal width: what is printed is the same everywhere. Columns count characters; a tab is four.

use crate::diagnostic::{Diagnostic, Diagnostics, Label, Severity};
use crate::span::{Span, line_column};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Columns of a tab.
const TAB: usize = 4;

/// Lines of a long label that are shown at its beginning and at its end.
const SHOWN: usize = 4;

/// All messages, by their place in the source, with a blank line between them.
#[must_use]
pub fn render_all(source: &str, file_name: &str, diagnostics: &Diagnostics) -> String {
    let sorted = diagnostics.clone().into_sorted();
    sorted.iter().map(|diagnostic| render(source, file_name, diagnostic)).collect::<Vec<_>>().join("\n")
}

/// One message, ending in a newline.
#[must_use]
pub fn render(source: &str, file_name: &str, diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut text = format!("{severity}[{}]: {}\n", diagnostic.code, diagnostic.message);
    let source = Source::new(source);
    let labels: Vec<&Label> = diagnostic.labels.iter().filter(|label| source.holds(label.span)).collect();
    let gutter = source.gutter(&labels);
    if let Some(first) = diagnostic.labels.first() {
        if labels.is_empty() {
            // Nothing to show: the operator was made without source text.
            let _ = writeln!(text, "{:gutter$}--> {file_name}", "");
            if !first.text.is_empty() {
                let _ = writeln!(text, "{:gutter$} = {}", "", first.text);
            }
        } else {
            let (line, column) = line_column(source.text, labels[0].span.start);
            let _ = writeln!(text, "{:gutter$}--> {file_name}:{line}:{column}", "");
            let _ = writeln!(text, "{:gutter$} |", "");
            source.excerpt(&labels, gutter, &mut text);
        }
    }
    for note in &diagnostic.notes {
        let _ = writeln!(text, "{:gutter$} = note: {}", "", indented(note, gutter + 9));
    }
    for help in &diagnostic.help {
        let _ = writeln!(text, "{:gutter$} = help: {}", "", indented(&help.text, gutter + 9));
    }
    text
}

fn indented(text: &str, columns: usize) -> String {
    text.replace('\n', &format!("\n{}", " ".repeat(columns)))
}

/// The source text by lines.
struct Source<'a> {
    text: &'a str,
    /// Offset of the first byte of each line.
    starts: Vec<usize>,
}

/// A label on one line: columns count from 0, the end is behind the last.
struct Mark<'a> {
    start: usize,
    end: usize,
    text: &'a str,
    is_primary: bool,
}

impl<'a> Source<'a> {
    fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(offset, _)| offset + 1)).collect();
        Self { text, starts }
    }

    /// Whether the span can be shown.
    fn holds(&self, span: Span) -> bool {
        !span.is_none() && span.start as usize <= self.text.len()
    }

    /// The line, from 0, that an offset is on.
    fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// First and last line of a span.
    fn lines(&self, span: Span) -> (usize, usize) {
        let first = self.line(span.start as usize);
        // What ends with a newline ends on the line before.
        let end = (span.end as usize).min(self.text.len());
        let last = self.line(end.saturating_sub(1).max(span.start as usize));
        (first, last.max(first))
    }

    fn line_text(&self, line: usize) -> &'a str {
        let start = self.starts[line];
        let end = self.starts.get(line + 1).copied().unwrap_or(self.text.len());
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }

    /// The column of an offset on its line, with tabs opened.
    fn column(&self, line: usize, offset: usize) -> usize {
        let text = self.line_text(line);
        let mut within = offset.saturating_sub(self.starts[line]).min(text.len());
        while !text.is_char_boundary(within) {
            within -= 1;
        }
        text[..within].chars().map(width).sum()
    }

    /// Columns of the largest line number.
    fn gutter(&self, labels: &[&Label]) -> usize {
        let last = labels.iter().map(|label| self.lines(label.span).1 + 1).max().unwrap_or(1);
        last.to_string().len()
    }

    fn excerpt(&self, labels: &[&Label], gutter: usize, text: &mut String) {
        let mut lines: BTreeMap<usize, Vec<Mark<'_>>> = BTreeMap::new();
        // Labels over several lines, each with a rail of its own at the left.
        let mut rails: Vec<(usize, usize, usize, &Label, bool)> = Vec::new();
        for (position, label) in labels.iter().enumerate() {
            let (first, last) = self.lines(label.span);
            let is_primary = position == 0;
            if first == last {
                let start = self.column(first, label.span.start as usize);
                let end = self.column(first, label.span.end as usize).max(start + 1);
                lines.entry(first).or_default().push(Mark { start, end, text: &label.text, is_primary });
            } else {
                rails.push((first, last, self.column(first, label.span.start as usize), label, is_primary));
                let shown = (first..=last).filter(|line| *line < first + SHOWN || *line + SHOWN > last);
                shown.for_each(|line| {
                    lines.entry(line).or_default();
                });
            }
        }
        let rail_width = if rails.is_empty() { 0 } else { rails.len() * 2 };
        let rail = |line: usize, is_below: bool| -> String {
            let mut text = String::new();
            for (first, last, ..) in &rails {
                let is_inside = if is_below { *first <= line && line < *last } else { *first < line && line <= *last };
                text.push_str(if is_inside { "| " } else { "  " });
            }
            text
        };
        let mut previous: Option<usize> = None;
        for (line, marks) in &mut lines {
            if let Some(previous) = previous {
                if previous + 2 == *line {
                    self.print_line(previous + 1, gutter, &rail(previous + 1, false), text);
                } else if previous + 1 != *line {
                    text.push_str("...\n");
                }
            }
            previous = Some(*line);
            self.print_line(*line, gutter, &rail(*line, false), text);
            self.print_marks(marks, gutter, &rail(*line, true), text);
            for (position, (first, last, column, label, is_primary)) in rails.iter().enumerate() {
                let sign = if *is_primary { '^' } else { '-' };
                if first == line {
                    let before = rail_prefix(&rails, position, *line);
                    let under = "_".repeat(column + rail_width - position * 2 - 1);
                    let _ = writeln!(text, "{:gutter$} | {before} {under}{sign}", "");
                }
                if last == line {
                    let before = rail_prefix(&rails, position, *line);
                    let end = self.column(*last, label.span.end as usize).max(1);
                    let under = "_".repeat(end - 1 + rail_width - position * 2 - 1);
                    let label = if label.text.is_empty() { String::new() } else { format!(" {}", label.text) };
                    let _ = writeln!(text, "{:gutter$} | {before}|{under}{sign}{label}", "");
                }
            }
        }
    }

    fn print_line(&self, line: usize, gutter: usize, rail: &str, text: &mut String) {
        let mut shown = String::new();
        for character in self.line_text(line).chars() {
            match character {
                '\t' => shown.push_str(&" ".repeat(TAB)),
                character if character.is_control() => shown.push('\u{fffd}'),
                character => shown.push(character),
            }
        }
        let whole = format!("{:>gutter$} | {rail}{shown}", line + 1);
        text.push_str(whole.trim_end());
        text.push('\n');
    }

    /// What stands below a line: the signs, the text of the last label beside them, the others hanging below.
    fn print_marks(&self, marks: &mut [Mark<'_>], gutter: usize, rail: &str, text: &mut String) {
        if marks.is_empty() {
            return;
        }
        marks.sort_by_key(|mark| (mark.start, mark.is_primary));
        let mut signs = Vec::new();
        for mark in marks.iter().filter(|mark| !mark.is_primary).chain(marks.iter().filter(|mark| mark.is_primary)) {
            signs.resize(signs.len().max(mark.end), ' ');
            let sign = if mark.is_primary { '^' } else { '-' };
            signs[mark.start..mark.end].fill(sign);
        }
        let mut hanging: Vec<&Mark<'_>> = marks.iter().filter(|mark| !mark.text.is_empty()).collect();
        let mut beside = "";
        // The rightmost label may stand beside the signs if nothing follows it.
        if let Some(last) = hanging.last()
            && last.end == signs.len()
            && hanging.iter().filter(|mark| mark.start == last.start).count() == 1
        {
            beside = last.text;
            hanging.pop();
        }
        let signs: String = signs.into_iter().collect();
        let whole =
            format!("{:gutter$} | {rail}{signs} {}", "", indented(beside, gutter + 3 + rail.len() + signs.len() + 1));
        text.push_str(whole.trim_end());
        text.push('\n');
        while let Some(mark) = hanging.pop() {
            let mut columns: Vec<usize> =
                hanging.iter().map(|mark| mark.start).filter(|start| *start < mark.start).collect();
            columns.dedup();
            let bars = |with_own: bool| {
                let mut line = String::new();
                for column in columns.iter().copied().chain(with_own.then_some(mark.start)) {
                    line.push_str(&" ".repeat(column.saturating_sub(line.len())));
                    line.push('|');
                }
                line
            };
            let _ = writeln!(text, "{:gutter$} | {rail}{}", "", bars(true));
            let mut line = bars(false);
            line.push_str(&" ".repeat(mark.start.saturating_sub(line.len())));
            let margin = gutter + 3 + rail.len() + mark.start;
            let _ = writeln!(text, "{:gutter$} | {rail}{line}{}", "", indented(mark.text, margin));
        }
    }
}

/// The rails left of the one at `position`, on the lines that begin or end it.
fn rail_prefix(rails: &[(usize, usize, usize, &Label, bool)], position: usize, line: usize) -> String {
    rails[..position].iter().map(|(first, last, ..)| if *first <= line && line < *last { "| " } else { "  " }).collect()
}

fn width(character: char) -> usize {
    if character == '\t' { TAB } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(source: &str, part: &str) -> Span {
        let start = source.find(part).expect("the part is in the source");
        Span::new(start, start + part.len())
    }

    #[test]
    fn several_labels_on_several_lines() {
        let source = "fn f() {\n    let orders = source(kafka);\n\n\n    orders\n        .window(tumbling);\n}\n";
        let diagnostic = Diagnostic::error("E0304", "this window never closes")
            .label(span(source, "window"), "waits for a watermark")
            .label(span(source, "source(kafka)"), "this source says nothing of event time")
            .note("a note\nof two lines")
            .help("name the time column");
        assert_eq!(
            render(source, "jobs/revenue.rs", &diagnostic),
            "\
error[E0304]: this window never closes
 --> jobs/revenue.rs:6:10
  |
2 |     let orders = source(kafka);
  |                  ------------- this source says nothing of event time
...
6 |         .window(tumbling);
  |          ^^^^^^ waits for a watermark
  = note: a note
          of two lines
  = help: name the time column
"
        );
    }

    #[test]
    fn several_labels_on_one_line_with_tabs_and_wide_text() {
        let source = "\tlet ä = q.price + \"x\";";
        let diagnostic = Diagnostic::error("E0301", "these types differ")
            .label(span(source, "+"), "cannot be added")
            .label(span(source, "q.price"), "is `f64`")
            .label(span(source, "\"x\""), "is `String`");
        assert_eq!(
            render(source, "job.rs", &diagnostic),
            "\
error[E0301]: these types differ
 --> job.rs:1:18
  |
1 |     let ä = q.price + \"x\";
  |             ------- ^ --- is `String`
  |             |       |
  |             |       cannot be added
  |             |
  |             is `f64`
"
        );
    }

    #[test]
    fn labels_over_several_lines() {
        let source = "a(\n    b,\n    c\n)";
        let diagnostic =
            Diagnostic::error("E0210", "no").label(span(source, source), "all of it").label(span(source, "b"), "b");
        assert_eq!(
            render(source, "job.rs", &diagnostic),
            "\
error[E0210]: no
 --> job.rs:1:1
  |
1 |   a(
  |  _^
2 | |     b,
  | |     - b
3 | |     c
4 | | )
  | |_^ all of it
"
        );
        let long = format!("f {{\n{}}}", "    x\n".repeat(30));
        let text = render(&long, "job.rs", &Diagnostic::error("E0", "m").label(Span::new(2, long.len()), "long"));
        assert!(text.contains("\n...\n") && text.lines().count() < 16, "{text}");
    }

    #[test]
    fn the_end_of_the_file_and_no_place_at_all() {
        let diagnostic = Diagnostic::error("E0100", "m").label(Span::new(3, 3), "ends here");
        assert_eq!(render("ab\n", "x", &diagnostic), "error[E0100]: m\n --> x:2:1\n  |\n2 |\n  | ^ ends here\n");
        assert_eq!(
            render("ab", "x", &Diagnostic::error("E0100", "m").label(Span::new(2, 2), "ends")),
            "error[E0100]: m\n --> x:1:3\n  |\n1 | ab\n  |   ^ ends\n"
        );
        let diagnostic = Diagnostic::warning("E0217", "m").label(Span::NONE, "has no sink").help("write one");
        assert_eq!(render("ab", "x", &diagnostic), "warning[E0217]: m\n --> x\n  = has no sink\n  = help: write one\n");
        // Offsets that are no borders of characters, or beyond the text, are shown as near as can be.
        for start in 0..8 {
            for end in start..8 {
                let text = render("ä\nö", "x", &Diagnostic::error("E0", "m").label(Span::new(start, end), "l"));
                assert!(text.ends_with("l\n"));
            }
        }
    }
}
