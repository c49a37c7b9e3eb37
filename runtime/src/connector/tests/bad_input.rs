//! Files that are not what they should be: each is refused with a message that says where, and nothing crashes.

use super::*;

fn write_text(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn columns_that_are_missing_or_of_another_type() {
    let directory = tempfile::tempdir().unwrap();
    for (_, extension) in FORMATS {
        let path = quote_file(directory.path(), extension, 10, 10);
        let missing = message(&path, &[field("instrument_id", BaseType::String)]);
        if extension == "ndjson" {
            assert_eq!(
                missing,
                "quotes.ndjson, line 1: has no field `instrument_id`, the record says String: declare it `Option<String>` if rows may be without it"
            );
        } else {
            assert_eq!(
                missing,
                format!(
                    "quotes.{extension}: no column `instrument_id` (did you mean `instrumentId`?); the file has `instrumentId`, `price`, `size`, `at`: rename the field, or give it the file's name with `#[sabot(rename = \"…\")]`"
                )
            );
        }
        let wrong = message(&path, &[field("instrumentId", BaseType::Int64)]);
        let expected = match extension {
            "csv" => "quotes.csv, line 2: column `instrumentId` holds `US0000`, expected an integer (i64)".to_owned(),
            "ndjson" => {
                "quotes.ndjson, line 1: column `instrumentId` holds the string `US0000`, expected an integer (i64)"
                    .to_owned()
            }
            _ => format!(
                "quotes.{extension}: column `instrumentId` holds strings, the record says i64: declare the field `String`, and convert in a `map` if another type is needed"
            ),
        };
        assert_eq!(wrong, expected);
        let null = message(&path, &[field("size", BaseType::Int64)]);
        let place = match extension {
            "csv" => "line 2",
            "ndjson" => "line 1",
            _ => "row 1",
        };
        assert_eq!(
            null,
            format!(
                "quotes.{extension}, {place}: column `size` is null, the record says i64: declare it `Option<i64>`, or mend the file"
            )
        );
    }
}

#[test]
fn a_column_that_is_there_twice_is_refused_only_where_it_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = write_text(directory.path(), "twice.csv", "id,name,id\n1,a,2\n");
    assert_eq!(
        message(&path, &[field("id", BaseType::Int64)]),
        "twice.csv: the column `id` is there 2 times: which of them is meant? rename the others, or leave them out of the file"
    );
    assert!(read(&path, &[field("name", BaseType::String)]).is_ok());
}

#[test]
fn lines_that_do_not_parse() {
    let directory = tempfile::tempdir().unwrap();
    let csv = |text: &str| {
        let path = write_text(directory.path(), "q.csv", text);
        message(&path, &[field("n", BaseType::Int32), option("t", BaseType::TimestampMs)])
    };
    assert_eq!(csv("n,t\n1,\n2,\n3\n"), "q.csv, line 4: has 1 fields, the header has 2");
    assert_eq!(csv("n,t\n1,\n2,a,b\n"), "q.csv, line 3: has 3 fields, the header has 2");
    assert_eq!(csv("n,t\n3000000000,\n"), "q.csv, line 2: column `n` holds `3000000000`, expected an integer (i32)");
    assert_eq!(
        csv("t,n\n\"2024-01-01\n\",1\n"),
        "q.csv, line 2: column `t` holds `2024-01-01\\n`, expected a time like `2024-02-29T12:00:00.123Z`"
    );
    assert_eq!(csv("n,t\n1,\"\n\n\n\"\nx,\n").split(':').next(), Some("q.csv, line 2"));
    assert_eq!(csv("n,t\n1,\"2024-01-01\n"), "q.csv, line 2: a quote is opened and never closed");
    assert_eq!(csv("n,t\n1.5,\n"), "q.csv, line 2: column `n` holds `1.5`, expected an integer (i32)");
    let long = format!("n,t\n{},\n", "9".repeat(100));
    assert!(csv(&long).contains(&format!("`{}…`", "9".repeat(60))), "{}", csv(&long));

    let ndjson = |text: &str| {
        let path = write_text(directory.path(), "q.ndjson", text);
        message(&path, &[field("n", BaseType::Int32), option("t", BaseType::TimestampMs)])
    };
    assert_eq!(
        ndjson("{\"n\":1}\n\n{\"n\":}\n"),
        "q.ndjson, line 3: not a JSON object: expected a value at column 6, found `}`"
    );
    assert_eq!(
        ndjson("{\"n\":1}\n{\"n\":1"),
        "q.ndjson, line 2: not a JSON object: expected `,` or `}` behind a value at column 7, the line ends"
    );
    assert_eq!(
        ndjson("[1]\n"),
        "q.ndjson, line 1: not a JSON object: expected an object, which starts with `{` at column 1, found `[1]`"
    );
    assert_eq!(ndjson("{\"n\":true}"), "q.ndjson, line 1: column `n` holds `true`, expected an integer (i32)");
    assert_eq!(ndjson("{\"n\":[1]}"), "q.ndjson, line 1: column `n` holds `[1]`, expected an integer (i32)");
    assert_eq!(
        ndjson("{\"n\":null}"),
        "q.ndjson, line 1: column `n` is null, the record says i32: declare it `Option<i32>`, or mend the file"
    );
}

