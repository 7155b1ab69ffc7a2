//! Code objects as Python sees them.

use crate::args::{Args, FnDef, GetSet, receiver};
use crate::instrument::locations::async_loops;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::hash::{hash_bytes, hash_value};
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::code::{Code, CodeFields, unspecialize};
use crate::types::{Bytes, Str, Tuple, TypeDef, ValueList, builtin, int};
use limpid_bytecode::{CodeData, CodeFlags, LineTable, LocalKind};
use limpid_heap::{Header, Value};
use std::sync::atomic::{AtomicU64, Ordering};

fn int_attr(f: fn(&Code) -> u32) -> impl Fn(Value) -> R {
    move |v| Ok(Value::int(f(&receiver::<Code>(v)) as i64))
}

/// The base instructions, caches empty: `co_code`.
fn words_of(code: Ref<Code>) -> Vec<u16> {
    let mut words = code.words();
    unspecialize(&mut words);
    words
}

fn bytes_of(t: &Thread, words: &[u16]) -> R {
    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    Ok(Bytes::from_slice(t, &bytes)?.value())
}

fn co_code(t: &Thread, v: Value) -> R {
    bytes_of(t, &words_of(receiver::<Code>(v)))
}

fn co_code_adaptive(t: &Thread, v: Value) -> R {
    bytes_of(t, &receiver::<Code>(v).words())
}

/// The names of the slots with (one of) these kind bits.
fn names_with(t: &Thread, code: Ref<Code>, bits: u8) -> R {
    let mut list = ValueList::new(t);
    for i in (0..code.nlocalsplus as usize).filter(|&i| code.local_kind(i) & bits != 0) {
        list.push(t, code.local_name(i));
    }
    Ok(Tuple::from_slice(t, list.as_slice()).value())
}

fn line_table(code: &Code) -> LineTable<'_> {
    // SAFETY: the field is bytes, which live as long as the code object.
    let bytes: Ref<Bytes> = unsafe { Ref::from_value(code.linetable.get()) };
    // SAFETY: as above.
    let slice = unsafe { std::slice::from_raw_parts(bytes.as_slice().as_ptr(), bytes.as_slice().len()) };
    LineTable { bytes: slice, firstlineno: code.firstlineno }
}

/// An iterator over the rows of a table, made when it is asked for.
#[repr(C)]
pub struct RowIterator {
    header: Header,
    rows: Slot,
    position: AtomicU64,
}

layout!(RowIterator, builtin::LINE_ITERATOR, Slots);

fn row_iterator(t: &Thread, rows: ValueList) -> Value {
    t.alloc(RowIterator { header: header_of::<RowIterator>(), rows: Slot::new(rows.cell()), position: AtomicU64::new(0) }).value()
}

fn row_next(_: &Thread, v: Value) -> R {
    let it = receiver::<RowIterator>(v);
    let rows = ValueList::from_cell(it.rows.get());
    let i = it.position.fetch_add(1, Ordering::Relaxed) as usize;
    Ok(if i < rows.len() { rows.get(i) } else { Value::NULL })
}

/// `line_iterator`
pub static LINE_ITERATOR_DEF: TypeDef = TypeDef {
    flags: crate::types::flag::DISALLOW_INSTANTIATION,
    slots: SlotTable { iter: Some(|_, v| Ok(v)), next: Some(row_next), ..SlotTable::EMPTY },
    ..TypeDef::of::<RowIterator>("line_iterator")
};

/// `positions_iterator`
pub static POSITIONS_ITERATOR_DEF: TypeDef =
    TypeDef { flags: crate::types::flag::DISALLOW_INSTANTIATION, ..TypeDef::of::<RowIterator>("positions_iterator") };

fn number_or_none(n: i32) -> Value {
    if n < 0 { Value::NONE } else { Value::int(n as i64) }
}

fn co_lines(t: &Thread, a: &[Value]) -> R {
    let code = receiver::<Code>(a[0]);
    let mut rows = ValueList::new(t);
    for row in line_table(&code).lines() {
        let line = number_or_none(row.line);
        let (start, end) = (Value::int(row.start as i64 * 2), Value::int(row.end as i64 * 2));
        rows.push(t, Tuple::from_slice(t, &[start, end, line]).value());
    }
    Ok(row_iterator(t, rows))
}

