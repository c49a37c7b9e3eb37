//! The job's parameters: defaults and what was set, laid out as kernels read them.

use crate::error::RunError;
use sabot_abi::kernel::StrRef;
use sabot_abi::manifest::{BaseType, Constant, Param};
use sabot_library::Decimal;
use sabot_library::text::{parse_date, parse_timestamp};
use std::collections::BTreeMap;

/// The values, 16 bytes each.
#[derive(Debug)]
pub(crate) struct Params {
    words: Vec<[u64; 2]>,
    constants: Vec<Constant>,
    /// The words refer to them.
    strings: Vec<Box<str>>,
}

impl Params {
    /// Defaults, and in their place what was set.
    pub(crate) fn new(params: &[Param], set: &BTreeMap<String, String>) -> Result<Self, RunError> {
        if let Some(name) = set.keys().find(|name| params.iter().all(|param| param.name != **name)) {
            let known = params.iter().map(|param| param.name.clone()).collect();
            return Err(RunError::UnknownName { what: "parameter", name: name.clone(), known });
        }
        let mut all = Self { words: Vec::new(), constants: Vec::new(), strings: Vec::new() };
        for param in params {
            let ty = || crate::connector::schema::rust_name(param.ty);
            let constant = match (set.get(&param.name), &param.default) {
                (Some(text), _) => parse(param.ty, text).map_err(|reason| RunError::BadParam {
                    name: param.name.clone(),
                    ty: ty(),
                    value: text.clone(),
                    reason,
                })?,
                (None, Some(default)) => default.clone(),
                (None, None) => return Err(RunError::MissingParam { name: param.name.clone(), ty: ty() }),
            };
            all.push(param.ty, constant);
        }
        Ok(all)
    }

    fn push(&mut self, ty: BaseType, constant: Constant) {
        let wide = |value: i128| [value as u64, (value >> 64) as u64];
        self.words.push(match &constant {
            Constant::Bool(value) => [u64::from(*value), 0],
            Constant::Int(value) => wide(i128::from(*value)),
            Constant::UInt(value) => [*value, 0],
            Constant::Float(bits) if ty == BaseType::Float32 => {
                [u64::from((f64::from_bits(*bits) as f32).to_bits()), 0]
            }
            Constant::Float(bits) => [*bits, 0],
            Constant::String(text) => {
                let text: Box<str> = text.as_str().into();
                let value = StrRef { data: text.as_ptr(), len: text.len() as u64 };
                self.strings.push(text);
                [value.data.expose_provenance() as u64, value.len]
            }
        });
        self.constants.push(constant);
    }

    /// For [`sabot_abi::kernel::Context::params`].
    pub(crate) fn words(&self) -> &[[u64; 2]] {
        &self.words
    }

    /// The value of a parameter.
    pub(crate) fn constant(&self, number: u32) -> Option<&Constant> {
        self.constants.get(number as usize)
    }
}

