//! The functions of `sabot::math`: the same bits on every machine and in vectors, near std's to a stated distance.

macro_rules! fast_functions {
    ($($variant:ident $name:ident $arity:literal, $doc:literal;)*) => {
        /// A function of `sabot::math`, of `f64`s.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum FastFunction {
            $(#[doc = $doc] $variant,)*
        }

        impl FastFunction {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name in `sabot::math`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($name),)*
                }
            }

            /// How many arguments it takes.
            #[must_use]
            pub fn arity(self) -> usize {
                match self {
                    $(Self::$variant => $arity,)*
                }
            }
        }
    };
}

fast_functions! {
    Exp exp 1, "`math::exp(x)`";
    Exp2 exp2 1, "`math::exp2(x)`";
    ExpM1 exp_m1 1, "`math::exp_m1(x)`";
    Ln ln 1, "`math::ln(x)`";
    Ln1p ln_1p 1, "`math::ln_1p(x)`";
    Log2 log2 1, "`math::log2(x)`";
    Log10 log10 1, "`math::log10(x)`";
    Sin sin 1, "`math::sin(x)`";
    Cos cos 1, "`math::cos(x)`";
    Tan tan 1, "`math::tan(x)`";
    Sinh sinh 1, "`math::sinh(x)`";
    Cosh cosh 1, "`math::cosh(x)`";
    Tanh tanh 1, "`math::tanh(x)`";
    Pow pow 2, "`math::pow(x, y)`";
}

impl FastFunction {
    /// The function of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|function| function.name() == name)
    }
}
