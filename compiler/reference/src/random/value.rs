//! Random numbers, and values of every type: mostly small, so that keys meet, sometimes an edge.

use crate::value::Value;
use sabot_ir::ty::Type;

/// A small generator of random numbers (SplitMix64): good enough, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The generator of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next_u64() % end
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these, of which there is one.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

/// A value of this type: mostly small, so that keys meet, sometimes an edge of the type.
pub fn random_value(rng: &mut Rng, ty: &Type) -> Value {
    const STRINGS: [&str; 8] = ["", "a", "b", "ab", "äö", "abcdefghijklm", "abcdefghijklmnop", "A"];
    let edge = rng.percent(12);
    let signed = |rng: &mut Rng, bits: u32| {
        let (min, max) = (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1);
        if edge { *rng.pick(&[min, max, min + 1, -1]) } else { i128::from(rng.below(6)) - 1 }
    };
    let unsigned = |rng: &mut Rng, bits: u32| {
        if edge { *rng.pick(&[0, (1i128 << bits) - 1]) } else { i128::from(rng.below(5)) }
    };
    match ty {
        Type::Unit => Value::Unit,
        Type::Bool => Value::Bool(rng.percent(50)),
        Type::Int8 => Value::Int(signed(rng, 8)),
        Type::Int16 => Value::Int(signed(rng, 16)),
        Type::Int32 => Value::Int(signed(rng, 32)),
        Type::Int64 => Value::Int(signed(rng, 64)),
        Type::UInt8 => Value::Int(unsigned(rng, 8)),
        Type::UInt16 => Value::Int(unsigned(rng, 16)),
        Type::Char => Value::Int(i128::from(b'a') + i128::from(rng.below(26))),
        Type::UInt32 => Value::Int(unsigned(rng, 32)),
        Type::UInt64 => Value::Int(unsigned(rng, 64)),
        Type::Float32 if edge => Value::Float32(*rng.pick(&[f32::NAN, f32::INFINITY, -0.0, 0.1])),
        Type::Float64 if edge => Value::Float64(*rng.pick(&[f64::NAN, f64::INFINITY, -0.0, 0.1, -1e15])),
        Type::Float32 => Value::Float32((rng.below(9) as f32 - 2.0) / 2.0),
        Type::Float64 => Value::Float64((rng.below(9) as f64 - 2.0) / 2.0),
        Type::String => Value::String((*rng.pick(&STRINGS)).to_owned()),
        Type::Bytes => Value::Bytes(rng.pick(&STRINGS).as_bytes().to_vec()),
        Type::Decimal(..) | Type::Date | Type::Timestamp(_) | Type::Duration => Value::Int(i128::from(rng.below(5))),
        Type::Option(_) if rng.percent(25) => Value::Null,
        Type::Option(inner) => random_value(rng, inner),
        Type::List(item) => Value::List((0..rng.below(4)).map(|_| random_value(rng, item)).collect()),
    }
}
