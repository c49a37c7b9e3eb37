//! Diagnostics of the front end as errors of the compiler, on the tokens that they speak of.
//!
//! A macro has one line of text and one span for an error, so code, labels and help are lines of that text. Warnings become
//! uses of something deprecated, the only warning that a macro can cause.

use crate::job_file::JobFile;
use crate::tokens::Located;
use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use sabot_ir::diagnostic::{Diagnostic, Severity};
use sabot_ir::span::line_column;
use std::ops::Range;

/// What the front end says of one item: errors and warnings as code.
pub(crate) struct Report {
    /// Items that make the compiler say it.
    pub(crate) items: TokenStream,
    /// Whether there is an error among them.
    pub(crate) has_errors: bool,
}

/// What is said of the places that `is_mine` holds for. Where none of the item's tokens stands, its name takes the blame.
pub(crate) fn report(file: &JobFile, located: &Located, name: Span, is_mine: impl Fn(&Range<usize>) -> bool) -> Report {
    let mut report = Report { items: TokenStream::new(), has_errors: false };
    for diagnostic in &file.diagnostics {
        let place = diagnostic.labels.first().map_or(0..0, |label| label.span.start as usize..label.span.end as usize);
        if !is_mine(&place) {
            continue;
        }
        let is_inside = place.start >= located.range.start && place.end <= located.range.end;
        let spans = if is_inside { located.spans(&place) } else { None };
        let text = text(file, diagnostic, spans.is_some());
        let (first, last) = spans.unwrap_or((name, name));
        match diagnostic.severity {
            Severity::Error => {
                report.has_errors = true;
                report.items.extend(error(&text, first, last));
            }
            Severity::Warning => report.items.extend(warning(&text, first)),
        }
    }
    report
}

/// `E0403: no such field`, then the labels, notes and help, a line each.
fn text(file: &JobFile, diagnostic: &Diagnostic, is_placed: bool) -> String {
    let mut text = format!("{}: {}", diagnostic.code, diagnostic.message);
    for (number, label) in diagnostic.labels.iter().enumerate() {
        let (line, column) = line_column(&file.text, label.span.start);
        match (number, is_placed) {
            (0, true) if label.text.is_empty() => {}
            (0, true) => text += &format!("\nhere: {}", label.text),
            _ => text += &format!("\n{}:{line}:{column}: {}", file.name, label.text),
        }
    }
    for note in &diagnostic.notes {
        text += &format!("\nnote: {note}");
    }
    for help in &diagnostic.help {
        text += &format!("\nhelp: {help}");
    }
    text
}

/// `::core::compile_error! { "text" }`, which the compiler shows from the first to the last span.
pub(crate) fn error(text: &str, first: Span, last: Span) -> TokenStream {
    let punct = |character, spacing, span| {
        let mut punct = Punct::new(character, spacing);
        punct.set_span(span);
        TokenTree::Punct(punct)
    };
    let mut literal = Literal::string(text);
    literal.set_span(last);
    let mut braces = Group::new(Delimiter::Brace, TokenTree::Literal(literal).into());
    braces.set_span(last);
    [
        punct(':', Spacing::Joint, first),
        punct(':', Spacing::Alone, first),
        TokenTree::Ident(Ident::new("core", first)),
        punct(':', Spacing::Joint, first),
        punct(':', Spacing::Alone, first),
        TokenTree::Ident(Ident::new("compile_error", first)),
        punct('!', Spacing::Alone, last),
        TokenTree::Group(braces),
    ]
    .into_iter()
    .collect()
}

/// `const _: () = { #[deprecated(note = "text")] const SABOT: () = (); SABOT };`
fn warning(text: &str, at: Span) -> TokenStream {
    let note = Literal::string(text);
    let declared = format!("#[deprecated(note = {note})] const SABOT: () = ();");
    let mut inner = code(&declared);
    inner.extend([TokenTree::Ident(Ident::new("SABOT", at))]);
    let mut outer = code("const _: () =");
    outer.extend([
        TokenTree::Group(Group::new(Delimiter::Brace, inner)),
        TokenTree::Punct(Punct::new(';', Spacing::Alone)),
    ]);
    outer
}

/// Code of our own.
pub(crate) fn code(text: &str) -> TokenStream {
    text.parse().expect("the macros write Rust")
}
