//! Context variables: Context, ContextVar and Token.
//!
//! A context is one reference to an immutable map ([`map`]), so copying one costs nothing. A thread's current context is in
//! [`Thread::context`], made when the first variable is set.

use crate::args::{Args, FnDef, GetSet, receiver};
use crate::exc;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{call, compare, hash, iter, text};
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::{List, Str, Tuple, TypeDef, ValueList, builtin, generic_alias};
use limpid_heap::{Header, Value};

mod map;

use map::Map;

/// The layout of a context.
#[repr(C)]
pub struct Context {
    header: Header,
    /// The variables' values: a [`Map`].
    map: Slot,
    /// The context that was current before this one was entered, or NULL.
    previous: Slot,
    /// True while it is entered.
    entered: Slot,
}

crate::layout!(Context, builtin::CONTEXT, Slots);

/// The layout of a context variable.
#[repr(C)]
pub struct ContextVar {
    header: Header,
    name: Slot,
    /// The default value, or NULL.
    default: Slot,
}

crate::layout!(ContextVar, builtin::CONTEXT_VAR, Slots);

/// The layout of what `ContextVar.set` gives.
#[repr(C)]
pub struct Token {
    header: Header,
    var: Slot,
    context: Slot,
    /// The value before, or NULL.
    old: Slot,
    used: Slot,
}

crate::layout!(Token, builtin::CONTEXT_TOKEN, Slots);

/// The layout of `Token.MISSING`.
#[repr(C)]
struct Missing(Header);

// ---- contexts ----

/// `contextvars.Context`
pub static CONTEXT_DEF: TypeDef = TypeDef {
    slots: SlotTable {
        new: Some(new_context),
        iter: Some(|t, c| keys(t, c).and_then(|list| iter::get_iter(t, list))),
        len: Some(|_, c| Ok(receiver::<Context>(c).map().len())),
        getitem: Some(|t, c, key| match receiver::<Context>(c).map().get(require_var(t, key)?) {
            Some(v) => Ok(v),
            None => Err(exc::raise_key_error(t, key)),
        }),
        contains: Some(|t, c, key| Ok(receiver::<Context>(c).map().get(require_var(t, key)?).is_some())),
        richcompare: Some(compare_contexts),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::raw("run", "self, callable, *args, **kwargs", run_method),
        FnDef::def("copy", "self, /", |t, a| Ok(receiver::<Context>(a[0]).copy(t).value()))
            .doc("Return a shallow copy of the context object."),
        FnDef::def("get", "self, key, default=None, /", |t, a| {
            let found = receiver::<Context>(a[0]).map().get(require_var(t, a[1])?);
            Ok(found.or(a[2].non_null()).unwrap_or(Value::NONE))
        })
        .doc(
            "Return the value for `key` if `key` has the value in the context object.\n\nIf `key` does not exist, return `default`. If \
             `default` is not given,\nreturn None.",
        ),
        FnDef::def("keys", "self, /", |t, a| keys(t, a[0]).and_then(|list| iter::get_iter(t, list)))
            .doc("Return a list of all variables in the context object."),
        FnDef::def("values", "self, /", |t, a| list_of(t, a[0], |_, _, v| v).and_then(|list| iter::get_iter(t, list)))
            .doc("Return a list of all variables' values in the context object."),
        FnDef::def("items", "self, /", |t, a| {
            list_of(t, a[0], |t, k, v| Tuple::from_slice(t, &[k, v]).value()).and_then(|list| iter::get_iter(t, list))
        })
        .doc("Return all variables and their values in the context object.\n\nThe result is returned as a list of 2-tuples (variable, value)."),
    ],
    ..TypeDef::of::<Context>("_contextvars.Context")
};

impl Context {
    /// A context without variables.
    pub fn new(t: &Thread) -> Ref<Context> {
        Context::with_map(t, Map::EMPTY)
    }

    fn with_map(t: &Thread, map: Map) -> Ref<Context> {
        t.alloc(Context { header: header_of::<Context>(), map: Slot::new(map.value()), previous: Slot::NULL, entered: Slot::NULL })
    }

