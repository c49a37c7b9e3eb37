//! Random values and rows, with nulls at every density.

use sabot_ir::pipeline::Register;
use sabot_ir::ty::Type;
use sabot_reference::Value;
use sabot_reference::random::Rng;

fn int(rng: &mut Rng, min: i128, max: i128) -> i128 {
    let value = match rng.below(10) {
        0 => *rng.pick(&[min, max, min + 1, max - 1, 0, -1, 1]),
        1 => i128::from(rng.next_u64() as i64),
        2 => 1 << rng.below(63),
        3 => i128::from(rng.next_u64() as i32),
        _ => i128::from(rng.below(200)) - 50,
    };
    value.clamp(min, max)
}

/// A value of this type, often one on an edge.
pub(crate) fn value(rng: &mut Rng, ty: &Type) -> Value {
    const STRINGS: [&str; 14] = [
        "",
        "a",
        "b",
        "ab",
        "äö",
        "abcdefghijklm",
        "abcdefghijklmnopqrstuvwxyz",
        "A",
        " a\u{2003}b ",
        "-12.5e3",
        "255",
        "true",
        "aßaİ日\u{1f600}",
        "abab,ab",
    ];
    match ty {
        Type::Unit => Value::Unit,
        Type::Bool => Value::Bool(rng.percent(50)),
        Type::Int8 => Value::Int(int(rng, -128, 127)),
        Type::Int16 => Value::Int(int(rng, i16::MIN.into(), i16::MAX.into())),
        Type::Int32 | Type::Date => Value::Int(int(rng, i32::MIN.into(), i32::MAX.into())),
        Type::Int64 | Type::Timestamp(_) | Type::Duration => Value::Int(int(rng, i64::MIN.into(), i64::MAX.into())),
        Type::UInt8 => Value::Int(int(rng, 0, 255)),
        Type::UInt16 => Value::Int(int(rng, 0, u16::MAX.into())),
        Type::UInt32 => Value::Int(int(rng, 0, u32::MAX.into())),
        Type::UInt64 => Value::Int(int(rng, 0, u64::MAX.into())),
        Type::Decimal(38, 9) => {
            let greatest = 10_i128.pow(38) - 1;
            let edges = [greatest, -greatest, 1, -1, 0, 1_000_000_000, 500_000_000, -1_500_000_000];
            Value::Int(match rng.below(4) {
                0 => *rng.pick(&edges),
                1 => ((i128::from(rng.next_u64() as i64) << 64) | i128::from(rng.next_u64())) % (greatest + 1),
                2 => i128::from(rng.next_u64() as i64) << rng.below(40),
                _ => (i128::from(rng.below(2_000_000)) - 1_000_000) * 10_000_000,
            })
        }
        Type::Decimal(..) => Value::Int(int(rng, i64::MIN.into(), i64::MAX.into()) << rng.below(30)),
        Type::Float32 => Value::Float32(match rng.below(8) {
            0 => *rng.pick(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MAX, f32::MIN_POSITIVE, 1e-45]),
            1 => f32::from_bits(rng.next_u64() as u32),
            2 => (rng.next_u64() as i32) as f32,
            3 => *rng.pick(&[0.5, 1.5, 2.5, -0.5, 0.499_999_97, 8_388_609.0, -2.5]),
            _ => (rng.below(900) as f32 - 300.0) / 8.0,
        }),
        Type::Float64 => Value::Float64(match rng.below(8) {
            0 => *rng.pick(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MAX, f64::MIN_POSITIVE, 5e-324]),
            1 => f64::from_bits(rng.next_u64()),
            2 => (rng.next_u64() as i64) as f64,
            3 => *rng.pick(&[0.5, 1.5, 2.5, -0.5, 0.499_999_999_999_999_94, 4_503_599_627_370_497.5, -2.5, 9.3e18]),
            _ => (rng.below(9000) as f64 - 3000.0) / 10.0,
        }),
        Type::Char => Value::Int(
            u32::from(*rng.pick(&['a', 'Z', '7', ' ', 'ß', 'İ', '\u{2003}', '日', '\u{1f600}', '\0'])).into(),
        ),
        Type::String => Value::String((*rng.pick(&STRINGS)).to_owned()),
        Type::Bytes => Value::Bytes(rng.pick(&STRINGS).as_bytes().to_vec()),
        Type::Option(inner) => value(rng, inner),
        Type::List(item) => Value::List((0..rng.below(5)).map(|_| value(rng, item)).collect()),
    }
}

/// Rows of these columns; so many of a hundred optional values are null.
pub(crate) fn rows(rng: &mut Rng, columns: &[Register], rows: usize, nulls: u64) -> Vec<Vec<Value>> {
    let cell = |rng: &mut Rng, column: &Register| {
        if column.ty.is_option() && rng.percent(nulls) { Value::Null } else { value(rng, &column.ty) }
    };
    (0..rows).map(|_| columns.iter().map(|column| cell(rng, column)).collect()).collect()
}
