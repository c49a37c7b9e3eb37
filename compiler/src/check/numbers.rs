//! Methods of numbers that are said in terms of others: each is a piece of the job language itself.
//!
//! In the code `x` is the receiver and `a` the argument, each evaluated once. `$T` is the receiver's type, `$U` the unsigned type
//! of its width, `$M` its bits less one. What std does in each case, panics included, the code does, with the span of the call.

use super::hir::Hir;
use super::infer::Body;
use super::types::Ty;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{self, Name};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

/// What the argument must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Arg {
    No,
    /// The type of the receiver.
    Own,
    U32,
}

/// Which numbers have the method.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Integers,
    Signed,
    Unsigned,
    F32,
    F64,
    Floats,
}

impl Of {
    fn holds(self, ty: &Ty) -> bool {
        match self {
            Self::Integers => ty.is_integer(),
            Self::Signed => ty.is_signed(),
            Self::Unsigned => ty.is_integer() && !ty.is_signed(),
            Self::F32 => *ty == Ty::Scalar(Type::Float32),
            Self::F64 => *ty == Ty::Scalar(Type::Float64),
            Self::Floats => ty.is_float(),
        }
    }
}

/// Name, whose it is, its argument, its code.
type Method = (&'static str, Of, Arg, &'static str);

const METHODS: &[Method] = &[
    ("count_zeros", Of::Integers, Arg::No, "(!x).count_ones()"),
    ("leading_ones", Of::Integers, Arg::No, "(!x).leading_zeros()"),
    ("trailing_ones", Of::Integers, Arg::No, "(!x).trailing_zeros()"),
    ("rotate_left", Of::Integers, Arg::U32, "((x as $U) << (a & $M) | (x as $U) >> (a.wrapping_neg() & $M)) as $T"),
    ("rotate_right", Of::Integers, Arg::U32, "((x as $U) >> (a & $M) | (x as $U) << (a.wrapping_neg() & $M)) as $T"),
    ("is_power_of_two", Of::Unsigned, Arg::No, "x.count_ones() == 1"),
    ("unsigned_abs", Of::Signed, Arg::No, "x.abs_diff(0)"),
    ("wrapping_div", Of::Signed, Arg::Own, "if a == -1 { x.wrapping_neg() } else { x / a }"),
    ("wrapping_div", Of::Unsigned, Arg::Own, "x / a"),
    ("wrapping_rem", Of::Signed, Arg::Own, "if a == -1 { 0 } else { x % a }"),
    ("wrapping_rem", Of::Unsigned, Arg::Own, "x % a"),
    ("wrapping_shl", Of::Integers, Arg::U32, "x << (a & $M)"),
    ("wrapping_shr", Of::Integers, Arg::U32, "x >> (a & $M)"),
    ("checked_shl", Of::Integers, Arg::U32, "if a <= $M { Some(x << a) } else { None }"),
    ("checked_shr", Of::Integers, Arg::U32, "if a <= $M { Some(x >> a) } else { None }"),
    ("checked_neg", Of::Integers, Arg::No, "(0 as $T).checked_sub(x)"),
    ("checked_abs", Of::Signed, Arg::No, "if x < 0 { (0 as $T).checked_sub(x) } else { Some(x) }"),
    ("saturating_neg", Of::Signed, Arg::No, "(0 as $T).saturating_sub(x)"),
    ("saturating_abs", Of::Signed, Arg::No, "if x < 0 { (0 as $T).saturating_sub(x) } else { x }"),
    ("overflowing_add", Of::Integers, Arg::Own, "(x.wrapping_add(a), x.checked_add(a).is_none())"),
    ("overflowing_sub", Of::Integers, Arg::Own, "(x.wrapping_sub(a), x.checked_sub(a).is_none())"),
    ("overflowing_mul", Of::Integers, Arg::Own, "(x.wrapping_mul(a), x.checked_mul(a).is_none())"),
    ("div_ceil", Of::Unsigned, Arg::Own, "if x % a == 0 { x / a } else { x / a + 1 }"),
    ("next_multiple_of", Of::Unsigned, Arg::Own, "if x % a == 0 { x } else { x + (a - x % a) }"),
    ("checked_ilog2", Of::Integers, Arg::No, "if x > 0 { Some($M - x.leading_zeros()) } else { None }"),
    ("checked_pow", Of::Integers, Arg::U32, CHECKED_POW),
    ("wrapping_pow", Of::Integers, Arg::U32, WRAPPING_POW),
    (
        "saturating_pow",
        Of::Signed,
        Arg::U32,
        "match x.checked_pow(a) { Some(y) => y, None => if x < 0 && a % 2 == 1 { $T::MIN } else { $T::MAX } }",
    ),
    ("saturating_pow", Of::Unsigned, Arg::U32, "x.checked_pow(a).unwrap_or($T::MAX)"),
    ("overflowing_pow", Of::Integers, Arg::U32, "(x.wrapping_pow(a), x.checked_pow(a).is_none())"),
    ("isqrt", Of::Unsigned, Arg::No, ROOT),
    (
        "isqrt",
        Of::Signed,
        Arg::No,
        "if x < 0 { panic!(\"argument of integer square root cannot be negative\") } ((x as $U).isqrt()) as $T",
    ),
    ("checked_isqrt", Of::Signed, Arg::No, "if x < 0 { None } else { Some(((x as $U).isqrt()) as $T) }"),
    (
        "ilog2",
        Of::Integers,
        Arg::No,
        "if x <= 0 { panic!(\"argument of integer logarithm must be positive\") } $M - x.leading_zeros()",
    ),
    (
        "ilog10",
        Of::Integers,
        Arg::No,
        "if x <= 0 { panic!(\"argument of integer logarithm must be positive\") } \
         let mut n = 0u32; let mut y = x; while y >= 10 { y /= 10; n += 1; } n",
    ),
    (
        "ilog",
        Of::Integers,
        Arg::Own,
        "if a < 2 { panic!(\"base of integer logarithm must be at least 2\") } \
         if x <= 0 { panic!(\"argument of integer logarithm must be positive\") } \
         let mut n = 0u32; let mut y = x; while y >= a { y /= a; n += 1; } n",
    ),
    ("checked_ilog10", Of::Integers, Arg::No, "if x <= 0 { None } else { Some(x.ilog10()) }"),
    ("checked_ilog", Of::Integers, Arg::Own, "if x <= 0 || a <= 1 { None } else { Some(x.ilog(a)) }"),
    (
        "next_power_of_two",
        Of::Unsigned,
        Arg::No,
        "if x <= 1 { 1 } else { (1 as $T) << ($M + 1 - (x - 1).leading_zeros()) }",
    ),
    (
        "checked_next_power_of_two",
        Of::Unsigned,
        Arg::No,
        "if x <= 1 { Some(1) } else { (1 as $T).checked_shl($M + 1 - (x - 1).leading_zeros()) }",
    ),
    (
        "swap_bytes",
        Of::Integers,
        Arg::No,
        "let mut y = x as $U; let mut r = y & 255; let mut i = 8u32; \
         while i <= $M { y = y >> 4 >> 4; r = r << 4 << 4 | y & 255; i += 8; } r as $T",
    ),
    (
        "reverse_bits",
        Of::Integers,
        Arg::No,
        "let mut y = x as $U; let mut r = y & 1; let mut i = 1u32; \
         while i <= $M { y >>= 1; r = r << 1 | y & 1; i += 1; } r as $T",
    ),
    (
        "checked_div_euclid",
        Of::Signed,
        Arg::Own,
        "if a == 0 || (a == -1 && x == $T::MIN) { None } else { Some(x.div_euclid(a)) }",
    ),
    ("checked_div_euclid", Of::Unsigned, Arg::Own, "if a == 0 { None } else { Some(x / a) }"),
    (
        "checked_rem_euclid",
        Of::Signed,
        Arg::Own,
        "if a == 0 || (a == -1 && x == $T::MIN) { None } else { Some(x.rem_euclid(a)) }",
    ),
    ("checked_rem_euclid", Of::Unsigned, Arg::Own, "if a == 0 { None } else { Some(x % a) }"),
    (
        "checked_next_multiple_of",
        Of::Unsigned,
        Arg::Own,
        "if a == 0 { None } else if x % a == 0 { Some(x) } else { x.checked_add(a - x % a) }",
    ),
    ("is_multiple_of", Of::Unsigned, Arg::Own, "if a == 0 { x == 0 } else { x % a == 0 }"),
    ("midpoint", Of::Unsigned, Arg::Own, "(x & a) + ((x ^ a) >> 1)"),
    ("to_radians", Of::F64, Arg::No, "x * (std::f64::consts::PI / 180.0)"),
    ("to_radians", Of::F32, Arg::No, "x * (std::f32::consts::PI / 180.0)"),
    ("to_degrees", Of::F64, Arg::No, "x * (180.0 / std::f64::consts::PI)"),
    // std has this constant for precision: the quotient of two `f32`s would be another number.
    ("to_degrees", Of::F32, Arg::No, "x * 57.295_779_513_082_320_876_798_154_814_105_170_3_f32"),
    ("sin_cos", Of::Floats, Arg::No, "(x.sin(), x.cos())"),
    // Half a unit apart from both neighbours: the even one is twice the rounded half.
    (
        "round_ties_even",
        Of::Floats,
        Arg::No,
        "if (x - x.trunc()).abs() == 0.5 { 2.0 * (x / 2.0).round() } else { x.round() }",
    ),
    (
        "asinh",
        Of::Floats,
        Arg::No,
        "(x.abs() + (x.abs() / ((1.0 as $T).hypot(1.0 / x.abs()) + 1.0 / x.abs()))).ln_1p().copysign(x)",
    ),
    ("acosh", Of::Floats, Arg::No, "if x < 1.0 { $T::NAN } else { (x + ((x - 1.0).sqrt() * (x + 1.0).sqrt())).ln() }"),
    ("atanh", Of::Floats, Arg::No, "0.5 * ((2.0 * x) / (1.0 - x)).ln_1p()"),
];

