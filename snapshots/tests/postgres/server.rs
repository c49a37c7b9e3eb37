//! A PostgreSQL server of the tests' own: in a directory that goes with it, reached through a socket there.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};

/// A server that runs as long as somebody holds it.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A database that is empty, in the server that tests which run at one time share.
pub(crate) fn database() -> Database {
    let mut shared = SHARED.lock().expect("the server starts");
    let server = shared.upgrade().unwrap_or_else(|| Arc::new(Server::start()));
    *shared = Arc::downgrade(&server);
    drop(shared);
    Database::of(server)
}

/// As [`database`], in a server that nobody else is hit by when it goes.
pub(crate) fn database_of_its_own() -> Database {
    Database::of(Arc::new(Server::start()))
}

impl Server {
    fn start() -> Self {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let programs = versions.map(|version| version.path().join("bin")).find(|bin| bin.join("initdb").exists());
        let programs = programs.expect("PostgreSQL is installed: run `scripts/setup test`");
        let folder = tempfile::Builder::new().prefix("pg").tempdir().expect("a temporary directory can be made");
        let server = Self { folder, programs };
        if is_root() {
            let owned = Command::new("chown").arg("postgres").arg(server.folder.path()).status();
            assert!(owned.is_ok_and(|status| status.success()), "the server's user gets its directory");
        }
        let data = server.data();
        server.must(&["initdb", "-D", &data, "-A", "trust", "-U", "sabot", "-E", "UTF8", "--locale=C", "--no-sync"]);
        server.up();
        server
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// Starts it, again.
    pub(crate) fn up(&self) {
        let sockets = self.folder.path().display();
        let options = format!("-k {sockets} -c listen_addresses='' -c fsync=off -c shared_buffers=16MB");
        let log = self.folder.path().join("log").display().to_string();
        self.must(&["pg_ctl", "-D", &self.data(), "-l", &log, "-o", &options, "-w", "-s", "start"]);
    }

    /// Ends it as a crash would.
    pub(crate) fn down(&self) {
        self.must(&["pg_ctl", "-D", &self.data(), "-m", "immediate", "-w", "-s", "stop"]);
    }

    fn must(&self, words: &[&str]) {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn run(&self, words: &[&str]) -> Output {
        let program = self.programs.join(words[0]);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(&words[1..]).current_dir("/").stdin(std::process::Stdio::null());
        // What the server inherits, it keeps open.
        let log = self.folder.path().join("said");
        let said = std::fs::File::create(&log).expect("the directory is there");
        let status = command.stdout(std::process::Stdio::null()).stderr(said).status().expect("it can be run");
        Output { status, stdout: Vec::new(), stderr: std::fs::read(log).unwrap_or_default() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.run(&["pg_ctl", "-D", &self.data(), "-m", "immediate", "-w", "-s", "stop"]);
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

/// A database of a server.
pub(crate) struct Database {
    pub server: Arc<Server>,
    name: String,
}

impl Database {
    fn of(server: Arc<Server>) -> Self {
        let name = format!("test{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let database = Self { server, name };
        database.psql("postgres", &format!("CREATE DATABASE {}", database.name));
        database
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("postgresql://sabot@/{}?host={}", self.name, self.sockets().display())
    }

    fn sockets(&self) -> &Path {
        self.server.folder.path()
    }

    /// Runs statements; gives what they print, column by `|`.
    pub(crate) fn sql(&self, text: &str) -> String {
        self.psql(&self.name, text)
    }

    fn psql(&self, database: &str, text: &str) -> String {
        let mut command = Command::new(self.server.programs.join("psql"));
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "sabot", "-d", database, "-c", text]);
        let output = command.arg("-h").arg(self.sockets()).output().expect("it can be run");
        assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }
}
