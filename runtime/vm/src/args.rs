//! Arguments of calls to native code, and how a signature binds them.
//!
//! A call passes its arguments in one slice, positional ones first, then the values of the keyword arguments, whose names are in a tuple
//! ([`Args`]). A native function declares its parameters in one string written like Python's (`"self, sub, start=None, end=None, /"`);
//! it is parsed at compile time into counts ([`Signature`]), and the function receives one value for each parameter in the order of the
//! string, NULL for a missing optional one, a tuple for `*args`, a dict for `**kwargs`.

use crate::object::{R, ValueExt};
use crate::thread::Thread;
use crate::types::{Dict, Str, Tuple, Type};
use limpid_heap::Value;

/// The arguments of one call.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    /// Positional arguments, then the values of keyword arguments.
    all: &'a [Value],
    /// Names of the keyword arguments: a tuple, or NULL for none.
    names: Value,
}

impl<'a> Args<'a> {
    /// No arguments.
    pub const NONE: Args<'static> = Args { all: &[], names: Value::NULL };

    /// Positional arguments only.
    #[inline(always)]
    pub const fn positional(all: &'a [Value]) -> Args<'a> {
        Args { all, names: Value::NULL }
    }

    /// Positional arguments and the values of keywords whose names are in the tuple `names` (or NULL).
    #[inline(always)]
    pub fn with_keywords(all: &'a [Value], names: Value) -> Args<'a> {
        Args { all, names }
    }

    /// How many keyword arguments there are.
    #[inline(always)]
    pub fn keyword_count(&self) -> usize {
        if self.names.is_null() { 0 } else { self.names_tuple().len() }
    }

    fn names_tuple(&self) -> crate::object::Ref<Tuple> {
        // SAFETY: `names` is a tuple whenever it is not NULL.
        unsafe { crate::object::Ref::from_value(self.names) }
    }

    /// The tuple of keyword names, or NULL.
    #[inline(always)]
    pub fn names(&self) -> Value {
        self.names
    }

    /// Positional arguments and keyword values.
    #[inline(always)]
    pub fn all(&self) -> &'a [Value] {
        self.all
    }

    /// The positional arguments.
    #[inline(always)]
    pub fn pos(&self) -> &'a [Value] {
        &self.all[..self.all.len() - self.keyword_count()]
    }

    /// Is there no argument at all?
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The keyword arguments.
    pub fn keywords(&self) -> impl Iterator<Item = (Value, Value)> + 'a {
        let n = self.keyword_count();
        let values = &self.all[self.all.len() - n..];
        let names = self.names;
        (0..n).map(move |i| {
            // SAFETY: `names` is a tuple whenever there are keywords.
            (unsafe { crate::object::Ref::<Tuple>::from_value(names) }.get(i), values[i])
        })
    }

    /// The keyword argument with this name.
    pub fn keyword(&self, name: &str) -> Option<Value> {
        self.keywords().find(|(n, _)| n.downcast::<Str>().is_some_and(|s| s.eq_str(name))).map(|(_, v)| v)
    }

    /// The same call without its first positional argument.
    #[inline(always)]
    pub fn skip_first(&self) -> Args<'a> {
        Args { all: &self.all[1..], names: self.names }
    }

    /// Hands `f` the same call with one more positional argument in front.
    #[inline]
    pub fn with_first<T>(&self, t: &Thread, first: Value, f: impl FnOnce(Args<'_>) -> T) -> T {
        const FEW: usize = 8;
        if self.all.len() < FEW {
            let mut few = [Value::NULL; FEW];
            few[0] = first;
            few[1..=self.all.len()].copy_from_slice(self.all);
            return f(Args { all: &few[..=self.all.len()], names: self.names });
        }
        let mut list = crate::types::ValueList::with_capacity(t, self.all.len() + 1);
        list.push(t, first);
        self.all.iter().for_each(|v| list.push(t, *v));
        f(Args { all: list.as_slice(), names: self.names })
    }

    /// Raises TypeError unless the call has no keyword arguments.
    pub fn no_keywords(&self, t: &Thread, function: &str) -> R<()> {
        if self.keyword_count() == 0 {
            return Ok(());
        }
        raise!(t, TypeError, "{function}() takes no keyword arguments")
    }

    /// Binds the arguments to a signature and hands the parameters' values to `f`. Messages call the function by its name; one whose name
    /// CPython's do not tell has the name "".
    pub fn bind<T>(&self, t: &Thread, function: &str, s: &Signature, f: impl FnOnce(&[Value]) -> R<T>) -> R<T> {
        if self.names.is_null() && self.all.len() == s.total as usize && s.plain {
            return f(self.all);
        }
        self.bind_missing(t, function, s, f)
    }

    /// As [`Args::bind`], where values have to be moved. Not inlined: its array would make the frames of all calls large, and what is left
    /// in unused parts of frames keeps objects alive.
    #[inline(never)]
    fn bind_missing<T>(&self, t: &Thread, function: &str, s: &Signature, f: impl FnOnce(&[Value]) -> R<T>) -> R<T> {
        let mut bound = [Value::NULL; MAX_PARAMETERS];
        let bound = &mut bound[..s.total as usize];
        if self.names.is_null() && s.leaves_defaults(self.all.len()) {
            bound[..self.all.len()].copy_from_slice(self.all);
            return f(bound);
        }
        s.fill(t, function, self, bound)?;
        f(bound)
    }
}

