//! Patterns of integers and floats, which have most of the methods.

/// What all integers have.
pub(super) const INTEGER: &[&str] = &[
    "(§T§ §?+ - * / %§ §T§)",
    "(§T§ §?+ - *§ §T§)",
    "(§T§ §?& | ^§ §T§)",
    "§T§.§?wrapping_add wrapping_sub wrapping_mul saturating_add saturating_sub saturating_mul min max§(§T§)",
    "§T§.§?wrapping_add wrapping_sub wrapping_mul saturating_add saturating_sub saturating_mul min max§(§T§)",
    "(§T§ §?<< >>§ (§u32§ % 8u32))",
    "(§T§ §?<< >>§ (§u32§ & 31u32))",
    "(§num§ as §as:T§)",
    "(§num§ as §as:T§)",
    "(§bool§ as §as:T§)",
    "(§num§ as §as:num§ as §as:T§)",
    "§String§.trim().parse::<§as:T§>().unwrap_or(§T§)",
    "§String§.parse::<§as:T§>().unwrap_or_default()",
    "§as:T§::try_from(§int§).unwrap_or(§T§)",
    "(!§T§)",
    "§T§.§?checked_add checked_sub checked_mul checked_div checked_rem checked_rem_euclid§(§T§).unwrap_or(§T§)",
    "§T§.overflowing_§?add sub mul§(§T§).0",
    "§T§.§?wrapping_shl wrapping_shr§(§u32§)",
    "§T§.§?checked_shl checked_shr§(§u32§).unwrap_or(§T§)",
    "§T§.pow(§u32§ % 4u32)",
    "§T§.§?wrapping_pow saturating_pow§(§u32§ % 70u32)",
    "§T§.checked_pow(§u32§ % 9u32).unwrap_or(§T§)",
    "§T§.§?swap_bytes reverse_bits§()",
    "§T§.rotate_§?left right§(§u32§ % 9u32)",
    "§T§.clamp(1, 100)",
    "§T§.§?div_euclid rem_euclid§(§T§)",
    "§T§.isqrt()",
    "(§T§.abs_diff(§T§) as §as:T§)",
    "larger(§T§, §T§)",
    "§as:T§::§?MAX MIN§",
    "§T§.checked_div_euclid(§T§).unwrap_or_default()",
    "({ let (sum, over) = §T§.overflowing_add(§T§); if over { §T§ } else { sum } })",
    "§String§.split(',').filter_map(|part| part.trim().parse::<§as:T§>().ok()).§?min max last§().unwrap_or(§T§)",
];

/// What signed integers have beside.
pub(super) const SIGNED: &[&str] = &[
    "(-§T§)",
    "§T§.§?abs signum wrapping_abs wrapping_neg saturating_neg saturating_abs§()",
    "§T§.§?checked_neg checked_abs§().unwrap_or(§T§)",
    "§T§.§?wrapping_div wrapping_rem§(§T§)",
    "(§T§.unsigned_abs() as §as:T§)",
];

/// What unsigned integers have beside.
pub(super) const UNSIGNED: &[&str] = &[
    "§T§.div_ceil(§T§)",
    "§T§.checked_next_power_of_two().unwrap_or(§T§)",
    "§T§.midpoint(§T§)",
    "§T§.next_multiple_of(§T§)",
];

/// What both floats have.
pub(super) const FLOAT: &[&str] = &[
    "(§T§ §?+ - * / %§ §T§)",
    "(§T§ §?+ - * /§ §T§)",
    "§T§.§?abs sqrt floor ceil round trunc fract signum recip round_ties_even§()",
    "§T§.§?abs sqrt exp ln sin cos cbrt tan atan exp2 log2 log10 tanh ln_1p exp_m1§()",
    "§T§.§?min max powf atan2 hypot rem_euclid div_euclid§(§T§)",
    "({ let sign = §T§; if sign.is_nan() { sign } else { §T§.copysign(sign) } })",
    "§T§.mul_add(§T§, §T§)",
    "§T§.clamp(-1.0, 2.5)",
    "(§num§ as §as:T§)",
    "(§int§ as §as:T§)",
    "(-§T§)",
    "§String§.trim().parse::<§as:T§>().unwrap_or(§T§)",
    "§T§.§?to_degrees to_radians§()",
    "larger(§T§, §T§)",
    "§T§.§?sinh cosh asin acos asinh§()",
    "(({ let n = §T§ as i64; n as f64 as i32 }) as §as:T§)",
    "§as:T§::from(§?1i8 7u16 3i16§)",
];
