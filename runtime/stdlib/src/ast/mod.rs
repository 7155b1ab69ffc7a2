//! `_ast`: syntax trees as Python objects.
//!
//! * [`asdl`]: the table of all nodes; [`classes`]: their classes; [`tree`]: trees as data, to and from objects.
//! * [`from_syntax`], [`to_syntax`]: from and to the compiler's trees; [`validate`]: what must hold of a tree before that;
//!   [`optimize`]: trees with less to do.

mod asdl;
mod classes;
mod from_syntax;
mod optimize;
mod to_syntax;
mod tree;
mod validate;

use asdl::{FieldType, Kind, SUMS, Sum};
use classes::Classes;
use from_syntax::Failure;
use limpid_compiler::SyntaxWarning;
use limpid_heap::Value;
use limpid_vm::modules::ModuleDef;
use limpid_vm::modules::source::{self, AstHooks, Mode, Options, flags};
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{isinstance, text};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Code, Module};

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
    let (mode, settings) = source::settings(t, options);
    let mut warnings: Vec<SyntaxWarning> = Vec::new();
    let parsed = limpid_compiler::parse(text, mode, &settings, &mut warnings);
    source::issue(t, &warnings, text, options)?;
    let tree = match parsed {
        Ok(tree) => tree,
        Err(error) => return Err(source::raise_syntax_error(t, &error, options)),
    };
    let mut root = match from_syntax::program(t, &tree, mode) {
        Ok(root) => root,
        Err(Failure::Raised(raised)) => return Err(raised),
        Err(Failure::Syntax(error)) => return Err(source::raise_syntax_error(t, &error, options)),
    };
    if options.flags & flags::OPTIMIZED_AST == flags::OPTIMIZED_AST {
        optimize::optimize(t, &mut root, options.optimize)?;
    }
    tree::to_object(t, &Classes::get(t)?, &root)
}

fn compile(t: &Thread, v: Value, options: &Options) -> R {
    let wanted = match options.mode {
        Mode::Exec => Kind::Module,
        Mode::Eval => Kind::Expression,
        Mode::Single => Kind::Interactive,
        Mode::FunctionType => Kind::FunctionType,
    };
    let classes = Classes::get(t)?;
    if !isinstance::is_instance(t, v, classes.kind(wanted).value())? {
        raise!(t, TypeError, "expected {} node, got {}", wanted.name(), v.class().display_name())
    }
    if options.flags & flags::OPTIMIZED_AST == flags::ONLY_AST {
        return Ok(v);
    }
    let mut root = tree::from_object(t, &classes, v, FieldType::Sum(Sum::Mod))?;
    validate::validate(t, &root)?;
    if options.flags & flags::ONLY_AST != 0 {
        optimize::optimize(t, &mut root, options.optimize)?;
        return tree::to_object(t, &classes, &root);
    }
    let (program, places) = to_syntax::program(t, &root)?;
    let filename = text::str_of(t, options.filename)?;
    let (mode, settings) = source::settings(t, options);
    let mut warnings = Vec::new();
    let compiled = limpid_compiler::compile_tree(&program, &places, &filename.to_string_lossy(), mode, &settings, &mut warnings);
    source::issue(t, &warnings, "", options)?;
    match compiled {
        Ok(code) => Ok(Code::from_data(t, &code)?.value()),
        Err(error) => Err(source::raise_syntax_error(t, &error, options)),
    }
}
