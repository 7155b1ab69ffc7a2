//! The line of an instruction, from the line table of its code: CPython's format (`co_linetable`).
//!
//! A row begins with a byte that has bit 7 set; below it are four bits of form and three with the number of words, less one. Of what
//! follows only the difference to the line before is of interest here.

/// The line that word `at` comes from; none if it has none, or the table is damaged.
pub fn line_at(table: &[u8], first_line: u32, at: u64) -> Option<u32> {
    let (mut line, mut end, mut rest) = (i64::from(first_line), 0, table);
    loop {
        let (&row, after) = rest.split_first().filter(|(row, _)| **row & 0x80 != 0)?;
        // The bytes of a row are those up to the next with bit 7.
        let length = after.iter().position(|byte| byte & 0x80 != 0).unwrap_or(after.len());
        let (content, next) = after.split_at(length);
        let form = row >> 3 & 15;
        line += match form {
            13 | 14 => signed(content)?,
            10..=12 => i64::from(form - 10),
            _ => 0,
        };
        end += u64::from(row & 7) + 1;
        if at < end {
            return if form == 15 { None } else { u32::try_from(line).ok() };
        }
        rest = next;
    }
}

/// The number that the bytes begin with: groups of six bits, the lowest first, bit 6 set in all but the last; its lowest bit is its sign.
fn signed(bytes: &[u8]) -> Option<i64> {
    let last = bytes.iter().position(|byte| byte & 0x40 == 0).filter(|last| *last < 6)?;
    let number = bytes[..=last].iter().rev().fold(0, |number, byte| number << 6 | i64::from(byte & 0x3F));
    Some(if number & 1 == 0 { number >> 1 } else { -(number >> 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms() {
        // Two words in the first line with columns, three in the next, one without a line, one two lines up, one 100 lines down.
        let table = [0x80 | 1, 0x12, 0x80 | 11 << 3 | 2, 4, 9, 0x80 | 15 << 3, 0x80 | 13 << 3, 5, 0x80 | 14 << 3, 0x40 | 8, 3, 0, 1, 1];
        let lines: Vec<_> = (0..9).map(|at| line_at(&table, 10, at)).collect();
        assert_eq!(lines, [Some(10), Some(10), Some(11), Some(11), Some(11), None, Some(9), Some(109), None]);
    }

    #[test]
    fn damaged_tables() {
        assert_eq!(line_at(&[], 1, 0), None);
        assert_eq!(line_at(&[0x12], 1, 0), None);
        assert_eq!(line_at(&[0x80 | 13 << 3, 0x40], 1, 0), None);
        assert_eq!(line_at(&[0x80 | 13 << 3, 3], 0, 0), None);
    }
}
