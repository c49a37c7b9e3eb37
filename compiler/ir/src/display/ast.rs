//! Code of a job as Rust text, laid out much as rustfmt does.
//!
//! What is printed and parsed again is the same code, but for its spans: parentheses stand where the tree needs them.

use crate::ast::{
    Arm, BinaryOp, Closure, Condition, Const, Expr, ExprKind, Function, Generic, Literal, Name, Pattern, PatternKind,
    RangeBound, Record, Repeated, Shape, Statement, TypeName, TypeNameKind, UnaryOp, Variant,
};
use std::fmt::Write as _;

/// Longest line, where it can be helped.
const WIDTH: usize = 100;

/// Words that a name may only be behind `r#`.
const KEYWORDS: [&str; 48] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// How tightly an expression holds together; what is looser than its place needs parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tightness {
    /// Closures, `return` and assignment, which reach as far as they can.
    Open,
    /// `if`, `match`, loops and blocks, which end a statement.
    Block,
    Range,
    Or,
    And,
    Compare,
    BitOr,
    BitXor,
    BitAnd,
    Shift,
    Sum,
    Product,
    Cast,
    Prefix,
    Postfix,
}

impl Tightness {
    fn next(self) -> Self {
        match self {
            Self::Open => Self::Block,
            Self::Block => Self::Range,
            Self::Range => Self::Or,
            Self::Or => Self::And,
            Self::And => Self::Compare,
            Self::Compare => Self::BitOr,
            Self::BitOr => Self::BitXor,
            Self::BitXor => Self::BitAnd,
            Self::BitAnd => Self::Shift,
            Self::Shift => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product => Self::Cast,
            Self::Cast => Self::Prefix,
            Self::Prefix | Self::Postfix => Self::Postfix,
        }
    }
}

/// An expression.
#[must_use]
pub fn expr(expr: &Expr) -> String {
    Layout { indent: 0 }.expr(expr, 0)
}

/// `|q| q.price > 100.0`.
#[must_use]
pub fn closure(closure: &Closure) -> String {
    Layout { indent: 0 }.closure(closure, 0)
}

/// A function, with its attribute where it says something.
#[must_use]
pub fn function(function: &Function) -> String {
    let mut text = String::new();
    if function.fast_math {
        text.push_str("#[sabot::udf(math = \"fast\")]\n");
    }
    let params: Vec<String> = function.params.iter().map(|(bound, ty)| fn_param(bound, ty)).collect();
    let returns = match &function.returns.kind {
        TypeNameKind::Tuple(items) if items.is_empty() => String::new(),
        TypeNameKind::Path(..)
        | TypeNameKind::Tuple(_)
        | TypeNameKind::Reference(_)
        | TypeNameKind::MutReference(_)
        | TypeNameKind::Infer
        | TypeNameKind::Slice(_)
        | TypeNameKind::Array(..) => {
            format!(" -> {}", type_name(&function.returns))
        }
    };
    let indent = usize::from(function.owner.is_some());
    let body = Layout { indent }.lines_of_block(&function.body);
    let generics = generics(&function.generics);
    let _ = write!(text, "fn {}{generics}({}){returns} {body}", name(&function.name.text), params.join(", "));
    let text = owned(function.owner.as_ref(), text);
    if function.of_aggregate { format!("#[sabot::aggregate]\n{text}") } else { text }
}

/// `const NAME: T = value;`
#[must_use]
pub fn constant(constant: &Const) -> String {
    let text = format!("const {}: {} = {};", name(&constant.name.text), type_name(&constant.ty), expr(&constant.value));
    owned(constant.owner.as_ref(), text)
}

/// An item in its `impl` block.
fn owned(owner: Option<&Name>, item: String) -> String {
    match owner {
        Some(owner) => format!("impl {} {{\n    {}\n}}", name(&owner.text), item),
        None => item,
    }
}

fn fn_param(bound: &Pattern, ty: &TypeName) -> String {
    match (&bound.kind, &ty.kind) {
        (PatternKind::Bind(this, ..), TypeNameKind::Reference(_)) if this == "self" => "&self".to_owned(),
        (PatternKind::Bind(this, ..), TypeNameKind::MutReference(_)) if this == "self" => "&mut self".to_owned(),
        (PatternKind::Bind(this, mutable, None), _) if this == "self" => {
            format!("{}self", if *mutable { "mut " } else { "" })
        }
        _ => param(bound, Some(ty)),
    }
}

fn generics(generics: &[Generic]) -> String {
    if generics.is_empty() {
        return String::new();
    }
    let generics: Vec<String> = generics
        .iter()
        .map(|generic| {
            let bounds: Vec<String> = generic.bounds.iter().map(bound).collect();
            let colon = if bounds.is_empty() { "" } else { ": " };
            format!("{}{colon}{}", name(&generic.name.text), bounds.join(" + "))
        })
        .collect();
    format!("<{}>", generics.join(", "))
}

