//! Digest objects. All types of them share one layout and these functions; a type's methods are given its own kind of objects only.

use super::hasher::{Algorithm, Hasher};
use crate::owned;
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature};
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::number;
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::{Buffer, get_buffer_with, has_buffer, request};
use limpid_vm::types::{Bytes, Str, Type, int};
use limpid_vm::{layout, raise};
use parking_lot::Mutex;

/// What is hashed less of is hashed at once; with more, other threads need not wait.
const LONG: usize = 2048;

/// The layout.
#[repr(C)]
pub struct Hash {
    header: Header,
    about: About,
    state: Mutex<Hasher>,
}

/// One of the types with the layout: `_md5.md5`.
pub static MD5: TypeCell = TypeCell::new();
layout!(Hash, MD5.get(), Leaf);

/// What a digest object tells of its algorithm.
#[derive(Clone, Copy)]
pub(super) struct About {
    pub name: &'static str,
    pub block: usize,
    pub size: usize,
}

impl About {
    pub fn of(a: &Algorithm) -> About {
        About { name: a.name, block: a.block, size: a.size }
    }
}

/// A digest object of one of the types.
pub(super) fn make(t: &Thread, class: Ref<Type>, about: About, hasher: Hasher) -> Value {
    owned::dropped(t, t.alloc_cell(Hash { header: class.instance_header(), about, state: Mutex::new(hasher) })).value()
}

/// The receiver of a method of one of the types.
pub(super) fn hash<'a>(v: Value) -> &'a Hash {
    // SAFETY: descriptors have checked the receiver, and all types whose methods come here have this layout. The caller's value keeps it
    // alive.
    unsafe { &*Ref::<Hash>::from_value(v).ptr() }
}

impl Hash {
    pub fn about(&self) -> About {
        self.about
    }
}

/// The bytes to hash.
pub(super) fn data(t: &Thread, v: Value) -> R<Buffer> {
    if v.downcast::<Str>().is_some() {
        raise!(t, TypeError, "Strings must be encoded before hashing")
    }
    if !has_buffer(v) {
        raise!(t, TypeError, "object supporting the buffer API required")
    }
    let buffer = get_buffer_with(t, v, request::SIMPLE)?;
    if buffer.dimensions() > 1 {
        raise!(t, BufferError, "Buffer must be single dimension")
    }
    Ok(buffer)
}

/// Of the parameters `data` and `string` the one that is given.
pub(super) fn initial(t: &Thread, data: Value, string: Value) -> R<Option<Value>> {
    let string = string.non_null().filter(|s| !s.is_none());
    match (data.non_null(), string) {
        (Some(_), Some(_)) => raise!(
            t,
            TypeError,
            "'data' and 'string' are mutually exclusive and support for 'string' keyword parameter is slated for removal in a future version."
        ),
        (data, string) => Ok(data.or(string)),
    }
}

/// Hashes bytes, long ones without holding other threads up.
pub(super) fn feed(t: &Thread, hasher: &mut Hasher, bytes: &[u8]) {
    if bytes.len() < LONG { hasher.update(bytes) } else { t.blocking(|| hasher.update(bytes)) }
}

/// Parameters of the constructors.
pub(super) static SIGNATURE: Signature = Signature::parse("data=b'', *, usedforsecurity=True, string=None");

/// A new digest object, from the parameters of [`SIGNATURE`].
pub(super) fn construct(t: &Thread, class: Ref<Type>, algorithm: &'static Algorithm, a: &[Value]) -> R {
    let mut hasher = algorithm.start();
    if let Some(v) = initial(t, a[0], a[2])? {
        feed(t, &mut hasher, data(t, v)?.as_slice());
    }
    Ok(make(t, class, About::of(algorithm), hasher))
}

/// `__new__` of a type for one algorithm.
pub(super) fn construct_from(t: &Thread, class: Value, algorithm: &'static Algorithm, args: Args<'_>) -> R {
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::from_value(class) };
    args.bind(t, algorithm.name, &SIGNATURE, |a| construct(t, class, algorithm, a))
}

