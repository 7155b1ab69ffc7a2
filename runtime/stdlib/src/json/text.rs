//! JSON text in the width of its str, and the strings in it.

use limpid_heap::Value;
use limpid_vm::modules::import;
use limpid_vm::object::{R, Raised, Ref};
use limpid_vm::protocol::{attr, call};
use limpid_vm::thread::Thread;
use limpid_vm::types::str::StrBuilder;
use limpid_vm::types::str::search::Unit;
use limpid_vm::types::{Str, int};

/// A character of the text's width.
pub(super) trait Char: Unit {
    /// A str of characters.
    fn make(t: &Thread, chars: &[Self]) -> R<Ref<Str>>;

    /// Where the first quote, backslash or control character is.
    fn find_special(chars: &[Self]) -> Option<usize> {
        chars.iter().position(|c| matches!((*c).into(), 0x22 | 0x5C | 0..0x20))
    }
}

impl Char for u8 {
    fn make(t: &Thread, chars: &[u8]) -> R<Ref<Str>> {
        Str::from_latin1(t, chars)
    }

    fn find_special(chars: &[u8]) -> Option<usize> {
        let end = memchr::memchr2(b'"', b'\\', chars);
        let before = &chars[..end.unwrap_or(chars.len())];
        // The minimum is computed many characters at a time.
        if before.iter().fold(u8::MAX, |min, c| min.min(*c)) >= 0x20 {
            return end;
        }
        before.iter().position(|c| *c < 0x20)
    }
}

impl Char for u16 {
    fn make(t: &Thread, chars: &[u16]) -> R<Ref<Str>> {
        Str::from_ucs2(t, chars)
    }
}

impl Char for u32 {
    fn make(t: &Thread, chars: &[u32]) -> R<Ref<Str>> {
        Str::from_ucs4(t, chars)
    }
}

/// The str that is read, and its characters.
#[derive(Clone, Copy)]
pub(super) struct Text<'a, C> {
    pub source: Value,
    pub chars: &'a [C],
}

impl<'a, C: Char> Text<'a, C> {
    /// The character at `i`.
    #[inline]
    pub fn at(&self, i: usize) -> Option<u32> {
        self.chars.get(i).map(|c| (*c).into())
    }

    /// Is there this character at `i`?
    #[inline]
    pub fn is(&self, i: usize, c: u8) -> bool {
        self.at(i) == Some(c as u32)
    }

    /// Is there this text at `i`?
    pub fn has(&self, i: usize, text: &str) -> bool {
        text.bytes().enumerate().all(|(n, c)| self.is(i + n, c))
    }

    /// The first character from `i` on that is no whitespace.
    #[inline]
    pub fn skip_space(&self, mut i: usize) -> usize {
        while matches!(self.at(i), Some(0x20 | 0x09 | 0x0A | 0x0D)) {
            i += 1;
        }
        i
    }

    /// Raises JSONDecodeError.
    #[cold]
    pub fn fail<T>(&self, t: &Thread, message: &str, at: usize) -> R<T> {
        let raise = || -> R<Raised> {
            let class = attr::get_attr_text(t, import::import_text(t, "json.decoder")?, "JSONDecodeError")?;
            let e = call::call(t, class, &[Str::new(t, message).value(), self.source, int::from_usize(t, at)])?;
            Ok(limpid_vm::exc::raise_new(t, e))
        };
        Err(raise().unwrap_or_else(|raised| raised))
    }

    /// The string that begins behind a quote at `start`, in one piece or, when it has escapes, put together. And where it ends.
    pub fn string(&self, t: &Thread, start: usize, strict: bool) -> R<(Piece<'a, C>, usize)> {
        let quote = start - 1;
        let mut built: Option<StrBuilder> = None;
        let mut i = start;
        loop {
            let mut end = i;
            let c = loop {
                let Some(n) = C::find_special(&self.chars[end..]) else {
                    return self.fail(t, "Unterminated string starting at", quote);
                };
                end += n;
                match self.chars[end].into() {
                    c @ (0x22 | 0x5C) => break c,
                    _ if strict => return self.fail(t, "Invalid control character at", end),
                    _ => end += 1,
                }
            };
            let run = &self.chars[i..end];
            if c == 0x22 {
                return Ok(match built {
                    None => (Piece::Run(run), end + 1),
                    Some(mut out) => {
                        run.iter().for_each(|c| out.push((*c).into()));
                        (Piece::Built(out), end + 1)
                    }
                });
            }
            let out = built.get_or_insert_default();
            run.iter().for_each(|c| out.push((*c).into()));
            let (c, after) = self.escape(t, end, quote)?;
            out.push(c);
            i = after;
        }
    }

    /// The character that the escape at `at` stands for, and where it ends.
    fn escape(&self, t: &Thread, at: usize, quote: usize) -> R<(u32, usize)> {
        const BAD: &str = "Invalid \\uXXXX escape";
        let Some(c) = self.at(at + 1) else { return self.fail(t, "Unterminated string starting at", quote) };
        let simple = match c {
            0x22 | 0x5C | 0x2F => c,
            0x62 => 0x08,
            0x66 => 0x0C,
            0x6E => 0x0A,
            0x72 => 0x0D,
            0x74 => 0x09,
            0x75 => {
                if at + 6 > self.chars.len() {
                    return self.fail(t, BAD, at + 1);
                }
                let Some(high) = self.hex(at + 2) else { return self.fail(t, BAD, at + 1) };
                let pair = (0xD800..0xDC00).contains(&high) && at + 12 <= self.chars.len() && self.has(at + 6, "\\u");
                if !pair {
                    return Ok((high, at + 6));
                }
                let Some(low) = self.hex(at + 8) else { return self.fail(t, BAD, at + 7) };
                return Ok(match low {
                    0xDC00..0xE000 => (0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), at + 12),
                    _ => (high, at + 6),
                });
            }
            _ => return self.fail(t, "Invalid \\escape", at),
        };
        Ok((simple, at + 2))
    }

    /// Four hexadecimal digits.
    fn hex(&self, at: usize) -> Option<u32> {
        (at..at + 4).try_fold(0, |n, i| Some(n << 4 | char::from_u32(self.at(i)?)?.to_digit(16)?))
    }
}

/// A string's contents.
pub(super) enum Piece<'a, C> {
    /// A part of the text.
    Run(&'a [C]),
    /// Put together.
    Built(StrBuilder),
}

impl<C: Char> Piece<'_, C> {
    pub fn to_str(&self, t: &Thread) -> R<Ref<Str>> {
        match self {
            Piece::Run(chars) => C::make(t, chars),
            Piece::Built(out) => out.finish(t),
        }
    }
}
