//! Finds the bracket that is wrong in text that does not even fall into tokens.
//!
//! The lexer only says where it gave up, which is often the end of the file. Here strings, characters and comments are
//! skipped, and each closing bracket is held against the last open one.

use sabot_ir::diagnostic::Diagnostic;
use sabot_ir::span::Span;

use crate::diagnostics::syntax;

/// What is wrong with the brackets of a text, if something is.
pub(super) fn mistake(text: &str, place: impl Fn(usize) -> usize) -> Option<Diagnostic> {
    let span = |at: usize| Span::new(place(at), place(at) + 1);
    let mut open: Vec<(char, usize)> = Vec::new();
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        match character {
            '(' | '[' | '{' => open.push((character, at)),
            ')' | ']' | '}' => match open.pop() {
                None => return Some(syntax::bracket_without_open(span(at), character)),
                Some((opened, _)) if closing(opened) == character => {}
                Some((opened, place)) => {
                    return Some(syntax::bracket_mismatch(span(at), character, span(place), opened));
                }
            },
            _ => {
                at += skipped(&text[at..], text[..at].chars().next_back())?;
                continue;
            }
        }
        at += 1;
    }
    let (opened, place) = open.pop()?;
    Some(syntax::bracket_not_closed(span(place), opened))
}

fn closing(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

/// Length of the string, character, comment or single character at the beginning; nothing if it is not closed.
fn skipped(text: &str, before: Option<char>) -> Option<usize> {
    let first = text.chars().next()?;
    let is_word = before.is_some_and(|before| before.is_alphanumeric() || before == '_');
    match first {
        '/' if text.starts_with("//") => Some(text.find('\n').unwrap_or(text.len())),
        '/' if text.starts_with("/*") => {
            let mut depth = 0_usize;
            let mut at = 0;
            loop {
                if text[at..].starts_with("/*") {
                    depth += 1;
                    at += 2;
                } else if text[at..].starts_with("*/") {
                    depth -= 1;
                    at += 2;
                    if depth == 0 {
                        return Some(at);
                    }
                } else {
                    at += text[at..].chars().next()?.len_utf8();
                }
            }
        }
        'r' | 'b' | 'c' if !is_word => {
            let prefix = text.len() - text.trim_start_matches(['r', 'b', 'c']).len();
            let hashes = text[prefix..].len() - text[prefix..].trim_start_matches('#').len();
            let is_raw = text[..prefix].contains('r') && text[prefix + hashes..].starts_with('"');
            if !is_raw || prefix > 2 {
                return Some(1);
            }
            let close = format!("\"{}", "#".repeat(hashes));
            let start = prefix + hashes + 1;
            text[start..].find(&close).map(|found| start + found + close.len())
        }
        '"' => quoted(text, '"'),
        '\'' => {
            let mut inside = text[1..].chars();
            match (inside.next(), inside.next()) {
                (Some('\\'), _) => quoted(text, '\''),
                (Some(character), Some('\'')) => Some(2 + character.len_utf8()),
                _ => Some(1), // a lifetime
            }
        }
        other => Some(other.len_utf8()),
    }
}

fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(String, u32)> {
        mistake(text, |at| at).map(|diagnostic| (diagnostic.labels[0].text.clone(), diagnostic.labels[0].span.start))
    }

    #[test]
    fn brackets_in_literals_and_comments_do_not_count() {
        let text =
            r####"fn f<'a>() { '(' ; '\''; "(\"("; r#"("("#; b"["; br"{"; /* ( /* [ */ */ 'x: loop {} } // ("####;
        assert_eq!(found(text), None);
    }

    #[test]
    fn the_wrong_bracket_is_found() {
        assert_eq!(found("f(a { ) }"), Some(("this `)` does not close it".into(), 6)));
        assert_eq!(found("f() }"), Some(("nothing is open here".into(), 4)));
        assert_eq!(found("f(a"), Some(("never closed".into(), 1)));
        assert_eq!(found("f(\"a"), None);
    }
}
