//! Which rows of a Parquet file cannot match: row groups by their statistics, pages by the page index.
//!
//! A term excludes a piece only if the least and the greatest value of the piece say so for certain; missing, truncated
//! upwards or downwards and unordered statistics keep it. Nulls and NaN satisfy no term, so they never keep a piece.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "Arrow's types are many and not ours: those not named are treated alike"
)]

use super::super::schema::is_layout_of;
use super::super::source::ResolvedPruneTerm;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, UInt64Array};
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use sabot_abi::manifest::{Constant, Field, PruneOp};
use std::cmp::Ordering;
use std::ops::Range;

/// A term on a column of the file.
struct Term<'a> {
    op: PruneOp,
    value: Option<&'a Constant>,
    statistics: StatisticsConverter<'a>,
}

/// The terms that a file's statistics can decide.
pub(super) struct Pruner<'a> {
    metadata: &'a ArrowReaderMetadata,
    terms: Vec<Term<'a>>,
}

impl<'a> Pruner<'a> {
    /// Keeps the terms on columns whose values in the file are those of the record; conversions could change the order.
    pub(super) fn new(metadata: &'a ArrowReaderMetadata, fields: &[Field], terms: &'a [ResolvedPruneTerm]) -> Self {
        let term = |term: &'a ResolvedPruneTerm| {
            let field = fields.get(term.column as usize).filter(|field| field.within.is_empty())?;
            let found = metadata.schema().field_with_name(&field.name).ok()?.data_type();
            let same = is_layout_of(found, field.ty.base) || is_widened(found);
            let converter =
                StatisticsConverter::try_new(&field.name, metadata.schema(), metadata.parquet_schema()).ok()?;
            let orders = metadata.metadata().file_metadata().column_orders().map(Vec::as_slice);
            let statistics = converter.with_column_orders(orders);
            same.then_some(Term { op: term.op, value: term.value.as_ref(), statistics })
        };
        Self { metadata, terms: terms.iter().filter_map(term).collect() }
    }

    /// Whether there is anything to decide.
    pub(super) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a row group may hold rows that match.
    pub(super) fn keeps_row_group(&self, row_group: usize) -> bool {
        let group = self.metadata.metadata().row_group(row_group);
        self.terms.iter().all(|term| {
            let mins = term.statistics.row_group_mins([group]);
            let maxes = term.statistics.row_group_maxes([group]);
            let nulls = term.statistics.row_group_null_counts([group]);
            let (Ok(mins), Ok(maxes)) = (mins, maxes) else { return true };
            let nulls = nulls.ok();
            let rows = UInt64Array::from(vec![group.num_rows().max(0) as u64]);
            term.may_match(&mins, &maxes, nulls.as_ref(), Some(&rows), 0)
        })
    }

    /// The rows of a row group that stand in pages which may match, or `None` if the index does not tell.
    pub(super) fn kept_rows(&self, row_group: usize) -> Option<Vec<Range<usize>>> {
        let index = self.metadata.metadata().page_index()?;
        let rows = usize::try_from(self.metadata.metadata().row_group(row_group).num_rows()).ok()?;
        let mut kept: Option<Vec<Range<usize>>> = None;
        for term in &self.terms {
            let Some(ranges) = term.kept_pages(self.metadata, index.as_ref(), row_group, rows) else { continue };
            kept = Some(match kept {
                None => ranges,
                Some(kept) => intersection(&kept, &ranges),
            });
        }
        kept
    }
}

impl Term<'_> {
    fn kept_pages(
        &self,
        metadata: &ArrowReaderMetadata,
        index: &dyn parquet::file::metadata::page_index::PageIndexProvider,
        row_group: usize,
        rows: usize,
    ) -> Option<Vec<Range<usize>>> {
        let groups = metadata.metadata().row_groups();
        let mins = self.statistics.data_page_mins(index, [&row_group]).ok()?;
        let maxes = self.statistics.data_page_maxes(index, [&row_group]).ok()?;
        let nulls = self.statistics.data_page_null_counts(index, [&row_group]).ok()?;
        let counts = self.statistics.data_page_row_counts(index, groups, [&row_group]).ok()??;
        let pages = counts.len();
        if pages == 0 || mins.len() != pages || maxes.len() != pages || nulls.len() != pages {
            return None;
        }
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut start = 0;
        for page in 0..pages {
            let end = start + usize::try_from(counts.value(page)).ok()?;
            if self.may_match(&mins, &maxes, Some(&nulls), Some(&counts), page) {
                match ranges.last_mut().filter(|last| last.end == start) {
                    Some(last) => last.end = end,
                    None => ranges.push(start..end),
                }
            }
            start = end;
        }
        (start == rows).then_some(ranges)
    }

    fn may_match(
        &self,
        mins: &ArrayRef,
        maxes: &ArrayRef,
        nulls: Option<&UInt64Array>,
        rows: Option<&UInt64Array>,
        at: usize,
    ) -> bool {
        let known =
            |counts: Option<&UInt64Array>| counts.filter(|counts| counts.is_valid(at)).map(|counts| counts.value(at));
        if let (Some(nulls), Some(rows)) = (known(nulls), known(rows))
            && nulls == rows
            && rows > 0
        {
            return false;
        }
        let Some(value) = self.value else { return true };
        let least = || compare(mins, at, value);
        let greatest = || compare(maxes, at, value);
        // An ordering that is not known (`None`) keeps the piece.
        match self.op {
            PruneOp::Eq => least() != Some(Ordering::Greater) && greatest() != Some(Ordering::Less),
            PruneOp::Lt => !matches!(least(), Some(Ordering::Greater | Ordering::Equal)),
            PruneOp::Le => least() != Some(Ordering::Greater),
            PruneOp::Gt => !matches!(greatest(), Some(Ordering::Less | Ordering::Equal)),
            PruneOp::Ge => greatest() != Some(Ordering::Less),
            PruneOp::IsSome => true,
        }
    }
}

