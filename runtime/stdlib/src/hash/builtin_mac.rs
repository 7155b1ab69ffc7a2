//! `_hmac`: HMAC over the algorithms that come with the runtime, known by their names.

use super::hasher::{self, ALGORITHMS, Algorithm, BLAKE2B, BLAKE2S, Mac};
use super::mac::{self, BUILTIN_HMAC, BUILTIN_HMAC_DEF};
use super::object::data;
use super::openssl::key;
use crate::exception_class::{self, ExceptionClass};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::text;
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::get_buffer;
use limpid_vm::types::{Bytes, Module, Str, type_};
use limpid_vm::{exc, raise};

/// `_hmac.UnknownHashError`
pub static UNKNOWN: TypeCell = TypeCell::new();

/// The function that computes a digest with one algorithm.
macro_rules! compute {
    ($name:literal, $algorithm:expr) => {
        FnDef::def($name, "key, msg, /", |t, a| digest(t, a[0], a[1], $algorithm))
    };
}

/// `_hmac`
pub static MODULE: ModuleDef = ModuleDef {
    functions: &[
        FnDef::def("new", "key, msg=None, digestmod=None", new).doc("Return a new HMAC object."),
        FnDef::def("compute_digest", "key, msg, digest", |t, a| {
            let algorithm = named(t, a[2])?;
            digest(t, a[0], a[1], algorithm)
        })
        .doc("Compute the HMAC of a message at once."),
        compute!("compute_md5", &ALGORITHMS[0]),
        compute!("compute_sha1", &ALGORITHMS[1]),
        compute!("compute_sha224", &ALGORITHMS[2]),
        compute!("compute_sha256", &ALGORITHMS[3]),
        compute!("compute_sha384", &ALGORITHMS[4]),
        compute!("compute_sha512", &ALGORITHMS[5]),
        compute!("compute_sha3_224", &ALGORITHMS[6]),
        compute!("compute_sha3_256", &ALGORITHMS[7]),
        compute!("compute_sha3_384", &ALGORITHMS[8]),
        compute!("compute_sha3_512", &ALGORITHMS[9]),
        compute!("compute_blake2s_32", &BLAKE2S),
        compute!("compute_blake2b_32", &BLAKE2B),
    ],
    init,
    ..ModuleDef::named("_hmac")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let unknown = ExceptionClass { name: "_hmac.UnknownHashError", doc: "", base: || exc::ValueError };
    exception_class::add(t, m, &UNKNOWN, &unknown)?;
    m.dict().set_text(t, "HMAC", type_::create_native(t, &BUILTIN_HMAC_DEF, &BUILTIN_HMAC)?.value())?;
    super::add_threshold(t, m)
}

/// The algorithm of fixed size with a name, in lower case.
fn find(name: &str) -> Option<&'static Algorithm> {
    [&BLAKE2B, &BLAKE2S].into_iter().find(|a| a.name == name).or_else(|| hasher::find(name)).filter(|a| !a.is_extendable())
}

fn named(t: &Thread, v: Value) -> R<&'static Algorithm> {
    match v.downcast::<Str>().and_then(|s| find(&s.to_string_lossy().to_lowercase())) {
        Some(algorithm) => Ok(algorithm),
        None => Err(t.raise(UNKNOWN.get(), &format!("unsupported hash type: {}", text::repr(t, v)?.to_string_lossy()))),
    }
}

fn new(t: &Thread, a: &[Value]) -> R {
    let key = key(t, a[0])?;
    let Some(name) = a[2].non_null() else { raise!(t, TypeError, "new() missing 1 required argument 'digestmod'") };
    let mut mac = Mac::new(named(t, name)?, key.as_slice());
    if let Some(message) = a[1].non_null().filter(|m| !m.is_none()) {
        let message = data(t, message)?;
        t.blocking(|| mac.update(message.as_slice()));
    }
    Ok(mac::make(t, BUILTIN_HMAC.get(), mac))
}

fn digest(t: &Thread, k: Value, message: Value, algorithm: &'static Algorithm) -> R {
    let (key, message) = (key(t, k)?, get_buffer(t, message)?);
    let digest = t.blocking(|| {
        let mut mac = Mac::new(algorithm, key.as_slice());
        mac.update(message.as_slice());
        mac.digest()
    });
    Ok(Bytes::from_slice(t, &digest)?.value())
}
