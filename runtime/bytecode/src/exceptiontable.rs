//! The exception table: which handler catches an exception raised at an instruction.
//!
//! The format is CPython's (`co_exceptiontable`). A row is four numbers, most significant six bits first:
//!
//! ```text
//!     start, length, target, depth << 1 | lasti
//!
//!      7       6         5   0
//!     | first | another | bits |      first: the row begins here; another: the number goes on in the next byte
//! ```
//!
//! Positions and lengths count words. Rows are sorted by `start` and do not overlap: the compiler has resolved nested blocks. The flag in
//! the first byte of a row is what makes a binary search possible.
//!
//! Tables may come from files and from `code.replace()`. A malformed row ends the table; nothing here panics.

/// A row: while the instructions in `start..end` run, an exception goes to `target`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handler {
    /// The first word that is covered.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// Where the handler begins.
    pub target: u32,
    /// How many values stay on the stack.
    pub depth: u32,
    /// Is the position of the raising instruction pushed before the exception?
    pub lasti: bool,
}

const FIRST: u8 = 0x80;
const ANOTHER: u8 = 0x40;
const BITS: u8 = 0x3F;

/// Writes a table. The handlers must be sorted by `start` and must not overlap.
pub fn encode(handlers: impl IntoIterator<Item = Handler>) -> Vec<u8> {
    let mut table = Vec::new();
    let mut covered = 0;
    for handler in handlers {
        debug_assert!(covered <= handler.start && handler.start < handler.end, "{handler:?} after {covered}");
        covered = handler.end;
        let row = table.len();
        write_number(&mut table, handler.start);
        table[row] |= FIRST;
        write_number(&mut table, handler.end - handler.start);
        write_number(&mut table, handler.target);
        write_number(&mut table, handler.depth << 1 | handler.lasti as u32);
    }
    table
}

fn write_number(table: &mut Vec<u8>, number: u32) {
    let groups = (u32::BITS - number.leading_zeros()).div_ceil(6).max(1);
    for group in (1..groups).rev() {
        table.push((number >> (6 * group)) as u8 & BITS | ANOTHER);
    }
    table.push(number as u8 & BITS);
}

/// Reads a table.
#[derive(Clone, Copy, Debug)]
pub struct ExceptionTable<'a>(pub &'a [u8]);

/// Below this many bytes looking at one row after the other is quicker than jumping about.
const LINEAR_SEARCH: usize = 40;

impl<'a> ExceptionTable<'a> {
    /// The rows in order.
    pub fn handlers(self) -> Handlers<'a> {
        Handlers { rest: self.0 }
    }

    /// The handler for an exception raised by the instruction at this word.
    pub fn find(self, at: u32) -> Option<Handler> {
        let (mut low, mut high) = (0, self.0.len());
        while high - low > LINEAR_SEARCH {
            let middle = self.row_before(low, low + (high - low) / 2);
            let start = Handlers { rest: &self.0[middle..] }.number()?;
            if start > at {
                high = middle;
            } else if middle == low {
                break;
            } else {
                low = middle;
            }
        }
        Handlers { rest: &self.0[low..] }.take_while(|handler| handler.start <= at).find(|handler| at < handler.end)
    }

    /// Where the row that this byte belongs to begins, but not before `low`.
    fn row_before(self, low: usize, byte: usize) -> usize {
        self.0[low..=byte].iter().rposition(|byte| byte & FIRST != 0).map_or(low, |row| low + row)
    }
}

/// The rows of a table.
#[derive(Clone, Debug)]
pub struct Handlers<'a> {
    rest: &'a [u8],
}

impl Handlers<'_> {
    fn number(&mut self) -> Option<u32> {
        let mut number: u32 = 0;
        loop {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            if number.leading_zeros() < 6 {
                return None;
            }
            number = number << 6 | (byte & BITS) as u32;
            if byte & ANOTHER == 0 {
                return Some(number);
            }
        }
    }

    fn row(&mut self) -> Option<Handler> {
        let start = self.number()?;
        let length = self.number()?;
        let target = self.number()?;
        let depth_lasti = self.number()?;
        Some(Handler { start, end: start.checked_add(length)?, target, depth: depth_lasti >> 1, lasti: depth_lasti & 1 != 0 })
    }
}

impl Iterator for Handlers<'_> {
    type Item = Handler;

    fn next(&mut self) -> Option<Handler> {
        let row = self.row();
        if row.is_none() {
            self.rest = &[];
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    fn handler(start: u32, end: u32, target: u32, depth: u32, lasti: bool) -> Handler {
        Handler { start, end, target, depth, lasti }
    }

    /// `compile(source, "<s>", "exec").co_exceptiontable` of CPython 3.11 and what `dis` of the same version prints for it.
    #[test]
    fn reads_and_writes_what_cpython_does() {
        // try: f()
        // except E: g()
        // finally: h()
        let table = b"\x81\n\x0c\x00\x8b\x01-\x00\x8c\x0f\x1e\x03\x9b\x02-\x00\x9d\x01\x1e\x03\x9e\x03-\x00\xad\x0c9\x03";
        let handlers = [
            handler(1, 11, 12, 0, false),
            handler(11, 12, 45, 0, false),
            handler(12, 27, 30, 1, true),
            handler(27, 29, 45, 0, false),
            handler(29, 30, 30, 1, true),
            handler(30, 33, 45, 0, false),
            handler(45, 57, 57, 1, true),
        ];
        assert_eq!(ExceptionTable(table).handlers().collect::<Vec<_>>(), handlers);
        assert_eq!(encode(handlers), table);
    }

    fn random_handlers(random: &mut Random) -> Vec<Handler> {
        let mut at = 0;
        (0..random.below(60))
            .map(|_| {
                let start = at + random.below(3) * random.below(5000);
                let end = start + 1 + random.below(300);
                at = end;
                handler(start, end, random.below(1 << 20), random.below(90), random.below(2) == 0)
            })
            .collect()
    }

    #[test]
    fn random_tables_survive_and_are_searched_right() {
        let mut random = Random::new(1);
        for _ in 0..300 {
            let handlers = random_handlers(&mut random);
            let table = encode(handlers.iter().copied());
            let table = ExceptionTable(&table);
            assert_eq!(table.handlers().collect::<Vec<_>>(), handlers);
            let covered = |at: u32| handlers.iter().copied().find(|h| h.start <= at && at < h.end);
            for at in handlers.iter().flat_map(|h| [h.start.wrapping_sub(1), h.start, h.end - 1, h.end]) {
                assert_eq!(table.find(at), covered(at));
            }
            assert_eq!(table.find(u32::MAX), None);
        }
    }

    #[test]
    fn the_biggest_numbers_survive() {
        let biggest = handler(u32::MAX - 1, u32::MAX, u32::MAX, u32::MAX >> 1, true);
        assert_eq!(ExceptionTable(&encode([biggest])).find(u32::MAX - 1), Some(biggest));
    }

    #[test]
    fn malformed_tables_end() {
        let mut random = Random::new(2);
        for _ in 0..2000 {
            let bytes: Vec<u8> = (0..random.below(200)).map(|_| random.below(256) as u8).collect();
            let table = ExceptionTable(&bytes);
            assert!(table.handlers().count() <= bytes.len());
            for _ in 0..20 {
                let at = random.below(5000);
                if let Some(handler) = table.find(at) {
                    assert!(handler.start <= at && at < handler.end);
                }
            }
        }
    }
}
