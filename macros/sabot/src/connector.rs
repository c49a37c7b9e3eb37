//! Connectors: where rows come from and go to.

use sabot_library::Duration;

/// A place that rows are read from or written to.
#[must_use = "a connector stands in `source`, `table` or `.sink`"]
#[derive(Clone, Copy, Debug)]
pub struct Connector(());

/// How rows are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Arrow IPC.
    Arrow,
    /// Parquet.
    Parquet,
    /// Comma-separated values with a header.
    Csv,
    /// A JSON object per line.
    Ndjson,
    /// The same as `Ndjson`.
    Json,
}

impl Connector {
    /// The format, where neither function nor file name tells.
    pub fn format(self, _format: Format) -> Self {
        self
    }

    /// What stands between two values of a CSV file.
    pub fn delimiter(self, _delimiter: &str) -> Self {
        self
    }

    /// Of a file that is read: others still write it, so it is read as it grows, and never ends. Of `stdin()`: a run
    /// that is asked to stop gives what it has read.
    pub fn follow(self) -> Self {
        self
    }

    /// Of `nexmark()`: the persons that register.
    pub fn persons(self) -> Self {
        self
    }

    /// Of `nexmark()`: the auctions that are opened.
    pub fn auctions(self) -> Self {
        self
    }

    /// Of `nexmark()`: the bids that are made.
    pub fn bids(self) -> Self {
        self
    }

    /// Of `nexmark()`: among how many events, of all kinds, the rows are; without it they never end.
    pub fn events(self, _count: i64) -> Self {
        self
    }

    /// Of `nexmark()` and `generate()`: how many events or rows come in a second; without it, as fast as they are made.
    pub fn rate(self, _per_second: i64) -> Self {
        self
    }

    /// Of `generate()`: how many rows there are; without it they never end.
    pub fn rows(self, _count: i64) -> Self {
        self
    }

    /// Of `postgres(..)`: what a table that is looked up has answered is remembered, for so many rows and so long; without it for
    /// 100,000 rows and a minute. `.cache(0, seconds(0))` asks for every row anew.
    pub fn cache(self, _rows: i64, _at_most: Duration) -> Self {
        self
    }

    /// Of `postgres(..)`: how many questions a table that is looked up is asked at once; 4 unless said.
    pub fn connections(self, _count: i64) -> Self {
        self
    }

    /// Of `postgres(..)`: how long a database that cannot be reached is tried again while the job runs; 30 seconds unless said.
    pub fn retry_for(self, _at_most: Duration) -> Self {
        self
    }

    /// Of `generate()`: what a column holds: `.column("price", "uniform:10..20")`.
    pub fn column(self, _name: &str, _words: &str) -> Self {
        self
    }
}

/// A topic of Kafka.
pub fn kafka(_topic: &str) -> Connector {
    Connector(())
}

/// A Parquet file, or a directory or glob of them.
pub fn parquet(_path: &str) -> Connector {
    Connector(())
}

/// An Arrow IPC file or stream.
pub fn arrow(_path: &str) -> Connector {
    Connector(())
}

/// A CSV file with a header.
pub fn csv(_path: &str) -> Connector {
    Connector(())
}

/// A file with a JSON object per line.
pub fn ndjson(_path: &str) -> Connector {
    Connector(())
}

/// The events of the Nexmark benchmark: `nexmark().bids().events(1_000_000)`.
pub fn nexmark() -> Connector {
    Connector(())
}

/// Rows made from their number: `generate().rows(1_000_000).column("id", "sequence").column("price", "uniform:1..100")`. Of a
/// column these words can be said, behind each of them ` ?0.1` for the share of `None`s:
///
/// | words | holds |
/// | --- | --- |
/// | `sequence`, `sequence:FIRST` | the row's number |
/// | `uniform:LOW..HIGH` | numbers from `LOW` up to `HIGH`, which is not among them (integers: 0 to 99 if nothing is said; floats: 0 to 1) |
/// | `zipf:COUNT`, `zipf:COUNT:EXPONENT` | integers below `COUNT`, the small ones more often |
/// | `choice:A\|B\|C` | one of these texts |
/// | `name:PREFIX:COUNT`, `name:PREFIX:COUNT:zipf:EXPONENT` | a text with a number (`name:s:100`) |
/// | `time`, `time:STEP`, `time:STEP:JITTER` | times from 2024 on, a step (`250us`, `1ms`, `5s`) apart, and up to the jitter too early |
/// | `chance:SHARE` | `true` so often (`chance:0.5`) |
pub fn generate() -> Connector {
    Connector(())
}

/// A table of a PostgreSQL database: `postgres("postgresql://localhost/shop", "accounts")`. The URL has no password in it: that is
/// taken from the environment, `PGPASSWORD`, or from the file `~/.pgpass`.
pub fn postgres(_url: &str, _table: &str) -> Connector {
    Connector(())
}

/// Standard input.
pub fn stdin() -> Connector {
    Connector(())
}

/// Standard output.
pub fn stdout() -> Connector {
    Connector(())
}

/// How late rows may come: `lateness(seconds(5))`.
#[must_use = "it stands in `.event_time(..)`"]
#[derive(Clone, Copy, Debug)]
pub struct Lateness(());

/// How late rows may come.
pub fn lateness(_at_most: Duration) -> Lateness {
    Lateness(())
}
