//! `-c` programs may be indented as a whole, as they are inside of shell scripts.

/// Takes off the white space that all lines begin with. Lines of nothing else become empty and do not count.
pub fn dedent(text: &str) -> String {
    let is_blank = |line: &str| line.chars().all(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
    let indentation = |line: &'_ str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let mut lines = text.split_inclusive('\n').filter(|line| !is_blank(line));
    let Some(first) = lines.next() else { return text.to_owned() };
    let common = lines.fold(&first[..indentation(first)], |common, line| {
        let same = common.bytes().zip(line.bytes()).take_while(|(a, b)| a == b).count();
        &common[..same]
    });
    if common.is_empty() {
        return text.to_owned();
    }
    let shorten = |line| match is_blank(line) {
        true if line.ends_with('\n') => "\n",
        true => "",
        false => &line[common.len()..],
    };
    text.split_inclusive('\n').map(shorten).collect()
}

#[cfg(test)]
mod tests {
    use super::dedent;

    #[test]
    fn common_white_space_goes() {
        for (text, expected) in [
            ("", ""),
            ("a\n  b\n", "a\n  b\n"),
            ("\n  a\n    b\n\n  c", "\na\n  b\n\nc"),
            ("  a\n \n  b", "a\n\nb"),
            ("\ta\n  b", "\ta\n  b"),
            ("\t a\n\t  b", "a\n b"),
            ("   \n", "   \n"),
        ] {
            assert_eq!(dedent(text), expected, "{text:?}");
        }
    }
}
