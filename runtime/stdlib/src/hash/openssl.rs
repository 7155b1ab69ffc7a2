//! `_hashlib`: what CPython takes from OpenSSL. The algorithms are the same as those of the other modules; key derivation is only here.

use super::hasher::{self, ALGORITHMS, Algorithm, Mac};
use super::mac::{self, HMAC, HMAC_DEF};
use super::object::{ATTRIBUTES, EXTENDABLE_METHODS, Hash, METHODS, construct, data, hash};
use crate::exception_class::{self, ExceptionClass};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{attr, number};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::{Buffer, get_buffer, has_buffer};
use limpid_vm::types::{BuiltinFunction, Bytes, Dict, MappingProxy, Module, Str, Type, TypeDef, ValueList, flag, int, set, type_};
use limpid_vm::{exc, raise};

/// `_hashlib.HASH`
pub static HASH: TypeCell = TypeCell::new();
/// `_hashlib.HASHXOF`
pub static HASHXOF: TypeCell = TypeCell::new();
/// `_hashlib.UnsupportedDigestmodError`
pub static UNSUPPORTED: TypeCell = TypeCell::new();

fn repr(t: &Thread, v: Value) -> R {
    let class = v.class().display_name();
    Ok(Str::new(t, &format!("<{} {class} object @ {:#x}>", hash(v).about().name, v.bits())).value())
}

static HASH_DEF: TypeDef = TypeDef {
    doc: "A hash is an object used to calculate a checksum of a string of information.",
    flags: flag::DISALLOW_INSTANTIATION | flag::BASE_TYPE,
    slots: SlotTable { repr: Some(repr), ..SlotTable::EMPTY },
    methods: METHODS,
    getset: ATTRIBUTES,
    ..TypeDef::of::<Hash>("_hashlib.HASH")
};

static HASHXOF_DEF: TypeDef = TypeDef {
    doc: "A hash is an object used to calculate a checksum of a string of information.",
    base: Some(|| HASH.get()),
    flags: flag::DISALLOW_INSTANTIATION | flag::BASE_TYPE,
    methods: EXTENDABLE_METHODS,
    ..TypeDef::of::<Hash>("_hashlib.HASHXOF")
};

fn class_for(algorithm: &Algorithm) -> Ref<Type> {
    if algorithm.is_extendable() { HASHXOF.get() } else { HASH.get() }
}

macro_rules! constructors {
    ($($index:literal $name:literal)*) => {
        &[$(FnDef::def($name, "data=b'', *, usedforsecurity=True, string=None", |t, a| {
            construct(t, class_for(&ALGORITHMS[$index]), &ALGORITHMS[$index], a)
        }).doc("Returns a hash object; optionally initialized with a string."),)*]
    };
}

/// In the order of [`ALGORITHMS`].
static CONSTRUCTORS: &[FnDef] = constructors! {
    0 "openssl_md5" 1 "openssl_sha1" 2 "openssl_sha224" 3 "openssl_sha256" 4 "openssl_sha384" 5 "openssl_sha512" 6 "openssl_sha3_224"
    7 "openssl_sha3_256" 8 "openssl_sha3_384" 9 "openssl_sha3_512" 10 "openssl_shake_128" 11 "openssl_shake_256"
};

