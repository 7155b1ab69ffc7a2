//! Entering Python functions: binding arguments, pushing frames, running code from native callers.

use crate::args::Args;
use crate::interp::dispatch;
use crate::interp::frame::{Frame, HEADER, exit_pc, free_stack};
use crate::interp::regs::{Regs, Step};
use crate::names;
use crate::object::{R, Raised, Ref, ValueExt};
use crate::protocol::{attr, sequence};
use crate::thread::Thread;
use crate::tier2;
use crate::types::dict::update::as_plain_dict;
use crate::types::{Code, Dict, Function, Str, Tuple, flag};
use limpid_bytecode::CodeFlags;
use limpid_heap::Value;

/// Writes the header and the locals of a frame for a call of `f` at `base`; arguments bound, everything else unbound.
///
/// # Safety
/// `base` is the free end of the thread's stack, above everything that `args` refers to.
unsafe fn build_frame(t: &Thread, base: *mut Value, f: Ref<Function>, args: Args<'_>, previous: Frame, return_pc: *const u16) -> R<Frame> {
    let code = f.code();
    // SAFETY: the stack limit leaves room for every frame's header.
    let frame = Frame(unsafe { base.add(HEADER) });
    // SAFETY: within the stack or just behind it; compared before it is used.
    if unsafe { frame.0.add(code.frame_values()) } > t.stack_limit.get() || t.depth.get() >= t.depth_limit.get() {
        return Err(t.raise_recursion_error());
    }
    // SAFETY: room was checked.
    unsafe { frame.init(f.value(), previous, return_pc, Value::NULL) };
    for i in 0..code.nlocalsplus as usize {
        frame.set_local(i, Value::NULL);
    }
    // What is written below must be seen by a collection that binding may cause, and not be overwritten by what binding may call.
    let running = Frame(t.fp.get());
    let top = if !running.is_none() && running.is_generator() { &running.generator().stack_top } else { &t.sp };
    // SAFETY: as above.
    let before = top.replace(unsafe { frame.0.add(code.nlocalsplus as usize) });
    let bound = bind(t, f, code, frame, args);
    top.set(before);
    bound.map(|()| frame)
}

/// Binds the arguments of a call to the parameters of a Python function.
fn bind(t: &Thread, f: Ref<Function>, code: Ref<Code>, frame: Frame, args: Args<'_>) -> R<()> {
    let (argcount, kwonly) = (code.argcount as usize, code.kwonlyargcount as usize);
    let total = argcount + kwonly;
    let has_varargs = code.flags.has(CodeFlags::VARARGS);
    let pos = args.pos();
    let n = pos.len().min(argcount);
    for (i, v) in pos[..n].iter().enumerate() {
        frame.set_local(i, *v);
    }
    let kwdict = code.flags.has(CodeFlags::VARKEYWORDS).then(|| Dict::new(t));
    if let Some(d) = kwdict {
        frame.set_local(total + has_varargs as usize, d.value());
    }
    if has_varargs {
        let rest = Tuple::try_from_slice(t, &pos[n..])?;
        frame.set_local(total, if n == pos.len() { t.empty_tuple() } else { rest.value() });
    }
    for (name, value) in args.keywords() {
        bind_keyword(t, f, code, frame, kwdict, name, value)?;
    }
    if pos.len() > argcount && !has_varargs {
        return Err(too_many_positional(t, f, code, frame, pos.len()));
    }
    if n < argcount {
        let defaults = f.defaults.opt().and_then(|d| d.downcast::<Tuple>());
        let count = defaults.map_or(0, |d| d.len());
        let first_default = argcount.saturating_sub(count);
        if (n..first_default).any(|i| frame.local(i).is_null()) {
            return Err(missing(t, f, code, frame, 0, first_default, "positional"));
        }
        if let Some(d) = defaults {
            for i in n.max(first_default)..argcount {
                if frame.local(i).is_null() {
                    frame.set_local(i, d.get(i + count - argcount));
                }
            }
        }
    }
    if kwonly > 0 {
        let kwdefaults = f.kwdefaults.opt().and_then(|d| d.downcast::<Dict>());
        let mut absent = false;
        for i in argcount..total {
            if frame.local(i).is_null() {
                match kwdefaults.and_then(|d| d.get_name(code.local_name(i))) {
                    Some(v) => frame.set_local(i, v),
                    None => absent = true,
                }
            }
        }
        if absent {
            return Err(missing(t, f, code, frame, argcount, total, "keyword-only"));
        }
    }
    Ok(())
}

