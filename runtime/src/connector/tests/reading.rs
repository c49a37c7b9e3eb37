//! Splits, projections, positions, directories, streams.

use super::*;
use arrow_array::types::{Float64Type, Int64Type};
use std::io::Write;

#[test]
fn columns_come_in_the_order_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let fields = quote_fields();
    for (_, extension) in FORMATS {
        let path = quote_file(directory.path(), extension, 1000, 300);
        let batch = read_scan(&path, &fields, &Scan::of(vec![2, 0])).unwrap();
        assert_eq!(batch.schema_ref().field(0).name(), "size");
        assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(999), 999);
        assert_eq!(batch.column(1).as_string::<i32>().value(999), "US0099");
        let none = read_batches(&path, &fields, &Scan::of(vec![])).unwrap();
        assert_eq!(none.iter().map(RecordBatch::num_rows).sum::<usize>(), 1000, "{extension}");
        assert!(none.iter().all(|batch| batch.num_columns() == 0));
    }
}

#[test]
fn batches_are_no_larger_than_asked_for_and_know_where_they_stand() {
    let directory = tempfile::tempdir().unwrap();
    let fields = quote_fields();
    for (format, extension) in FORMATS {
        let path = quote_file(directory.path(), extension, 10_000, 3_000);
        let scan = Scan { columns: vec![1], prune: Vec::new(), batch_rows: 700 };
        let source = open_source(&source(&path, &fields), None, &scan).unwrap();
        let mut row = 0;
        let mut bytes = 0;
        for split in 0..source.splits() {
            let mut reader = source.open(split).unwrap();
            while let Some(batch) = reader.next().unwrap() {
                let prices = batch.column(0).as_primitive::<Float64Type>();
                for at in [0, batch.num_rows() - 1] {
                    assert_eq!(prices.value(at), (row + at) as f64 / 4.0);
                    let number = (row + at + 1) as u64;
                    let place = match format {
                        Format::Arrow | Format::Parquet => Place::Row(number),
                        Format::Csv => Place::Line(number + 1),
                        Format::Ndjson => Place::Line(number),
                    };
                    assert_eq!(reader.position().place(at), place, "{extension}");
                    assert_eq!(reader.position().file(), path.to_str().unwrap());
                }
                row += batch.num_rows();
            }
            bytes += reader.bytes_read();
        }
        assert_eq!(row, 10_000);
        let total = source.total_bytes().unwrap();
        assert!(bytes <= total && bytes * 10 >= total * 9, "{extension}: {bytes} of {total}");
        assert!(source.total_rows().is_none_or(|rows| rows == 10_000));
    }
}

#[test]
fn text_is_read_in_parallel_with_the_same_rows() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("long.csv");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    writeln!(file, "n,text").unwrap();
    let mut rows = 0;
    let mut bytes = 0;
    while bytes < 9 << 20 {
        let line = format!("{rows},\"a \"\"quoted\"\"\n{rows}, text\"\r\n");
        bytes += line.len();
        file.write_all(line.as_bytes()).unwrap();
        rows += 1;
    }
    file.into_inner().unwrap();
    let fields = [field("n", BaseType::Int64), field("text", BaseType::String)];
    let source = open_source(&source(&path, &fields), None, &all_columns(&fields)).unwrap();
    assert_eq!(source.splits(), 3);
    let mut next = 0;
    for split in 0..3 {
        let mut reader = source.open(split).unwrap();
        while let Some(batch) = reader.next().unwrap() {
            assert_eq!(reader.position().place(1), Place::Line(2 + 2 * (next + 1)));
            for row in 0..batch.num_rows() {
                assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(row), next as i64);
                next += 1;
            }
        }
    }
    assert_eq!(next, rows);
}

