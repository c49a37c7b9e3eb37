//! Parquet row groups and pages that cannot match are left out, and no row that matches is.

use super::*;
use arrow_array::types::Float64Type;
use parquet_crate::arrow::ArrowWriter;
use parquet_crate::file::properties::WriterProperties;
use sabot_abi::manifest::{Constant, PruneOp};

use ::parquet as parquet_crate;

fn term(column: u32, op: PruneOp, value: Constant) -> ResolvedPruneTerm {
    ResolvedPruneTerm { column, op, value: Some(value) }
}

fn float(value: f64) -> Constant {
    Constant::Float(value.to_bits())
}

/// 40 row groups of 1000 rows, in pages of 100.
fn paged_file(directory: &Path) -> PathBuf {
    let path = directory.join("paged.parquet");
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(1000))
        .set_data_page_row_count_limit(100)
        .set_write_batch_size(100)
        .set_dictionary_enabled(false)
        .build();
    let batch = quotes(40_000, 0);
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

/// Prices read, and rows left out.
fn prices(path: &Path, prune: Vec<ResolvedPruneTerm>) -> (Vec<f64>, u64) {
    let scan = Scan { columns: vec![1], prune, batch_rows: 64 };
    let source = open_source(&source(path, &quote_fields()), None, &scan).unwrap();
    let mut prices = Vec::new();
    for split in 0..source.splits() {
        let mut reader = source.open(split).unwrap();
        while let Some(batch) = reader.next().unwrap() {
            for (row, price) in batch.column(0).as_primitive::<Float64Type>().values().iter().enumerate() {
                assert_eq!(reader.position().place(row), Place::Row((price * 4.0) as u64 + 1));
                prices.push(*price);
            }
        }
    }
    let statistics = source.statistics();
    assert_eq!(statistics.rows, Some(prices.len() as u64));
    assert_eq!(statistics.pruned_rows, 40_000 - prices.len() as u64);
    (prices, statistics.pruned_rows)
}

#[test]
fn row_groups_and_pages_are_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let path = paged_file(directory.path());
    assert_eq!(prices(&path, vec![]).1, 0);
    // Prices are a quarter of the row's number.
    assert_eq!(prices(&path, vec![term(1, PruneOp::Ge, float(9_900.0))]).0.len(), 400);
    assert_eq!(prices(&path, vec![term(1, PruneOp::Gt, float(9_874.75))]).0.len(), 500);
    assert_eq!(prices(&path, vec![term(1, PruneOp::Lt, float(25.0))]).0.len(), 100);
    assert_eq!(prices(&path, vec![term(1, PruneOp::Le, float(25.0))]).0.len(), 200);
    assert_eq!(prices(&path, vec![term(1, PruneOp::Eq, float(5_000.0))]).0, {
        (20_000..20_100).map(|n| f64::from(n) / 4.0).collect::<Vec<_>>()
    });
    assert!(prices(&path, vec![term(1, PruneOp::Gt, float(1e9))]).0.is_empty());
    let both = vec![term(1, PruneOp::Ge, float(5_000.0)), term(1, PruneOp::Lt, float(5_050.0))];
    assert_eq!(prices(&path, both).0.len(), 200);
    let sizes = vec![term(2, PruneOp::Ge, Constant::Int(39_950))];
    assert_eq!(prices(&path, sizes).0.len(), 100);
}

#[test]
fn what_statistics_cannot_say_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = paged_file(directory.path());
    assert_eq!(prices(&path, vec![term(1, PruneOp::Gt, float(f64::NAN))]).1, 0);
    assert_eq!(prices(&path, vec![term(0, PruneOp::Eq, Constant::String("US0001".into()))]).1, 0);
    assert_eq!(prices(&path, vec![term(0, PruneOp::Gt, Constant::String("US01".into()))]).1, 40_000);
    assert_eq!(prices(&path, vec![term(1, PruneOp::Eq, Constant::String("x".into()))]).1, 0);
    let some = ResolvedPruneTerm { column: 2, op: PruneOp::IsSome, value: None };
    assert_eq!(prices(&path, vec![some]).1, 0);
}

#[test]
fn pieces_without_a_value_are_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nulls.parquet");
    let fields = [option("n", BaseType::Int64)];
    let batch = |values: Vec<Option<i64>>| {
        RecordBatch::try_new(schema::arrow_schema(&fields), vec![Arc::new(Int64Array::from(values))]).unwrap()
    };
    write(&sink(&path, &fields), &[batch(vec![None; 10]), batch(vec![Some(1); 10])]).unwrap();
    let some = ResolvedPruneTerm { column: 0, op: PruneOp::IsSome, value: None };
    for prune in [some, term(0, PruneOp::Gt, Constant::Int(0))] {
        let scan = Scan { columns: vec![0], prune: vec![prune], batch_rows: BATCH_ROWS };
        let source = open_source(&source(&path, &fields), None, &scan).unwrap();
        assert_eq!(source.statistics().pruned_rows, 10);
    }
}

#[test]
fn strings_stay_dictionaries_or_become_views() {
    let directory = tempfile::tempdir().unwrap();
    let path = quote_file(directory.path(), "parquet", 1000, 1000);
    let batches = read_batches(&path, &quote_fields(), &Scan::of(vec![0])).unwrap();
    assert!(batches[0].column(0).as_dictionary_opt::<arrow_array::types::Int32Type>().is_some());
    let plain = paged_file(directory.path());
    let batches = read_batches(&plain, &quote_fields(), &Scan::of(vec![0])).unwrap();
    assert!(batches[0].column(0).as_string_view_opt().is_some());
}
