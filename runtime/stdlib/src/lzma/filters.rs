//! Filters: dicts such as `{"id": FILTER_LZMA2, "preset": 6}` and the library's structures.

use super::{ERROR, failure};
use liblzma_sys as z;
use limpid_heap::Value;
use limpid_vm::object::{R, Raised, Ref, ValueExt};
use limpid_vm::protocol::{iter, number, sequence};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytes, Dict, Str, int};
use limpid_vm::{err, exc, raise};
use std::ffi::c_void;

/// The most filters of a chain.
const MOST: usize = 4;

/// What marks a chain's end.
const NO_FILTER: z::lzma_filter = z::lzma_filter { id: z::LZMA_VLI_UNKNOWN, options: std::ptr::null_mut() };

/// The library's options of the delta filter. Its binding has no name for them.
#[repr(C)]
#[derive(Clone, Copy)]
struct DeltaOptions {
    /// Differences of bytes, the only kind there is.
    kind: u32,
    distance: u32,
    reserved: [u32; 4],
    reserved_pointers: [*const c_void; 2],
}

/// A filter's options.
enum Options {
    Lzma(Box<z::lzma_options_lzma>),
    Delta(Box<DeltaOptions>),
    Branch(Box<z::lzma_options_bcj>),
}

/// A filter.
pub(super) struct Filter {
    id: u64,
    options: Options,
}

impl Filter {
    fn raw(&self) -> z::lzma_filter {
        let options: *const c_void = match &self.options {
            Options::Lzma(o) => std::ptr::from_ref(&**o).cast(),
            Options::Delta(o) => std::ptr::from_ref(&**o).cast(),
            Options::Branch(o) => std::ptr::from_ref(&**o).cast(),
        };
        z::lzma_filter { id: self.id, options: options.cast_mut() }
    }
}

/// The filters that data goes through.
pub(super) struct Chain(Vec<Filter>);

impl Chain {
    /// Hands `f` the library's form of the chain.
    pub fn with_raw<T>(&self, f: impl FnOnce(*const z::lzma_filter) -> T) -> T {
        let raw: Vec<_> = self.0.iter().map(Filter::raw).chain([NO_FILTER]).collect();
        f(raw.as_ptr())
    }

    /// The options of a chain of one filter for .lzma.
    pub fn alone(&self) -> Option<&z::lzma_options_lzma> {
        match &self.0[..] {
            [Filter { id: z::LZMA_FILTER_LZMA1, options: Options::Lzma(options) }] => Some(options),
            _ => None,
        }
    }

    /// A chain from a sequence of specifiers.
    pub fn parse(t: &Thread, specifiers: Value) -> R<Chain> {
        let count = sequence::len(t, specifiers)?;
        if !iter::is_sequence(specifiers) {
            raise!(t, TypeError, "{} is not a sequence", specifiers.class().display_name())
        }
        if count > MOST {
            raise!(t, ValueError, "Too many filters - liblzma supports a maximum of {MOST}")
        }
        (0..count).map(|i| parse(t, sequence::get_item(t, specifiers, int::from_usize(t, i))?)).collect::<R<Vec<_>>>().map(Chain)
    }
}

/// The options of a preset.
pub(super) fn preset(t: &Thread, preset: u32) -> R<z::lzma_options_lzma> {
    // SAFETY: the structure consists of numbers and pointers, and the function fills it.
    let (failed, options) = unsafe {
        let mut options = std::mem::zeroed();
        (z::lzma_lzma_preset(&mut options, preset), options)
    };
    if failed != 0 {
        return Err(t.raise(ERROR.get(), &format!("Invalid compression preset: {preset}")));
    }
    Ok(options)
}

/// A specifier's numbers: what it says of each of `names`, which with `id` are all it may contain.
fn numbers<const N: usize>(t: &Thread, specifier: Value, names: [&str; N], kind: &str) -> R<[Option<u32>; N]> {
    let mut found = [None; N];
    iter::for_each(t, specifier, |key| {
        let name = key.downcast::<Str>().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        if name == "id" {
            return Ok(());
        }
        let Some(i) = names.iter().position(|n| *n == name) else { raise!(t, ValueError, "Invalid filter specifier for {kind} filter") };
        found[i] = Some(int::to_u32(t, number::index(t, sequence::get_item(t, specifier, key)?)?)?);
        Ok(())
    })?;
    Ok(found)
}

