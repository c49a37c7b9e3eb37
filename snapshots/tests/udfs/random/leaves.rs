//! Literals: the edges of each type, and something plain.

/// Literals of a type; the first is plain.
pub(super) fn of(ty: &str) -> &'static [&'static str] {
    match ty {
        "bool" => &["true", "false"],
        "i64" => &[
            "7i64",
            "0i64",
            "1i64",
            "(-1i64)",
            "1_000_000i64",
            "i64::MAX",
            "i64::MIN",
            "9_007_199_254_740_993i64",
            "(-3i64)",
        ],
        "i32" => &["3i32", "0i32", "(-3i32)", "i32::MAX", "i32::MIN", "(-1i32)"],
        "i16" => &["5i16", "0i16", "(-1i16)", "i16::MAX", "i16::MIN"],
        "i8" => &["2i8", "0i8", "(-1i8)", "i8::MAX", "i8::MIN"],
        "u64" => &["9u64", "0u64", "1u64", "u64::MAX"],
        "u32" => &["4u32", "0u32", "1u32", "31u32", "u32::MAX", "LIMIT"],
        "u16" => &["6u16", "0u16", "1u16", "u16::MAX"],
        "u8" => &["8u8", "0u8", "1u8", "u8::MAX", "b'a'"],
        "f64" => &[
            "1.5f64",
            "0.0f64",
            "(-0.0f64)",
            "(-2.25f64)",
            "1e300f64",
            "f64::NAN",
            "f64::INFINITY",
            "f64::MIN_POSITIVE",
            "9007199254740993.0f64",
            "f64::NEG_INFINITY",
            "0.1f64",
        ],
        "f32" => &["1.5f32", "0.0f32", "(-0.0f32)", "3.4e38f32", "f32::NAN", "f32::NEG_INFINITY", "0.1f32", "1e-40f32"],
        "char" => &["'a'", "'Z'", "'ß'", "'€'", "'7'", "' '", "'\\n'"],
        "String" => &[
            "\"a\".to_string()",
            "String::new()",
            "String::from(\"äb€\")",
            "\" x \".to_string()",
            "\"12\".to_owned()",
            "\"-7,a,,b=c\".to_string()",
            "\"1e3\".to_string()",
            "String::from(\"𝄞\\t\\\"\")",
        ],
        "Date" => &["date(\"2024-02-29\")", "date(\"1969-12-31\")", "Date::from_days(0)"],
        "Timestamp" => {
            &["timestamp(\"2024-02-29T12:30:45.5Z\")", "Timestamp::from_micros(-1)", "Timestamp::from_seconds(0)"]
        }
        "Duration" => &["seconds(90)", "microseconds(-1)", "days(400)", "milliseconds(0)"],
        "Decimal" => {
            &["dec(\"1.25\")", "Decimal::ZERO", "Decimal::ONE", "dec(\"-0.000000001\")", "Decimal::MAX", "Decimal::MIN"]
        }
        "Option<i64>" => &["Some(3i64)", "no_i64()", "Some(-9i64)"],
        "Option<i32>" => &["Some(3i32)", "no_i32()", "Some(i32::MIN)"],
        "Option<u8>" => &["Some(200u8)", "no_u8()"],
        "Option<bool>" => &["Some(true)", "no_bool()", "Some(false)"],
        "Option<f64>" => &["Some(0.5f64)", "no_f64()", "Some(f64::NAN)"],
        "Option<f32>" => &["Some(0.5f32)", "no_f32()"],
        "Option<String>" => &["Some(\"a\".to_string())", "no_text()", "Some(String::new())"],
        "Option<Timestamp>" => &["Some(Timestamp::from_micros(5))", "no_time()"],
        "Option<Decimal>" => &["Some(dec(\"2.5\"))", "no_fee()"],
        "Pair" => &["(Pair { low: 1, high: 0.5 })", "(Pair { low: i64::MIN, high: f64::NAN })"],
        "Point" => &[
            "(Point { at: Pair { low: 2, high: -0.0 }, name: \"p\".to_string(), size: None })",
            "(Point { at: Pair { low: -5, high: 1e9 }, name: String::new(), size: Some(4) })",
        ],
        "Kind" => &[
            "Kind::Count(3)",
            "Kind::Nothing",
            "(Kind::Named { text: \"k\".to_string(), at: -1 })",
            "Kind::Both(0.5, true)",
        ],
        "Vec<i64>" => &["vec![3i64, -1i64, 3i64]", "no_list()", "vec![0i64; 2]"],
        "Vec<String>" => &["vec![\"b\".to_string(), \"a\".to_string()]", "no_texts()"],
        "Vec<Point>" => {
            &["vec![Point { at: Pair { low: 2, high: 1.0 }, name: \"one\".to_string(), size: Some(1) }]", "no_points()"]
        }
        "Vec<u8>" => &["some_bytes()", "no_bytes()"],
        "Option<Option<i64>>" => &["Some(Some(1i64))", "Some(no_i64())", "nothing()"],
        "Option<Pair>" => &["Some(Pair { low: 8, high: 8.5 })", "no_pair()"],
        "Result<i64, String>" => &["fine(5i64)", "wrong(\"bad\".to_string())", "half(7i64)"],
        "(i64, String)" => &["(4i64, \"four\".to_string())"],
        "Vec<f64>" => &["vec![1.5f64, -0.0f64, f64::NAN]", "vec![2.5f64, -1.0f64]", "no_floats()"],
        "usize" => &["3usize", "0usize", "1usize", "usize::MAX"],
        "Meters" => &["Meters(2.5)", "Meters(f64::NAN)", "Meters(-0.0)"],
        "Option<char>" => &["Some('a')", "no_char()"],
        _ => panic!("no literals of {ty}"),
    }
}
