//! Random well-typed code of the job language, for tests that compare what it means in two ways.

mod statements;

/// Numbers that look random and are the same on every run.
pub(crate) struct Random {
    state: u64,
    /// How deep the code is in closures and guards, where `return` would leave something else.
    sealed: usize,
}

impl Random {
    /// The numbers that begin with this one.
    pub(crate) fn new(state: u64) -> Self {
        Self { state, sealed: 0 }
    }

    /// Code of this type; where a `!` stands before it, `return` may not stand in the code.
    fn part(&mut self, ty: &str, depth: usize, scope: &mut Vec<(String, &'static str)>) -> String {
        let Some(ty) = ty.strip_prefix('!') else { return self.code(ty, depth, scope) };
        self.sealed += 1;
        let code = self.code(ty, depth, scope);
        self.sealed -= 1;
        code
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, below: usize) -> usize {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).unwrap() % below
    }

    /// Code of this type over the row `q`, the parameter `n` and the variables in `scope`, as rustc would take it.
    pub(crate) fn code(&mut self, ty: &str, depth: usize, scope: &mut Vec<(String, &'static str)>) -> String {
        let named: Vec<String> = scope.iter().filter(|(_, of)| *of == ty).map(|(name, _)| name.clone()).collect();
        if !named.is_empty() && self.below(3) == 0 {
            let name = &named[self.below(named.len())];
            return if ty.contains("String") { format!("{name}.clone()") } else { name.clone() };
        }
        if depth == 0 {
            let leaves: &[&str] = match ty {
                "i64" => &["q.volume", "q.instrument_id", "3i64", "n", "-7i64", "LIMIT", "i64::MAX"],
                "f64" => &["q.price", "1.5f64", "-0.0f64", "f64::NAN", "std::f64::consts::PI"],
                "bool" => &["q.hot", "true", "false"],
                "String" => &["q.symbol.clone()", "\"a\".to_string()", "String::from(\"b\")", "String::new()"],
                "u32" => &["q.lots", "0u32", "7u32"],
                "Option<f64>" => &["q.bid", "none()", "Some(2.5f64)"],
                "Option<String>" => &["q.venue.clone()", "q.venue.clone()", "Some(q.symbol.clone())"],
                "(i64, Option<f64>)" => &["(q.volume, q.bid)", "(1i64, none())"],
                _ => &["Mini { a: 1, b: None, c: false }", "Mini { a: q.volume, b: q.bid, c: q.hot }"],
            };
            return leaves[self.below(leaves.len())].to_owned();
        }
        let d = depth - 1;
        match self.below(7) {
            3 if self.sealed == 0 => {
                let (c, out, value) =
                    (self.code("bool", d, scope), self.code("Mini", d, scope), self.code(ty, d, scope));
                return format!("{{ if {c} {{ return {out}; }} {value} }}");
            }
            0 => {
                let (c, a, b) = (self.code("bool", d, scope), self.code(ty, d, scope), self.code(ty, d, scope));
                return format!("if {c} {{ {a} }} else {{ {b} }}");
            }
            1 => {
                const TYPES: [&str; 9] = [
                    "i64",
                    "f64",
                    "bool",
                    "String",
                    "u32",
                    "Option<f64>",
                    "Option<String>",
                    "(i64, Option<f64>)",
                    "Mini",
                ];
                let of = TYPES[self.below(TYPES.len())];
                let value = self.code(of, d, scope);
                let name = format!("v{}", scope.len());
                scope.push((name.clone(), of));
                let body = self.code(ty, d, scope);
                scope.pop();
                return format!("{{ let {name}: {of} = {value}; {body} }}");
            }
            2 => return self.choice(ty, d, scope),
            _ => {}
        }
        let mut of = |random: &mut Self, ty: &str| random.part(ty, d, scope);
        match (ty, self.below(6)) {
            ("i64", 0) => format!("({} + {})", of(self, "i64"), of(self, "i64")),
            ("i64", 1) => format!("({} / {})", of(self, "i64"), of(self, "i64")),
            ("i64", 2) => format!("({} as i64)", of(self, "f64")),
            ("i64", 3) => format!("({}).wrapping_mul({})", of(self, "i64"), of(self, "i64")),
            ("i64", 4) => {
                format!("({}).checked_add({}).unwrap_or({})", of(self, "i64"), of(self, "i64"), of(self, "i64"))
            }
            ("i64", _) => format!("twice({})", of(self, "i64")),
            ("f64", 0) => format!("({} * {})", of(self, "f64"), of(self, "f64")),
            ("f64", 1) => format!("({} as f64)", of(self, "i64")),
            ("f64", 2) => format!("({}).unwrap_or({})", of(self, "Option<f64>"), of(self, "f64")),
            ("f64", 3) => format!("({}).max({})", of(self, "f64"), of(self, "f64")),
            ("f64", 4) => format!("({}).map_or({}, |m| m.abs())", of(self, "Option<f64>"), of(self, "f64")),
            ("f64", _) => format!("mid({}, {})", of(self, "Option<f64>"), of(self, "f64")),
            ("bool", 0) => format!("({} < {})", of(self, "f64"), of(self, "f64")),
            ("bool", 1) => format!("({} && {})", of(self, "bool"), of(self, "bool")),
            ("bool", 2) => format!("({} == {})", of(self, "String"), of(self, "String")),
            ("bool", 3) => format!("({}).is_some()", of(self, "Option<String>")),
            ("bool", 4) => format!("({} != {})", of(self, "(i64, Option<f64>)"), of(self, "(i64, Option<f64>)")),
            ("bool", _) => format!("!({}).starts_with(({}).as_str())", of(self, "String"), of(self, "String")),
            ("String", 0..=2) => format!("({}).unwrap_or_default()", of(self, "Option<String>")),
            ("String", _) => format!("({}).unwrap_or({})", of(self, "Option<String>"), of(self, "String")),
            ("u32", 0) => format!("({} as u32)", of(self, "i64")),
            ("u32", 1) => format!("({} >> {})", of(self, "u32"), of(self, "i64")),
            ("u32", _) => format!("({} | {})", of(self, "u32"), of(self, "u32")),
            ("Option<f64>", 0) => format!("({}).map(|m| m + {})", of(self, "Option<f64>"), of(self, "!f64")),
            ("Option<f64>", 1) => {
                format!("({}).filter(|m| *m > 1.0 && {})", of(self, "Option<f64>"), of(self, "!bool"))
            }
            ("Option<f64>", 2) => format!("({}).or({})", of(self, "Option<f64>"), of(self, "Option<f64>")),
            ("Option<f64>", 3) => format!("({}).1", of(self, "(i64, Option<f64>)")),
            ("Option<f64>", 4) => format!("({}).b", of(self, "Mini")),
            ("Option<f64>", _) => format!("Some({})", of(self, "f64")),
            ("Option<String>", 0) => format!("({}).then(|| {})", of(self, "bool"), of(self, "!String")),
            ("Option<String>", _) => format!(
                "({}).and_then(|m| if m > 1.0 {{ {} }} else {{ None }})",
                of(self, "Option<f64>"),
                of(self, "!Option<String>")
            ),
            ("(i64, Option<f64>)", _) => format!("({}, {})", of(self, "i64"), of(self, "Option<f64>")),
            (_, 0) => format!("Mini {{ a: {}, ..{} }}", of(self, "i64"), of(self, "Mini")),
            (_, 1) => format!("pick({}, {})", of(self, "bool"), of(self, "Mini")),
            _ => format!("Mini {{ a: {}, b: {}, c: {} }}", of(self, "i64"), of(self, "Option<f64>"), of(self, "bool")),
        }
    }

    fn choice(&mut self, ty: &str, d: usize, scope: &mut Vec<(String, &'static str)>) -> String {
        let mut of = |random: &mut Self, ty: &str| random.part(ty, d, scope);
        match self.below(5) {
            0 => format!(
                "match {} {{ 0 => {}, 1..=9 if {} => {}, -5 | 7 => {}, _ => {} }}",
                of(self, "i64"),
                of(self, ty),
                of(self, "!bool"),
                of(self, ty),
                of(self, ty),
                of(self, ty)
            ),
            1 => format!(
                "match {} {{ Some(s) if s > 0.5 => {}, Some(_) => {}, None => {} }}",
                of(self, "Option<f64>"),
                of(self, ty),
                of(self, ty),
                of(self, ty)
            ),
            2 => format!(
                "if let Some(s) = {} {{ if s == {} {{ {} }} else {{ {} }} }} else {{ {} }}",
                of(self, "Option<String>"),
                of(self, "String"),
                of(self, ty),
                of(self, ty),
                of(self, ty)
            ),
            3 => format!(
                "match ({}, {}) {{ (true, (1, _)) => {}, (_, (_, Some(s))) if s < 3.0 => {}, (false, (x, None)) | (true, (x, _)) if x > 2 => {}, _ => {} }}",
                of(self, "bool"),
                of(self, "(i64, Option<f64>)"),
                of(self, ty),
                of(self, ty),
                of(self, ty),
                of(self, ty)
            ),
            _ => format!(
                "match ({}).as_str() {{ \"a\" | \"b\" => {}, _ => {} }}",
                of(self, "String"),
                of(self, ty),
                of(self, ty)
            ),
        }
    }
}

/// What the code uses beside the row and the parameter.
pub(crate) const HELPERS: &str = "
#[sabot::record] struct Mini { a: i64, b: Option<f64>, c: bool }
const LIMIT: i64 = 3 * 7;
fn none() -> Option<f64> { None }
fn twice(x: i64) -> i64 { if x > LIMIT { return x; } x.wrapping_mul(2) }
fn mid(a: Option<f64>, b: f64) -> f64 { let a = match a { Some(a) => a, None => return b }; (a + b) / 2.0 }
fn pick(c: bool, m: Mini) -> Mini { if c { let a = twice(m.a); return Mini { a, ..m }; } Mini { c: !m.c, ..m } }
";
