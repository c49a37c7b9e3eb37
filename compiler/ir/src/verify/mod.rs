//! One file per language.
