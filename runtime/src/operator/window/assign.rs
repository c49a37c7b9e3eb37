//! Which slice of time a row falls into, and which windows are made of it.
//!
//! Windows that overlap share slices: a window is the slices from its start to its end. Ends of windows lie on a grid.

use sabot_abi::stream::WindowKind;

/// How time is cut. All times in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Assign {
    /// Windows of a length, one every `slide`.
    Sliding {
        /// Length of a slice.
        slice: i64,
        size: i64,
        slide: i64,
        offset: i64,
    },
    /// Windows that begin together.
    Cumulate { step: i64, max: i64, offset: i64 },
    /// The row's time is the end of its window.
    End,
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The greatest number not above `time` on the grid through `offset`.
fn floor(time: i64, offset: i64, step: i64) -> i64 {
    time.saturating_sub(time.saturating_sub(offset).rem_euclid(step))
}

/// The least number not below `time` on the grid through `offset`.
fn ceil(time: i64, offset: i64, step: i64) -> i64 {
    let below = floor(time, offset, step);
    if below == time { time } else { below.saturating_add(step) }
}

impl Assign {
    /// Whether a window may be made of several slices.
    pub(super) fn shares_slices(&self) -> bool {
        match self {
            Self::Sliding { slice, size, .. } => slice < size,
            Self::Cumulate { .. } => true,
            Self::End => false,
        }
    }

    /// Of windows of time that need no more than slices: all but sessions and numbers of rows.
    pub(crate) fn new(kind: WindowKind) -> Option<Self> {
        let all_positive = |lengths: &[i64]| lengths.iter().all(|length| *length > 0);
        match kind {
            WindowKind::Tumbling { size_us: size, offset_us: offset } if all_positive(&[size]) => {
                Some(Self::Sliding { slice: size, size, slide: size, offset })
            }
            WindowKind::Sliding { size_us: size, slide_us: slide, offset_us: offset }
                if all_positive(&[size, slide]) && slide <= size =>
            {
                Some(Self::Sliding { slice: gcd(size, slide), size, slide, offset })
            }
            WindowKind::Cumulate { step_us: step, max_us: max, offset_us: offset }
                if all_positive(&[step, max]) && max % step == 0 =>
            {
                Some(Self::Cumulate { step, max, offset })
            }
            WindowKind::Tumbling { .. }
            | WindowKind::Sliding { .. }
            | WindowKind::Cumulate { .. }
            | WindowKind::Session { .. }
            | WindowKind::Count { .. } => None,
        }
    }

    /// Start of the slice that a time falls into.
    #[inline]
    pub(crate) fn slice_of(&self, time: i64) -> i64 {
        match *self {
            Self::Sliding { slice, offset, .. } => floor(time, offset, slice),
            Self::Cumulate { step, offset, .. } => floor(time, offset, step),
            Self::End => time,
        }
    }

    /// Where the slice ends, the first time behind it.
    #[inline]
    pub(crate) fn slice_end(&self, slice: i64) -> i64 {
        match *self {
            Self::Sliding { slice: length, .. } => slice.saturating_add(length),
            Self::Cumulate { step, .. } => slice.saturating_add(step),
            Self::End => slice.saturating_add(1),
        }
    }

    /// End of the first window that a slice is a part of.
    pub(crate) fn first_end(&self, slice: i64) -> i64 {
        match *self {
            Self::Sliding { .. } => self.end_from(self.slice_end(slice)),
            Self::Cumulate { .. } => self.slice_end(slice),
            Self::End => slice,
        }
    }

    /// End of the last window that a slice is a part of.
    pub(crate) fn last_end(&self, slice: i64) -> i64 {
        match *self {
            Self::Sliding { size, slide, offset, .. } => {
                let start = floor(slice, offset, slide);
                start.saturating_add(size)
            }
            Self::Cumulate { max, offset, .. } => floor(slice, offset, max).saturating_add(max),
            Self::End => slice,
        }
    }

    /// The first end of a window at or behind a time.
    pub(crate) fn end_from(&self, time: i64) -> i64 {
        match *self {
            Self::Sliding { size, slide, offset, .. } => ceil(time, offset.saturating_add(size), slide),
            Self::Cumulate { step, offset, .. } => ceil(time, offset, step),
            Self::End => time,
        }
    }

    /// Start of the window with an end.
    pub(crate) fn start_of(&self, end: i64) -> i64 {
        match *self {
            Self::Sliding { size, .. } => end.saturating_sub(size),
            Self::Cumulate { max, offset, .. } => floor(end.saturating_sub(1), offset, max),
            Self::End => end,
        }
    }

    /// The slices of the window with an end: from the first to before the second.
    pub(crate) fn slices_of(&self, end: i64) -> (i64, i64) {
        match self {
            Self::Sliding { .. } | Self::Cumulate { .. } => (self.start_of(end), end),
            Self::End => (end, end.saturating_add(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_shared_by_the_windows_that_hold_them() {
        for (size, slide, offset) in [(10, 10, 0), (10, 5, 0), (10, 4, 3), (5, 2, -7), (7, 7, 100), (6, 1, 0)] {
            let assign = Assign::new(WindowKind::Sliding { size_us: size, slide_us: slide, offset_us: offset });
            let assign = assign.expect("lengths are positive");
            for time in -40..40 {
                // Windows by their definition.
                let ends: Vec<i64> = (-60..60)
                    .map(|number| number * slide + offset)
                    .filter(|start| *start <= time && time < start + size)
                    .map(|start| start + size)
                    .collect();
                let slice = assign.slice_of(time);
                assert!(slice <= time && time < assign.slice_end(slice));
                assert_eq!(assign.first_end(slice), ends[0], "{size} {slide} {offset} at {time}");
                assert_eq!(assign.last_end(slice), ends[ends.len() - 1], "{size} {slide} {offset} at {time}");
                for end in ends {
                    let (from, to) = assign.slices_of(end);
                    assert!(from <= slice && slice < to);
                    assert_eq!((assign.end_from(end), assign.end_from(end - slide + 1)), (end, end));
                }
            }
        }
    }

    #[test]
    fn cumulated_windows_begin_together() {
        let assign = Assign::new(WindowKind::Cumulate { step_us: 2, max_us: 6, offset_us: 1 }).expect("a multiple");
        for (time, slice, first, last) in [(1, 1, 3, 7), (2, 1, 3, 7), (3, 3, 5, 7), (6, 5, 7, 7), (0, -1, 1, 1)] {
            assert_eq!(assign.slice_of(time), slice);
            assert_eq!((assign.first_end(slice), assign.last_end(slice)), (first, last));
        }
        assert_eq!([3, 5, 7].map(|end| assign.start_of(end)), [1; 3]);
        assert_eq!(assign.slices_of(5), (1, 5));
    }

    #[test]
    fn lengths_are_positive() {
        assert_eq!(Assign::new(WindowKind::Tumbling { size_us: 0, offset_us: 0 }), None);
        assert_eq!(Assign::new(WindowKind::Sliding { size_us: 1, slide_us: 2, offset_us: 0 }), None);
        assert_eq!(Assign::new(WindowKind::Cumulate { step_us: 4, max_us: 6, offset_us: 0 }), None);
    }

    #[test]
    fn the_ends_of_time_are_no_panic() {
        for time in [i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX] {
            let assign = Assign::Sliding { slice: 5, size: 10, slide: 5, offset: 3 };
            let slice = assign.slice_of(time);
            let _ = (assign.first_end(slice), assign.last_end(slice), assign.start_of(assign.end_from(time)));
        }
    }
}
