//! Names: globals, class and module namespaces, cells.

use super::{attempt, slow_uops};
use crate::exc;
use crate::interp::regs::{Flow, Regs, Step};
use crate::interp::specialize;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::sequence;
use crate::thread::Thread;
use crate::types::{Cell, Code, Dict, Str, Tuple};
use limpid_bytecode::LocalKind;
use limpid_heap::Value;

fn name_of(r: &Regs, i: u32) -> Value {
    r.frame().code().name_at(i as usize)
}

fn text_of(name: Value) -> String {
    // SAFETY: names are strings.
    unsafe { Ref::<Str>::from_value(name) }.to_string_lossy().into_owned()
}

fn name_error(t: &Thread, name: Value) -> Step {
    exc::raise_name_error(t, exc::NameError, &format!("name '{}' is not defined", text_of(name)), name);
    Step::Error
}

/// Looks a name up in globals, then builtins.
pub(crate) fn global_or_builtin(t: &Thread, globals: Value, builtins: Value, name: Value) -> R<Option<Value>> {
    for scope in [globals, builtins] {
        let found = match scope.exact::<Dict>() {
            Some(d) => d.get_name(name),
            None => get_or_none(t, scope, name)?,
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// `mapping[name]`, None for KeyError.
fn get_or_none(t: &Thread, mapping: Value, name: Value) -> R<Option<Value>> {
    if let Some(d) = mapping.exact::<Dict>() {
        return Ok(d.get_name(name));
    }
    match sequence::get_item(t, mapping, name) {
        Ok(v) => Ok(Some(v)),
        Err(_) => t.catch(exc::KeyError).map(|()| None),
    }
}

slow_uops! {
    /// Pushes a global variable or builtin.
    LOAD_GLOBAL_GENERIC = load_global;
    /// Pushes a name of the namespace, the globals or the builtins.
    LOAD_NAME_GENERIC = load_name;
    /// Stores into the namespace.
    STORE_NAME_GENERIC = store_name;
    /// Deletes from the namespace.
    DELETE_NAME_GENERIC = delete_name;
    /// Stores a global variable.
    STORE_GLOBAL_GENERIC = store_global;
    /// Deletes a global variable.
    DELETE_GLOBAL_GENERIC = delete_global;
    /// Pushes the variable of a cell, or of the class namespace on the stack before it.
    LOAD_DICT_OR_CELL = load_dict_or_cell;
    /// Pushes a name of the mapping on the stack, the globals or the builtins.
    LOAD_DICT_OR_GLOBAL = load_dict_or_global;
    /// Pushes the namespace.
    LOAD_NAMESPACE = load_namespace;
    /// Pushes `__build_class__`.
    LOAD_CLASS_BUILDER = load_class_builder;
    /// Makes sure that the namespace has `__annotations__`.
    MAKE_ANNOTATIONS = make_annotations;
}

unsafe fn load_global(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    specialize::load_global(r, o);
    let f = r.frame().function();
    let name = name_of(r, o >> 1);
    match attempt!(global_or_builtin(t, f.globals.get(), f.builtins.get(), name)) {
        Some(v) => r.push(v),
        None => return name_error(t, name),
    }
    if o & 1 != 0 {
        r.push(Value::NULL);
    }
    Step::Next
}

#[inline(always)]
fn push_global(r: &mut Regs, dict: Ref<Dict>, o: u32) -> Flow {
    let Some(table) = dict.table() else { return Flow::Deopt };
    match table.value_at(r.cache(2) as usize) {
        Some(v) => r.push(v),
        None => return Flow::Deopt,
    }
    if o & 1 != 0 {
        r.push(Value::NULL);
    }
    Flow::Next
}

/// Pushes a global variable whose place in the globals is cached.
#[inline(always)]
pub fn LOAD_GLOBAL_FROM_MODULE(r: &mut Regs, o: u32) -> Flow {
    let globals = r.frame().function().globals();
    match globals.table() {
        Some(table) if table.version() == r.cache32(3) => push_global(r, globals, o),
        _ => Flow::Deopt,
    }
}

/// Pushes a builtin whose place in the builtins is cached; the globals have no such name.
#[inline(always)]
pub fn LOAD_GLOBAL_FROM_BUILTINS(r: &mut Regs, o: u32) -> Flow {
    let f = r.frame().function();
    match (f.globals().table(), f.builtins().table()) {
        (Some(g), Some(b)) if g.version() == r.cache32(3) && b.version() == r.cache32(5) => push_global(r, f.builtins(), o),
        _ => Flow::Deopt,
    }
}

fn namespace(r: &Regs) -> Value {
    let f = r.frame();
    if f.namespace().is_null() { f.function().globals.get() } else { f.namespace() }
}

unsafe fn load_name(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let name = name_of(r, o);
    let f = r.frame().function();
    let found = match attempt!(get_or_none(t, namespace(r), name)) {
        Some(v) => Some(v),
        None => attempt!(global_or_builtin(t, f.globals.get(), f.builtins.get(), name)),
    };
    match found {
        Some(v) => r.push(v),
        None => return name_error(t, name),
    }
    Step::Next
}

unsafe fn store_name(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let (name, v) = (name_of(r, o), r.peek(1));
    let space = namespace(r);
    attempt!(match space.exact::<Dict>() {
        Some(d) => d.set_name(t, name, v),
        None => sequence::set_item(t, space, name, v),
    });
    r.drop_n(1);
    Step::Next
}

unsafe fn delete_name(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let name = name_of(r, o);
    if sequence::del_item(t, namespace(r), name).is_err() {
        attempt!(t.catch(exc::KeyError));
        return name_error(t, name);
    }
    Step::Next
}

unsafe fn store_global(r: &mut Regs, o: u32) -> Step {
    let name = name_of(r, o);
    let v = r.peek(1);
    attempt!(r.frame().function().globals().set_name(r.t(), name, v));
    r.drop_n(1);
    Step::Next
}

unsafe fn delete_global(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let name = name_of(r, o);
    match attempt!(r.frame().function().globals().remove(t, name)) {
        Some(_) => Step::Next,
        None => name_error(t, name),
    }
}

/// Makes a cell of a local variable.
#[inline(always)]
pub fn MAKE_CELL_GENERIC(r: &mut Regs, o: u32) -> Flow {
    r.save();
    let cell = Cell::new(r.t(), r.local(o));
    r.set_local(o, cell.value());
    Flow::Next
}

/// Copies the function's closure into the frame's last slots.
#[inline(always)]
pub fn COPY_FREE_VARIABLES(r: &mut Regs, o: u32) -> Flow {
    let f = r.frame().function();
    // SAFETY: code with free variables runs in functions that have a closure, a tuple of as many cells.
    let closure = unsafe { Ref::<Tuple>::from_value(f.closure.get()) };
    let first = f.code().nlocalsplus - o;
    let mut i = 0;
    while i < o {
        // SAFETY: the closure has `o` items.
        let cell = unsafe { *closure.as_slice().as_ptr().add(i as usize) };
        r.set_local(first + i, cell);
        i += 1;
    }
    Flow::Next
}

#[inline(always)]
fn cell_at(r: &Regs, o: u32) -> Ref<Cell> {
    // SAFETY: MAKE_CELL or COPY_FREE_VARS has put a cell there.
    unsafe { Ref::from_value(r.local(o)) }
}

/// Pushes the variable in a cell.
#[inline(always)]
pub fn LOAD_CELL(r: &mut Regs, o: u32) -> Flow {
    let v = cell_at(r, o).content.get();
    if v.is_null() {
        return Flow::Slow(unbound_cell);
    }
    r.push(v);
    Flow::Next
}

unsafe fn unbound_cell(r: &mut Regs, o: u32) -> Step {
    raise_unbound_cell(r.t(), r.frame().code(), o)
}

fn raise_unbound_cell(t: &Thread, code: Ref<Code>, o: u32) -> Step {
    let name = code.local_name(o as usize);
    if code.local_kind(o as usize) & LocalKind::FREE != 0 {
        let text = format!("cannot access free variable '{}' where it is not associated with a value in enclosing scope", text_of(name));
        exc::raise_name_error(t, exc::NameError, &text, name);
    } else {
        let text = format!("cannot access local variable '{}' where it is not associated with a value", text_of(name));
        exc::raise_name_error(t, exc::UnboundLocalError, &text, name);
    }
    Step::Error
}

/// Stores the top into a cell.
#[inline(always)]
pub fn STORE_CELL(r: &mut Regs, o: u32) -> Flow {
    let v = r.pop();
    let cell = cell_at(r, o);
    cell.content.set(r.t(), cell, v);
    Flow::Next
}

/// Unbinds the variable in a cell.
#[inline(always)]
pub fn DELETE_CELL(r: &mut Regs, o: u32) -> Flow {
    let cell = cell_at(r, o);
    if cell.content.get().is_null() {
        return Flow::Slow(unbound_cell);
    }
    cell.content.set(r.t(), cell, Value::NULL);
    Flow::Next
}

unsafe fn load_dict_or_cell(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let code = r.frame().code();
    let v = match attempt!(get_or_none(t, r.peek(1), code.local_name(o as usize))) {
        Some(v) => v,
        None => match cell_at(r, o).content.opt() {
            Some(v) => v,
            None => return raise_unbound_cell(t, code, o),
        },
    };
    r.poke(1, v);
    Step::Next
}

unsafe fn load_dict_or_global(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let name = name_of(r, o);
    let f = r.frame().function();
    let found = match attempt!(get_or_none(t, r.peek(1), name)) {
        Some(v) => Some(v),
        None => attempt!(global_or_builtin(t, f.globals.get(), f.builtins.get(), name)),
    };
    match found {
        Some(v) => r.poke(1, v),
        None => return name_error(t, name),
    }
    Step::Next
}

unsafe fn load_namespace(r: &mut Regs, _: u32) -> Step {
    let v = namespace(r);
    r.push(v);
    Step::Next
}

unsafe fn load_class_builder(r: &mut Regs, _: u32) -> Step {
    let t = r.t();
    let builtins = r.frame().function().builtins.get();
    match attempt!(get_or_none(t, builtins, crate::names::__build_class__)) {
        Some(v) => r.push(v),
        None => {
            t.raise(exc::NameError, "__build_class__ not found");
            return Step::Error;
        }
    }
    Step::Next
}

unsafe fn make_annotations(r: &mut Regs, _: u32) -> Step {
    let t = r.t();
    let space = namespace(r);
    let name = crate::names::__annotations__;
    if attempt!(get_or_none(t, space, name)).is_none() {
        attempt!(sequence::set_item(t, space, name, Dict::new(t).value()));
    }
    Step::Next
}
