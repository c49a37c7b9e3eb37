//! Functions that take functions.

fn twice(f: impl Fn(f64) -> f64, x: f64) -> f64 {
    f(f(x))
}

fn square(x: f64) -> f64 {
    x * x
}

#[sabot::udf]
fn by_closure(x: f64, y: f64) -> f64 {
    twice(|v| v * 2.0 + y, x)
}

#[sabot::udf]
fn by_name(x: f64) -> f64 {
    twice(square, x) + twice(f64::abs, -x)
}

#[sabot::udf]
fn by_variable(x: f64, y: f64) -> f64 {
    let shift = |v: f64| v - y;
    twice(shift, x) + twice(&shift, y)
}

fn fold<T: Copy, F>(items: &[T], start: T, f: F) -> T
where
    F: Fn(T, T) -> T,
{
    let mut all = start;
    for item in items {
        all = f(all, *item);
    }
    all
}

#[sabot::udf]
fn generic(a: i64, x: f64) -> f64 {
    let least = fold(&[a, 10, -3], i64::MAX, |p, q| p.min(q));
    fold(&[x, 0.5], least as f64, |p, q| p + q)
}

fn first_where<P: Fn(char) -> bool>(text: &str, holds: P) -> Option<usize> {
    for (at, c) in text.char_indices() {
        if holds(c) {
            return Some(at);
        }
    }
    None
}

#[sabot::udf]
fn early(s: &str) -> Option<u64> {
    let at = first_where(s, |c| c.is_ascii_digit()).or_else(|| first_where(s, char::is_whitespace))?;
    Some(at as u64)
}

fn each(n: u32, mut f: impl FnMut(u32)) {
    for i in 0..n {
        f(i);
    }
}

#[sabot::udf]
fn counting(u: u32) -> u64 {
    let mut sum = 0u64;
    each(u % 30, |i| sum += u64::from(i * i));
    sum
}

fn compose(f: impl Fn(i64) -> i64, g: impl Fn(i64) -> i64, x: i64) -> i64 {
    g(f(x))
}

fn thrice(f: impl Fn(i64) -> i64, x: i64) -> i64 {
    compose(&f, |v| compose(&f, &f, v), x)
}

#[sabot::udf]
fn handed_on(a: i64, b: i64) -> i64 {
    thrice(|v| v.wrapping_mul(3) ^ b, a)
}

fn table(x: f64, f: fn(f64) -> f64) -> f64 {
    (0..4).map(|i| f(x + f64::from(i))).sum()
}

#[sabot::udf]
fn pointer(x: f64) -> f64 {
    let g: fn(f64) -> f64 = square;
    table(x, g) - table(x, f64::floor)
}

struct Grid {
    step: f64,
}

impl Grid {
    fn best(&self, n: u32, score: impl Fn(f64) -> f64) -> f64 {
        let mut best = 0.0;
        let mut at = 0.0;
        for i in 0..n {
            let x = f64::from(i) * self.step;
            if score(x) > best {
                best = score(x);
                at = x;
            }
        }
        at
    }
}

#[sabot::udf]
fn method(x: f64) -> f64 {
    let grid = Grid { step: 0.25 };
    grid.best(40, |v| 1.0 / (1.0 + (v - x).abs()))
}

fn retry<T>(attempts: u32, f: impl Fn(u32) -> Option<T>, otherwise: T) -> T {
    for attempt in 0..attempts {
        if let Some(value) = f(attempt) {
            return value;
        }
    }
    otherwise
}

#[sabot::udf]
fn retried(s: &str) -> String {
    let word = retry(4, |n| s.split(' ').nth(n as usize + 1).map(|w| w.to_string()), "none".to_string());
    let number = retry(3, |n| s.parse::<i64>().ok().map(|v| v / 2 + i64::from(n)), -1);
    format!("{word} {number}")
}