/// A record, with the names of its fields in files where they differ.
#[must_use]
pub fn record(record: &Record) -> String {
    let derive = |traits: &[String]| match traits {
        [] => String::new(),
        traits => format!("#[derive({})]\n", traits.join(", ")),
    };
    let mut text = match &record.shape {
        Shape::Rows => format!("#[sabot::record]\nstruct {} {{\n", name(&record.name.text)),
        Shape::Plain(traits) => format!("{}struct {} {{\n", derive(traits), name(&record.name.text)),
        Shape::Enum(variants, traits) => return enumeration(&record.name, variants, derive(traits)),
    };
    if record.fields.first().is_some_and(|field| field.name.text == "0") {
        let fields = record.fields.iter().map(|field| type_name(&field.ty)).collect::<Vec<_>>().join(", ");
        return text.trim_end_matches(" {\n").to_owned() + &format!("({fields});");
    }
    for field in &record.fields {
        if field.wire_name != field.name.text {
            let _ = writeln!(text, "    #[sabot(rename = {:?})]", field.wire_name);
        }
        let _ = writeln!(text, "    {}: {},", name(&field.name.text), type_name(&field.ty));
    }
    text.push('}');
    text
}

fn enumeration(named: &Name, variants: &[Variant], mut text: String) -> String {
    let _ = writeln!(text, "enum {} {{", name(&named.text));
    let mut next = 0;
    for variant in variants {
        let is_tuple = variant.fields.first().is_some_and(|field| field.name.text == "0");
        let fields = variant.fields.iter().map(|field| match is_tuple {
            true => type_name(&field.ty),
            false => format!("{}: {}", name(&field.name.text), type_name(&field.ty)),
        });
        let fields = fields.collect::<Vec<_>>().join(", ");
        let _ = write!(text, "    {}", name(&variant.name.text));
        let _ = match (variant.fields.is_empty(), is_tuple) {
            (true, _) => Ok(()),
            (false, true) => write!(text, "({fields})"),
            (false, false) => write!(text, " {{ {fields} }}"),
        };
        if variant.discriminant != next {
            let _ = write!(text, " = {}", variant.discriminant);
        }
        next = variant.discriminant + 1;
        text.push_str(",\n");
    }
    text.push('}');
    text
}

/// A type as written.
#[must_use]
pub fn type_name(ty: &TypeName) -> String {
    match &ty.kind {
        TypeNameKind::Path(path, arguments) if arguments.is_empty() => name(path),
        TypeNameKind::Path(path, arguments) if path.ends_with(" =") => format!("{path} {}", type_names(arguments)),
        TypeNameKind::Path(path, arguments) if path == "Fn" => format!("impl {}", function_type(arguments)),
        TypeNameKind::Path(path, arguments) => format!("{}<{}>", name(path), type_names(arguments)),
        TypeNameKind::Tuple(items) => match items.as_slice() {
            [item] => format!("({},)", type_name(item)),
            items => format!("({})", type_names(items)),
        },
        TypeNameKind::Reference(inner) => format!("&{}", type_name(inner)),
        TypeNameKind::MutReference(inner) => format!("&mut {}", type_name(inner)),
        TypeNameKind::Infer => "_".to_owned(),
        TypeNameKind::Slice(item) => format!("[{}]", type_name(item)),
        TypeNameKind::Array(item, length) => format!("[{}; {}]", type_name(item), expr(length)),
    }
}

/// What must hold of a type parameter.
fn bound(ty: &TypeName) -> String {
    match &ty.kind {
        TypeNameKind::Path(path, arguments) if path == "Fn" => function_type(arguments),
        TypeNameKind::Path(..)
        | TypeNameKind::Tuple(_)
        | TypeNameKind::Reference(_)
        | TypeNameKind::MutReference(_)
        | TypeNameKind::Infer
        | TypeNameKind::Slice(_)
        | TypeNameKind::Array(..) => type_name(ty),
    }
}

/// `Fn(A, B) -> C`, of `(A, B)` and `C`.
fn function_type(arguments: &[TypeName]) -> String {
    let parts: Vec<String> = arguments.iter().map(type_name).collect();
    match (arguments, parts.as_slice()) {
        ([TypeName { kind: TypeNameKind::Tuple(inputs), .. }, _], [_, gives]) => {
            let gives = if gives == "()" { String::new() } else { format!(" -> {gives}") };
            format!("Fn({}){gives}", type_names(inputs))
        }
        _ => format!("Fn<{}>", parts.join(", ")),
    }
}

fn type_names(types: &[TypeName]) -> String {
    types.iter().map(type_name).collect::<Vec<_>>().join(", ")
}

/// A literal.
#[must_use]
pub fn literal(literal: &Literal) -> String {
    match literal {
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value, suffix) => format!("{value}{}", suffix.as_deref().unwrap_or_default()),
        Literal::Float(value, suffix) => format!("{value:?}{}", suffix.as_deref().unwrap_or_default()),
        Literal::String(value) => format!("{value:?}"),
        Literal::Char(value) => format!("{value:?}"),
        Literal::Bytes(value) => format!("b\"{}\"", value.escape_ascii()),
    }
}

