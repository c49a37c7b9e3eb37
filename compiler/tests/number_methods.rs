//! Methods of numbers that are said in terms of others: the same value, or a failure in the same place, as std's.

use sabot_compiler::check::check;
use sabot_compiler::{Catalog, parse};
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::plan::Operator;
use sabot_reference::{Value, evaluate};
use std::panic::catch_unwind;

/// What `x.method(a)` is, by row.
fn values(ty: &str, arg: &str, out: &str, code: &str, rows: &[(Value, Value)]) -> Vec<Option<Value>> {
    let job = format!(
        "use sabot::prelude::*;\n#[sabot::record]\nstruct Row {{ x: {ty}, a: {arg} }}\n#[sabot::record]\nstruct Out {{ v: {out} }}\n#[sabot::pipeline]\nfn job() {{ source::<Row>(\"rows\", csv(\"r.csv\")).map(|r| Out {{ v: {code} }}).sink(\"o\", csv(\"o.csv\")); }}\n"
    );
    let mut diagnostics = Diagnostics::new();
    let graph = parse::parse(&job, &mut diagnostics).pop().expect("a job");
    let plan = check(&graph, &Catalog::default(), &mut diagnostics);
    let plan = plan.unwrap_or_else(|| panic!("{code}: {:?}", diagnostics.as_slice()));
    let project = plan
        .nodes
        .iter()
        .find_map(|node| if let Operator::Project { columns, .. } = &node.operator { Some(&columns[0]) } else { None });
    let expr = project.expect("a map is a projection");
    rows.iter().map(|(x, a)| evaluate(expr, &[x.clone(), a.clone()], &[]).ok()).collect()
}

