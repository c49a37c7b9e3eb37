//! Functions of lists. Lists that a function makes lie in the worker's [`ValueArena`](super::ValueArena).
//!
//! `shift` is the width of an item as a power of two, `kind` what it is ([`ItemKind`]). Items need not be aligned: lists
//! come from registers too, where they are bytes.

use crate::primitive::value_arena::{self, TooLarge};
use sabot_abi::function::STATUS_OK;
use sabot_abi::kernel::{Context, RowErrorCode, StrRef};
use sabot_abi::list::{ItemKind, pack, unpack};
use std::cmp::Ordering;

/// Says what came out: where it lies, and how many items it has.
fn give(context: &mut Context, value: Result<(*const u8, i64), TooLarge>) -> i64 {
    match value {
        Ok((data, len)) => {
            context.result[..2].copy_from_slice(&[data as u64, len as u64]);
            STATUS_OK
        }
        Err(TooLarge) => RowErrorCode::TooLarge as i64,
    }
}

/// Bytes of so many items; `None` if no memory has so many.
fn size(len: i64, shift: i64) -> Option<usize> {
    usize::try_from(len).ok()?.checked_mul(1_usize.checked_shl(u32::try_from(shift).ok()?)?)
}

/// A list's bytes.
fn bytes(data: &*const u8, len: i64, shift: i64) -> &[u8] {
    // What was never written has no address.
    if len == 0 {
        return &[];
    }
    // SAFETY: kernels give lists that they were given or made, which are readable for their length until the chunk is
    // done.
    unsafe { std::slice::from_raw_parts(*data, size(len, shift).unwrap_or(0)) }
}

/// Memory for so many bytes.
fn take(context: &mut Context, bytes: Option<usize>) -> Result<&mut [u8], TooLarge> {
    let (arena, row) = value_arena::of(context);
    let bytes = bytes.ok_or(TooLarge)?;
    let to = arena.take(row, bytes, 16)?;
    // SAFETY: `take` gave that many bytes, to nobody else; whatever is in them are bytes.
    Ok(unsafe { std::slice::from_raw_parts_mut(to, bytes) })
}

/// Memory for a list, filled in, as what a function gives.
fn make(context: &mut Context, len: i64, bytes: Option<usize>, fill: impl FnOnce(&mut [u8])) -> i64 {
    let made = take(context, bytes).map(|to| {
        fill(to);
        (to.as_ptr(), len)
    });
    give(context, made)
}

/// A list of `u64`.
pub(super) fn give_numbers(cx: &mut Context, numbers: &[u64]) -> i64 {
    let len = numbers.len() as i64;
    make(cx, len, size(len, 3), |to| {
        for (to, number) in to.as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
            *to = number.to_ne_bytes();
        }
    })
}

pub(super) extern "C" fn list_new(cx: &mut Context, len: i64, shift: i64) -> i64 {
    make(cx, len, size(len, shift), |_| {})
}

pub(super) extern "C" fn list_repeat(cx: &mut Context, len: i64, shift: i64, low: i64, high: i64) -> i64 {
    let item = (low as u64 as u128 | (high as u64 as u128) << 64).to_ne_bytes();
    make(cx, len, size(len, shift), |to| {
        let width = 1_usize << shift;
        to.chunks_exact_mut(width).for_each(|to| to.copy_from_slice(&item[..width]));
    })
}

pub(super) extern "C" fn list_grow(cx: &mut Context, data: *const u8, len: i64, shift: i64) -> i64 {
    let (arena, row) = value_arena::of(cx);
    let grown = match size(len, shift) {
        Some(bytes) => arena.grow(row, data, bytes, 1 << shift),
        None => Err(TooLarge),
    };
    give(cx, grown.map(|data| (data, len + 1)))
}

