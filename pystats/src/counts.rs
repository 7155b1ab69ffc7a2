//! Reading dumps: CPython's since 3.12, and Limpid's.

use crate::failure_kinds::Version;
use crate::opcodes_3_12;
use indexmap::IndexMap;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

/// The sum of any number of dumps: values by their keys, in the order in which they were first seen.
#[derive(Default, Debug)]
pub struct Counts {
    values: IndexMap<String, u64>,
    /// How many files were read.
    pub files: u64,
    /// What could not be understood, a message each.
    pub warnings: Vec<String>,
    numbered_opcodes: bool,
}

/// Why a dump could not be read.
#[derive(Debug)]
pub enum Error {
    /// The file or directory cannot be read.
    Io(PathBuf, io::Error),
    /// The directory has no dump.
    Empty(PathBuf),
    /// The file has no line of a dump.
    NotADump(PathBuf),
    /// The file ends in the middle of a line.
    Truncated(PathBuf),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Error::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Error::Empty(path) => {
                write!(f, "{}: no dump (*.txt) in this directory", path.display())
            }
            Error::NotADump(path) => write!(f, "{}: not a dump of statistics", path.display()),
            Error::Truncated(path) => write!(f, "{}: truncated: it ends in the middle of a line", path.display()),
        }
    }
}

impl std::error::Error for Error {}

impl Counts {
    /// Adds up the dumps at these paths: a file each, or a directory with files named `*.txt`.
    pub fn read<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Counts, Error> {
        let mut counts = Counts::default();
        for path in paths {
            let path = path.as_ref();
            let error = |error| Error::Io(path.to_owned(), error);
            if !fs::metadata(path).map_err(error)?.is_dir() {
                counts.add_file(path)?;
                continue;
            }
            let entries: io::Result<Vec<_>> = fs::read_dir(path).and_then(|entries| entries.collect());
            let mut files: Vec<PathBuf> = entries.map_err(error)?.iter().map(fs::DirEntry::path).collect();
            files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
            files.sort();
            if files.is_empty() {
                return Err(Error::Empty(path.to_owned()));
            }
            files.iter().try_for_each(|file| counts.add_file(file))?;
        }
        Ok(counts)
    }

    fn add_file(&mut self, path: &Path) -> Result<(), Error> {
        let bytes = fs::read(path).map_err(|error| Error::Io(path.to_owned(), error))?;
        let understood = self.add(&String::from_utf8_lossy(&bytes), &path.display().to_string());
        if understood == 0 {
            return Err(Error::NotADump(path.to_owned()));
        }
        if bytes.last() != Some(&b'\n') {
            return Err(Error::Truncated(path.to_owned()));
        }
        Ok(())
    }

    /// Adds the text of one dump. Returns how many of its lines were understood; `source` names it in warnings.
    pub fn add(&mut self, text: &str, source: &str) -> usize {
        let mut understood = 0;
        for (index, line) in text.lines().enumerate() {
            let Some((key, value)) = parse(line) else {
                // The head that CPython writes when a dump goes to the terminal.
                if !line.trim().is_empty() && line.trim() != "Specialization stats:" {
                    self.warnings.push(format!("{source}:{}: not understood: {line:.80}", index + 1));
                }
                continue;
            };
            understood += 1;
            let key = self.named(key);
            let total = self.values.entry(key).or_default();
            *total = total.saturating_add(value);
        }
        if understood != 0 {
            self.files += 1;
        }
        understood
    }

    /// The key with names of opcodes where 3.12 has numbers, and of uops as they are called since 3.14.
    fn named(&mut self, key: &str) -> String {
        if let Some(rest) = key.strip_prefix("uops[").filter(|rest| !rest.starts_with('_')) {
            return format!("uops[_{rest}");
        }
        let Some((number, rest)) = key.strip_prefix("opcode[").and_then(|rest| rest.split_once(']')) else {
            return key.to_owned();
        };
        let Some(opcode) = opcodes_3_12::name(number) else {
            return key.to_owned();
        };
        self.numbered_opcodes = true;
        let next = rest.strip_prefix(".pair_count[").and_then(|next| opcodes_3_12::name(next.strip_suffix(']')?));
        match next {
            Some(next) => format!("opcode[{opcode}].pair_count[{next}]"),
            None => format!("opcode[{opcode}]{rest}"),
        }
    }

    /// The value of a key, if any dump had it.
    pub fn get(&self, key: &str) -> Option<u64> {
        self.values.get(key).copied()
    }

    /// All keys with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.values.iter().map(|(key, value)| (key.as_str(), *value))
    }

    /// Writes the sum as one dump.
    pub fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        self.iter().try_for_each(|(key, value)| writeln!(out, "{key} : {value}"))
    }

    /// Which numbers for failure kinds the dumps use. They do not say so; but 3.12 numbers its opcodes, and the family
    /// of `BINARY_SUBSCR` became part of `BINARY_OP` in 3.14.
    pub fn version(&self) -> Version {
        if self.numbered_opcodes {
            Version::V3_12
        } else if self.values.contains_key("opcode[BINARY_SUBSCR].specializable") {
            Version::V3_13
        } else {
            Version::V3_14
        }
    }

    /// What was counted by opcode, or by uop: the keys that start with `prefix[`.
    pub fn instructions(&self, prefix: &str) -> Instructions {
        let mut instructions = Instructions::default();
        for (key, value) in self.iter() {
            let rest = key.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('['));
            let Some((name, field)) = rest.and_then(|rest| rest.split_once("].")) else {
                continue;
            };
            if !instructions.0.contains_key(name) {
                instructions.0.insert(name.to_owned(), Instruction::default());
            }
            instructions.0[name].set(field, value);
        }
        instructions
    }
}

