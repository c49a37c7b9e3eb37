//! Sine, cosine and tangent: the rest of the division by π/2 in two parts, fdlibm's polynomials, and the quadrant chosen.
//!
//! Up to about 1.6 million the division is by π/2 in three parts of 33 bits, with what each step rounds kept; beyond, the
//! product with 2/π to 1200 bits, which only such arguments pay for.

use super::exp::TO_WHOLE;

/// Arguments up to here are reduced in floats.
const FAST: f64 = 1_600_000.0;

/// An argument less a multiple of π/2.
struct Reduced {
    /// The multiple, of which two bits count.
    quadrant: u64,
    /// At most about π/4.
    high: f64,
    /// What `high` lost.
    low: f64,
}

/// `a + b` and what it lost.
#[inline(always)]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

#[inline(always)]
fn reduce(x: f64) -> Reduced {
    const PIO2_1: f64 = f64::from_bits(0x3ff9_21fb_5440_0000);
    const PIO2_2: f64 = f64::from_bits(0x3dd0_b461_1a60_0000);
    const PIO2_3: f64 = f64::from_bits(0x3ba3_198a_2e00_0000);
    const PIO2_REST: f64 = f64::from_bits(0x397b_839a_2520_49c1);
    let sum = x * std::f64::consts::FRAC_2_PI + TO_WHOLE;
    let n = sum - TO_WHOLE;
    // The products are exact, and so is the first difference.
    let (t, first) = two_sum(x - n * PIO2_1, -(n * PIO2_2));
    let (t, second) = two_sum(t, -(n * PIO2_3));
    let (high, low) = two_sum(t, first + (second - n * PIO2_REST));
    Reduced { quadrant: sum.to_bits(), high, low }
}

/// The sine of a reduced argument.
#[inline(always)]
fn sin_of(x: f64, low: f64) -> f64 {
    const S1: f64 = -1.666_666_666_666_663_2e-1;
    const S2: f64 = 8.333_333_333_322_49e-3;
    const S3: f64 = -1.984_126_982_985_795e-4;
    const S4: f64 = 2.755_731_370_707_006_8e-6;
    const S5: f64 = -2.505_076_025_340_686_3e-8;
    const S6: f64 = 1.589_690_995_211_55e-10;
    let z = x * x;
    let w = z * z;
    let r = S2 + z * (S3 + z * S4) + z * w * (S5 + z * S6);
    let v = z * x;
    x - ((z * (0.5 * low - v * r) - low) - v * S1)
}

/// The cosine of a reduced argument.
#[inline(always)]
fn cos_of(x: f64, low: f64) -> f64 {
    const C1: f64 = 4.166_666_666_666_66e-2;
    const C2: f64 = -1.388_888_888_887_411e-3;
    const C3: f64 = 2.480_158_728_947_673e-5;
    const C4: f64 = -2.755_731_435_139_066_3e-7;
    const C5: f64 = 2.087_572_321_298_175e-9;
    const C6: f64 = -1.135_964_755_778_819_5e-11;
    let z = x * x;
    let w = z * z;
    let r = z * (C1 + z * (C2 + z * C3)) + w * w * (C4 + z * (C5 + z * C6));
    let half = 0.5 * z;
    let w = 1.0 - half;
    w + (((1.0 - w) - half) + (z * r - x * low))
}

/// The sine after `turns` quarter turns more.
#[inline(always)]
fn quarter(reduced: &Reduced, turns: u64) -> f64 {
    let quadrant = reduced.quadrant.wrapping_add(turns);
    let (sin, cos) = (sin_of(reduced.high, reduced.low), cos_of(reduced.high, reduced.low));
    let value = if quadrant & 1 == 0 { sin } else { cos };
    f64::from_bits(value.to_bits() ^ ((quadrant & 2) << 62))
}

/// Whether the argument is reduced in floats; NaN is not.
#[inline(always)]
pub(super) fn is_fast(x: f64) -> bool {
    x.abs() <= FAST
}

/// [`sin`] of what [`is_fast`].
#[inline(always)]
pub(super) fn sin_fast(x: f64) -> f64 {
    let result = quarter(&reduce(x), 0);
    if x.abs() < 1e-300 { x } else { result }
}

/// [`cos`] of what [`is_fast`].
#[inline(always)]
pub(super) fn cos_fast(x: f64) -> f64 {
    quarter(&reduce(x), 1)
}

/// [`tan`] of what [`is_fast`].
#[inline(always)]
pub(super) fn tan_fast(x: f64) -> f64 {
    let reduced = reduce(x);
    let result = quarter(&reduced, 0) / quarter(&reduced, 1);
    if x.abs() < 1e-300 { x } else { result }
}

/// The sine; less than 2 ulp off.
#[must_use]
pub fn sin(x: f64) -> f64 {
    if is_fast(x) { sin_fast(x) } else { quarter(&reduce_far(x), 0) }
}

/// The cosine; less than 2 ulp off.
#[must_use]
pub fn cos(x: f64) -> f64 {
    if is_fast(x) { cos_fast(x) } else { quarter(&reduce_far(x), 1) }
}