fn bind_keyword(
    t: &Thread,
    f: Ref<Function>,
    code: Ref<Code>,
    frame: Frame,
    kwdict: Option<Ref<Dict>>,
    name: Value,
    value: Value,
) -> R<()> {
    let Some(s) = name.downcast::<Str>() else {
        raise!(t, TypeError, "{}() keywords must be strings", function_name(f));
    };
    let first = code.posonlyargcount as usize;
    let total = (code.argcount + code.kwonlyargcount) as usize;
    // SAFETY: names are strings.
    let is = |i: usize| unsafe { Ref::<Str>::from_value(code.local_name(i)) }.equals(&s);
    // Names are interned, so nearly always it is the same string.
    if let Some(i) = (first..total).find(|&i| code.local_name(i) == name).or_else(|| (first..total).find(|&i| is(i))) {
        if !frame.local(i).is_null() {
            raise!(t, TypeError, "{}() got multiple values for argument '{}'", function_name(f), s.to_string_lossy());
        }
        frame.set_local(i, value);
        return Ok(());
    }
    match kwdict {
        Some(d) => d.set_item(t, name, value),
        None => {
            if (0..first).any(is) {
                let names: Vec<String> = (0..first)
                    .map(|i| code.local_name(i))
                    .filter_map(|n| n.downcast::<Str>())
                    .map(|n| n.to_string_lossy().into_owned())
                    .filter(|n| *n == s.to_string_lossy())
                    .collect();
                raise!(
                    t,
                    TypeError,
                    "{}() got some positional-only arguments passed as keyword arguments: '{}'",
                    function_name(f),
                    names.join(", ")
                );
            }
            raise!(t, TypeError, "{}() got an unexpected keyword argument '{}'", function_name(f), s.to_string_lossy());
        }
    }
}

fn function_name(f: Ref<Function>) -> String {
    f.qualname.get().downcast::<Str>().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cold]
fn too_many_positional(t: &Thread, f: Ref<Function>, code: Ref<Code>, frame: Frame, given: usize) -> Raised {
    let argcount = code.argcount as usize;
    let kwonly_given = (argcount..argcount + code.kwonlyargcount as usize).filter(|&i| !frame.local(i).is_null()).count();
    let defaults = f.defaults.opt().and_then(|d| d.downcast::<Tuple>()).map_or(0, |d| d.len());
    let s = |n: usize| if n == 1 { "" } else { "s" };
    let (plural, takes) = match defaults {
        0 => (argcount != 1, argcount.to_string()),
        d => (true, format!("from {} to {argcount}", argcount.saturating_sub(d))),
    };
    let kw = match kwonly_given {
        0 => String::new(),
        k => format!(" positional argument{} (and {k} keyword-only argument{})", s(given), s(k)),
    };
    let was = if given == 1 && kwonly_given == 0 { "was" } else { "were" };
    err!(
        t,
        TypeError,
        "{}() takes {takes} positional argument{} but {given}{kw} {was} given",
        function_name(f),
        if plural { "s" } else { "" }
    )
}

#[cold]
fn missing(t: &Thread, f: Ref<Function>, code: Ref<Code>, frame: Frame, from: usize, to: usize, kind: &str) -> Raised {
    let names: Vec<String> = (from..to)
        .filter(|&i| frame.local(i).is_null())
        .filter_map(|i| code.local_name(i).downcast::<Str>())
        .map(|n| format!("'{}'", n.to_string_lossy()))
        .collect();
    let list = match names.as_slice() {
        [one] => one.clone(),
        [a, b] => format!("{a} and {b}"),
        [init @ .., last] => format!("{}, and {last}", init.join(", ")),
        [] => String::new(),
    };
    let s = if names.len() == 1 { "" } else { "s" };
    err!(t, TypeError, "{}() missing {} required {kind} argument{s}: {list}", function_name(f), names.len())
}

/// Calls a Python function from native code and runs it to its end.
pub fn call_function(t: &Thread, f: Ref<Function>, args: Args<'_>) -> R {
    // First of all, for it may allocate: the collector sees a frame from when it is entered on.
    let entry = f.code().entry(t);
    let caller = Frame(t.fp.get());
    let base = free_stack(t.sp.get(), caller);
    let frame = match place_frame(t, base, f, args.pos(), args.names(), caller, exit_pc()) {
        Some(frame) => frame,
        // SAFETY: the saved registers tell where the stack is free.
        None => unsafe { build_frame(t, base, f, args, caller, exit_pc())? },
    };
    run_frame(t, frame, entry)
}

/// Runs code in a namespace: a module body, a class body, `exec`, `eval`.
pub fn run_code(t: &Thread, code: Ref<Code>, globals: Ref<Dict>, namespace: Value, closure: Value) -> R {
    let builtins = builtins_of(t, globals)?;
    let f = Function::new(t, code, globals, builtins);
    if !closure.is_null() {
        f.closure.set(t, f, closure);
    }
    run_function_in(t, f, namespace)
}

