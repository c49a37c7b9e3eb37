//! Random functions that both rustc and the front end must take: every expression is typed as it is written, so a program is
//! wrong only if one of the worlds is.
//!
//! Strings are cloned where they are used, as rustc wants it. Where a value can grow, its parts are small.

use std::fmt::Write as _;

/// What functions of the language give and take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ty {
    Bool,
    I64,
    I32,
    U32,
    F64,
    Text,
    OptI64,
    OptF64,
    OptText,
}

impl Ty {
    const ALL: [Self; 9] =
        [Self::Bool, Self::I64, Self::I32, Self::U32, Self::F64, Self::Text, Self::OptI64, Self::OptF64, Self::OptText];

    fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I64 => "i64",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::F64 => "f64",
            Self::Text => "String",
            Self::OptI64 => "Option<i64>",
            Self::OptF64 => "Option<f64>",
            Self::OptText => "Option<String>",
        }
    }

    /// Whether a variable of it must be cloned to be used twice.
    fn is_owned(self) -> bool {
        matches!(self, Self::Text | Self::OptText)
    }
}

/// What every file begins with.
const HELPERS: &str = "//! Random functions.

fn no_i64() -> Option<i64> {
    None
}

fn no_f64() -> Option<f64> {
    None
}

fn no_text() -> Option<String> {
    None
}

fn scale(x: f64, by: i64) -> f64 {
    if by == 0 { x } else { x * by as f64 }
}

