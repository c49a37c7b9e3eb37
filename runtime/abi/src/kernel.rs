//! The structs that a kernel is called with.
//!
//! A kernel works on one chunk of at most [`crate::CHUNK_ROWS`] rows. Every input buffer may be read, and every output
//! buffer written, up to the next multiple of 64 rows: vector kernels have no scalar tail. What stands in rows that are
//! not selected, or in the value of a null, is unspecified.
//!
//! Layout of a register's `values` by type: fixed-width types one element per row; `bool` a bitmap, row 0 in bit 0 of the
//! first word; `String` and `Bytes` one [`StrRef`] per row.
//!
//! `values` are aligned as one element needs it, no more: chunks point into the columns of a batch, which may start
//! anywhere. In inputs of a `vector` kernel every `StrRef` may be read through, selected or not, null or not.

use std::ffi::c_void;

/// A string or bytes value: not owned, alive as long as the chunk is worked on.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct StrRef {
    /// First byte; not null, also of an empty string.
    pub data: *const u8,
    /// Number of bytes.
    pub len: u64,
}
const _: () = assert!(size_of::<StrRef>() == 16);

/// A register that a kernel reads.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct InputColumn {
    /// Row 0 of the chunk; see the module's table of layouts.
    pub values: *const u8,
    /// Bit set: not null. Row 0 in bit 0 of the first word. Never null in a kernel's `nullable` entry, not read in its
    /// `plain` entry.
    pub validity: *const u64,
}
const _: () = assert!(size_of::<InputColumn>() == 16);

/// A register that a kernel writes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct OutputColumn {
    /// Row 0 of the chunk.
    pub values: *mut u8,
    /// Written for types that are `Option`; null for others.
    pub validity: *mut u64,
}
const _: () = assert!(size_of::<OutputColumn>() == 16);

/// One chunk of rows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Chunk {
    /// Number of rows, 1 to `CHUNK_ROWS`.
    pub rows: u64,
    /// A scalar kernel starts with the first selected row that is not below this one.
    pub first_row: u64,
    /// The registers that the kernel reads, in the order of the manifest.
    pub inputs: *const InputColumn,
    /// The registers that the kernel writes, in the order of the manifest.
    pub outputs: *const OutputColumn,
    /// Selected rows, `CHUNK_WORDS` words; bits from `rows` on are clear.
    pub selection: *const u64,
    /// A kernel with a filter writes the rows that are left here, `CHUNK_WORDS` words (a subset of `selection`; may be the
    /// same memory). A scalar kernel that returns 1 has decided the rows that stand before the failed one; the bits of the
    /// others, and those below `first_row`, are then unspecified.
    pub selection_out: *mut u64,
    /// A fused aggregate's accumulators: one [`Accumulator`] per call.
    pub accumulators: *mut Accumulator,
}
const _: () = assert!(size_of::<Chunk>() == 56);

/// The first row that could not be computed.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowError {
    /// A [`RowErrorCode`].
    pub code: u32,
    /// The expression: its place in the `spans` of the manifest's `Kernel`; `u32::MAX` if it has none.
    pub span: u32,
    /// Unused.
    pub reserved: u64,
    /// The row in the chunk.
    pub row: u64,
}
const _: () = assert!(size_of::<RowError>() == 24);

/// Why a row could not be computed.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowErrorCode {
    /// `attempt to add with overflow`.
    AddOverflow = 1,
    /// `attempt to subtract with overflow`.
    SubOverflow = 2,
    /// `attempt to multiply with overflow`.
    MulOverflow = 3,
    /// `attempt to divide by zero`.
    DivByZero = 4,
    /// `attempt to divide with overflow`: `MIN / -1`.
    DivOverflow = 5,
    /// `attempt to calculate the remainder with a divisor of zero`.
    RemByZero = 6,
    /// `attempt to calculate the remainder with overflow`.
    RemOverflow = 7,
    /// `attempt to negate with overflow`.
    NegOverflow = 8,
    /// `attempt to shift left with overflow`.
    ShlOverflow = 9,
    /// `attempt to shift right with overflow`.
    ShrOverflow = 10,
    /// `abs` of `MIN`.
    AbsOverflow = 11,
    /// `pow` with overflow.
    PowOverflow = 12,
    /// `clamp` with bounds that are not in order.
    ClampBounds = 13,
    /// `unwrap` or `expect` of `None`.
    UnwrapNone = 14,
    /// A sum that does not fit its type.
    SumOverflow = 15,
    /// A slice or index out of range.
    OutOfRange = 16,
    /// A loop that ran out of fuel.
    OutOfFuel = 17,
    /// A row whose strings and lists take more memory than a row may.
    TooLarge = 18,
    /// A slice of a string that does not begin and end between two characters.
    CharBoundary = 19,
    /// `unwrap` or `expect` of an `Err`.
    UnwrapErr = 20,
    /// `panic!`, `assert!` and the like.
    Panic = 21,
    /// A value of one of a group's rows, where no row counts.
    NoRows = 22,
    /// Rounding or cutting whose result does not fit.
    RoundOverflow = 40,
    /// `Decimal::new` with more than 9 digits after the point.
    DecimalScale = 41,
    /// `floor_to` a duration that is not positive.
    StepNotPositive = 42,
}