#[test]
fn large_arrow_batches_are_cut_and_small_ones_joined() {
    let directory = tempfile::tempdir().unwrap();
    let fields = quote_fields();
    let path = quote_file(directory.path(), "arrow", 400_000, 400_000);
    let source_of = |path: &Path| open_source(&source(path, &fields), None, &Scan::of(vec![1])).unwrap();
    let cut = source_of(&path);
    assert_eq!(cut.splits(), 3);
    assert_eq!(read_scan(&path, &fields, &Scan::of(vec![1])).unwrap().num_rows(), 400_000);
    let mut last = cut.open(2).unwrap();
    last.next().unwrap();
    assert_eq!(last.position().place(0), Place::Row(2 * 128 * 1024 + 1));
    std::fs::remove_file(&path).unwrap();
    let path = quote_file(directory.path(), "arrow", 1000, 10);
    assert_eq!(source_of(&path).splits(), 1);
    assert_eq!(read(&path, &fields).unwrap(), quotes(1000, 0));
}

#[test]
fn an_arrow_stream_is_read_like_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let fields = quote_fields();
    let path = directory.path().join("stream.arrow");
    let batch = quotes(1000, 0);
    let mut writer =
        arrow_ipc::writer::StreamWriter::try_new(std::fs::File::create(&path).unwrap(), batch.schema_ref()).unwrap();
    writer.write(&batch.slice(0, 400)).unwrap();
    writer.write(&batch.slice(400, 600)).unwrap();
    writer.finish().unwrap();
    assert_eq!(read(&path, &fields).unwrap(), batch);
    let facts = inspect(path.to_str().unwrap(), None).unwrap();
    assert_eq!((facts.rows, facts.row_groups, facts.fields), (Some(1000), 2, fields));
}

#[test]
fn dictionaries_that_change_in_a_stream_are_followed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dictionaries.arrow");
    let batch = |values: Vec<&str>| {
        let values: arrow_array::DictionaryArray<arrow_array::types::Int32Type> = values.into_iter().collect();
        RecordBatch::try_from_iter([("s", Arc::new(values) as ArrayRef)]).unwrap()
    };
    let batches = [batch(vec!["a", "b", "a"]), batch(vec!["c", "a"])];
    let mut writer =
        arrow_ipc::writer::StreamWriter::try_new(std::fs::File::create(&path).unwrap(), batches[0].schema_ref())
            .unwrap();
    for batch in &batches {
        writer.write(batch).unwrap();
    }
    writer.finish().unwrap();
    let read = read(&path, &[field("s", BaseType::String)]).unwrap();
    let read: Vec<&str> = read.column(0).as_string::<i32>().iter().flatten().collect();
    assert_eq!(read, ["a", "b", "a", "c", "a"]);
}

#[test]
fn directories_and_globs_are_read_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let fields = quote_fields();
    for part in 0..3 {
        let path = directory.path().join(format!("part-{part}.parquet"));
        write(&sink(&path, &fields), &[quotes(100, part * 100)]).unwrap();
    }
    assert_eq!(read(directory.path(), &fields).unwrap(), quotes(300, 0));
    let glob = directory.path().join("part-[12].parquet");
    assert_eq!(read(&glob, &fields).unwrap(), quotes(200, 100));
    let facts = inspect(directory.path().to_str().unwrap(), None).unwrap();
    assert_eq!((facts.rows, facts.files, facts.row_groups), (Some(300), 3, 3));
    let source = open_source(&source(directory.path(), &fields), None, &all_columns(&fields)).unwrap();
    assert_eq!(source.statistics().files, 3);
    assert_eq!(source.total_rows(), Some(300));
}

#[test]
fn a_named_pipe_is_read_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let fields = quote_fields();
    for (format, extension) in FORMATS {
        let data = std::fs::read(quote_file(directory.path(), extension, 50_000, 20_000)).unwrap();
        let path = directory.path().join(format!("pipe.{extension}"));
        let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: the name is a C string that lives until the call returns.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        let feeder = {
            let path = path.clone();
            std::thread::spawn(move || drop(std::fs::write(path, data)))
        };
        match format {
            Format::Parquet => assert!(error(&path, &fields).to_string().contains("cannot come through a pipe")),
            Format::Arrow | Format::Csv | Format::Ndjson => {
                assert_eq!(read(&path, &fields).unwrap(), quotes(50_000, 0), "{extension}");
            }
        }
        feeder.join().unwrap();
    }
}

