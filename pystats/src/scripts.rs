//! The tracing scripts of the repository, and how a binary's path is filled in.
//!
//! - Of a script for bpftrace the first parameter is the path of the binary. With the path filled in the others move up by one.
//! - Those for SystemTap have it from a macro of the tapset, which goes with them.

use std::path::Path;

/// A script.
pub struct Script {
    /// The file's name, for the tapset with its folder.
    pub file: &'static str,
    /// Its text, as in the repository.
    pub text: &'static str,
}

/// All scripts, by name.
pub static SCRIPTS: &[Script] = include!(concat!(env!("OUT_DIR"), "/scripts.rs"));

/// What the scripts for SystemTap are built on.
pub static TAPSET: &[Script] = include!(concat!(env!("OUT_DIR"), "/tapset.rs"));

/// The path in the tapset as it is in the repository.
const TAPSET_PATH: &str = "/usr/local/bin/limpid";

/// The script or part of the tapset with a name. The ending may be left out; bpftrace's comes first then.
pub fn find(name: &str) -> Option<&'static Script> {
    let named = SCRIPTS.iter().chain(TAPSET).find(|script| script.file == name);
    named.or_else(|| SCRIPTS.iter().find(|script| script.name() == name))
}

impl Script {
    /// The name without its ending.
    pub fn name(&self) -> &'static str {
        self.file.split_once('.').map_or(self.file, |(name, _)| name)
    }

    /// Is it for SystemTap, not for bpftrace?
    pub fn is_systemtap(&self) -> bool {
        !self.file.ends_with(".bt")
    }

    /// What it does, from the first line of its head.
    pub fn summary(&self) -> &'static str {
        let line = self.text.lines().find_map(|line| line.split_once(self.file)).map_or("", |(_, rest)| rest);
        line.trim_start_matches([':', ' ']).trim()
    }

    /// The lines of its head, without what makes them a comment.
    fn head(&self) -> impl Iterator<Item = &'static str> {
        let mark = if self.is_systemtap() { "#" } else { " *" };
        let lines = self.text.lines().skip_while(|line| !line.contains(self.file));
        let head = lines.take_while(move |line| line.starts_with(mark) && !line.starts_with(" */"));
        head.map(move |line| line.trim_start_matches(mark).strip_prefix(' ').unwrap_or(""))
    }

    /// The name of its manual page; many have the same name for both tracers.
    pub fn page_name(&self) -> &'static str {
        if self.is_systemtap() { self.file } else { self.name() }
    }

    /// A manual page: what its head says, under the headings that manual pages have.
    pub fn man_page(&self) -> String {
        let name = self.page_name();
        let mut page = format!(".TH \"{name}\" 8 \"\" \"limpid\"\n.SH NAME\n{name} \\- {}\n", roff(self.summary()));
        if self.is_systemtap() {
            self.entries(&mut page)
        } else {
            self.sections(&mut page)
        }
        page
    }

    /// The head of a script for bpftrace: text, then some words in capitals with what belongs to them. Columns stay as they are.
    fn sections(&self, page: &mut String) {
        let heading = |line: &str| {
            let (word, _) = line.split_once(':')?;
            let headings = [("USAGE", "SYNOPSIS"), ("FIELDS", "FIELDS"), ("OVERHEAD", "OVERHEAD"), ("REQUIREMENTS", "REQUIREMENTS")];
            headings.into_iter().find(|(name, _)| *name == word)
        };
        *page += ".SH DESCRIPTION\n.nf\n";
        for line in self.head().skip(1) {
            match heading(line) {
                Some((word, title)) => *page += &format!(".SH {title}\n.nf\n{}\n", roff(line[word.len() + 1..].trim())),
                None if line.is_empty() => *page += ".sp\n",
                None => *page += &format!("{}\n", roff(line)),
            }
        }
        *page += ".fi\n";
    }

    /// The head of a script for SystemTap: entries, those of which a user has no need left out.
    fn entries(&self, page: &mut String) {
        let mut shown = false;
        for line in self.head().skip(1) {
            if !line.starts_with(' ') {
                let (key, text) = line.split_once(": ").unwrap_or_default();
                shown = ["usage", "description", "overhead"].contains(&key);
                if shown {
                    let title = if key == "usage" { "SYNOPSIS".to_owned() } else { key.to_uppercase() };
                    *page += &format!(".SH {title}\n{}\n", roff(text));
                }
            } else if shown {
                *page += &format!("{}\n", roff(line.trim()));
            }
        }
    }

    /// The text with the path of the binary in it. An error if the tracers could not read the path.
    pub fn with_binary(&self, binary: &Path) -> Result<String, String> {
        let shown = binary.display();
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
        let path = binary.to_str().filter(|path| path.chars().all(plain));
        let path = path.ok_or_else(|| format!("{shown}: the tracers cannot read a path with such characters; make a hard link to it"))?;
        if self.is_systemtap() {
            return Ok(self.text.replace(TAPSET_PATH, path));
        }
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
        let page = find("callcount.stp").unwrap().man_page();
        let begin = ".TH \"callcount.stp\" 8 \"\" \"limpid\"\n.SH NAME\ncallcount.stp \\- Count calls of Python functions.\n.SH DESCRIPTION\nPrints";
        assert!(page.starts_with(begin), "{page}");
        assert!(page.contains("\n.SH SYNOPSIS\nstap \\-I tapset callcount.stp") && !page.contains("test"), "{page}");
    }

    #[test]
    fn every_script_tells_what_it_does() {
        assert!(SCRIPTS.len() >= 12);
        for script in SCRIPTS {
            assert!(script.summary().len() > 20, "{}", script.file);
            let head: Vec<_> = script.head().map(str::to_lowercase).collect();
            for key in ["usage:", "overhead:"] {
                assert!(head.iter().any(|line| line.starts_with(key)), "{}", script.file);
            }
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
        let macros = find("tapset/limpid.stpm").unwrap().with_binary(Path::new("/opt/limpid")).unwrap();
        assert!(macros.contains("@define limpid %( \"/opt/limpid\" %)"), "{macros}");
        assert!(find("funcslower.bt").unwrap().with_binary(Path::new("/opt/my limpid")).is_err());
        assert!(find("nothing").is_none());
    }
}
