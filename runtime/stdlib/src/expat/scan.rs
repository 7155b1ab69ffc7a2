//! The smallest parts of XML: characters, white space, names.

use super::codes::Code;
use limpid_vm::object::Raised;

/// Why parsing does not go on.
pub(super) enum Stop {
    /// The rest of the text is the beginning of something: more is needed.
    Incomplete,
    /// The text is wrong, at this place.
    Failed(Code, usize),
    /// A Python exception.
    Raised(Raised),
}

impl From<Raised> for Stop {
    fn from(raised: Raised) -> Stop {
        Stop::Raised(raised)
    }
}

/// What a part of the parser gives.
pub(super) type Step<T = ()> = Result<T, Stop>;

/// What a byte of UTF-8 is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A control character that XML has not.
    Forbidden,
    /// Nothing special.
    Plain,
    /// `<`, `&`, `]`: special in text.
    Markup,
    /// A line end.
    Line,
    /// White space that is no line end.
    Space,
    /// Begins a name.
    NameStart,
    /// Is part of a name.
    Name,
    /// Part of a character that is not ASCII.
    Wide,
}

const CLASSES: [Class; 256] = {
    let mut table = [Class::Plain; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = match i as u8 {
            b'\n' | b'\r' => Class::Line,
            b' ' | b'\t' => Class::Space,
            0..0x20 => Class::Forbidden,
            b'<' | b'&' | b']' => Class::Markup,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b':' => Class::NameStart,
            b'0'..=b'9' | b'-' | b'.' => Class::Name,
            0x80.. => Class::Wide,
            _ => Class::Plain,
        };
        i += 1;
    }
    table
};

/// What a byte is.
#[inline(always)]
pub(super) fn class(b: u8) -> Class {
    CLASSES[b as usize]
}

/// Is it white space?
#[inline(always)]
pub(super) fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r')
}

/// Does a character that XML has not, U+FFFE or U+FFFF, begin here?
#[inline(always)]
pub(super) fn is_noncharacter(b: &[u8]) -> bool {
    b.len() > 2 && b[0] == 0xEF && b[1] == 0xBF && b[2] >= 0xBE
}

/// May a document contain the character?
pub(super) fn is_character(c: u32) -> bool {
    matches!(c, 0x9 | 0xA | 0xD | 0x20..=0xD7FF | 0xE000..=0xFFFD | 0x10000..=0x10FFFF)
}

fn starts_name(c: char) -> bool {
    matches!(c, '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}'
        | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn continues_name(c: char) -> bool {
    starts_name(c) || matches!(c, '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Where the white space that begins at `at` ends.
#[inline]
pub(super) fn skip_space(s: &str, mut at: usize) -> usize {
    let b = s.as_bytes();
    while at < b.len() && is_space(b[at]) {
        at += 1;
    }
    at
}

/// The end of the characters of names that begin at `at`; `first` says that the first must be one that begins a name.
fn name_characters(s: &str, start: usize, first: bool) -> Step<usize> {
    let b = s.as_bytes();
    let mut at = start;
    loop {
        let Some(&c) = b.get(at) else { return Err(Stop::Incomplete) };
        let begin = first && at == start;
        match class(c) {
            Class::NameStart => at += 1,
            Class::Name if !begin => at += 1,
            Class::Wide => match s[at..].chars().next() {
                Some(c) if starts_name(c) || (!begin && continues_name(c)) => at += c.len_utf8(),
                _ => return Err(Stop::Failed(Code::INVALID_TOKEN, at)),
            },
            _ if at == start => return Err(Stop::Failed(Code::INVALID_TOKEN, at)),
            _ => return Ok(at),
        }
    }
}

/// The end of the name that begins at `at`; Incomplete where the text ends with it.
#[inline]
pub(super) fn name(s: &str, at: usize) -> Step<usize> {
    name_characters(s, at, true)
}

/// The end of the name token that begins at `at`.
pub(super) fn name_token(s: &str, at: usize) -> Step<usize> {
    name_characters(s, at, false)
}

/// Does `what` come at `at`? Incomplete where the text ends within it.
pub(super) fn begins(s: &str, at: usize, what: &str) -> Step<bool> {
    let rest = &s.as_bytes()[at..];
    if rest.len() < what.len() && what.as_bytes().starts_with(rest) {
        return Err(Stop::Incomplete);
    }
    Ok(rest.starts_with(what.as_bytes()))
}

/// Are all characters from `start` to `end` such that XML has them? Gives the first that is not.
pub(super) fn check_characters(s: &str, start: usize, end: usize) -> Step {
    let b = &s.as_bytes()[..end];
    match (start..end).find(|&i| class(b[i]) == Class::Forbidden || is_noncharacter(&b[i..])) {
        Some(at) => Err(Stop::Failed(Code::INVALID_TOKEN, at)),
        None => Ok(()),
    }
}

/// Where `what` begins behind `at`; Incomplete where it does not.
pub(super) fn find(s: &str, at: usize, what: &str) -> Step<usize> {
    let found = memchr::memmem::find(&s.as_bytes()[at..], what.as_bytes());
    match found {
        Some(i) => {
            check_characters(s, at, at + i)?;
            Ok(at + i)
        }
        None => {
            check_characters(s, at, s.len())?;
            Err(Stop::Incomplete)
        }
    }
}

/// Text with each line end as one line feed.
pub(super) fn normalized(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.as_bytes().contains(&b'\r') {
        return text.into();
    }
    text.replace("\r\n", "\n").replace('\r', "\n").into()
}

/// What a reference to a character stands for. `text` is between `&#` and `;`.
pub(super) fn character_reference(text: &str) -> Option<char> {
    let number = match text.strip_prefix('x') {
        Some(digits) => digits.bytes().try_fold(0u32, |n, d| Some((n << 4 | (d as char).to_digit(16)?).min(0x110000)))?,
        None => text.bytes().try_fold(0u32, |n, d| Some((n * 10 + (d as char).to_digit(10)?).min(0x110000)))?,
    };
    if is_character(number) { char::from_u32(number) } else { None }
}

/// The end of a reference, behind its semicolon. `at` is that of the ampersand (or percent sign).
pub(super) fn reference_end(s: &str, at: usize) -> Step<usize> {
    let b = s.as_bytes();
    let end = match b.get(at + 1) {
        None => return Err(Stop::Incomplete),
        Some(b'#') => {
            let hex = b.get(at + 2) == Some(&b'x');
            let start = at + if hex { 3 } else { 2 };
            let mut end = start;
            while b.get(end).is_some_and(|d| if hex { d.is_ascii_hexdigit() } else { d.is_ascii_digit() }) {
                end += 1;
            }
            if end == start && end < b.len() {
                return Err(Stop::Failed(Code::INVALID_TOKEN, end));
            }
            end
        }
        Some(_) => name(s, at + 1)?,
    };
    match b.get(end) {
        None => Err(Stop::Incomplete),
        Some(b';') => Ok(end + 1),
        Some(_) => Err(Stop::Failed(Code::INVALID_TOKEN, end)),
    }
}

/// The character of one of the five entities every document has.
pub(super) fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}
