//! The command line: what the options say, without the environment and without judging their values.
//!
//! The rules are those of CPython's own `getopt`: flags may be joined (`-bBi`), a value follows its option or is the next argument, and
//! the options end at `--`, at the first argument that is none, or with `-c` and `-m`, whose value is the last thing they take.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What is to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Program {
    /// The standard input, or what is typed there: no argument, or `-`.
    #[default]
    Input,
    /// `-c`
    Command(OsString),
    /// `-m`
    Module(OsString),
    /// A script, or a folder or archive with a `__main__`.
    File(OsString),
}

/// Which help is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Help {
    /// `-h`: the options.
    Options,
    /// `--help-env`: the environment variables.
    Environment,
    /// `--help-xoptions`: the `-X` options.
    XOptions,
    /// `--help-all`
    All,
}

/// `--check-hash-based-pycs`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckHashPycs {
    /// Those that ask for it are checked.
    #[default]
    Default,
    /// All are.
    Always,
    /// None is.
    Never,
}

impl CheckHashPycs {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            CheckHashPycs::Default => "default",
            CheckHashPycs::Always => "always",
            CheckHashPycs::Never => "never",
        }
    }
}

/// The options and what they leave for the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // The field names are those of the options' long descriptions; the comments tell the letters.
pub struct CommandLine {
    /// `-b`
    pub bytes_warning: u32,
    /// `-B`
    pub dont_write_bytecode: bool,
    /// `-d`
    pub debug: u32,
    /// `-E`
    pub ignore_environment: bool,
    /// `-i`
    pub inspect: u32,
    /// `-I`
    pub isolated: bool,
    /// `-O`
    pub optimize: u32,
    /// `-P`
    pub safe_path: bool,
    /// `-q`
    pub quiet: bool,
    /// `-R`
    pub randomize_hashes: bool,
    /// `-s`
    pub no_user_site: bool,
    /// `-S`
    pub no_site: bool,
    /// `-u`
    pub unbuffered: bool,
    /// `-v`
    pub verbose: u32,
    /// `-x`
    pub skip_first_line: bool,
    /// `-W`
    pub warnings: Vec<OsString>,
    /// `-X`
    pub x_options: Vec<OsString>,
    /// `--check-hash-based-pycs`
    pub check_hash_pycs: CheckHashPycs,
    /// `-h` and the like.
    pub help: Option<Help>,
    /// `-V`: how often.
    pub version: u32,
    pub program: Program,
    /// `sys.argv`: the program as it was named, then what follows it.
    pub argv: Vec<OsString>,
}

const NEEDS_VALUE: &[u8] = b"cmWX";

const LONG_OPTIONS: &[(&str, Option<Help>)] = &[
    ("--check-hash-based-pycs", None),
    ("--help-all", Some(Help::All)),
    ("--help-env", Some(Help::Environment)),
    ("--help-xoptions", Some(Help::XOptions)),
];

/// Reads the arguments that follow the name of the program. What is wrong with them is told as a text.
pub fn parse(arguments: &[OsString]) -> Result<CommandLine, String> {
    let mut line = CommandLine::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.as_slice().first() {
        let bytes = argument.as_bytes();
        if bytes.first() != Some(&b'-') || bytes == b"-" {
            break;
        }
        rest.next();
        match bytes {
            b"--" => break,
            b"--help" => line.help = Some(Help::Options),
            b"--version" => line.version += 1,
            [b'-', b'-', ..] => line.long_option(argument, &mut rest)?,
            _ => {
                if line.short_options(&bytes[1..], &mut rest)? {
                    break;
                }
            }
        }
    }
    if line.program == Program::Input
        && let Some(file) = rest.as_slice().first().filter(|a| a.as_bytes() != b"-")
    {
        line.program = Program::File(file.clone());
    }
    let name = match line.program {
        Program::Input | Program::File(_) => rest.next().cloned().unwrap_or_default(),
        Program::Command(_) => "-c".into(),
        Program::Module(_) => "-m".into(),
    };
    line.argv = std::iter::once(name).chain(rest.cloned()).collect();
    Ok(line)
}

