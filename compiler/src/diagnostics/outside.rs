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
        } else {
            return None;
        };
    Some(make(path, at))
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
    let instead = if path.contains("Set") {
        "keep the values in a `Vec`: `if !seen.contains(&x) { seen.push(x); }`, or `v.sort(); v.dedup();`"
    } else if path.contains("Map") {
        "keep pairs in a `Vec<(K, V)>`: `match v.iter().position(|(k, _)| *k == key) { Some(i) => v[i].1 += 1, None => v.push((key, 1)) }`; \
         to count or sum over rows, write `.key_by(..).aggregate(..)`"
    } else {
        "keep the values in a `Vec`: `v.push(x)` at the end, `v.remove(0)` from the front"
    };
    Diagnostic::error("E0725", format!("`{path}` is no collection of the job language"))
        .label(at, "`Vec` is the only one")
        .help(instead)
}

/// `struct Word<'a>`, or a field that is a reference.
pub(crate) fn kept_reference(at: Span) -> Diagnostic {
    Diagnostic::error("E0726", "a record keeps no references")
        .label(at, "what it points to would have to live as long as the row")
        .help("let the record own its values: `String` in place of `&str`, `Vec<T>` in place of `&[T]`")
}
