//! Lines of uuencoded data.

/// How many bytes a line holds.
pub(super) const MOST: usize = 45;

/// A line of up to [`MOST`] bytes. Zero is a space, or a backtick.
pub(super) fn encode(data: &[u8], backtick: bool) -> Vec<u8> {
    let zero = if backtick { b'`' } else { b' ' };
    let digit = |n: u32| if n & 63 == 0 { zero } else { b' ' + (n & 63) as u8 };
    let mut out = vec![digit(data.len() as u32)];
    for group in data.chunks(3) {
        let byte = |i: usize| group.get(i).copied().unwrap_or(0) as u32;
        let n = byte(0) << 16 | byte(1) << 8 | byte(2);
        out.extend_from_slice(&[digit(n >> 18), digit(n >> 12), digit(n >> 6), digit(n)]);
    }
    out.push(b'\n');
    out
}

/// The data of a line. Missing characters at its end count as zeros.
pub(super) fn decode(line: &[u8]) -> Result<Vec<u8>, &'static str> {
    const BACKTICK: u8 = b' ' + 64;
    let Some((length, mut rest)) = line.split_first() else { return Err("Missing length byte") };
    let wanted = (length.wrapping_sub(b' ') & 63) as usize;
    let mut out = Vec::with_capacity(wanted + 2);
    let (mut bits, mut have) = (0u32, 0);
    while out.len() < wanted {
        let digit = match rest.split_first() {
            None | Some((b'\n' | b'\r', _)) => 0,
            Some((&c, _)) if !(b' '..=BACKTICK).contains(&c) => return Err("Illegal char"),
            Some((&c, _)) => (c - b' ') & 63,
        };
        rest = rest.get(1..).unwrap_or_default();
        bits = bits << 6 | digit as u32;
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push((bits >> have) as u8);
        }
    }
    if rest.iter().any(|c| !matches!(*c, b' ' | BACKTICK | b'\n' | b'\r')) {
        return Err("Trailing garbage");
    }
    Ok(out)
}
