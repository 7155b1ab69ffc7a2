//! Python 3.14 source text to code objects: symbol tables, code generation, optimisation, assembly.
//!
//! ```text
//!     text --parse--> syntax tree --symtable--> scopes --codegen--> graph of basic blocks --passes, assemble--> code object
//! ```
//!
//! Invariant: this crate runs nothing and touches no live object; it gives plain data ([`limpid_bytecode::CodeData`]).

mod assemble;
mod codegen;
mod consts;
mod error;
mod future;
mod ir;
mod nesting;
mod parse;
pub mod parse_errors;
mod source;
mod symtable;
mod text;
mod token_warnings;
mod tree;
mod unparse;

pub use ruff_python_ast as ast;
pub use ruff_text_size as text_size;
pub use symtable::{Block, BlockKind};
pub use tree::{SyntaxTree, TreeSource};

pub use error::{Metadata, SyntaxError, SyntaxErrorKind, SyntaxWarning};

use limpid_bytecode::{CodeData, CodeFlags};
use ruff_python_ast::Mod;

use codegen::Context;
use parse_errors::{Grammar, Reading};
use source::Source;
use symtable::Program;

/// What kind of program a text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// A module: statements.
    Exec,
    /// One expression, whose value the code returns.
    Eval,
    /// Statements typed at a prompt: the values of expression statements are printed.
    Single,
}

/// How to compile.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// 1 removes `assert` and makes `__debug__` false, 2 removes docstrings as well.
    pub optimize: u8,
    /// As if the program began with `from __future__ import annotations`.
    pub future_annotations: bool,
    /// `await` is allowed outside of functions; the code object is a coroutine then.
    pub allow_top_level_await: bool,
    /// As if the program began with `from __future__ import barry_as_FLUFL`.
    pub barry_as_flufl: bool,
    /// In a single statement, the end of the text does not end its blocks.
    pub dont_imply_dedent: bool,
    /// The text may go on: an error at its end is [`SyntaxErrorKind::Incomplete`].
    pub allow_incomplete_input: bool,
    /// The minor version whose grammar a text must keep to; `None` for the present one.
    pub feature_version: Option<u8>,
    /// The most digits of a decimal integer; 0 is no limit.
    pub int_max_str_digits: usize,
}

/// Compiles a program.
pub fn compile(source: &str, filename: &str, mode: Mode, options: &Options) -> Result<CodeData, SyntaxError> {
    compile_with_warnings(source, filename, mode, options, &mut Vec::new())
}

/// Compiles a program; `warnings` gets what is to be issued, also for a program with an error.
pub fn compile_with_warnings(
    source: &str,
    filename: &str,
    mode: Mode,
    options: &Options,
    warnings: &mut Vec<SyntaxWarning>,
) -> Result<CodeData, SyntaxError> {
    let normalized = Source::normalize(source);
    let source = Source::new(normalized.as_deref().unwrap_or(source));
    let tree = parse::parse(&source, reading(mode, options), warnings)?;
    generate(tree.program(), &source, filename, mode, options, warnings)
}

/// Parses a program without compiling it.
pub fn parse(source: &str, mode: Mode, options: &Options, warnings: &mut Vec<SyntaxWarning>) -> Result<SyntaxTree, SyntaxError> {
    let text = Source::normalize(source).unwrap_or_else(|| source.to_owned());
    let tree = parse::parse(&Source::new(&text), reading(mode, options), warnings)?;
    Ok(SyntaxTree::new(text, tree))
}

/// Compiles a tree that was made by hand: by a program that changes syntax trees.
pub fn compile_tree(
    program: &Mod,
    source: &TreeSource,
    filename: &str,
    mode: Mode,
    options: &Options,
    warnings: &mut Vec<SyntaxWarning>,
) -> Result<CodeData, SyntaxError> {
    let source = Source::Tree(source);
    if nesting::is_too_deep(program) {
        return Err(parse::recursion_error(&source));
    }
    generate(program, &source, filename, mode, options, warnings)
}

/// What the names of a program mean in each of its blocks.
pub fn symbol_table(source: &str, mode: Mode, options: &Options, warnings: &mut Vec<SyntaxWarning>) -> Result<Block, SyntaxError> {
    let normalized = Source::normalize(source);
    let source = Source::new(normalized.as_deref().unwrap_or(source));
    let tree = parse::parse(&source, reading(mode, options), warnings)?;
    let program = program_of(tree.program());
    let future = match program {
        Program::Body(body) => future::future(body, &source)?,
        Program::Expression(_) => future::future(&[], &source)?,
    };
    let future_annotations = options.future_annotations || future.flags & CodeFlags::FUTURE_ANNOTATIONS != 0;
    let symbols = symtable::build(program, &source, future_annotations, options.allow_top_level_await)?;
    Ok(Block::of(&symbols, symtable::SymbolTable::TOP))
}

fn program_of(program: &Mod) -> Program<'_> {
    match program {
        Mod::Module(module) => Program::Body(&module.body),
        Mod::Expression(expression) => Program::Expression(&expression.body),
    }
}

/// How the parser is to read a program.
fn reading(mode: Mode, options: &Options) -> Reading {
    let grammar = match mode {
        Mode::Exec => Grammar::File,
        Mode::Single => Grammar::Single,
        Mode::Eval => Grammar::Expression,
    };
    Reading {
        grammar,
        barry_as_bdfl: options.barry_as_flufl,
        keep_blocks_open: options.dont_imply_dedent,
        allow_incomplete: options.allow_incomplete_input,
        feature_version: options.feature_version,
        int_max_str_digits: options.int_max_str_digits,
    }
}

fn generate(
    program: &Mod,
    source: &Source,
    filename: &str,
    mode: Mode,
    options: &Options,
    warnings: &mut Vec<SyntaxWarning>,
) -> Result<CodeData, SyntaxError> {
    let program = program_of(program);
    let mut future = match program {
        Program::Body(body) => future::future(body, source)?,
        Program::Expression(_) => future::future(&[], source)?,
    };
    if options.future_annotations {
        future.flags |= CodeFlags::FUTURE_ANNOTATIONS;
    }
    if options.barry_as_flufl {
        future.flags |= CodeFlags::FUTURE_BARRY_AS_BDFL;
    }
    let future_annotations = future.flags & CodeFlags::FUTURE_ANNOTATIONS != 0;
    let symbols = symtable::build(program, source, future_annotations, options.allow_top_level_await)?;
    let context = Context {
        source,
        symbols: &symbols,
        filename,
        future_flags: future.flags,
        future_imports: future.imports,
        optimize: options.optimize,
        interactive: mode == Mode::Single,
    };
    codegen::generate(program, context, warnings)
}