#[test]
fn a_stream_counts_its_lines() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipe.csv");
    let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: the name is a C string that lives until the call returns.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let mut text = String::from("n\n");
    (0..300_000).for_each(|n| text.push_str(&format!("{n}\n")));
    text.push_str("x\n");
    let feeder = {
        let path = path.clone();
        std::thread::spawn(move || drop(std::fs::write(path, text)))
    };
    let message = message(&path, &[field("n", BaseType::Int64)]);
    assert_eq!(message, "pipe.csv, line 300002: column `n` holds `x`, expected an integer (i64)");
    feeder.join().unwrap();
}

#[test]
fn a_format_in_front_of_the_path_wins() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.txt");
    std::fs::write(&path, "n\n1\n").unwrap();
    let fields = [field("n", BaseType::Int64)];
    assert_eq!(read(&path, &fields).unwrap().num_rows(), 1, "text is taken for CSV");
    let scan = all_columns(&fields);
    let source = source(Path::new("nowhere"), &fields);
    let replacement = format!("csv:{}", path.display());
    assert_eq!(open_source(&source, Some(&replacement), &scan).unwrap().splits(), 1);
    let wrong = open_source(&source, Some(&format!("parquet:{}", path.display())), &scan);
    assert!(wrong.err().unwrap().to_string().contains("does not begin with `PAR1`"));
}

#[test]
fn csv_options_and_oddities() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("odd.csv");
    std::fs::write(&path, "\u{feff}b; \"a\" ;c\r\n1;x;\r\n\r\n2;\"\";y").unwrap();
    let fields = [field("a", BaseType::String), field("b", BaseType::Int64), option("c", BaseType::String)];
    let mut source = source(&path, &fields);
    source.connector.options.insert("delimiter".into(), ";".into());
    let source = open_source(&source, None, &all_columns(&fields));
    let error = source.err().unwrap().to_string();
    assert!(error.contains("no column `a`"), "a blank in front of a quote is text: {error}");
    std::fs::write(&path, "\u{feff}b;\"a\";c\r\n1;x;\r\n\r\n2;\"\";y").unwrap();
    let mut source = super::source(&path, &fields);
    source.connector.options.insert("delimiter".into(), ";".into());
    let source = open_source(&source, None, &all_columns(&fields)).unwrap();
    let batch = source.open(0).unwrap().next().unwrap().unwrap();
    assert_eq!(batch.num_rows(), 2);
    assert_eq!(batch.column(0).as_string::<i32>().value(1), "");
    assert!(batch.column(2).is_null(0));
}

#[test]
fn ndjson_takes_fields_in_any_order_and_skips_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("odd.ndjson");
    let text = "{\"n\":1,\"x\":{\"y\":[1,\"}\"]},\"f\":\"NaN\"}\n\n { \"f\" : -1.5e3 , \"n\" : -2 } \r\n{\"\\u006e\":3,\"f\":0,\"n\":4}";
    std::fs::write(&path, text).unwrap();
    let fields = [field("n", BaseType::Int64), option("f", BaseType::Float64), option("g", BaseType::String)];
    let batch = read(&path, &fields).unwrap();
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[1, -2, 4]);
    let floats = batch.column(1).as_primitive::<Float64Type>();
    assert!(floats.value(0).is_nan() && floats.value(1) == -1500.0);
    assert_eq!(batch.column(2).null_count(), 3);
}

