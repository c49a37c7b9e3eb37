//! Random code that assigns, loops and jumps.

use super::Random;
use std::fmt::Write as _;

/// The variables that change, with their types and what they begin with.
const VARIABLES: [(&str, &str, &str); 7] = [
    ("aa", "i64", "q.volume"),
    ("bb", "i64", "3"),
    ("ff", "f64", "q.price"),
    ("oo", "Option<f64>", "q.bid"),
    ("hh", "bool", "q.hot"),
    ("ss", "String", "q.symbol.clone()"),
    ("mm", "Mini", "Mini { a: 1, b: q.bid, c: false }"),
];

type Scope = Vec<(String, &'static str)>;

/// What stands around a statement.
#[derive(Clone, Default)]
struct Around {
    /// Loops by their number, whether it gives a value, the innermost last.
    loops: Vec<(usize, bool)>,
}

impl Random {
    /// A block that gives a `Mini`.
    pub(crate) fn program(&mut self, size: usize) -> String {
        let mut text = String::from("{ ");
        let mut scope: Scope = Vec::new();
        for (name, ty, value) in VARIABLES {
            let _ = write!(text, "let mut {name}: {ty} = {value}; ");
            scope.push((name.to_owned(), ty));
        }
        text.push_str(
            "let g = |x: Option<f64>, y: i64| { let x = x?; if y < 0 { return None; } Some(x + y as f64) }; ",
        );
        let mut next = 0;
        for _ in 0..size {
            text += &self.statement(3, &mut scope, &Around::default(), &mut next);
        }
        let last = self.code("Mini", 1, &mut scope);
        let _ = write!(text, "mm.a = mm.a.wrapping_add(aa ^ bb); mm.b = if hh {{ oo }} else {{ Some(ff) }}; ");
        let _ = write!(text, "if ss == \"a\" {{ {last} }} else {{ mm }} }}");
        text
    }

    fn statements(&mut self, depth: usize, scope: &mut Scope, around: &Around, next: &mut usize) -> String {
        let mark = scope.len();
        let text = (0..1 + self.below(3)).map(|_| self.statement(depth, scope, around, next)).collect();
        scope.truncate(mark);
        text
    }

    fn number(next: &mut usize) -> usize {
        *next += 1;
        *next
    }

    /// One statement; what it binds stays in scope.
    fn statement(&mut self, depth: usize, scope: &mut Scope, around: &Around, next: &mut usize) -> String {
        let d = 1;
        let inner = depth.saturating_sub(1);
        match self.below(if depth == 0 { 10 } else { 22 }) {
            0..=2 => self.assignment(scope),
            3 => match self.below(4) {
                0 => format!("aa += {};", self.below(9)),
                1 => "(aa, bb) = (bb, aa.wrapping_add(1));".to_owned(),
                2 => format!("mm.a = {}; mm.c = !mm.c;", self.code("i64", d, scope)),
                _ => format!("ff *= {}; hh |= {};", self.code("f64", d, scope), self.code("bool", d, scope)),
            },
            4 => {
                let (name, ty) = (format!("w{}", Self::number(next)), ["i64", "f64", "Option<f64>"][self.below(3)]);
                let value = self.code(ty, 2, scope);
                scope.push((name.clone(), ty));
                format!("let {name}: {ty} = {value};")
            }
            5 if !around.loops.is_empty() => self.jump(scope, around),
            5 => format!("if {} {{ return {}; }}", self.code("bool", d, scope), self.code("Mini", d, scope)),
            6 => {
                let name = format!("w{}", Self::number(next));
                let value = self.code("Option<f64>", 2, scope);
                let leave = self.leave(scope, around);
                scope.push((name.clone(), "f64"));
                format!("let Some({name}) = ({value}) else {{ {leave} }};")
            }
            7 => format!("oo = g({}, {});", self.code("Option<f64>", d, scope), self.code("i64", d, scope)),
            8 => format!("assert!({} || bb < 1000, \"too large\");", self.code("bool", d, scope)),
            9 => {
                let name = format!("w{}", Self::number(next));
                let text = format!(
                    "let {name}: i64; if {} {{ {name} = {}; }} else {{ {name} = {}; }}",
                    self.code("bool", d, scope),
                    self.code("i64", d, scope),
                    self.code("i64", d, scope)
                );
                scope.push((name, "i64"));
                text
            }
            10 | 11 => format!(
                "if {} {{ {} }} else {{ {} }}",
                self.code("bool", d, scope),
                self.statements(inner, scope, around, next),
                self.statements(inner, scope, around, next)
            ),
            12 => {
                let name = format!("w{}", Self::number(next));
                let value = self.code("Option<f64>", 2, scope);
                scope.push((name.clone(), "f64"));
                let then = self.statements(inner, scope, around, next);
                let condition = self.code("bool", d, scope);
                scope.pop();
                let otherwise = self.statements(inner, scope, around, next);
                if self.below(2) == 0 {
                    format!("if let Some({name}) = {value} {{ {then} }} else {{ {otherwise} }}")
                } else {
                    format!(
                        "if hh && let Some({name}) = {value} && {{ {condition} }} && let Some(s2) = q.venue.clone() {{ ss = s2; {then} }} else {{ {otherwise} }}"
                    )
                }
            }
            13 => {
                let name = format!("w{}", Self::number(next));
                scope.push((name.clone(), "i64"));
                let arms: Vec<String> = (0..3).map(|_| self.statements(inner, scope, around, next)).collect();
                scope.pop();
                format!(
                    "match {} {{ {name} @ (0 | 7..=21) if {name} != 9 => {{ {} }} {name} @ i64::MIN..=-1 => {{ {} }} {name} => {{ {} }} }}",
                    self.code("i64", d, scope),
                    arms[0],
                    arms[1],
                    arms[2]
                )
            }
            14..=16 => self.for_loop(inner, scope, around, next),
            17 => {
                let (number, counter) = (Self::number(next), Self::number(next));
                let mut inside = around.clone();
                inside.loops.push((number, false));
                let body = self.statements(inner, scope, &inside, next);
                let condition = self.code("bool", d, scope);
                format!(
                    "let mut k{counter} = 0u8; 'l{number}: while k{counter} < 4 && {{ {condition} }} {{ k{counter} += 1; {body} }}"
                )
            }
            18 => {
                let (number, counter) = (Self::number(next), Self::number(next));
                let mut inside = around.clone();
                inside.loops.push((number, true));
                let body = self.statements(inner, scope, &inside, next);
                let value = self.code("i64", d, scope);
                format!(
                    "let mut k{counter} = 0i32; aa = 'l{number}: loop {{ k{counter} += 1; if k{counter} > 3 {{ break {value}; }} {body} }};"
                )
            }
            19 => {
                let number = Self::number(next);
                let (condition, value) = (self.code("bool", d, scope), self.code("i64", d, scope));
                let body = self.statements(inner, scope, around, next);
                let end = self.code("i64", d, scope);
                format!("bb = 'b{number}: {{ if {condition} {{ break 'b{number} {value}; }} {body} {end} }};")
            }
            20 => {
                let (name, counter) = (format!("w{}", Self::number(next)), Self::number(next));
                let mut inside = around.clone();
                inside.loops.push((counter, false));
                scope.push((name.clone(), "f64"));
                let body = self.statements(inner, scope, &inside, next);
                let value = self.code("Option<f64>", d, scope);
                scope.pop();
                format!(
                    "let mut k{counter} = 0i64; 'l{counter}: while let Some({name}) = oo {{ k{counter} += 1; if k{counter} > 3 {{ break; }} oo = {value}; {body} }}"
                )
            }
            _ => format!("{{ {} }}", self.statements(inner, scope, around, next)),
        }
    }

    fn assignment(&mut self, scope: &mut Scope) -> String {
        let (name, ty, _) = VARIABLES[self.below(VARIABLES.len())];
        format!("{name} = {};", self.code(ty, 2, scope))
    }

    fn for_loop(&mut self, depth: usize, scope: &mut Scope, around: &Around, next: &mut usize) -> String {
        let number = Self::number(next);
        let name = format!("w{}", Self::number(next));
        let (range, ty) = match self.below(8) {
            0 => ("0i64..3".to_owned(), "i64"),
            1 => ("-2i64..=2".to_owned(), "i64"),
            2 => ("(1i64..4).rev()".to_owned(), "i64"),
            3 => (format!("({}..=i64::MAX).rev().step_by(2)", "i64::MAX - 3"), "i64"),
            4 => ("(i64::MIN..i64::MIN + 7).step_by(3)".to_owned(), "i64"),
            5 => ("(250u8..=255).step_by(2)".to_owned(), "u8"),
            6 => ("(-128i8..=127).step_by(100).into_iter()".to_owned(), "i8"),
            _ => (format!("bb.clamp(-3, 3)..{}", self.below(4)), "i64"),
        };
        let mut inside = around.clone();
        inside.loops.push((number, false));
        let mark = scope.len();
        if ty == "i64" {
            scope.push((name.clone(), "i64"));
        }
        let body = self.statements(depth, scope, &inside, next);
        scope.truncate(mark);
        format!("'l{number}: for {name} in {range} {{ aa = aa.wrapping_add({name} as i64); {body} }}")
    }

    /// `break` or `continue` of a loop around, under a condition.
    fn jump(&mut self, scope: &mut Scope, around: &Around) -> String {
        let condition = self.code("bool", 1, scope);
        format!("if {condition} {{ {} }}", self.leave(scope, around))
    }

    /// What never goes on.
    fn leave(&mut self, scope: &mut Scope, around: &Around) -> String {
        match (around.loops.as_slice(), self.below(4)) {
            ([], 0) => "panic!(\"nothing there\")".to_owned(),
            ([], _) | (_, 0) => format!("return {};", self.code("Mini", 1, scope)),
            (loops, choice) => {
                let (number, gives) = loops[self.below(loops.len())];
                match (choice, gives) {
                    (1, _) => format!("continue 'l{number};"),
                    (_, true) => format!("break 'l{number} {};", self.code("i64", 1, scope)),
                    (_, false) => format!("break 'l{number};"),
                }
            }
        }
    }
}
