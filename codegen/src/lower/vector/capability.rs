//! Which expressions have a vector form.

use crate::isa::Target;
use sabot_ir::expr::Expr;

/// Whether an expression can be computed in the lanes of vectors.
pub(crate) fn is_vectorisable(_expr: &Expr, _target: &Target) -> bool {
    false
}
