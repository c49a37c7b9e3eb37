//! What a build may leave out: each connector and codec is a feature of this crate, and a job that needs one which is not there is
//! told which.

use super::error::ConnectorError;
use sabot_abi::manifest::Format;

/// A part that a build may leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feature {
    Parquet,
    Text,
    Nexmark,
    Generate,
    Gzip,
    Lz4,
    Zstd,
    Postgres,
}

impl Feature {
    /// The one that reads and writes a format; Arrow IPC is always there.
    pub(super) fn of(format: Format) -> Self {
        match format {
            Format::Parquet => Self::Parquet,
            Format::Csv | Format::Ndjson => Self::Text,
            Format::Arrow => unreachable!("Arrow IPC is a part of every build"),
        }
    }

    fn is_built(self) -> bool {
        match self {
            Self::Parquet => cfg!(feature = "parquet"),
            Self::Text => cfg!(feature = "text"),
            Self::Nexmark => cfg!(feature = "nexmark"),
            Self::Generate => cfg!(feature = "generate"),
            Self::Gzip => cfg!(feature = "gzip"),
            Self::Lz4 => cfg!(feature = "lz4"),
            Self::Zstd => cfg!(feature = "zstd"),
            Self::Postgres => cfg!(feature = "postgres"),
        }
    }

    /// Refuses what is not there; `path` is what needs it.
    pub(super) fn check(self, path: &str) -> Result<(), ConnectorError> {
        if self.is_built() { Ok(()) } else { Err(self.is_missing(path)) }
    }

    /// Refuses a sink's option `compression` if the codec is not there; one that nobody knows is refused elsewhere.
    pub(super) fn check_codec(path: &str, name: Option<&str>) -> Result<(), ConnectorError> {
        match name {
            Some("gzip") => Self::Gzip.check(path),
            Some("lz4") => Self::Lz4.check(path),
            Some("zstd") => Self::Zstd.check(path),
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses a generator that is not there; one that nobody knows is refused elsewhere.
    pub(super) fn check_generator(generator: &str, source: &str) -> Result<(), ConnectorError> {
        match generator {
            "nexmark" => Self::Nexmark.check(source),
            "generate" => Self::Generate.check(source),
            _ => Ok(()),
        }
    }

    /// The codec that a decoder of Arrow IPC was made without, as it says.
    pub(super) fn named_by_decoder(text: &str) -> Option<Self> {
        let says = |(codec, name): &(Self, &str)| !codec.is_built() && text.contains(&format!("the {name} feature"));
        [(Self::Lz4, "lz4"), (Self::Zstd, "zstd")].iter().find(|pair| says(pair)).map(|(codec, _)| *codec)
    }

    /// The error that says it is not there.
    pub(super) fn is_missing(self, path: &str) -> ConnectorError {
        let (what, feature) = match self {
            Self::Parquet => ("Parquet", "parquet"),
            Self::Text => ("text (CSV and NDJSON)", "text"),
            Self::Nexmark => ("the generator `nexmark()`", "nexmark"),
            Self::Generate => ("the generator `generate()`", "generate"),
            Self::Gzip => ("the codec gzip", "gzip"),
            Self::Lz4 => ("the codec LZ4", "lz4"),
            Self::Zstd => ("the codec Zstandard", "zstd"),
            Self::Postgres => ("the client of PostgreSQL", "postgres"),
        };
        ConnectorError::NotBuilt { path: path.to_owned(), what, feature }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let error = Feature::Zstd.is_missing("q.parquet").to_string();
        assert!(error.starts_with("q.parquet: the codec Zstandard is not a part of this build"), "{error}");
        assert!(error.contains("`cargo build --release --features zstd`"), "{error}");
        for part in [
            Feature::Parquet,
            Feature::Text,
            Feature::Nexmark,
            Feature::Generate,
            Feature::Gzip,
            Feature::Lz4,
            Feature::Zstd,
            Feature::Postgres,
        ] {
            assert_eq!(part.check("x").is_ok(), part.is_built(), "{part:?}");
        }
    }
}
