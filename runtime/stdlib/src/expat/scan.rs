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

/// The prefix of the name at `at`, and the rest.
pub(super) fn split(name: &str, at: usize) -> Step<(Option<&str>, &str)> {
    let wrong = |i| Err(Stop::Failed(Code::INVALID_TOKEN, at + i));
    match name.split_once(':') {
        None => Ok((None, name)),
        Some(("", _)) => wrong(0),
        Some((_, "")) => wrong(name.len()),
        Some((prefix, local)) => match local.find(':') {
            Some(i) => wrong(prefix.len() + 1 + i),
            None => Ok((Some(prefix), local)),
        },
    }
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

/// What may follow a word in a declaration.
const WORD_ENDS: &[u8] = b" \t\r\n>),|[%?*+";
/// What may follow a parenthesis that closes.
const GROUP_ENDS: &[u8] = b" \t\r\n>),|*+?%";
/// What may follow a quoted text.
const LITERAL_ENDS: &[u8] = b" \t\r\n>%[";

/// A token ends at `end`: what follows must be one of `ends`.
pub(super) fn token_end(s: &str, end: usize, ends: &[u8]) -> Step {
    match s.as_bytes().get(end) {
        None => Err(Stop::Incomplete),
        Some(c) if ends.contains(c) => Ok(()),
        Some(_) => Err(Stop::Failed(Code::INVALID_TOKEN, end)),
    }
}

/// As [`token_end`], for a word.
pub(super) fn word_end(s: &str, end: usize) -> Step {
    token_end(s, end, WORD_ENDS)
}

/// As [`token_end`], for a quoted text.
pub(super) fn literal_end(s: &str, end: usize) -> Step {
    token_end(s, end, LITERAL_ENDS)
}

/// The error for what is at `at`, where it must not be: `code` if it is a whole token.
pub(super) fn misplaced(s: &str, at: usize, code: Code) -> Stop {
    let b = s.as_bytes();
    let next = b.get(at + 1).copied();
    let token = match (b.get(at), next) {
        (None, _) => return Stop::Incomplete,
        (Some(b'<'), None | Some(b'!' | b'?')) => Ok(()),
        (Some(b'<' | b'#'), _) => name(s, at + 1).map(|_| ()),
        (Some(b'%'), _) => match reference_end(s, at) {
            Ok(_) => return Stop::Failed(Code::PARAM_ENTITY_REF, at),
            Err(stop) => Err(stop),
        },
        (Some(b')'), _) => token_end(s, at + 1, GROUP_ENDS),
        (Some(b'(' | b',' | b'|' | b'[' | b']' | b'>'), _) => Ok(()),
        (Some(&quote @ (b'"' | b'\'')), _) => match b[at + 1..].iter().position(|c| *c == quote) {
            Some(length) => literal_end(s, at + length + 2),
            None => Err(Stop::Incomplete),
        },
        _ => name_token(s, at).and_then(|end| word_end(s, end)),
    };
    match token {
        Err(stop @ Stop::Failed(..)) => stop,
        _ => Stop::Failed(code, at),
    }
}

/// The error for a declaration at `at` of which there is no such kind.
pub(super) fn no_declaration(s: &str, at: usize) -> Stop {
    let b = s.as_bytes();
    let wrong = |at| Stop::Failed(Code::INVALID_TOKEN, at);
    match b.get(at + 2) {
        None => Stop::Incomplete,
        Some(b'-') => wrong(at + 3),
        Some(b'[') => Stop::Failed(Code::SYNTAX, at),
        Some(c) if !c.is_ascii_alphabetic() && *c != b'_' => wrong(at + 2),
        Some(_) => match b[at + 2..].iter().position(|c| !c.is_ascii_alphabetic() && *c != b'_') {
            None => Stop::Incomplete,
            Some(i) if b" \t\r\n%".contains(&b[at + 2 + i]) => Stop::Failed(Code::SYNTAX, at),
            Some(i) => wrong(at + 2 + i),
        },
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
