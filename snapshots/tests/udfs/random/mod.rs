//! Random functions that both rustc and the front end must take: every expression is typed as it is written, so a program is
//! wrong only if one of the worlds is.
//!
//! What can be said is a table of patterns by type: [`values`], [`statements`], [`leaves`]; this file fills them in. Owned values
//! are cloned where they are used, as rustc wants it. Where a value can grow, its parts are small.

mod helpers;
mod leaves;
mod lists;
mod numbers;
mod statements;
mod texts;
mod types;
mod values;

use std::fmt::Write as _;
use types::{COLUMNS, INNER, class, is_owned};

/// Whether a pattern, or a type, has neither lists nor types of the author's, and does not loop.
fn is_plain(text: &str) -> bool {
    const OTHERS: [&str; 14] = [
        "Vec",
        "vec!",
        "Point",
        "Pair",
        "Kind",
        "Meters",
        "Result",
        "Option<Option",
        "(i64, String)",
        "while",
        "loop",
        "for ",
        "chars",
        "usize",
    ];
    !OTHERS.iter().any(|other| text.contains(other))
}

/// A file of this many random functions.
pub(crate) fn file(seed: u64, count: usize) -> String {
    let mut text = helpers::TEXT.to_owned();
    for number in 0..count {
        let mut random = Random::new(seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
        text += &random.function(number);
    }
    text
}

#[derive(Clone)]
struct Variable {
    name: String,
    ty: &'static str,
    /// It was declared with `let mut`.
    changes: bool,
}

struct Random {
    state: u64,
    scope: Vec<Variable>,
    names: usize,
    /// What the function returns.
    returns: &'static str,
    /// Labels of the loops around.
    loops: Vec<String>,
    /// How many closures and guards are around.
    sealed: usize,
    /// The first variable that code in here may change: closures change nothing around them.
    own: usize,
    /// How many more patterns the function may hold.
    budget: usize,
    /// It has scalars only and no loops: such functions become vector kernels.
    plain: bool,
}

impl Random {
    fn new(seed: u64) -> Self {
        let mut random = Self {
            state: seed ^ 0x5abb_07e5_5eed_0001,
            scope: Vec::new(),
            names: 0,
            returns: "bool",
            loops: Vec::new(),
            sealed: 0,
            own: 0,
            budget: 0,
            plain: false,
        };
        random.below(2);
        random
    }

    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).unwrap_or(0) % bound
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    fn fresh(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    /// A UDF over some of the columns. What it computes may be of a type that no column has: then it is written as text.
    fn function(&mut self, number: usize) -> String {
        let columns: Vec<(&str, &'static str)> = COLUMNS.into_iter().filter(|_| self.below(5) < 2).collect();
        let columns = if columns.is_empty() { COLUMNS[..2].to_vec() } else { columns };
        self.scope =
            columns.iter().map(|(name, ty)| Variable { name: (*name).to_owned(), ty, changes: false }).collect();
        self.plain = self.below(3) == 0;
        let inner = !self.plain && self.below(3) == 0;
        self.returns = if inner { self.pick(&INNER) } else { COLUMNS[self.below(COLUMNS.len())].1 };
        self.budget = 6 + self.below(50);
        let depth = 2 + self.below(3);
        let body = self.body(self.returns, depth);
        let params: Vec<String> = columns.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
        let (params, returns) = (params.join(", "), self.returns);
        if !inner {
            return format!("\n#[sabot::udf]\nfn p{number}({params}) -> {returns} {{\n{body}\n}}\n");
        }
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        format!(
            "\nfn h{number}({params}) -> {returns} {{\n{body}\n}}\n\n#[sabot::udf]\nfn p{number}({params}) -> String {{\n    \
             let value = h{number}({names});\n    format!(\"{{value:?}}\")\n}}\n"
        )
    }

    /// Statements and a tail, without braces.
    fn body(&mut self, ty: &'static str, depth: usize) -> String {
        let before = self.scope.len();
        let mut text = String::new();
        for _ in 0..self.below(4) {
            text += &self.statement(depth.saturating_sub(1));
        }
        text += &self.value(ty, depth);
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
        if self.budget == 0 || depth == 0 {
            return self.filled("let mut §let:any§ = §it§;\n", "bool", 0).unwrap_or_default();
        }
        // Some patterns need a variable that is not there.
        for _ in 0..6 {
            let pattern = self.pick(statements::ALL);
            if self.plain && !is_plain(pattern) {
                continue;
            }
            if let Some(text) = self.filled(pattern, "bool", depth) {
                return text;
            }
        }
        String::new()
    }

    /// An expression of a type.
    fn value(&mut self, ty: &'static str, depth: usize) -> String {
        if depth == 0 || self.budget == 0 {
            return self.leaf(ty);
        }
        self.budget -= 1;
        for _ in 0..6 {
            let list = match self.below(12) {
                0 | 1 => return self.leaf(ty),
                2 | 3 => values::OF_ANY,
                _ => {
                    let chance = self.below(210);
                    values::of(ty, chance)
                }
            };
            let list = if list.is_empty() { values::OF_ANY } else { list };
            let pattern = self.pick(list);
            if self.plain && !is_plain(pattern) {
                continue;
            }
            if let Some(text) = self.filled(pattern, ty, depth) {
                return text;
            }
        }
        self.leaf(ty)
    }

    fn leaf(&mut self, ty: &'static str) -> String {
        if self.below(3) > 0
            && let Some(name) = self.variable(ty)
        {
            return if is_owned(ty) { format!("{name}.clone()") } else { name };
        }
        self.literal(ty)
    }

    fn literal(&mut self, ty: &'static str) -> String {
        self.pick(leaves::of(ty)).to_owned()
    }

    /// A variable that may change here.
    fn any_variable(&mut self) -> Option<Variable> {
        let from = self.own.min(self.scope.len());
        let known: Vec<Variable> = self.scope[from..].iter().filter(|known| known.changes).cloned().collect();
        if known.is_empty() { None } else { Some(known[self.below(known.len())].clone()) }
    }

    /// One of this type, or of one of this class.
    fn changing(&mut self, ty: &str, whole: &'static str) -> Option<Variable> {
        let from = self.own.min(self.scope.len());
        let types = class(ty).unwrap_or_default();
        let is = |known: &&Variable| {
            known.changes && (known.ty == ty || (ty == "T" && known.ty == whole) || types.contains(&known.ty))
        };
        let known: Vec<Variable> = self.scope[from..].iter().filter(is).cloned().collect();
        if known.is_empty() { None } else { Some(known[self.below(known.len())].clone()) }
    }

    /// What a pattern has declared so far is gone.
    fn given_up(&mut self, before: (usize, usize)) -> Option<String> {
        self.scope.truncate(before.0);
        self.loops.truncate(before.1);
        None
    }

    fn variable(&mut self, ty: &str) -> Option<String> {
        let names: Vec<String> =
            self.scope.iter().filter(|known| known.ty == ty).map(|known| known.name.clone()).collect();
        if names.is_empty() { None } else { Some(names[self.below(names.len())].clone()) }
    }

    /// The type that a name stands for.
    fn ty(&mut self, name: &str, whole: &'static str) -> &'static str {
        if name == "T" {
            return whole;
        }
        if let Some(class) = class(name) {
            let of_class = self.pick(class);
            return if self.plain && !is_plain(of_class) { class[0] } else { of_class };
        }
        let known = COLUMNS.iter().map(|(_, ty)| *ty).chain(INNER).find(|ty| *ty == name);
        known.unwrap_or_else(|| panic!("`{name}` is no type of these functions"))
    }

    /// A pattern with its holes filled, left to right; nothing if it needs what is not there. A hole is
    ///
    /// * `§i64§`, `§int§`: an expression of a type, of one of a class of types; `§T§` of the type of the whole, `§!i64§` where
    ///   nothing may jump or change variables;
    /// * `§as:int§`: the name of a type; `§it§` an expression of the type named last;
    /// * `§x:i64§ .. §.§`: a new variable for what stands between;
    /// * `§let:any§`: the name and type of a new variable that may change, known behind the pattern;
    /// * `§bind:i64§`: the name of a new variable that does not change, known behind the pattern;
    /// * `§=String§`: a variable that may change, `§=§` of any type; `§same§` its name again, `§literal§` a literal of its type;
    /// * `§?+ - *§`: one of these words; `§n§` a fresh name; `§try:Option§` asks what the function returns;
    /// * `§block§` statements; `§label§ .. §end§` a label that code between may jump to; `§return§` what the function returns;
    ///   `§break§` a jump to a loop around; `§body§` statements and a value of the type of the whole.
    fn filled(&mut self, pattern: &str, whole: &'static str, depth: usize) -> Option<String> {
        let before = (self.scope.len(), self.loops.len());
        let mut text = String::new();
        let mut declared: Option<Variable> = None;
        let mut bound: Vec<Variable> = Vec::new();
        let (mut last, mut same) = (whole, String::new());
        let d = depth.saturating_sub(1);
        for (at, part) in pattern.split('§').enumerate() {
            if at % 2 == 0 {
                text += part;
                // What a pattern binds is known in the arm, the closure, the block.
                if ["{", "=>", "|", " if ", "&&"].iter().any(|sign| part.contains(sign)) {
                    self.scope.append(&mut bound);
                }
                continue;
            }
            if let Some(words) = part.strip_prefix('?') {
                let words: Vec<&str> = words.split(' ').collect();
                text += self.pick(&words);
            } else if let Some(ty) = part.strip_prefix('!') {
                let ty = self.ty(ty, whole);
                text += &self.sealed(ty, d);
            } else if let Some(ty) = part.strip_prefix('=') {
                let name = if ty.is_empty() { self.any_variable() } else { self.changing(ty, whole) };
                let Some(variable) = name else { return self.given_up(before) };
                last = variable.ty;
                text += &variable.name;
                same = variable.name;
            } else if let Some(ty) = part.strip_prefix("as:") {
                last = self.ty(ty, whole);
                text += last;
            } else if let Some(ty) = part.strip_prefix("let:") {
                last = self.ty(ty, whole);
                let name = self.fresh();
                let _ = write!(text, "{name}: {last}");
                declared = Some(Variable { name, ty: last, changes: true });
            } else if let Some(ty) = part.strip_prefix("bind:") {
                let ty = self.ty(ty, whole);
                let name = self.fresh();
                text += &name;
                declared = Some(Variable { name, ty, changes: false });
            } else if let Some(of) = part.strip_prefix("try:") {
                if self.sealed > 0 || !self.returns.starts_with(of) {
                    return self.given_up(before);
                }
            } else if let Some(ty) = part.strip_prefix("x:") {
                let ty = self.ty(ty, whole);
                last = ty;
                let name = self.fresh();
                text += &name;
                bound.push(Variable { name, ty, changes: false });
            } else {
                match part {
                    "." => {
                        self.scope.pop();
                    }
                    "n" => text += &self.fresh(),
                    "it" => text += &self.value(last, d),
                    "!it" => text += &self.sealed(last, d),
                    "block" => text += &self.block(d),
                    "body" => text += &self.body(whole, d),
                    "label" => {
                        let label = self.fresh();
                        let _ = write!(text, "'{label}");
                        self.loops.push(label);
                    }
                    "end" => {
                        self.loops.pop();
                    }
                    "same" => text += &same,
                    "literal" => text += &self.literal(last),
                    "return" | "break" if self.sealed > 0 => return self.given_up(before),
                    "return" => text += &self.value(self.returns, d),
                    "break" => {
                        if self.loops.is_empty() {
                            return self.given_up(before);
                        }
                        let label = self.below(self.loops.len());
                        let word = self.pick(&["break", "continue"]);
                        let _ = write!(text, "{word} '{}", self.loops[label]);
                    }
                    _ => {
                        let ty = self.ty(part, whole);
                        last = ty;
                        text += &self.value(ty, d);
                    }
                }
            }
        }
        self.scope.truncate(before.0);
        self.loops.truncate(before.1);
        self.scope.extend(declared);
        Some(text)
    }

    /// An expression that neither jumps nor changes what is around it.
    fn sealed(&mut self, ty: &'static str, depth: usize) -> String {
        let own = std::mem::replace(&mut self.own, self.scope.len());
        let loops = std::mem::take(&mut self.loops);
        self.sealed += 1;
        let text = self.value(ty, depth);
        self.sealed -= 1;
        self.loops = loops;
        self.own = own;
        text
    }
}
