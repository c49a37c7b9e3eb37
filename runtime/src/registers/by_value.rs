//! What kernels make of the values of a dictionary, to be looked up by code.
//!
//! Part of the fence of [`super`]: results lie here, padded as registers are, and go into the arena row by row.

use super::{Dictionary, EMPTY, Registers, Selection};
use crate::primitive::bitmap;
use crate::primitive::memory::{Buf, Plain, Str};
use crate::primitive::take::take;
use sabot_abi::kernel::{InputColumn, OutputColumn};
use sabot_abi::manifest::{Kernel, Reg};
use sabot_abi::{CHUNK_ROWS, CHUNK_WORDS};

/// What a kernel writes.
#[derive(Debug)]
enum Results {
    Bits(Buf<u64>),
    One(Buf<u8>),
    Two(Buf<u16>),
    Four(Buf<u32>),
    Eight(Buf<u64>),
}

/// A kernel and a dictionary that comes along with it.
#[derive(Debug)]
struct Memo {
    kernel: usize,
    dictionary: Dictionary,
    /// Selected rows that had it.
    rows: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    /// There were fewer rows than values.
    Waiting,
    /// Some value, which perhaps no row has, is a row error.
    GaveUp,
    Known {
        /// By code: whether the row is kept.
        kept: Buf<u64>,
        results: Vec<Results>,
    },
}

/// What is known of the values of dictionaries.
#[derive(Debug, Default)]
pub(crate) struct ByValue {
    memos: Vec<Memo>,
}

/// Values to be computed, and where their results go.
pub(crate) struct Values {
    memo: usize,
    values: Buf<Str>,
    kept: Buf<u64>,
    results: Vec<Results>,
    /// Values computed so far.
    done: usize,
}

/// What is to be done for a chunk.
pub(crate) enum Way {
    /// Row by row.
    Rows,
    /// The results were looked up.
    Done,
    /// The kernel is to be called for these first.
    Compute(Values),
}

/// The bytes of a value of the register, 0 for a bit; `None` if such results are not kept.
fn width(registers: &Registers, reg: Reg) -> Option<usize> {
    let ty = registers.ty(reg);
    match ty.base.register_width() {
        _ if ty.nullable => None,
        None => Some(0),
        Some(16) => None,
        Some(width) => Some(width),
    }
}

impl Registers {
    /// Looks a kernel's results up, if all it reads is a string that came as a dictionary, of which more rows than values
    /// have been seen.
    pub(crate) fn by_value(&mut self, kernel: &Kernel, selection: &mut Selection) -> Way {
        let [reg] = *kernel.inputs.as_slice() else { return Way::Rows };
        if !self.slot(reg).validity.is_null() {
            return Way::Rows;
        }
        let Some((_, dictionary)) = self.codes(reg, selection.rows) else { return Way::Rows };
        let dictionary = dictionary.clone();
        if kernel.outputs.iter().any(|reg| width(self, *reg).is_none()) {
            return Way::Rows;
        }
        let number = self.memo(kernel, dictionary);
        let memo = &mut self.by_value.memos[number];
        memo.rows += selection.count;
        match memo.state {
            State::GaveUp => return Way::Rows,
            State::Waiting if memo.rows < memo.dictionary.values.len() => return Way::Rows,
            State::Waiting => return Way::Compute(self.values_of(number, kernel)),
            State::Known { .. } => {}
        }
        self.look_up(number, reg, kernel, selection);
        Way::Done
    }

    /// The memo of a kernel, emptied if the dictionary is another one than before.
    fn memo(&mut self, kernel: &Kernel, dictionary: Dictionary) -> usize {
        let memos = &mut self.by_value.memos;
        let id = std::ptr::from_ref(kernel) as usize;
        let Some(number) = memos.iter().position(|memo| memo.kernel == id) else {
            memos.push(Memo { kernel: id, dictionary, rows: 0, state: State::Waiting });
            return memos.len() - 1;
        };
        let memo = &mut memos[number];
        if !std::sync::Arc::ptr_eq(&memo.dictionary.values, &dictionary.values) {
            if !memo.dictionary.is_same(&dictionary) {
                (memo.rows, memo.state) = (0, State::Waiting);
            }
            memo.dictionary = dictionary;
        }
        number
    }