/// The line table as CPython had it before 3.10: pairs of a byte that advances the offset and one that advances the line.
fn co_lnotab(t: &Thread, v: Value) -> R {
    crate::modules::warnings::deprecated(t, "co_lnotab is deprecated, use co_lines instead.")?;
    let code = receiver::<Code>(v);
    let (mut pairs, mut offset, mut line) = (Vec::new(), 0, code.firstlineno as i32);
    for row in line_table(&code).lines() {
        if row.line < 0 || row.line == line {
            continue;
        }
        let (mut bytes, mut lines) = (row.start as i32 * 2 - offset, row.line - line);
        (offset, line) = (row.start as i32 * 2, row.line);
        while bytes > 255 {
            pairs.extend([255, 0]);
            bytes -= 255;
        }
        // All but the last pair of a long way advance the line only.
        while !(-128..=127).contains(&lines) {
            let step = lines.clamp(-128, 127);
            pairs.extend([bytes as u8, step as u8]);
            (bytes, lines) = (0, lines - step);
        }
        pairs.extend([bytes as u8, lines as u8]);
    }
    Ok(Bytes::from_slice(t, &pairs)?.value())
}

fn co_positions(t: &Thread, a: &[Value]) -> R {
    let code = receiver::<Code>(a[0]);
    let mut rows = ValueList::new(t);
    for p in line_table(&code).positions() {
        let parts = [p.line, p.end_line, p.column, p.end_column].map(number_or_none);
        rows.push(t, Tuple::from_slice(t, &parts).value());
    }
    Ok(row_iterator(t, rows))
}

fn co_branches(t: &Thread, a: &[Value]) -> R {
    use limpid_bytecode::Opcode;
    let mut rows = ValueList::new(t);
    let words = words_of(receiver::<Code>(a[0]));
    crate::types::code::each_instruction(&words, |i, op, oparg| {
        let next = i + 1 + op.caches();
        let conditional = matches!(
            op,
            Opcode::POP_JUMP_IF_FALSE
                | Opcode::POP_JUMP_IF_TRUE
                | Opcode::POP_JUMP_IF_NONE
                | Opcode::POP_JUMP_IF_NOT_NONE
                | Opcode::FOR_ITER
        );
        if conditional {
            // Behind the instructions that belong to a way: the marker of the one not taken, the end of the loop.
            let marked = words.get(next).is_some_and(|w| *w as u8 == Opcode::NOT_TAKEN as u8);
            let ends_loop = op == Opcode::FOR_ITER;
            let row = [i, next + marked as usize, next + oparg as usize + ends_loop as usize].map(|n| Value::int(n as i64 * 2));
            rows.push(t, Tuple::from_slice(t, &row).value());
        }
    });
    for (next, end) in async_loops(receiver::<Code>(a[0]), &words) {
        let row = [next, next + 1, end + 1].map(|n| Value::int(n as i64 * 2));
        rows.push(t, Tuple::from_slice(t, &row).value());
    }
    Ok(row_iterator(t, rows))
}

fn varname(t: &Thread, a: &[Value]) -> R {
    let code = receiver::<Code>(a[0]);
    let i = int::to_i64(t, a[1])?;
    if i < 0 || i >= code.nlocalsplus as i64 {
        raise!(t, IndexError, "tuple index out of range");
    }
    Ok(code.local_name(i as usize))
}

/// The attributes a code object is made from, in the order of its constructor.
struct Parts {
    data: CodeData,
    words: Vec<u16>,
    fields: CodeFields,
    varnames: Value,
    freevars: Value,
    cellvars: Value,
}

fn parts_of(t: &Thread, code: Ref<Code>) -> R<Parts> {
    let data = CodeData {
        flags: code.flags,
        argcount: code.argcount,
        posonlyargcount: code.posonlyargcount,
        kwonlyargcount: code.kwonlyargcount,
        stacksize: code.stacksize,
        firstlineno: code.firstlineno,
        ..CodeData::default()
    };
    Ok(Parts {
        data,
        words: words_of(code),
        fields: CodeFields {
            consts: code.consts.get(),
            names: code.names.get(),
            localsplusnames: code.localsplusnames.get(),
            localspluskinds: code.localspluskinds.get(),
            name: code.name.get(),
            qualname: code.qualname.get(),
            filename: code.filename.get(),
            linetable: code.linetable.get(),
            exceptiontable: code.exceptiontable.get(),
        },
        varnames: names_with(t, code, LocalKind::LOCAL)?,
        freevars: names_with(t, code, LocalKind::FREE)?,
        cellvars: names_with(t, code, LocalKind::CELL)?,
    })
}

