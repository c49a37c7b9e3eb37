//! `pow`: fdlibm's, the logarithm of base 2 in two floats times the exponent, without its branches.

use super::exp::{TO_WHOLE, scale};

/// The float with the low half of its bits cleared.
#[inline(always)]
fn high_of(x: f64) -> f64 {
    f64::from_bits(x.to_bits() & 0xffff_ffff_0000_0000)
}

/// `log2(x)` of a positive number in two floats, the first of at most 21 bits after its exponent's.
#[inline(always)]
fn log2_in_two(x: f64) -> (f64, f64) {
    const L1: f64 = f64::from_bits(0x3fe3_3333_3333_3303);
    const L2: f64 = f64::from_bits(0x3fdb_6db6_db6f_abff);
    const L3: f64 = f64::from_bits(0x3fd5_5555_518f_264d);
    const L4: f64 = f64::from_bits(0x3fd1_7460_a91d_4101);
    const L5: f64 = f64::from_bits(0x3fcd_864a_93c9_db65);
    const L6: f64 = f64::from_bits(0x3fca_7e28_4a45_4eef);
    const CP: f64 = f64::from_bits(0x3fee_c709_dc3a_03fd);
    const CP_HIGH: f64 = f64::from_bits(0x3fee_c709_e000_0000);
    const CP_LOW: f64 = f64::from_bits(0xbe3e_2fe0_145b_01f5);
    const LOG2_15_HIGH: f64 = f64::from_bits(0x3fe2_b803_4000_0000);
    const LOG2_15_LOW: f64 = f64::from_bits(0x3e4c_fdeb_43cf_d006);
    let is_small = x < f64::MIN_POSITIVE;
    let bits = (if is_small { x * 9_007_199_254_740_992.0 } else { x }).to_bits();
    let bias = if is_small { 1023.0 + 53.0 } else { 1023.0 };
    let exponent = f64::from_bits(TO_WHOLE.to_bits() | (bits >> 52)) - TO_WHOLE - bias;
    let mantissa = bits & 0x000f_ffff_ffff_ffff;
    // Below sqrt(3/2) beside 1, below sqrt(3) beside 3/2, above beside 2.
    let beside_2 = mantissa >= 0x000b_b67a_0000_0000;
    let beside_15 = !beside_2 & (mantissa > 0x0003_988e_ffff_ffff);
    let n = if beside_2 { exponent + 1.0 } else { exponent };
    let top = if beside_2 { 0x3fe0_0000_0000_0000 } else { 0x3ff0_0000_0000_0000 };
    let ax = f64::from_bits(mantissa | top);
    let base = if beside_15 { 1.5 } else { 1.0 };
    let u = ax - base;
    let v = 1.0 / (ax + base);
    let ss = u * v;
    let s_high = high_of(ss);
    let t_bits = ((ax.to_bits() >> 33) | 0x2000_0000) + 0x0008_0000 + if beside_15 { 0x0004_0000 } else { 0 };
    let t_high = f64::from_bits(t_bits << 32);
    let t_low = ax - (t_high - base);
    let s_low = v * ((u - s_high * t_high) - s_high * t_low);
    let s2 = ss * ss;
    let r = s2 * s2 * (L1 + s2 * (L2 + s2 * (L3 + s2 * (L4 + s2 * (L5 + s2 * L6)))));
    let r = r + s_low * (s_high + ss);
    let s2 = s_high * s_high;
    let t_high = high_of(3.0 + s2 + r);
    let t_low = r - ((t_high - 3.0) - s2);
    let u = s_high * t_high;
    let v = s_low * t_high + t_low * ss;
    let p_high = high_of(u + v);
    let p_low = v - (p_high - u);
    let z_high = CP_HIGH * p_high;
    let base_high = if beside_15 { LOG2_15_HIGH } else { 0.0 };
    let base_low = if beside_15 { LOG2_15_LOW } else { 0.0 };
    let z_low = CP_LOW * p_high + p_low * CP + base_low;
    let first = high_of(((z_high + z_low) + base_high) + n);
    (first, z_low - (((first - n) - base_high) - z_high))
}

/// `2^(high + low)`.
#[inline(always)]
fn exp2_of_two(high: f64, low: f64) -> f64 {
    const P1: f64 = 1.666_666_666_666_660_2e-1;
    const P2: f64 = -2.777_777_777_701_559_3e-3;
    const P3: f64 = 6.613_756_321_437_934e-5;
    const P4: f64 = -1.653_390_220_546_525_2e-6;
    const P5: f64 = 4.138_136_797_057_238_5e-8;
    const LN2: f64 = f64::from_bits(0x3fe6_2e42_fefa_39ef);
    const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e43_0000_0000);
    const LN2_LOW: f64 = f64::from_bits(0xbe20_5c61_0ca8_6c39);
    // Far out it is infinite or 0 whatever the digits are.
    let is_far = high.abs() > 1100.0;
    let low = if is_far { 0.0 } else { low };
    let high = if is_far { 1100.0_f64.copysign(high) } else { high };
    let sum = (high + low) + TO_WHOLE;
    let high = high - (sum - TO_WHOLE);
    let t = high_of(low + high);
    let u = t * LN2_HIGH;
    let v = (low - (t - high)) * LN2 + t * LN2_LOW;
    let z = u + v;
    let w = v - (z - u);
    let t = z * z;
    let t1 = z - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5))));
    let r = (z * t1) / (t1 - 2.0) - (w + z * w);
    scale(1.0 - (r - z), sum)
}

/// x to the power of y; less than 2 ulp off.
#[must_use]
#[inline(always)]
pub fn pow(x: f64, y: f64) -> f64 {
    let size = x.abs();
    let (log, log_low) = log2_in_two(size);
    let y_high = high_of(y);
    let result = exp2_of_two(y_high * log, (y - y_high) * log + y * log_low);
    // Zero and infinity stay, or change places.
    let is_pole = (size == 0.0) | (size == f64::INFINITY);
    let pole = if y < 0.0 { 1.0 / size } else { size };
    let result = if is_pole { pole } else { result };
    let grows = (size > 1.0) == (y > 0.0);
    let far = if grows { f64::INFINITY } else { 0.0 };
    let far = if size == 1.0 { 1.0 } else { far };
    let result = if y.abs() == f64::INFINITY { far } else { result };
    // Of negative numbers only whole powers, odd ones negative.
    let is_whole = y.trunc() == y;
    let is_odd = is_whole & ((0.5 * y).trunc() != 0.5 * y);
    let is_negative = x.is_sign_negative();
    let result = if is_negative & is_odd { -result } else { result };
    let result = if is_negative & !is_whole & !is_pole { f64::NAN } else { result };
    let result = if x.is_nan() | y.is_nan() { f64::NAN } else { result };
    if (y == 0.0) | (x == 1.0) { 1.0 } else { result }
}