/// How many parameters a native signature may have.
pub const MAX_PARAMETERS: usize = 24;

/// The parameters of a native function; see the module's page.
#[derive(Clone, Copy)]
pub struct Signature {
    text: &'static str,
    total: u8,
    /// Parameters that may be given by position.
    positional: u8,
    /// ... of which these first ones cannot be given by keyword.
    positional_only: u8,
    /// ... and of which these first ones have no default.
    required: u8,
    /// Index of `*args`, or `NOWHERE`.
    varargs: u8,
    /// Index of `**kwargs`, or `NOWHERE`.
    varkw: u8,
    /// Bit i: the parameter with index i has a default. For keyword-only ones.
    optional: u32,
    /// There are only positional parameters, so a call with all of them needs no binding.
    plain: bool,
    /// There is no `*args` and no `**kwargs`, and what cannot be given by position has a default.
    positional_suffice: bool,
    /// The first parameter is the receiver; it is not counted in error messages.
    method: bool,
    /// It is a type's, which words the error for a wrong number of arguments differently if it takes one only.
    constructor: bool,
    /// Where in the text the names of the first parameters are, and how long; length 0 for what no keyword names.
    places: [(u16, u8); PLACES],
}

/// How many names are found without parsing the text again.
const PLACES: usize = 16;

const NOWHERE: u8 = u8::MAX;

impl Signature {
    /// Parses a signature at compile time: `"self, object, /"`, `"iterable=(), /"`, `"*args, sep=' ', end='\\n', **kw"`. A default is
    /// text for people: it must not contain a comma outside brackets or quotes. A leading `$` on the first name is allowed.
    pub const fn parse(text: &'static str) -> Signature {
        let b = text.as_bytes();
        let mut s = Signature {
            text,
            total: 0,
            positional: 0,
            positional_only: 0,
            required: 0,
            varargs: NOWHERE,
            varkw: NOWHERE,
            optional: 0,
            plain: true,
            positional_suffice: true,
            method: false,
            constructor: false,
            places: [(0, 0); PLACES],
        };
        let mut keyword_only = false;
        let mut i = 0;
        while i < b.len() {
            while i < b.len() && (b[i] == b' ' || b[i] == b',' || b[i] == b'$') {
                i += 1;
            }
            if i >= b.len() {
                break;
            }
            let start = i;
            let mut depth = 0;
            let mut quote = 0u8;
            let mut has_default = false;
            while i < b.len() && (depth > 0 || quote != 0 || b[i] != b',') {
                let c = b[i];
                if quote != 0 {
                    if c == b'\\' {
                        i += 1;
                    } else if c == quote {
                        quote = 0;
                    }
                } else if c == b'\'' || c == b'"' {
                    quote = c;
                } else if c == b'(' || c == b'[' || c == b'{' || c == b'<' {
                    depth += 1;
                } else if c == b')' || c == b']' || c == b'}' || c == b'>' {
                    depth -= 1;
                } else if c == b'=' {
                    has_default = true;
                }
                i += 1;
            }
            if b[start] == b'/' {
                s.positional_only = s.positional;
            } else if b[start] == b'*' && start + 1 == i {
                keyword_only = true;
                s.plain = false;
            } else if b[start] == b'*' && b[start + 1] == b'*' {
                s.varkw = s.total;
                s.total += 1;
                s.plain = false;
            } else if b[start] == b'*' {
                s.varargs = s.total;
                s.total += 1;
                keyword_only = true;
                s.plain = false;
            } else {
                if s.total == 0
                    && ((i - start == 4 && b[start] == b's' && b[start + 1] == b'e' && b[start + 2] == b'l' && b[start + 3] == b'f')
                        || (i - start == 3 && b[start] == b'c' && b[start + 1] == b'l' && b[start + 2] == b's'))
                {
                    s.method = true;
                }
                if (s.total as usize) < PLACES {
                    let mut end = start;
                    while end < i && b[end] != b'=' && b[end] != b' ' {
                        end += 1;
                    }
                    s.places[s.total as usize] = (start as u16, (end - start) as u8);
                }
                if has_default {
                    s.optional |= 1 << s.total;
                }
                if !keyword_only {
                    s.positional += 1;
                    if !has_default {
                        s.required = s.positional;
                    }
                } else if !has_default {
                    s.positional_suffice = false;
                }
                s.total += 1;
            }
        }
        if s.method && s.positional_only == 0 {
            s.positional_only = 1;
        }
        if s.varargs != NOWHERE || s.varkw != NOWHERE {
            s.positional_suffice = false;
        }
        assert!(s.total as usize <= MAX_PARAMETERS);
        s
    }