/// A pattern.
#[must_use]
pub fn pattern(pattern: &Pattern) -> String {
    match &pattern.kind {
        PatternKind::Wild => "_".to_owned(),
        PatternKind::Bind(bound, mutable, inner) => {
            let mutable = if *mutable { "mut " } else { "" };
            let inner = inner.as_ref().map(|inner| format!(" @ {}", closed_pattern(inner))).unwrap_or_default();
            format!("{mutable}{}{inner}", name(bound))
        }
        PatternKind::Literal(value) => literal(value),
        PatternKind::Range(start, end, inclusive) => {
            let bound = |bound: &Option<RangeBound>| match bound {
                Some(RangeBound::Literal(value)) => literal(value),
                Some(RangeBound::Path(segments)) => path(segments),
                None => String::new(),
            };
            format!("{}{}{}", bound(start), if *inclusive { "..=" } else { ".." }, bound(end))
        }
        PatternKind::Or(cases) => cases.iter().map(closed_pattern).collect::<Vec<_>>().join(" | "),
        PatternKind::Path(segments, inner) if inner.is_empty() => path(segments),
        PatternKind::Path(segments, inner) => format!("{}({})", path(segments), patterns(inner)),
        PatternKind::Tuple(items) => match items.as_slice() {
            [item] => format!("({},)", self::pattern(item)),
            items => format!("({})", patterns(items)),
        },
        PatternKind::Reference(inner) => format!("&{}", closed_pattern(inner)),
        PatternKind::Record(record, fields, rest) => {
            let fields = fields.iter().map(|(field, inner)| {
                let is_alone = matches!(&inner.kind, PatternKind::Bind(bound, _, None) if *bound == field.text);
                if is_alone { self::pattern(inner) } else { format!("{}: {}", name(&field.text), self::pattern(inner)) }
            });
            let fields: Vec<String> = fields.chain(rest.then(|| "..".to_owned())).collect();
            if fields.is_empty() {
                format!("{} {{}}", name(&record.text))
            } else {
                format!("{} {{ {} }}", name(&record.text), fields.join(", "))
            }
        }
        PatternKind::Rest => "..".to_owned(),
        PatternKind::Slice(items) => format!("[{}]", patterns(items)),
        PatternKind::Error => "_".to_owned(),
    }
}

/// A pattern where `a | b`, open ranges and `mut` would be misread.
fn closed_pattern(inner: &Pattern) -> String {
    match &inner.kind {
        PatternKind::Or(_) | PatternKind::Range(..) => format!("({})", pattern(inner)),
        PatternKind::Bind(_, true, _) | PatternKind::Bind(_, _, Some(_)) => format!("({})", pattern(inner)),
        PatternKind::Wild
        | PatternKind::Bind(_, false, None)
        | PatternKind::Literal(_)
        | PatternKind::Path(..)
        | PatternKind::Tuple(_)
        | PatternKind::Reference(_)
        | PatternKind::Record(..)
        | PatternKind::Rest
        | PatternKind::Slice(_)
        | PatternKind::Error => pattern(inner),
    }
}

fn patterns(list: &[Pattern]) -> String {
    list.iter().map(pattern).collect::<Vec<_>>().join(", ")
}

/// The pattern of a parameter or of a `let`.
fn param(bound: &Pattern, ty: Option<&TypeName>) -> String {
    let text = match &bound.kind {
        PatternKind::Or(_) => format!("({})", pattern(bound)),
        PatternKind::Wild
        | PatternKind::Bind(..)
        | PatternKind::Literal(_)
        | PatternKind::Range(..)
        | PatternKind::Path(..)
        | PatternKind::Tuple(_)
        | PatternKind::Reference(_)
        | PatternKind::Record(..)
        | PatternKind::Rest
        | PatternKind::Slice(_)
        | PatternKind::Error => pattern(bound),
    };
    match ty {
        Some(ty) => format!("{text}: {}", type_name(ty)),
        None => text,
    }
}

fn name(text: &str) -> String {
    if KEYWORDS.contains(&text) { format!("r#{text}") } else { text.to_owned() }
}

fn path(segments: &[String]) -> String {
    segments.iter().map(|segment| name(segment)).collect::<Vec<_>>().join("::")
}

fn names(segments: &[Name]) -> String {
    segments.iter().map(|segment| name(&segment.text)).collect::<Vec<_>>().join("::")
}

fn tightness(expr: &Expr) -> Tightness {
    match &expr.kind {
        ExprKind::Literal(Literal::Int(value, _)) if *value < 0 => Tightness::Prefix,
        ExprKind::Literal(Literal::Float(value, _)) if value.is_sign_negative() => Tightness::Prefix,
        ExprKind::Unary(..) | ExprKind::Reference(_) | ExprKind::MutReference(_) => Tightness::Prefix,
        ExprKind::Binary(op, ..) => binary_tightness(*op),
        ExprKind::Cast(..) => Tightness::Cast,
        ExprKind::If(..)
        | ExprKind::Match(..)
        | ExprKind::Block(..)
        | ExprKind::While(..)
        | ExprKind::For(..)
        | ExprKind::Loop(..)
        | ExprKind::Labeled(..) => Tightness::Block,
        ExprKind::Range(..) => Tightness::Range,
        ExprKind::Closure(_)
        | ExprKind::Return(_)
        | ExprKind::Assign(..)
        | ExprKind::Break(..)
        | ExprKind::Continue(_) => Tightness::Open,
        ExprKind::Literal(_)
        | ExprKind::Name(_)
        | ExprKind::Path(_)
        | ExprKind::Field(..)
        | ExprKind::Call(..)
        | ExprKind::Method(..)
        | ExprKind::Record(..)
        | ExprKind::Tuple(_)
        | ExprKind::Macro(..)
        | ExprKind::Index(..)
        | ExprKind::Array(_)
        | ExprKind::Repeat(..)
        | ExprKind::Try(_)
        | ExprKind::Error => Tightness::Postfix,
    }
}

