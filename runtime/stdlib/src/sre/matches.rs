//! `re.Match`

use super::engine::State;
use super::pattern::{Pattern, expand_with};
use super::subject::Subject;
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{number, text};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, Str, Tuple, TypeDef, ValueList, flag, generic_alias, int};
use limpid_vm::{layout, raise};
use smallvec::SmallVec;

/// The layout of a match. All of it is fixed when it is made.
#[repr(C)]
pub struct Match {
    header: Header,
    pattern: Slot,
    string: Slot,
    /// Start and end of the groups as a tuple of ints, the whole match first; -1 where a group did not take part.
    marks: Slot,
    pos: Slot,
    endpos: Slot,
    /// The index of the group that ended last, or None.
    lastindex: Slot,
}

/// `re.Match`
pub static MATCH: TypeCell = TypeCell::new();
layout!(Match, MATCH.get(), Slots);

/// A match object of what the engine found in the part of `string` from `pos` to `endpos`.
pub(super) fn new(t: &Thread, pattern: Ref<Pattern>, string: Value, (pos, endpos): (usize, usize), found: &State) -> R {
    let program = pattern.program();
    let mut marks: SmallVec<[Value; 16]> = SmallVec::with_capacity(2 + 2 * program.groups);
    marks.extend([Value::int(found.start as i64), Value::int(found.end as i64)]);
    for group in 0..program.groups {
        let (start, end) = found.group(group).map_or((-1, -1), |(start, end)| (start as i64, end as i64));
        marks.extend([Value::int(start), Value::int(end)]);
    }
    let m = Match {
        header: header_of::<Match>(),
        pattern: Slot::new(pattern.value()),
        string: Slot::new(string),
        marks: Slot::new(Tuple::try_from_slice(t, &marks)?.value()),
        pos: Slot::new(Value::int(pos as i64)),
        endpos: Slot::new(Value::int(endpos as i64)),
        lastindex: Slot::new(found.last_group(program).map_or(Value::NONE, |i| Value::int(i as i64))),
    };
    Ok(t.alloc(m).value())
}

fn pattern_of(m: Ref<Match>) -> Ref<Pattern> {
    // SAFETY: the field is a pattern.
    unsafe { Ref::from_value(m.pattern.get()) }
}

fn marks_of(m: Ref<Match>) -> &'static [Value] {
    // SAFETY: the field is a tuple.
    unsafe { Ref::<Tuple>::from_value(m.marks.get()) }.as_slice()
}

fn groups(m: Ref<Match>) -> usize {
    marks_of(m).len() / 2
}

fn span(m: Ref<Match>, group: usize) -> (i64, i64) {
    let marks = marks_of(m);
    (marks[2 * group].as_int(), marks[2 * group + 1].as_int())
}

/// The text of a group.
pub(super) fn group_text(t: &Thread, m: Ref<Match>, group: usize, default: Value) -> R {
    let (start, end) = span(m, group);
    if start < 0 {
        return Ok(default);
    }
    let subject = Subject::new(t, m.string.get(), None)?;
    let len = subject.len();
    let end = (end as usize).min(len);
    subject.slice(t, (start as usize).min(end), end)
}

/// The number of a group given by number or name.
fn group_index(t: &Thread, m: Ref<Match>, v: Value) -> R<usize> {
    let n = if number::is_index(v) {
        number::index_clamped(t, v)?
    } else {
        match pattern_of(m).groupindex().get(t, v)? {
            Some(n) => int::to_isize(t, n)?,
            None => -1,
        }
    };
    match usize::try_from(n).ok().filter(|n| *n < groups(m)) {
        Some(n) => Ok(n),
        None => raise!(t, IndexError, "no such group"),
    }
}

/// The text of a group that a template names; None if it did not take part.
pub(super) fn checked_group(t: &Thread, m: Ref<Match>, number: Value) -> R {
    let index = group_index(t, m, number)?;
    group_text(t, m, index, Value::NONE)
}

fn index_or_whole(t: &Thread, m: Ref<Match>, v: Value) -> R<usize> {
    if v.is_null() { Ok(0) } else { group_index(t, m, v) }
}

fn group(t: &Thread, args: Args<'_>) -> R {
    args.no_keywords(t, "group")?;
    let m = receiver::<Match>(args.pos()[0]);
    match args.pos() {
        [_] => group_text(t, m, 0, Value::NONE),
        [_, one] => group_text(t, m, group_index(t, m, *one)?, Value::NONE),
        [_, several @ ..] => {
            let mut list = ValueList::with_capacity(t, several.len());
            for v in several {
                list.push(t, group_text(t, m, group_index(t, m, *v)?, Value::NONE)?);
            }
            Ok(Tuple::from_slice(t, list.as_slice()).value())
        }
        [] => unreachable!("a method has a receiver"),
    }
}

