//! Numbers of words that lie close together: a word less the least one is the place of its number, and nothing is hashed.
//!
//! Ids are mostly given out one after the other. What they number grows with them; as soon as words come that lie too far from the
//! others, it is said that this is no way for them.

use super::memory::Buf;

/// Places that are always worth it.
const FEW_PLACES: u64 = 4096;

/// Places for a word that comes, at most: as many bytes as two entries of a hash table.
const PLACES_A_WORD: u64 = 8;

/// The numbers.
#[derive(Debug, Default)]
pub(super) struct Direct {
    /// The word of the first place.
    least: u64,
    /// One more than the number, or zero.
    numbers: Buf<u32>,
}

impl Direct {
    /// The number of a word plus one; zero if it has none.
    #[inline]
    pub(super) fn get(&self, word: u64) -> u32 {
        self.getter()(word)
    }

    /// The same for many words.
    #[inline]
    pub(super) fn getter(&self) -> impl Fn(u64) -> u32 + '_ {
        let (least, numbers) = (self.least, &self.numbers[..]);
        move |word| {
            let place = word.wrapping_sub(least);
            if place < numbers.len() as u64 { numbers[place as usize] } else { 0 }
        }
    }

    /// Gives a word a number, if it lies close enough to the others, which are so many together with those that may come now.
    pub(super) fn put(&mut self, word: u64, number: u32, words: usize) -> bool {
        if self.numbers.is_empty() {
            self.least = word;
        }
        let place = word.wrapping_sub(self.least);
        if place >= self.numbers.len() as u64 && !self.make_room(word, words) {
            return false;
        }
        self.numbers[word.wrapping_sub(self.least) as usize] = number + 1;
        true
    }

    #[cold]
    fn make_room(&mut self, word: u64, words: usize) -> bool {
        let most = FEW_PLACES.max(words as u64 * PLACES_A_WORD);
        let known = self.numbers.len() as u64;
        // How far above the least one, or else below it.
        let (above, below) = (word.wrapping_sub(self.least), self.least.wrapping_sub(word));
        if above < most {
            // Some more: others will follow.
            self.numbers.resize((above + above / 4 + 64).min(most) as usize);
            return true;
        }
        let Some(room) = below.checked_add(known).filter(|room| *room <= most) else { return false };
        let more = (below + room / 4).min(most - known);
        let mut numbers = Buf::zeroed((known + more) as usize);
        numbers[more as usize..].copy_from_slice(&self.numbers);
        self.numbers = numbers;
        self.least = self.least.wrapping_sub(more);
        true
    }

    /// Bytes held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.numbers.memory_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_their_numbers_wherever_they_begin() {
        for first in [0, 7, u64::MAX - 20_000, u64::MAX - 3, 1 << 63] {
            for step in [1, 3, u64::MAX, u64::MAX - 2] {
                let mut direct = Direct::default();
                let word = |number: u32| first.wrapping_add(step.wrapping_mul(u64::from(number)));
                for number in 0..10_000 {
                    assert_eq!(direct.get(word(number)), 0);
                    assert!(direct.put(word(number), number, number as usize + 1), "{number} of {first} and {step}");
                }
                assert!((0..10_000).all(|number| direct.get(word(number)) == number + 1));
                assert!(!direct.put(first.wrapping_add(1 << 40), 10_000, 10_001));
                assert!(!direct.put(first.wrapping_sub(1 << 40), 10_000, 10_001));
                assert!((0..10_000).all(|number| direct.get(word(number)) == number + 1));
                assert!(direct.memory_bytes() <= 10_000 * 8 * 4 * 2);
            }
        }
    }
}
