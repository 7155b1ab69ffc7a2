//! `itertools`
//!
//! An iterator that several threads use at once yields some items twice or not at all; nothing worse happens. `count` and `repeat` give
//! each number once.

mod combinatoric;
mod groupby;
mod infinite;
mod merge;
mod select;
mod tee;

use limpid_heap::Value;
use limpid_vm::args::{Args, FnDef};
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, Type, type_};

/// `itertools`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Functional tools for creating and using iterators.",
    functions: &[FnDef::def("tee", "iterable, n=2, /", tee::tee).doc("Returns a tuple of n independent iterators.")],
    init,
    ..ModuleDef::named("itertools")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    for (cell, def) in [
        (&combinatoric::PRODUCT, &combinatoric::PRODUCT_DEF),
        (&combinatoric::PERMUTATIONS, &combinatoric::PERMUTATIONS_DEF),
        (&combinatoric::COMBINATIONS, &combinatoric::COMBINATIONS_DEF),
        (&combinatoric::REPLACEMENT, &combinatoric::REPLACEMENT_DEF),
        (&groupby::GROUP_BY, &groupby::GROUP_BY_DEF),
        (&groupby::GROUPER, &groupby::GROUPER_DEF),
        (&infinite::COUNT, &infinite::COUNT_DEF),
        (&infinite::CYCLE, &infinite::CYCLE_DEF),
        (&infinite::REPEAT, &infinite::REPEAT_DEF),
        (&merge::ACCUMULATE, &merge::ACCUMULATE_DEF),
        (&merge::BATCHED, &merge::BATCHED_DEF),
        (&merge::CHAIN, &merge::CHAIN_DEF),
        (&merge::PAIRWISE, &merge::PAIRWISE_DEF),
        (&merge::STARMAP, &merge::STARMAP_DEF),
        (&merge::ZIP_LONGEST, &merge::ZIP_LONGEST_DEF),
        (&select::COMPRESS, &select::COMPRESS_DEF),
        (&select::DROP_WHILE, &select::DROP_WHILE_DEF),
        (&select::FILTER_FALSE, &select::FILTER_FALSE_DEF),
        (&select::ISLICE, &select::ISLICE_DEF),
        (&select::TAKE_WHILE, &select::TAKE_WHILE_DEF),
        (&tee::TEE, &tee::TEE_DEF),
    ] {
        let class = type_::create_native(t, def, cell)?;
        let name = def.name.rsplit('.').next().unwrap_or(def.name);
        m.dict().set_text(t, name, class.value())?;
    }
    Ok(())
}

/// The arguments of `__new__` of a type that takes none by name. A subclass with an `__init__` of its own may take some: those are not
/// for us.
fn unnamed<'a>(class: Value, args: Args<'a>, own: &TypeCell) -> Args<'a> {
    let init = |class: Ref<Type>| class.slots().init.map(|f| f as usize);
    if init(class_of(class)) == init(own.get()) { args } else { Args::positional(args.pos()) }
}

/// The class that `__new__` was called with.
fn class_of(v: Value) -> Ref<Type> {
    // SAFETY: the receiver of `__new__` is a class.
    unsafe { Ref::from_value(v) }
}
