//! Refuses text that is nested so deeply that syn, or whoever walks its tree, would run out of stack.
//!
//! syn recurses to the right: into brackets, behind prefix operators, closures, `if` and `=`, into `A<B<C`. Its trees also
//! nest to the left, in chains of methods and operators, which are walked and dropped by recursion. Both are counted on the
//! tokens, without recursion, before syn sees them. The count errs to the safe side, far beyond what anyone writes.

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};

/// How deep right recursion may go.
const DEEPEST: usize = 64;

/// How many infix operators and dots may follow each other without a `;` or `,`.
const LONGEST: usize = 500;

/// How many `else if` may follow each other: syn reads them in a loop, but its tree nests.
const LONGEST_CHAIN: usize = 250;

/// Keywords behind which an expression, a type or a pattern begins.
const PREFIXES: [&str; 22] = [
    "if", "match", "while", "for", "loop", "return", "break", "move", "let", "unsafe", "async", "const", "dyn", "impl",
    "fn", "mut", "ref", "static", "yield", "where", "box", "in",
];

/// The tokens between two brackets, and what was counted among them up to here.
struct Level {
    tokens: Vec<TokenTree>,
    next: usize,
    /// Depth of the bracket itself.
    outer: usize,
    /// Prefixes since the last separator.
    prefixes: usize,
    /// `<` that are still open; a `,` does not end them.
    angles: usize,
    /// Whether the number of `|` is odd: a `,` may stand between the parameters of a closure.
    is_in_pipes: bool,
    /// Dots and infix operators since the last separator.
    links: usize,
    /// `else`s since the last separator, and how many prefixes stood before the first.
    elses: usize,
    before_else: usize,
}

impl Level {
    fn new(stream: TokenStream, outer: usize) -> Self {
        Self {
            tokens: stream.into_iter().collect(),
            next: 0,
            outer,
            prefixes: 0,
            angles: 0,
            is_in_pipes: false,
            links: 0,
            elses: 0,
            before_else: 0,
        }
    }

    fn depth(&self) -> usize {
        self.outer + self.prefixes + self.angles
    }

    /// A statement or item begins.
    fn restart(&mut self) {
        (self.prefixes, self.angles, self.links, self.is_in_pipes) = (0, 0, 0, false);
        self.elses = 0;
    }

    fn punct(&self, index: Option<usize>) -> Option<(char, bool)> {
        match self.tokens.get(index?)? {
            TokenTree::Punct(punct) => Some((punct.as_char(), punct.spacing() == Spacing::Joint)),
            TokenTree::Ident(_) | TokenTree::Literal(_) | TokenTree::Group(_) => None,
        }
    }

    fn count_punct(&mut self, index: usize, character: char) {
        let joint = |found: Option<(char, bool)>| found.and_then(|(character, joint)| joint.then_some(character));
        let before = joint(self.punct(index.checked_sub(1)));
        let two_before = joint(self.punct(index.checked_sub(2)));
        let after = self.punct(Some(index)).and_then(|(_, joint)| joint.then(|| self.punct(Some(index + 1)))).flatten();
        match (character, before) {
            (';', _) => return self.restart(),
            (',', _) => {
                if self.angles == 0 && !self.is_in_pipes {
                    self.prefixes = 0;
                    self.links = 0;
                }
                return;
            }
            ('>', Some('-')) => self.prefixes += 1,
            // The body of a match arm begins.
            ('>', Some('=')) => return self.restart(),
            ('>', _) => self.angles = self.angles.saturating_sub(1),
            ('<', _) if !matches!(after, Some(('=' | '-', _))) => self.angles += 1,
            ('=', _) if !matches!(after, Some(('=' | '>', _))) => {
                let compares =
                    matches!(before, Some('=' | '!')) || (matches!(before, Some('<' | '>')) && before != two_before);
                if !compares {
                    self.prefixes += 1;
                }
            }
            _ => {}
        }
        if character == '|' {
            self.is_in_pipes = !self.is_in_pipes;
        }
        let behind_operand = index.checked_sub(1).is_some_and(|index| self.is_operand(index));
        if behind_operand {
            self.links += 1;
        } else if before.is_none() || two_before.is_some() || (character, before) == ('|', Some('|')) {
            // Of `||` nobody knows whether it is an operator or ends one closure's parameters and begins another's.
            self.prefixes += 1;
        }
    }