#[test]
fn text_that_is_not_utf8() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("latin1.csv");
    std::fs::write(&path, b"s\ncaf\xe9\n").unwrap();
    let message = message(&path, &[field("s", BaseType::String)]);
    assert_eq!(message, "latin1.csv, line 2: column `s` holds `caf\u{fffd}`, expected text in UTF-8");
}

#[test]
fn files_that_are_empty_or_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let fields = quote_fields();
    for (format, extension) in FORMATS {
        let path = write_text(directory.path(), &format!("empty.{extension}"), "");
        if format == Format::Ndjson {
            assert_eq!(read(&path, &fields).unwrap().num_rows(), 0);
            continue;
        }
        assert!(matches!(error(&path, &fields), ConnectorError::EmptyFile { .. }), "{extension}");
        assert!(matches!(inspect(path.to_str().unwrap(), None), Err(ConnectorError::EmptyFile { .. })));
    }
    assert_eq!(
        message(&directory.path().join("empt.csv"), &fields).replace(directory.path().to_str().unwrap(), ""),
        "empt.csv: no such file or directory (did you mean `empty.csv`?)"
    );
    std::fs::create_dir(directory.path().join("nothing")).unwrap();
    assert!(matches!(error(&directory.path().join("nothing"), &fields), ConnectorError::EmptyDirectory { .. }));
    assert!(matches!(error(&directory.path().join("*.feather"), &fields), ConnectorError::NoMatch { .. }));
    assert!(matches!(error(&directory.path().join("[.feather"), &fields), ConnectorError::BadPattern { .. }));
    let path = write_text(directory.path(), "zeros", "\0\0\0\0");
    assert!(matches!(error(&path, &fields), ConnectorError::UnknownFormat { .. }));
}

#[test]
fn a_file_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = write_text(directory.path(), "secret.csv", "n\n1\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Root may read everything.
    if std::fs::File::open(&path).is_err() {
        let message = message(&path, &[field("n", BaseType::Int64)]);
        assert!(message.contains("give this user leave to read it"), "{message}");
    }
}

#[test]
fn every_truncation_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let fields = quote_fields();
    for (format, extension) in [(Format::Arrow, "arrow"), (Format::Parquet, "parquet")] {
        let whole = std::fs::read(quote_file(directory.path(), extension, 500, 250)).unwrap();
        let path = directory.path().join(format!("cut.{extension}"));
        for length in (1..whole.len()).step_by(97).chain(whole.len() - 12..whole.len()) {
            std::fs::write(&path, &whole[..length]).unwrap();
            let error = error(&path, &fields);
            let is_told = matches!(&error, ConnectorError::Corrupt { format: found, .. } if *found == format);
            assert!(is_told, "{extension} of {length} bytes: {error}");
        }
    }
}

/// Whatever the bytes are, reading ends with rows or with an error, and takes no memory that the file does not pay for.
#[test]
fn flipped_bytes_never_crash() {
    let directory = tempfile::tempdir().unwrap();
    let fields = quote_fields();
    for (_, extension) in FORMATS {
        let whole = std::fs::read(quote_file(directory.path(), extension, 200, 100)).unwrap();
        let path = directory.path().join(format!("flipped.{extension}"));
        let mut random = Random(7);
        for _ in 0..400 {
            let mut bytes = whole.clone();
            for _ in 0..=random.next() % 3 {
                // Metadata stands at the end of binary files: half of the flips go there.
                let tail = bytes.len().min(1500) as u64;
                let at = if random.next().is_multiple_of(2) {
                    random.next() % bytes.len() as u64
                } else {
                    bytes.len() as u64 - 1 - random.next() % tail
                };
                bytes[at as usize] = [0, 0xff, 0x7f, 0x80, random.next() as u8][(random.next() % 5) as usize];
            }
            std::fs::write(&path, &bytes).unwrap();
            drop(inspect(path.to_str().unwrap(), None));
            drop(read_batches(&path, &fields, &all_columns(&fields)));
        }
    }
}

#[test]
fn a_compressed_buffer_that_claims_too_much() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bomb.arrow");
    let mut sink = sink(&path, &quote_fields());
    sink.connector.options.insert("compression".into(), "zstd".into());
    write(&sink, &[quotes(1000, 0)]).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    // The price column: 8000 bytes before compression, as its first eight bytes say.
    let at = bytes.windows(8).position(|window| window == 8000_i64.to_le_bytes()).unwrap();
    bytes[at..at + 8].copy_from_slice(&(1_i64 << 40).to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    let message = message(&path, &quote_fields());
    assert!(message.contains("that claims to hold 1099511627776"), "{message}");
}

#[test]
fn a_row_that_is_longer_than_any() {
    let directory = tempfile::tempdir().unwrap();
    for (name, start) in [("long.csv", "id,name\n1,"), ("long.ndjson", "{\"id\":1,\"name\":\"")] {
        let path = write_text(directory.path(), name, start);
        // Zeros, which take no room on the disk.
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(300 << 20).unwrap();
        let message = message(&path, &[field("id", BaseType::Int64), field("name", BaseType::String)]);
        assert!(message.contains("one row is longer than 256 MiB"), "{message}");
    }
}

#[test]
fn a_stream_that_ends_in_the_middle() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stream.arrow");
    let batch = quotes(1000, 0);
    let mut bytes = Vec::new();
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(&mut bytes, batch.schema_ref()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    std::fs::write(&path, &bytes[..bytes.len() - 100]).unwrap();
    let message = message(&path, &quote_fields());
    assert!(message.contains("it ends in the middle of a message"), "{message}");
}
