//! The location table: which piece of source text an instruction comes from.
//!
//! The format is CPython's (`co_linetable`). A row covers up to eight words and begins with the byte
//!
//! ```text
//!      7   6    3   2        0
//!     | 1 | form | words - 1 |
//! ```
//!
//! followed by what the form asks for. Lines are relative to the row before, at first to `co_firstlineno`; columns are absolute and count
//! UTF-8 bytes.
//!
//! | form   |           | bytes that follow                                                                                     |
//! |--------|-----------|-------------------------------------------------------------------------------------------------------|
//! | 0..=9  | short     | one: bits 4-6 are the low bits of the column, whose high bits are the form; bits 0-3 are its length    |
//! | 10..=12| one line  | the line advances by `form - 10`; a byte for the column, a byte for the end column                    |
//! | 13     | no column | signed number: lines to advance                                                                       |
//! | 14     | long      | signed number: lines to advance; numbers: lines it extends over, column + 1 or 0, end column + 1 or 0 |
//! | 15     | none      | nothing: the instruction has no location                                                              |
//!
//! A number is written in groups of six bits, the lowest first, with bit 6 set in all but the last; the sign of a signed one is its lowest
//! bit. Tables may come from files and from `code.replace()`: a malformed row ends the table, line arithmetic wraps, nothing panics.

/// A piece of source text. Lines count from 1, columns from 0; -1 stands for what is not known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Location {
    /// The line it begins in.
    pub line: i32,
    /// The line it ends in.
    pub end_line: i32,
    /// The column it begins at, in UTF-8 bytes.
    pub column: i32,
    /// The column just after it.
    pub end_column: i32,
}

impl Location {
    /// No location: instructions the compiler made up, which a tracer should not stop at.
    pub const NONE: Location = Location { line: -1, end_line: -1, column: -1, end_column: -1 };

    /// A whole line.
    pub const fn line(line: i32) -> Location {
        Location { line, end_line: line, column: -1, end_column: -1 }
    }
}

const ROW: u8 = 0x80;
const MAX_WORDS: u32 = 8;
const ONE_LINE: u8 = 10;
const NO_COLUMN: u8 = 13;
const LONG: u8 = 14;
const NONE: u8 = 15;

/// Writes a table. Neighbours with the same location share a row.
#[derive(Debug)]
pub struct LineTableWriter {
    table: Vec<u8>,
    /// The line of the row before.
    line: i32,
    pending: Location,
    pending_words: u32,
}

impl LineTableWriter {
    /// An empty table for a code object that begins in this line.
    pub fn new(firstlineno: u32) -> LineTableWriter {
        LineTableWriter { table: Vec::new(), line: firstlineno as i32, pending: Location::NONE, pending_words: 0 }
    }

    /// The next `words` words come from this location.
    pub fn push(&mut self, location: Location, words: u32) {
        if location != self.pending {
            self.write_pending();
            self.pending = location;
        }
        self.pending_words += words;
    }

    /// The finished table.
    pub fn finish(mut self) -> Vec<u8> {
        self.write_pending();
        self.table
    }

    fn write_pending(&mut self) {
        while self.pending_words > 0 {
            let words = self.pending_words.min(MAX_WORDS);
            self.pending_words -= words;
            self.write_row(self.pending, words);
        }
    }

    fn write_row(&mut self, location: Location, words: u32) {
        let Location { line, end_line, column, end_column } = location;
        let first = |form: u8| ROW | form << 3 | (words - 1) as u8;
        if line < 0 {
            self.table.push(first(NONE));
            return;
        }
        let advance = line.wrapping_sub(self.line);
        self.line = line;
        let has_columns = column >= 0 && end_column >= 0;
        let one_line = end_line == line;
        if has_columns && one_line && advance == 0 && column < 80 && (column..column + 16).contains(&end_column) {
            self.table.push(first((column >> 3) as u8));
            self.table.push((column as u8 & 7) << 4 | (end_column - column) as u8);
        } else if has_columns && one_line && (0..3).contains(&advance) && column < 128 && end_column < 128 {
            self.table.push(first(ONE_LINE + advance as u8));
            self.table.extend([column as u8, end_column as u8]);
        } else if !has_columns && (one_line || end_line < 0) {
            self.table.push(first(NO_COLUMN));
            self.write_signed(advance);
        } else {
            self.table.push(first(LONG));
            self.write_signed(advance);
            self.write_number(end_line.saturating_sub(line).max(0) as u32);
            self.write_number((column.max(-1) + 1) as u32);
            self.write_number((end_column.max(-1) + 1) as u32);
        }
    }

