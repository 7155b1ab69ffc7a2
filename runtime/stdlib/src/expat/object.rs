//! `pyexpat.xmlparser`: the object, its attributes and methods.
//!
//! What a handler may look at or change while the parser runs is in the object: handlers, flags, the place, the text that is held back.
//! The rest is the [`Core`], which belongs to the thread that parses until it is done.

use super::codes::Code;
use super::core::{Core, ParameterParsing};
use super::run::{self, Run};
use crate::owned;
use limpid_heap::{Header, Value};
use limpid_vm::args::{FnDef, GetSet, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, call, number, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::get_buffer;
use limpid_vm::types::{Bytearray, Bytes, List, Str, TypeDef, flag, int};
use limpid_vm::{layout, raise};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering::Relaxed};

/// `handlers!(Name, ...)`: the events a program can handle, and the attributes that hold what handles them.
macro_rules! handlers {
    ($($name:ident),*) => {
        /// An event.
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub(super) enum Handler { $($name),* }

        /// How many there are.
        const HANDLERS: usize = [$(Handler::$name),*].len();

        /// The attributes of the parser object.
        static ATTRIBUTES: [GetSet; HANDLERS + OTHERS.len()] = {
            let mut all = [OTHERS[0]; HANDLERS + OTHERS.len()];
            let handlers = [$(GetSet::property(
                handlers!(@attribute $name),
                |_, v| Ok(receiver::<Parser>(v).handlers[Handler::$name as usize].opt().unwrap_or(Value::NONE)),
                |t, v, f| set_handler(t, receiver(v), Handler::$name, f),
            )),*];
            let mut i = 0;
            while i < all.len() {
                all[i] = if i < HANDLERS { handlers[i] } else { OTHERS[i - HANDLERS] };
                i += 1;
            }
            all
        };
    };
    (@attribute DefaultHandlerExpand) => { "DefaultHandlerExpand" };
    (@attribute Default) => { "DefaultHandler" };
    (@attribute $name:ident) => { concat!(stringify!($name), "Handler") };
}

handlers!(
    StartElement,
    EndElement,
    ProcessingInstruction,
    CharacterData,
    UnparsedEntityDecl,
    NotationDecl,
    StartNamespaceDecl,
    EndNamespaceDecl,
    Comment,
    StartCdataSection,
    EndCdataSection,
    Default,
    DefaultHandlerExpand,
    NotStandalone,
    ExternalEntityRef,
    StartDoctypeDecl,
    EndDoctypeDecl,
    EntityDecl,
    XmlDecl,
    ElementDecl,
    AttlistDecl,
    SkippedEntity
);

/// A place in the input.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Bytes from the beginning of the document to that of [`Parser::input`].
    base: usize,
    /// How far in the input this place is.
    offset: usize,
    line: usize,
    column: usize,
}

impl Place {
    /// Goes on to an offset.
    fn advance(&mut self, input: &[u8], to: usize) {
        let passed = &input[self.offset.min(to)..to];
        for (i, &b) in passed.iter().enumerate() {
            let at = self.offset + i;
            match b {
                b'\n' if at > 0 && input[at - 1] == b'\r' => {}
                b'\n' | b'\r' => {
                    self.line += 1;
                    self.column = 0;
                }
                // The other bytes of a character.
                0x80..=0xBF => {}
                _ => self.column += 1,
            }
        }
        self.offset = to;
    }
}

/// Where the input begins, and the last place that somebody has asked for.
pub(super) struct Places {
    start: Place,
    now: Place,
}

/// Text that is held back to be handed out in one piece.
pub(super) struct Held {
    /// Is text held back at all?
    pub on: bool,
    /// The text.
    pub text: String,
    /// How many bytes of it at most.
    pub size: usize,
}

/// The layout.
#[repr(C)]
pub struct Parser {
    header: Header,
    /// What handles each event, or NULL.
    pub(super) handlers: [Slot; HANDLERS],
    /// The dict of names that the program sees, or None.
    pub(super) intern: Slot,
    /// The strings of names, by their numbers: a list.
    pub(super) names: Slot,
    /// What `SetBase` was given, or None.
    pub(super) base: Slot,
    /// The input that is parsed, as UTF-8: bytes, or NULL.
    pub(super) input: Slot,
    /// Where in the input the event is that a handler was called for.
    pub(super) event: AtomicUsize,
    pub(super) ordered_attributes: AtomicBool,
    pub(super) specified_attributes: AtomicBool,
    pub(super) namespace_prefixes: AtomicBool,
    pub(super) deferral: AtomicBool,
    pub(super) error: AtomicI32,
    /// Makes lines and columns of offsets.
    pub(super) places: Mutex<Places>,
    pub(super) held: Mutex<Held>,
    /// None while a thread is parsing.
    pub(super) core: Mutex<Option<Box<Core>>>,
    /// What a parser of an entity starts with, while this one is parsing.
    pub(super) shared: Mutex<super::core::Shared>,
}

