//! PostgreSQL: tables of databases, read as a whole ([`source`]) or asked by key.
//!
//! Values come in the database's binary form ([`cell`]); which columns a table has is asked before anything is read ([`columns`]), so that
//! a record that does not fit is an error at the start. No worker waits for a database: threads of their own do.

mod cell;
mod columns;
mod connect;
mod password;
mod source;

use super::error::ConnectorError;
use super::source::{Scan, Source};
use columns::Columns;
use connect::{Place, config, connect, may_come_back};
use sabot_abi::manifest;
use std::time::Duration;

/// How often a database is knocked at when a job starts, and how long after each other.
const KNOCKS: u32 = 3;
const KNOCK_AFTER: Duration = Duration::from_millis(300);

/// What runs the client in the thread that waits for it.
fn runtime(place: &Place) -> Result<tokio::runtime::Runtime, ConnectorError> {
    let made = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    made.map_err(|error| place.error(format!("the client cannot be started: {error}"), None))
}

/// Opens a table that is read as a whole.
pub(super) fn open(url: &str, source: &manifest::Source, scan: &Scan) -> Result<Box<dyn Source>, ConnectorError> {
    let table = source.connector.options.get("table").map_or("", String::as_str);
    let place = Place::new(url, table);
    let config = config(url, &place)?;
    let wanted = scan.columns.iter().map(|at| source.fields[*at as usize].clone()).collect();
    let columns = find_columns(&config, &place, table, wanted)?;
    Ok(Box::new(source::PostgresSource { config, place, columns, batch_rows: scan.batch_rows }))
}

/// Connects once to see what there is.
fn find_columns(
    config: &tokio_postgres::Config,
    place: &Place,
    table: &str,
    wanted: Vec<manifest::Field>,
) -> Result<Columns, ConnectorError> {
    runtime(place)?.block_on(async {
        let mut knocks = 1;
        let connection = loop {
            match connect(config).await {
                Ok(connection) => break connection,
                Err(error) if knocks < KNOCKS && may_come_back(&error) => {
                    knocks += 1;
                    tokio::time::sleep(KNOCK_AFTER).await;
                }
                Err(error) => return Err(place.failed("connecting to it failed", &error)),
            }
        };
        Columns::find(&connection.client, place, table, wanted).await.map_err(|failed| failed.into_error(place))
    })
}