fn binary_tightness(op: BinaryOp) -> Tightness {
    match op {
        BinaryOp::Or => Tightness::Or,
        BinaryOp::And => Tightness::And,
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => Tightness::Compare,
        BinaryOp::BitOr => Tightness::BitOr,
        BinaryOp::BitXor => Tightness::BitXor,
        BinaryOp::BitAnd => Tightness::BitAnd,
        BinaryOp::Shl | BinaryOp::Shr => Tightness::Shift,
        BinaryOp::Add | BinaryOp::Sub => Tightness::Sum,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => Tightness::Product,
    }
}

/// Whether `<` behind it would be read as type arguments.
fn ends_in_type(expr: &Expr) -> bool {
    if let ExprKind::Binary(op, _, right) = &expr.kind {
        return tightness(right) > binary_tightness(*op) && ends_in_type(right);
    }
    matches!(expr.kind, ExprKind::Cast(..))
}

/// Whether there is a record in it whose `{` would be read as the block of an `if` or `match`.
fn shows_record(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Record(..) => true,
        ExprKind::Field(inner, _)
        | ExprKind::Unary(_, inner)
        | ExprKind::Reference(inner)
        | ExprKind::MutReference(inner)
        | ExprKind::Cast(inner, _)
        | ExprKind::Index(inner, _)
        | ExprKind::Try(inner)
        | ExprKind::Method(inner, ..) => shows_record(inner),
        ExprKind::Binary(_, left, right) | ExprKind::Assign(left, _, right) => {
            shows_record(left) || shows_record(right)
        }
        ExprKind::Range(start, end, _) => [start, end].into_iter().flatten().any(|bound| shows_record(bound)),
        ExprKind::Closure(closure) => shows_record(&closure.body),
        ExprKind::Return(value) | ExprKind::Break(_, value) => value.as_deref().is_some_and(shows_record),
        ExprKind::Literal(_)
        | ExprKind::Name(_)
        | ExprKind::Path(_)
        | ExprKind::If(..)
        | ExprKind::Match(..)
        | ExprKind::Call(..)
        | ExprKind::Tuple(_)
        | ExprKind::Block(..)
        | ExprKind::Macro(..)
        | ExprKind::Array(_)
        | ExprKind::Repeat(..)
        | ExprKind::While(..)
        | ExprKind::For(..)
        | ExprKind::Loop(..)
        | ExprKind::Labeled(..)
        | ExprKind::Continue(_)
        | ExprKind::Error => false,
    }
}

/// Prints at a depth. Every method takes the column at which its text begins, and returns text whose further lines are
/// already indented.
#[derive(Clone, Copy)]
struct Layout {
    /// In steps of four columns.
    indent: usize,
}

impl Layout {
    fn deeper(self) -> Self {
        Self { indent: self.indent + 1 }
    }

    fn margin(self) -> String {
        "    ".repeat(self.indent)
    }

    fn column(self) -> usize {
        self.indent * 4
    }

    fn expr(self, expr: &Expr, column: usize) -> String {
        match flat(expr) {
            Some(text) if column + text.chars().count() <= WIDTH => text,
            Some(_) | None => self.lines(expr, column),
        }
    }