/// `pyexpat.xmlparser`
pub static PARSER: TypeCell = TypeCell::new();
layout!(Parser, PARSER.get(), Mixed);

impl Parser {
    /// A new parser.
    pub(super) fn create(t: &Thread, core: Core, intern: Value) -> Ref<Parser> {
        let names = List::new(t).value();
        let start = Place { base: 0, offset: 0, line: 1, column: 0 };
        let shared = core.shared.clone();
        let made = t.alloc(Parser {
            header: header_of::<Parser>(),
            handlers: [const { Slot::NULL }; HANDLERS],
            intern: Slot::new(intern),
            names: Slot::new(names),
            base: Slot::new(Value::NONE),
            input: Slot::NULL,
            event: AtomicUsize::new(0),
            ordered_attributes: AtomicBool::new(false),
            specified_attributes: AtomicBool::new(false),
            namespace_prefixes: AtomicBool::new(false),
            deferral: AtomicBool::new(true),
            error: AtomicI32::new(0),
            places: Mutex::new(Places { start, now: start }),
            held: Mutex::new(Held { on: false, text: String::new(), size: 8 << 10 }),
            core: Mutex::new(Some(Box::new(core))),
            shared: Mutex::new(shared),
        });
        owned::dropped(t, made)
    }

    /// The line (from 1) and column of the event, and its byte.
    pub(super) fn position(&self) -> (usize, usize, usize) {
        let event = self.event.load(Relaxed);
        let mut places = self.places.lock();
        let input = self.input.get().non_null().and_then(|v| v.downcast::<Bytes>());
        let input = input.as_ref().map_or(&[][..], |b| b.as_slice());
        if event < places.now.offset {
            places.now = places.start;
        }
        places.now.advance(input, event.min(input.len()));
        let now = places.now;
        (now.line, now.column, now.base + now.offset)
    }

    /// From now on offsets are those in `input`, whose first byte is where the parser has come to.
    pub(super) fn begin_input(this: Ref<Parser>, t: &Thread, input: Value, skipped: usize) {
        this.position();
        let done = this.places.lock().now;
        this.input.set(t, this, input);
        this.event.store(skipped, Relaxed);
        let start = Place { base: done.base + done.offset, offset: 0, ..done };
        *this.places.lock() = Places { start, now: start };
    }
}

/// Sets what handles an event; None and NULL for nothing.
fn set_handler(t: &Thread, this: Ref<Parser>, handler: Handler, f: Value) -> R<()> {
    if f.is_null() {
        raise!(t, RuntimeError, "Cannot delete attribute")
    }
    if handler == Handler::CharacterData {
        // What was held back belongs to the one before.
        run::flush(t, this)?;
    }
    let f = if f.is_none() { Value::NULL } else { f };
    this.handlers[handler as usize].set(t, this, f);
    if !f.is_null() {
        // The last one that is set decides whether entities are expanded.
        let other = match handler {
            Handler::Default => Handler::DefaultHandlerExpand,
            Handler::DefaultHandlerExpand => Handler::Default,
            _ => return Ok(()),
        };
        this.handlers[other as usize].set(t, this, Value::NULL);
    }
    Ok(())
}

/// Sets a flag.
fn set_flag(t: &Thread, flag: &AtomicBool, v: Value) -> R<()> {
    if v.is_null() {
        raise!(t, RuntimeError, "Cannot delete attribute")
    }
    flag.store(truth::truth(t, v)?, Relaxed);
    Ok(())
}

fn set_buffer_text(t: &Thread, v: Value, to: Value) -> R<()> {
    if to.is_null() {
        raise!(t, RuntimeError, "Cannot delete attribute")
    }
    let on = truth::truth(t, to)?;
    let this = receiver::<Parser>(v);
    if !on {
        run::flush(t, this)?;
    }
    this.held.lock().on = on;
    Ok(())
}

fn set_buffer_size(t: &Thread, v: Value, to: Value) -> R<()> {
    if to.is_null() {
        raise!(t, RuntimeError, "Cannot delete attribute")
    }
    if !int::is_int(to) {
        raise!(t, TypeError, "buffer_size must be an integer")
    }
    let size = int::to_isize(t, to)?;
    if size <= 0 {
        raise!(t, ValueError, "buffer_size must be greater than zero")
    }
    if size > i32::MAX as isize {
        raise!(t, ValueError, "buffer_size must not be greater than {}", i32::MAX)
    }
    let this = receiver::<Parser>(v);
    if this.held.lock().size != size as usize {
        run::flush(t, this)?;
        this.held.lock().size = size as usize;
    }
    Ok(())
}

