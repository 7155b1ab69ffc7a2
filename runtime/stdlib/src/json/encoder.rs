//! The encoder: objects to JSON text.

use super::{ENCODE, ENCODE_ASCII, escape};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, GetSet, Signature, receiver};
use limpid_vm::object::{R, Raised, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{call, iter, number, text, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::float::text::{FloatStyle, write_float};
use limpid_vm::types::str::{AsciiText, StrBuilder};
use limpid_vm::types::{BuiltinFunction, Dict, List, Str, Tuple, TypeDef, builtin, float, int};
use limpid_vm::{layout, raise};

/// The layout.
#[repr(C)]
pub struct Encoder {
    header: Header,
    /// A dict or None: is it looked whether an object contains itself?
    markers: Slot,
    default: Slot,
    encoder: Slot,
    indent: Slot,
    key_separator: Slot,
    item_separator: Slot,
    sort_keys: Slot,
    skipkeys: Slot,
    allow_nan: Slot,
}

/// `_json.Encoder`
pub static ENCODER: TypeCell = TypeCell::new();
layout!(Encoder, ENCODER.get(), Slots);

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature =
        Signature::parse("markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan");
    args.bind(t, "make_encoder", &SIGNATURE, |a| {
        if !a[0].is_none() && a[0].downcast::<Dict>().is_none() {
            raise!(t, TypeError, "make_encoder() argument 1 must be dict or None, not {}", a[0].class().display_name())
        }
        if !a[3].is_none() && a[3].downcast::<Str>().is_none() {
            raise!(t, TypeError, "make_encoder() argument 4 must be str or None, not {}", a[3].class().display_name())
        }
        for i in [4, 5] {
            if a[i].downcast::<Str>().is_none() {
                raise!(t, TypeError, "make_encoder() argument {} must be str, not {}", i + 1, a[i].class().display_name())
            }
        }
        let flag = |v: Value| Ok(Slot::new(Value::bool(truth::truth(t, v)?)));
        let (sort_keys, skipkeys, allow_nan) = (flag(a[6])?, flag(a[7])?, flag(a[8])?);
        let fields = Encoder {
            header: header_of::<Encoder>(),
            markers: Slot::new(a[0]),
            default: Slot::new(a[1]),
            encoder: Slot::new(a[2]),
            indent: Slot::new(a[3]),
            key_separator: Slot::new(a[4]),
            item_separator: Slot::new(a[5]),
            sort_keys,
            skipkeys,
            allow_nan,
        };
        // SAFETY: `__new__` is called with a class.
        Ok(t.alloc_instance(unsafe { Ref::from_value(class) }, fields).value())
    })
}

fn encoder_call(t: &Thread, v: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("obj, _current_indent_level");
    args.bind(t, "_iterencode", &SIGNATURE, |a| {
        let level = number::index_isize(t, a[1])?.max(0) as usize;
        let mut encoding = Encoding::new(receiver::<Encoder>(v));
        encoding.object(t, a[0], level)?;
        Ok(Tuple::from_slice(t, &[encoding.out.finish(t)?.value()]).value())
    })
}

/// How strings are written.
#[derive(Clone, Copy)]
enum Strings {
    Ascii,
    Any,
    /// By a function of the program's.
    Function(Value),
}

/// One call of an encoder.
struct Encoding {
    encoder: Ref<Encoder>,
    strings: Strings,
    checks: bool,
    indents: bool,
    /// The addresses of the objects that are being written, outermost first.
    open: Vec<u64>,
    out: StrBuilder,
}

/// Adds to the current exception what was being written.
#[cold]
fn noted(t: &Thread, of: Value, part: impl FnOnce() -> R<String>) -> Raised {
    let e = t.take_exception();
    let add = || -> R {
        let note = format!("when serializing {} {}", crate::qualified_name(t, of.class())?, part()?);
        call::call_method_text(t, e, "add_note", &[Str::new(t, &note).value()])
    };
    match add() {
        Ok(_) => t.raise_value(e),
        Err(raised) => raised,
    }
}

impl Encoding {
    fn new(encoder: Ref<Encoder>) -> Encoding {
        let function = encoder.encoder.get();
        let native = function.downcast::<BuiltinFunction>().map(|f| f.def() as *const _);
        let strings = match native {
            Some(def) if std::ptr::eq(def, &ENCODE_ASCII) => Strings::Ascii,
            Some(def) if std::ptr::eq(def, &ENCODE) => Strings::Any,
            _ => Strings::Function(function),
        };
        Encoding {
            encoder,
            strings,
            checks: !encoder.markers.get().is_none(),
            indents: !encoder.indent.get().is_none(),
            open: Vec::new(),
            out: StrBuilder::new(),
        }
    }

    /// Appends a field that is a str.
    fn push_field(&mut self, v: Value) {
        if let Some(s) = v.downcast::<Str>() {
            self.out.push_str(s);
        }
    }

    fn newline(&mut self, level: usize) {
        self.out.push(b'\n' as u32);
        let indent = self.encoder.indent.get();
        (0..level).for_each(|_| self.push_field(indent));
    }

    fn string(&mut self, t: &Thread, v: Value, s: Ref<Str>) -> R<()> {
        match self.strings {
            Strings::Ascii => escape::write(&mut self.out, &s, true),
            Strings::Any => escape::write(&mut self.out, &s, false),
            Strings::Function(f) => {
                let encoded = call::call(t, f, &[v])?;
                match encoded.downcast::<Str>() {
                    Some(s) => self.out.push_str(s),
                    None => raise!(t, TypeError, "encoder() must return a string, not {}", encoded.class().display_name()),
                }
            }
        }
        Ok(())
    }

    /// The text of a float. `v` is the object for the error.
    fn float(&self, t: &Thread, v: Value, f: f64) -> R<AsciiText> {
        if f.is_finite() {
            let mut out = AsciiText::new();
            write_float(&mut out, f, FloatStyle::REPR);
            return Ok(out);
        }
        if self.encoder.allow_nan.get() != Value::TRUE {
            raise!(t, ValueError, "Out of range float values are not JSON compliant: {}", text::repr(t, v)?.to_string_lossy())
        }
        let name: &[u8] = if f.is_nan() {
            b"NaN"
        } else if f > 0.0 {
            b"Infinity"
        } else {
            b"-Infinity"
        };
        Ok(AsciiText::from_slice(name))
    }

    /// The words that stand for themselves, in values and keys.
    fn word(v: Value) -> Option<&'static str> {
        match v {
            Value::NONE => Some("null"),
            Value::TRUE => Some("true"),
            Value::FALSE => Some("false"),
            _ => None,
        }
    }

    fn int(&mut self, t: &Thread, v: Value) -> R<()> {
        if v.is_int() {
            let mut buffer = Default::default();
            self.out.push_latin1(int::text::decimal_i64(v.as_int(), &mut buffer).as_bytes());
            return Ok(());
        }
        self.out.push_str(int::text::repr(t, v)?);
        Ok(())
    }

    fn object(&mut self, t: &Thread, v: Value, level: usize) -> R<()> {
        if let Some(word) = Encoding::word(v) {
            self.out.push_latin1(word.as_bytes());
            return Ok(());
        }
        if let Some(s) = v.downcast::<Str>() {
            return self.string(t, v, s);
        }
        if int::is_int(v) {
            return self.int(t, v);
        }
        if let Some(f) = float::as_f64_opt(v).filter(|_| v.is_instance(builtin::FLOAT)) {
            let text = self.float(t, v, f)?;
            self.out.push_latin1(&text);
            return Ok(());
        }
        t.check_stack(" while encoding a JSON object")?;
        if let Some(list) = v.downcast::<List>() {
            return self.array(t, v, level, |i| list.get(i));
        }
        if let Some(tuple) = v.downcast::<Tuple>() {
            return self.array(t, v, level, |i| tuple.as_slice().get(i).copied());
        }
        if let Some(dict) = v.downcast::<Dict>() {
            return self.dict(t, dict, level);
        }
        self.enter(t, v)?;
        let replacement = call::call(t, self.encoder.default.get(), &[v])?;
        if self.object(t, replacement, level).is_err() {
            return Err(noted(t, v, || Ok("object".to_string())));
        }
        self.leave();
        Ok(())
    }

    /// Begins to write an object that contains others.
    fn enter(&mut self, t: &Thread, v: Value) -> R<()> {
        if !self.checks {
            return Ok(());
        }
        if self.open.contains(&v.bits()) {
            raise!(t, ValueError, "Circular reference detected")
        }
        self.open.push(v.bits());
        Ok(())
    }

    fn leave(&mut self) {
        self.open.pop();
    }

    /// Before an item of an array or object.
    fn separate(&mut self, first: bool, level: usize) {
        if !first {
            self.push_field(self.encoder.item_separator.get());
        }
        if self.indents {
            self.newline(level + 1);
        }
    }

    fn array(&mut self, t: &Thread, v: Value, level: usize, item: impl Fn(usize) -> Option<Value>) -> R<()> {
        if item(0).is_none() {
            self.out.push_latin1(b"[]");
            return Ok(());
        }
        self.enter(t, v)?;
        self.out.push(b'[' as u32);
        let mut i = 0;
        while let Some(element) = item(i) {
            self.separate(i == 0, level);
            if self.object(t, element, level + 1).is_err() {
                return Err(noted(t, v, || Ok(format!("item {i}"))));
            }
            i += 1;
        }
        if self.indents {
            self.newline(level);
        }
        self.out.push(b']' as u32);
        self.leave();
        Ok(())
    }

    fn dict(&mut self, t: &Thread, dict: Ref<Dict>, level: usize) -> R<()> {
        if dict.is_empty() {
            self.out.push_latin1(b"{}");
            return Ok(());
        }
        self.enter(t, dict.value())?;
        self.out.push(b'{' as u32);
        let mut first = true;
        let sorts = self.encoder.sort_keys.get() == Value::TRUE;
        if sorts || dict.value().class() != builtin::DICT {
            let items = iter::to_list(t, call::call_method_text(t, dict.value(), "items", &[])?)?;
            if sorts {
                call::call_method_text(t, items.value(), "sort", &[])?;
            }
            let mut i = 0;
            while let Some(item) = items.get(i) {
                let Some(pair) = item.downcast::<Tuple>().filter(|p| p.len() == 2) else {
                    raise!(t, ValueError, "items must return 2-tuples")
                };
                self.entry(t, dict, (pair.get(0), pair.get(1)), level, &mut first)?;
                i += 1;
            }
        } else {
            let mut position = 0;
            while let Some(entry) = dict.next_entry(&mut position) {
                self.entry(t, dict, entry, level, &mut first)?;
            }
        }
        if self.indents && !first {
            self.newline(level);
        }
        self.out.push(b'}' as u32);
        self.leave();
        Ok(())
    }

    fn entry(&mut self, t: &Thread, dict: Ref<Dict>, (key, value): (Value, Value), level: usize, first: &mut bool) -> R<()> {
        let name = if key.downcast::<Str>().is_some() {
            key
        } else if let Some(word) = Encoding::word(key) {
            Str::new(t, word).value()
        } else if let Some(f) = float::as_f64_opt(key).filter(|_| key.is_instance(builtin::FLOAT)) {
            Str::from_ascii(t, &self.float(t, key, f)?)?.value()
        } else if int::is_int(key) {
            int::text::repr(t, key)?.value()
        } else if self.encoder.skipkeys.get() == Value::TRUE {
            return Ok(());
        } else {
            raise!(t, TypeError, "keys must be str, int, float, bool or None, not {}", key.class().display_name())
        };
        self.separate(*first, level);
        *first = false;
        if let Some(s) = name.downcast::<Str>() {
            self.string(t, name, s)?;
        }
        self.push_field(self.encoder.key_separator.get());
        if self.object(t, value, level + 1).is_err() {
            return Err(noted(t, dict.value(), || Ok(format!("item {}", text::repr(t, key)?.to_string_lossy()))));
        }
        Ok(())
    }
}

macro_rules! member {
    ($field:ident) => {
        GetSet::getter(stringify!($field), |_, v| Ok(receiver::<Encoder>(v).$field.get())).doc(stringify!($field)).member()
    };
}

/// `_json.Encoder`
pub static ENCODER_DEF: TypeDef = TypeDef {
    doc: "Encoder(markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)",
    slots: SlotTable { new: Some(new), call: Some(encoder_call), ..SlotTable::EMPTY },
    getset: &[
        member!(markers),
        member!(default),
        member!(encoder),
        member!(indent),
        member!(key_separator),
        member!(item_separator),
        member!(sort_keys),
        member!(skipkeys),
    ],
    ..TypeDef::of::<Encoder>("_json.Encoder")
};