pub(super) extern "C" fn list_concat(
    cx: &mut Context,
    a: *const u8,
    a_len: i64,
    b: *const u8,
    b_len: i64,
    shift: i64,
) -> i64 {
    let (a, b) = (bytes(&a, a_len, shift), bytes(&b, b_len, shift));
    make(cx, a_len + b_len, Some(a.len() + b.len()), |to| {
        to[..a.len()].copy_from_slice(a);
        to[a.len()..].copy_from_slice(b);
    })
}

pub(super) extern "C" fn list_reverse(cx: &mut Context, data: *const u8, len: i64, shift: i64) -> i64 {
    let from = bytes(&data, len, shift);
    make(cx, len, Some(from.len()), |to| {
        let width = 1_usize << shift;
        for (to, from) in to.chunks_exact_mut(width).zip(from.chunks_exact(width).rev()) {
            to.copy_from_slice(from);
        }
    })
}

pub(super) extern "C" fn list_order(cx: &mut Context, data: *const u8, len: i64, kind: i64, before: *const u8) -> i64 {
    let items = Items::new(&data, len, kind);
    let mut order: Vec<u64> = (0..len as u64).collect();
    if !before.is_null() {
        for (to, from) in order.iter_mut().zip(bytes(&before, len, 3).as_chunks::<8>().0) {
            *to = u64::from_ne_bytes(*from);
        }
    }
    order.sort_by(|a, b| items.total_order(*a as usize, *b as usize));
    make(cx, len, size(len, 3), |to| {
        for (to, position) in to.as_chunks_mut::<8>().0.iter_mut().zip(&order) {
            *to = position.to_ne_bytes();
        }
    })
}

pub(super) extern "C" fn list_take(
    cx: &mut Context,
    data: *const u8,
    len: i64,
    shift: i64,
    order: *const u8,
    order_len: i64,
) -> i64 {
    let from = bytes(&data, len, shift);
    let order = bytes(&order, order_len, 3).as_chunks::<8>().0;
    let position = |at: &[u8; 8]| u64::from_ne_bytes(*at);
    if order.iter().any(|at| position(at) >= len as u64) {
        return RowErrorCode::OutOfRange as i64;
    }
    make(cx, order_len, size(order_len, shift), |to| {
        let width = 1_usize << shift;
        for (to, at) in to.chunks_exact_mut(width).zip(order) {
            let at = position(at) as usize * width;
            to.copy_from_slice(&from[at..at + width]);
        }
    })
}

pub(super) extern "C" fn list_contains(data: *const u8, len: i64, kind: i64, low: i64, high: i64) -> bool {
    let item = (low as u64 as u128 | (high as u64 as u128) << 64).to_ne_bytes();
    let wanted = item.as_ptr();
    let (items, wanted) = (Items::new(&data, len, kind), Items::new(&wanted, 1, kind));
    (0..len as usize).any(|at| items.compare(at, &wanted, 0) == Some(Ordering::Equal))
}

pub(super) extern "C" fn list_compare(a: *const u8, a_len: i64, b: *const u8, b_len: i64, kind: i64) -> i32 {
    match compare_lists(&Items::new(&a, a_len, kind), &Items::new(&b, b_len, kind)) {
        Some(Ordering::Less) => -1,
        Some(Ordering::Equal) => 0,
        Some(Ordering::Greater) => 1,
        None => 2,
    }
}

