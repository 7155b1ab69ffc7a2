//! `_ast`: syntax trees as Python objects.
//!
//! * [`asdl`]: the table of all nodes; [`classes`]: their classes; [`tree`]: trees as data, to and from objects.
//! * [`from_syntax`]: from the compiler's trees.

mod asdl;
mod classes;
mod from_syntax;
mod tree;

use asdl::{Kind, SUMS};
use classes::Classes;
use from_syntax::Failure;
use limpid_compiler::SyntaxWarning;
use limpid_heap::Value;
use limpid_vm::modules::ModuleDef;
use limpid_vm::modules::source::{self, AstHooks, Mode, Options, flags};
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::Module;

/// `_ast`
pub static MODULE: ModuleDef = ModuleDef { init, ..ModuleDef::named("_ast") };

/// Lets `compile` make and take trees.
pub fn register() {
    source::register_ast(AstHooks { parse, is_tree, compile });
}

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let classes = Classes::get(t)?;
    let dict = m.dict();
    dict.set_text(t, "AST", classes.ast().value())?;
    for (sum, name, _) in SUMS {
        dict.set_text(t, name, classes.sum(*sum).value())?;
    }
    for kind in Kind::ALL {
        dict.set_text(t, kind.name(), classes.kind(*kind).value())?;
    }
    for (name, flag) in [
        ("PyCF_ALLOW_TOP_LEVEL_AWAIT", flags::TOP_LEVEL_AWAIT),
        ("PyCF_ONLY_AST", flags::ONLY_AST),
        ("PyCF_TYPE_COMMENTS", flags::TYPE_COMMENTS),
        ("PyCF_OPTIMIZED_AST", flags::OPTIMIZED_AST),
    ] {
        dict.set_text(t, name, Value::int(flag as i64))?;
    }
    Ok(())
}

fn is_tree(v: Value) -> bool {
    Classes::known().is_some_and(|classes| v.is_instance(classes.ast()))
}

fn parse(t: &Thread, text: &str, options: &Options) -> R {
    let (mode, settings) = source::settings(options);
    let mut warnings: Vec<SyntaxWarning> = Vec::new();
    let parsed = limpid_compiler::parse(text, mode, &settings, &mut warnings);
    source::issue(t, &warnings, text, options)?;
    let tree = match parsed {
        Ok(tree) => tree,
        Err(error) => return Err(source::raise_syntax_error(t, &error, options)),
    };
    let root = match from_syntax::program(t, &tree, mode) {
        Ok(root) => root,
        Err(Failure::Raised(raised)) => return Err(raised),
        Err(Failure::Syntax(error)) => return Err(source::raise_syntax_error(t, &error, options)),
    };
    tree::to_object(t, &Classes::get(t)?, &root)
}

fn compile(t: &Thread, v: Value, options: &Options) -> R {
    let _ = (v, options, Mode::Exec);
    raise!(t, NotImplementedError, "trees cannot be compiled yet")
}