impl CommandLine {
    fn long_option<'a>(&mut self, option: &OsStr, rest: &mut impl Iterator<Item = &'a OsString>) -> Result<(), String> {
        match LONG_OPTIONS.iter().find(|(name, _)| option == *name) {
            None => Err(format!("unknown option {}", option.to_string_lossy())),
            Some((_, Some(help))) => {
                self.help = Some(*help);
                Ok(())
            }
            Some((name, None)) => {
                let value = rest.next().ok_or_else(|| format!("Argument expected for the {name} option"))?;
                self.check_hash_pycs = [CheckHashPycs::Default, CheckHashPycs::Always, CheckHashPycs::Never]
                    .into_iter()
                    .find(|c| value == c.name())
                    .ok_or_else(|| format!("{name} must be one of 'default', 'always', or 'never'"))?;
                Ok(())
            }
        }
    }

    /// Reads joined options. True if they end the options.
    fn short_options<'a>(&mut self, letters: &[u8], rest: &mut impl Iterator<Item = &'a OsString>) -> Result<bool, String> {
        for (i, &letter) in letters.iter().enumerate() {
            if NEEDS_VALUE.contains(&letter) {
                let value = match &letters[i + 1..] {
                    [] => rest.next().cloned().ok_or_else(|| format!("Argument expected for the -{} option", char::from(letter)))?,
                    joined => OsString::from_vec(joined.to_vec()),
                };
                return Ok(self.option_with_value(letter, value));
            }
            self.flag(letter)?;
        }
        Ok(false)
    }

    fn option_with_value(&mut self, letter: u8, value: OsString) -> bool {
        match letter {
            b'c' => self.program = Program::Command(value),
            b'm' => self.program = Program::Module(value),
            b'W' => self.warnings.push(value),
            _ => self.x_options.push(value),
        }
        matches!(letter, b'c' | b'm')
    }

    fn flag(&mut self, letter: u8) -> Result<(), String> {
        match letter {
            b'b' => self.bytes_warning += 1,
            b'B' => self.dont_write_bytecode = true,
            b'd' => self.debug += 1,
            b'E' => self.ignore_environment = true,
            b'h' | b'?' => self.help = Some(Help::Options),
            b'i' => self.inspect += 1,
            b'I' => self.isolated = true,
            b'O' => self.optimize += 1,
            b'P' => self.safe_path = true,
            b'q' => self.quiet = true,
            b'R' => self.randomize_hashes = true,
            b's' => self.no_user_site = true,
            b'S' => self.no_site = true,
            b't' => {}
            b'u' => self.unbuffered = true,
            b'v' => self.verbose += 1,
            b'V' => self.version += 1,
            b'x' => self.skip_first_line = true,
            b'J' => return Err("-J is reserved for Jython".to_owned()),
            other => return Err(format!("Unknown option: -{}", char::from(other))),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &str) -> Result<CommandLine, String> {
        parse(&arguments.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    fn program(arguments: &str) -> (Program, String) {
        let line = parsed(arguments).unwrap();
        let argv: Vec<_> = line.argv.iter().map(|a| a.to_string_lossy()).collect();
        (line.program, argv.join(" "))
    }

    #[test]
    fn the_program_ends_the_options() {
        assert_eq!(program(""), (Program::Input, "".into()));
        assert_eq!(program("- -x a"), (Program::Input, "- -x a".into()));
        assert_eq!(program("-b file.py -x a"), (Program::File("file.py".into()), "file.py -x a".into()));
        assert_eq!(program("-- -x a"), (Program::File("-x".into()), "-x a".into()));
        assert_eq!(program("-c pass -x"), (Program::Command("pass".into()), "-c -x".into()));
        assert_eq!(program("-bcpass"), (Program::Command("pass".into()), "-c".into()));
        assert_eq!(program("-m timeit -c pass"), (Program::Module("timeit".into()), "-m -c pass".into()));
    }

    #[test]
    fn flags_may_be_joined_and_repeated() {
        let line = parsed("-bbBEiIOOPqsSuvvx -Werror -W ignore -Xdev -X a=b -V --version -").unwrap();
        let expected = CommandLine {
            bytes_warning: 2,
            dont_write_bytecode: true,
            ignore_environment: true,
            inspect: 1,
            isolated: true,
            optimize: 2,
            safe_path: true,
            quiet: true,
            no_user_site: true,
            no_site: true,
            unbuffered: true,
            verbose: 2,
            skip_first_line: true,
            warnings: vec!["error".into(), "ignore".into()],
            x_options: vec!["dev".into(), "a=b".into()],
            version: 2,
            argv: vec!["-".into()],
            ..CommandLine::default()
        };
        assert_eq!(line, expected);
    }

    #[test]
    fn help_has_topics() {
        for (argument, topic) in [
            ("-h", Help::Options),
            ("-?", Help::Options),
            ("--help", Help::Options),
            ("--help-env", Help::Environment),
            ("--help-xoptions", Help::XOptions),
            ("--help-all", Help::All),
        ] {
            assert_eq!(parsed(argument).unwrap().help, Some(topic), "{argument}");
        }
        assert_eq!(parsed("-c pass -h").unwrap().help, None);
    }

    #[test]
    fn hash_checks_are_named() {
        assert_eq!(parsed("--check-hash-based-pycs never").unwrap().check_hash_pycs, CheckHashPycs::Never);
        let message = "--check-hash-based-pycs must be one of 'default', 'always', or 'never'";
        assert_eq!(parsed("--check-hash-based-pycs perhaps").unwrap_err(), message);
    }

    #[test]
    fn mistakes_are_told() {
        for (arguments, message) in [
            ("-z", "Unknown option: -z"),
            ("-bz", "Unknown option: -z"),
            ("--zzz", "unknown option --zzz"),
            ("-c", "Argument expected for the -c option"),
            ("-bX", "Argument expected for the -X option"),
            ("--check-hash-based-pycs", "Argument expected for the --check-hash-based-pycs option"),
            ("-J", "-J is reserved for Jython"),
        ] {
            assert_eq!(parsed(arguments).unwrap_err(), message);
        }
    }
}
