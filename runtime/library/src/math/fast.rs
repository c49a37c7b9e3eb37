//! The functions of this module as methods, for `#[sabot::udf(math = "fast")]`: the attribute calls them in the place of
//! std's.

/// Methods of floats that compute as `sabot::math` does. Of an `f32` they go through `f64` and round once more.
pub trait FastMath: Sized {
    /// [`super::exp()`].
    #[must_use]
    fn fast_exp(self) -> Self;
    /// [`super::exp2()`].
    #[must_use]
    fn fast_exp2(self) -> Self;
    /// [`super::exp_m1()`].
    #[must_use]
    fn fast_exp_m1(self) -> Self;
    /// [`super::ln`].
    #[must_use]
    fn fast_ln(self) -> Self;
    /// [`super::ln_1p`].
    #[must_use]
    fn fast_ln_1p(self) -> Self;
    /// [`super::log2`].
    #[must_use]
    fn fast_log2(self) -> Self;
    /// [`super::log10`].
    #[must_use]
    fn fast_log10(self) -> Self;
    /// [`super::sin`].
    #[must_use]
    fn fast_sin(self) -> Self;
    /// [`super::cos`].
    #[must_use]
    fn fast_cos(self) -> Self;
    /// [`super::tan`].
    #[must_use]
    fn fast_tan(self) -> Self;
    /// [`super::sinh`].
    #[must_use]
    fn fast_sinh(self) -> Self;
    /// [`super::cosh`].
    #[must_use]
    fn fast_cosh(self) -> Self;
    /// [`super::tanh`].
    #[must_use]
    fn fast_tanh(self) -> Self;
    /// [`super::pow`].
    #[must_use]
    fn fast_powf(self, y: Self) -> Self;
}

macro_rules! methods {
    ($($method:ident $function:ident;)*) => {
        impl FastMath for f64 {
            $(
                fn $method(self) -> Self {
                    super::$function(self)
                }
            )*

            fn fast_powf(self, y: Self) -> Self {
                super::pow(self, y)
            }
        }

        impl FastMath for f32 {
            $(
                fn $method(self) -> Self {
                    super::$function(f64::from(self)) as Self
                }
            )*

            fn fast_powf(self, y: Self) -> Self {
                super::pow(f64::from(self), f64::from(y)) as Self
            }
        }
    };
}

methods! {
    fast_exp exp;
    fast_exp2 exp2;
    fast_exp_m1 exp_m1;
    fast_ln ln;
    fast_ln_1p ln_1p;
    fast_log2 log2;
    fast_log10 log10;
    fast_sin sin;
    fast_cos cos;
    fast_tan tan;
    fast_sinh sinh;
    fast_cosh cosh;
    fast_tanh tanh;
}
