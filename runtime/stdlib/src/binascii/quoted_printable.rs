//! Quoted-printable text (RFC 1521).

/// How long a line may be, with the `=` that continues it.
const LINE: usize = 76;
const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

pub(super) fn decode(data: &[u8], header: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some((&c, after)) = rest.split_first() {
        rest = after;
        match c {
            b'=' => match *rest {
                [] => break,
                [b'\r' | b'\n', ..] => {
                    // A line break that does not count.
                    let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i + 1);
                    rest = &rest[end..];
                }
                [b'=', ..] => {
                    out.push(b'=');
                    rest = &rest[1..];
                }
                [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                    let digit = |c: u8| (c as char).to_digit(16).unwrap_or(0) as u8;
                    out.push(digit(a) << 4 | digit(b));
                    rest = &rest[2..];
                }
                _ => out.push(b'='),
            },
            b'_' if header => out.push(b' '),
            _ => out.push(c),
        }
    }
    out
}

/// How to encode.
pub(super) struct Options {
    /// Quote tabs and spaces.
    pub quote_tabs: bool,
    /// Line ends are line ends.
    pub text: bool,
    /// A space is an underscore.
    pub header: bool,
}

pub(super) fn encode(data: &[u8], options: &Options) -> Vec<u8> {
    let Options { quote_tabs, text, header } = *options;
    // Lines end as the first one does.
    let line_end: &[u8] = match memchr::memchr(b'\n', data) {
        Some(i) if i > 0 && data[i - 1] == b'\r' => b"\r\n",
        _ => b"\n",
    };
    let mut out = Vec::with_capacity(data.len() + data.len() / 8);
    let quoted = |c: u8| [b'=', DIGITS[(c >> 4) as usize], DIGITS[(c & 15) as usize]];
    let (mut i, mut length) = (0, 0);
    while let Some(&c) = data.get(i) {
        let next = data.get(i + 1).copied();
        let blank = matches!(c, b' ' | b'\t');
        let must_quote = c > 126
            || c == b'='
            || header && c == b'_'
            || c == b'.' && length == 0 && matches!(next, None | Some(b'\n' | b'\r' | 0))
            || !text && matches!(c, b'\r' | b'\n')
            || blank && next.is_none()
            || c < 33 && !matches!(c, b'\r' | b'\n') && (quote_tabs || !blank);
        let continue_line = |out: &mut Vec<u8>, length: &mut usize| {
            out.push(b'=');
            out.extend_from_slice(line_end);
            *length = 0;
        };
        if must_quote {
            if length + 3 >= LINE {
                continue_line(&mut out, &mut length);
            }
            out.extend_from_slice(&quoted(c));
            length += 3;
        } else if text && (c == b'\n' || c == b'\r' && next == Some(b'\n')) {
            // Blanks at the end of a line would get lost.
            if let Some(&last @ (b' ' | b'\t')) = out.last() {
                out.pop();
                out.extend_from_slice(&quoted(last));
            }
            out.extend_from_slice(line_end);
            length = 0;
            i += (c == b'\r') as usize;
        } else {
            if next.is_some_and(|n| n != b'\n') && length + 1 >= LINE {
                continue_line(&mut out, &mut length);
            }
            length += 1;
            out.push(if header && c == b' ' { b'_' } else { c });
        }
        i += 1;
    }
    out
}