fn parse(line: &str) -> Option<(&str, u64)> {
    let (key, value) = line.rsplit_once(':')?;
    let key = key.trim();
    (!key.is_empty()).then_some((key, value.trim().parse().ok()?))
}

/// Instructions, or uops, by name.
#[derive(Default, Debug)]
pub struct Instructions(pub IndexMap<String, Instruction>);

/// What was counted of one instruction.
#[derive(Default, Debug)]
pub struct Instruction {
    /// How often it started, if that was counted.
    pub execution_count: Option<u64>,
    /// How often it was met, for the tables that count nothing else.
    pub count: u64,
    /// Is it the generic instruction of a family?
    pub specializable: bool,
    /// `hit`, `miss`, `success` and so on, sorted.
    pub specialization: std::collections::BTreeMap<String, u64>,
    /// Why specializing failed: number of the reason, how often.
    pub failure_kinds: Vec<(usize, u64)>,
    /// The instructions that followed it.
    pub pairs: Vec<(String, u64)>,
}

impl Instruction {
    fn set(&mut self, field: &str, value: u64) {
        let index = |name| field.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']');
        if let Some(next) = index("pair_count") {
            self.pairs.push((next.to_owned(), value));
        } else if let Some(kind) = index("specialization.failure_kinds").and_then(|kind| kind.parse().ok()) {
            self.failure_kinds.push((kind, value));
        } else if let Some(name) = field.strip_prefix("specialization.") {
            self.specialization.insert(name.to_owned(), value);
        } else {
            match field {
                "execution_count" => self.execution_count = Some(value),
                "count" => self.count = value,
                "specializable" => self.specializable = value != 0,
                _ => {}
            }
        }
    }

    /// A count of its specialization, zero if there is none.
    pub fn specialization(&self, name: &str) -> u64 {
        self.specialization.get(name).copied().unwrap_or(0)
    }
}

impl Instructions {
    /// How many instructions were started.
    pub fn executed(&self) -> u64 {
        self.0.values().filter_map(|instruction| instruction.execution_count).sum()
    }

    /// Is this a specialized form of a family? A dump does not say so. By CPython's naming it is, if the name starts with
    /// that of a family; the others are listed here.
    pub fn is_specialized(&self, name: &str) -> bool {
        match name {
            "RESUME_CHECK"
            | "RESUME_CHECK_COUNTING"
            | "RESUME_CHECK_JIT"
            | "LOAD_CONST_MORTAL"
            | "LOAD_CONST_IMMORTAL"
            | "JUMP_BACKWARD_JIT"
            | "JUMP_BACKWARD_NO_JIT" => true,
            "CALL_INTRINSIC_1" | "CALL_INTRINSIC_2" | "CALL_FUNCTION_EX" => false,
            _ => {
                let is_generic = |name| self.0.get(name).is_some_and(|generic: &Instruction| generic.specializable);
                let mut prefixes = name.match_indices('_').map(|(end, _)| &name[..end]);
                !is_generic(name) && prefixes.any(is_generic)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> Counts {
        let mut counts = Counts::default();
        counts.add(text, "test");
        counts
    }

    #[test]
    fn dumps_add_up() {
        let mut counts = counts("Frames pushed: 3\n    opcode[CALL].specialization.hit : 5\n");
        assert_eq!(counts.add("Frames pushed: 4\n\n", "second"), 1);
        assert_eq!(counts.get("Frames pushed"), Some(7));
        assert_eq!(counts.instructions("opcode").0["CALL"].specialization("hit"), 5);
        assert_eq!(counts.get("Frames"), None);
        assert_eq!((counts.files, counts.warnings.len()), (2, 0));
    }

    #[test]
    fn lines_that_are_not_understood_are_told() {
        let counts = counts("Frames pushed: 3\nFrames pushed\nFrames pushed: many\n: 4\nSpecialization stats:\n");
        assert_eq!(counts.get("Frames pushed"), Some(3));
        assert_eq!(
            counts.warnings,
            ["test:2: not understood: Frames pushed", "test:3: not understood: Frames pushed: many", "test:4: not understood: : 4"]
        );
    }

    #[test]
    fn opcodes_of_3_12_get_names() {
        let counts = counts("opcode[106].specializable : 1\nopcode[106].pair_count[171] : 8\n");
        assert_eq!(counts.version(), Version::V3_12);
        let instructions = counts.instructions("opcode");
        assert!(instructions.0["LOAD_ATTR"].specializable);
        assert_eq!(instructions.0["LOAD_ATTR"].pairs, [("CALL".to_owned(), 8)]);
    }

    #[test]
    fn versions() {
        assert_eq!(counts("opcode[BINARY_SUBSCR].specializable : 1").version(), Version::V3_13);
        assert_eq!(counts("opcode[BINARY_OP].specializable : 1").version(), Version::V3_14);
    }

    #[test]
    fn specialized_names() {
        let generic = "LOAD_ATTR CALL CALL_KW BINARY_OP FOR_ITER LOAD_GLOBAL";
        let text: String = generic.split(' ').map(|name| format!("opcode[{name}].specializable : 1\n")).collect();
        let instructions = counts(&text).instructions("opcode");
        let specialized = |name| instructions.is_specialized(name);
        for name in ["LOAD_ATTR_SLOT", "CALL_PY_EXACT_ARGS", "CALL_KW_PY", "BINARY_OP_ADD_INT", "RESUME_CHECK"] {
            assert!(specialized(name), "{name}");
        }
        for name in ["LOAD_ATTR", "CALL_KW", "CALL_INTRINSIC_1", "LOAD_FAST", "LOAD", "LOAD_FAST_LOAD_FAST"] {
            assert!(!specialized(name), "{name}");
        }
    }
}
