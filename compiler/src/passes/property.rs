//! Random plans over random tables.
