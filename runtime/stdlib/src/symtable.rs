//! `_symtable`: the compiler's symbol tables, for the module symtable.

use limpid_compiler::{Block, BlockKind};
use limpid_heap::{Header, Value};
use limpid_vm::args::{FnDef, GetSet, receiver};
use limpid_vm::modules::ModuleDef;
use limpid_vm::modules::source::{self, Mode, Options};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, List, Module, Str, TypeDef, flag, int, type_};
use limpid_vm::{layout, raise};

/// `_symtable`
pub static MODULE: ModuleDef = ModuleDef {
    functions: &[FnDef::def("symtable", "source, filename, startstr, /", symtable)
        .doc("Return symbol and scope dictionaries used internally by compiler.")],
    init,
    ..ModuleDef::named("_symtable")
};

/// The flags of names, the kinds of blocks, and where values are found.
const NUMBERS: &[(&str, i64)] = &[
    ("USE", 16),
    ("DEF_GLOBAL", 1),
    ("DEF_LOCAL", 2),
    ("DEF_PARAM", 4),
    ("DEF_NONLOCAL", 8),
    ("DEF_FREE_CLASS", 64),
    ("DEF_IMPORT", 128),
    ("DEF_ANNOT", 256),
    ("DEF_COMP_ITER", 512),
    ("DEF_TYPE_PARAM", 1024),
    ("DEF_COMP_CELL", 2048),
    ("DEF_BOUND", 2 | 4 | 128 | 1024),
    ("TYPE_FUNCTION", BlockKind::Function as i64),
    ("TYPE_CLASS", BlockKind::Class as i64),
    ("TYPE_MODULE", BlockKind::Module as i64),
    ("TYPE_ANNOTATION", BlockKind::Annotation as i64),
    ("TYPE_TYPE_ALIAS", BlockKind::TypeAlias as i64),
    ("TYPE_TYPE_PARAMETERS", BlockKind::TypeParameters as i64),
    ("TYPE_TYPE_VARIABLE", BlockKind::TypeVariable as i64),
    ("LOCAL", 1),
    ("GLOBAL_EXPLICIT", 2),
    ("GLOBAL_IMPLICIT", 3),
    ("FREE", 4),
    ("CELL", 5),
    ("SCOPE_OFF", Block::SCOPE_SHIFT as i64),
    ("SCOPE_MASK", 15),
];

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    if ENTRY.opt().is_none() {
        type_::create_native(t, &ENTRY_DEF, &ENTRY)?;
    }
    NUMBERS.iter().try_for_each(|(name, number)| m.dict().set_text(t, name, Value::int(*number)))
}

/// The layout of a block's table.
#[repr(C)]
pub struct Entry {
    header: Header,
    name: Slot,
    symbols: Slot,
    varnames: Slot,
    children: Slot,
    nested: Slot,
    kind: Slot,
    line: Slot,
}

/// `symtable entry`
pub static ENTRY: TypeCell = TypeCell::new();
layout!(Entry, ENTRY.get(), Slots);

static ENTRY_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable {
        repr: Some(|t, v| {
            let this = receiver::<Entry>(v);
            let name = this.name.get().downcast::<Str>().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let text = format!("<symtable entry {name}({}), line {}>", v.bits(), this.line.get().as_int());
            Ok(Str::try_new(t, &text)?.value())
        }),
        ..SlotTable::EMPTY
    },
    getset: &[
        GetSet::getter("id", |t, v| Ok(int::from_usize(t, v.bits() as usize))).member(),
        GetSet::getter("name", |_, v| Ok(receiver::<Entry>(v).name.get())).member(),
        GetSet::getter("symbols", |_, v| Ok(receiver::<Entry>(v).symbols.get())).member(),
        GetSet::getter("varnames", |_, v| Ok(receiver::<Entry>(v).varnames.get())).member(),
        GetSet::getter("children", |_, v| Ok(receiver::<Entry>(v).children.get())).member(),
        GetSet::getter("nested", |_, v| Ok(receiver::<Entry>(v).nested.get())).member(),
        GetSet::getter("type", |_, v| Ok(receiver::<Entry>(v).kind.get())).member(),
        GetSet::getter("lineno", |_, v| Ok(receiver::<Entry>(v).line.get())).member(),
    ],
    ..TypeDef::of::<Entry>("symtable entry")
};

fn entry(t: &Thread, block: &Block) -> R {
    t.check_stack("")?;
    let name = Str::try_new(t, &block.name)?.value();
    let symbols = Dict::new(t);
    for (name, flags) in &block.symbols {
        symbols.set_text(t, name, Value::int(*flags as i64))?;
    }
    let (varnames, children) = (List::new(t), List::new(t));
    for name in &block.parameters {
        varnames.append(t, Str::try_new(t, name)?.value())?;
    }
    for child in &block.children {
        children.append(t, entry(t, child)?)?;
    }
    let made = Entry {
        header: header_of::<Entry>(),
        name: Slot::new(name),
        symbols: Slot::new(symbols.value()),
        varnames: Slot::new(varnames.value()),
        children: Slot::new(children.value()),
        nested: Slot::new(Value::int(block.nested as i64)),
        kind: Slot::new(Value::int(block.kind as i64)),
        line: Slot::new(Value::int(block.line as i64)),
    };
    Ok(t.alloc(made).value())
}

fn symtable(t: &Thread, a: &[Value]) -> R {
    let filename = source::file_name(t, a[1])?;
    let mode = match a[2].downcast::<Str>() {
        Some(mode) => mode.to_string_lossy().into_owned(),
        None => raise!(t, TypeError, "symtable() argument 3 must be str, not {}", a[2].class().display_name()),
    };
    let mode = match &*mode {
        "exec" => Mode::Exec,
        "eval" => Mode::Eval,
        "single" => Mode::Single,
        _ => raise!(t, ValueError, "symtable() arg 3 must be 'exec' or 'eval' or 'single'"),
    };
    let text = source::text_of(t, a[0], "symtable", "string or bytes", a[1])?;
    let options = Options::new(t, filename, mode);
    let (mode, settings) = source::settings(t, &options);
    let mut warnings = Vec::new();
    let table = limpid_compiler::symbol_table(&text, mode, &settings, &mut warnings);
    source::issue(t, &warnings, &text, &options)?;
    match table {
        Ok(table) => entry(t, &table),
        Err(error) => Err(source::raise_syntax_error(t, &error, &options)),
    }
}