    /// The expression on several lines.
    fn lines(self, expr: &Expr, column: usize) -> String {
        match &expr.kind {
            ExprKind::If(condition, then, otherwise) => {
                let mut text = format!("if {} {}", self.condition(condition, column + 3), self.lines_of_block(then));
                if let Some(otherwise) = otherwise {
                    let otherwise = if matches!(otherwise.kind, ExprKind::If(..)) {
                        self.lines(otherwise, column)
                    } else {
                        self.lines_of_block(otherwise)
                    };
                    let _ = write!(text, " else {otherwise}");
                }
                text
            }
            ExprKind::Match(value, arms) => {
                let mut text = format!("match {} {{\n", self.scrutinee(value, column + 6));
                for arm in arms {
                    let _ = writeln!(text, "{}", self.deeper().arm(arm));
                }
                text + &self.margin() + "}"
            }
            ExprKind::Block(..) => self.lines_of_block(expr),
            ExprKind::Closure(closure) => self.closure(closure, column),
            ExprKind::Record(record, fields, base) => {
                let inner = self.deeper();
                let mut text = format!("{} {{\n", name(&record.text));
                for (field, value) in fields {
                    let head = format!("{}{}", inner.margin(), name(&field.text));
                    if is_shorthand(field, value) {
                        let _ = writeln!(text, "{head},");
                    } else {
                        let value = inner.expr(value, head.len() + 2);
                        let _ = writeln!(text, "{head}: {value},");
                    }
                }
                if let Some(base) = base {
                    let _ = writeln!(text, "{}..{}", inner.margin(), inner.expr(base, inner.column() + 2));
                }
                text + &self.margin() + "}"
            }
            ExprKind::Call(segments, arguments) => names(segments) + &self.list("(", arguments, ")"),
            ExprKind::Macro(macro_name, arguments) if macro_name.text == "vec" => self.list("vec![", arguments, "]"),
            ExprKind::Macro(macro_name, arguments) => {
                self.list(&format!("{}!(", name(&macro_name.text)), arguments, ")")
            }
            ExprKind::Tuple(items) if items.len() > 1 => self.list("(", items, ")"),
            ExprKind::Method(receiver, method, types, arguments) => {
                let types = if types.is_empty() { String::new() } else { format!("::<{}>", type_names(types)) };
                let head = self.operand(receiver, Tightness::Postfix, column);
                let tail = format!(".{}{types}", name(&method.text));
                let flat_arguments: Option<Vec<String>> = arguments.iter().map(flat).collect();
                let inner = self.deeper();
                let fits = flat_arguments.is_some_and(|arguments| {
                    inner.column() + tail.len() + arguments.join(", ").chars().count() + 2 <= WIDTH
                });
                if matches!(arguments.as_slice(), [one] if flat(one).is_none()) || !fits {
                    head + &tail + &self.list("(", arguments, ")")
                } else {
                    head + "\n" + &inner.margin() + &tail + &inner.list("(", arguments, ")")
                }
            }
            ExprKind::Binary(op, left, right) => {
                let left = self.left_operand(*op, left, column);
                let inner = self.deeper();
                let right = inner.operand(right, binary_tightness(*op).next(), inner.column() + 3);
                format!("{left}\n{}{} {right}", inner.margin(), op.symbol())
            }
            ExprKind::Unary(op, inner) => unary(*op).to_owned() + &self.operand(inner, Tightness::Prefix, column + 1),
            ExprKind::Reference(inner) => "&".to_owned() + &self.operand(inner, Tightness::Prefix, column + 1),
            ExprKind::MutReference(inner) => "&mut ".to_owned() + &self.operand(inner, Tightness::Prefix, column + 5),
            ExprKind::Cast(inner, ty) => self.operand(inner, Tightness::Cast, column) + " as " + &type_name(ty),
            ExprKind::Field(base, field) => self.base_of_field(base, column) + "." + &name(&field.text),
            ExprKind::Return(Some(value)) => format!("return {}", self.expr(value, column + 7)),
            ExprKind::Tuple(items) => match items.as_slice() {
                [item] => format!("({},)", self.expr(item, column + 1)),
                _ => flat(expr).unwrap_or_default(),
            },
            ExprKind::Assign(place, op, value) => {
                let head = format!("{} {}= ", self.operand(place, Tightness::Prefix, column), assign_symbol(*op));
                let column = self.column() + head.chars().count();
                head + &self.expr(value, column)
            }
            ExprKind::Index(base, index) => {
                let base = self.operand(base, Tightness::Postfix, column);
                format!("{base}[{}]", self.expr(index, column))
            }
            ExprKind::Range(start, end, inclusive) => {
                let bound = |bound: &Option<Box<Expr>>| match bound {
                    Some(bound) => self.operand(bound, Tightness::Or, column),
                    None => String::new(),
                };
                format!("{}{}{}", bound(start), range_symbol(*inclusive), bound(end))
            }
            ExprKind::Array(items) => self.list("[", items, "]"),
            ExprKind::Repeat(kind, item, count) => {
                format!("{}{}; {}]", repeat_open(*kind), self.expr(item, column + 1), self.expr(count, column + 1))
            }
            ExprKind::While(at, condition, body) => {
                let head = format!("{}while ", label(at.as_ref()));
                let condition = self.condition(condition, column + head.len());
                format!("{head}{condition} {}", self.lines_of_block(body))
            }
            ExprKind::For(at, bound, values, body) => {
                let head = format!("{}for {} in ", label(at.as_ref()), param(bound, None));
                let values = self.iterated(values, column + head.chars().count());
                format!("{head}{values} {}", self.lines_of_block(body))
            }
            ExprKind::Loop(at, body) => format!("{}loop {}", label(at.as_ref()), self.lines_of_block(body)),
            ExprKind::Labeled(at, body) => label(Some(at)) + &self.lines_of_block(body),
            ExprKind::Break(at, Some(value)) => {
                let head = break_head(at.as_ref());
                if is_labeled(value) {
                    return format!("{head} ({})", self.expr(value, column + head.len() + 2));
                }
                format!("{head} {}", self.expr(value, column + head.len() + 1))
            }
            ExprKind::Try(inner) => self.operand(inner, Tightness::Postfix, column) + "?",
            ExprKind::Literal(_)
            | ExprKind::Name(_)
            | ExprKind::Path(_)
            | ExprKind::Return(None)
            | ExprKind::Break(_, None)
            | ExprKind::Continue(_)
            | ExprKind::Error => flat(expr).unwrap_or_default(),
        }
    }

    fn operand(self, expr: &Expr, least: Tightness, column: usize) -> String {
        if tightness(expr) < least { format!("({})", self.expr(expr, column + 1)) } else { self.expr(expr, column) }
    }

    fn left_operand(self, op: BinaryOp, left: &Expr, column: usize) -> String {
        if needs_parentheses_on_left(op, left) {
            format!("({})", self.expr(left, column + 1))
        } else {
            self.expr(left, column)
        }
    }

