//! Vectorisable functions of floats: the same bits on every machine, and inside vectors and outside of them.
//!
//! They use nothing but IEEE `+ - * /`, comparisons and bits, in one fixed order, without branches that depend on the
//! values and without fused multiply-add, so that a loop over a slice becomes vector code and cannot change a result.
//! Each states its largest error, found by the tests below against 128-bit arithmetic or std on dense random arguments.
//! Special values give what std gives.

mod exp;
mod log;

pub use exp::{exp, exp2};
pub use log::{ln, log2, log10};

/// The same function over slices, element by element; both have the same length.
macro_rules! slices {
    ($($(#[$doc:meta])* $slice:ident $name:ident;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Panics
            /// If the slices differ in length.
            #[inline]
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
    /// [`ln`] of each.
    ln_slice ln;
    /// [`log2`] of each.
    log2_slice log2;
    /// [`log10`] of each.
    log10_slice log10;
}