#[test]
fn a_file_is_read_as_it_grows() {
    use std::io::Write;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let path = folder.path().join("growing.ndjson");
    std::fs::write(&path, "{\"id\":1}\n{\"id\":2}\n{\"i").expect("it can be written");
    let mut growing = source(&path, &[field("id", BaseType::Int64)]);
    growing.connector.options.insert("follow".to_owned(), "true".to_owned());
    let opened = open_source(&growing, None, &Scan::of(vec![0])).expect("it opens");
    let writer = std::thread::spawn({
        let path = path.clone();
        move || {
            std::thread::sleep(std::time::Duration::from_millis(50));
            let mut file = std::fs::OpenOptions::new().append(true).open(path).expect("it is there");
            file.write_all(b"d\":3}\n").expect("it can be written");
        }
    });
    let mut reader = opened.open(0).expect("it opens");
    let mut ids = Vec::new();
    while ids.len() < 3 {
        let batch = reader.next().expect("it reads").expect("it never ends");
        ids.extend_from_slice(batch.column(0).as_primitive::<Int64Type>().values());
    }
    assert_eq!(ids, [1, 2, 3]);
    writer.join().expect("it has written");
}

#[test]
fn the_header_of_a_file_that_grows_may_come_later() {
    use super::super::source::Polled;
    use std::io::Write;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let path = folder.path().join("growing.csv");
    std::fs::write(&path, "").expect("it can be written");
    let append = |text: &str| {
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).expect("it is there");
        file.write_all(text.as_bytes()).expect("it can be written");
    };
    let fields = [field("id", BaseType::Int64), field("name", BaseType::String)];
    let mut growing = source(&path, &fields);
    growing.connector.options.insert("follow".to_owned(), "true".to_owned());
    let opened = open_source(&growing, None, &Scan::of(vec![0])).expect("it opens");
    let mut reader = opened.open(0).expect("it opens");
    for part in ["name", ",id\nan", "na"] {
        assert!(matches!(reader.poll(), Ok(Polled::Nothing)), "no row is complete");
        append(part);
    }
    append(",7\n\"bo\nb\",8\nc");
    let Ok(Polled::Batch(batch)) = reader.poll() else { panic!("two rows are complete") };
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[7, 8]);
    append(",9");
    assert!(matches!(reader.poll(), Ok(Polled::Nothing)), "the last row is not complete");
    append("0\n");
    let Ok(Polled::Batch(batch)) = reader.poll() else { panic!("a row is complete") };
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[90]);
    let file = std::fs::OpenOptions::new().write(true).open(&path).expect("it is there");
    file.set_len(3).expect("it can be cut");
    let error = reader.poll().expect_err("it was cut").to_string();
    assert!(error.contains("cut to 3 bytes"), "{error}");
}

#[test]
fn a_first_row_is_not_taken_for_a_header() {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let fields = [field("id", BaseType::Int64), field("name", BaseType::String)];
    for (name, follows) in [("rows.csv", false), ("growing.csv", true)] {
        let path = folder.path().join(name);
        std::fs::write(&path, "1,anna\n2,bob\n").expect("it can be written");
        let mut rows = source(&path, &fields);
        if follows {
            rows.connector.options.insert("follow".to_owned(), "true".to_owned());
        }
        // Also where no column is read.
        for columns in [vec![], vec![0, 1]] {
            let Err(error) = open_source(&rows, None, &Scan::of(columns)) else { panic!("it has no header") };
            let error = error.to_string();
            assert!(error.contains("the first line is `1`, `anna`") && error.contains("`id`, `name`"), "{error}");
        }
    }
}

#[test]
fn several_files_cannot_be_followed() {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    for name in ["a.ndjson", "b.ndjson"] {
        std::fs::write(folder.path().join(name), "{\"id\":1}\n").expect("it can be written");
    }
    let mut growing = source(&folder.path().join("*.ndjson"), &[field("id", BaseType::Int64)]);
    growing.connector.options.insert("follow".to_owned(), "true".to_owned());
    let Err(error) = open_source(&growing, None, &Scan::of(vec![0])) else { panic!("it was opened") };
    assert!(error.to_string().contains("more than one file"), "{error}");
}