    fn base_of_field(self, base: &Expr, column: usize) -> String {
        if matches!(base.kind, ExprKind::Literal(_)) {
            return format!("({})", self.expr(base, column + 1));
        }
        self.operand(base, Tightness::Postfix, column)
    }

    fn closure(self, closure: &Closure, column: usize) -> String {
        let params = params(closure);
        let moves = moves(closure);
        if let Some(returns) = &closure.returns {
            // A closure that says what it gives has a block.
            return format!("{moves}|{params}| -> {} {}", type_name(returns), self.lines_of_block(&closure.body));
        }
        format!("{moves}|{params}| {}", self.expr(&closure.body, column + moves.len() + params.chars().count() + 3))
    }

    fn condition(self, condition: &Condition, column: usize) -> String {
        match condition {
            Condition::Expr(value) => self.scrutinee(value, column),
            Condition::Let(bound, value) => {
                let head = format!("let {} = ", pattern(bound));
                let column = column + head.chars().count();
                let value = if shows_record(value) || tightness(value) < Tightness::Compare {
                    format!("({})", self.expr(value, column + 1))
                } else {
                    self.expr(value, column)
                };
                head + &value
            }
            Condition::All(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| self.part_of_condition(part, column)).collect();
                parts.join(" && ")
            }
        }
    }

    /// A condition between `&&`.
    fn part_of_condition(self, part: &Condition, column: usize) -> String {
        match part {
            Condition::Expr(value) if shows_record(value) || tightness(value) <= Tightness::And => {
                format!("({})", self.expr(value, column + 1))
            }
            Condition::Expr(value) => self.expr(value, column),
            Condition::Let(..) | Condition::All(_) => self.condition(part, column),
        }
    }

    /// What `for` goes over, where a range needs no parentheses.
    fn iterated(self, value: &Expr, column: usize) -> String {
        if tightness(value) == Tightness::Range && !shows_record(value) {
            self.expr(value, column)
        } else {
            self.scrutinee(value, column)
        }
    }

    fn scrutinee(self, value: &Expr, column: usize) -> String {
        if shows_record(value) || tightness(value) < Tightness::Or {
            format!("({})", self.expr(value, column + 1))
        } else {
            self.expr(value, column)
        }
    }

    fn arm(self, arm: &Arm) -> String {
        let guard = arm.guard.as_ref().map(|guard| format!(" if {}", self.scrutinee(guard, self.column())));
        let head = format!("{}{}{} => ", self.margin(), pattern(&arm.pattern), guard.unwrap_or_default());
        let body = self.expr(&arm.body, head.chars().count());
        let comma = if matches!(arm.body.kind, ExprKind::Block(..)) && body.ends_with('}') { "" } else { "," };
        format!("{head}{body}{comma}")
    }

    /// A block with each statement on its line; any other expression gets braces.
    fn lines_of_block(self, block: &Expr) -> String {
        let inner = self.deeper();
        let (statements, tail): (&[Statement], Option<&Expr>) = if let ExprKind::Block(statements, tail) = &block.kind {
            (statements, tail.as_deref())
        } else {
            (&[], Some(block))
        };
        if statements.is_empty() && tail.is_none() {
            return "{}".to_owned();
        }
        let mut text = "{\n".to_owned();
        for (position, statement) in statements.iter().enumerate() {
            let is_last = position + 1 == statements.len() && tail.is_none();
            let _ = writeln!(text, "{}{}", inner.margin(), inner.statement(statement, is_last));
        }
        if let Some(tail) = tail {
            let _ = writeln!(text, "{}{}", inner.margin(), inner.expr(tail, inner.column()));
        }
        text + &self.margin() + "}"
    }

    fn statement(self, statement: &Statement, is_last: bool) -> String {
        match statement {
            Statement::Let(bound, ty, value) => {
                let head = format!("let {} = ", param(bound, ty.as_ref()));
                let column = self.column() + head.chars().count();
                format!("{head}{};", self.expr(value, column))
            }
            Statement::LetElse(bound, ty, value, otherwise) => {
                let head = format!("let {} = ", param(bound, ty.as_ref()));
                let column = self.column() + head.chars().count();
                // Behind a `}` or a closure, `else` would be misread.
                let value = if tightness(value) < Tightness::Or || ends_in_brace(value) {
                    format!("({})", self.expr(value, column + 1))
                } else {
                    self.expr(value, column)
                };
                let otherwise = flat_block(otherwise).unwrap_or_else(|| self.lines_of_block(otherwise));
                format!("{head}{value} else {otherwise};")
            }
            Statement::Const(item) => constant(item),
            Statement::Declare(bound, ty) => format!("let {};", param(bound, ty.as_ref())),
            Statement::Expr(value) => {
                let semicolon = if tightness(value) == Tightness::Block && !is_last { "" } else { ";" };
                self.expr(value, self.column()) + semicolon
            }
        }
    }

    /// Arguments: the only one, or a closure at the end, may hang; else one on each line.
    fn list(self, open: &str, items: &[Expr], close: &str) -> String {
        if let [item] = items {
            return format!("{open}{}{close}", self.expr(item, self.column() + open.len()));
        }
        let inner = self.deeper();
        let mut text = format!("{open}\n");
        for item in items {
            let _ = writeln!(text, "{}{},", inner.margin(), inner.expr(item, inner.column()));
        }
        if items.is_empty() { format!("{open}{close}") } else { text + &self.margin() + close }
    }
}

