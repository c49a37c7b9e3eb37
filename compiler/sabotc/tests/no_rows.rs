//! Functions of a group over no rows: a value of a row cannot be given, and the operator's policy decides; of an `Option`
//! it is `None`; counts and sums are 0, means NaN.
#![allow(missing_docs, reason = "a test")]

use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

const HEAD: &str = "use sabot::prelude::*;
#[sabot::record]
struct Event { id: i64, k: String, at: Timestamp }
";

const ROWS: &str = "id,k,at
1,a,2024-01-01T00:00:01Z
2,b,2024-01-01T00:00:02Z
13,b,2024-01-01T00:00:03Z
";

/// How rows become groups, and the output of the number of rows and of the greatest id from 10 of each.
const GROUPED: &[(&str, &str)] = &[
    (".filter(|e| e.id < 0)", "0,\n"),
    (".filter(|e| e.id < 3)", "2,\n"),
    (".key_by(|e| e.k.clone())", "1,\n2,13\n"),
    (".key_by(|e| e.k.clone()).window(tumbling(minutes(1)))", "1,\n2,13\n"),
    (".key_by(|e| e.k.clone()).window(sliding(minutes(1), seconds(60)))", "1,\n2,13\n"),
    (".key_by(|e| e.k.clone()).window(tumbling(minutes(1)).offset(seconds(-30)))", "1,\n2,13\n"),
    (".key_by(|e| e.k.clone()).window(session(seconds(5)))", "1,\n2,13\n"),
    (".key_by(|e| e.k.clone()).window(count(2))", "2,13\n1,\n"),
];

fn folder(record: &str, steps: &str, values: &str, policy: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder for the job");
    let job = format!(
        "{HEAD}#[sabot::record]
struct Out {{ {record} }}
#[sabot::pipeline]
fn job() {{
    source::<Event>(\"in\", csv(\"in.csv\")).event_time(|e| e.at, lateness(seconds(5))){steps}
        .aggregate(|g| Out {{ {values} }}){policy}.sink(\"out\", csv(\"out.csv\"));
}}
"
    );
    fs::write(folder.path().join("job.rs"), job).expect("the job is written");
    fs::write(folder.path().join("in.csv"), ROWS).expect("the input is written");
    folder
}

fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sabotc"))
        .args(["run", "job.rs", "--overwrite"])
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .expect("sabotc is built")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const WAYS: [&[&str]; 3] = [&["-p", "1"], &["-p", "2"], &["--interpret"]];

#[test]
fn of_an_option_it_is_none() {
    for (steps, expected) in GROUPED {
        let record = "n: i64, most: Option<i64>";
        let folder = folder(record, steps, "n: g.count(), most: g.max_if(|e| Some(e.id), |e| e.id > 9)", "");
        for way in WAYS {
            let output = run(&folder, way);
            assert!(output.status.success(), "{steps} {way:?}: {}", said(&output));
            let written = fs::read_to_string(folder.path().join("out.csv")).expect("the output is there");
            assert_eq!(written, format!("n,most\n{expected}"), "{steps} {way:?}");
        }
    }
}

#[test]
fn of_a_plain_type_the_job_fails_and_says_what_to_write() {
    for function in ["max_if(|e| e.id", "first_if(|e| e.id", "arg_min_if(|e| e.at, |e| e.id", "last_if(|e| e.id"] {
        for (steps, _) in GROUPED {
            let values = format!("n: g.count(), most: g.{function}, |e| e.id > 9)");
            let folder = folder("n: i64, most: i64", steps, &values, "");
            for way in WAYS {
                let output = run(&folder, way);
                assert_eq!(output.status.code(), Some(1), "{function} {steps} {way:?}: {}", said(&output));
                assert!(said(&output).contains("of no rows"), "{function} {steps} {way:?}: {}", said(&output));
            }
        }
    }
    let folder = folder("k: String, most: i64", GROUPED[2].0, "k: g.key(), most: g.max_if(|e| e.id, |e| e.id > 9)", "");
    let said = said(&run(&folder, &[]));
    for part in ["`max` of no rows", "with `Some(..)` around", "at job.rs:9:", "key.0 = \"a\""] {
        assert!(said.contains(part), "`{part}` is not said:\n{said}");
    }
}

#[test]
fn the_policy_decides_what_becomes_of_such_groups() {
    for (policy, way) in
        [(".skip_errors()", WAYS[0]), (".skip_errors()", WAYS[2]), (".errors(\"bad\", csv(\"bad.csv\"))", WAYS[1])]
    {
        for (steps, expected) in GROUPED {
            let values = "n: g.count(), most: g.max_if(|e| e.id, |e| e.id > 9)";
            let folder = folder("n: i64, most: i64", steps, values, policy);
            let output = run(&folder, way);
            assert!(output.status.success(), "{steps} {way:?}: {}", said(&output));
            let written = fs::read_to_string(folder.path().join("out.csv")).expect("the output is there");
            let whole: String =
                expected.lines().filter(|line| !line.ends_with(',')).map(|line| format!("{line}\n")).collect();
            assert_eq!(written, format!("n,most\n{whole}"), "{steps} {policy} {way:?}");
            if policy.contains("bad") {
                let bad = fs::read_to_string(folder.path().join("bad.csv")).expect("the error sink is there");
                let missing = expected.lines().filter(|line| line.ends_with(',')).count();
                assert_eq!(bad.matches("`max` of no rows").count(), missing, "{bad}");
            }
        }
    }
}

#[test]
fn counts_and_sums_are_zero_and_means_are_nan() {
    let record = "n: i64, sum: i64, mean: f64, middle: f64";
    let values = "n: g.count(), sum: g.sum(|e| e.id), mean: g.avg(|e| e.id), middle: g.median(|e| e.id)";
    let folder = folder(record, ".filter(|e| e.id < 0)", values, "");
    for way in WAYS {
        let output = run(&folder, way);
        assert!(output.status.success(), "{way:?}: {}", said(&output));
        let written = fs::read_to_string(folder.path().join("out.csv")).expect("the output is there");
        assert_eq!(written, "n,sum,mean,middle\n0,0,NaN,NaN\n", "{way:?}");
    }
}