fn all_groups(t: &Thread, a: &[Value]) -> R {
    let m = receiver::<Match>(a[0]);
    let default = a[1].non_null().unwrap_or(Value::NONE);
    let mut list = ValueList::with_capacity(t, groups(m));
    for i in 1..groups(m) {
        list.push(t, group_text(t, m, i, default)?);
    }
    Ok(Tuple::from_slice(t, list.as_slice()).value())
}

fn groupdict(t: &Thread, a: &[Value]) -> R {
    let m = receiver::<Match>(a[0]);
    let default = a[1].non_null().unwrap_or(Value::NONE);
    let result = Dict::new(t);
    for (name, index) in pattern_of(m).groupindex().iter() {
        let index = group_index(t, m, index)?;
        result.set_item(t, name, group_text(t, m, index, default)?)?;
    }
    Ok(result.value())
}

fn pair(t: &Thread, (start, end): (i64, i64)) -> Value {
    Tuple::from_slice(t, &[Value::int(start), Value::int(end)]).value()
}

fn regs(t: &Thread, v: Value) -> R {
    let m = receiver::<Match>(v);
    let mut list = ValueList::with_capacity(t, groups(m));
    (0..groups(m)).for_each(|i| list.push(t, pair(t, span(m, i))));
    Ok(Tuple::from_slice(t, list.as_slice()).value())
}

fn lastgroup(_: &Thread, v: Value) -> R {
    let m = receiver::<Match>(v);
    let names = pattern_of(m).indexgroup();
    let index = m.lastindex.get();
    Ok(if index.is_int() { names.as_slice().get(index.as_int() as usize).copied().unwrap_or(Value::NONE) } else { Value::NONE })
}

fn repr(t: &Thread, v: Value) -> R {
    let m = receiver::<Match>(v);
    let (start, end) = span(m, 0);
    let shown = text::repr(t, group_text(t, m, 0, Value::NONE)?)?;
    let head = format!("<{} object; span=({start}, {end}), match=", v.class().display_name());
    let parts = [Str::new(t, &head).value(), shown.value(), Str::new(t, ">").value()];
    Ok(Str::concat_all(t, &parts)?.value())
}

fn itself(_: &Thread, a: &[Value]) -> R {
    Ok(a[0])
}

/// `re.Match`
pub static MATCH_DEF: TypeDef = TypeDef {
    doc: "The result of re.match() and re.search().\nMatch objects always have a boolean value of True.",
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable {
        repr: Some(repr),
        getitem: Some(|t, v, key| {
            let m = receiver::<Match>(v);
            group_text(t, m, group_index(t, m, key)?, Value::NONE)
        }),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::raw("group", "self, /, *groups", group),
        FnDef::def("groups", "self, /, default=None", all_groups),
        FnDef::def("groupdict", "self, /, default=None", groupdict),
        FnDef::def("start", "self, group=0, /", |t, a| {
            let m = receiver::<Match>(a[0]);
            Ok(Value::int(span(m, index_or_whole(t, m, a[1])?).0))
        }),
        FnDef::def("end", "self, group=0, /", |t, a| {
            let m = receiver::<Match>(a[0]);
            Ok(Value::int(span(m, index_or_whole(t, m, a[1])?).1))
        }),
        FnDef::def("span", "self, group=0, /", |t, a| {
            let m = receiver::<Match>(a[0]);
            Ok(pair(t, span(m, index_or_whole(t, m, a[1])?)))
        }),
        FnDef::def("expand", "self, /, template", |t, a| {
            let m = receiver::<Match>(a[0]);
            expand_with(t, pattern_of(m), m, a[1])
        }),
        FnDef::def("__copy__", "self, /", itself),
        FnDef::def("__deepcopy__", "self, memo, /", itself),
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
    ],
    getset: &[
        GetSet::getter("string", |_, v| Ok(receiver::<Match>(v).string.get())).member(),
        GetSet::getter("re", |_, v| Ok(receiver::<Match>(v).pattern.get())).member(),
        GetSet::getter("pos", |_, v| Ok(receiver::<Match>(v).pos.get())).member(),
        GetSet::getter("endpos", |_, v| Ok(receiver::<Match>(v).endpos.get())).member(),
        GetSet::getter("lastindex", |_, v| Ok(receiver::<Match>(v).lastindex.get())),
        GetSet::getter("lastgroup", lastgroup),
        GetSet::getter("regs", regs),
    ],
    ..TypeDef::of::<Match>("re.Match")
};
