//! `_blake2`.

use super::hasher::Hasher;
use super::object::{ATTRIBUTES, About, Hash, METHODS, data, feed, initial, make};
use crate::constants;
use limpid_heap::Value;
use limpid_vm::args::{Args, Signature};
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::protocol::{number, truth};
use limpid_vm::raise;
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::get_buffer;
use limpid_vm::types::{Module, TypeDef, int, type_};

/// `_blake2.blake2b`
pub static BLAKE2B: TypeCell = TypeCell::new();
/// `_blake2.blake2s`
pub static BLAKE2S: TypeCell = TypeCell::new();

/// `_blake2`
pub static MODULE: ModuleDef = ModuleDef { doc: "_blake2b provides BLAKE2b for hashlib\n", init, ..ModuleDef::named("_blake2") };

/// What the two variants differ in.
struct Variant {
    name: &'static str,
    block: usize,
    /// The most bytes of a digest and of a key.
    size: usize,
    /// Bytes of a salt and of a personalization.
    salt: usize,
    node_offset: u64,
    start: fn(&Parameters) -> Hasher,
}

struct Parameters {
    digest_size: usize,
    key: Vec<u8>,
    salt: Vec<u8>,
    person: Vec<u8>,
    fanout: u8,
    depth: u8,
    leaf_size: u32,
    node_offset: u64,
    node_depth: u8,
    inner_size: usize,
    last_node: bool,
}

macro_rules! start {
    ($variant:ident, $crate_name:ident) => {
        |p| {
            let mut params = $crate_name::Params::new();
            params
                .hash_length(p.digest_size)
                .key(&p.key)
                .salt(&p.salt)
                .personal(&p.person)
                .fanout(p.fanout)
                .max_depth(p.depth)
                .max_leaf_length(p.leaf_size)
                .node_offset(p.node_offset)
                .node_depth(p.node_depth)
                .inner_hash_length(p.inner_size)
                .last_node(p.last_node);
            Hasher::$variant(Box::new(params.to_state()))
        }
    };
}

static B: Variant =
    Variant { name: "blake2b", block: 128, size: 64, salt: 16, node_offset: u64::MAX, start: start!(Blake2b, blake2b_simd) };
static S: Variant =
    Variant { name: "blake2s", block: 64, size: 32, salt: 8, node_offset: (1 << 48) - 1, start: start!(Blake2s, blake2s_simd) };

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    for (variant, class) in [(&B, type_::create_native(t, &BLAKE2B_DEF, &BLAKE2B)?), (&S, type_::create_native(t, &BLAKE2S_DEF, &BLAKE2S)?)]
    {
        m.dict().set_text(t, variant.name, class.value())?;
        let sizes =
            [("SALT_SIZE", variant.salt), ("PERSON_SIZE", variant.salt), ("MAX_KEY_SIZE", variant.size), ("MAX_DIGEST_SIZE", variant.size)];
        for (name, size) in sizes {
            class.dict().set_text(t, name, int::from_usize(t, size))?;
            constants::add_one(t, m, &format!("{}_{name}", variant.name.to_uppercase()), size as i64)?;
        }
    }
    Ok(())
}

/// A parameter from `min` to `max`.
fn small(t: &Thread, v: Value, name: &str, default: i32, (min, max): (i32, i32)) -> R<i32> {
    if v.is_null() {
        return Ok(default);
    }
    let n = number::index_i32(t, v)?;
    if !(min..=max).contains(&n) {
        raise!(t, ValueError, "{name} must be between {min} and {max}")
    }
    Ok(n)
}

/// A parameter that is not negative.
fn large(t: &Thread, v: Value, name: &str, max: u64) -> R<u64> {
    if v.is_null() {
        return Ok(0);
    }
    let n = number::index(t, v)?;
    if int::is_negative(n) {
        raise!(t, ValueError, "value must be positive")
    }
    match int::as_u64_opt(n).filter(|n| *n <= max) {
        Some(n) => Ok(n),
        None => raise!(t, OverflowError, "{name} is too large"),
    }
}

/// A parameter of bytes; `what` is how many there may be of what.
fn short(t: &Thread, v: Value, what: &str, max: usize) -> R<Vec<u8>> {
    if v.is_null() {
        return Ok(Vec::new());
    }
    let bytes = get_buffer(t, v)?.as_slice().to_vec();
    if bytes.len() > max {
        raise!(t, ValueError, "maximum {what} length is {max} bytes")
    }
    Ok(bytes)
}

fn new(t: &Thread, class: Value, variant: &'static Variant, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse(
        "data=b'', *, digest_size=None, key=b'', salt=b'', person=b'', fanout=1, depth=1, leaf_size=0, node_offset=0, node_depth=0, \
         inner_size=0, last_node=False, usedforsecurity=True, string=None",
    );
    args.bind(t, variant.name, &SIGNATURE, |a| {
        let initial = initial(t, a[0], a[13])?;
        let size = variant.size as i32;
        let digest_size = if a[1].is_null() { size } else { number::index_i32(t, a[1])? };
        if !(1..=size).contains(&digest_size) {
            raise!(t, ValueError, "digest_size for {} must be between 1 and {size} bytes, here it is {digest_size}", variant.name)
        }
        let inner_size = if a[10].is_null() { 0 } else { number::index_i32(t, a[10])? };
        let parameters = Parameters {
            digest_size: digest_size as usize,
            salt: short(t, a[3], "salt", variant.salt)?,
            person: short(t, a[4], "person", variant.salt)?,
            fanout: small(t, a[5], "fanout", 1, (0, 255))? as u8,
            depth: small(t, a[6], "depth", 1, (1, 255))? as u8,
            leaf_size: large(t, a[7], "leaf_size", u32::MAX as u64)? as u32,
            node_offset: large(t, a[8], "node_offset", variant.node_offset)?,
            node_depth: small(t, a[9], "node_depth", 0, (0, 255))? as u8,
            inner_size: if (0..=size).contains(&inner_size) {
                inner_size as usize
            } else {
                raise!(t, ValueError, "inner_size must be between 0 and is {size}")
            },
            key: short(t, a[2], "key", variant.size)?,
            last_node: !a[11].is_null() && truth::truth(t, a[11])?,
        };
        let mut hasher = (variant.start)(&parameters);
        if let Some(v) = initial {
            feed(t, &mut hasher, data(t, v)?.as_slice());
        }
        // SAFETY: `__new__` is called with a class.
        let class = unsafe { Ref::from_value(class) };
        Ok(make(t, class, About { name: variant.name, block: variant.block, size: parameters.digest_size }, hasher))
    })
}

/// `_blake2.blake2b`
pub static BLAKE2B_DEF: TypeDef = TypeDef {
    doc: "Return a new BLAKE2b hash object.",
    slots: SlotTable { new: Some(|t, class, args| new(t, class, &B, args)), ..SlotTable::EMPTY },
    methods: METHODS,
    getset: ATTRIBUTES,
    ..TypeDef::of::<Hash>("_blake2.blake2b")
};

/// `_blake2.blake2s`
pub static BLAKE2S_DEF: TypeDef = TypeDef {
    doc: "Return a new BLAKE2s hash object.",
    slots: SlotTable { new: Some(|t, class, args| new(t, class, &S, args)), ..SlotTable::EMPTY },
    methods: METHODS,
    getset: ATTRIBUTES,
    ..TypeDef::of::<Hash>("_blake2.blake2s")
};