fn short(text: String) -> String {
    if text.len() > 8 { \"long\".to_string() } else { text }
}
";

/// A file of this many random functions.
pub(crate) fn file(seed: u64, count: usize) -> String {
    let mut text = HELPERS.to_owned();
    for number in 0..count {
        let mut random = Random::new(seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
        let ty = Ty::ALL[random.below(Ty::ALL.len())];
        let depth = 2 + random.below(3);
        random.returns = ty;
        let body = random.body(ty, depth);
        let _ = write!(
            text,
            "\n#[sabot::udf]\nfn p{number}(a: i64, b: i64, i: i32, u: u32, x: f64, y: f64, s: String, t: String, flag: bool, \
             o: Option<i64>, p: Option<f64>, q: Option<String>) -> {} {{\n{body}\n}}\n",
            ty.name()
        );
    }
    text
}

struct Random {
    state: u64,
    scope: Vec<(String, Ty)>,
    names: usize,
    /// What the function returns.
    returns: Ty,
    /// Labels of the loops around.
    loops: Vec<String>,
    /// Variables that cannot change.
    fixed: Vec<String>,
    /// How many closures are around.
    sealed: usize,
}

impl Random {
    fn new(seed: u64) -> Self {
        let (returns, loops, fixed) = (Ty::Bool, Vec::new(), Vec::new());
        const PARAMS: [(&str, Ty); 12] = [
            ("a", Ty::I64),
            ("b", Ty::I64),
            ("i", Ty::I32),
            ("u", Ty::U32),
            ("x", Ty::F64),
            ("y", Ty::F64),
            ("s", Ty::Text),
            ("t", Ty::Text),
            ("flag", Ty::Bool),
            ("o", Ty::OptI64),
            ("p", Ty::OptF64),
            ("q", Ty::OptText),
        ];
        let scope = PARAMS.map(|(name, ty)| (name.to_owned(), ty)).to_vec();
        let mut random =
            Self { state: seed ^ 0x5abb_07e5_5eed_0001, scope, names: 0, returns, loops, fixed, sealed: 0 };
        random.below(2);
        random
    }

    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).unwrap_or(0) % bound
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    fn fresh(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    /// Statements and a tail, without braces.
    fn body(&mut self, ty: Ty, depth: usize) -> String {
        let before = self.scope.len();
        let mut text = String::new();
        for _ in 0..self.below(3) {
            text += &self.statement(depth - 1);
        }
        text += &self.expr(ty, depth);
        self.scope.truncate(before);
        text
    }

    /// The statements of a loop or branch.
    fn block(&mut self, depth: usize) -> String {
        let before = self.scope.len();
        let text = (0..1 + self.below(2)).map(|_| self.statement(depth)).collect();
        self.scope.truncate(before);
        text
    }

    fn statement(&mut self, depth: usize) -> String {
        let d = depth.saturating_sub(1);
        match self.below(10) {
            0..=3 => {
                let of = Ty::ALL[self.below(Ty::ALL.len())];
                let value = self.expr(of, depth);
                let name = self.fresh();
                self.scope.push((name.clone(), of));
                format!("let mut {name}: {} = {value};\n", of.name())
            }
            4 | 5 => self.assignment(depth),
            6 => {
                let condition = self.expr(Ty::Bool, d);
                let (then, otherwise) = (self.block(d), self.block(d));
                format!("if {condition} {{\n{then}}} else {{\n{otherwise}}}\n")
            }
            7 => self.counted(d),
            8 => {
                // Ends by itself: a counter of its own goes down before anything can go on.
                let (counter, from) = (self.fresh(), 1 + self.below(4));
                let label = self.fresh();
                let condition = self.expr(Ty::Bool, d);
                self.loops.push(label.clone());
                let block = self.block(d);
                self.loops.pop();
                format!(
                    "let mut {counter} = {from}i64;\n'{label}: while {counter} > 0i64 && {condition} {{\n{counter} -= 1i64;\n{block}}}\n"
                )
            }
            _ => self.jump(d),
        }
    }

    /// `v = value;`, `v += value;` of a variable that was declared in a body (parameters do not change).
    fn assignment(&mut self, depth: usize) -> String {
        let known: Vec<(String, Ty)> = self.scope.iter().filter(|(name, _)| self.is_mutable(name)).cloned().collect();
        if known.is_empty() {
            return String::new();
        }
        let (name, ty) = &known[self.below(known.len())];
        let value = self.expr(*ty, depth.saturating_sub(1));
        let operators: &[&str] = match ty {
            Ty::I64 | Ty::I32 | Ty::U32 => &["=", "=", "+=", "-=", "*=", "&=", "|=", "^="],
            Ty::F64 => &["=", "+=", "-=", "*=", "/="],
            Ty::Bool => &["=", "&=", "|=", "^="],
            Ty::Text | Ty::OptI64 | Ty::OptF64 | Ty::OptText => &["="],
        };
        let operator = self.pick(operators);
        if *ty == Ty::Text && self.below(2) == 0 {
            // Its own name first: the value may change the variable, which rustc does not allow while it is borrowed.
            let more = self.fresh();
            return format!("let {more}: String = short({value});\n{name} += &{more};\n");
        }
        format!("{name} {operator} {value};\n")
    }

    /// Variables of closures, patterns and loops are not declared `mut`.
    fn is_mutable(&self, name: &str) -> bool {
        name.starts_with('v') && !self.fixed.iter().any(|fixed| fixed == name) && self.sealed == 0
    }

    fn counted(&mut self, d: usize) -> String {
        let (name, label) = (self.fresh(), self.fresh());
        let range = self.pick(&["0..4i64", "-2..=2i64", "1..(a & 7i64)", "0i64..b % 5"]);
        self.fixed.push(name.clone());
        self.scope.push((name.clone(), Ty::I64));
        self.loops.push(label.clone());
        let block = self.block(d);
        self.loops.pop();
        self.scope.pop();
        format!("'{label}: for {name} in {range} {{\n{block}}}\n")
    }

    /// Out of a loop, on with it, or out of the function; always under a condition.
    fn jump(&mut self, d: usize) -> String {
        if self.sealed > 0 {
            return String::new();
        }
        let condition = self.expr(Ty::Bool, d);
        let at = self.below(self.loops.len().max(1));
        let jump = match self.below(3) {
            0 if !self.loops.is_empty() => format!("break '{}", self.loops[at]),
            1 if !self.loops.is_empty() => format!("continue '{}", self.loops[at]),
            _ => format!("return {}", self.expr(self.returns, d)),
        };
        format!("if {condition} {{ {jump}; }}\n")
    }

    /// What stands inside a closure over a variable of this type.
    fn closure(&mut self, of: Ty, ty: Ty, depth: usize) -> String {
        let name = self.fresh();
        self.fixed.push(name.clone());
        self.scope.push((name.clone(), of));
        // A closure neither changes what is around it nor jumps out.
        self.sealed += 1;
        let loops = std::mem::take(&mut self.loops);
        let body = self.expr(ty, depth);
        self.loops = loops;
        self.sealed -= 1;
        self.scope.pop();
        format!("|{name}| {body}")
    }

    fn variable(&mut self, ty: Ty) -> String {
        let known: Vec<String> = self.scope.iter().filter(|(_, of)| *of == ty).map(|(name, _)| name.clone()).collect();
        let name = &known[self.below(known.len())];
        if ty.is_owned() { format!("{name}.clone()") } else { name.clone() }
    }

    fn expr(&mut self, ty: Ty, depth: usize) -> String {
        if depth == 0 {
            return self.leaf(ty);
        }
        let d = depth - 1;
        match self.below(10) {
            0 => {
                let (c, a, b) = (self.expr(Ty::Bool, d), self.expr(ty, d), self.expr(ty, d));
                format!("(if {c} {{ {a} }} else {{ {b} }})")
            }
            1 => format!("{{ {} }}", self.body(ty, depth)),
            2 => self.matched(ty, d),
            3 => self.leaf(ty),
            _ => self.of_type(ty, d),
        }
    }

    fn matched(&mut self, ty: Ty, d: usize) -> String {
        match self.below(3) {
            0 => {
                let value = self.expr(Ty::I64, d);
                let (first, second, other) = (self.expr(ty, d), self.expr(ty, d), self.expr(ty, d));
                let pattern = self.pick(&["1..=9", "-5..0", "2 | 7 | 63", "10.."]);
                format!("(match {value} {{ 0 => {first}, {pattern} => {second}, _ => {other} }})")
            }
            1 => {
                let value = self.expr(Ty::OptI64, d);
                let name = self.fresh();
                self.fixed.push(name.clone());
                self.scope.push((name.clone(), Ty::I64));
                // `return` in a guard is refused by the language.
                self.sealed += 1;
                let guard = self.expr(Ty::Bool, d);
                self.sealed -= 1;
                let some = self.expr(ty, d);
                self.scope.pop();
                let (other, none) = (self.expr(ty, d), self.expr(ty, d));
                format!("(match {value} {{ Some({name}) if {guard} => {some}, Some(_) => {other}, None => {none} }})")
            }
            _ => {
                let value = self.expr(Ty::OptText, d);
                let name = self.fresh();
                self.fixed.push(name.clone());
                self.scope.push((name.clone(), Ty::Text));
                let some = self.expr(ty, d);
                self.scope.pop();
                let none = self.expr(ty, d);
                format!("(if let Some({name}) = {value} {{ {some} }} else {{ {none} }})")
            }
        }
    }

    fn leaf(&mut self, ty: Ty) -> String {
        if self.below(3) > 0 {
            return self.variable(ty);
        }
        let text = match ty {
            Ty::Bool => self.pick(&["true", "false"]),
            Ty::I64 => self.pick(&["0i64", "1i64", "(-1i64)", "7i64", "1_000_000i64", "i64::MAX", "i64::MIN"]),
            Ty::I32 => self.pick(&["0i32", "3i32", "(-3i32)", "i32::MAX", "i32::MIN"]),
            Ty::U32 => self.pick(&["0u32", "1u32", "31u32", "u32::MAX"]),
            Ty::F64 => {
                self.pick(&["0.0f64", "(-0.0f64)", "1.5f64", "(-2.25f64)", "1e300f64", "f64::NAN", "f64::INFINITY"])
            }
            Ty::Text => self.pick(&[
                "String::new()",
                "\"a\".to_string()",
                "String::from(\"äb€\")",
                "\" x \".to_string()",
                "\"12\".to_owned()",
            ]),
            Ty::OptI64 => self.pick(&["no_i64()", "Some(3i64)", "Some(-9i64)"]),
            Ty::OptF64 => self.pick(&["no_f64()", "Some(0.5f64)", "Some(f64::NAN)"]),
            Ty::OptText => self.pick(&["no_text()", "Some(\"a\".to_string())", "Some(String::new())"]),
        };
        text.to_owned()
    }

    fn of_type(&mut self, ty: Ty, d: usize) -> String {
        match ty {
            Ty::Bool => self.of_bool(d),
            Ty::I64 => self.of_i64(d),
            Ty::I32 => self.of_small(Ty::I32, d),
            Ty::U32 => self.of_small(Ty::U32, d),
            Ty::F64 => self.of_f64(d),
            Ty::Text => self.of_text(d),
            Ty::OptI64 => self.of_option(Ty::OptI64, Ty::I64, d),
            Ty::OptF64 => self.of_option(Ty::OptF64, Ty::F64, d),
            Ty::OptText => self.of_option(Ty::OptText, Ty::Text, d),
        }
    }

    fn of_bool(&mut self, d: usize) -> String {
        match self.below(7) {
            0 => {
                let (a, b) = (self.expr(Ty::Bool, d), self.expr(Ty::Bool, d));
                format!("({a} {} {b})", self.pick(&["&&", "||", "==", "!=", "^", "&", "|"]))
            }
            1 => format!("(!{})", self.expr(Ty::Bool, d)),
            2 => {
                let (a, b) = (self.expr(Ty::Text, d), self.expr(Ty::Text, d));
                let method = self.pick(&["starts_with", "ends_with", "contains", "eq_ignore_ascii_case"]);
                format!("{a}.{method}(&{b})")
            }
            3 => {
                let of = [Ty::OptI64, Ty::OptF64, Ty::OptText][self.below(3)];
                format!("{}.{}()", self.expr(of, d), self.pick(&["is_some", "is_none"]))
            }
            4 => format!("{}.{}()", self.expr(Ty::F64, d), self.pick(&["is_nan", "is_finite", "is_sign_negative"])),
            5 => {
                let value = self.expr(Ty::OptI64, d);
                format!("{value}.is_some_and({})", self.closure(Ty::I64, Ty::Bool, d))
            }
            _ => {
                let of = [Ty::I64, Ty::I32, Ty::U32, Ty::F64, Ty::Text, Ty::OptI64][self.below(6)];
                let (a, b) = (self.expr(of, d), self.expr(of, d));
                format!("({a} {} {b})", self.pick(&["<", "<=", ">", ">=", "==", "!="]))
            }
        }
    }

    fn of_i64(&mut self, d: usize) -> String {
        match self.below(11) {
            0 => {
                let (a, b) = (self.expr(Ty::I64, d), self.expr(Ty::I64, d));
                format!("({a} {} {b})", self.pick(&["+", "-", "*", "/", "%"]))
            }
            1 => {
                let (a, b) = (self.expr(Ty::I64, d), self.expr(Ty::I64, d));
                format!("({a} {} {b})", self.pick(&["&", "|", "^"]))
            }
            2 | 3 => {
                let (a, b) = (self.expr(Ty::I64, d), self.expr(Ty::I64, d));
                let method = self.pick(&[
                    "wrapping_add",
                    "wrapping_sub",
                    "wrapping_mul",
                    "saturating_add",
                    "saturating_sub",
                    "saturating_mul",
                    "min",
                    "max",
                    "rem_euclid",
                    "div_euclid",
                ]);
                format!("{a}.{method}({b})")
            }
            4 => {
                let (a, by) = (self.expr(Ty::I64, d), self.expr(Ty::U32, d));
                format!("({a} {} ({by} % 64u32))", self.pick(&["<<", ">>"]))
            }
            5 => {
                let of = [Ty::I32, Ty::U32, Ty::F64, Ty::Bool][self.below(4)];
                format!("({} as i64)", self.expr(of, d))
            }
            6 => {
                let (value, other) = (self.expr(Ty::OptI64, d), self.expr(Ty::I64, d));
                format!("{value}.unwrap_or({other})")
            }
            7 => format!("({}.len() as i64)", self.expr(Ty::Text, d)),
            8 => {
                let value = self.expr(Ty::OptF64, d);
                let other = self.expr(Ty::I64, d);
                format!("{value}.map_or({other}, {})", self.closure(Ty::F64, Ty::I64, d))
            }
            9 => {
                format!("{}.{}()", self.expr(Ty::I64, d), self.pick(&["signum", "wrapping_abs", "wrapping_neg", "abs"]))
            }
            _ => format!("(-{})", self.expr(Ty::I64, d)),
        }
    }

    fn of_small(&mut self, ty: Ty, d: usize) -> String {
        match self.below(5) {
            0 => {
                let (a, b) = (self.expr(ty, d), self.expr(ty, d));
                format!("({a} {} {b})", self.pick(&["+", "-", "*", "/", "%", "&", "|", "^"]))
            }
            1 => {
                let (a, b) = (self.expr(ty, d), self.expr(ty, d));
                let method = self.pick(&["wrapping_add", "wrapping_mul", "saturating_sub", "min", "max"]);
                format!("{a}.{method}({b})")
            }
            2 => {
                let of = [Ty::I64, Ty::F64, Ty::I32, Ty::U32][self.below(4)];
                format!("({} as {})", self.expr(of, d), ty.name())
            }
            3 if ty == Ty::U32 => {
                let of = if self.below(2) == 0 { Ty::I64 } else { Ty::U32 };
                format!("{}.{}()", self.expr(of, d), self.pick(&["count_ones", "leading_zeros", "trailing_zeros"]))
            }
            _ => {
                let (value, other) = (self.expr(Ty::Text, d), self.expr(ty, d));
                format!("{value}.parse::<{}>().unwrap_or({other})", ty.name())
            }
        }
    }

    fn of_f64(&mut self, d: usize) -> String {
        match self.below(8) {
            0 | 1 => {
                let (a, b) = (self.expr(Ty::F64, d), self.expr(Ty::F64, d));
                format!("({a} {} {b})", self.pick(&["+", "-", "*", "/", "%"]))
            }
            2 => {
                let method = self.pick(&[
                    "abs", "sqrt", "floor", "ceil", "round", "trunc", "fract", "exp", "ln", "sin", "cos", "signum",
                    "cbrt",
                ]);
                format!("{}.{method}()", self.expr(Ty::F64, d))
            }
            3 => {
                let (a, b) = (self.expr(Ty::F64, d), self.expr(Ty::F64, d));
                format!("{a}.{}({b})", self.pick(&["min", "max", "powf", "atan2", "copysign", "rem_euclid"]))
            }
            4 => {
                let of = [Ty::I64, Ty::I32, Ty::U32][self.below(3)];
                format!("({} as f64)", self.expr(of, d))
            }
            5 => {
                let (value, other) = (self.expr(Ty::OptF64, d), self.expr(Ty::F64, d));
                format!("{value}.unwrap_or({other})")
            }
            6 => {
                let (x, by) = (self.expr(Ty::F64, d), self.expr(Ty::I64, d));
                format!("scale({x}, {by})")
            }
            _ => format!("(-{})", self.expr(Ty::F64, d)),
        }
    }

    fn of_text(&mut self, d: usize) -> String {
        match self.below(9) {
            0 => {
                let (a, b) = (self.expr(Ty::Text, d), self.expr(Ty::Text, d));
                format!("({a} + &{b})")
            }
            1 => {
                let method = self.pick(&["to_uppercase", "to_lowercase", "to_ascii_uppercase", "clone"]);
                format!("{}.{method}()", self.expr(Ty::Text, d))
            }
            2 => format!("{}.{}().to_string()", self.expr(Ty::Text, d), self.pick(&["trim", "trim_start", "trim_end"])),
            3 => {
                let of = [Ty::I64, Ty::I32, Ty::U32, Ty::F64, Ty::Bool][self.below(5)];
                format!("{}.to_string()", self.expr(of, d))
            }
            4 => {
                let (a, b) = (self.expr(Ty::I64, d), self.expr(Ty::Text, d));
                format!("format!(\"{{}}{{:>6}}|{{:?}}\", {b}, {a}, short({b}))")
            }
            5 => {
                let (value, other) = (self.expr(Ty::OptText, d), self.expr(Ty::Text, d));
                format!("{value}.unwrap_or({other})")
            }
            6 => {
                let (value, from, to) = (self.expr(Ty::Text, d), self.expr(Ty::Text, d), self.expr(Ty::Text, d));
                format!("{value}.replace(&short({from}), &short({to}))")
            }
            7 => {
                let (value, at) = (self.expr(Ty::Text, d), self.expr(Ty::U32, d));
                let range = self.pick(&["..n", "n..", "1..n"]);
                format!("{{ let n = ({at} % 5u32) as usize; {value}.get({range}).unwrap_or(\"\").to_string() }}")
            }
            _ => format!("short({})", self.expr(Ty::Text, d)),
        }
    }

    fn of_option(&mut self, ty: Ty, inner: Ty, d: usize) -> String {
        match self.below(8) {
            0 => format!("Some({})", self.expr(inner, d)),
            1 => {
                let value = self.expr(ty, d);
                format!("{value}.map({})", self.closure(inner, inner, d))
            }
            2 => {
                let of = [(Ty::OptI64, Ty::I64), (Ty::OptF64, Ty::F64), (Ty::OptText, Ty::Text)][self.below(3)];
                let value = self.expr(of.0, d);
                format!("{value}.and_then({})", self.closure(of.1, ty, d))
            }
            3 => {
                let (value, other) = (self.expr(ty, d), self.expr(ty, d));
                format!("{value}.{}({other})", self.pick(&["or", "and"]))
            }
            4 => {
                let value = self.expr(ty, d);
                self.sealed += 1;
                let other = self.expr(ty, d);
                self.sealed -= 1;
                format!("{value}.or_else(|| {other})")
            }
            5 if ty == Ty::OptI64 => {
                let (a, b) = (self.expr(Ty::I64, d), self.expr(Ty::I64, d));
                format!(
                    "{a}.{}({b})",
                    self.pick(&["checked_add", "checked_sub", "checked_mul", "checked_div", "checked_rem"])
                )
            }
            5 | 6 if ty != Ty::OptText => {
                let value = self.expr(Ty::Text, d);
                format!("{value}.trim().parse::<{}>().ok()", inner.name())
            }
            _ => {
                let (condition, value) = (self.expr(Ty::Bool, d), self.expr(inner, d));
                format!("{condition}.then_some({value})")
            }
        }
    }
}