/// Runs a function without parameters with its names in a mapping of their own: a class body.
pub fn run_function_in(t: &Thread, f: Ref<Function>, namespace: Value) -> R {
    let entry = f.code().entry(t);
    let base = free_stack(t.sp.get(), Frame(t.fp.get()));
    // SAFETY: as in `call_function`.
    let frame = unsafe { build_frame(t, base, f, Args::NONE, Frame(t.fp.get()), exit_pc())? };
    // SAFETY: the frame's header was just written.
    unsafe { frame.init(f.value(), Frame(t.fp.get()), exit_pc(), namespace) };
    run_frame(t, frame, entry)
}

/// The builtins that code with these globals sees: `globals["__builtins__"]`, set if it is missing.
pub fn builtins_of(t: &Thread, globals: Ref<Dict>) -> R {
    let name = crate::names::__builtins__;
    match globals.get_name(name) {
        Some(v) => match v.downcast::<crate::types::Module>() {
            Some(m) => Ok(m.dict().value()),
            None => Ok(v),
        },
        None => {
            let builtins = t.interpreter().builtins.get();
            globals.set_name(t, name, builtins)?;
            Ok(builtins)
        }
    }
}

/// Runs a frame that was just linked before the thread's saved one, until it is left.
#[inline(always)]
fn run_frame(t: &Thread, frame: Frame, pc: *const u16) -> R {
    let sp = frame.stack_base();
    enter(t, frame, sp, pc)
}

/// Runs from the given registers until the entry frame is left; afterwards the saved registers are those from before.
#[inline(always)]
pub fn enter(t: &Thread, frame: Frame, sp: *mut Value, pc: *const u16) -> R {
    t.check_stack("")?;
    let suspended = tier2::suspend(t);
    let saved = (t.pc.get(), t.sp.get(), t.fp.get());
    let outer = Frame(saved.2);
    if !outer.is_none() && outer.is_generator() {
        // The value this call returns is put there before it is handed over.
        outer.generator().sp.set(saved.1);
    }
    t.depth.set(t.depth.get() + 1);
    t.from_native(|| {
        t.pc.set(pc);
        t.sp.set(sp);
        t.fp.set(frame.0);
        dispatch::enter_loop(t);
    });
    t.pc.set(saved.0);
    t.sp.set(saved.1);
    t.fp.set(saved.2);
    tier2::resume(t, suspended);
    let v = t.result.replace(Value::NULL);
    if v.is_null() { Err(Raised) } else { Ok(v) }
}

/// The function that a call of an object comes down to, if its class is written in Python and so is `__call__`: it is called with the
/// object in front of the arguments.
pub fn call_of_instance(t: &Thread, object: Value) -> Option<Ref<Function>> {
    let class = object.class();
    if !class.has(flag::HEAP_TYPE) {
        return None;
    }
    attr::lookup(t, class, names::__call__)?.exact::<Function>()
}

/// Pushes the frame of a call whose callable, receiver and arguments are the top `operands` values, and goes there. Binding is general.
/// `args` are on the stack or in the callable's reach. `advance`: words from the instruction to the next one.
pub fn push_call(r: &mut Regs, f: Ref<Function>, args: &[Value], names: Value, operands: usize, advance: isize) -> Step {
    let t = r.t();
    let caller = r.frame();
    // As in `call_function`.
    let entry = f.code().entry(t);
    // SAFETY: the next instruction of the same code.
    let return_pc = unsafe { r.pc.offset(advance) };
    // SAFETY: the operands are on the stack.
    let end = unsafe { r.sp.sub(operands) };
    let base = if caller.is_generator() { caller.generator().stack_top.get() } else { end };
    let frame = match place_frame(t, base, f, args, names, caller, return_pc) {
        Some(frame) => frame,
        None => {
            let above = free_stack(r.sp, caller);
            // SAFETY: the frame is built above the operands.
            let Ok(_) = (unsafe { build_frame(t, above, f, Args::with_keywords(args, names), caller, return_pc) }) else {
                return Step::Error;
            };
            // The frame takes the place of the operands.
            // SAFETY: header and locals move down; the ranges may overlap.
            unsafe {
                std::ptr::copy(above, base, HEADER + f.code().nlocalsplus as usize);
                Frame(base.add(HEADER))
            }
        }
    };
    if caller.is_generator() {
        caller.generator().sp.set(end);
    }
    t.depth.set(t.depth.get() + 1);
    r.fp = frame.0;
    // SAFETY: behind the locals of a frame that was just written.
    r.sp = unsafe { frame.0.add(f.code().nlocalsplus as usize) };
    r.pc = entry;
    Step::Jump
}

