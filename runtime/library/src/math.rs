//! Vectorisable functions of floats: the same bits on every machine, and inside vectors and outside of them.
//!
//! They use nothing but IEEE `+ - * /`, truncation, comparisons and bits, in one fixed order, without branches that depend
//! on the values and without fused multiply-add, so that a loop over a slice becomes vector code and cannot change a
//! result. (Sine and its like treat arguments beyond 1.6 million in a second pass.) Special values give what std gives; each
//! function states how far from the exact value it may be. `tests` below holds them to it: on dense random arguments none
//! is farther from std's value, itself less than one ulp off, than [`FARTHEST`] says.

mod exp;
mod fast;
mod log;
mod power;
#[cfg(test)]
mod tests;
mod trig;

pub use exp::{cosh, exp, exp_m1, exp2, sinh, tanh};
pub use fast::FastMath;
pub use log::{ln, ln_1p, log2, log10};
pub use power::pow;
pub use trig::{cos, sin, tan};

/// The functions of one argument, and by how many ulp each may differ from std's value.
pub const FARTHEST: [(&str, fn(f64) -> f64, u64); 13] = [
    ("exp", exp, 1),
    ("exp2", exp2, 1),
    ("exp_m1", exp_m1, 1),
    ("ln", ln, 1),
    ("ln_1p", ln_1p, 1),
    ("log2", log2, 1),
    ("log10", log10, 2),
    ("sin", sin, 1),
    ("cos", cos, 1),
    ("tan", tan, 2),
    ("sinh", sinh, 3),
    ("cosh", cosh, 3),
    ("tanh", tanh, 3),
];

/// The square root, which is exact to the last bit everywhere.
#[must_use]
#[inline(always)]
pub fn sqrt(x: f64) -> f64 {
    x.sqrt()
}

/// The same function over slices, element by element.
macro_rules! slices {
    ($($(#[$doc:meta])* $slice:ident $name:ident;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Panics
            /// If the slices differ in length.
            #[inline(always)]
            pub fn $slice(x: &[f64], out: &mut [f64]) {
                assert_eq!(x.len(), out.len(), "an argument for each result");
                for (out, x) in out.iter_mut().zip(x) {
                    *out = $name(*x);
                }
            }
        )*
    };
}

slices! {
    /// [`exp()`] of each.
    exp_slice exp;
    /// [`exp2()`] of each.
    exp2_slice exp2;
    /// [`exp_m1()`] of each.
    exp_m1_slice exp_m1;
    /// [`ln`] of each.
    ln_slice ln;
    /// [`ln_1p`] of each.
    ln_1p_slice ln_1p;
    /// [`log2`] of each.
    log2_slice log2;
    /// [`log10`] of each.
    log10_slice log10;
    /// [`sinh`] of each.
    sinh_slice sinh;
    /// [`cosh`] of each.
    cosh_slice cosh;
    /// [`tanh`] of each.
    tanh_slice tanh;
}

/// Slices of functions that treat great arguments apart.
macro_rules! slices_in_two_passes {
    ($($(#[$doc:meta])* $slice:ident $name:ident $fast:ident;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Panics
            /// If the slices differ in length.
            #[inline(always)]
            pub fn $slice(x: &[f64], out: &mut [f64]) {
                assert_eq!(x.len(), out.len(), "an argument for each result");
                let mut all_fast = true;
                for (out, x) in out.iter_mut().zip(x) {
                    *out = trig::$fast(*x);
                    all_fast &= trig::is_fast(*x);
                }
                if !all_fast {
                    for (out, x) in out.iter_mut().zip(x).filter(|(_, x)| !trig::is_fast(**x)) {
                        *out = $name(*x);
                    }
                }
            }
        )*
    };
}

slices_in_two_passes! {
    /// [`sin`] of each.
    sin_slice sin sin_fast;
    /// [`cos`] of each.
    cos_slice cos cos_fast;
    /// [`tan`] of each.
    tan_slice tan tan_fast;
}

/// [`pow`] of each pair.
///
/// # Panics
/// If the slices differ in length.
#[inline(always)]
pub fn pow_slice(x: &[f64], y: &[f64], out: &mut [f64]) {
    assert!(x.len() == out.len() && y.len() == out.len(), "arguments for each result");
    for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
        *out = pow(*x, *y);
    }
}
