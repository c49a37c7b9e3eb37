//! Functions of floats over blocks of 64 rows, and `sabot::math`.
//!
//! A kernel computes 64 arguments, calls, and goes on with 64 results. Functions of std are called for one value after the
//! other; those of `sabot::math` are compiled for the vectors of several processors, with the same bits on each: they do
//! the same operations in the same order, and nothing contracts them.

use sabot_library::math;

/// Rows of a block.
const ROWS: usize = 64;

/// 64 values that a kernel lends.
fn block(values: &*const u8) -> &[f64; ROWS] {
    // SAFETY: kernels pass the address of 64 floats on their stack, which they have filled, aligned to 16.
    unsafe { &*values.cast() }
}

/// Room for 64 results.
fn room(values: &mut *const u8) -> &mut [f64; ROWS] {
    // SAFETY: as above; it is another place than those of the arguments, and all bits are floats.
    unsafe { &mut *values.cast_mut().cast() }
}

macro_rules! std_blocks {
    ($($name:ident $method:ident;)*) => {
        $(
            pub(crate) extern "C" fn $name(x: *const u8, mut out: *const u8) -> i64 {
                for (out, x) in room(&mut out).iter_mut().zip(block(&x)) {
                    *out = x.$method();
                }
                0
            }
        )*
    };
}

std_blocks! {
    exp_block exp;
    exp2_block exp2;
    exp_m1_block exp_m1;
    ln_block ln;
    ln_1p_block ln_1p;
    log2_block log2;
    log10_block log10;
    sin_block sin;
    cos_block cos;
    tan_block tan;
    asin_block asin;
    acos_block acos;
    atan_block atan;
    sinh_block sinh;
    cosh_block cosh;
    tanh_block tanh;
    cbrt_block cbrt;
}

macro_rules! std_blocks_of_two {
    ($($name:ident $method:ident;)*) => {
        $(
            pub(crate) extern "C" fn $name(x: *const u8, y: *const u8, mut out: *const u8) -> i64 {
                for ((out, x), y) in room(&mut out).iter_mut().zip(block(&x)).zip(block(&y)) {
                    *out = x.$method(*y);
                }
                0
            }
        )*
    };
}

std_blocks_of_two! {
    powf_block powf;
    atan2_block atan2;
    hypot_block hypot;
}

/// Calls a function of slices, compiled for the widest vectors that this processor has.
macro_rules! in_widest_vectors {
    ($slice:ident($($arg:ident),*), $out:ident) => {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
            fn in_512($($arg: &[f64; ROWS],)* out: &mut [f64; ROWS]) {
                math::$slice($($arg,)* out);
            }
            #[target_feature(enable = "avx2")]
            fn in_256($($arg: &[f64; ROWS],)* out: &mut [f64; ROWS]) {
                math::$slice($($arg,)* out);
            }
            if is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                // SAFETY: the processor has what the function is compiled for.
                unsafe { in_512($($arg,)* $out) };
                return 0;
            }
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has what the function is compiled for.
                unsafe { in_256($($arg,)* $out) };
                return 0;
            }
        }
        math::$slice($($arg,)* $out);
    };
}

macro_rules! fast_functions {
    ($($one:ident $block:ident $function:ident $slice:ident;)*) => {
        $(
            pub(crate) extern "C" fn $one(x: f64) -> f64 {
                math::$function(x)
            }

            pub(crate) extern "C" fn $block(x: *const u8, mut out: *const u8) -> i64 {
                let (x, out) = (block(&x), room(&mut out));
                in_widest_vectors!($slice(x), out);
                0
            }
        )*
    };
}

fast_functions! {
    fast_exp fast_exp_block exp exp_slice;
    fast_exp2 fast_exp2_block exp2 exp2_slice;
    fast_exp_m1 fast_exp_m1_block exp_m1 exp_m1_slice;
    fast_ln fast_ln_block ln ln_slice;
    fast_ln_1p fast_ln_1p_block ln_1p ln_1p_slice;
    fast_log2 fast_log2_block log2 log2_slice;
    fast_log10 fast_log10_block log10 log10_slice;
    fast_sin fast_sin_block sin sin_slice;
    fast_cos fast_cos_block cos cos_slice;
    fast_tan fast_tan_block tan tan_slice;
    fast_sinh fast_sinh_block sinh sinh_slice;
    fast_cosh fast_cosh_block cosh cosh_slice;
    fast_tanh fast_tanh_block tanh tanh_slice;
}

pub(crate) extern "C" fn fast_pow(x: f64, y: f64) -> f64 {
    math::pow(x, y)
}

pub(crate) extern "C" fn fast_pow_block(x: *const u8, y: *const u8, mut out: *const u8) -> i64 {
    let (x, y, out) = (block(&x), block(&y), room(&mut out));
    in_widest_vectors!(pow_slice(x, y), out);
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever vectors this machine has, the bits are those of one value after the other.
    #[test]
    fn vectors_do_not_change_a_bit() {
        type Of64 = extern "C" fn(*const u8, *const u8) -> i64;
        let functions: [(fn(f64) -> f64, Of64); 13] = [
            (math::exp, fast_exp_block),
            (math::exp2, fast_exp2_block),
            (math::exp_m1, fast_exp_m1_block),
            (math::ln, fast_ln_block),
            (math::ln_1p, fast_ln_1p_block),
            (math::log2, fast_log2_block),
            (math::log10, fast_log10_block),
            (math::sin, fast_sin_block),
            (math::cos, fast_cos_block),
            (math::tan, fast_tan_block),
            (math::sinh, fast_sinh_block),
            (math::cosh, fast_cosh_block),
            (math::tanh, fast_tanh_block),
        ];
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for round in 0..2_000 {
            let x: [f64; ROWS] = std::array::from_fn(|_| {
                bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let unit = (bits >> 11) as f64 / (1_u64 << 53) as f64;
                match round % 3 {
                    0 => f64::from_bits(bits),
                    1 => (unit - 0.5) * 1400.0,
                    _ => unit * 3.0,
                }
            });
            let mut out = [0.0_f64; ROWS];
            for (one, of_64) in functions {
                of_64(x.as_ptr().cast(), out.as_mut_ptr().cast_const().cast());
                for (x, out) in x.iter().zip(&out) {
                    let single = one(*x);
                    assert!(single.to_bits() == out.to_bits() || (single.is_nan() && out.is_nan()), "{x:?}");
                }
            }
            let y: [f64; ROWS] = std::array::from_fn(|at| x[ROWS - 1 - at] / 7.0);
            fast_pow_block(x.as_ptr().cast(), y.as_ptr().cast(), out.as_mut_ptr().cast_const().cast());
            for ((x, y), out) in x.iter().zip(&y).zip(&out) {
                let single = math::pow(*x, *y);
                assert!(single.to_bits() == out.to_bits() || (single.is_nan() && out.is_nan()), "{x:?} {y:?}");
            }
        }
    }
}