    /// As [`Signature::parse`], for calling a type.
    pub const fn of_constructor(text: &'static str) -> Signature {
        Signature { constructor: true, ..Signature::parse(text) }
    }

    /// The signature as text, for `__text_signature__`.
    pub const fn text(&self) -> &'static str {
        self.text
    }

    /// Does a call without keywords and with `n` arguments fit exactly, so that the arguments are the parameters?
    #[inline(always)]
    pub const fn fits(&self, n: usize) -> bool {
        self.plain && n == self.total as usize
    }

    /// Does a call without keywords and with `n` arguments leave nothing to do but to add NULL for the last parameters?
    pub const fn fits_with_defaults(&self, n: usize) -> bool {
        self.plain && n >= self.required as usize && n <= self.total as usize
    }

    /// Does a call without keywords and with `n` arguments leave nothing to do but to let the other parameters have their defaults?
    #[inline(always)]
    const fn leaves_defaults(&self, n: usize) -> bool {
        self.positional_suffice && n >= self.required as usize && n <= self.positional as usize
    }

    /// How many parameters there are.
    #[inline(always)]
    pub const fn len(&self) -> usize {
        self.total as usize
    }

    /// Are there none?
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The name of the parameter with index `i`.
    pub fn name(&self, i: usize) -> &'static str {
        self.names().nth(i).unwrap_or("")
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        split_parameters(self.text)
            .filter(|p| *p != "/" && *p != "*")
            .map(|p| p.trim_start_matches(['*', '$']).split('=').next().unwrap_or("").trim())
    }

    fn index_of(&self, name: crate::object::Ref<Str>) -> Option<usize> {
        let text = |&(start, len): &(u16, u8)| &self.text[start as usize..start as usize + len as usize];
        if let Some(i) = self.places.iter().position(|place| place.1 != 0 && name.eq_str(text(place))) {
            return Some(i);
        }
        if self.total as usize <= PLACES {
            return None;
        }
        self.names().position(|n| name.eq_str(n)).filter(|&i| i != self.varargs as usize && i != self.varkw as usize)
    }

    #[cold]
    fn wrong_count<T>(&self, t: &Thread, function: &str, given: &[Value]) -> R<T> {
        let receiver = self.method as usize;
        let (max, min) = ((self.positional as usize).saturating_sub(receiver), (self.required as usize).saturating_sub(receiver));
        // Where CPython says which type's method it is.
        let qualified = || match given.first() {
            Some(object) if self.method => {
                let class = object.downcast::<Type>().filter(|_| self.text.starts_with("cls")).unwrap_or(object.class());
                let name = class.display_name();
                format!("{}.{function}", name.rsplit('.').next().unwrap_or(&name))
            }
            _ => function.to_string(),
        };
        let given = given.len().saturating_sub(receiver);
        let only_positional = self.positional_only == self.positional;
        let s = |n: usize| if n == 1 { "" } else { "s" };
        if max == 0 && self.total as usize > receiver {
            raise!(t, TypeError, "{function}() takes no positional arguments")
        }
        if max == 0 {
            raise!(t, TypeError, "{}() takes no arguments ({given} given)", qualified())
        }
        if only_positional && min == max {
            if max == 1 && !self.constructor {
                raise!(t, TypeError, "{}() takes exactly one argument ({given} given)", qualified())
            }
            raise!(t, TypeError, "{function} expected {max} argument{}, got {given}", s(max))
        }
        if only_positional {
            let (word, n) = if given < min { ("at least", min) } else { ("at most", max) };
            raise!(t, TypeError, "{function} expected {word} {n} argument{}, got {given}", s(n))
        }
        let all = (self.total as usize).saturating_sub(receiver);
        if given > all {
            // CPython counts keyword-only parameters as well where there are too many arguments for all of them.
            let word = if min == all && !function.is_empty() { "exactly" } else { "at most" };
            raise!(t, TypeError, "{} takes {word} {all} argument{} ({given} given)", Named(function, "function"), s(all))
        }
        let (word, n) = if min == max {
            ("exactly", max)
        } else if given < min {
            ("at least", min)
        } else {
            ("at most", max)
        };
        raise!(t, TypeError, "{} takes {word} {n} positional argument{} ({given} given)", Named(function, "function"), s(n))
    }

    #[cold]
    #[inline(never)]
    fn fill(&self, t: &Thread, function: &str, args: &Args<'_>, bound: &mut [Value]) -> R<()> {
        let pos = args.pos();
        let n = pos.len().min(self.positional as usize);
        bound[..n].copy_from_slice(&pos[..n]);
        if pos.len() > n {
            if self.varargs == NOWHERE {
                return self.wrong_count(t, function, pos);
            }
            bound[self.varargs as usize] = Tuple::from_slice(t, &pos[n..]).value();
        } else if self.varargs != NOWHERE {
            bound[self.varargs as usize] = t.empty_tuple();
        }
        let varkw = (self.varkw != NOWHERE).then(|| Dict::new(t));
        if let Some(d) = varkw {
            bound[self.varkw as usize] = d.value();
        }
        let accepts_keywords = varkw.is_some() || self.positional_only < self.total - (self.varargs != NOWHERE) as u8;
        for (name, value) in args.keywords() {
            let Some(s) = name.downcast::<Str>() else { raise!(t, TypeError, "keywords must be strings") };
            match self.index_of(s).filter(|&i| i >= self.positional_only as usize) {
                Some(i) if bound[i].is_null() => bound[i] = value,
                Some(i) => {
                    let subject = Named(function, "function");
                    raise!(t, TypeError, "argument for {subject} given by name ('{}') and position ({})", self.name(i), i + 1)
                }
                None => match varkw {
                    Some(d) => d.set_item(t, name, value)?,
                    None if !accepts_keywords => raise!(t, TypeError, "{function}() takes no keyword arguments"),
                    None => {
                        let subject = Named(function, "this function");
                        raise!(t, TypeError, "{subject} got an unexpected keyword argument '{}'", s.to_string_lossy())
                    }
                },
            }
        }
        for i in 0..self.total {
            if !bound[i as usize].is_null() || self.optional & (1 << i) != 0 || i == self.varargs || i == self.varkw {
                continue;
            }
            if i < self.positional {
                if i < self.positional_only || self.positional_only == self.positional {
                    return self.wrong_count(t, function, pos);
                }
                let at = i as usize + 1 - self.method as usize;
                raise!(t, TypeError, "{} missing required argument '{}' (pos {at})", Named(function, "function"), self.name(i as usize))
            }
            raise!(t, TypeError, "{function}() missing 1 required keyword-only argument: '{}'", self.name(i as usize))
        }
        Ok(())
    }
}