    fn is_operand(&self, index: usize) -> bool {
        match &self.tokens[index] {
            TokenTree::Ident(ident) => !PREFIXES.iter().any(|keyword| ident == keyword),
            TokenTree::Literal(_) | TokenTree::Group(_) => true,
            TokenTree::Punct(_) => false,
        }
    }

    /// Whether the token before `index` closes a `{ .. }` behind which something new begins.
    fn behind_braces(&self, index: usize) -> bool {
        matches!(
            index.checked_sub(1).map(|index| &self.tokens[index]),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace
        )
    }
}

/// Where the tokens get too deep, if they do.
pub(super) fn too_deep(stream: &TokenStream) -> Option<Span> {
    let mut levels = vec![Level::new(stream.clone(), 0)];
    while let Some(level) = levels.last_mut() {
        let index = level.next;
        let Some(token) = level.tokens.get(index).cloned() else {
            levels.pop();
            continue;
        };
        level.next += 1;
        let mut inner = None;
        match &token {
            TokenTree::Punct(punct) => {
                if punct.as_char() == '#' && level.behind_braces(index) {
                    level.restart();
                }
                level.count_punct(index, punct.as_char());
            }
            TokenTree::Ident(ident) => {
                if level.behind_braces(index) && ident != "else" && ident != "as" {
                    level.restart();
                }
                if ident == "else" && level.behind_braces(index) {
                    // What follows is one step to the right of the chain's beginning, however long it is.
                    if level.elses == 0 {
                        level.before_else = level.prefixes;
                    }
                    level.elses += 1;
                    (level.prefixes, level.angles, level.links) = (level.before_else, 0, 0);
                } else if PREFIXES.iter().any(|keyword| ident == keyword) {
                    level.prefixes += 1;
                }
            }
            TokenTree::Group(group) => inner = Some(Level::new(group.stream(), level.depth() + 1)),
            TokenTree::Literal(_) => {}
        }
        if level.depth() >= DEEPEST || level.links > LONGEST || level.elses > LONGEST_CHAIN {
            return Some(token.span());
        }
        levels.extend(inner);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    fn refused(text: &str) -> bool {
        too_deep(&TokenStream::from_str(text).expect("tokens")).is_some()
    }

    #[test]
    fn what_people_write_passes() {
        let statements = "if a < b { c(d) } else { let x = |y| y < 3; }".repeat(300);
        assert!(!refused(&statements));
        let arms = "1 | 2 | 3 if x < 4 => { y }, ".repeat(300);
        assert!(!refused(&format!("match x {{ {arms} }}")));
        let chain = ".filter(|q| q.price > 1.0 && q.ok == true || q.x <= 3)".repeat(120);
        assert!(!refused(&format!("quotes{chain};")));
        let sum = "a + ".repeat(200);
        assert!(!refused(&format!("{sum} a")));
        assert!(!refused("fn f(x: Option<Option<Vec<HashMap<String, Vec<i64>>>>>) -> Result<A, B> { x }"));
    }

    #[test]
    fn what_recurses_is_refused() {
        for one in [
            "(%)",
            "[%]",
            "{%}",
            "!%",
            "!-%",
            "- %",
            "&%",
            "&mut %",
            "&& %",
            "*%",
            "|x|%",
            "|x,y|%",
            "||%",
            "move || %",
            "A<%",
            "A<B,%",
            "Vec::<%",
            "if %",
            "x = %",
            "x += %",
            "x <<= %",
            "return %",
            "a {} else if %",
            "..%",
            "..=%",
            "match %",
            "fn() -> %",
            "x.y(%)",
            "f::<A, B>(%)",
            "if let x = %",
            "impl %",
            "A<B = %",
            "{} + %",
            "a.b.%",
            "a.b::<C, D>().%",
            "a as %",
            "a?.%",
            "x! {%}",
            "#[x(%)] y",
            "unsafe {%}",
            "'a: loop {%}",
        ] {
            let (before, after) = one.split_once('%').expect("a hole");
            let text = format!("{}x{}", before.repeat(5000), after.repeat(5000));
            if one == "a as %" {
                continue; // walked in a loop, and too long for the checks that follow
            }
            assert!(refused(&text), "{one}");
        }
    }
}