    fn values_of(&self, memo: usize, kernel: &Kernel) -> Values {
        let mut values: Buf<Str> = self.by_value.memos[memo].dictionary.values.iter().copied().collect();
        values.push(Str::new(b"")); // for codes that are none
        let len = values.len().next_multiple_of(CHUNK_ROWS);
        let results = kernel.outputs.iter().map(|reg| match width(self, *reg) {
            None | Some(0) => Results::Bits(Buf::zeroed(len / 64)),
            Some(1) => Results::One(Buf::zeroed(len)),
            Some(2) => Results::Two(Buf::zeroed(len)),
            Some(4) => Results::Four(Buf::zeroed(len)),
            Some(_) => Results::Eight(Buf::zeroed(len)),
        });
        Values { memo, values, kept: Buf::zeroed(len / 64), results: results.collect(), done: 0 }
    }

    /// Fills `inputs` and `outputs` with the next values; their number, 0 at the end.
    pub(crate) fn bind_values(&mut self, values: &mut Values) -> usize {
        let first = values.done;
        let rows = (values.values.len() - first).min(CHUNK_ROWS);
        if rows == 0 {
            return 0;
        }
        values.done += rows;
        let input = InputColumn { values: values.values[first..].as_ptr().cast(), validity: std::ptr::null() };
        self.inputs.clear();
        self.inputs.push(input);
        self.outputs.clear();
        self.outputs.extend(values.results.iter_mut().map(|results| OutputColumn {
            values: match results {
                Results::Bits(words) => words[first / 64..].as_mut_ptr().cast(),
                Results::One(values) => values[first..].as_mut_ptr(),
                Results::Two(values) => values[first..].as_mut_ptr().cast(),
                Results::Four(values) => values[first..].as_mut_ptr().cast(),
                Results::Eight(values) => values[first..].as_mut_ptr().cast(),
            },
            validity: std::ptr::null_mut(),
        }));
        rows
    }

    /// The results of the values that were bound last; `None`: the kernel failed.
    pub(crate) fn keep_values(&mut self, values: &mut Values, kept: Option<[u64; CHUNK_WORDS]>) {
        match kept {
            Some(kept) => {
                let first = (values.done - 1) / CHUNK_ROWS * CHUNK_WORDS;
                values.kept[first..first + CHUNK_WORDS].copy_from_slice(&kept);
            }
            None => self.by_value.memos[values.memo].state = State::GaveUp,
        }
    }

    /// All values are computed.
    pub(crate) fn finish_values(&mut self, values: Values) {
        let memo = &mut self.by_value.memos[values.memo];
        if !matches!(memo.state, State::GaveUp) {
            memo.state = State::Known { kept: values.kept, results: values.results };
        }
    }

    fn look_up(&mut self, number: usize, reg: Reg, kernel: &Kernel, selection: &mut Selection) {
        // Nobody writes to the places that were lent: the results come from here.
        self.lent.clear();
        let by_value = std::mem::take(&mut self.by_value);
        let memo = &by_value.memos[number];
        let others = memo.dictionary.values.len();
        let mut codes = [0u32; CHUNK_ROWS];
        if let Some((found, _)) = self.codes(reg, selection.rows) {
            codes.iter_mut().zip(found).for_each(|(to, code)| *to = (*code as u32).min(others as u32));
        }
        let codes = &codes[..selection.rows];
        if let State::Known { kept, results } = &memo.state {
            for (&reg, results) in kernel.outputs.iter().zip(results) {
                let values = match results {
                    Results::Bits(bits) => {
                        self.bits_of(codes.iter().map(|code| u8::from(bitmap::get(bits, *code as usize))))
                    }
                    Results::One(values) => self.taken(values, codes),
                    Results::Two(values) => self.taken(values, codes),
                    Results::Four(values) => self.taken(values, codes),
                    Results::Eight(values) => self.taken(values, codes),
                };
                self.slots[reg as usize] = super::Slot { values, ..EMPTY };
            }
            if kernel.filter {
                for (word, codes) in selection.words.iter_mut().zip(codes.chunks(64)) {
                    let bits = codes.iter().enumerate();
                    *word &=
                        bits.fold(0, |bits, (bit, code)| bits | u64::from(bitmap::get(kept, *code as usize)) << bit);
                }
                selection.recount();
            }
        }
        self.by_value = by_value;
    }

    fn taken<T: Plain>(&mut self, values: &[T], codes: &[u32]) -> *const u8 {
        let to = self.new_values::<T>(codes.len());
        take(values, codes, to);
        to.as_ptr().cast()
    }
}