/// `_hashlib`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "OpenSSL interface for hashlib module",
    functions: &[
        FnDef::def("new", "name, data=b'', *, usedforsecurity=True, string=None", new)
            .doc("Return a new hash object using the named algorithm."),
        FnDef::def("pbkdf2_hmac", "hash_name, password, salt, iterations, dklen=None", pbkdf2_hmac)
            .doc("Password based key derivation function 2 (PKCS #5 v2.0) with HMAC as pseudorandom function."),
        FnDef::def("scrypt", "password, *, salt, n, r, p, maxmem=0, dklen=64", scrypt)
            .doc("scrypt password-based key derivation function."),
        FnDef::def("hmac_new", "key, msg=b'', digestmod=None", hmac_new).doc("Return a new hmac object."),
        FnDef::def("hmac_digest", "key, msg, digest", hmac_digest).doc("Single-shot HMAC."),
        FnDef::def("get_fips_mode", "", |_, _| Ok(Value::int(0))).doc("Determine the OpenSSL FIPS mode of operation."),
        FnDef::def("compare_digest", "a, b, /", |t, a| {
            let module = limpid_vm::modules::import::import_text(t, "_operator")?;
            limpid_vm::protocol::call::call_method_text(t, module, "_compare_digest", a)
        })
        .doc("Return 'a == b'."),
    ],
    init,
    ..ModuleDef::named("_hashlib")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let unsupported = ExceptionClass { name: "_hashlib.UnsupportedDigestmodError", doc: "", base: || exc::ValueError };
    exception_class::add(t, m, &UNSUPPORTED, &unsupported)?;
    for (name, def, cell) in [("HASH", &HASH_DEF, &HASH), ("HASHXOF", &HASHXOF_DEF, &HASHXOF), ("HMAC", &HMAC_DEF, &HMAC)] {
        m.dict().set_text(t, name, type_::create_native(t, def, cell)?.value())?;
    }
    let (functions, mut algorithms) = (Dict::new(t), ValueList::new(t));
    for (f, algorithm) in CONSTRUCTORS.iter().zip(ALGORITHMS) {
        limpid_vm::modules::add_function(t, m, f)?;
        let name = Str::new(t, algorithm.name).value();
        algorithms.push(t, name);
        functions.set_item(t, attr::get_attr_text(t, m.value(), f.name)?, name)?;
    }
    m.dict().set_text(t, "_constructors", MappingProxy::new(t, functions.value()).value())?;
    m.dict().set_text(t, "openssl_md_meth_names", set::new_frozenset(t, algorithms.as_slice())?)?;
    m.dict().set_text(t, "_GIL_MINSIZE", Value::int(2048))
}

/// The algorithm that a name means; upper case is as good.
fn named(t: &Thread, v: Value, class: Ref<Type>) -> R<&'static Algorithm> {
    let Some(s) = v.downcast::<Str>() else { raise!(t, TypeError, "name must be a string") };
    let name = s.to_string_lossy().to_lowercase().replace("sha3-", "sha3_");
    match hasher::find(&name) {
        Some(algorithm) => Ok(algorithm),
        None => Err(t.raise(class, &format!("unsupported hash type {}", s.to_string_lossy()))),
    }
}

fn new(t: &Thread, a: &[Value]) -> R {
    let algorithm = named(t, a[0], exc::ValueError)?;
    construct(t, class_for(algorithm), algorithm, &[a[1], a[2], a[3]])
}

fn pbkdf2_hmac(t: &Thread, a: &[Value]) -> R {
    let algorithm = named(t, a[0], exc::ValueError)?;
    if algorithm.is_extendable() {
        raise!(t, ValueError, "unsupported hash type {}", algorithm.name)
    }
    let (password, salt) = (get_buffer(t, a[1])?, get_buffer(t, a[2])?);
    let iterations = number::index_isize(t, a[3])?;
    if iterations < 1 {
        raise!(t, ValueError, "iteration value must be greater than 0.")
    }
    if iterations > i32::MAX as isize {
        raise!(t, OverflowError, "iteration value is too great.")
    }
    let length = match a[4].non_null().filter(|v| !v.is_none()) {
        None => algorithm.size as isize,
        Some(v) => number::index_isize(t, v)?,
    };
    if length < 1 {
        raise!(t, ValueError, "key length must be greater than 0.")
    }
    if length > i32::MAX as isize {
        raise!(t, OverflowError, "key length is too great.")
    }
    let mut out = vec![0; length as usize];
    t.blocking(|| hasher::pbkdf2(algorithm, password.as_slice(), salt.as_slice(), iterations as u64, &mut out));
    Ok(Bytes::from_slice(t, &out)?.value())
}

