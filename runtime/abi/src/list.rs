//! Lists as strings of bytes: what they are in registers, tables and spilled rows, wherever one [`StrRef`] is one value.
//!
//! Items of a fixed width lie one after the other, without padding, `bool` in a byte each: the list is as many bytes as its
//! items. Strings, bytes and lists begin with the number of items and where each ends, counted from behind these numbers,
//! all `u32` in the order of the machine: `n, end 1, …, end n, bytes`. Inside a kernel a list is an address and a number
//! of items; there an item that is a string, bytes or a list is a [`StrRef`] (of a list: its address and its items).
//!
//! [`StrRef`]: crate::kernel::StrRef

use crate::manifest::BaseType;

/// What the items of a list are where they are compared. Lists of lists add 256 for each level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum ItemKind {
    /// `u8`, `bool`.
    U8 = 0,
    /// `u16`.
    U16 = 1,
    /// `u32`, `char`.
    U32 = 2,
    /// `u64`.
    U64 = 3,
    /// Strings and bytes.
    Strings = 4,
    /// `i8`.
    I8 = 5,
    /// `i16`.
    I16 = 6,
    /// `i32`, dates.
    I32 = 7,
    /// `i64`, times.
    I64 = 8,
    /// Decimals.
    I128 = 9,
    /// `f32`.
    F32 = 10,
    /// `f64`.
    F64 = 11,
}

impl ItemKind {
    /// Where lists are opened and closed, a number below says that an innermost item takes two to that power of bytes,
    /// and this one that it is a string.
    pub const STRINGS: i64 = 100;

    /// The kind of this number.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        const ALL: [ItemKind; 12] = [
            ItemKind::U8,
            ItemKind::U16,
            ItemKind::U32,
            ItemKind::U64,
            ItemKind::Strings,
            ItemKind::I8,
            ItemKind::I16,
            ItemKind::I32,
            ItemKind::I64,
            ItemKind::I128,
            ItemKind::F32,
            ItemKind::F64,
        ];
        usize::try_from(code).ok().and_then(|code| ALL.get(code).copied())
    }
}

/// Bytes of an item in a list, if it has a fixed width.
#[must_use]
pub fn item_width(item: BaseType) -> Option<usize> {
    if item.is_str() { None } else { Some(item.register_width().unwrap_or(1)) }
}

/// Adds the items of a list, each as its bytes, to a string of bytes that is one list.
pub fn pack<'a>(items: impl ExactSizeIterator<Item = &'a [u8]> + Clone, to: &mut Vec<u8>) {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_ne_bytes();
    to.extend_from_slice(&number(items.len()));
    let mut end = 0;
    for item in items.clone() {
        end += item.len();
        to.extend_from_slice(&number(end));
    }
    for item in items {
        to.extend_from_slice(item);
    }
}

/// The items of a list whose items have no fixed width, each as its bytes.
pub fn unpack(list: &[u8]) -> impl ExactSizeIterator<Item = &[u8]> + Clone {
    let number = |at: usize| {
        let bytes = list.get(4 * at..4 * at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, |bytes| u32::from_ne_bytes(bytes) as usize)
    };
    let len = number(0).min(list.len() / 4);
    let bytes = list.get(4 * (len + 1)..).unwrap_or_default();
    (0..len).map(move |at| {
        let from = if at == 0 { 0 } else { number(at) };
        bytes.get(from..number(at + 1)).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again() {
        for items in [vec![], vec![&b""[..]], vec![&b"a"[..], b"", b"bcd"]] {
            let mut packed = Vec::new();
            pack(items.iter().copied(), &mut packed);
            assert_eq!(unpack(&packed).collect::<Vec<_>>(), items);
        }
        assert_eq!(unpack(b"").len(), 0);
        assert_eq!(unpack(&[9, 0, 0, 0, 1]).len(), 1);
    }
}
