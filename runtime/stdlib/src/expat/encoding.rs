//! Which encoding a document has, and its text as UTF-8.

use super::codes::Code;

/// An encoding.
pub(super) enum Encoding {
    /// Text is parsed as it is.
    Utf8,
    Utf16 {
        big: bool,
    },
    Latin1,
    Ascii,
    /// One of Python's, a character a byte; none where the encoding has none.
    Table(Box<[Option<char>; 256]>),
}

/// What the first bytes tell.
pub(super) enum Detected {
    /// Too few of them.
    More,
    /// The encoding, and whether there is a byte order mark.
    Known(Encoding, bool),
    /// The name in the XML declaration.
    Named(String),
}

/// Looks for a byte order mark and an XML declaration. `last` says that there are no more bytes.
pub(super) fn detect(raw: &[u8], last: bool) -> Detected {
    match raw {
        [0xEF, 0xBB, 0xBF, ..] => return Detected::Known(Encoding::Utf8, true),
        [0xFE, 0xFF, ..] => return Detected::Known(Encoding::Utf16 { big: true }, true),
        [0xFF, 0xFE, ..] => return Detected::Known(Encoding::Utf16 { big: false }, true),
        [0, _, ..] => return Detected::Known(Encoding::Utf16 { big: true }, false),
        [_, 0, ..] => return Detected::Known(Encoding::Utf16 { big: false }, false),
        [] | [0xEF] | [0xEF, 0xBB] | [_] if !last => return Detected::More,
        _ => {}
    }
    const START: &[u8] = b"<?xml";
    if !last && raw.len() <= START.len() && START.starts_with(raw) {
        return Detected::More;
    }
    if !raw.starts_with(START) || !raw.get(START.len()).is_some_and(u8::is_ascii_whitespace) {
        return Detected::Known(Encoding::Utf8, false);
    }
    match raw.iter().position(|&b| b == b'>') {
        None if !last => Detected::More,
        None => Detected::Known(Encoding::Utf8, false),
        Some(end) => match declared(&raw[..end]) {
            Some(name) => Detected::Named(name),
            None => Detected::Known(Encoding::Utf8, false),
        },
    }
}

/// The value of `encoding` in an XML declaration. What is wrong with that is found when it is parsed.
fn declared(declaration: &[u8]) -> Option<String> {
    let at = memchr::memmem::find(declaration, b"encoding")? + "encoding".len();
    let rest = declaration[at..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (&quote, rest) = rest.split_first()?;
    let end = rest.iter().position(|&b| b == quote)?;
    if !matches!(quote, b'"' | b'\'') || !rest[..end].iter().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(b)) {
        return None;
    }
    String::from_utf8(rest[..end].to_vec()).ok()
}

impl Encoding {
    /// One that needs no help of Python's, for text in bytes.
    pub fn named(name: &str) -> Option<Result<Encoding, Code>> {
        Some(match name.to_ascii_lowercase().as_str() {
            "utf-8" => Ok(Encoding::Utf8),
            "us-ascii" => Ok(Encoding::Ascii),
            "iso-8859-1" => Ok(Encoding::Latin1),
            "utf-16" | "utf-16be" | "utf-16le" => Err(Code::INCORRECT_ENCODING),
            _ => return None,
        })
    }

    /// Is the text converted before it is parsed?
    pub fn converts(&self) -> bool {
        !matches!(self, Encoding::Utf8)
    }

    /// Appends the text of `raw`; how many bytes that were, and whether the next one is wrong.
    pub fn decode(&self, raw: &[u8], out: &mut String) -> (usize, bool) {
        let narrow = |out: &mut String, f: &dyn Fn(u8) -> Option<char>| {
            for (i, &b) in raw.iter().enumerate() {
                match f(b) {
                    Some(c) => out.push(c),
                    None => return (i, true),
                }
            }
            (raw.len(), false)
        };
        match self {
            // Nobody asks for that: see `converts`.
            Encoding::Utf8 => (0, true),
            Encoding::Latin1 => narrow(out, &|b| Some(b as char)),
            Encoding::Ascii => narrow(out, &|b| b.is_ascii().then_some(b as char)),
            Encoding::Table(table) => narrow(out, &|b| table[b as usize]),
            Encoding::Utf16 { big } => {
                let unit = |p: &[u8]| if *big { u16::from_be_bytes([p[0], p[1]]) } else { u16::from_le_bytes([p[0], p[1]]) };
                let mut at = 0;
                while raw.len() - at >= 2 {
                    let first = unit(&raw[at..]);
                    let pair = matches!(first, 0xD800..=0xDBFF);
                    if pair && raw.len() - at < 4 {
                        break;
                    }
                    let units = [first, if pair { unit(&raw[at + 2..]) } else { 0 }];
                    match char::decode_utf16(units[..1 + pair as usize].iter().copied()).next() {
                        Some(Ok(c)) => out.push(c),
                        _ => return (at, true),
                    }
                    at += if pair { 4 } else { 2 };
                }
                (at, false)
            }
        }
    }
}