    fn map(&self) -> Map {
        Map::from_value(self.map.get())
    }

    /// The thread's current context, made if there is none.
    pub fn current(t: &Thread) -> Ref<Context> {
        if let Some(c) = t.context.get().non_null() {
            return receiver(c);
        }
        let c = Context::new(t);
        c.entered.set(t, c, Value::TRUE);
        t.context.set(c.value());
        c
    }

    /// `contextvars.copy_context()`
    pub fn copy_current(t: &Thread) -> Ref<Context> {
        Context::current(t).copy(t)
    }
}

impl Ref<Context> {
    /// A context with the same variables.
    pub fn copy(self, t: &Thread) -> Ref<Context> {
        Context::with_map(t, self.map())
    }

    /// Makes it the thread's current context.
    pub fn enter(self, t: &Thread) -> R<()> {
        if self.entered.compare_exchange(t, self, Value::NULL, Value::TRUE).is_err() {
            let shown = text::repr(t, self.value())?;
            raise!(t, RuntimeError, "cannot enter context: {} is already entered", shown.to_string_lossy())
        }
        self.previous.set(t, self, t.context.get());
        t.context.set(self.value());
        Ok(())
    }

    /// Makes the context before it the current one again.
    pub fn exit(self, t: &Thread) -> R<()> {
        if self.entered.get().is_null() {
            let shown = text::repr(t, self.value())?;
            raise!(t, RuntimeError, "cannot exit context: {} has not been entered", shown.to_string_lossy())
        }
        if t.context.get() != self.value() {
            raise!(t, RuntimeError, "cannot exit context: thread state references a different context object")
        }
        t.context.set(self.previous.get());
        self.previous.set(t, self, Value::NULL);
        self.entered.set(t, self, Value::NULL);
        Ok(())
    }

    /// Calls a function in this context.
    pub fn run(self, t: &Thread, f: Value, args: Args<'_>) -> R {
        self.enter(t)?;
        let result = call::call_args(t, f, args);
        let saved = t.take_exception();
        self.exit(t)?;
        if !saved.is_null() {
            t.raise_value(saved);
        }
        result
    }
}

fn new_context(t: &Thread, _class: Value, args: Args<'_>) -> R {
    if !args.is_empty() {
        raise!(t, TypeError, "Context() does not accept any arguments")
    }
    Ok(Context::new(t).value())
}

fn run_method(t: &Thread, args: Args<'_>) -> R {
    let (Some(context), Some(f)) = (args.pos().first(), args.pos().get(1)) else {
        raise!(t, TypeError, "run() missing 1 required positional argument")
    };
    receiver::<Context>(*context).run(t, *f, args.skip_first().skip_first())
}

fn require_var(t: &Thread, v: Value) -> R {
    if v.exact::<ContextVar>().is_some() {
        return Ok(v);
    }
    let shown = text::repr(t, v)?;
    raise!(t, TypeError, "a ContextVar key was expected, got {}", shown.to_string_lossy())
}

fn list_of(t: &Thread, context: Value, f: fn(&Thread, Value, Value) -> Value) -> R {
    let entries = receiver::<Context>(context).map().entries(t);
    let mut items = ValueList::with_capacity(t, entries.len() / 2);
    for i in (0..entries.len()).step_by(2) {
        items.push(t, f(t, entries.get(i), entries.get(i + 1)));
    }
    Ok(List::from_slice(t, items.as_slice())?.value())
}

fn keys(t: &Thread, context: Value) -> R {
    list_of(t, context, |_, k, _| k)
}