fn update(t: &Thread, a: &[Value]) -> R {
    let bytes = data(t, a[1])?;
    let mut state = owned::lock(t, &hash(a[0]).state);
    feed(t, &mut state, bytes.as_slice());
    Ok(Value::NONE)
}

fn copy(t: &Thread, a: &[Value]) -> R {
    let this = hash(a[0]);
    let state = owned::lock(t, &this.state).clone();
    Ok(make(t, a[0].class(), this.about, state))
}

fn result(t: &Thread, v: Value, length: usize) -> Vec<u8> {
    owned::lock(t, &hash(v).state).digest(length)
}

pub(super) fn hexadecimal(t: &Thread, bytes: &[u8]) -> R {
    limpid_vm::types::bytes_methods::hex(t, bytes, Value::NULL, Value::NULL)
}

/// How long a digest is to be.
fn length(t: &Thread, v: Value) -> R<usize> {
    /// More is a mistake.
    const MOST: u64 = 1 << 29;
    let n = number::index(t, v)?;
    if int::is_negative(n) {
        raise!(t, ValueError, "length must be non-negative")
    }
    match int::as_u64_opt(n).filter(|n| *n < MOST) {
        Some(n) => Ok(n as usize),
        None => raise!(t, ValueError, "length is too large"),
    }
}

const UPDATE: FnDef =
    FnDef::def("update", "self, obj, /", update).doc("Update this hash object's state with the provided bytes-like object.");
const COPY: FnDef = FnDef::def("copy", "self, /", copy).doc("Return a copy of the hash object.");

/// The methods of digests of fixed size.
pub(super) static METHODS: &[FnDef] = &[
    UPDATE,
    COPY,
    FnDef::def("digest", "self, /", |t, a| Ok(Bytes::from_slice(t, &result(t, a[0], 0))?.value()))
        .doc("Return the digest value as a bytes object."),
    FnDef::def("hexdigest", "self, /", |t, a| hexadecimal(t, &result(t, a[0], 0)))
        .doc("Return the digest value as a string of hexadecimal digits."),
];

/// The methods of extendable digests.
pub(super) static EXTENDABLE_METHODS: &[FnDef] = &[
    UPDATE,
    COPY,
    FnDef::def("digest", "self, length", |t, a| {
        let n = length(t, a[1])?;
        Ok(Bytes::from_slice(t, &result(t, a[0], n))?.value())
    })
    .doc("Return the digest value as a bytes object."),
    FnDef::def("hexdigest", "self, length", |t, a| {
        let n = length(t, a[1])?;
        hexadecimal(t, &result(t, a[0], n))
    })
    .doc("Return the digest value as a string of hexadecimal digits."),
];

macro_rules! attributes {
    ($($more:expr),*) => {
        &[
            GetSet::getter("name", |t, v| Ok(Str::new(t, hash(v).about.name).value())),
            GetSet::getter("block_size", |t, v| Ok(int::from_usize(t, hash(v).about.block))),
            GetSet::getter("digest_size", |t, v| Ok(int::from_usize(t, hash(v).about.size))),
            $($more),*
        ]
    };
}

/// The attributes of all digests.
pub(super) static ATTRIBUTES: &[GetSet] = attributes!();

/// The attributes of SHA-3 digests, with the numbers of their sponge.
pub(super) static SPONGE_ATTRIBUTES: &[GetSet] = attributes!(
    GetSet::getter("_capacity_bits", |t, v| Ok(int::from_usize(t, 1600 - hash(v).about.block * 8))),
    GetSet::getter("_rate_bits", |t, v| Ok(int::from_usize(t, hash(v).about.block * 8))),
    GetSet::getter("_suffix", |t, v| Ok(Bytes::from_slice(t, if hash(v).about.size == 0 { b"\x1f" } else { b"\x06" })?.value()))
);