fn build(t: &Thread, mut p: Parts) -> R {
    // SAFETY: checked to be tuples.
    let (locals, cells, frees): (Ref<Tuple>, Ref<Tuple>, Ref<Tuple>) =
        unsafe { (Ref::from_value(p.varnames), Ref::from_value(p.cellvars), Ref::from_value(p.freevars)) };
    let mut names = ValueList::new(t);
    let mut kinds = Vec::new();
    let arguments = (p.data.argcount + p.data.kwonlyargcount) as usize
        + p.data.flags.has(CodeFlags::VARARGS) as usize
        + p.data.flags.has(CodeFlags::VARKEYWORDS) as usize;
    if locals.len() < arguments {
        raise!(t, ValueError, "code: varnames is too small");
    }
    for &name in locals.as_slice() {
        let is_cell = cells.as_slice().contains(&name);
        names.push(t, name);
        kinds.push(LocalKind::LOCAL | if is_cell { LocalKind::CELL } else { 0 });
    }
    for &name in cells.as_slice().iter().filter(|n| !locals.as_slice().contains(n)) {
        names.push(t, name);
        kinds.push(LocalKind::CELL);
    }
    for &name in frees.as_slice() {
        names.push(t, name);
        kinds.push(LocalKind::FREE);
    }
    p.fields.localsplusnames = Tuple::from_slice(t, names.as_slice()).value();
    p.fields.localspluskinds = Bytes::from_slice(t, &kinds)?.value();
    p.data.localspluskinds = kinds;
    // SAFETY: the field is bytes.
    p.data.exceptiontable = unsafe { Ref::<Bytes>::from_value(p.fields.exceptiontable) }.as_slice().to_vec();
    Ok(Code::build(t, &p.data, &p.words, p.fields)?.value())
}

fn text(t: &Thread, v: Value, what: &str) -> R {
    match v.downcast::<Str>() {
        Some(_) => crate::types::str::intern_value(t, v),
        None => raise!(t, TypeError, "replace() argument '{what}' must be str, not {}", v.class().display_name()),
    }
}

fn count(t: &Thread, v: Value, what: &str) -> R<u32> {
    match u32::try_from(int::to_i64(t, v)?) {
        Ok(n) => Ok(n),
        Err(_) => raise!(t, ValueError, "{what} must be a positive integer"),
    }
}

fn tuple(t: &Thread, v: Value, what: &str) -> R {
    match v.downcast::<Tuple>() {
        Some(_) => Ok(v),
        None => raise!(t, TypeError, "replace() argument '{what}' must be tuple, not {}", v.class().display_name()),
    }
}

fn name_tuple(t: &Thread, v: Value, what: &str) -> R {
    let v = tuple(t, v, what)?;
    // SAFETY: just tested.
    let names = unsafe { Ref::<Tuple>::from_value(v) };
    let mut list = ValueList::with_capacity(t, names.len());
    for &n in names.as_slice() {
        if n.downcast::<Str>().is_none() {
            raise!(t, TypeError, "name tuples must contain only strings, not '{}'", n.class().display_name());
        }
        list.push(t, crate::types::str::intern_value(t, n)?);
    }
    Ok(Tuple::from_slice(t, list.as_slice()).value())
}

fn bytes(t: &Thread, v: Value, what: &str) -> R<Ref<Bytes>> {
    match v.downcast::<Bytes>() {
        Some(b) => Ok(b),
        None => raise!(t, TypeError, "replace() argument '{what}' must be bytes, not {}", v.class().display_name()),
    }
}