/// A function in a message: its name and parentheses, or other words for one without a name.
struct Named<'a>(&'a str, &'static str);

impl std::fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            "" => f.write_str(self.1),
            name => write!(f, "{name}()"),
        }
    }
}

fn split_parameters(text: &'static str) -> impl Iterator<Item = &'static str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([',', ' ']);
        if rest.is_empty() {
            return None;
        }
        let mut depth = 0;
        let mut quote = None;
        let mut end = rest.len();
        let mut escaped = false;
        for (i, c) in rest.char_indices() {
            match (quote, c) {
                _ if escaped => escaped = false,
                (Some(_), '\\') => escaped = true,
                (Some(q), c) if c == q => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"') => quote = Some(c),
                (None, '(' | '[' | '{' | '<') => depth += 1,
                (None, ')' | ']' | '}' | '>') => depth -= 1,
                (None, ',') if depth == 0 => {
                    end = i;
                    break;
                }
                _ => {}
            }
        }
        let (head, tail) = rest.split_at(end);
        rest = tail;
        Some(head.trim())
    })
}

/// What a native function is bound to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Binding {
    /// A method of its type, or a function of its module.
    Plain,
    /// A class method: the first parameter is the class.
    Class,
    /// A static method.
    Static,
}

/// The body of a native function.
#[derive(Clone, Copy)]
pub enum NativeBody {
    /// Receives one value for each parameter of the signature.
    Bound(fn(&Thread, &[Value]) -> R),
    /// Receives positional arguments as they are, however many (for a method, the receiver first). Takes no keywords.
    Positional(fn(&Thread, &[Value]) -> R),
    /// Receives the call's arguments as they are (for a method, the receiver first).
    Raw(for<'a> fn(&Thread, Args<'a>) -> R),
}