/// A filter from its specifier.
pub(super) fn parse(t: &Thread, specifier: Value) -> R<Filter> {
    if specifier.class().slots().getitem.is_none() {
        raise!(t, TypeError, "Filter specifier must be a dict or dict-like object")
    }
    let id = match sequence::get_item(t, specifier, Str::new(t, "id").value()) {
        Err(_) if t.exception_is(exc::KeyError) => {
            t.take_exception();
            raise!(t, ValueError, "Filter specifier must have an \"id\" entry")
        }
        id => int::to_u64(t, number::index(t, id?)?)?,
    };
    let options = match id {
        z::LZMA_FILTER_LZMA1 | z::LZMA_FILTER_LZMA2 => {
            const NAMES: [&str; 9] = ["preset", "dict_size", "lc", "lp", "pb", "mode", "nice_len", "mf", "depth"];
            let [start, dict_size, lc, lp, pb, mode, nice_len, mf, depth] = numbers(t, specifier, NAMES, "LZMA")?;
            let mut o = preset(t, start.unwrap_or(z::LZMA_PRESET_DEFAULT))?;
            o.dict_size = dict_size.unwrap_or(o.dict_size);
            o.lc = lc.unwrap_or(o.lc);
            o.lp = lp.unwrap_or(o.lp);
            o.pb = pb.unwrap_or(o.pb);
            o.mode = mode.unwrap_or(o.mode);
            o.nice_len = nice_len.unwrap_or(o.nice_len);
            o.mf = mf.unwrap_or(o.mf);
            o.depth = depth.unwrap_or(o.depth);
            Options::Lzma(Box::new(o))
        }
        z::LZMA_FILTER_DELTA => {
            let [distance] = numbers(t, specifier, ["dist"], "delta")?;
            let distance = distance.unwrap_or(1);
            Options::Delta(Box::new(DeltaOptions { kind: 0, distance, reserved: [0; 4], reserved_pointers: [std::ptr::null(); 2] }))
        }
        z::LZMA_FILTER_X86..=z::LZMA_FILTER_SPARC => {
            let [start_offset] = numbers(t, specifier, ["start_offset"], "BCJ")?;
            Options::Branch(Box::new(z::lzma_options_bcj { start_offset: start_offset.unwrap_or(0) }))
        }
        _ => return Err(unknown(t, id)),
    };
    Ok(Filter { id, options })
}

fn unknown(t: &Thread, id: u64) -> Raised {
    err!(t, ValueError, "Invalid filter ID: {id}")
}

/// `_lzma._encode_filter_properties`
pub(super) fn encode_properties(t: &Thread, a: &[Value]) -> R {
    let filter = parse(t, a[0])?;
    let raw = filter.raw();
    let mut size = 0;
    // SAFETY: the filter has the options that belong to its number.
    let code = unsafe { z::lzma_properties_size(&mut size, &raw) };
    failure(t, code)?;
    let mut out = vec![0; size as usize];
    // SAFETY: the buffer has the size that the library has asked for.
    let code = unsafe { z::lzma_properties_encode(&raw, out.as_mut_ptr()) };
    failure(t, code)?;
    Ok(Bytes::from_slice(t, &out)?.value())
}

/// `_lzma._decode_filter_properties`
pub(super) fn decode_properties(t: &Thread, a: &[Value]) -> R {
    let id = int::to_u64(t, number::index(t, a[0])?)?;
    let encoded = limpid_vm::types::memory::get_buffer(t, a[1])?;
    let encoded = encoded.as_slice();
    let mut filter = z::lzma_filter { id, options: std::ptr::null_mut() };
    // SAFETY: the library reads so many bytes and allocates the options, which are freed below.
    let code = unsafe { z::lzma_properties_decode(&mut filter, std::ptr::null(), encoded.as_ptr(), encoded.len()) };
    failure(t, code)?;
    let made = specifier(t, &filter);
    // SAFETY: without an allocator of ours the library has used malloc.
    unsafe { libc::free(filter.options) };
    Ok(made?.value())
}

/// The dict that describes a filter.
fn specifier(t: &Thread, filter: &z::lzma_filter) -> R<Ref<Dict>> {
    let dict = Dict::new(t);
    let set = |name: &str, value: u64| dict.set_text(t, name, int::from_u64(t, value));
    set("id", filter.id)?;
    // SAFETY: the library has given the options that belong to the filter's number, or none.
    unsafe {
        match filter.id {
            z::LZMA_FILTER_LZMA1 => {
                let options = &*filter.options.cast::<z::lzma_options_lzma>();
                set("lc", options.lc.into())?;
                set("lp", options.lp.into())?;
                set("pb", options.pb.into())?;
                set("dict_size", options.dict_size.into())?;
            }
            z::LZMA_FILTER_LZMA2 => set("dict_size", (*filter.options.cast::<z::lzma_options_lzma>()).dict_size.into())?,
            z::LZMA_FILTER_DELTA => set("dist", (*filter.options.cast::<DeltaOptions>()).distance.into())?,
            z::LZMA_FILTER_X86..=z::LZMA_FILTER_SPARC => {
                if let Some(options) = filter.options.cast::<z::lzma_options_bcj>().as_ref() {
                    set("start_offset", options.start_offset.into())?;
                }
            }
            id => return Err(unknown(t, id)),
        }
    }
    Ok(dict)
}