/// By squares, as long as there is something left to multiply: the last square is not needed, and may be too large.
const CHECKED_POW: &str = "let mut base = x; let mut y: $T = 1; let mut n = a; let mut fits = true;
    while n > 0 && fits {
        if n % 2 == 1 { match y.checked_mul(base) { Some(z) => y = z, None => fits = false } }
        n /= 2;
        if n > 0 { match base.checked_mul(base) { Some(z) => base = z, None => fits = false } }
    }
    if fits { Some(y) } else { None }";

const WRAPPING_POW: &str = "let mut base = x; let mut y: $T = 1; let mut n = a;
    while n > 0 {
        if n % 2 == 1 { y = y.wrapping_mul(base); }
        base = base.wrapping_mul(base);
        n /= 2;
    }
    y";

/// The root of the nearest float is off by one at most.
const ROOT: &str = "let near = (x as f64).sqrt() as $T;
    let low = if near > 0 && near > x / near { near - 1 } else { near };
    if low + 1 <= x / (low + 1) { low + 1 } else { low }";

/// The names of the methods that a type has here.
pub(super) fn names(ty: &Ty) -> impl Iterator<Item = &'static str> {
    METHODS.iter().filter(|(_, of, ..)| of.holds(ty)).map(|(name, ..)| *name)
}

