//! Arithmetic, comparison, casts and mathematics of numbers.

const LOT: i64 = 100;
const RATE: f64 = 0.05;

#[sabot::udf]
fn spread_bps(x: f64, y: f64) -> f64 {
    let mid = (x + y) / 2.0;
    if mid == 0.0 { 0.0 } else { (y - x) / mid * 10_000.0 }
}

#[sabot::udf]
fn lots(a: i64) -> i64 {
    match a {
        0 => 0,
        1..=99 => 1,
        ..0 => -1,
        v => v / LOT,
    }
}

#[sabot::udf]
fn overflowing_sum(a: i64, b: i64) -> i64 {
    a + b
}

#[sabot::udf]
fn division(a: i64, b: i64) -> i64 {
    a / b + a % b
}

#[sabot::udf]
fn wrapped(a: i64, b: i64) -> i64 {
    a.wrapping_mul(31).wrapping_add(b.wrapping_neg())
}

#[sabot::udf]
fn saturated(i: i32, u: u32) -> i32 {
    i.saturating_add(u as i32).saturating_sub(7)
}

#[sabot::udf]
fn checked(a: i64, b: i64) -> Option<i64> {
    a.checked_mul(b).and_then(|product| product.checked_add(1))
}

#[sabot::udf]
fn to_small(x: f64) -> i32 {
    x as i32
}

#[sabot::udf]
fn truncated(a: i64) -> i32 {
    a as i32
}

#[sabot::udf]
fn sign_and_size(a: i64) -> i64 {
    a.signum() * a.wrapping_abs().max(1).min(1_000)
}

#[sabot::udf]
fn shifted(a: i64, u: u32) -> i64 {
    (a << (u % 64)) ^ (a >> 3)
}

#[sabot::udf]
fn too_wide(a: i64, u: u32) -> i64 {
    a << u
}

#[sabot::udf]
fn bits(a: i64, b: i64) -> u32 {
    (a & b | a ^ !b).count_ones() + a.leading_zeros()
}

#[sabot::udf]
fn euclid(a: i64, b: i64) -> i64 {
    a.rem_euclid(b) + a.div_euclid(b)
}

#[sabot::udf]
fn rounded(x: f64) -> f64 {
    x.floor() + x.ceil() * 2.0 + x.round() * 4.0 + x.trunc() * 8.0 + x.fract()
}

#[sabot::udf]
fn clamped(x: f64, y: f64) -> f64 {
    x.max(y).min(100.0).clamp(-10.0, 50.0)
}

#[sabot::udf]
fn discounted(x: f64, a: i64) -> f64 {
    x / (1.0 + RATE).powi((a % 30) as i32)
}

#[sabot::udf]
fn transcendental(x: f64, y: f64) -> f64 {
    (x.abs() + 1.0).ln() + y.sin() * x.cos() + (x / 1e10).exp().sqrt().min(1e6)
}

#[sabot::udf]
fn normal_cdf(x: f64) -> f64 {
    let z = x.abs().min(40.0);
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let poly = t * (0.319_381_530 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let upper = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * poly;
    if x >= 0.0 { 1.0 - upper } else { upper }
}

#[sabot::udf]
fn compared(x: f64, y: f64) -> i64 {
    if x < y {
        1
    } else if x > y {
        2
    } else if x == y {
        3
    } else {
        4
    }
}

#[sabot::udf]
fn single(f: f32, x: f64) -> f32 {
    f * 1.5 + x as f32
}

#[sabot::udf]
fn widened(f: f32, i: i32) -> f64 {
    f64::from(f) + f64::from(i)
}

#[sabot::udf]
fn short_circuit(a: i64, b: i64) -> bool {
    b != 0 && a % b == 0 || a > 10
}

#[sabot::udf]
fn nested(a: i64, flag: bool, x: f64) -> f64 {
    let base = if flag { (a % 100) as f64 } else { x };
    let scaled = match a % 3 {
        0 => base * 2.0,
        1 | -1 => base + 1.0,
        _ if flag => base - 1.0,
        _ => base / 2.0,
    };
    if scaled.is_nan() { -1.0 } else { scaled }
}