/// Reads a value as it stands on a command line.
fn parse(ty: BaseType, text: &str) -> Result<Constant, String> {
    let int = |least: i64, greatest: i64| match text.parse::<i64>() {
        Ok(value) if (least..=greatest).contains(&value) => Ok(Constant::Int(value)),
        Ok(_) => Err(format!("it must lie between {least} and {greatest}")),
        Err(error) => Err(error.to_string()),
    };
    let time = |units_per_second: i64| {
        let parsed = parse_timestamp(text.as_bytes(), units_per_second);
        parsed.map(Constant::Int).ok_or_else(|| "write it like 2024-05-01T12:30:00Z".to_owned())
    };
    match ty {
        BaseType::Bool => text.parse().map(Constant::Bool).map_err(|_| "write `true` or `false`".to_owned()),
        BaseType::Int8 => int(i64::from(i8::MIN), i64::from(i8::MAX)),
        BaseType::Int16 => int(i64::from(i16::MIN), i64::from(i16::MAX)),
        BaseType::Int32 => int(i64::from(i32::MIN), i64::from(i32::MAX)),
        BaseType::Int64 | BaseType::Duration => int(i64::MIN, i64::MAX),
        BaseType::UInt8 => int(0, i64::from(u8::MAX)),
        BaseType::UInt16 => int(0, i64::from(u16::MAX)),
        BaseType::UInt32 => int(0, i64::from(u32::MAX)),
        BaseType::UInt64 => match text.parse::<u64>() {
            Ok(value) => Ok(i64::try_from(value).map_or(Constant::UInt(value), Constant::Int)),
            Err(error) => Err(error.to_string()),
        },
        BaseType::Float32 | BaseType::Float64 => match text.parse::<f64>() {
            Ok(value) => Ok(Constant::Float(value.to_bits())),
            Err(error) => Err(error.to_string()),
        },
        BaseType::List(..) => Err("a list cannot be set".to_owned()),
        BaseType::String | BaseType::Bytes => Ok(Constant::String(text.to_owned())),
        BaseType::Decimal(precision, scale) => decimal(text, precision, scale).map(Constant::Int),
        BaseType::Date => {
            let days = parse_date(text.as_bytes()).map(Constant::Int);
            days.ok_or_else(|| "write it like 2024-05-01".to_owned())
        }
        BaseType::TimestampMs => time(1_000),
        BaseType::TimestampUs => time(1_000_000),
        BaseType::TimestampNs => time(1_000_000_000),
    }
}

/// A decimal in units of its last digit.
fn decimal(text: &str, precision: u8, scale: i8) -> Result<i64, String> {
    const DIGITS_AFTER_POINT: i8 = 9; // of the library's
    let value = Decimal::parse(text).ok_or("write it like 12.50, with at most 9 digits after the point")?;
    let units = value.unscaled();
    let ten = |digits: i8| 10_i128.checked_pow(u32::try_from(digits).ok()?);
    let units = if scale >= DIGITS_AFTER_POINT {
        ten(scale - DIGITS_AFTER_POINT).and_then(|factor| units.checked_mul(factor))
    } else {
        ten(DIGITS_AFTER_POINT - scale).filter(|divisor| units % divisor == 0).map(|divisor| units / divisor)
    };
    let limit = 10_i128.checked_pow(precision.into()).unwrap_or(i128::MAX);
    let units = units.filter(|units| -limit < *units && *units < limit);
    units.and_then(|units| i64::try_from(units).ok()).ok_or_else(|| "it has too many digits".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_takes_the_place_of_the_default() {
        let param = |name: &str, ty, default| Param { name: name.into(), ty, default };
        let params = [
            param("least", BaseType::Float64, Some(Constant::Float(100f64.to_bits()))),
            param("name", BaseType::String, None),
            param("day", BaseType::Date, Some(Constant::Int(0))),
            param("few", BaseType::Int8, Some(Constant::Int(-1))),
        ];
        let set = |pairs: &[(&str, &str)]| {
            Params::new(&params, &pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
        };
        let all = set(&[("name", "abc"), ("day", "1970-01-03"), ("least", "2.5")]).expect("all are set");
        assert_eq!(all.words()[0][0], 2.5f64.to_bits());
        assert_eq!(all.words()[1][1], 3);
        assert_eq!(all.constant(2), Some(&Constant::Int(2)));
        assert_eq!(all.words()[3], [u64::MAX, u64::MAX]);
        let error = |pairs: &[(&str, &str)]| set(pairs).expect_err("a bad value").to_string();
        assert!(error(&[]).contains("--set name=VALUE"));
        assert_eq!(decimal("-12.5", 38, 9), Ok(-12_500_000_000));
        assert_eq!(decimal("12.5", 9, 2), Ok(1250));
        assert_eq!(decimal("12.5", 38, 12), Ok(12_500_000_000_000));
        assert!(decimal("12.555", 9, 2).is_err() && decimal("1000", 4, 2).is_err() && decimal("x", 4, 2).is_err());
        assert!(error(&[("name", "x"), ("few", "300")]).contains("between -128 and 127"));
        assert!(error(&[("nmae", "x")]).contains("did you mean `name`?"));
    }
}