fn replace(t: &Thread, args: Args<'_>) -> R {
    let Some(code) = args.pos().first().and_then(|v| v.downcast::<Code>()) else {
        raise!(t, TypeError, "replace() needs a code object");
    };
    if args.pos().len() > 1 {
        raise!(t, TypeError, "replace() takes 0 positional arguments but {} were given", args.pos().len() - 1);
    }
    let mut p = parts_of(t, code)?;
    for (name, v) in args.keywords() {
        let key = crate::protocol::text::str_of(t, name)?.to_string_lossy().into_owned();
        match key.as_str() {
            "co_argcount" => p.data.argcount = count(t, v, &key)?,
            "co_posonlyargcount" => p.data.posonlyargcount = count(t, v, &key)?,
            "co_kwonlyargcount" => p.data.kwonlyargcount = count(t, v, &key)?,
            "co_nlocals" => {
                if count(t, v, &key)? != code.nlocals {
                    raise!(t, ValueError, "code: co_nlocals != len(co_varnames)");
                }
            }
            "co_stacksize" => p.data.stacksize = count(t, v, &key)?,
            "co_flags" => p.data.flags = CodeFlags(count(t, v, &key)?),
            "co_firstlineno" => p.data.firstlineno = count(t, v, &key)?,
            "co_code" => {
                let b = bytes(t, v, &key)?;
                if b.as_slice().len() % 2 != 0 {
                    raise!(t, ValueError, "code: co_code is malformed");
                }
                p.words = b.as_slice().chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
            }
            "co_consts" => p.fields.consts = tuple(t, v, &key)?,
            "co_names" => p.fields.names = name_tuple(t, v, &key)?,
            "co_varnames" => p.varnames = name_tuple(t, v, &key)?,
            "co_freevars" => p.freevars = name_tuple(t, v, &key)?,
            "co_cellvars" => p.cellvars = name_tuple(t, v, &key)?,
            "co_filename" => p.fields.filename = text(t, v, &key)?,
            "co_name" => p.fields.name = text(t, v, &key)?,
            "co_qualname" => p.fields.qualname = text(t, v, &key)?,
            "co_linetable" => p.fields.linetable = bytes(t, v, &key)?.value(),
            "co_exceptiontable" => p.fields.exceptiontable = bytes(t, v, &key)?.value(),
            _ => raise!(t, TypeError, "replace() got an unexpected keyword argument '{key}'"),
        }
    }
    build(t, p)
}

/// What two code objects are compared by.
fn key_of(t: &Thread, code: Ref<Code>) -> R {
    let number = |n: u32| Value::int(n as i64);
    let fields = [
        code.name.get(),
        number(code.argcount),
        number(code.posonlyargcount),
        number(code.kwonlyargcount),
        number(code.flags.0),
        number(code.firstlineno),
        bytes_of(t, &words_of(code))?,
        code.consts.get(),
        code.names.get(),
        code.localsplusnames.get(),
        code.linetable.get(),
        code.exceptiontable.get(),
    ];
    Ok(Tuple::from_slice(t, &fields).value())
}

/// Of what [`key_of`] compares, what costs little to hash.
fn hash(t: &Thread, v: Value) -> R<i64> {
    let code = receiver::<Code>(v);
    let mut bytes: Vec<u8> = words_of(code).iter().flat_map(|w| w.to_le_bytes()).collect();
    for number in [code.argcount, code.posonlyargcount, code.kwonlyargcount, code.flags.0, code.firstlineno] {
        bytes.extend(number.to_le_bytes());
    }
    for part in [code.name.get(), code.linetable.get(), code.exceptiontable.get()] {
        bytes.extend(hash_value(t, part)?.to_le_bytes());
    }
    Ok(hash_bytes(&bytes))
}

fn richcompare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (Some(x), Some(y)) = (a.exact::<Code>(), b.exact::<Code>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    if !matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let equal = x == y || crate::protocol::compare::values_equal(t, key_of(t, x)?, key_of(t, y)?)?;
    Ok(Value::bool(equal == (op == Compare::Eq)))
}

fn repr(t: &Thread, v: Value) -> R {
    let code = receiver::<Code>(v);
    let name = crate::protocol::text::str_of(t, code.name.get())?;
    let file = crate::protocol::text::str_of(t, code.filename.get())?;
    let text = format!(
        "<code object {} at {:#x}, file \"{}\", line {}>",
        name.to_string_lossy(),
        v.bits(),
        file.to_string_lossy(),
        code.firstlineno
    );
    Ok(Str::new(t, &text).value())
}

