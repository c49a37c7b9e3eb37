//! Slow, obvious row-at-a-time interpreter of a [`sabot_ir::plan::Plan`] before any pass: the oracle of the tests.
#![forbid(unsafe_code)]