fn compare_contexts(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (Some(x), Some(y)) = (a.exact::<Context>(), b.exact::<Context>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    if !matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    Ok(Value::bool(same_variables(t, x.map(), y.map())? == (op == Compare::Eq)))
}

fn same_variables(t: &Thread, a: Map, b: Map) -> R<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    let entries = a.entries(t);
    for i in (0..entries.len()).step_by(2) {
        match b.get(entries.get(i)) {
            Some(v) if compare::values_equal(t, entries.get(i + 1), v)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

// ---- variables ----

/// `contextvars.ContextVar`
pub static CONTEXT_VAR_DEF: TypeDef = TypeDef {
    slots: SlotTable { new: Some(new_var), repr: Some(repr_var), ..SlotTable::EMPTY },
    methods: &[
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
        FnDef::def("get", "self, default=<unrepresentable>, /", |t, a| {
            let var = receiver::<ContextVar>(a[0]);
            match var.value_in_current(t).or(a[1].non_null()).or(var.default.opt()) {
                Some(v) => Ok(v),
                None => Err(t.raise_with(exc::LookupError, &[a[0]])),
            }
        })
        .doc(
            "Return a value for the context variable for the current context.\n\nIf there is no value for the variable in the current \
             context, the method will:\n * return the value of the default argument of the method, if provided; or\n * return the default \
             value for the context variable, if it was created\n   with one; or\n * raise a LookupError.",
        ),
        FnDef::def("set", "self, value, /", |t, a| receiver::<ContextVar>(a[0]).set(t, a[1])).doc(
            "Call to set a new value for the context variable in the current context.\n\nThe required *value* argument is the new value \
             for the context variable.\n\nReturns a Token object that can be used to restore the variable to its previous\nvalue via the \
             `ContextVar.reset()` method.",
        ),
        FnDef::def("reset", "self, token, /", |t, a| {
            let Some(token) = a[1].exact::<Token>() else {
                let shown = text::repr(t, a[1])?;
                raise!(t, TypeError, "expected an instance of Token, got {}", shown.to_string_lossy())
            };
            receiver::<ContextVar>(a[0]).reset(t, token)?;
            Ok(Value::NONE)
        })
        .doc(
            "Reset the context variable.\n\nThe variable is reset to the value it had before the `ContextVar.set()` that\ncreated the \
             token was used.",
        ),
    ],
    getset: &[GetSet::getter("name", |_, v| Ok(receiver::<ContextVar>(v).name.get())).member()],
    ..TypeDef::of::<ContextVar>("_contextvars.ContextVar")
};

impl ContextVar {
    /// A new variable; `default` is NULL for none.
    pub fn new(t: &Thread, name: Value, default: Value) -> Ref<ContextVar> {
        t.alloc(ContextVar { header: header_of::<ContextVar>(), name: Slot::new(name), default: Slot::new(default) })
    }
}

impl Ref<ContextVar> {
    /// Its value in the thread's current context, defaults aside.
    pub fn value_in_current(self, t: &Thread) -> Option<Value> {
        receiver::<Context>(t.context.get().non_null()?).map().get(self.value())
    }

    /// Its value, or its default.
    pub fn get(self, t: &Thread) -> Option<Value> {
        self.value_in_current(t).or(self.default.opt())
    }

    /// Sets it in the current context; a token to undo that.
    pub fn set(self, t: &Thread, v: Value) -> R {
        let context = Context::current(t);
        let map = context.map();
        let token = t.alloc(Token {
            header: header_of::<Token>(),
            var: Slot::new(self.value()),
            context: Slot::new(context.value()),
            old: Slot::new(map.get(self.value()).unwrap_or(Value::NULL)),
            used: Slot::NULL,
        });
        let map = map.insert(t, self.value(), v);
        context.map.set(t, context, map.value());
        Ok(token.value())
    }

    /// Undoes a [`Ref::set`].
    pub fn reset(self, t: &Thread, token: Ref<Token>) -> R<()> {
        let shown = |t: &Thread| text::repr(t, token.value()).map(|s| s.to_string_lossy().into_owned());
        if !token.used.get().is_null() {
            raise!(t, RuntimeError, "{} has already been used once", shown(t)?)
        }
        if token.var.get() != self.value() {
            raise!(t, ValueError, "{} was created by a different ContextVar", shown(t)?)
        }
        let context = Context::current(t);
        if token.context.get() != context.value() {
            raise!(t, ValueError, "{} was created in a different Context", shown(t)?)
        }
        token.used.set(t, token, Value::TRUE);
        let map = match token.old.opt() {
            Some(old) => context.map().insert(t, self.value(), old),
            None => context.map().remove(t, self.value()),
        };
        context.map.set(t, context, map.value());
        Ok(())
    }
}

fn new_var(t: &Thread, _class: Value, args: Args<'_>) -> R {
    static SIGNATURE: crate::args::Signature = crate::args::Signature::parse("name, /, *, default=<unrepresentable>");
    if args.pos().len() != 1 {
        raise!(t, TypeError, "ContextVar() takes exactly 1 positional argument ({} given)", args.pos().len())
    }
    args.bind(t, "ContextVar", &SIGNATURE, |a| {
        if !a[0].is_instance(builtin::STR) {
            raise!(t, TypeError, "context variable name must be a str")
        }
        hash::hash_value(t, a[0])?;
        Ok(ContextVar::new(t, a[0], a[1]).value())
    })
}

fn repr_var(t: &Thread, v: Value) -> R {
    let var = receiver::<ContextVar>(v);
    let mut message = crate::types::exceptions::Message::new("<ContextVar name=").repr(t, var.name.get())?;
    if let Some(default) = var.default.opt() {
        t.check_stack("")?;
        message = message.text(" default=").repr(t, default)?;
    }
    Ok(message.text(&format!(" at {:#x}>", v.bits())).finish(t)?.value())
}

// ---- tokens ----

/// `contextvars.Token`
pub static CONTEXT_TOKEN_DEF: TypeDef = TypeDef {
    slots: SlotTable {
        new: Some(|t, _, _| raise!(t, RuntimeError, "Tokens can only be created by ContextVars")),
        repr: Some(repr_token),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
        FnDef::def("__enter__", "self, /", |_, a| Ok(a[0])).doc("Enter into Token context manager."),
        FnDef::def("__exit__", "self, type, val, tb, /", |t, a| {
            let token = receiver::<Token>(a[0]);
            receiver::<ContextVar>(token.var.get()).reset(t, token)?;
            Ok(Value::NONE)
        })
        .doc("Exit from Token context manager, restore the linked ContextVar."),
    ],
    getset: &[
        GetSet::getter("var", |_, v| Ok(receiver::<Token>(v).var.get())),
        GetSet::getter("old_value", |t, v| match receiver::<Token>(v).old.opt() {
            Some(old) => Ok(old),
            None => crate::protocol::attr::get_attr_text(t, builtin::CONTEXT_TOKEN.value(), "MISSING"),
        }),
    ],
    ..TypeDef::of::<Token>("_contextvars.Token")
};

fn repr_token(t: &Thread, v: Value) -> R {
    let token = receiver::<Token>(v);
    let used = if token.used.get().is_null() { "" } else { " used" };
    let message = crate::types::exceptions::Message::new(&format!("<Token{used} var=")).repr(t, token.var.get())?;
    Ok(message.text(&format!(" at {:#x}>", v.bits())).finish(t)?.value())
}

/// Gives the class Token its attribute `MISSING`. Part of making the module.
pub fn complete_token(t: &Thread) -> R<()> {
    if builtin::CONTEXT_TOKEN.dict().get_text(t, "MISSING").is_some() {
        return Ok(());
    }
    let class = crate::types::Type::from_def(t, &MISSING_DEF);
    let missing = t.mutator.alloc_any(class.instance_size(), class.instance_header());
    let missing = Value::cell(missing.as_ptr());
    builtin::CONTEXT_TOKEN.dict().set_text(t, "MISSING", missing)
}

static MISSING_DEF: TypeDef = TypeDef {
    flags: crate::types::flag::DISALLOW_INSTANTIATION,
    slots: SlotTable { repr: Some(|t, _| Ok(Str::new(t, "<Token.MISSING>").value())), ..SlotTable::EMPTY },
    size: size_of::<Missing>() + size_of::<Slot>(),
    kind: limpid_heap::Kind::Leaf as u8,
    value_slots: 0,
    ..TypeDef::of::<Token>("Token.MISSING")
};