/// Writes a frame at `base` straight away where binding is no more than adding defaults to positional arguments: nothing is allocated and
/// nothing can fail. `base` may lie in or below the arguments.
#[inline(always)]
fn place_frame(
    t: &Thread,
    base: *mut Value,
    f: Ref<Function>,
    args: &[Value],
    names: Value,
    previous: Frame,
    return_pc: *const u16,
) -> Option<Frame> {
    let code = f.code();
    let (given, wanted) = (args.len(), code.argcount as usize);
    if !names.is_null() || !code.is_positional() || given > wanted {
        return None;
    }
    let defaults = match given == wanted {
        true => &[],
        false => {
            let defaults = f.defaults.opt()?.exact::<Tuple>()?.as_slice();
            defaults.get((given + defaults.len()).checked_sub(wanted)?..)?
        }
    };
    // SAFETY: the stack limit leaves room for every frame's header; what is behind is compared before it is used.
    unsafe {
        let fp = base.add(HEADER);
        if fp.add(code.frame_values()) > t.stack_limit.get() || t.depth.get() >= t.depth_limit.get() {
            return None;
        }
        copy_few(args.as_ptr(), fp, given);
        copy_few(defaults.as_ptr(), fp.add(given), defaults.len());
        for i in wanted..code.nlocalsplus as usize {
            *fp.add(i) = Value::NULL;
        }
        Frame(fp).init(f.value(), previous, return_pc, Value::NULL);
        Some(Frame(fp))
    }
}

/// Copies values as `memmove` does, which is not worth a call for the few that calls have as a rule. Two are read one by one: native
/// callers have just written them apart, and the processor would wait for both to be in the cache before it loads them together.
///
/// # Safety
/// Both places are valid for so many values.
#[inline(always)]
unsafe fn copy_few(from: *const Value, to: *mut Value, n: usize) {
    // SAFETY: as the caller says. All are read before one is written.
    unsafe {
        match n {
            0 => {}
            1 => *to = *from,
            2 => {
                let (first, second) = (from.read_volatile(), from.add(1).read_volatile());
                *to = first;
                *to.add(1) = second;
            }
            3 => {
                let (first, second, third) = (from.read_volatile(), from.add(1).read_volatile(), from.add(2).read_volatile());
                *to = first;
                *to.add(1) = second;
                *to.add(2) = third;
            }
            _ => std::ptr::copy(from, to, n),
        }
    }
}

/// `f(**mapping)`: adds the mapping's items to the keywords collected so far.
pub fn merge_keywords(t: &Thread, function: Value, keywords: Ref<Dict>, mapping: Value) -> R<()> {
    if let Some(d) = as_plain_dict(mapping) {
        let mut position = 0;
        while let Some((k, v)) = d.next_entry(&mut position) {
            add_keyword(t, function, keywords, k, v)?;
        }
        return Ok(());
    }
    let Some(keys) = attr::get_attr_opt(t, mapping, crate::names::keys)? else {
        let name = callable_name(t, function)?;
        raise!(t, TypeError, "{name} argument after ** must be a mapping, not {}", mapping.class().display_name());
    };
    let keys = crate::protocol::call::call(t, keys, &[])?;
    crate::protocol::iter::for_each(t, keys, |k| {
        let v = sequence::get_item(t, mapping, k)?;
        add_keyword(t, function, keywords, k, v)
    })
}

fn add_keyword(t: &Thread, function: Value, keywords: Ref<Dict>, k: Value, v: Value) -> R<()> {
    if k.downcast::<Str>().is_none() {
        raise!(t, TypeError, "keywords must be strings");
    }
    if keywords.contains(t, k)? {
        let name = callable_name(t, function)?;
        let key = crate::protocol::text::str_of(t, k)?;
        raise!(t, TypeError, "{name} got multiple values for keyword argument '{}'", key.to_string_lossy());
    }
    keywords.set_item(t, k, v)
}

/// How messages about a call name the callable: `module.qualname()`.
pub fn callable_name(t: &Thread, f: Value) -> R<String> {
    let Some(qualname) = attr::get_attr_opt(t, f, crate::names::__qualname__)? else {
        return Ok(crate::protocol::text::str_of(t, f)?.to_string_lossy().into_owned());
    };
    let qualname = crate::protocol::text::str_of(t, qualname)?.to_string_lossy().into_owned();
    match attr::get_attr_opt(t, f, crate::names::__module__)? {
        Some(m) if !m.is_none() => {
            let m = crate::protocol::text::str_of(t, m)?;
            match &*m.to_string_lossy() {
                "builtins" => Ok(format!("{qualname}()")),
                m => Ok(format!("{m}.{qualname}()")),
            }
        }
        _ => Ok(format!("{qualname}()")),
    }
}
