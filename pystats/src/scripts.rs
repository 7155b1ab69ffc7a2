//! The tracing scripts of the repository, and how a binary's path is filled in.
//!
//! The first parameter of a script is the path of the binary. With the path filled in the others move up by one.

use std::path::Path;

/// A script.
pub struct Script {
    /// The file's name.
    pub file: &'static str,
    /// Its text, as in the repository.
    pub text: &'static str,
}

/// All scripts, by name.
pub static SCRIPTS: &[Script] = include!(concat!(env!("OUT_DIR"), "/scripts.rs"));

/// The script with a name; the ending may be left out.
pub fn find(name: &str) -> Option<&'static Script> {
    SCRIPTS.iter().find(|script| script.file == name).or_else(|| SCRIPTS.iter().find(|script| script.name() == name))
}

impl Script {
    /// The name without its ending.
    pub fn name(&self) -> &'static str {
        self.file.split_once('.').map_or(self.file, |(name, _)| name)
    }

    /// What it does, from the first line of its head.
    pub fn summary(&self) -> &'static str {
        let line = self.text.lines().find_map(|line| line.split_once(self.file)).map_or("", |(_, rest)| rest);
        line.trim_start_matches([':', ' ']).trim()
    }

    /// The lines of its head, without what makes them a comment.
    fn head(&self) -> impl Iterator<Item = &'static str> {
        let lines = self.text.lines().skip_while(|line| !line.contains(self.file));
        let head = lines.take_while(|line| line.starts_with(" *") && !line.starts_with(" */"));
        head.map(|line| line.trim_start_matches(" *").strip_prefix(' ').unwrap_or(""))
    }

    /// A manual page: what its head says, under the headings that manual pages have.
    pub fn man_page(&self) -> String {
        let heading = |line: &str| {
            let (word, _) = line.split_once(':')?;
            let headings = [("USAGE", "SYNOPSIS"), ("FIELDS", "FIELDS"), ("OVERHEAD", "OVERHEAD"), ("REQUIREMENTS", "REQUIREMENTS")];
            headings.into_iter().find(|(name, _)| *name == word)
        };
        let name = self.name();
        let mut page = format!(".TH \"{name}\" 8 \"\" \"limpid\"\n.SH NAME\n{name} \\- {}\n.SH DESCRIPTION\n", roff(self.summary()));
        // Columns stay as they are.
        page += ".nf\n";
        for line in self.head().skip(1) {
            match heading(line) {
                Some((word, title)) => page += &format!(".SH {title}\n.nf\n{}\n", roff(line[word.len() + 1..].trim())),
                None if line.is_empty() => page += ".sp\n",
                None => page += &format!("{}\n", roff(line)),
            }
        }
        page + ".fi\n"
    }

    /// The text with the path of the binary in it. An error if the tracers could not read the path.
    pub fn with_binary(&self, binary: &Path) -> Result<String, String> {
        let shown = binary.display();
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
        let path = binary.to_str().filter(|path| path.chars().all(plain));
        let path = path.ok_or_else(|| format!("{shown}: bpftrace cannot read a path with such characters; make a link to it"))?;
        let mut text = self.text.replace("usdt:$1:", &format!("usdt:{path}:")).replace(&format!("{} LIMPID", self.file), self.file);
        for number in 2..=9 {
            text = text.replace(&format!("${number}"), &format!("${}", number - 1));
            text = text.replace(&format!("$# < {number}"), &format!("$# < {}", number - 1));
        }
        Ok(text)
    }
}

/// Text as the programs that set manual pages want it: no line begins a command, no character is one.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    if escaped.starts_with(['.', '\'']) { format!("\\&{escaped}") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_pages() {
        let page = find("funcslower").unwrap().man_page();
        assert!(page.starts_with(".TH \"funcslower\" 8"), "{page}");
        assert!(page.contains(".SH NAME\nfuncslower \\- Show calls of Python functions that take longer than a threshold.\n"), "{page}");
        assert!(page.contains(".SH SYNOPSIS\n.nf\nscripts/trace funcslower [MS] { \\-p PID"), "{page}");
        assert!(page.contains(".SH FIELDS\n.nf\nTIME  when it ended"), "{page}");
        assert!(!page.contains("*/"), "{page}");
    }

    #[test]
    fn every_script_tells_what_it_does() {
        assert!(SCRIPTS.len() >= 12);
        for script in SCRIPTS {
            assert!(script.summary().len() > 20, "{}", script.file);
            assert!(script.text.contains("USAGE:") && script.text.contains("OVERHEAD:"), "{}", script.file);
        }
    }

    #[test]
    fn parameters_move_up() {
        let text = find("funcslower").unwrap().with_binary(Path::new("/opt/limpid")).unwrap();
        assert!(text.contains("usdt:/opt/limpid:python:function__entry\n"));
        assert!(text.contains("@threshold = $# < 1 ? 10000000 : $1 * 1000000;"));
        assert!(text.contains("bpftrace [-p PID | -c COMMAND] funcslower.bt [MS]"));
        for script in SCRIPTS {
            let text = script.with_binary(Path::new("/opt/limpid")).unwrap();
            assert!(!text.contains("LIMPID") && !text.contains("usdt:$"), "{}", script.file);
        }
        assert!(find("funcslower.bt").unwrap().with_binary(Path::new("/opt/my limpid")).is_err());
        assert!(find("nothing").is_none());
    }
}
