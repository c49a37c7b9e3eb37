//! Tables of databases that the streams of a group ask: a thread beside the workers for each.

use super::Wake;
use crate::connector::{self, ConnectorError};
use crate::error::RunError;
use crate::operator::stream::LookupTable;
use crate::scheduler::JobRun;

/// Tells the threads that nobody asks any more when it goes, also by a panic.
struct Closes<'a>(&'a [(u32, &'a LookupTable)]);

impl Drop for Closes<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(|(_, table)| table.desk.close());
    }
}

/// Tells the workers when a thread goes without a word.
struct Fails<'a> {
    table: &'a LookupTable,
    wake: &'a Wake,
}

impl Drop for Fails<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let what = "whoever asked it ended before its end".to_owned();
            let place = self.table.spec.name.clone();
            self.table.desk.fail(ConnectorError::Database { place, what, advice: None });
        }
        self.wake.bump();
    }
}

/// Runs a group, and beside it asks the databases that its streams look rows up in. An error at once, if one of them is not there or is
/// not what the job takes it for.
pub(super) fn beside<T>(
    job: &JobRun<'_>,
    tables: &[(u32, &LookupTable)],
    wake: &Wake,
    run: impl FnOnce() -> Result<T, RunError>,
) -> Result<T, RunError> {
    if tables.is_empty() {
        return run();
    }
    let mut askers = Vec::new();
    for (_, table) in tables {
        let source = job.artifact.manifest.sources.get(table.source as usize);
        let source = source.ok_or_else(|| RunError::BadManifest("it asks a source that it does not list".into()))?;
        table.remember(&source.connector.options);
        let replacement = job.inputs.get(&source.name).map(String::as_str);
        askers.push((*table, connector::asker(source, replacement, table)?));
    }
    std::thread::scope(|scope| {
        let _closes = Closes(tables);
        for (table, ask) in askers {
            let start = std::thread::Builder::new().name("lookup".to_owned());
            let started = start.spawn_scoped(scope, move || {
                let fails = Fails { table, wake };
                if let Err(error) = ask(&table.desk, &|| wake.bump()) {
                    table.desk.fail(error);
                }
                drop(fails);
            });
            started.map_err(|error| {
                let (place, what) = (table.spec.name.clone(), format!("no thread to ask it with: {error}"));
                ConnectorError::Database { place, what, advice: None }
            })?;
        }
        run()
    })
}