/// `flag!("ordered_attributes", ordered_attributes)`: an attribute that is True or False.
macro_rules! flag {
    ($field:ident) => {
        GetSet::property(
            stringify!($field),
            |_, v| Ok(Value::bool(receiver::<Parser>(v).$field.load(Relaxed))),
            |t, v, to| set_flag(t, &receiver::<Parser>(v).$field, to),
        )
    };
}

/// The attributes that are no handlers.
const OTHERS: [GetSet; 14] = [
    GetSet::getter("ErrorCode", |_, v| Ok(Value::int(receiver::<Parser>(v).error.load(Relaxed).into()))),
    GetSet::getter("ErrorLineNumber", |t, v| Ok(int::from_usize(t, receiver::<Parser>(v).position().0))),
    GetSet::getter("ErrorColumnNumber", |t, v| Ok(int::from_usize(t, receiver::<Parser>(v).position().1))),
    GetSet::getter("ErrorByteIndex", |t, v| Ok(int::from_usize(t, receiver::<Parser>(v).position().2))),
    GetSet::getter("CurrentLineNumber", |t, v| Ok(int::from_usize(t, receiver::<Parser>(v).position().0))),
    GetSet::getter("CurrentColumnNumber", |t, v| Ok(int::from_usize(t, receiver::<Parser>(v).position().1))),
    GetSet::getter("CurrentByteIndex", |t, v| Ok(int::from_usize(t, receiver::<Parser>(v).position().2))),
    GetSet::property("buffer_size", |t, v| Ok(int::from_usize(t, receiver::<Parser>(v).held.lock().size)), set_buffer_size),
    GetSet::property("buffer_text", |_, v| Ok(Value::bool(receiver::<Parser>(v).held.lock().on)), set_buffer_text),
    GetSet::getter("buffer_used", |t, v| Ok(int::from_usize(t, receiver::<Parser>(v).held.lock().text.len()))),
    GetSet::getter("intern", |_, v| Ok(receiver::<Parser>(v).intern.get())).member(),
    flag!(namespace_prefixes),
    flag!(ordered_attributes),
    flag!(specified_attributes),
];

/// `xmlparser.Parse`
fn parse(t: &Thread, a: &[Value]) -> R {
    let last = !a[2].is_null() && truth::truth(t, a[2])?;
    let this = receiver::<Parser>(a[0]);
    if let Some(text) = a[1].downcast::<Str>() {
        let Some(utf8) = text.to_utf8() else {
            return call::call_method_text(t, a[1], "encode", &[]);
        };
        let data = Bytes::from_slice(t, utf8.as_bytes())?;
        Run::parse(t, this, data, last, true)?;
    } else {
        let data = match a[1].exact::<Bytes>() {
            Some(data) => data,
            None => Bytes::from_slice(t, get_buffer(t, a[1])?.as_slice())?,
        };
        Run::parse(t, this, data, last, false)?;
    }
    Ok(Value::int(1))
}

/// How much is read from a file at once.
const READ_SIZE: usize = 2 << 10;

/// `xmlparser.ParseFile`
fn parse_file(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Parser>(a[0]);
    let name = limpid_vm::types::str::intern(t, "read");
    let Some(read) = attr::get_attr_opt(t, a[1], name)? else { raise!(t, TypeError, "argument must have 'read' attribute") };
    loop {
        let data = call::call(t, read, &[int::from_usize(t, READ_SIZE)])?;
        if data.downcast::<Bytes>().is_none() && data.downcast::<Bytearray>().is_none() {
            raise!(t, TypeError, "read() did not return a bytes object (type={})", data.class().display_name())
        }
        let data = Bytes::from_slice(t, get_buffer(t, data)?.as_slice())?;
        if data.len() > READ_SIZE {
            raise!(t, ValueError, "read() returned too much data: {READ_SIZE} bytes requested, {} returned", data.len())
        }
        Run::parse(t, this, data, data.is_empty(), false)?;
        if data.is_empty() {
            return Ok(Value::int(1));
        }
    }
}

/// `xmlparser.ExternalEntityParserCreate`
fn create_entity_parser(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Parser>(a[0]);
    let context = match a[1] {
        v if v.is_none() => None,
        v => match v.downcast::<Str>() {
            Some(s) => Some(s.to_string_lossy().into_owned()),
            None => {
                raise!(t, TypeError, "ExternalEntityParserCreate() argument 1 must be str or None, not {}", v.class().display_name())
            }
        },
    };
    let encoding = match a[2] {
        v if v.is_null() => None,
        v => match v.downcast::<Str>() {
            Some(s) => Some(s.to_string_lossy().into_owned()),
            None => raise!(t, TypeError, "ExternalEntityParserCreate() argument 2 must be str, not {}", v.class().display_name()),
        },
    };
    let core = Core::of_entity(this.shared.lock().clone(), context.as_deref(), encoding);
    let made = Parser::create(t, core, this.intern.get());
    for (from, to) in this.handlers.iter().zip(&made.handlers) {
        to.set(t, made, from.get());
    }
    made.base.set(t, made, this.base.get());
    for (from, to) in [
        (&this.ordered_attributes, &made.ordered_attributes),
        (&this.specified_attributes, &made.specified_attributes),
        (&this.namespace_prefixes, &made.namespace_prefixes),
        (&this.deferral, &made.deferral),
    ] {
        to.store(from.load(Relaxed), Relaxed);
    }
    let (on, size) = {
        let held = this.held.lock();
        (held.on, held.size)
    };
    *made.held.lock() = Held { on, size, text: String::new() };
    Ok(made.value())
}