fn moves(closure: &Closure) -> &'static str {
    if closure.moves { "move " } else { "" }
}

fn params(closure: &Closure) -> String {
    closure.params.iter().map(|(bound, ty)| param(bound, ty.as_ref())).collect::<Vec<_>>().join(", ")
}

fn unary(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::Neg => "-",
        UnaryOp::Not => "!",
        UnaryOp::Deref => "*",
    }
}

fn is_shorthand(field: &Name, value: &Expr) -> bool {
    matches!(&value.kind, ExprKind::Name(text) if *text == field.text)
}

fn needs_parentheses_on_left(op: BinaryOp, left: &Expr) -> bool {
    let own = binary_tightness(op);
    let least = if own == Tightness::Compare { own.next() } else { own };
    tightness(left) < least || (matches!(op, BinaryOp::Lt | BinaryOp::Shl) && ends_in_type(left))
}

/// The expression on one line; nothing if it holds what always takes several.
fn flat(expr: &Expr) -> Option<String> {
    let flat_operand = |expr: &Expr, least: Tightness| {
        let text = flat(expr)?;
        Some(if tightness(expr) < least { format!("({text})") } else { text })
    };
    let list = |items: &[Expr]| Some(items.iter().map(flat).collect::<Option<Vec<_>>>()?.join(", "));
    Some(match &expr.kind {
        ExprKind::Literal(value) => literal(value),
        ExprKind::Name(text) => name(text),
        ExprKind::Path(segments) => path(segments),
        ExprKind::Field(base, field) => {
            let base = if let ExprKind::Literal(value) = &base.kind {
                format!("({})", literal(value))
            } else {
                flat_operand(base, Tightness::Postfix)?
            };
            format!("{base}.{}", name(&field.text))
        }
        ExprKind::Unary(op, inner) => format!("{}{}", unary(*op), flat_operand(inner, Tightness::Prefix)?),
        ExprKind::Reference(inner) => format!("&{}", flat_operand(inner, Tightness::Prefix)?),
        ExprKind::MutReference(inner) => format!("&mut {}", flat_operand(inner, Tightness::Prefix)?),
        ExprKind::Binary(op, left, right) => {
            let left_text = flat(left)?;
            let left = if needs_parentheses_on_left(*op, left) { format!("({left_text})") } else { left_text };
            format!("{left} {} {}", op.symbol(), flat_operand(right, binary_tightness(*op).next())?)
        }
        ExprKind::Cast(inner, ty) => format!("{} as {}", flat_operand(inner, Tightness::Cast)?, type_name(ty)),
        ExprKind::If(condition, then, otherwise) => {
            let condition = flat_condition(condition)?;
            let mut text = format!("if {condition} {}", flat_block(then)?);
            if let Some(otherwise) = otherwise {
                let is_if = matches!(otherwise.kind, ExprKind::If(..));
                let otherwise = if is_if { flat(otherwise)? } else { flat_block(otherwise)? };
                let _ = write!(text, " else {otherwise}");
            }
            text
        }
        ExprKind::Match(..) | ExprKind::While(..) | ExprKind::For(..) | ExprKind::Loop(..) | ExprKind::Labeled(..) => {
            return None;
        }
        ExprKind::Call(segments, arguments) => format!("{}({})", names(segments), list(arguments)?),
        ExprKind::Method(receiver, method, types, arguments) => {
            let types = if types.is_empty() { String::new() } else { format!("::<{}>", type_names(types)) };
            let receiver = flat_operand(receiver, Tightness::Postfix)?;
            format!("{receiver}.{}{types}({})", name(&method.text), list(arguments)?)
        }
        ExprKind::Record(record, fields, base) => {
            let mut items = Vec::new();
            for (field, value) in fields {
                items.push(if is_shorthand(field, value) {
                    name(&field.text)
                } else {
                    format!("{}: {}", name(&field.text), flat(value)?)
                });
            }
            if let Some(base) = base {
                items.push(format!("..{}", flat(base)?));
            }
            let items = items.join(", ");
            if items.is_empty() {
                format!("{} {{}}", name(&record.text))
            } else {
                format!("{} {{ {items} }}", name(&record.text))
            }
        }
        ExprKind::Tuple(items) => match items.as_slice() {
            [item] => format!("({},)", flat(item)?),
            items => format!("({})", list(items)?),
        },
        ExprKind::Block(..) => flat_block(expr)?,
        ExprKind::Closure(Closure { returns: Some(_), .. }) => return None,
        ExprKind::Closure(closure) => {
            format!("{}|{}| {}", moves(closure), params(closure), flat(&closure.body)?)
        }
        ExprKind::Return(None) => "return".to_owned(),
        ExprKind::Return(Some(value)) => format!("return {}", flat(value)?),
        ExprKind::Macro(macro_name, arguments) if macro_name.text == "vec" => format!("vec![{}]", list(arguments)?),
        ExprKind::Macro(macro_name, arguments) => format!("{}!({})", name(&macro_name.text), list(arguments)?),
        ExprKind::Assign(place, op, value) => {
            let place = flat_operand(place, Tightness::Prefix)?;
            format!("{place} {}= {}", assign_symbol(*op), flat(value)?)
        }
        ExprKind::Index(base, index) => format!("{}[{}]", flat_operand(base, Tightness::Postfix)?, flat(index)?),
        ExprKind::Range(start, end, inclusive) => {
            let bound = |bound: &Option<Box<Expr>>| match bound {
                Some(bound) => flat_operand(bound, Tightness::Or),
                None => Some(String::new()),
            };
            format!("{}{}{}", bound(start)?, range_symbol(*inclusive), bound(end)?)
        }
        ExprKind::Array(items) => format!("[{}]", list(items)?),
        ExprKind::Repeat(kind, item, count) => format!("{}{}; {}]", repeat_open(*kind), flat(item)?, flat(count)?),
        ExprKind::Break(at, None) => break_head(at.as_ref()),
        ExprKind::Break(at, Some(value)) => format!("{} {}", break_head(at.as_ref()), flat(value)?),
        ExprKind::Continue(None) => "continue".to_owned(),
        ExprKind::Continue(Some(at)) => format!("continue '{}", at.text),
        ExprKind::Try(inner) => format!("{}?", flat_operand(inner, Tightness::Postfix)?),
        ExprKind::Error => "todo!()".to_owned(),
    })
}

