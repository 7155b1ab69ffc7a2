//! Format strings: `"<3sxH"` as a list of items with their places.

/// What an item is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Pad,
    Char,
    Signed,
    Unsigned,
    Pointer,
    Bool,
    Half,
    Float,
    Double,
    ComplexFloat,
    ComplexDouble,
    /// `s`: bytes, cut or filled up.
    Bytes,
    /// `p`: bytes with their number in front.
    Pascal,
}

/// One item, or several of the same kind one after the other.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub code: u8,
    pub kind: Kind,
    /// Bytes of one.
    pub size: usize,
    /// Where the first is.
    pub offset: usize,
    pub repeat: usize,
}

/// A format string, understood.
#[derive(Clone, Debug)]
pub(super) struct Format {
    pub items: Vec<Item>,
    /// How many values it stands for.
    pub values: usize,
    /// How many bytes.
    pub size: usize,
    pub little: bool,
}

const LITTLE: bool = cfg!(target_endian = "little");

/// Kind, size and alignment of a code; the native ones are those of the C types on a 64-bit system.
fn describe(code: u8, native: bool) -> Option<(Kind, usize, usize)> {
    let (kind, size) = match code {
        b'x' => (Kind::Pad, 1),
        b'c' => (Kind::Char, 1),
        b'b' => (Kind::Signed, 1),
        b'B' => (Kind::Unsigned, 1),
        b'?' => (Kind::Bool, 1),
        b'h' => (Kind::Signed, 2),
        b'H' => (Kind::Unsigned, 2),
        b'i' => (Kind::Signed, 4),
        b'I' => (Kind::Unsigned, 4),
        b'l' => (Kind::Signed, if native { 8 } else { 4 }),
        b'L' => (Kind::Unsigned, if native { 8 } else { 4 }),
        b'q' => (Kind::Signed, 8),
        b'Q' => (Kind::Unsigned, 8),
        b'n' if native => (Kind::Signed, 8),
        b'N' if native => (Kind::Unsigned, 8),
        b'P' if native => (Kind::Pointer, 8),
        b'e' => (Kind::Half, 2),
        b'f' => (Kind::Float, 4),
        b'd' => (Kind::Double, 8),
        b'F' => return Some((Kind::ComplexFloat, 8, if native { 4 } else { 1 })),
        b'D' => return Some((Kind::ComplexDouble, 16, if native { 8 } else { 1 })),
        b's' => (Kind::Bytes, 1),
        b'p' => (Kind::Pascal, 1),
        _ => return None,
    };
    Some((kind, size, if native { size } else { 1 }))
}

/// Parses a format; the error is the message of `struct.error`.
pub(super) fn parse(text: &[u8]) -> Result<Format, &'static str> {
    const TOO_LONG: &str = "total struct size too long";
    if text.contains(&0) {
        return Err("embedded null character");
    }
    let (native, little, mut rest) = match text.split_first() {
        Some((b'@', rest)) => (true, LITTLE, rest),
        Some((b'=', rest)) => (false, LITTLE, rest),
        Some((b'<', rest)) => (false, true, rest),
        Some((b'>' | b'!', rest)) => (false, false, rest),
        _ => (true, LITTLE, text),
    };
    let mut format = Format { items: Vec::new(), values: 0, size: 0, little };
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if matches!(first, b' ' | b'\t'..=b'\r') {
            continue;
        }
        let (mut code, mut count) = (first, 1usize);
        if first.is_ascii_digit() {
            count = (first - b'0') as usize;
            loop {
                let Some((&c, after)) = rest.split_first() else { return Err("repeat count given without format specifier") };
                rest = after;
                if !c.is_ascii_digit() {
                    code = c;
                    break;
                }
                count = count.checked_mul(10).and_then(|n| n.checked_add((c - b'0') as usize)).ok_or(TOO_LONG)?;
            }
            if count > isize::MAX as usize {
                return Err(TOO_LONG);
            }
        }
        let (kind, size, align) = describe(code, native).ok_or("bad char in struct format")?;
        let offset = format.size.checked_next_multiple_of(align).ok_or(TOO_LONG)?;
        let total = count.checked_mul(size).and_then(|n| n.checked_add(offset)).filter(|n| *n <= isize::MAX as usize).ok_or(TOO_LONG)?;
        format.size = total;
        match kind {
            Kind::Bytes | Kind::Pascal => {
                format.values += 1;
                format.items.push(Item { code, kind, size: count, offset, repeat: 1 });
            }
            Kind::Pad => {}
            _ if count > 0 => {
                format.values += count;
                format.items.push(Item { code, kind, size, offset, repeat: count });
            }
            _ => {}
        }
    }
    Ok(format)
}