fn scrypt(t: &Thread, a: &[Value]) -> R {
    let (password, salt) = (get_buffer(t, a[0])?, get_buffer(t, a[1])?);
    let positive = |v: Value| -> R<u64> {
        let v = number::index(t, v)?;
        if int::is_negative(v) {
            raise!(t, ValueError, "value must be positive")
        }
        int::to_u64(t, v)
    };
    let (n, r, p) = (positive(a[2])?, positive(a[3])?, positive(a[4])?);
    if n < 2 || !n.is_power_of_two() {
        raise!(t, ValueError, "n must be a power of 2.")
    }
    let most_memory = if a[5].is_null() { 0 } else { positive(a[5])? };
    if most_memory > i32::MAX as u64 {
        raise!(t, ValueError, "maxmem must be positive and smaller than {}", i32::MAX)
    }
    let length = if a[6].is_null() { 64 } else { positive(a[6])? };
    if !(1..=i32::MAX as u64).contains(&length) {
        raise!(t, ValueError, "dklen must be greater than 0 and smaller than {}", i32::MAX)
    }
    // OpenSSL's limit.
    const DEFAULT_MEMORY: u64 = 32 << 20;
    let limit = if most_memory == 0 { DEFAULT_MEMORY } else { most_memory };
    let needed = 128u64.checked_mul(r).and_then(|block| block.checked_mul(n.checked_add(p)?.checked_add(2)?));
    let parameters = match (u32::try_from(r), u32::try_from(p)) {
        (Ok(r), Ok(p)) if needed.is_some_and(|needed| needed <= limit) => scrypt::Params::new(n.trailing_zeros() as u8, r, p).ok(),
        _ => None,
    };
    let Some(parameters) = parameters else { raise!(t, ValueError, "Invalid parameter combination for n, r, p, maxmem.") };
    let mut out = vec![0; length as usize];
    match t.blocking(|| scrypt::scrypt(password.as_slice(), salt.as_slice(), &parameters, &mut out)) {
        Ok(()) => Ok(Bytes::from_slice(t, &out)?.value()),
        Err(_) => raise!(t, ValueError, "Invalid parameter combination for n, r, p, maxmem."),
    }
}

/// The algorithm that a name or one of the module's functions means.
fn digest_mode(t: &Thread, v: Value) -> R<&'static Algorithm> {
    let algorithm = if v.downcast::<Str>().is_some() {
        Some(named(t, v, UNSUPPORTED.get())?)
    } else {
        let def = v.downcast::<BuiltinFunction>().map(|f| std::ptr::from_ref(f.def()));
        CONSTRUCTORS.iter().position(|f| def == Some(std::ptr::from_ref(f))).map(|i| &ALGORITHMS[i])
    };
    match algorithm.filter(|a| !a.is_extendable()) {
        Some(algorithm) => Ok(algorithm),
        None => Err(t.raise(UNSUPPORTED.get(), "Unsupported digestmod")),
    }
}

/// The key of an HMAC.
pub(super) fn key(t: &Thread, v: Value) -> R<Buffer> {
    if !has_buffer(v) {
        raise!(t, TypeError, "a bytes-like object is required, not '{}'", v.class().display_name())
    }
    get_buffer(t, v)
}

fn hmac_new(t: &Thread, a: &[Value]) -> R {
    let key = key(t, a[0])?;
    let Some(digestmod) = a[2].non_null().filter(|d| !d.is_none()) else { raise!(t, TypeError, "Missing required parameter 'digestmod'.") };
    let mut mac = Mac::new(digest_mode(t, digestmod)?, key.as_slice());
    if let Some(message) = a[1].non_null().filter(|m| !m.is_none()) {
        mac.update(data(t, message)?.as_slice());
    }
    Ok(mac::make(t, HMAC.get(), mac))
}

fn hmac_digest(t: &Thread, a: &[Value]) -> R {
    let (key, message) = (key(t, a[0])?, get_buffer(t, a[1])?);
    let algorithm = digest_mode(t, a[2])?;
    let digest = t.blocking(|| {
        let mut mac = Mac::new(algorithm, key.as_slice());
        mac.update(message.as_slice());
        mac.digest()
    });
    Ok(Bytes::from_slice(t, &digest)?.value())
}