/// A block without statements, on one line.
fn flat_block(block: &Expr) -> Option<String> {
    let ExprKind::Block(statements, tail) = &block.kind else {
        return Some(format!("{{ {} }}", flat(block)?));
    };
    match tail {
        _ if !statements.is_empty() => None,
        Some(tail) => Some(format!("{{ {} }}", flat(tail)?)),
        None => Some("{}".to_owned()),
    }
}

fn flat_scrutinee(value: &Expr, least: Tightness) -> Option<String> {
    let text = flat(value)?;
    Some(if shows_record(value) || tightness(value) < least { format!("({text})") } else { text })
}

/// A condition on one line.
fn flat_condition(condition: &Condition) -> Option<String> {
    match condition {
        Condition::Expr(value) => flat_scrutinee(value, Tightness::Or),
        Condition::Let(bound, value) => {
            Some(format!("let {} = {}", pattern(bound), flat_scrutinee(value, Tightness::Compare)?))
        }
        Condition::All(parts) => {
            let parts = parts.iter().map(|part| match part {
                Condition::Expr(value) => flat_scrutinee(value, Tightness::Compare),
                Condition::Let(..) | Condition::All(_) => flat_condition(part),
            });
            Some(parts.collect::<Option<Vec<_>>>()?.join(" && "))
        }
    }
}

fn assign_symbol(op: Option<BinaryOp>) -> &'static str {
    op.map_or("", BinaryOp::symbol)
}

fn range_symbol(inclusive: bool) -> &'static str {
    if inclusive { "..=" } else { ".." }
}

fn repeat_open(kind: Repeated) -> &'static str {
    match kind {
        Repeated::Array => "[",
        Repeated::Vec => "vec![",
    }
}

/// `'label: `, or nothing.
fn label(label: Option<&Name>) -> String {
    label.map(|label| format!("'{}: ", label.text)).unwrap_or_default()
}

fn break_head(label: Option<&Name>) -> String {
    match label {
        Some(label) => format!("break '{}", label.text),
        None => "break".to_owned(),
    }
}

/// Whether it begins with a label, which `break` would take for its own.
fn is_labeled(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        ExprKind::Labeled(..) | ExprKind::Loop(Some(_), _) | ExprKind::While(Some(_), ..) | ExprKind::For(Some(_), ..)
    )
}

/// Whether its text ends in `}`.
fn ends_in_brace(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Record(..)
        | ExprKind::If(..)
        | ExprKind::Match(..)
        | ExprKind::Block(..)
        | ExprKind::While(..)
        | ExprKind::For(..)
        | ExprKind::Loop(..)
        | ExprKind::Labeled(..) => true,
        ExprKind::Unary(_, inner) | ExprKind::Reference(inner) | ExprKind::MutReference(inner) => ends_in_brace(inner),
        ExprKind::Binary(_, _, right) | ExprKind::Assign(_, _, right) => ends_in_brace(right),
        ExprKind::Range(_, end, _) => end.as_deref().is_some_and(ends_in_brace),
        ExprKind::Closure(closure) => ends_in_brace(&closure.body),
        ExprKind::Return(value) | ExprKind::Break(_, value) => value.as_deref().is_some_and(ends_in_brace),
        ExprKind::Literal(_)
        | ExprKind::Name(_)
        | ExprKind::Path(_)
        | ExprKind::Field(..)
        | ExprKind::Cast(..)
        | ExprKind::Call(..)
        | ExprKind::Method(..)
        | ExprKind::Tuple(_)
        | ExprKind::Macro(..)
        | ExprKind::Index(..)
        | ExprKind::Array(_)
        | ExprKind::Repeat(..)
        | ExprKind::Continue(_)
        | ExprKind::Try(_)
        | ExprKind::Error => false,
    }
}
