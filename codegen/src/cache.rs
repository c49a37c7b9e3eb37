//! Machine code that was made before: kernels by the content that they were made of.
//!
//! A key covers everything that decides a kernel's code: its expressions, the numbers of its places (not where they stand),
//! the places of its literals, its form and the machine. What a key does not cover is the compiler itself: whoever keeps
//! code longer than a process keeps it apart by the compiler's build.

use crate::constants::ConstantPool;
use crate::isa::Target;
use crate::kernel::{Form, KernelPlan};
use sabot_ir::expr::{Expr, ExprKind, Literal};
use std::collections::BTreeMap;
use std::hash::{Hash as _, Hasher};
use std::sync::Mutex;

/// What a kernel was made of, as a hash.
pub type Key = [u8; 32];

/// The hash of bytes.
#[must_use]
pub fn digest(bytes: &[u8]) -> Key {
    *blake3::hash(bytes).as_bytes()
}

/// Keeps machine code by key. Whatever it gives back must be what was put in under that key.
pub trait KernelCache: Sync {
    /// The code of a kernel, if it is there.
    fn get(&self, key: &Key) -> Option<Vec<u8>>;
    /// Keeps the code of a kernel.
    fn put(&self, key: &Key, code: &[u8]);
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCache;

impl KernelCache for NoCache {
    fn get(&self, _key: &Key) -> Option<Vec<u8>> {
        None
    }

    fn put(&self, _key: &Key, _code: &[u8]) {}
}

/// Keeps code as long as the process runs.
#[derive(Debug, Default)]
pub struct MemoryCache {
    kernels: Mutex<BTreeMap<Key, Vec<u8>>>,
}

impl KernelCache for MemoryCache {
    fn get(&self, key: &Key) -> Option<Vec<u8>> {
        self.kernels.lock().ok()?.get(key).cloned()
    }

    fn put(&self, key: &Key, code: &[u8]) {
        if let Ok(mut kernels) = self.kernels.lock() {
            kernels.insert(*key, code.to_vec());
        }
    }
}

/// A cryptographic hash as std's trait wants it.
struct KeyHasher(blake3::Hasher);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finalize().as_bytes().first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
    }
}

/// The key of a kernel.
pub(crate) fn key(plan: &KernelPlan, target: &Target, pool: &ConstantPool) -> Key {
    let mut hasher = KeyHasher(blake3::Hasher::new());
    sabot_abi::ABI_VERSION.hash(&mut hasher);
    target.isa.triple().to_string().hash(&mut hasher);
    target.features.hash(&mut hasher);
    match plan.form {
        Form::Scalar => 0u8,
        Form::Plain => 1,
        Form::Nullable => 2,
        Form::Grouped => 3,
    }
    .hash(&mut hasher);
    plan.body.hash(&mut hasher);
    for expr in plan.body.expressions() {
        expr.walk_all(&mut |node: &Expr| {
            plan.spans.number(node.span).hash(&mut hasher);
            if let ExprKind::Compute(body, _) = &node.kind {
                body.for_each_loop(&mut |span| plan.spans.number(span).hash(&mut hasher));
            }
            if let ExprKind::Literal(literal) = &node.kind {
                literal_place(literal, pool).hash(&mut hasher);
            }
        });
    }
    *hasher.0.finalize().as_bytes()
}

fn literal_place(literal: &Literal, pool: &ConstantPool) -> Option<u32> {
    match literal {
        Literal::String(text) => Some(pool.place(text.as_bytes())),
        Literal::Bytes(bytes) => Some(pool.place(bytes)),
        Literal::Bool(_) | Literal::Int(_) | Literal::Float(_) | Literal::Unit => None,
    }
}

/// A kernel's code without the places that it comes from: what a cache keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MachineCode {
    /// Code and constants.
    pub(crate) code: Vec<u8>,
    /// What `code` must be aligned to.
    pub(crate) alignment: u32,
    /// Offset in `code`, and the number of the place in job.rs from there on.
    pub(crate) locations: Vec<(u32, u32)>,
    /// How to unwind through it.
    pub(crate) unwind: Option<Vec<u8>>,
}

impl MachineCode {
    /// As bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.code.len() + self.locations.len() * 8 + 64);
        bytes.extend(self.alignment.to_le_bytes());
        let mut put = |part: &[u8]| {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        };
        put(&self.code);
        put(&self
            .locations
            .iter()
            .flat_map(|(at, span)| [at.to_le_bytes(), span.to_le_bytes()].concat())
            .collect::<Vec<u8>>());
        put(self.unwind.as_deref().unwrap_or_default());
        bytes
    }

    /// From its bytes; nothing if they are not what [`Self::to_bytes`] makes.
    pub(crate) fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let alignment = u32::from_le_bytes(*bytes.split_off(..4)?.first_chunk()?);
        let mut take = || {
            let len = u64::from_le_bytes(*bytes.split_off(..8)?.first_chunk()?);
            bytes.split_off(..usize::try_from(len).ok()?).map(<[u8]>::to_vec)
        };
        let (code, locations, unwind) = (take()?, take()?, take()?);
        let word = |bytes: &[u8]| bytes.first_chunk().map(|word| u32::from_le_bytes(*word));
        let locations =
            locations.chunks(8).map(|pair| word(pair).zip(word(pair.get(4..)?))).collect::<Option<Vec<_>>>()?;
        let is_whole = bytes.is_empty() && alignment.is_power_of_two() && !code.is_empty();
        is_whole.then_some(Self { code, alignment, locations, unwind: (!unwind.is_empty()).then_some(unwind) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_survives_its_bytes_and_damaged_bytes_are_no_code() {
        let code = MachineCode {
            code: vec![1, 2, 3],
            alignment: 16,
            locations: vec![(0, u32::MAX), (2, 7)],
            unwind: Some(vec![9; 24]),
        };
        let bytes = code.to_bytes();
        assert_eq!(MachineCode::from_bytes(&bytes), Some(code));
        for len in 0..bytes.len() {
            assert_eq!(MachineCode::from_bytes(&bytes[..len]), None, "{len}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(MachineCode::from_bytes(&longer), None);
    }
}