impl Body<'_, '_> {
    /// The method on a number, if it is one of those here.
    pub(super) fn number_method(
        &mut self,
        receiver: &Hir,
        ty: &Ty,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<Hir> {
        let (method, _, arg, code) = METHODS.iter().find(|(known, of, ..)| *known == name.text && of.holds(ty))?;
        let arg_ty = match arg {
            Arg::No => None,
            Arg::Own => Some(ty.clone()),
            Arg::U32 => Some(Ty::U32),
        };
        if args.len() != usize::from(arg_ty.is_some()) {
            return Some(self.wrong_arity(method, usize::from(arg_ty.is_some()), args, name.span, span));
        }
        let mut named = vec![("x", receiver.clone(), ty.clone())];
        if let (Some(arg_ty), [arg]) = (arg_ty, args) {
            named.push(("a", self.expect(arg, &arg_ty, Why::Argument { function: method, index: 0 }), arg_ty));
        }
        Some(self.written(named, &[], &self.number_code(ty, code), span))
    }

    fn number_code(&self, ty: &Ty, code: &str) -> String {
        let bits = if let Ty::Scalar(scalar) = ty { scalar.width().unwrap_or(8) * 8 } else { 64 };
        let code = code.replace("$T", &self.show(ty)).replace("$M", &format!("{}u32", bits - 1));
        format!("{{ {} }}", code.replace("$U", &format!("u{bits}")))
    }
}