/// A native function or method, as it is declared.
#[derive(Clone, Copy)]
pub struct FnDef {
    /// Its name.
    pub name: &'static str,
    /// Its parameters.
    pub signature: Signature,
    /// Its body.
    pub body: NativeBody,
    /// What its first parameter is.
    pub binding: Binding,
    /// The documentation string.
    pub doc: &'static str,
}

impl FnDef {
    /// A function or method: `def("append", "self, object, /", list_append)`.
    pub const fn def(name: &'static str, signature: &'static str, f: fn(&Thread, &[Value]) -> R) -> FnDef {
        FnDef { name, signature: Signature::parse(signature), body: NativeBody::Bound(f), binding: Binding::Plain, doc: "" }
    }

    /// A function that takes any number of arguments without keywords: `positional("__exit__", "self, /, *args", lock_release)`.
    pub const fn positional(name: &'static str, signature: &'static str, f: fn(&Thread, &[Value]) -> R) -> FnDef {
        FnDef { body: NativeBody::Positional(f), ..FnDef::def(name, signature, f) }
    }

    /// A function that looks at its arguments itself.
    pub const fn raw(name: &'static str, signature: &'static str, f: for<'a> fn(&Thread, Args<'a>) -> R) -> FnDef {
        FnDef { name, signature: Signature::parse(signature), body: NativeBody::Raw(f), binding: Binding::Plain, doc: "" }
    }

    /// A class method: `class_def("fromkeys", "cls, iterable, value=None, /", dict_fromkeys)`.
    pub const fn class_def(name: &'static str, signature: &'static str, f: fn(&Thread, &[Value]) -> R) -> FnDef {
        FnDef { binding: Binding::Class, ..FnDef::def(name, signature, f) }
    }

    /// A static method.
    pub const fn static_def(name: &'static str, signature: &'static str, f: fn(&Thread, &[Value]) -> R) -> FnDef {
        FnDef { binding: Binding::Static, ..FnDef::def(name, signature, f) }
    }

    /// The same with a documentation string.
    pub const fn doc(self, doc: &'static str) -> FnDef {
        FnDef { doc, ..self }
    }

    /// Calls it with the call's arguments (receiver included).
    #[inline]
    pub fn call(&self, t: &Thread, args: Args<'_>) -> R {
        match self.body {
            NativeBody::Bound(f) => args.bind(t, self.name, &self.signature, |a| f(t, a)),
            NativeBody::Positional(f) => {
                args.no_keywords(t, self.name)?;
                f(t, args.all())
            }
            NativeBody::Raw(f) => f(t, args),
        }
    }
}

/// Writes an attribute, or deletes it when the value is NULL.
pub type Setter = fn(&Thread, Value, Value) -> R<()>;

/// A computed attribute of a native type.
#[derive(Clone, Copy)]
pub struct GetSet {
    /// Its name.
    pub name: &'static str,
    /// Reads it.
    pub get: fn(&Thread, Value) -> R,
    /// Writes it, or deletes it when the value is NULL; None: read-only.
    pub set: Option<Setter>,
    /// The documentation string.
    pub doc: &'static str,
    /// CPython declares it as a field of a structure, so that it is a `member_descriptor`.
    pub member: bool,
}

impl GetSet {
    /// A read-only attribute.
    pub const fn getter(name: &'static str, get: fn(&Thread, Value) -> R) -> GetSet {
        GetSet { name, get, set: None, doc: "", member: false }
    }

    /// A writable attribute.
    pub const fn property(name: &'static str, get: fn(&Thread, Value) -> R, set: fn(&Thread, Value, Value) -> R<()>) -> GetSet {
        GetSet { name, get, set: Some(set), doc: "", member: false }
    }

    /// The same as a `member_descriptor`.
    pub const fn member(self) -> GetSet {
        GetSet { member: true, ..self }
    }

    /// The same with a documentation string.
    pub const fn doc(self, doc: &'static str) -> GetSet {
        GetSet { doc, ..self }
    }
}

/// The receiver of a method: the descriptor has checked its type.
///
/// # Panics
/// In a debug build when the layout is another one.
#[inline(always)]
pub fn receiver<T: crate::object::Layout>(v: Value) -> crate::object::Ref<T> {
    debug_assert!(v.is_instance(T::class()));
    // SAFETY: method descriptors, getset descriptors and slot wrappers check the receiver's type before they call.
    unsafe { crate::object::Ref::from_value(v) }
}