impl RowErrorCode {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::AddOverflow,
        Self::SubOverflow,
        Self::MulOverflow,
        Self::DivByZero,
        Self::DivOverflow,
        Self::RemByZero,
        Self::RemOverflow,
        Self::NegOverflow,
        Self::ShlOverflow,
        Self::ShrOverflow,
        Self::AbsOverflow,
        Self::PowOverflow,
        Self::ClampBounds,
        Self::UnwrapNone,
        Self::SumOverflow,
        Self::OutOfRange,
        Self::OutOfFuel,
        Self::TooLarge,
        Self::CharBoundary,
        Self::UnwrapErr,
        Self::Panic,
        Self::NoRows,
        Self::RoundOverflow,
        Self::DecimalScale,
        Self::StepNotPositive,
    ];

    /// The code with this number.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|known| *known as u32 == code)
    }

    /// What rustc's panic says in the same place.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::AddOverflow => "attempt to add with overflow",
            Self::SubOverflow => "attempt to subtract with overflow",
            Self::MulOverflow => "attempt to multiply with overflow",
            Self::DivByZero => "attempt to divide by zero",
            Self::DivOverflow => "attempt to divide with overflow",
            Self::RemByZero => "attempt to calculate the remainder with a divisor of zero",
            Self::RemOverflow => "attempt to calculate the remainder with overflow",
            Self::NegOverflow => "attempt to negate with overflow",
            Self::ShlOverflow => "attempt to shift left with overflow",
            Self::ShrOverflow => "attempt to shift right with overflow",
            Self::AbsOverflow => "attempt to take the absolute value with overflow",
            Self::PowOverflow => "attempt to raise to a power with overflow",
            Self::ClampBounds => "clamp with bounds that are not in order",
            Self::UnwrapNone => "unwrap of `None`",
            Self::SumOverflow => "the sum does not fit its type",
            Self::OutOfRange => "index out of range",
            Self::OutOfFuel => "the loop ran too long",
            Self::TooLarge => "the row's values take more than 64 MiB",
            Self::CharBoundary => "the slice does not begin and end between two characters",
            Self::UnwrapErr => "unwrap of an `Err`",
            Self::Panic => "the code panicked",
            Self::NoRows => "a value of no rows",
            Self::RoundOverflow => "attempt to round with overflow",
            Self::DecimalScale => "a Decimal has at most 9 digits after the point",
            Self::StepNotPositive => "the step is not positive",
        }
    }
}

/// What a worker lends to every kernel it calls.
#[repr(C)]
#[derive(Debug)]
pub struct Context {
    /// The runtime's functions, by [`crate::function::RuntimeFunction`].
    pub functions: *const *const c_void,
    /// The job's parameters, 16 bytes each: the value in the first bytes, or a [`StrRef`].
    pub params: *const [u64; 2],
    /// The artifact's constant pool: the bytes of string literals.
    pub constants: *const u8,
    /// Where a scalar kernel says which row failed, and why.
    pub error: RowError,
    /// Memory of the worker's for the strings and lists that kernels make: the runtime's own, nothing to a kernel. What lies
    /// in it stays until the chunk is done.
    pub arena: *mut c_void,
    /// Bytes taken from the arena for the row that is being computed. A kernel whose functions may take some sets it to 0
    /// before each row; beyond [`crate::ROW_BYTES`] they give `TooLarge`.
    pub row_bytes: u64,
    /// The value of the last function that was called with the context, where its status is 0. By type: a string, bytes or
    /// list its address and length; integers, `bool`, `char` and times extended to 64 bits; floats as bits; decimals the
    /// low and the high word.
    pub result: [u64; 4],
}
const _: () = assert!(size_of::<Context>() == 96);

/// An accumulator of an aggregate without keys, as a fused kernel updates it. Starts as zeros: while `count` is 0 the
/// value of `Min` and `Max` means nothing.
///
/// `sum` by function: integer `Sum` and `Avg` a 128-bit integer; float `Sum` and `Avg` the running sum and, in the second
/// word, its compensation (Neumaier); `Min` and `Max` the value in the first word (floats as bits, integers and bool
/// widened to 64 bits); `Count` unused.
#[repr(C, align(16))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accumulator {
    /// See above.
    pub sum: [u64; 2],
    /// Rows that went in, nulls and filtered ones left out.
    pub count: u64,
    /// Unused.
    pub reserved: u64,
}
const _: () = assert!(size_of::<Accumulator>() == 32);

/// A kernel. Returns 0 if every selected row was computed. A vector kernel returns 1 if some selected row may have failed
/// (its outputs are then not to be used: the replay kernel decides); a scalar kernel returns 1 if a row failed, with
/// `Context::error` filled in, and has written the selected rows from `first_row` on that stand before it.
pub type KernelFn = unsafe extern "C" fn(*mut Context, *const Chunk) -> i64;
