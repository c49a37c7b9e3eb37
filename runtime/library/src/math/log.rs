//! Logarithms: 2^k times a rest between sqrt(1/2) and sqrt(2), whose logarithm is fdlibm's polynomial in f / (2 + f).

use super::exp::{LN2_HIGH, LN2_LOW, TO_WHOLE};

/// `x = 2^k * (1 + f)`.
struct Parts {
    k: f64,
    f: f64,
}

/// The parts of a positive number.
#[inline(always)]
fn parts(x: f64) -> Parts {
    // Numbers below the least normal one become normal ones.
    let is_small = x < f64::MIN_POSITIVE;
    let x = if is_small { x * 18_014_398_509_481_984.0 } else { x };
    let bias = if is_small { 1023.0 + 54.0 } else { 1023.0 };
    // From 1/sqrt(2) on the next power of two counts.
    let bits = x.to_bits().wrapping_add(0x3ff0_0000_0000_0000 - 0x3fe6_a09e_667f_3bcd);
    let exponent = bits >> 52;
    let mantissa = (bits & 0x000f_ffff_ffff_ffff).wrapping_add(0x3fe6_a09e_667f_3bcd);
    let k = f64::from_bits(TO_WHOLE.to_bits() | exponent) - TO_WHOLE - bias;
    Parts { k, f: f64::from_bits(mantissa) - 1.0 }
}

/// `ln(1 + f) - f + f^2 / 2`, and `f^2 / 2`.
#[inline(always)]
fn ln_1p_rest(f: f64) -> (f64, f64) {
    const L1: f64 = 6.666_666_666_666_735e-1;
    const L2: f64 = 3.999_999_999_940_942e-1;
    const L3: f64 = 2.857_142_874_366_239e-1;
    const L4: f64 = 2.222_219_843_214_978_4e-1;
    const L5: f64 = 1.818_357_216_161_805e-1;
    const L6: f64 = 1.531_383_769_920_937_3e-1;
    const L7: f64 = 1.479_819_860_511_658_6e-1;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (L2 + w * (L4 + w * L6));
    let odd = z * (L1 + w * (L3 + w * (L5 + w * L7)));
    let half = 0.5 * f * f;
    (s * (half + (even + odd)), half)
}

/// What logarithms of numbers that are not positive and finite are.
#[inline(always)]
fn with_specials(x: f64, result: f64) -> f64 {
    let result = if x == f64::INFINITY { x } else { result };
    let result = if x == 0.0 { f64::NEG_INFINITY } else { result };
    let result = if x < 0.0 { f64::NAN } else { result };
    if x.is_nan() { x } else { result }
}

/// The natural logarithm; less than 2 ulp off.
#[must_use]
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    let Parts { k, f } = parts(x);
    let (rest, half) = ln_1p_rest(f);
    with_specials(x, k * LN2_HIGH - ((half - (rest + k * LN2_LOW)) - f))
}

/// `f - f^2/2` with the low half of its bits cleared, and what is left of `ln(1 + f)`.
#[inline(always)]
fn ln_1p_in_two(f: f64) -> (f64, f64) {
    let (rest, half) = ln_1p_rest(f);
    let high = f64::from_bits((f - half).to_bits() & 0xffff_ffff_0000_0000);
    (high, ((f - high) - half) + rest)
}

/// The logarithm of base 2; less than 2 ulp off.
#[must_use]
#[inline(always)]
pub fn log2(x: f64) -> f64 {
    const INV_LN2_HIGH: f64 = 1.442_695_040_721_446_3;
    const INV_LN2_LOW: f64 = 1.675_171_316_488_651_2e-10;
    let Parts { k, f } = parts(x);
    let (high, low) = ln_1p_in_two(f);
    let value_high = high * INV_LN2_HIGH;
    let value_low = (low + high) * INV_LN2_LOW + low * INV_LN2_HIGH;
    let sum = k + value_high;
    with_specials(x, (value_low + ((k - sum) + value_high)) + sum)
}

/// The logarithm of base 10; less than 3 ulp off.
#[must_use]
#[inline(always)]
pub fn log10(x: f64) -> f64 {
    const INV_LN10_HIGH: f64 = 4.342_944_818_781_689e-1;
    const INV_LN10_LOW: f64 = 2.508_294_671_164_527_5e-11;
    const LOG10_2_HIGH: f64 = 3.010_299_956_636_117_7e-1;
    const LOG10_2_LOW: f64 = 3.694_239_077_158_931e-13;
    let Parts { k, f } = parts(x);
    let (high, low) = ln_1p_in_two(f);
    let value_high = high * INV_LN10_HIGH;
    let k_high = k * LOG10_2_HIGH;
    let value_low = k * LOG10_2_LOW + (low + high) * INV_LN10_LOW + low * INV_LN10_HIGH;
    let sum = k_high + value_high;
    with_specials(x, (value_low + ((k_high - sum) + value_high)) + sum)
}

/// `ln(1 + x)`, exact near 0; less than 2 ulp off.
#[must_use]
#[inline(always)]
pub fn ln_1p(x: f64) -> f64 {
    let u = 1.0 + x;
    let Parts { k, f } = parts(u);
    // What `1 + x` lost, as a part of it.
    let lost = if x.abs() > 1.0 { (x - u) + 1.0 } else { x - (u - 1.0) };
    let correction = if k < 60.0 { lost / u } else { 0.0 };
    let (rest, half) = ln_1p_rest(f);
    let result = k * LN2_HIGH - ((half - (rest + (k * LN2_LOW + correction))) - f);
    let result = if x == f64::INFINITY { x } else { result };
    let result = if x == -1.0 { f64::NEG_INFINITY } else { result };
    let result = if x < -1.0 { f64::NAN } else { result };
    let result = if x.abs() < 1e-300 { x } else { result };
    if x.is_nan() { x } else { result }
}