macro_rules! integers {
    ($($ty:ident),*) => {$(
        #[test]
        fn $ty() {
            let edges: Vec<$ty> = {
                let mut edges = vec![0, 1, 2, 3, 5, 7, 8, 100, $ty::MAX, $ty::MAX - 1, $ty::MIN, $ty::MIN + 1, $ty::MAX / 2, $ty::MAX / 3];
                if $ty::MIN != 0 {
                    edges.extend([(0 as $ty).wrapping_sub(1), (0 as $ty).wrapping_sub(5), $ty::MIN / 2]);
                }
                edges
            };
            let int = |x: $ty| Value::Int(i128::from(x));
            let pairs: Vec<($ty, $ty)> = edges.iter().flat_map(|x| edges.iter().map(move |a| (*x, *a))).collect();
            let rows: Vec<(Value, Value)> = pairs.iter().map(|(x, a)| (int(*x), int(*a))).collect();
            let shifts: Vec<($ty, u32)> = edges.iter().flat_map(|x| [0, 1, 7, 8, 31, 32, 63, 64, 100, u32::MAX].map(|a| (*x, a))).collect();
            let shift_rows: Vec<(Value, Value)> = shifts.iter().map(|(x, a)| (int(*x), Value::Int(i128::from(*a)))).collect();
            let one = |out: &str, code: &str, of_std: &dyn Fn($ty, $ty) -> Option<Value>| {
                let name = stringify!($ty);
                for (pair, ours) in pairs.iter().zip(values(name, name, out, code, &rows)) {
                    assert_eq!(ours, of_std(pair.0, pair.1), "{name} {code} of {pair:?}");
                }
            };
            let shifted = |out: &str, code: &str, of_std: &dyn Fn($ty, u32) -> Option<Value>| {
                let name = stringify!($ty);
                for (pair, ours) in shifts.iter().zip(values(name, "u32", out, code, &shift_rows)) {
                    assert_eq!(ours, of_std(pair.0, pair.1), "{name} {code} of {pair:?}");
                }
            };
            let option = |x: Option<$ty>| Some(x.map_or(Value::Null, int));
            let own = stringify!($ty);
            let maybe = format!("Option<{own}>");
            let u32s = |x: u32| Some(Value::Int(i128::from(x)));
            one("u32", "r.x.count_zeros()", &|x, _| u32s(x.count_zeros()));
            one("u32", "r.x.leading_ones()", &|x, _| u32s(x.leading_ones()));
            one("u32", "r.x.trailing_ones()", &|x, _| u32s(x.trailing_ones()));
            one(&maybe, "r.x.checked_neg()", &|x, _| option(x.checked_neg()));
            one(own, "r.x.wrapping_div(r.a)", &|x, a| catch_unwind(|| x.wrapping_div(a)).ok().map(int));
            one(own, "r.x.wrapping_rem(r.a)", &|x, a| catch_unwind(|| x.wrapping_rem(a)).ok().map(int));
            one(own, "r.x.overflowing_add(r.a).0", &|x, a| Some(int(x.overflowing_add(a).0)));
            one("bool", "r.x.overflowing_sub(r.a).1", &|x, a| Some(Value::Bool(x.overflowing_sub(a).1)));
            one("bool", "r.x.overflowing_mul(r.a).1", &|x, a| Some(Value::Bool(x.overflowing_mul(a).1)));
            one("Option<u32>", "r.x.checked_ilog2()", &|x, _| Some(x.checked_ilog2().map_or(Value::Null, |n| Value::Int(i128::from(n)))));
            shifted(own, "r.x.rotate_left(r.a)", &|x, a| Some(int(x.rotate_left(a))));
            shifted(own, "r.x.rotate_right(r.a)", &|x, a| Some(int(x.rotate_right(a))));
            shifted(own, "r.x.wrapping_shl(r.a)", &|x, a| Some(int(x.wrapping_shl(a))));
            shifted(own, "r.x.wrapping_shr(r.a)", &|x, a| Some(int(x.wrapping_shr(a))));
            shifted(&maybe, "r.x.checked_shl(r.a)", &|x, a| option(x.checked_shl(a)));
            shifted(&maybe, "r.x.checked_shr(r.a)", &|x, a| option(x.checked_shr(a)));
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64);

#[test]
fn only_signed_and_only_unsigned() {
    let edges = [0_i64, 1, -1, 5, -7, i64::MIN, i64::MIN + 1, i64::MAX];
    let rows: Vec<(Value, Value)> = edges.iter().map(|x| (Value::Int(i128::from(*x)), Value::Int(0))).collect();
    let check = |out: &str, code: &str, of_std: &dyn Fn(i64) -> Value| {
        for (x, ours) in edges.iter().zip(values("i64", "i64", out, code, &rows)) {
            assert_eq!(ours, Some(of_std(*x)), "{code} of {x}");
        }
    };
    let int = |x: i64| Value::Int(i128::from(x));
    check("u64", "r.x.unsigned_abs()", &|x| Value::Int(i128::from(x.unsigned_abs())));
    check("Option<i64>", "r.x.checked_abs()", &|x| x.checked_abs().map_or(Value::Null, int));
    check("i64", "r.x.saturating_neg()", &|x| int(x.saturating_neg()));
    check("i64", "r.x.saturating_abs()", &|x| int(x.saturating_abs()));

    let edges = [0_u64, 1, 2, 3, 7, 8, 1 << 40, u64::MAX, u64::MAX - 7];
    let pairs: Vec<(u64, u64)> = edges.iter().flat_map(|x| edges.iter().map(move |a| (*x, *a))).collect();
    let rows: Vec<(Value, Value)> =
        pairs.iter().map(|(x, a)| (Value::Int(i128::from(*x)), Value::Int(i128::from(*a)))).collect();
    let check = |out: &str, code: &str, of_std: &dyn Fn(u64, u64) -> Option<Value>| {
        for ((x, a), ours) in pairs.iter().zip(values("u64", "u64", out, code, &rows)) {
            assert_eq!(ours, of_std(*x, *a), "{code} of {x}, {a}");
        }
    };
    let int = |x: u64| Value::Int(i128::from(x));
    check("bool", "r.x.is_power_of_two()", &|x, _| Some(Value::Bool(x.is_power_of_two())));
    check("u64", "r.x.div_ceil(r.a)", &|x, a| catch_unwind(|| x.div_ceil(a)).ok().map(int));
    check("u64", "r.x.next_multiple_of(r.a)", &|x, a| catch_unwind(|| x.next_multiple_of(a)).ok().map(int));
}

#[test]
fn floats_bit_by_bit() {
    let mut edges = vec![
        0.0,
        -0.0,
        0.5,
        -0.5,
        1.0,
        1.5,
        2.5,
        -2.5,
        3.49,
        0.1,
        1e-300,
        1e300,
        4_503_599_627_370_497.5,
        9_007_199_254_740_993.0,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        0.999_999,
        -0.999,
        180.0,
        57.3,
    ];
    edges.extend((0..400).map(|n| f64::from(n) * 0.3137 - 60.0));
    let rows: Vec<(Value, Value)> = edges.iter().map(|x| (Value::Float64(*x), Value::Float64(0.0))).collect();
    let check = |code: &str, of_std: fn(f64) -> f64| {
        for (x, ours) in edges.iter().zip(values("f64", "f64", "f64", code, &rows)) {
            assert_eq!(ours, Some(Value::Float64(of_std(*x))), "{code} of {x:?}");
        }
    };
    check("r.x.to_radians()", f64::to_radians);
    check("r.x.to_degrees()", f64::to_degrees);
    check("r.x.round_ties_even()", f64::round_ties_even);
    check("r.x.sin_cos().0 + r.x.sin_cos().1", |x| x.sin_cos().0 + x.sin_cos().1);
    check("r.x.asinh()", f64::asinh);
    check("r.x.acosh()", f64::acosh);
    check("r.x.atanh()", f64::atanh);
    let narrow: Vec<f32> = edges.iter().map(|x| *x as f32).collect();
    let rows: Vec<(Value, Value)> = narrow.iter().map(|x| (Value::Float32(*x), Value::Float32(0.0))).collect();
    let check = |code: &str, of_std: fn(f32) -> f32| {
        for (x, ours) in narrow.iter().zip(values("f32", "f32", "f32", code, &rows)) {
            assert_eq!(ours, Some(Value::Float32(of_std(*x))), "{code} of {x:?}");
        }
    };
    check("r.x.to_radians()", f32::to_radians);
    check("r.x.to_degrees()", f32::to_degrees);
    check("r.x.round_ties_even()", f32::round_ties_even);
}