    fn write_number(&mut self, mut number: u32) {
        while number >= 0x40 {
            self.table.push(number as u8 & 0x3F | 0x40);
            number >>= 6;
        }
        self.table.push(number as u8);
    }

    fn write_signed(&mut self, number: i32) {
        self.write_number(number.unsigned_abs() << 1 | (number < 0) as u32);
    }
}

/// Reads a table.
#[derive(Clone, Copy, Debug)]
pub struct LineTable<'a> {
    /// The bytes of `co_linetable`.
    pub bytes: &'a [u8],
    /// The line that the table starts from.
    pub firstlineno: u32,
}

/// The words `start..end` come from `location`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LocationRange {
    /// The first word.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// Where they come from.
    pub location: Location,
}

/// The words `start..end` come from `line`; -1 is no line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineRange {
    /// The first word.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// The line.
    pub line: i32,
}

impl<'a> LineTable<'a> {
    /// The rows in order, without gaps.
    pub fn ranges(self) -> LocationRanges<'a> {
        LocationRanges { rest: self.bytes, line: self.firstlineno as i32, at: 0 }
    }

    /// What `co_lines()` gives: ranges of words with the same line, neighbours merged.
    pub fn lines(self) -> impl Iterator<Item = LineRange> + 'a {
        let mut rows = self.ranges().peekable();
        std::iter::from_fn(move || {
            let row = rows.next()?;
            let line = row.location.line;
            let mut end = row.end;
            while let Some(same) = rows.next_if(|next| next.location.line == line) {
                end = same.end;
            }
            Some(LineRange { start: row.start, end, line })
        })
    }

    /// The same table without columns and end lines.
    pub fn without_columns(self) -> Vec<u8> {
        let mut writer = LineTableWriter::new(self.firstlineno);
        for row in self.ranges() {
            let line = row.location.line;
            writer.push(if line < 0 { Location::NONE } else { Location::line(line) }, row.end - row.start);
        }
        writer.finish()
    }

    /// What `co_positions()` gives: a location for each word.
    pub fn positions(self) -> impl Iterator<Item = Location> + 'a {
        self.ranges().flat_map(|row| (row.start..row.end).map(move |_| row.location))
    }

    /// Where the word comes from; [`Location::NONE`] beyond the table.
    pub fn location_at(self, at: u32) -> Location {
        self.ranges().find(|row| at < row.end).map_or(Location::NONE, |row| row.location)
    }

    /// The line the word comes from, -1 if it has none.
    pub fn line_at(self, at: u32) -> i32 {
        self.location_at(at).line
    }
}

/// The rows of a table.
#[derive(Clone, Debug)]
pub struct LocationRanges<'a> {
    rest: &'a [u8],
    line: i32,
    at: u32,
}

