//! What of the standard library and of well-known crates has no place in a job: clocks, randomness, files, threads, shared
//! values, maps. Each has a message of its own, since what to write instead is different.

use sabot_ir::diagnostic::Diagnostic;
use sabot_ir::span::Span;

/// The message for a path of a function, a constant or a type, where it names one of these.
pub(crate) fn outside(path: &str, at: Span) -> Option<Diagnostic> {
    let names: Vec<&str> = path.split("::").collect();
    let has = |known: &[&str]| names.iter().any(|name| known.contains(name));
    let make: fn(&str, Span) -> Diagnostic =
        if has(&["SystemTime", "Instant", "UNIX_EPOCH", "Utc", "Local", "OffsetDateTime", "Zoned"])
            || names.last() == Some(&"now")
        {
            clock
        } else if has(&["rand", "fastrand", "thread_rng", "rng", "Uuid", "getrandom", "RandomState", "OsRng"]) {
            randomness
        } else if has(&["thread", "tokio", "rayon", "mpsc", "Mutex", "RwLock", "Condvar", "JoinHandle"]) {
            threads
        } else if has(&["fs", "io", "env", "net", "process", "File", "OpenOptions", "Command", "TcpStream", "reqwest"])
        {
            outer_world
        } else if has(&["Box", "Rc", "Arc", "Cell", "RefCell", "OnceCell", "OnceLock", "LazyLock", "Cow", "Pin"])
            || names.first().is_some_and(|first| first.starts_with("Atomic"))
        {
            shared
        } else if has(&["HashMap", "HashSet", "BTreeMap", "BTreeSet", "VecDeque", "BinaryHeap", "LinkedList"]) {
            collection
        } else if instead_of(&names).is_some() {
            other_crate
        } else {
            return None;
        };
    Some(make(path, at))
}

/// What a job has in the place of what other crates are known for.
fn instead_of(names: &[&str]) -> Option<&'static str> {
    let has = |known: &[&str]| names.iter().any(|name| known.contains(name));
    if has(&["Regex", "RegexBuilder", "RegexSet"]) {
        Some("write the pattern where it is used: `regex!(r\"^[a-z]+$\").is_match(&s)`, or `let re = regex!(..);`")
    } else if has(&["serde_json", "simd_json", "serde"]) {
        Some("take values out of the text: `json_get(s, \"$.user.name\")`, `json_get_i64(s, \"$.id\")`")
    } else if has(&["chrono", "time", "jiff", "NaiveDate", "NaiveDateTime", "DateTime"]) {
        Some("use `Date` and `Timestamp`: `Date::parse(s)`, `Timestamp::parse(s)`, `t.format(\"%Y-%m-%d\")`")
    } else if has(&["DefaultHasher", "Hasher", "hash_map", "ahash", "fxhash", "xxhash", "md5", "sha2", "crc32fast"]) {
        Some(
            "fold over the bytes: `s.bytes().fold(0xcbf29ce484222325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100000001b3))`",
        )
    } else if has(&["rust_decimal", "bigdecimal", "num", "num_bigint"]) {
        Some("use `Decimal`: `dec(\"1.25\")`, `Decimal::parse(s)`, `d.round(2)`")
    } else {
        None
    }
}

fn other_crate(path: &str, at: Span) -> Diagnostic {
    let names: Vec<&str> = path.split("::").collect();
    Diagnostic::error("E0402", format!("there is no `{path}` in a job"))
        .label(at, "of another crate, or of no use without one")
        .help(instead_of(&names).unwrap_or_default())
}

fn clock(path: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0720", format!("`{path}` reads the clock"))
        .label(at, "gives something else in every run")
        .help("take the time from the row, or make it a parameter of the pipeline: `fn job(now: Timestamp)`")
}

fn randomness(path: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0721", format!("`{path}` is random"))
        .label(at, "gives something else in every run")
        .help("compute it from the row: `id.wrapping_mul(0x9e3779b97f4a7c15) >> 40` is as good as random, and the same in every run")
}

fn outer_world(path: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0722", format!("`{path}` reaches out of the job"))
        .label(at, "files, the network and the environment belong to sources and sinks")
        .help("read it as a `table(..)` and join it, or make it a parameter of the pipeline")
}

fn threads(path: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0723", format!("`{path}` is of threads"))
        .label(at, "a function works on one row by itself")
        .help("leave it away: a job runs on all cores anyway")
}

fn shared(path: &str, at: Span) -> Diagnostic {
    Diagnostic::error("E0724", format!("`{path}` holds a value somewhere else"))
        .label(at, "there are only values in a job")
        .help("use the value itself, in a variable with `let mut` if it changes")
}

fn collection(path: &str, at: Span) -> Diagnostic {
    let known = ["HashMap", "HashSet", "BTreeMap", "BTreeSet", "VecDeque", "BinaryHeap"];
    let owner = path.split("::").find(|name| known.contains(name));
    let (label, instead) = match owner {
        Some(owner) => {
            ("unknown function", format!("make one with `{owner}::new()`, `{owner}::from([..])`, or `collect`"))
        }
        None => ("not there", "take a `VecDeque`: `push_back`, `push_front`, `pop_back`, `pop_front`".to_owned()),
    };
    Diagnostic::error("E0725", format!("`{path}` is no collection of the job language")).label(at, label).help(instead)
}

/// `struct Word<'a>`, or a field that is a reference.
pub(crate) fn kept_reference(at: Span) -> Diagnostic {
    Diagnostic::error("E0726", "a record keeps no references")
        .label(at, "what it points to would have to live as long as the row")
        .help("let the record own its values: `String` in place of `&str`, `Vec<T>` in place of `&[T]`")
}
