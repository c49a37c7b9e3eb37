//! PostgreSQL: tables of databases, read as a whole ([`source`]) or asked by key.
//!
//! Values come in the database's binary form ([`cell`]); which columns a table has is asked before anything is read ([`columns`]), so that
//! a record that does not fit is an error at the start. No worker waits for a database: threads of their own do.

mod ask;
mod cell;
mod columns;
mod connect;
mod password;
mod source;

use super::error::ConnectorError;
use super::source::{Scan, Source};
use crate::connector::Asker;
use crate::operator::stream::LookupTable;
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

/// Questions that are asked at once, where the job does not say.
const CONNECTIONS: usize = 4;

/// How long a database that cannot be reached is tried again, where the job does not say.
const RETRY_FOR: Duration = Duration::from_secs(30);

/// Prepares what is asked by key.
pub(super) fn asker(url: &str, source: &manifest::Source, table: &LookupTable) -> Result<Asker, ConnectorError> {
    let options = &source.connector.options;
    let name = options.get("table").map_or("", String::as_str);
    let place = Place::new(url, name);
    let config = config(url, &place)?;
    let fields = |positions: &[u32]| -> Option<Vec<manifest::Field>> {
        positions.iter().map(|at| source.fields.get(*at as usize).cloned()).collect()
    };
    let (Some(mut wanted), Some(keys)) = (fields(&table.columns), fields(&table.keys)) else {
        return Err(place.error("the artifact asks for columns that its record does not have", None));
    };
    let given = wanted.len();
    wanted.extend(keys);
    let columns = find_columns(&config, &place, name, wanted)?;
    let number = |option: &str| options.get(option)?.parse::<u64>().ok();
    let asking = ask::Asking {
        config,
        place,
        columns,
        given,
        keys: table.spec.keys.clone(),
        connections: number("connections").map_or(CONNECTIONS, |count| count.clamp(1, 64) as usize),
        retry_for: number("retry_for").map_or(RETRY_FOR, Duration::from_millis),
    };
    asking.query()?;
    Ok(Box::new(move |desk, wake| asking.run(desk, wake)))
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