impl LocationRanges<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn number(&mut self) -> Option<u32> {
        let mut number = 0;
        let mut shift = 0;
        loop {
            let byte = self.byte()?;
            let group = (byte & 0x3F) as u32;
            // Bits beyond the 32nd make the number malformed.
            if group.checked_shl(shift)? >> shift != group {
                return None;
            }
            number |= group << shift;
            shift += 6;
            if byte & 0x40 == 0 {
                return Some(number);
            }
        }
    }

    fn advance(&mut self) -> Option<()> {
        let number = self.number()?;
        let lines = (number >> 1) as i32;
        let signed = if number & 1 == 0 { lines } else { lines.wrapping_neg() };
        self.line = self.line.wrapping_add(signed);
        Some(())
    }

    fn row(&mut self) -> Option<LocationRange> {
        let first = self.byte()?;
        let start = self.at;
        self.at = start.checked_add((first & 7) as u32 + 1)?;
        let form = first >> 3 & 15;
        let mut location = Location::NONE;
        match form {
            NONE => {}
            LONG => {
                self.advance()?;
                location.line = self.line;
                location.end_line = self.line.wrapping_add(self.number()? as i32);
                location.column = (self.number()? as i32).wrapping_sub(1);
                location.end_column = (self.number()? as i32).wrapping_sub(1);
            }
            NO_COLUMN => {
                self.advance()?;
                location = Location::line(self.line);
            }
            ONE_LINE.. => {
                self.line = self.line.wrapping_add((form - ONE_LINE) as i32);
                location = Location::line(self.line);
                location.column = self.byte()? as i32;
                location.end_column = self.byte()? as i32;
            }
            _ => {
                let byte = self.byte()?;
                location = Location::line(self.line);
                location.column = (form << 3 | byte >> 4) as i32;
                location.end_column = location.column + (byte & 15) as i32;
            }
        }
        Some(LocationRange { start, end: self.at, location })
    }
}

impl Iterator for LocationRanges<'_> {
    type Item = LocationRange;

    fn next(&mut self) -> Option<LocationRange> {
        let row = self.row();
        if row.is_none() {
            self.rest = &[];
        }
        row
    }
}

/// The lines of a code object prepared for being asked again and again, by a tracer for one.
#[derive(Clone, Debug)]
pub struct LineIndex(Box<[LineRange]>);

impl LineIndex {
    /// Reads the table once.
    pub fn new(table: LineTable<'_>) -> LineIndex {
        LineIndex(table.lines().collect())
    }

    /// The range that the word belongs to.
    pub fn find(&self, at: u32) -> Option<LineRange> {
        let next = self.0.partition_point(|range| range.end <= at);
        self.0.get(next).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    const fn at(line: i32, end_line: i32, column: i32, end_column: i32) -> Location {
        Location { line, end_line, column, end_column }
    }

    fn table(bytes: &[u8], firstlineno: u32) -> LineTable<'_> {
        LineTable { bytes, firstlineno }
    }

    /// What CPython 3.11 makes of
    ///
    /// ```text
    /// x = [a
    ///  for a in b]
    /// if x:
    ///     y = (f(1,
    ///        2), gggggggg...)
    /// else:
    ///   pass
    /// ```
    ///
    /// and its `co_positions()` of that. Every form but 13 occurs.
    #[test]
    fn reads_what_cpython_wrote() {
        let bytes =
            b"\xf0\x03\x01\x01\x01\xf0\x02\x01\x05\r\xf0\x00\x01\x05\r\xd8\n\x0b\xf0\x03\x01\x05\r\xf1\x00\x01\x05\r\xf4\x00\x01\x05\r\
            \x80\x01\xe0\x03\x04\xf0\x00\x04\x01\x07\xd8\t\n\x88\x11\x881\xd8\x07\x08\xf1\x03\x01\n\n\xf4\x00\x01\n\n\xd8\x0be\xf0\x03\x01\
            \tg\x01\x80A\x80A\x80A\xf0\x06\x00\x03\x07\x80$";
        let expected = [
            (1, at(0, 1, 0, 0)),
            (2, at(1, 2, 4, 12)),
            (1, at(2, 2, 10, 11)),
            (8, at(1, 2, 4, 12)),
            (1, at(1, 1, 0, 1)),
            (1, at(3, 3, 3, 4)),
            (1, at(3, 7, 0, 6)),
            (2, at(4, 4, 9, 10)),
            (1, at(4, 4, 11, 12)),
            (1, at(5, 5, 7, 8)),
            (7, at(4, 5, 9, 9)),
            (1, at(5, 5, 11, 101)),
            (1, at(4, 5, 8, 102)),
            (3, at(4, 4, 4, 5)),
            (2, at(7, 7, 2, 6)),
        ];
        let expected: Vec<_> = expected.iter().flat_map(|&(words, location)| [location].repeat(words)).collect();
        let read: Vec<_> = table(bytes, 1).positions().collect();
        assert_eq!(read, expected);
        let mut writer = LineTableWriter::new(1);
        for &location in &expected {
            writer.push(location, 1);
        }
        let written = writer.finish();
        assert!(table(&written, 1).positions().eq(expected.iter().copied()));
        // CPython 3.11 gives each instruction its own row; later ones and we merge, so ours is no longer.
        assert!(written.len() <= bytes.len());
        assert!(bytes.starts_with(&written[..5]));
    }

