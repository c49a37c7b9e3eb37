//! What every file of random functions begins with.

/// Types, constants and functions that random code uses.
pub(super) const TEXT: &str = r#"//! Random functions.

use std::fmt::Write as _;

#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Pair { low: i64, high: f64 }

#[derive(Clone, Debug, PartialEq)]
struct Point { at: Pair, name: String, size: Option<i64> }

#[derive(Clone, Debug, PartialEq)]
enum Kind { Nothing, Count(i64), Named { text: String, at: i32 }, Both(f64, bool) }

#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Meters(f64);

impl Meters {
    const NONE: Meters = Meters(0.0);

    fn plus(self, other: Meters) -> Meters {
        Meters(self.0 + other.0)
    }
}

fn larger<T: PartialOrd>(a: T, b: T) -> T {
    if b > a { b } else { a }
}

impl Kind {
    fn weight(&self) -> i64 {
        match self {
            Kind::Nothing => 0,
            Kind::Count(n) => *n,
            Kind::Named { text, at } => text.len() as i64 + i64::from(*at),
            Kind::Both(x, yes) => if *yes { *x as i64 } else { -1 },
        }
    }

    fn grow(&mut self, by: i64) {
        if let Kind::Count(n) = self { *self = Kind::Count(n.wrapping_add(by)); } else { *self = Kind::Count(by); }
    }
}

impl Pair {
    fn width(self) -> f64 {
        self.high - self.low as f64
    }

    fn shift(&mut self, by: i64) {
        self.low = self.low.wrapping_add(by);
    }
}

static STEPS: [i64; 4] = [3, -1, 0, i64::MAX];
const LIMIT: u32 = 40;

fn no_i64() -> Option<i64> { None }
fn no_i32() -> Option<i32> { None }
fn no_u8() -> Option<u8> { None }
fn no_bool() -> Option<bool> { None }
fn no_f64() -> Option<f64> { None }
fn no_f32() -> Option<f32> { None }
fn no_text() -> Option<String> { None }
fn no_pair() -> Option<Pair> { None }
fn no_time() -> Option<Timestamp> { None }
fn no_fee() -> Option<Decimal> { None }
fn no_list() -> Vec<i64> { Vec::new() }
fn no_texts() -> Vec<String> { Vec::new() }
fn no_points() -> Vec<Point> { Vec::new() }
fn no_floats() -> Vec<f64> { Vec::new() }
fn no_char() -> Option<char> { None }
fn no_bytes() -> Vec<u8> { Vec::new() }
fn some_bytes() -> Vec<u8> { vec![1, 255, 97] }
fn nothing() -> Option<Option<i64>> { None }
fn fine(x: i64) -> Result<i64, String> { Ok(x) }
fn wrong(why: String) -> Result<i64, String> { Err(why) }

fn half(x: i64) -> Result<i64, String> {
    if x % 2 == 0 { Ok(x / 2) } else { Err(format!("odd {x}")) }
}

fn scale(x: f64, by: i64) -> f64 {
    if by == 0 { x } else { x * by as f64 }
}

fn short(text: String) -> String {
    if text.len() > 8 { "long".to_string() } else { text }
}

fn few(list: Vec<i64>) -> Vec<i64> {
    let mut list = list;
    list.truncate(5);
    list
}

fn bump(value: &mut i64, by: i64) {
    *value = value.wrapping_add(by);
}

fn note(text: &mut String, more: &str) {
    if text.len() < 40 { text.push_str(more); }
}
"#;
