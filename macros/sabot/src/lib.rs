//! What code imports that makes jobs: the guide's JobGraph API under the guide's paths.
//!
//! ```
//! use sabot::compiler::plan_optimizer::PlanOptimizer;
//! use sabot::execution::job_graph::{JobGraph, OperatorType, StreamOperatorNode};
//!
//! let mut graph = JobGraph::new("cheap_quotes");
//! let source = StreamOperatorNode::new(OperatorType::Source, "quotes").param("path", "quotes.parquet");
//! let filter = StreamOperatorNode::new(OperatorType::Filter, "cheap")
//!     .param("column", "price")
//!     .param("operator", "<")
//!     .param("value", 10.0);
//! let source = graph.add_operator(source)?;
//! let filter = graph.add_operator(filter)?;
//! graph.connect(&source, &filter)?;
//! assert_eq!(graph.operators.len(), 2);
//! assert_eq!(PlanOptimizer::default().get_stats().total_optimizations(), 0);
//! # Ok::<(), sabot::execution::job_graph::GraphError>(())
//! ```
#![forbid(unsafe_code)]

pub mod aggregate;
#[doc(hidden)]
pub mod build;
pub mod connector;
pub mod group;
pub mod join;
pub mod prelude;
pub mod regex;
#[cfg(feature = "run")]
pub mod run;
pub mod stream;
pub mod window;

pub use sabot_ir::job_graph::JobGraph;
pub use sabot_library::math;
pub use sabot_macros::{aggregate, pipeline, record, udf};
pub use stream::Record;

/// Jobs as they are described, before they are compiled.
pub mod execution {
    /// Operators, edges, parameters.
    pub mod job_graph {
        pub use sabot_ir::job_graph::{
            Edge, GraphError, JobGraph, JobParam, OperatorId, OperatorType, Parameter, ParameterError, ParameterKind,
            ParameterSpec, StreamOperatorNode, Value, parameters_of,
        };
    }
}

/// What is done with a job before it runs.
pub mod compiler {
    /// The optimizer and what it did.
    pub mod plan_optimizer {
        pub use sabot_compiler::passes::{OptimizerStats, PlanOptimizer};
    }
}
