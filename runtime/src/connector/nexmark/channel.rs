//! The channels that bids come through, and their addresses: few, so each text is made once and copied then.

use super::event::{Kind, below};
use super::text::{self, HOT_CHANNELS, Texts};
use std::ops::Range;
use std::sync::LazyLock;

/// Those that are not hot.
const OTHERS: u64 = 10_000;

/// A text of every channel, by its number.
struct OfChannels {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

static NAMES: LazyLock<OfChannels> = LazyLock::new(|| OfChannels::new(name));
static URLS: LazyLock<OfChannels> = LazyLock::new(|| OfChannels::new(url));

impl OfChannels {
    fn new(make: impl Fn(u64, &mut Vec<u8>)) -> Self {
        let (mut bytes, mut ends) = (Vec::new(), vec![0]);
        for number in 0..HOT_CHANNELS.len() as u64 + OTHERS {
            make(number, &mut bytes);
            ends.push(bytes.len());
        }
        Self { bytes, ends }
    }

    fn copy(&self, rows: Range<u64>, out: &mut Texts) {
        text::each(rows, out, |row, out| {
            let number = number(Kind::Bid.event(row)) as usize;
            out.extend_from_slice(&self.bytes[self.ends[number]..self.ends[number + 1]]);
        });
    }
}

/// The channels of rows.
pub(super) fn names(rows: Range<u64>, out: &mut Texts) {
    NAMES.copy(rows, out);
}

/// The addresses of rows.
pub(super) fn urls(rows: Range<u64>, out: &mut Texts) {
    URLS.copy(rows, out);
}

/// The number of an event's channel; the first few are hot and carry most of the bids.
#[inline(always)]
fn number(event: u64) -> u64 {
    let hot = HOT_CHANNELS.len() as u64;
    if below(event, 24, 2) > 0 { below(event, 25, hot) } else { hot + below(event, 25, OTHERS) }
}

fn name(number: u64, out: &mut Vec<u8>) {
    match HOT_CHANNELS.get(number as usize) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => {
            out.extend_from_slice(b"channel-");
            text::number(number - HOT_CHANNELS.len() as u64, 1, out);
        }
    }
}

/// Of a channel's number: the same channel has the same address, nine in ten of them with the channel in it.
fn url(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"https://www.nexmark.com");
    for part in 0..3 {
        out.push(b'/');
        text::letters(number, 26 + part, 4, out);
    }
    out.extend_from_slice(b"/item.htm?query=1");
    if below(number, 29, 10) > 0 {
        out.extend_from_slice(b"&channel_id=");
        text::number(number.reverse_bits() >> 33, 1, out);
    }
}
