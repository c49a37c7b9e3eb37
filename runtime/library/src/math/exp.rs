//! `exp` and `exp2`: 2^k times the exponential of a rest below ln(2)/2, by fdlibm's rational approximation.

/// Added and taken away again, it rounds to a whole number, half to even; the low bits of the sum are that number.
pub(super) const TO_WHOLE: f64 = 6_755_399_441_055_744.0;

pub(super) const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
pub(super) const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);

/// `2^(k1 + k2)` in two factors, so that results below the least normal number round once; `sum` is `k + TO_WHOLE`.
#[inline(always)]
pub(super) fn scale(y: f64, sum: f64) -> f64 {
    let k = sum.to_bits().wrapping_sub(TO_WHOLE.to_bits());
    // Halves of k that add up to it; k is small, and an arithmetic shift of 64 bits is not in every vector unit.
    let half = (k.wrapping_add(4096) >> 1).wrapping_sub(2048);
    let rest = k.wrapping_sub(half);
    let power = |k: u64| f64::from_bits(k.wrapping_add(1023) << 52);
    y * power(half) * power(rest)
}

/// `e^(high - low)` for arguments of at most ln(2)/2.
#[inline(always)]
fn exp_of_rest(high: f64, low: f64) -> f64 {
    const P1: f64 = 1.666_666_666_666_660_2e-1;
    const P2: f64 = -2.777_777_777_701_559_3e-3;
    const P3: f64 = 6.613_756_321_437_934e-5;
    const P4: f64 = -1.653_390_220_546_525_2e-6;
    const P5: f64 = 4.138_136_797_057_238_5e-8;
    let r = high - low;
    let t = r * r;
    let c = r - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5))));
    1.0 - ((low - (r * c) / (2.0 - c)) - high)
}

/// e to the power of x; less than 2 ulp off.
#[must_use]
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    // Beyond these it is infinite or 0 anyway; NaN stays.
    let x = if x > 710.0 { 710.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    let sum = x * std::f64::consts::LOG2_E + TO_WHOLE;
    let k = sum - TO_WHOLE;
    scale(exp_of_rest(x - k * LN2_HIGH, k * LN2_LOW), sum)
}

/// 2 to the power of x; less than 2 ulp off, and exact for whole x.
#[must_use]
#[inline(always)]
pub fn exp2(x: f64) -> f64 {
    let x = if x > 1025.0 { 1025.0 } else { x };
    let x = if x < -1077.0 { -1077.0 } else { x };
    let sum = x + TO_WHOLE;
    let k = sum - TO_WHOLE;
    // Exact, and of at most 1/2: in two parts times ln(2).
    let rest = x - k;
    let high = f64::from_bits(rest.to_bits() & 0xffff_ffff_f800_0000);
    let low = rest - high;
    let product = high * LN2_HIGH;
    let correction = -(high * LN2_LOW + low * std::f64::consts::LN_2);
    scale(exp_of_rest(product, correction), sum)
}

/// `e^x - 1` for `x = k ln(2) + rest`: the scale's sum, `2^k`, and `e^rest - 1` in two parts.
struct Expm1 {
    /// `2^k` of a `k` from -1021 to 1023.
    power: f64,
    /// `e^rest - 1`, rounded.
    high: f64,
    /// What rounding lost.
    low: f64,
}

/// For arguments from -60 to 709.
#[inline(always)]
fn exp_m1_parts(x: f64) -> Expm1 {
    const P1: f64 = 1.666_666_666_666_660_2e-1;
    const P2: f64 = -2.777_777_777_701_559_3e-3;
    const P3: f64 = 6.613_756_321_437_934e-5;
    const P4: f64 = -1.653_390_220_546_525_2e-6;
    const P5: f64 = 4.138_136_797_057_238_5e-8;
    let sum = x * std::f64::consts::LOG2_E + TO_WHOLE;
    let k = sum - TO_WHOLE;
    let (high, low) = (x - k * LN2_HIGH, k * LN2_LOW);
    let r = high - low;
    // What `r` lost.
    let r_low = (high - r) - low;
    let t = r * r;
    let c = r - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5))));
    // e^r = 1 + r + r c / (2 - c), and e^r r_low beside it.
    let rest = (r * c) / (2.0 - c) + (r_low + r * r_low);
    let total = r + rest;
    let lost = rest - (total - r);
    Expm1 {
        power: f64::from_bits(sum.to_bits().wrapping_sub(TO_WHOLE.to_bits()).wrapping_add(1023) << 52),
        high: total,
        low: lost,
    }
}

/// `e^x - 1`, exact near 0; less than 2 ulp off.
#[must_use]
#[inline(always)]
pub fn exp_m1(x: f64) -> f64 {
    // Below it is -1, above infinite; NaN stays.
    let clamped = if x > 709.0 { 709.0 } else { x };
    let clamped = if clamped < -60.0 { -60.0 } else { clamped };
    let Expm1 { power, high, low } = exp_m1_parts(clamped);
    // 2^k (1 + high + low) - 1, the greater of the two first.
    let (a, b) = (power - 1.0, power * high);
    let sum = a + b;
    let from_a = a - (sum - b);
    let from_b = b - (sum - a);
    let lost = if a.abs() > b.abs() { from_b } else { from_a };
    let result = sum + (lost + power * low);
    // Between 709 and the greatest, the exponential is so great that 1 is nothing.
    let result = if x > 709.0 { exp(x) } else { result };
    // Below the least power of two whose half counts, x is the result; it keeps the sign of zero.
    if x.abs() < 1e-300 { x } else { result }
}

/// The hyperbolic sine; less than 4 ulp off.
#[must_use]
#[inline(always)]
pub fn sinh(x: f64) -> f64 {
    let size = x.abs();
    let t = exp_m1(if size > 709.0 { 709.0 } else { size });
    let near = 0.5 * (t + t / (t + 1.0));
    // e^x / 2 in two steps, where e^x is too great.
    let half = exp(0.5 * size);
    let far = (0.5 * half) * half;
    let result = if size > 22.0 { far } else { near };
    let result = if size < 1e-300 { size } else { result };
    result.copysign(x)
}

/// The hyperbolic cosine; less than 4 ulp off.
#[must_use]
#[inline(always)]
pub fn cosh(x: f64) -> f64 {
    let size = x.abs();
    let e = exp(if size > 700.0 { 700.0 } else { size });
    let near = 0.5 * e + 0.5 / e;
    let half = exp(0.5 * size);
    let far = (0.5 * half) * half;
    if size > 22.0 { far } else { near }
}

/// The hyperbolic tangent; less than 4 ulp off.
#[must_use]
#[inline(always)]
pub fn tanh(x: f64) -> f64 {
    let size = x.abs();
    // From 22 on it is 1 in all digits.
    let size = if size > 22.0 { 22.0 } else { size };
    // 1 - 2 / (e^2x + 1), and near 0, where that would lose digits, by e^-2x.
    let t = exp_m1(if size < 1.0 { -2.0 * size } else { 2.0 * size });
    let near = -t / (t + 2.0);
    let far = 1.0 - 2.0 / (t + 2.0);
    let result = if size < 1.0 { near } else { far };
    let result = if size < 1e-300 { size } else { result };
    result.copysign(x)
}