pub(super) extern "C" fn list_join(cx: &mut Context, data: *const u8, len: i64, by: *const u8, by_len: i64) -> i64 {
    let by = bytes(&by, by_len, 0);
    let items = Items::new(&data, len, ItemKind::Strings as i64);
    let all = (0..len as usize).map(|at| items.inner(at).bytes.len()).sum::<usize>();
    let size = all.checked_add(by.len().saturating_mul((len as usize).saturating_sub(1)));
    make(cx, size.unwrap_or(0) as i64, size, |to| {
        let mut at = 0;
        let mut add = |part: &[u8]| {
            to[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        };
        for position in 0..len as usize {
            if position > 0 {
                add(by);
            }
            add(items.inner(position).bytes);
        }
    })
}

/// A list of a register, of strings or of lists, with a [`StrRef`] for every item. `layout` is the depth of the lists in it
/// times 256, and what the innermost hold.
pub(super) extern "C" fn list_open(cx: &mut Context, data: *const u8, len: i64, layout: i64) -> i64 {
    let opened = open(cx, bytes(&data, len, 0), layout);
    give(cx, opened)
}

fn open(cx: &mut Context, list: &[u8], layout: i64) -> Result<(*const u8, i64), TooLarge> {
    let (depth, inner) = (layout >> 8, layout & 0xff);
    if depth == 0 && inner != ItemKind::STRINGS {
        return Ok((list.as_ptr(), (list.len() >> inner) as i64));
    }
    let items = unpack(list);
    let len = items.len() as i64;
    let to: *mut [u8; 16] = take(cx, size(len, 4))?.as_mut_ptr().cast();
    for (at, item) in items.enumerate() {
        let (data, len) = if depth == 0 { (item.as_ptr(), item.len() as i64) } else { open(cx, item, layout - 256)? };
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&(data as u64).to_ne_bytes());
        bytes[8..].copy_from_slice(&len.to_ne_bytes());
        // SAFETY: there is room for all items; what is made in between lies elsewhere.
        unsafe { to.add(at).write(bytes) };
    }
    Ok((to.cast(), len))
}

/// The list as a register has it: the opposite of [`list_open`].
pub(super) extern "C" fn list_close(cx: &mut Context, data: *const u8, len: i64, layout: i64) -> i64 {
    let mut packed = Vec::new();
    close(&data, len, layout, &mut packed);
    make(cx, packed.len() as i64, Some(packed.len()), |to| to.copy_from_slice(&packed))
}

fn close(data: &*const u8, len: i64, layout: i64, to: &mut Vec<u8>) {
    let (depth, inner) = (layout >> 8, layout & 0xff);
    if depth == 0 && inner != ItemKind::STRINGS {
        to.extend_from_slice(bytes(data, len, inner));
        return;
    }
    let items = Items::new(data, len, ItemKind::Strings as i64);
    if depth == 0 {
        pack((0..len as usize).map(|at| items.inner(at).bytes), to);
        return;
    }
    let mut lists: Vec<Vec<u8>> = Vec::with_capacity(len as usize);
    for at in 0..len as usize {
        let reference = items.reference(at);
        let mut list = Vec::new();
        close(&reference.data, reference.len as i64, layout - 256, &mut list);
        lists.push(list);
    }
    pack(lists.iter().map(Vec::as_slice), to);
}

/// The items of a list and what they are.
struct Items<'a> {
    bytes: &'a [u8],
    len: usize,
    /// Levels of lists below.
    depth: i64,
    kind: ItemKind,
}

impl<'a> Items<'a> {
    fn new(data: &'a *const u8, len: i64, kind: i64) -> Self {
        let (depth, code) = (kind >> 8, kind & 0xff);
        let kind = ItemKind::from_code(code).unwrap_or(ItemKind::U8);
        let shift = match (depth, kind) {
            (1.., _) | (_, ItemKind::Strings | ItemKind::I128) => 4,
            (_, ItemKind::U8 | ItemKind::I8) => 0,
            (_, ItemKind::U16 | ItemKind::I16) => 1,
            (_, ItemKind::U32 | ItemKind::I32 | ItemKind::F32) => 2,
            (_, ItemKind::U64 | ItemKind::I64 | ItemKind::F64) => 3,
        };
        Self { bytes: bytes(data, len, shift), len: len as usize, depth, kind }
    }

    fn word<const N: usize>(&self, at: usize) -> [u8; N] {
        let bytes = self.bytes.get(at * N..(at + 1) * N).and_then(|bytes| bytes.try_into().ok());
        bytes.unwrap_or([0; N])
    }