/// The tangent; less than 3 ulp off.
#[must_use]
pub fn tan(x: f64) -> f64 {
    if is_fast(x) {
        tan_fast(x)
    } else {
        let reduced = reduce_far(x);
        quarter(&reduced, 0) / quarter(&reduced, 1)
    }
}

/// The first 1216 bits of 2/π after the point.
const TWO_OVER_PI: [u64; 19] = [
    0xA2F9_836E_4E44_1529,
    0xFC27_57D1_F534_DDC0,
    0xDB62_9599_3C43_9041,
    0xFE51_63AB_DEBB_C561,
    0xB724_6E3A_424D_D2E0,
    0x0649_2EEA_09D1_921C,
    0xFE1D_EB1C_B129_A73E,
    0xE882_35F5_2EBB_4484,
    0xE99C_7026_B45F_7E41,
    0x3991_D639_8353_39F4,
    0x9C84_5F8B_BDF9_283B,
    0x1FF8_97FF_DE05_980F,
    0xEF2F_118B_5A0A_6D1F,
    0x6D36_7ECF_27CB_09B7,
    0x4F46_3F66_9E5F_EA2D,
    0x7527_BAC7_EBE5_F17B,
    0x3D07_39F7_8A52_92EA,
    0x6BFB_5FB1_1F8D_5D08,
    0x5603_3046_FC7B_6BAB,
];

/// 64 bits of 2/π from a bit on; bit 0 is the first after the point, bits before it are 0.
fn two_over_pi(from: i32) -> u64 {
    let word = |index: i32| usize::try_from(index).ok().and_then(|index| TWO_OVER_PI.get(index)).copied().unwrap_or(0);
    let (index, shift) = (from.div_euclid(64), from.rem_euclid(64));
    let bits = u128::from(word(index)) << 64 | u128::from(word(index + 1));
    (bits << shift >> 64) as u64
}

/// For great arguments: the bits of `x * 2/π` around the point, in integers.
#[cold]
fn reduce_far(x: f64) -> Reduced {
    if !x.is_finite() {
        return Reduced { quadrant: 0, high: f64::NAN, low: 0.0 };
    }
    let bits = x.abs().to_bits();
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    // x = mantissa * 2^exponent, exponent not below -32: bits of 2/π above 2^(2 - exponent) only give whole turns.
    let exponent = (bits >> 52) as i32 - 1075;
    let from = exponent - 2;
    // mantissa * (four words of 2/π), least word first, modulo 2^256: its top two bits are the quadrant.
    let mut product = [0_u64; 4];
    let mut carry = 0_u128;
    for (word, at) in product.iter_mut().zip((0..4).rev()) {
        let sum = u128::from(mantissa) * u128::from(two_over_pi(from + 64 * at)) + carry;
        *word = sum as u64;
        carry = sum >> 64;
    }
    let mut quadrant = product[3] >> 62;
    // The part below the point, 254 bits, of which the first 126 are enough for any float.
    let fraction =
        u128::from(product[3] << 2 | product[2] >> 62) << 64 | u128::from(product[2] << 2 | product[1] >> 62);
    // To the nearest quarter: the sign of a two's complement.
    let is_negative = fraction >> 127 == 1;
    quadrant += u64::from(is_negative);
    let size = if is_negative { fraction.wrapping_neg() } else { fraction };
    debug_assert_ne!(size, 0, "no float is a multiple of a quarter turn");
    // size / 2^128 of a quarter turn, in two floats: 53 bits, and what follows them.
    let shift = size.leading_zeros().min(127);
    let normal = size << shift;
    let high_bits = (normal >> 75) as u64;
    let low_bits = (normal << 53 >> 75) as u64;
    let unit = power_of_two(-(53 + shift as i32));
    let (a, b) = (high_bits as f64 * unit, low_bits as f64 * unit * power_of_two(-53));
    // Times π/2, itself in two floats; the product's first part is split so that its loss is known.
    const PI_HIGH: f64 = std::f64::consts::FRAC_PI_2;
    const PI_LOW: f64 = 6.123_233_995_736_766e-17;
    let high = a * PI_HIGH;
    let low = product_loss(a, PI_HIGH, high) + (a * PI_LOW + b * PI_HIGH);
    let (high, low) = (high + low, low - ((high + low) - high));
    let (high, low) = if is_negative { (-high, -low) } else { (high, low) };
    if x < 0.0 {
        Reduced { quadrant: quadrant.wrapping_neg(), high: -high, low: -low }
    } else {
        Reduced { quadrant, high, low }
    }
}

/// `2^n` of a normal float.
fn power_of_two(n: i32) -> f64 {
    f64::from_bits(((n + 1023) as u64) << 52)
}

/// `a * b - product`, exactly (Dekker).
pub(super) fn product_loss(a: f64, b: f64, product: f64) -> f64 {
    let split = |x: f64| {
        let high = f64::from_bits(x.to_bits() & 0xffff_ffff_f800_0000);
        (high, x - high)
    };
    let ((a1, a2), (b1, b2)) = (split(a), split(b));
    ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2
}
