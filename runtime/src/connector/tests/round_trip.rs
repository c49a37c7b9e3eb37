//! What is written is read again: every type, every format, with and without nulls.

use super::*;

/// Equal, NaN being equal to itself and zero not to minus zero.
fn assert_same(read: &RecordBatch, written: &RecordBatch, what: &str) {
    assert_eq!(read.num_rows(), written.num_rows(), "{what}");
    for (at, (left, right)) in read.columns().iter().zip(written.columns()).enumerate() {
        let field = written.schema_ref().field(at);
        assert_eq!(left.to_data(), right.to_data(), "{what}: column {at}, {field}");
    }
}

#[test]
fn every_type_comes_back_from_every_format() {
    let directory = tempfile::tempdir().unwrap();
    for (_, extension) in FORMATS {
        for rows in [1, 2, 3, 64, 1000] {
            let path = directory.path().join(format!("r{rows}.{extension}"));
            let (fields, batch) = every_type(rows, rows as u64);
            let report =
                write(&sink(&path, &fields), &[batch.slice(0, rows / 2), batch.slice(rows / 2, rows - rows / 2)]);
            let report = report.unwrap();
            assert_eq!(report.rows, rows as u64);
            assert_eq!(report.bytes, std::fs::metadata(&path).unwrap().len());
            assert_eq!(report.files, [path.to_str().unwrap()]);
            assert_same(&read(&path, &fields).unwrap(), &batch, extension);
        }
    }
}

#[test]
fn lists_of_every_type_come_back_from_every_format_that_has_them() {
    let directory = tempfile::tempdir().unwrap();
    for extension in ["arrow", "parquet", "ndjson"] {
        for rows in [1, 3, 64, 1000] {
            let mut random = Random(rows as u64);
            let mut fields = Vec::new();
            let mut columns = Vec::new();
            for nullable in [false, true] {
                for item in ALL_TYPES {
                    for base in [item.list().unwrap(), item.list().unwrap().list().unwrap()] {
                        fields.push(Field::new(format!("c{}", fields.len()), ColumnType { base, nullable }));
                        columns.push(column(base, rows, nullable, &mut random));
                    }
                }
            }
            let batch = RecordBatch::try_new(schema::arrow_schema(&fields), columns).unwrap();
            let path = directory.path().join(format!("r{rows}.{extension}"));
            write(&sink(&path, &fields), &[batch.slice(0, rows / 2), batch.slice(rows / 2, rows - rows / 2)]).unwrap();
            let read = read(&path, &fields).unwrap();
            for (at, (found, wanted)) in read.columns().iter().zip(batch.columns()).enumerate() {
                let found = convert::in_type(found, wanted.data_type()).unwrap();
                assert_eq!(found.to_data(), wanted.to_data(), "{extension}: column {at}, {:?}", fields[at].ty);
            }
        }
    }
}

#[test]
fn csv_refuses_lists() {
    let directory = tempfile::tempdir().unwrap();
    let fields = [field("words", BaseType::String.list().unwrap())];
    let path = directory.path().join("words.csv");
    let error = open_sink(&sink(&path, &fields), None, SinkOptions::default()).err().unwrap().to_string();
    assert!(error.contains("CSV has no lists, and column `words` is a Vec<String>"), "{error}");
    std::fs::write(&path, "words\na\n").unwrap();
    let error = read(&path, &fields).unwrap_err().to_string();
    assert!(error.contains("CSV has no lists, and column `words` is a Vec<String>"), "{error}");
}

#[test]
fn no_rows_make_a_file_that_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let fields = quote_fields();
    for (_, extension) in FORMATS {
        let path = directory.path().join(format!("none.{extension}"));
        write(&sink(&path, &fields), &[]).unwrap();
        assert_eq!(read(&path, &fields).unwrap().num_rows(), 0, "{extension}");
        assert_eq!(inspect(path.to_str().unwrap(), None).unwrap().files, 1);
    }
}

#[test]
fn other_layouts_of_strings_are_written_too() {
    let directory = tempfile::tempdir().unwrap();
    let fields = [option("s", BaseType::String)];
    let strings: ArrayRef = Arc::new(StringArray::from(vec![Some("b"), None, Some("a"), Some("b"), Some("")]));
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let layouts = [DataType::Utf8View, DataType::LargeUtf8, dictionary];
    let batches: Vec<RecordBatch> = layouts
        .iter()
        .map(|layout| {
            let column = arrow_cast::cast(&strings, layout).unwrap();
            let schema = Schema::new(vec![ArrowField::new("s", layout.clone(), true)]);
            RecordBatch::try_new(Arc::new(schema), vec![column]).unwrap()
        })
        .collect();
    for (_, extension) in FORMATS {
        let path = directory.path().join(format!("s.{extension}"));
        write(&sink(&path, &fields), &batches).unwrap();
        let read = read(&path, &fields).unwrap();
        for layout in 0..layouts.len() {
            assert_eq!(read.column(0).slice(layout * 5, 5).to_data(), strings.to_data(), "{extension}");
        }
    }
}

#[test]
fn compressed_files_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let fields = quote_fields();
    let batch = quotes(5000, 0);
    let codecs = [("arrow", "lz4"), ("arrow", "zstd"), ("parquet", "none"), ("parquet", "lz4"), ("parquet", "zstd")];
    for (extension, codec) in codecs {
        let path = directory.path().join(format!("{codec}.{extension}"));
        let mut sink = sink(&path, &fields);
        sink.connector.options.insert("compression".into(), codec.into());
        write(&sink, std::slice::from_ref(&batch)).unwrap();
        assert_same(&read(&path, &fields).unwrap(), &batch, codec);
    }
    let mut sink = sink(&directory.path().join("x.parquet"), &fields);
    sink.connector.options.insert("compression".into(), "rar".into());
    let error = write(&sink, &[batch]).unwrap_err().to_string();
    assert!(error.ends_with("with compression `none`, `snappy`, `lz4` or `zstd`, not `rar`"), "{error}");
}

#[test]
fn several_batches_are_encoded_together() {
    let directory = tempfile::tempdir().unwrap();
    let fields = quote_fields();
    let batches: Vec<RecordBatch> = (0..10).map(|at| quotes(100, at * 100)).collect();
    for (_, extension) in FORMATS {
        let path = directory.path().join(format!("joined.{extension}"));
        let sink = open_sink(&sink(&path, &fields), None, SinkOptions::default()).unwrap();
        let mut writer = sink.open().unwrap();
        let encoded = sink.encoder().encode(&batches).unwrap();
        assert_eq!(encoded.rows, 1000);
        assert!(encoded.memory_bytes() > 1000);
        writer.append(encoded).unwrap();
        writer.finish().unwrap();
        assert_same(&read(&path, &fields).unwrap(), &quotes(1000, 0), extension);
        if let Ok(facts) = inspect(path.to_str().unwrap(), None)
            && facts.rows.is_some()
        {
            assert_eq!((facts.rows, facts.row_groups), (Some(1000), 1));
            assert_eq!(facts.fields, fields);
        }
    }
}

use arrow_schema::{DataType, Field as ArrowField, Schema};
