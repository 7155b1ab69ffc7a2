//! `re.Pattern`, its scanners, and substitution.

use super::engine::{Attempt, State};
use super::matches::{self, Match, group_text};
use super::program::Program;
use super::subject::Subject;
use limpid_heap::{Header, Value};
use limpid_vm::args::{FnDef, GetSet, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{call, compare, hash, number, text};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::{Compare, SlotTable};
use limpid_vm::thread::Thread;
use limpid_vm::types::iterators::callable_iterator;
use limpid_vm::types::memory::of_object;
use limpid_vm::types::tuple::TupleHash;
use limpid_vm::types::{Dict, List, MappingProxy, Str, Tuple, TypeDef, flag, generic_alias, int};
use limpid_vm::{layout, raise};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// The layout of a pattern. All of it is fixed when it is made.
#[repr(C)]
pub struct Pattern {
    header: Header,
    /// What it was compiled from: str, bytes or None.
    pattern: Slot,
    /// A dict from names of groups to their numbers.
    groupindex: Slot,
    /// A tuple of the groups' names by number.
    indexgroup: Slot,
    /// An int.
    flags: Slot,
    /// What it was compiled to, by which patterns are compared.
    code: Box<[u32]>,
    program: Box<Program>,
}

/// `re.Pattern`
pub static PATTERN: TypeCell = TypeCell::new();
layout!(Pattern, PATTERN.get(), Mixed);

impl Pattern {
    pub(super) fn groupindex(&self) -> Ref<Dict> {
        // SAFETY: the field is a dict.
        unsafe { Ref::from_value(self.groupindex.get()) }
    }

    pub(super) fn indexgroup(&self) -> Ref<Tuple> {
        // SAFETY: the field is a tuple.
        unsafe { Ref::from_value(self.indexgroup.get()) }
    }

    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    fn subject(&self, t: &Thread, string: Value) -> R<Subject> {
        let of = self.pattern.get();
        Subject::new(t, string, (!of.is_none()).then(|| of.downcast::<Str>().is_some()))
    }
}

/// `_sre.compile`
pub(super) fn compile(t: &Thread, a: &[Value]) -> R {
    let [pattern, flags, code, groups, groupindex, indexgroup] = *a else { unreachable!("six parameters") };
    let Some(list) = code.downcast::<List>() else {
        raise!(t, TypeError, "compile() argument 'code' must be list, not {}", code.class().display_name())
    };
    if groupindex.downcast::<Dict>().is_none() {
        raise!(t, TypeError, "compile() argument 'groupindex' must be dict, not {}", groupindex.class().display_name())
    }
    if indexgroup.downcast::<Tuple>().is_none() {
        raise!(t, TypeError, "compile() argument 'indexgroup' must be tuple, not {}", indexgroup.class().display_name())
    }
    let snapshot = list.snapshot(t);
    let mut words = Vec::with_capacity(snapshot.len());
    for v in snapshot.iter() {
        match u32::try_from(int::to_u64(t, v)?) {
            Ok(word) => words.push(word),
            Err(_) => raise!(t, OverflowError, "regular expression code size limit exceeded"),
        }
    }
    if !pattern.is_none() {
        Subject::new(t, pattern, None)?;
    }
    let groups = int::to_usize(t, groups)?;
    // Each group has code of its own.
    if groups > words.len() {
        raise!(t, RuntimeError, "invalid SRE code")
    }
    let program = Program::new(t, &words, groups)?;
    let made = t.alloc(Pattern {
        header: header_of::<Pattern>(),
        pattern: Slot::new(pattern),
        groupindex: Slot::new(groupindex),
        indexgroup: Slot::new(indexgroup),
        flags: Slot::new(int::from_i64(t, number::index_i32(t, flags)? as i64)),
        program: Box::new(program),
        code: words.into(),
    });
    // SAFETY: the function drops what was made here.
    unsafe { limpid_heap::register_drop(&t.mutator, NonNull::new_unchecked(made.ptr().cast()), drop_code) };
    Ok(made.value())
}

unsafe fn drop_code(p: *mut u8) {
    // SAFETY: registered for this layout only; the cell is dead.
    unsafe {
        std::ptr::drop_in_place(&raw mut (*(p as *mut Pattern)).code);
        std::ptr::drop_in_place(&raw mut (*(p as *mut Pattern)).program);
    }
}

/// The part of the subject that `pos` and `endpos` mean.
fn range(t: &Thread, subject: &Subject, pos: Value, endpos: Value) -> R<(usize, usize)> {
    let len = subject.len() as isize;
    let clip =
        |v: Value, default: isize| -> R<isize> { if v.is_null() { Ok(default) } else { Ok(number::index_isize(t, v)?.clamp(0, len)) } };
    Ok((clip(pos, 0)? as usize, clip(endpos, len)? as usize))
}

fn find_once(t: &Thread, a: &[Value], anchored: bool, whole: bool) -> R {
    let p = receiver::<Pattern>(a[0]);
    let subject = p.subject(t, a[1])?;
    let (start, end) = range(t, &subject, a[2], a[3])?;
    let attempt = Attempt { start, end, anchored, whole, must_advance: false };
    let mut state = State::default();
    match subject.search(t, p.program(), attempt, &mut state)? {
        true => matches::new(t, p, a[1], (start, end), &state),
        false => Ok(Value::NONE),
    }
}

/// Searches again and again, each time where the last match ended; `f` is told each match, and whether to go on is its answer.
fn each(t: &Thread, p: Ref<Pattern>, subject: &Subject, start: usize, end: usize, mut f: impl FnMut(&State) -> R<bool>) -> R<()> {
    let mut attempt = Attempt { start, end, anchored: false, whole: false, must_advance: false };
    let mut state = State::default();
    while subject.search(t, p.program(), attempt, &mut state)? {
        attempt.must_advance = state.start == state.end;
        attempt.start = state.end;
        if !f(&state)? {
            break;
        }
        t.poll()?;
    }
    Ok(())
}

/// The text of a group, counted from 1; 0 is the whole match.
fn part(t: &Thread, subject: &Subject, found: &State, group: usize, missing: Value) -> R {
    let span = if group == 0 { Some((found.start, found.end)) } else { found.group(group - 1) };
    span.map_or(Ok(missing), |(start, end)| subject.slice(t, start, end))
}

fn findall(t: &Thread, a: &[Value]) -> R {
    let p = receiver::<Pattern>(a[0]);
    let subject = p.subject(t, a[1])?;
    let (start, end) = range(t, &subject, a[2], a[3])?;
    let empty = subject.slice(t, 0, 0)?;
    let list = List::new(t);
    each(t, p, &subject, start, end, |found| {
        let item = match p.program().groups {
            n @ (0 | 1) => part(t, &subject, found, n, empty)?,
            n => {
                let mut items = limpid_vm::types::ValueList::with_capacity(t, n);
                for group in 1..=n {
                    items.push(t, part(t, &subject, found, group, empty)?);
                }
                Tuple::from_slice(t, items.as_slice()).value()
            }
        };
        list.append(t, item)?;
        Ok(true)
    })?;
    Ok(list.value())
}

fn split(t: &Thread, a: &[Value]) -> R {
    let p = receiver::<Pattern>(a[0]);
    let limit = if a[2].is_null() { 0 } else { number::index_isize(t, a[2])? };
    let subject = p.subject(t, a[1])?;
    let list = List::new(t);
    let (mut last, mut count) = (0, 0);
    each(t, p, &subject, 0, subject.len(), |found| {
        if limit != 0 && count >= limit {
            return Ok(false);
        }
        list.append(t, subject.slice(t, last, found.start)?)?;
        for group in 1..=p.program().groups {
            list.append(t, part(t, &subject, found, group, Value::NONE)?)?;
        }
        (last, count) = (found.end, count + 1);
        Ok(limit <= 0 || count < limit)
    })?;
    list.append(t, subject.slice(t, last, subject.len())?)?;
    Ok(list.value())
}

/// What matches are replaced by.
enum Replacement {
    /// Always the same.
    Literal(Value),
    /// Literals and groups.
    Template(Ref<Template>),
    /// What a function makes of the match.
    Function(Value),
}

fn replacement(t: &Thread, p: Ref<Pattern>, repl: Value) -> R<Replacement> {
    if call::is_callable(repl) {
        return Ok(Replacement::Function(repl));
    }
    let has_backslash = match repl.downcast::<Str>() {
        Some(s) => s.code_points().any(|c| c == '\\' as u32),
        None => match limpid_vm::types::memory::get_buffer_opt(t, repl)? {
            Some(b) => b.as_slice().contains(&b'\\'),
            None => true,
        },
    };
    if !has_backslash {
        return Ok(Replacement::Literal(repl));
    }
    let template = compile_template(t, p, repl)?;
    Ok(if template.parts().len() == 1 { Replacement::Literal(template.parts()[0]) } else { Replacement::Template(template) })
}

fn compile_template(t: &Thread, p: Ref<Pattern>, repl: Value) -> R<Ref<Template>> {
    let module = limpid_vm::modules::import::import_module_level(t, Str::new(t, "re").value(), Value::NULL, Value::NULL, 0)?;
    let made = call::call_method_text(t, module, "_compile_template", &[p.value(), repl])?;
    match made.exact::<Template>() {
        Some(template) => Ok(template),
        None => {
            raise!(t, TypeError, "the result of compiling a replacement string is {}, not re.Template object", made.class().display_name())
        }
    }
}

fn substitute(t: &Thread, a: &[Value]) -> R<(Value, usize)> {
    let p = receiver::<Pattern>(a[0]);
    let limit = if a[3].is_null() { 0 } else { number::index_isize(t, a[3])? };
    let replacement = replacement(t, p, a[1])?;
    let subject = p.subject(t, a[2])?;
    let len = subject.len();
    let list = List::new(t);
    let (mut last, mut count) = (0, 0isize);
    if limit >= 0 {
        each(t, p, &subject, 0, len, |found| {
            let (start, end) = (found.start, found.end);
            if last < start {
                list.append(t, subject.slice(t, last, start)?)?;
            }
            let item = match &replacement {
                Replacement::Literal(v) => *v,
                Replacement::Template(template) => {
                    let m = matches::new(t, p, a[2], (0, len), found)?;
                    template.expand(t, receiver::<Match>(m))?
                }
                Replacement::Function(f) => call::call(t, *f, &[matches::new(t, p, a[2], (0, len), found)?])?,
            };
            if !item.is_none() {
                list.append(t, item)?;
            }
            (last, count) = (end, count + 1);
            Ok(limit == 0 || count < limit)
        })?;
    }
    if last < len {
        list.append(t, subject.slice(t, last, len)?)?;
    }
    let joined = call::call_method_text(t, subject.slice(t, 0, 0)?, "join", &[list.value()])?;
    Ok((joined, count as usize))
}

fn repr(t: &Thread, v: Value) -> R {
    const NAMES: [(i64, &str); 7] = [
        (2, "re.IGNORECASE"),
        (4, "re.LOCALE"),
        (8, "re.MULTILINE"),
        (16, "re.DOTALL"),
        (64, "re.VERBOSE"),
        (128, "re.DEBUG"),
        (256, "re.ASCII"),
    ];
    const UNICODE: i64 = 32;
    let p = receiver::<Pattern>(v);
    let mut flags = int::to_i64(t, p.flags.get())?;
    // The default for text.
    if p.pattern.get().downcast::<Str>().is_some() && flags & (4 | UNICODE | 256) == UNICODE {
        flags &= !UNICODE;
    }
    let mut names = Vec::new();
    for (bit, name) in NAMES {
        if flags & bit != 0 {
            names.push(name.to_owned());
            flags &= !bit;
        }
    }
    if flags != 0 {
        names.push(format!("{flags:#x}"));
    }
    let shown = text::repr(t, p.pattern.get())?;
    let shown = if shown.len() > 200 { shown.slice(t, 0, 200)? } else { shown };
    let tail = if names.is_empty() { ")".to_owned() } else { format!(", {})", names.join("|")) };
    let parts = [Str::new(t, "re.compile(").value(), shown.value(), Str::new(t, &tail).value()];
    Ok(Str::concat_all(t, &parts)?.value())
}

fn equal(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    if !matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let (Some(x), Some(y)) = (a.exact::<Pattern>(), b.exact::<Pattern>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    let same = x == y
        || x.flags.get() == y.flags.get()
            && x.code == y.code
            && x.pattern.get().class() == y.pattern.get().class()
            && compare::values_equal(t, x.pattern.get(), y.pattern.get())?;
    Ok(Value::bool(same == (op == Compare::Eq)))
}

fn hash_of(t: &Thread, v: Value) -> R<i64> {
    let p = receiver::<Pattern>(v);
    let mut h = TupleHash::new();
    h.add(hash::hash_value(t, p.pattern.get())?);
    h.add(hash::hash_value(t, p.flags.get())?);
    p.code.iter().for_each(|c| h.add(*c as i64));
    Ok(h.finish())
}

fn itself(_: &Thread, a: &[Value]) -> R {
    Ok(a[0])
}

/// `re.Pattern`
pub static PATTERN_DEF: TypeDef = TypeDef {
    doc: "Compiled regular expression object.",
    flags: flag::DISALLOW_INSTANTIATION | flag::WEAK_REFERENCES,
    slots: SlotTable { repr: Some(repr), richcompare: Some(equal), hash: Some(hash_of), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("match", "self, /, string, pos=0, endpos=9223372036854775807", |t, a| find_once(t, a, true, false))
            .doc("Matches zero or more characters at the beginning of the string."),
        FnDef::def("fullmatch", "self, /, string, pos=0, endpos=9223372036854775807", |t, a| find_once(t, a, true, true))
            .doc("Matches against all of the string."),
        FnDef::def("search", "self, /, string, pos=0, endpos=9223372036854775807", |t, a| find_once(t, a, false, false))
            .doc("Scan through string looking for a match, and return a corresponding match object instance.\n\nReturn None if no position in the string matches."),
        FnDef::def("findall", "self, /, string, pos=0, endpos=9223372036854775807", findall)
            .doc("Return a list of all non-overlapping matches of pattern in string."),
        FnDef::def("finditer", "self, /, string, pos=0, endpos=9223372036854775807", |t, a| {
            let scanner = scanner(t, a)?;
            let search = limpid_vm::protocol::attr::get_attr_text(t, scanner, "search")?;
            Ok(callable_iterator(t, search, Value::NONE))
        })
        .doc("Return an iterator over all non-overlapping matches for the RE pattern in string.\n\nFor each match, the iterator returns a match object."),
        FnDef::def("scanner", "self, /, string, pos=0, endpos=9223372036854775807", scanner),
        FnDef::def("split", "self, /, string, maxsplit=0", split).doc("Split string by the occurrences of pattern."),
        FnDef::def("sub", "self, /, repl, string, count=0", |t, a| Ok(substitute(t, a)?.0)).doc(
            "Return the string obtained by replacing the leftmost non-overlapping occurrences of pattern in string by the replacement repl.",
        ),
        FnDef::def("subn", "self, /, repl, string, count=0", |t, a| {
            let (joined, count) = substitute(t, a)?;
            Ok(Tuple::from_slice(t, &[joined, int::from_usize(t, count)]).value())
        })
        .doc("Return the tuple (new_string, number_of_subs_made) found by replacing the leftmost non-overlapping occurrences of pattern with the replacement repl."),
        FnDef::def("__copy__", "self, /", itself),
        FnDef::def("__deepcopy__", "self, memo, /", itself),
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
    ],
    getset: &[
        GetSet::getter("pattern", |_, v| Ok(receiver::<Pattern>(v).pattern.get())).member(),
        GetSet::getter("flags", |_, v| Ok(receiver::<Pattern>(v).flags.get())).member(),
        GetSet::getter("groups", |t, v| Ok(int::from_usize(t, receiver::<Pattern>(v).program().groups))).member(),
        GetSet::getter("groupindex", |t, v| Ok(MappingProxy::new(t, receiver::<Pattern>(v).groupindex.get()).value())),
    ],
    ..TypeDef::of::<Pattern>("re.Pattern")
};

/// The layout of a scanner: searches one string again and again. Two threads that use one at once see some matches twice.
#[repr(C)]
pub struct Scanner {
    header: Header,
    pattern: Slot,
    string: Slot,
    /// A memoryview of what is no text: it must not be resized meanwhile.
    export: Slot,
    pos: AtomicUsize,
    end: AtomicUsize,
    /// Where the next attempt begins; [`Scanner::DONE`] after one that failed.
    next: AtomicUsize,
    must_advance: AtomicBool,
}

/// `re.Scanner`'s native part, `_sre.SRE_Scanner`.
pub static SCANNER: TypeCell = TypeCell::new();
layout!(Scanner, SCANNER.get(), Mixed);

impl Scanner {
    const DONE: usize = usize::MAX;
}

fn scanner(t: &Thread, a: &[Value]) -> R {
    let p = receiver::<Pattern>(a[0]);
    let subject = p.subject(t, a[1])?;
    let (pos, end) = range(t, &subject, a[2], a[3])?;
    let export = if a[1].downcast::<Str>().is_some() { Value::NONE } else { of_object(t, a[1])? };
    let scanner = Scanner {
        header: header_of::<Scanner>(),
        pattern: Slot::new(p.value()),
        string: Slot::new(a[1]),
        export: Slot::new(export),
        pos: AtomicUsize::new(pos),
        end: AtomicUsize::new(end),
        next: AtomicUsize::new(pos),
        must_advance: AtomicBool::new(false),
    };
    Ok(t.alloc(scanner).value())
}

fn scan(t: &Thread, v: Value, anchored: bool) -> R {
    let this = receiver::<Scanner>(v);
    // SAFETY: the field is a pattern.
    let p = unsafe { Ref::<Pattern>::from_value(this.pattern.get()) };
    let start = this.next.load(Relaxed);
    if start == Scanner::DONE {
        return Ok(Value::NONE);
    }
    let subject = p.subject(t, this.string.get())?;
    let end = this.end.load(Relaxed).min(subject.len());
    let attempt = Attempt { start, end, anchored, whole: false, must_advance: this.must_advance.load(Relaxed) };
    let mut state = State::default();
    if !subject.search(t, p.program(), attempt, &mut state)? {
        this.next.store(Scanner::DONE, Relaxed);
        return Ok(Value::NONE);
    }
    this.must_advance.store(state.start == state.end, Relaxed);
    this.next.store(state.end, Relaxed);
    matches::new(t, p, this.string.get(), (this.pos.load(Relaxed), end), &state)
}

/// `_sre.SRE_Scanner`
pub static SCANNER_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    methods: &[FnDef::def("match", "self, /", |t, a| scan(t, a[0], true)), FnDef::def("search", "self, /", |t, a| scan(t, a[0], false))],
    getset: &[GetSet::getter("pattern", |_, v| Ok(receiver::<Scanner>(v).pattern.get())).member()],
    ..TypeDef::of::<Scanner>("_sre.SRE_Scanner")
};

/// The layout of a compiled replacement: a tuple of a literal, then pairs of a group's number and a literal.
#[repr(C)]
pub struct Template {
    header: Header,
    parts: Slot,
}

/// `_sre.SRE_Template`
pub static TEMPLATE: TypeCell = TypeCell::new();
layout!(Template, TEMPLATE.get(), Slots);

/// `_sre.SRE_Template`
pub static TEMPLATE_DEF: TypeDef = TypeDef { flags: flag::DISALLOW_INSTANTIATION, ..TypeDef::of::<Template>("_sre.SRE_Template") };

/// `_sre.template`
pub(super) fn template(t: &Thread, a: &[Value]) -> R {
    let Some(list) = a[1].downcast::<List>() else {
        raise!(t, TypeError, "template() argument 2 must be list, not {}", a[1].class().display_name())
    };
    let parts = list.to_tuple(t)?;
    if parts.len() % 2 == 0 {
        raise!(t, TypeError, "invalid template")
    }
    for group in parts.as_slice().iter().skip(1).step_by(2) {
        if !int::is_int(*group) || int::as_i64_opt(*group).is_none_or(|n| n < 0) {
            raise!(t, TypeError, "invalid template")
        }
    }
    Ok(t.alloc(Template { header: header_of::<Template>(), parts: Slot::new(parts.value()) }).value())
}

impl Template {
    fn parts(&self) -> &'static [Value] {
        // SAFETY: the field is a tuple.
        unsafe { Ref::<Tuple>::from_value(self.parts.get()) }.as_slice()
    }

    /// The literals and the groups of a match, joined.
    fn expand(&self, t: &Thread, m: Ref<Match>) -> R {
        let list = List::new(t);
        for (i, part) in self.parts().iter().enumerate() {
            let piece = if i % 2 == 0 { *part } else { matches::checked_group(t, m, *part)? };
            if !piece.is_none() {
                list.append(t, piece)?;
            }
        }
        let whole = group_text(t, m, 0, Value::NONE)?;
        let empty = Subject::new(t, whole, None)?.slice(t, 0, 0)?;
        call::call_method_text(t, empty, "join", &[list.value()])
    }
}

/// `match.expand(template)`
pub(super) fn expand_with(t: &Thread, p: Ref<Pattern>, m: Ref<Match>, repl: Value) -> R {
    let template = compile_template(t, p, repl)?;
    match template.parts() {
        [literal] => Ok(*literal),
        _ => template.expand(t, m),
    }
}
