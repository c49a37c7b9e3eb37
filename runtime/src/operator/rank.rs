//! Rows by their place in an order: what rows are sorted by, as one number.
//!
//! The least number comes first. Null comes before all values, NaN after them, -0.0 and 0.0 are the same; parts that are
//! sorted from the greatest on are turned round, nulls too.

use crate::operator::key::canonical;
use crate::primitive::bitmap;
use crate::primitive::memory::Buf;
use crate::registers::Registers;
use sabot_abi::manifest::{BaseType, ColumnType, Reg};

#[derive(Debug)]
struct Part {
    reg: Reg,
    ty: ColumnType,
    descending: bool,
}

/// Makes ranks of registers.
#[derive(Debug)]
pub(crate) struct RankReader {
    parts: Vec<Part>,
    words: Buf<u64>,
    ranks: Buf<u128>,
}

/// Bits of a value.
fn bits_of(base: BaseType) -> u32 {
    base.register_width().unwrap_or(1) as u32 * 8
}

impl RankReader {
    /// By columns that lie in these registers; `None` if they do not fit into a number.
    pub(crate) fn new(types: &[ColumnType], by: &[(u32, bool)], regs: &[Reg]) -> Option<Self> {
        let part = |&(position, descending): &(u32, bool)| {
            let ty = types[position as usize];
            (!ty.base.is_str()).then_some(Part { reg: regs[position as usize], ty, descending })
        };
        let parts: Vec<Part> = by.iter().map(part).collect::<Option<_>>()?;
        let bits = |part: &Part| bits_of(part.ty.base) + u32::from(part.ty.nullable);
        (parts.iter().map(bits).sum::<u32>() <= 128).then(|| Self {
            parts,
            words: Buf::default(),
            ranks: Buf::default(),
        })
    }

    /// The ranks of a chunk's rows; of those that are not selected they are unspecified.
    pub(crate) fn read(&mut self, registers: &Registers, rows: usize) -> &[u128] {
        let Self { parts, words, ranks } = self;
        ranks.resize(rows);
        ranks.fill(0);
        words.resize(rows);
        for Part { reg, ty, descending } in parts {
            let bits = bits_of(ty.base);
            // Shifted in two steps: by all bits of a rank at once is no shift.
            let mut put = |row: usize, value: u128, is_valid: bool| {
                let all = !0 >> (128 - bits);
                let value = if is_valid { value } else { 0 };
                let value = if *descending { !value & all } else { value };
                let mut rank = (ranks[row] << (bits - 1)) << 1;
                if ty.nullable {
                    rank = rank << 1 | u128::from(is_valid != *descending) << bits;
                }
                ranks[row] = rank | value;
            };
            let valid = registers.validity(*reg, rows).filter(|_| ty.nullable);
            let is_valid = |row: usize| valid.is_none_or(|valid| bitmap::get(valid, row));
            if bits == 128 {
                let values = registers.values::<u128>(*reg, rows);
                values.iter().enumerate().for_each(|(row, value)| put(row, value ^ 1 << 127, is_valid(row)));
                continue;
            }
            registers.words_into(*reg, rows, words);
            let base = ty.base;
            for (row, word) in words.iter().enumerate() {
                put(row, u128::from(in_order(base, *word)), is_valid(row));
            }
        }
        &self.ranks[..rows]
    }
}

/// The bits of a number such that they compare as it does.
#[inline]
fn in_order(base: BaseType, word: u64) -> u64 {
    let bits = bits_of(base);
    let all = !0 >> (64 - bits);
    let sign = 1 << (bits - 1);
    match base {
        BaseType::Float32 | BaseType::Float64 => {
            let word = canonical(base, word);
            if word & sign == 0 { word | sign } else { !word & all }
        }
        BaseType::Bool | BaseType::UInt8 | BaseType::UInt16 | BaseType::UInt32 | BaseType::UInt64 => word & all,
        BaseType::Int8
        | BaseType::Int16
        | BaseType::Int32
        | BaseType::Int64
        | BaseType::Date
        | BaseType::TimestampMs
        | BaseType::TimestampUs
        | BaseType::TimestampNs
        | BaseType::Duration
        | BaseType::Decimal(..)
        | BaseType::String
        | BaseType::Bytes
        | BaseType::List(..) => (word ^ sign) & all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Column;
    use crate::operator::rows::sorted;
    use crate::spill::fields;

    /// Ranks order rows as comparing their columns does.
    fn check(columns: &[Column]) {
        let types: Vec<ColumnType> = columns.iter().map(|column| column.ty).collect();
        let regs: Vec<Reg> = (0..types.len() as Reg).collect();
        let rows = columns[0].len();
        let mut registers = Registers::new(&fields(&types));
        registers.load_rows((0..).zip(columns), 0, rows);
        for turned in 0..1u32 << columns.len() {
            let by: Vec<(u32, bool)> = regs.iter().map(|reg| (*reg, turned >> reg & 1 != 0)).collect();
            let mut reader = RankReader::new(&types, &by, &regs).expect("it fits");
            let ranks = reader.read(&registers, rows);
            let mut order: Vec<u32> = (0..rows as u32).collect();
            order.sort_by_key(|row| ranks[*row as usize]);
            assert_eq!(order, sorted(columns, rows, &by), "{types:?} {turned}");
        }
    }

    fn column(base: BaseType, nullable: bool, words: &[Option<u64>]) -> Column {
        let mut column = Column::new(ColumnType { base, nullable });
        for word in words {
            match word {
                Some(word) => column.push_word(*word),
                None => column.push_null(),
            }
        }
        column
    }

    #[test]
    fn ranks_are_in_the_order_of_the_values() {
        let ints: Vec<Option<u64>> = [0, -1, 1, i64::MIN, i64::MAX, 5, -1, 0].map(|n| Some(n as u64)).to_vec();
        let floats = [0.0, -0.0, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.5, 1e-300];
        let floats: Vec<Option<u64>> = floats.map(|n| Some(n.to_bits())).to_vec();
        let with_nulls = |values: &[Option<u64>]| -> Vec<Option<u64>> {
            values.iter().enumerate().map(|(row, value)| value.filter(|_| row % 3 != 1)).collect()
        };
        check(&[column(BaseType::Int64, false, &ints)]);
        check(&[column(BaseType::UInt64, true, &with_nulls(&ints))]);
        check(&[column(BaseType::Float64, true, &with_nulls(&floats))]);
        check(&[column(BaseType::Float64, false, &floats), column(BaseType::TimestampUs, false, &ints)]);
        let small: Vec<Option<u64>> = [0, -1, 1, -128, 127, 5, -1, 0].map(|n: i64| Some(n as u64)).to_vec();
        check(&[column(BaseType::Int8, true, &with_nulls(&small)), column(BaseType::Int64, true, &with_nulls(&ints))]);
        check(&[column(BaseType::Decimal(38, 9), false, &ints)]);
        let bits: Vec<Option<u64>> = (0..8u64).map(|n| Some(n >> 1 & 1)).collect();
        check(&[column(BaseType::Bool, true, &with_nulls(&bits)), column(BaseType::UInt8, false, &small)]);
    }

    #[test]
    fn what_does_not_fit_has_no_rank() {
        let types = [BaseType::Int64, BaseType::String].map(|base| ColumnType { base, nullable: true });
        assert!(RankReader::new(&types, &[(0, false)], &[0, 1]).is_some());
        assert!(RankReader::new(&types, &[(1, false)], &[0, 1]).is_none());
        assert!(RankReader::new(&types, &[(0, false), (0, true)], &[0, 1]).is_none());
    }
}
