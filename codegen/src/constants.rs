//! The constant pool: the bytes of string literals, each once.
//!
//! It starts with a bitmap in which every row of a chunk is valid, which scalar kernels read where a column has none.

use sabot_abi::CHUNK_ROWS;
use sabot_ir::expr::{Expr, ExprKind, Literal};
use std::collections::BTreeMap;

/// Where the bitmap with all rows lies.
pub(crate) const ALL_VALID: u32 = 0;

/// Bytes that kernels reach through `Context::constants`.
pub(crate) struct ConstantPool {
    bytes: Vec<u8>,
    places: BTreeMap<Vec<u8>, u32>,
}

impl ConstantPool {
    /// A pool without literals.
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0xff; CHUNK_ROWS / 8], places: BTreeMap::new() }
    }

    /// Adds the literals of an expression.
    pub(crate) fn add(&mut self, expr: &Expr) {
        expr.walk_all(&mut |node| match &node.kind {
            ExprKind::Literal(Literal::String(text)) => self.insert(text.as_bytes()),
            ExprKind::Literal(Literal::Bytes(bytes)) => self.insert(bytes),
            ExprKind::Literal(Literal::Bool(_) | Literal::Int(_) | Literal::Float(_) | Literal::Unit)
            | ExprKind::Column(_)
            | ExprKind::Param(_)
            | ExprKind::Local(_)
            | ExprKind::Let { .. }
            | ExprKind::Unary(..)
            | ExprKind::Binary(..)
            | ExprKind::Cast(_)
            | ExprKind::If { .. }
            | ExprKind::Some(_)
            | ExprKind::None
            | ExprKind::IsSome(_)
            | ExprKind::IfSome { .. }
            | ExprKind::Variable(_)
            | ExprKind::Compute(..)
            | ExprKind::Fail(_)
            | ExprKind::Call(..) => {}
        });
    }

    fn insert(&mut self, bytes: &[u8]) {
        if !self.places.contains_key(bytes) {
            let at = u32::try_from(self.bytes.len()).expect("a job is smaller than 4 GiB");
            self.places.insert(bytes.to_vec(), at);
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Where a literal lies.
    pub(crate) fn place(&self, bytes: &[u8]) -> u32 {
        *self.places.get(bytes).expect("all literals were added before the first kernel was made")
    }

    /// The pool.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
