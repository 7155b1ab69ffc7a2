//! The modules behind `hashlib`: `_md5`, `_sha1`, `_sha2`, `_sha3`, `_blake2`, `_hmac`, and `_hashlib` with OpenSSL's names.

mod blake;
mod builtin_mac;
mod hasher;
mod mac;
mod object;
mod openssl;

pub use blake::MODULE as BLAKE2;
pub use builtin_mac::MODULE as HMAC;
pub use openssl::MODULE as HASHLIB;

use hasher::ALGORITHMS;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, TypeDef, flag, type_};
use object::{ATTRIBUTES, EXTENDABLE_METHODS, Hash, METHODS, SPONGE_ATTRIBUTES};

/// The types of digests without parameters, by the algorithm's place in [`ALGORITHMS`].
static TYPES: [&TypeCell; 12] = {
    static REST: [TypeCell; 11] = [const { TypeCell::new() }; 11];
    [&object::MD5, &REST[0], &REST[1], &REST[2], &REST[3], &REST[4], &REST[5], &REST[6], &REST[7], &REST[8], &REST[9], &REST[10]]
};

/// `__new__` of a type that programs do not call, and the function that they call instead.
macro_rules! function {
    ($index:literal, $name:literal) => {
        FnDef::def($name, "data=b'', *, usedforsecurity=True, string=None", |t, a| {
            object::construct(t, TYPES[$index].get(), &ALGORITHMS[$index], a)
        })
    };
}

macro_rules! plain_type {
    ($name:literal) => {
        TypeDef { flags: flag::DISALLOW_INSTANTIATION, methods: METHODS, getset: ATTRIBUTES, ..TypeDef::of::<Hash>($name) }
    };
}

macro_rules! sponge_type {
    ($index:literal, $name:literal, $methods:expr) => {
        TypeDef {
            slots: SlotTable {
                new: Some(|t, class, args| object::construct_from(t, class, &ALGORITHMS[$index], args)),
                ..SlotTable::EMPTY
            },
            methods: $methods,
            getset: SPONGE_ATTRIBUTES,
            ..TypeDef::of::<Hash>($name)
        }
    };
}

static MD5_DEF: TypeDef = plain_type!("_md5.md5");
static SHA1_DEF: TypeDef = plain_type!("_sha1.sha1");
static SHA2_DEFS: [TypeDef; 4] =
    [plain_type!("_sha2.SHA224Type"), plain_type!("_sha2.SHA256Type"), plain_type!("_sha2.SHA384Type"), plain_type!("_sha2.SHA512Type")];
static SHA3_DEFS: [TypeDef; 6] = [
    sponge_type!(6, "_sha3.sha3_224", METHODS),
    sponge_type!(7, "_sha3.sha3_256", METHODS),
    sponge_type!(8, "_sha3.sha3_384", METHODS),
    sponge_type!(9, "_sha3.sha3_512", METHODS),
    sponge_type!(10, "_sha3.shake_128", EXTENDABLE_METHODS),
    sponge_type!(11, "_sha3.shake_256", EXTENDABLE_METHODS),
];

/// Makes types and adds them to their module.
fn add_types(t: &Thread, m: Ref<Module>, defs: &'static [TypeDef], first: usize) -> R<()> {
    for (def, cell) in defs.iter().zip(&TYPES[first..]) {
        let class = type_::create_native(t, def, cell)?;
        m.dict().set_text(t, def.name.rsplit('.').next().unwrap_or(def.name), class.value())?;
    }
    Ok(())
}

/// How much is hashed at once without other threads having to wait.
fn add_threshold(t: &Thread, m: Ref<Module>) -> R<()> {
    m.dict().set_text(t, "_GIL_MINSIZE", Value::int(2048))
}

/// `_md5`
pub static MD5: ModuleDef = ModuleDef {
    functions: &[function!(0, "md5").doc("Return a new MD5 hash object; optionally initialized with a string.")],
    init: |t, m| {
        type_::create_native(t, &MD5_DEF, TYPES[0])?;
        m.dict().set_text(t, "MD5Type", TYPES[0].get().value())?;
        add_threshold(t, m)
    },
    ..ModuleDef::named("_md5")
};

/// `_sha1`
pub static SHA1: ModuleDef = ModuleDef {
    functions: &[function!(1, "sha1").doc("Return a new SHA1 hash object; optionally initialized with a string.")],
    init: |t, m| {
        type_::create_native(t, &SHA1_DEF, TYPES[1])?;
        m.dict().set_text(t, "SHA1Type", TYPES[1].get().value())?;
        add_threshold(t, m)
    },
    ..ModuleDef::named("_sha1")
};

/// `_sha2`
pub static SHA2: ModuleDef = ModuleDef {
    functions: &[
        function!(2, "sha224").doc("Return a new SHA-224 hash object; optionally initialized with a string."),
        function!(3, "sha256").doc("Return a new SHA-256 hash object; optionally initialized with a string."),
        function!(4, "sha384").doc("Return a new SHA-384 hash object; optionally initialized with a string."),
        function!(5, "sha512").doc("Return a new SHA-512 hash object; optionally initialized with a string."),
    ],
    init: |t, m| {
        add_types(t, m, &SHA2_DEFS, 2)?;
        add_threshold(t, m)
    },
    ..ModuleDef::named("_sha2")
};

/// `_sha3`
pub static SHA3: ModuleDef = ModuleDef {
    init: |t, m| {
        m.dict().set_text(t, "implementation", limpid_vm::types::Str::new(t, "RustCrypto").value())?;
        add_types(t, m, &SHA3_DEFS, 6)?;
        add_threshold(t, m)
    },
    ..ModuleDef::named("_sha3")
};