/// Types whose values stay the same numbers in a wider type.
fn is_widened(found: &DataType) -> bool {
    found.is_integer() || matches!(found, DataType::Float32)
}

/// How the bound compares with the constant; `None` if that cannot be said.
fn compare(bounds: &ArrayRef, at: usize, value: &Constant) -> Option<Ordering> {
    if bounds.is_null(at) {
        return None;
    }
    macro_rules! number {
        ($($pattern:pat => $kind:ty),* $(,)?) => {
            match bounds.data_type() {
                $($pattern => Some(i128::from(bounds.as_primitive::<$kind>().value(at))),)*
                _ => None,
            }
        };
    }
    let integer = || {
        number! {
            DataType::Int8 => Int8Type,
            DataType::Int16 => Int16Type,
            DataType::Int32 => Int32Type,
            DataType::Int64 => Int64Type,
            DataType::UInt8 => UInt8Type,
            DataType::UInt16 => UInt16Type,
            DataType::UInt32 => UInt32Type,
            DataType::UInt64 => UInt64Type,
            DataType::Date32 => Date32Type,
            DataType::Timestamp(TimeUnit::Millisecond, _) => TimestampMillisecondType,
            DataType::Timestamp(TimeUnit::Microsecond, _) => TimestampMicrosecondType,
            DataType::Timestamp(TimeUnit::Nanosecond, _) => TimestampNanosecondType,
        }
    };
    let float = || match bounds.data_type() {
        DataType::Float32 => Some(f64::from(bounds.as_primitive::<Float32Type>().value(at))),
        DataType::Float64 => Some(bounds.as_primitive::<Float64Type>().value(at)),
        _ => None,
    };
    match value {
        Constant::Bool(value) => bounds.as_boolean_opt().map(|bounds| bounds.value(at).cmp(value)),
        Constant::Int(value) => integer().map(|bound| bound.cmp(&i128::from(*value))),
        Constant::UInt(value) => integer().map(|bound| bound.cmp(&i128::from(*value))),
        // An integer column that the record declares as a float is compared as one.
        Constant::Float(bits) => {
            float().or_else(|| integer().map(|bound| bound as f64))?.partial_cmp(&f64::from_bits(*bits))
        }
        Constant::String(value) => {
            let bound: &str = match bounds.data_type() {
                DataType::Utf8 => bounds.as_string::<i32>().value(at),
                DataType::LargeUtf8 => bounds.as_string::<i64>().value(at),
                DataType::Utf8View => bounds.as_string_view().value(at),
                _ => return None,
            };
            Some(bound.cmp(value.as_str()))
        }
    }
}

fn intersection(left: &[Range<usize>], right: &[Range<usize>]) -> Vec<Range<usize>> {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    let mut common = Vec::new();
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let (start, end) = (a.start.max(b.start), a.end.min(b.end));
        if start < end {
            common.push(start..end);
        }
        if a.end <= b.end {
            left.next();
        } else {
            right.next();
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Float64Array, Int64Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn ranges_are_intersected() {
        assert_eq!(intersection(&[0..10, 20..30], &[5..25, 40..50]), [5..10, 20..25]);
        assert!(intersection(&[0..10, 20..30], &[10..20, 30..40]).is_empty());
    }

    #[test]
    fn bounds_are_compared_by_type() {
        let ints: ArrayRef = Arc::new(Int64Array::from(vec![Some(5), None]));
        assert_eq!(compare(&ints, 0, &Constant::Int(6)), Some(Ordering::Less));
        assert_eq!(compare(&ints, 0, &Constant::Float(4.5_f64.to_bits())), Some(Ordering::Greater));
        assert_eq!(compare(&ints, 1, &Constant::Int(6)), None);
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN]));
        assert_eq!(compare(&floats, 0, &Constant::Float(1.0_f64.to_bits())), None);
        let strings: ArrayRef = Arc::new(StringArray::from(vec!["b"]));
        assert_eq!(compare(&strings, 0, &Constant::String("a".into())), Some(Ordering::Greater));
        assert_eq!(compare(&strings, 0, &Constant::Int(1)), None);
    }
}