    /// One row of each form, byte for byte as CPython 3.11 writes it.
    #[test]
    fn writes_each_form() {
        let write = |location, words| {
            let mut writer = LineTableWriter::new(10);
            writer.push(location, words);
            writer.finish()
        };
        assert_eq!(write(at(10, 10, 9, 10), 1), b"\x88\x11");
        assert_eq!(write(at(10, 10, 79, 94), 8), b"\xCF\x7F");
        assert_eq!(write(at(10, 10, 80, 94), 1), b"\xD0\x50\x5E");
        assert_eq!(write(at(12, 12, 0, 127), 1), b"\xE0\x00\x7F");
        assert_eq!(write(at(13, 13, 2, 6), 1), b"\xF0\x06\x00\x03\x07");
        assert_eq!(write(at(9, 11, 2, 6), 1), b"\xF0\x03\x02\x03\x07");
        assert_eq!(write(at(110, 110, 2, 600), 1), b"\xF0\x48\x03\x00\x03\x59\x09");
        assert_eq!(write(Location::line(9), 2), b"\xE9\x03");
        assert_eq!(write(Location::NONE, 9), b"\xFF\xF8");
        assert_eq!(write(Location::line(11), 0), b"");
    }

    fn random_location(random: &mut Random) -> Location {
        let line = random.below(300) as i32;
        match random.below(6) {
            0 => Location::NONE,
            1 => Location::line(line),
            2 => at(line, line + random.below(1000) as i32, -1, -1),
            kind => {
                let column = random.below(1 << (4 * kind - 10)) as i32;
                let end_line = line + (random.below(3) / 2 * random.below(9)) as i32;
                at(line, end_line, column, column + random.below(40) as i32)
            }
        }
    }

    #[test]
    fn random_tables_survive() {
        let mut random = Random::new(3);
        for _ in 0..500 {
            let firstlineno = random.below(400);
            let rows: Vec<_> = (0..random.below(50)).map(|_| (random_location(&mut random), random.below(25))).collect();
            let mut writer = LineTableWriter::new(firstlineno);
            for &(location, words) in &rows {
                writer.push(location, words);
            }
            let bytes = writer.finish();
            let table = table(&bytes, firstlineno);
            let expected: Vec<_> = rows.iter().flat_map(|&(location, words)| [location].repeat(words as usize)).collect();
            assert_eq!(table.positions().collect::<Vec<_>>(), expected);

            let lines: Vec<_> = table.lines().collect();
            assert!(lines.windows(2).all(|pair| { pair[0].end == pair[1].start && pair[0].line != pair[1].line }));
            let index = LineIndex::new(table);
            for (word, location) in expected.iter().enumerate() {
                assert_eq!(table.location_at(word as u32), *location);
                let range = index.find(word as u32).unwrap();
                assert!((range.start..range.end).contains(&(word as u32)));
                assert_eq!(range.line, location.line);
            }
            assert_eq!(table.line_at(expected.len() as u32), -1);
            assert_eq!(index.find(expected.len() as u32), None);
        }
    }

    #[test]
    fn malformed_tables_end() {
        let mut random = Random::new(4);
        for _ in 0..2000 {
            let bytes: Vec<u8> = (0..random.below(100)).map(|_| random.below(256) as u8).collect();
            let table = table(&bytes, random.next() as u32);
            assert!(table.positions().count() <= 8 * bytes.len());
            table.line_at(random.below(500));
        }
        assert_eq!(table(b"\xF0\x7F\x7F\x7F\x7F\x7F\x7F\x7F\x01", 1).ranges().count(), 0);
        assert_eq!(table(b"\xF0\x00\x01\x05", 1).ranges().count(), 0);
    }
}