/// `xmlparser.SetParamEntityParsing`
fn set_parameter_parsing(t: &Thread, a: &[Value]) -> R {
    let Some(to) = ParameterParsing::from_number(number::index_i32(t, a[1])?) else { return Ok(Value::int(0)) };
    let this = receiver::<Parser>(a[0]);
    let mut core = this.core.lock();
    let Some(core) = core.as_mut().filter(|c| !c.started) else { return Ok(Value::int(0)) };
    core.shared.parameter_parsing = to;
    this.shared.lock().parameter_parsing = to;
    Ok(Value::int(1))
}

/// `xmlparser.UseForeignDTD`
fn use_foreign_dtd(t: &Thread, a: &[Value]) -> R {
    let to = a[1].is_null() || truth::truth(t, a[1])?;
    let this = receiver::<Parser>(a[0]);
    if let Some(core) = this.core.lock().as_mut().filter(|c| !c.started) {
        core.foreign_dtd = to;
        return Ok(Value::NONE);
    }
    Err(run::raise_error(t, this, Code::CANT_CHANGE_FEATURE_ONCE_PARSING))
}

/// `xmlparser.GetInputContext`
fn input_context(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Parser>(a[0]);
    let parsing = this.core.lock().is_none();
    match this.input.get().non_null().and_then(|v| v.downcast::<Bytes>()).filter(|_| parsing) {
        Some(input) => {
            let from = this.event.load(Relaxed).min(input.len());
            Ok(Bytes::from_slice(t, &input.as_slice()[from..])?.value())
        }
        None => Ok(Value::NONE),
    }
}

fn set_base(t: &Thread, a: &[Value]) -> R {
    if a[1].downcast::<Str>().is_none() {
        raise!(t, TypeError, "SetBase() argument must be str, not {}", a[1].class().display_name())
    }
    let this = receiver::<Parser>(a[0]);
    this.base.set(t, this, a[1]);
    Ok(Value::NONE)
}

/// `xmlparser`
pub(super) static PARSER_DEF: TypeDef = TypeDef {
    doc: "XML parser",
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable::EMPTY,
    methods: &[
        FnDef::def("Parse", "self, data, isfinal=False, /", parse).doc("Parse more of the document; isfinal says that it ends with this."),
        FnDef::def("ParseFile", "self, file, /", parse_file).doc("Parse a document from a file opened for bytes."),
        FnDef::def("SetBase", "self, base, /", set_base).doc("Set what relative addresses in the document are relative to."),
        FnDef::def("GetBase", "self, /", |_, a| Ok(receiver::<Parser>(a[0]).base.get())).doc("What SetBase was given, or None."),
        FnDef::def("GetInputContext", "self, /", input_context)
            .doc("The input from the text of the current event on, as UTF-8; None outside handlers."),
        FnDef::def("ExternalEntityParserCreate", "self, context, encoding=<unrepresentable>, /", create_entity_parser)
            .doc("A parser for an external entity, with the handlers and settings of this one."),
        FnDef::def("SetParamEntityParsing", "self, flag, /", set_parameter_parsing)
            .doc("Say whether parameter entities and the external part of the DTD are parsed; 1 if that can be set."),
        FnDef::def("UseForeignDTD", "self, flag=True, /", use_foreign_dtd)
            .doc("Have ExternalEntityRefHandler asked for a DTD where the document names none."),
        FnDef::def("SetReparseDeferralEnabled", "self, enabled, /", |t, a| {
            set_flag(t, &receiver::<Parser>(a[0]).deferral, a[1])?;
            Ok(Value::NONE)
        })
        .doc("Say whether what is incomplete is left alone until much more of it has come."),
        FnDef::def("GetReparseDeferralEnabled", "self, /", |_, a| Ok(Value::bool(receiver::<Parser>(a[0]).deferral.load(Relaxed))))
            .doc("Is what is incomplete left alone until much more of it has come?"),
    ],
    getset: &ATTRIBUTES,
    ..TypeDef::of::<Parser>("pyexpat.xmlparser")
};
