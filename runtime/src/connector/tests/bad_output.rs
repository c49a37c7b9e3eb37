//! Sinks that cannot be written, and what is left then.

use super::*;

fn open(path: &Path, options: SinkOptions) -> Result<Box<dyn Sink>, ConnectorError> {
    open_sink(&sink(path, &quote_fields()), None, options)
}

#[test]
fn a_file_that_is_there_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.csv");
    std::fs::write(&path, "precious").unwrap();
    let error = open(&path, SinkOptions::default()).err().unwrap().to_string();
    assert!(
        error.ends_with("exists already: pass `--overwrite` to replace it, or `--output out=FILE` to write elsewhere")
    );
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    let replaced = open(&path, SinkOptions { overwrite: true }).unwrap();
    replaced.open().unwrap().abort();
    assert_eq!(std::fs::read(&path).unwrap(), b"precious", "an aborted run replaces nothing");
    replaced.open().unwrap().finish().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"instrumentId,price,size,at\n");
}

#[test]
fn a_file_that_appears_meanwhile_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.csv");
    let writer = open(&path, SinkOptions::default()).unwrap().open().unwrap();
    std::fs::write(&path, "precious").unwrap();
    assert!(matches!(writer.finish(), Err(ConnectorError::SinkExists { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    for (_, extension) in FORMATS {
        let sink = open_sink(
            &sink(Path::new("nowhere"), &quote_fields()),
            Some(&format!("{extension}:/dev/full")),
            SinkOptions::default(),
        );
        let sink = sink.unwrap();
        let written = sink.open().and_then(|mut writer| {
            let mut encoder = sink.encoder();
            for at in 0..10 {
                writer.append(encoder.encode(&[quotes(10_000, at * 10_000)])?)?;
            }
            writer.finish()
        });
        let error = written.unwrap_err();
        assert!(matches!(&error, ConnectorError::Write { path, .. } if path == "/dev/full"), "{extension}: {error}");
        assert!(error.to_string().contains("free space on that disk"), "{extension}: {error}");
    }
}

/// Run by the next test in a process of its own, whose files may not grow.
#[test]
#[ignore = "only with a limit on the size of files"]
fn with_a_limit_on_files() {
    let directory = tempfile::tempdir().unwrap();
    for (_, extension) in FORMATS {
        let path = directory.path().join(format!("out.{extension}"));
        let batches: Vec<RecordBatch> = (0..10).map(|at| quotes(10_000, at * 10_000)).collect();
        let error = write(&sink(&path, &quote_fields()), &batches).unwrap_err();
        assert!(matches!(&error, ConnectorError::Write { .. }), "{extension}: {error}");
        assert!(error.to_string().contains("ulimit -f"), "{extension}: {error}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "{extension}");
    }
}

#[test]
fn a_file_that_may_not_grow_is_told_and_leaves_nothing() {
    let test = std::env::current_exe().unwrap();
    let name = "connector::tests::bad_output::with_a_limit_on_files";
    let limited = std::process::Command::new("sh")
        .args(["-c", "ulimit -f 100; exec \"$0\" --exact \"$1\" --ignored"])
        .arg(&test)
        .arg(name)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&limited.stdout).into_owned();
    assert!(limited.status.success() && said.contains("1 passed"), "{said}{:?}", limited.status);
}

#[test]
fn a_reader_that_goes_away_ends_the_output_quietly() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipe.ndjson");
    let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: the name is a C string that lives until the call returns.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let reader = {
        let path = path.clone();
        std::thread::spawn(move || drop(std::fs::File::open(path).unwrap()))
    };
    let sink = open(&path, SinkOptions::default()).unwrap();
    let mut writer = sink.open().unwrap();
    reader.join().unwrap();
    let mut encoder = sink.encoder();
    let mut demand = Demand::More;
    for _ in 0..3 {
        demand = writer.append(encoder.encode(&[quotes(1000, 0)]).unwrap()).unwrap();
    }
    assert_eq!(demand, Demand::Enough);
    writer.finish().unwrap();
}

#[test]
fn a_topic_needs_a_file_in_its_place() {
    let mut sink = sink(Path::new("x"), &quote_fields());
    sink.connector.location = Location::Kafka("enriched.quotes".into());
    let error = open_sink(&sink, None, SinkOptions::default()).err().unwrap().to_string();
    assert_eq!(
        error,
        "sink `out` is kafka(\"enriched.quotes\"), which this command does not connect to: run it with `--output out=FILE` in its place"
    );
    let mut source = source(Path::new("x"), &quote_fields());
    source.connector.location = Location::Kafka("market.quotes".into());
    let error = open_source(&source, None, &Scan::of(vec![])).err().unwrap().to_string();
    assert!(error.ends_with("run it with `--input quotes=FILE` in its place"), "{error}");
}

#[test]
fn places_that_take_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let error = |path: &Path| open(path, SinkOptions::default()).err().unwrap().to_string();
    assert!(error(&directory.path().join("no/where.csv")).contains("create it first"));
    assert!(error(&directory.path().join("out.xlsx")).contains("cannot tell its format"));
    let options = SinkOptions::default();
    let sink = sink(Path::new("x.csv"), &quote_fields());
    let text = open_sink(&sink, Some(&format!("csv:{}", directory.path().display())), options).err().unwrap();
    assert!(text.to_string().contains("is a directory"), "{text}");
}
