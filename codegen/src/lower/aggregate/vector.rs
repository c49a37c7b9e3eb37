//! Many rows into the accumulators.
