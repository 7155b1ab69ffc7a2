//! Base64.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// What is no character of the alphabet.
const NONE: u8 = 0xFF;

static VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut i = 0;
    while i < 64 {
        values[ALPHABET[i] as usize] = i as u8;
        i += 1;
    }
    values
};

/// Encodes, with padding.
pub(super) fn encode(data: &[u8], newline: bool) -> Vec<u8> {
    let digit = |n: u32| ALPHABET[(n & 63) as usize];
    let (groups, rest) = data.as_chunks::<3>();
    let mut out = Vec::with_capacity(data.len().div_ceil(3) * 4 + 1);
    // Filled in place: appending four bytes at a time took most of the time.
    out.resize(groups.len() * 4, 0);
    for (&[a, b, c], four) in groups.iter().zip(out.as_chunks_mut::<4>().0) {
        let n = (a as u32) << 16 | (b as u32) << 8 | c as u32;
        *four = [digit(n >> 18), digit(n >> 12), digit(n >> 6), digit(n)];
    }
    match *rest {
        [a] => out.extend_from_slice(&[digit(a as u32 >> 2), digit((a as u32) << 4), b'=', b'=']),
        [a, b] => {
            let n = (a as u32) << 8 | b as u32;
            out.extend_from_slice(&[digit(n >> 10), digit(n >> 4), digit(n << 2), b'=']);
        }
        _ => {}
    }
    if newline {
        out.push(b'\n');
    }
    out
}

/// Decodes. What is not in the alphabet is left out, padding too where it means nothing; `strict` forbids that.
pub(super) fn decode(text: &[u8], strict: bool) -> Result<Vec<u8>, String> {
    // Whole groups of four, as long as there is nothing else.
    let groups = text.as_chunks::<4>().0;
    let mut out = Vec::with_capacity(groups.len() * 3 + 3);
    out.resize(groups.len() * 3, 0);
    let mut whole = 0;
    for (&group, three) in groups.iter().zip(out.as_chunks_mut::<3>().0) {
        let [a, b, c, d] = group.map(|c| VALUES[c as usize]);
        if (a | b | c | d) & 0xC0 != 0 {
            break;
        }
        let n = (a as u32) << 18 | (b as u32) << 12 | (c as u32) << 6 | d as u32;
        [_, three[0], three[1], three[2]] = n.to_be_bytes();
        whole += 1;
    }
    out.truncate(whole * 3);
    let rest = &text[whole * 4..];
    let start = rest.len() == text.len();
    // How many characters of the group there are, and padding behind them.
    let (mut filled, mut pads, mut bits) = (0, 0, 0u32);
    for (i, &c) in rest.iter().enumerate() {
        if c == b'=' {
            pads += 1;
            if (filled >= 2 && filled + pads <= 4) || !strict {
                continue;
            }
            if filled == 1 {
                break;
            }
            return Err(if start && i == 0 { "Leading padding not allowed" } else { "Excess padding not allowed" }.into());
        }
        let v = VALUES[c as usize];
        if v == NONE {
            if strict {
                return Err("Only base64 data is allowed".into());
            }
            continue;
        }
        if pads > 0 && strict {
            return Err(if filled + pads == 4 { "Excess data after padding" } else { "Discontinuous padding not allowed" }.into());
        }
        pads = 0;
        bits = bits << 6 | v as u32;
        filled += 1;
        if filled > 1 {
            out.push((bits >> (8 - 2 * filled)) as u8);
        }
        filled %= 4;
    }
    if filled == 1 {
        return Err(format!(
            "Invalid base64-encoded string: number of data characters ({}) cannot be 1 more than a multiple of 4",
            out.len() / 3 * 4 + 1
        ));
    }
    if filled != 0 && filled + pads < 4 {
        return Err("Incorrect padding".into());
    }
    Ok(out)
}
