//! The columns that are read of a table: found by their names, with types that lose nothing in the record.

use super::super::error::ConnectorError;
use super::super::schema::{match_columns, rust_name};
use super::cell::Reading;
use super::connect::Place;
use sabot_abi::manifest::{BaseType, Field};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

/// What is read of a table, and how.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    /// As it stands in a query: quoted.
    pub(crate) table: String,
    /// Their quoted names.
    pub(crate) names: Vec<String>,
    /// Their types in the database.
    pub(crate) found: Vec<Type>,
    pub(crate) readings: Vec<Reading>,
    pub(crate) fields: Vec<Field>,
}

impl Columns {
    /// Asks the database which columns the table has. `wanted` are those of the record that are read.
    pub(crate) async fn find(client: &Client, place: &Place, table: &str, wanted: Vec<Field>) -> Result<Self, Failed> {
        let table = table.split('.').map(quoted).collect::<Vec<_>>().join(".");
        let all = client.prepare(&format!("SELECT * FROM {table}")).await.map_err(Failed::Client)?;
        let has: Vec<String> = all.columns().iter().map(|column| column.name().to_owned()).collect();
        let path = place.to_string();
        let places = match_columns(&path, &wanted, &has).map_err(Failed::Connector)?;
        let (mut found, mut readings) = (Vec::new(), Vec::new());
        for (field, at) in wanted.iter().zip(places) {
            let ty = all.columns()[at].type_();
            let reading = Reading::of(ty, field.ty.base).filter(|_| field.within.is_empty());
            let reading = reading.ok_or_else(|| {
                Failed::Connector(ConnectorError::WrongType {
                    path: path.clone(),
                    column: field.name.clone(),
                    found: format!("`{}`", ty.name()),
                    expected: rust_name(field.ty.base),
                    advice: advice(ty, field.ty.base),
                })
            })?;
            found.push(ty.clone());
            readings.push(reading);
        }
        let names = wanted.iter().map(|field| quoted(&field.name)).collect();
        Ok(Self { table, names, found, readings, fields: wanted })
    }

    /// What stands between `SELECT` and what it is to be true of.
    pub(crate) fn select(&self) -> String {
        format!("SELECT {} FROM {}", self.names.join(", "), self.table)
    }
}

/// Why the columns are not known.
pub(crate) enum Failed {
    /// The database did not say.
    Client(tokio_postgres::Error),
    /// It said, and they do not fit.
    Connector(ConnectorError),
}

impl Failed {
    pub(crate) fn into_error(self, place: &Place) -> ConnectorError {
        match self {
            Self::Client(error) => place.failed("asking for its columns failed", &error),
            Self::Connector(error) => error,
        }
    }
}

/// A name as it stands, whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What to declare, or how to make the database give something else.
fn advice(found: &Type, wanted: BaseType) -> String {
    let fitting = [
        BaseType::Bool,
        BaseType::Int16,
        BaseType::Int32,
        BaseType::Int64,
        BaseType::Float32,
        BaseType::Float64,
        BaseType::Decimal(38, 9),
        BaseType::String,
        BaseType::Bytes,
        BaseType::Date,
        BaseType::TimestampUs,
    ];
    let fits = fitting.into_iter().find(|base| *base != wanted && Reading::of(found, *base).is_some());
    match fits {
        Some(BaseType::TimestampUs) => "declare it `Timestamp`".to_owned(),
        Some(base) => format!("declare it `{}`", rust_name(base)),
        None => "read a view that casts it: `CREATE VIEW .. AS SELECT column::text ..`".to_owned(),
    }
}
