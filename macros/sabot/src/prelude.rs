//! Everything that a job's code names: `use sabot::prelude::*;`.

pub use crate::connector::{
    Connector, Format, arrow, csv, generate, kafka, lateness, ndjson, nexmark, parquet, postgres, stdin, stdout,
};
pub use crate::fields;
pub use crate::group::Group;
pub use crate::math;
pub use crate::regex;
#[cfg(feature = "run")]
pub use crate::run::Compile;
pub use crate::stream::{Stream, Table, source, table};
pub use crate::window::{Window, WindowGroup, count, cumulate, session, sliding, tumbling};
pub use sabot_library::{
    Date, Decimal, Duration, Timestamp, Unit, date, days, dec, hours, json_get, json_get_bool, json_get_f64,
    json_get_i64, microseconds, milliseconds, minutes, seconds, timestamp,
};

/// Bytes; a column of them is what Arrow calls binary.
pub type Bytes = Vec<u8>;