fn new(t: &Thread, _class: Value, args: Args<'_>) -> R {
    args.no_keywords(t, "code")?;
    let a = args.pos();
    if a.len() < 16 || a.len() > 18 {
        raise!(t, TypeError, "code expected at least 16 arguments, got {}", a.len());
    }
    let code = bytes(t, a[6], "co_code")?;
    let varnames = name_tuple(t, a[9], "varnames")?;
    // SAFETY: just made a tuple.
    if count(t, a[3], "nlocals")? as usize != unsafe { Ref::<Tuple>::from_value(varnames) }.len() {
        raise!(t, ValueError, "code: co_nlocals != len(co_varnames)");
    }
    let p = Parts {
        data: CodeData {
            argcount: count(t, a[0], "argcount")?,
            posonlyargcount: count(t, a[1], "posonlyargcount")?,
            kwonlyargcount: count(t, a[2], "kwonlyargcount")?,
            stacksize: count(t, a[4], "stacksize")?,
            flags: CodeFlags(count(t, a[5], "flags")?),
            firstlineno: count(t, a[13], "firstlineno")?,
            ..CodeData::default()
        },
        words: code.as_slice().chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect(),
        fields: CodeFields {
            consts: tuple(t, a[7], "constants")?,
            names: name_tuple(t, a[8], "names")?,
            localsplusnames: Value::NULL,
            localspluskinds: Value::NULL,
            filename: text(t, a[10], "filename")?,
            name: text(t, a[11], "name")?,
            qualname: text(t, a[12], "qualname")?,
            linetable: bytes(t, a[14], "linetable")?.value(),
            exceptiontable: bytes(t, a[15], "exceptiontable")?.value(),
        },
        varnames,
        freevars: if a.len() > 16 { name_tuple(t, a[16], "freevars")? } else { t.empty_tuple() },
        cellvars: if a.len() > 17 { name_tuple(t, a[17], "cellvars")? } else { t.empty_tuple() },
    };
    build(t, p)
}

/// `code`
pub static CODE_DEF: TypeDef = TypeDef {
    flags: crate::types::flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(new), repr: Some(repr), richcompare: Some(richcompare), hash: Some(hash), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("co_lines", "self, /", co_lines),
        FnDef::def("co_positions", "self, /", co_positions),
        FnDef::def("co_branches", "self, /", co_branches),
        FnDef::raw("replace", "self, /, **changes", replace),
        FnDef::raw("__replace__", "self, /, **changes", replace),
        FnDef::def("_varname_from_oparg", "self, oparg", varname),
    ],
    getset: &[
        GetSet::getter("co_argcount", |_, v| int_attr(|c| c.argcount)(v)),
        GetSet::getter("co_posonlyargcount", |_, v| int_attr(|c| c.posonlyargcount)(v)),
        GetSet::getter("co_kwonlyargcount", |_, v| int_attr(|c| c.kwonlyargcount)(v)),
        GetSet::getter("co_nlocals", |_, v| int_attr(|c| c.nlocals)(v)),
        GetSet::getter("co_stacksize", |_, v| int_attr(|c| c.stacksize)(v)),
        GetSet::getter("co_flags", |_, v| int_attr(|c| c.flags.0)(v)),
        GetSet::getter("co_firstlineno", |_, v| int_attr(|c| c.firstlineno)(v)),
        GetSet::getter("co_code", co_code),
        GetSet::getter("_co_code_adaptive", co_code_adaptive),
        GetSet::getter("co_consts", |_, v| Ok(receiver::<Code>(v).consts.get())),
        GetSet::getter("co_names", |_, v| Ok(receiver::<Code>(v).names.get())),
        GetSet::getter("co_varnames", |t, v| names_with(t, receiver::<Code>(v), LocalKind::LOCAL)),
        GetSet::getter("co_cellvars", |t, v| names_with(t, receiver::<Code>(v), LocalKind::CELL)),
        GetSet::getter("co_freevars", |t, v| names_with(t, receiver::<Code>(v), LocalKind::FREE)),
        GetSet::getter("co_filename", |_, v| Ok(receiver::<Code>(v).filename.get())),
        GetSet::getter("co_name", |_, v| Ok(receiver::<Code>(v).name.get())),
        GetSet::getter("co_qualname", |_, v| Ok(receiver::<Code>(v).qualname.get())),
        GetSet::getter("co_linetable", |_, v| Ok(receiver::<Code>(v).linetable.get())),
        GetSet::getter("co_lnotab", co_lnotab),
        GetSet::getter("co_exceptiontable", |_, v| Ok(receiver::<Code>(v).exceptiontable.get())),
    ],
    ..TypeDef::of::<Code>("code")
};