    /// An item that is a string or a list.
    fn reference(&self, at: usize) -> StrRef {
        let bytes: [u8; 16] = self.word(at);
        let [data, len] = [&bytes[..8], &bytes[8..]].map(|half| u64::from_ne_bytes(half.try_into().unwrap_or([0; 8])));
        StrRef { data: data as *const u8, len }
    }

    /// The items of an item.
    fn inner(&self, at: usize) -> Items<'a> {
        let reference = self.reference(at);
        let data = reference.data;
        let code = if self.depth == 0 { ItemKind::U8 } else { self.kind };
        let inner = Items::new(&data, reference.len as i64, (self.depth - 1).max(0) << 8 | code as i64);
        // SAFETY: the bytes of an item live as long as those of the list, which is longer than `data` does.
        let bytes = unsafe { std::slice::from_raw_parts(inner.bytes.as_ptr(), inner.bytes.len()) };
        Items { bytes, ..inner }
    }

    /// Order of an item and one of another list, as `PartialOrd` has it.
    fn compare(&self, at: usize, other: &Items<'_>, there: usize) -> Option<Ordering> {
        if self.depth > 0 {
            return compare_lists(&self.inner(at), &other.inner(there));
        }
        match self.kind {
            ItemKind::F32 => f32::from_ne_bytes(self.word(at)).partial_cmp(&f32::from_ne_bytes(other.word(there))),
            ItemKind::F64 => f64::from_ne_bytes(self.word(at)).partial_cmp(&f64::from_ne_bytes(other.word(there))),
            ItemKind::Strings => Some(self.inner(at).bytes.cmp(other.inner(there).bytes)),
            ItemKind::I128 => Some(i128::from_ne_bytes(self.word(at)).cmp(&i128::from_ne_bytes(other.word(there)))),
            ItemKind::U8
            | ItemKind::U16
            | ItemKind::U32
            | ItemKind::U64
            | ItemKind::I8
            | ItemKind::I16
            | ItemKind::I32
            | ItemKind::I64 => Some(self.integer(at).cmp(&other.integer(there))),
        }
    }

    fn integer(&self, at: usize) -> i128 {
        match self.kind {
            ItemKind::U8 => u8::from_ne_bytes(self.word(at)).into(),
            ItemKind::U16 => u16::from_ne_bytes(self.word(at)).into(),
            ItemKind::U32 => u32::from_ne_bytes(self.word(at)).into(),
            ItemKind::U64 => u64::from_ne_bytes(self.word(at)).into(),
            ItemKind::I8 => i8::from_ne_bytes(self.word(at)).into(),
            ItemKind::I16 => i16::from_ne_bytes(self.word(at)).into(),
            ItemKind::I32 => i32::from_ne_bytes(self.word(at)).into(),
            ItemKind::I64 => i64::from_ne_bytes(self.word(at)).into(),
            ItemKind::I128 => i128::from_ne_bytes(self.word(at)),
            ItemKind::F32 | ItemKind::F64 | ItemKind::Strings => 0,
        }
    }

    /// Order of two items, floats as `total_cmp`.
    fn total_order(&self, a: usize, b: usize) -> Ordering {
        if self.depth == 0 && self.kind == ItemKind::F32 {
            return f32::from_ne_bytes(self.word(a)).total_cmp(&f32::from_ne_bytes(self.word(b)));
        }
        if self.depth == 0 && self.kind == ItemKind::F64 {
            return f64::from_ne_bytes(self.word(a)).total_cmp(&f64::from_ne_bytes(self.word(b)));
        }
        self.compare(a, self, b).unwrap_or(Ordering::Equal)
    }
}

/// The first items that differ decide, then the lengths.
fn compare_lists(a: &Items<'_>, b: &Items<'_>) -> Option<Ordering> {
    for at in 0..a.len.min(b.len) {
        match a.compare(at, b, at) {
            Some(Ordering::Equal) => {}
            decided => return decided,
        }
    }
    Some(a.len.cmp(&b.len))
}
