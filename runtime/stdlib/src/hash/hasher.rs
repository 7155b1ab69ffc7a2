//! The algorithms.

use digest::{Digest, ExtendableOutput, Update, XofReader};

/// An algorithm without parameters.
pub(super) struct Algorithm {
    pub name: &'static str,
    /// Bytes of a block.
    pub block: usize,
    /// Bytes of a digest, 0 if that is up to the caller.
    pub size: usize,
    start: fn() -> Hasher,
}

impl Algorithm {
    /// Begins a digest.
    pub fn start(&self) -> Hasher {
        (self.start)()
    }

    /// Is the length of a digest up to the caller?
    pub fn is_extendable(&self) -> bool {
        self.size == 0
    }
}

macro_rules! algorithms {
    (fixed { $($fixed:ident($fixed_type:ty) $fixed_name:literal $fixed_block:literal $size:literal;)* }
     extendable { $($xof:ident($xof_type:ty) $xof_name:literal $xof_block:literal;)* }) => {
        /// A digest that is being computed.
        #[derive(Clone)]
        pub(super) enum Hasher {
            $($fixed($fixed_type),)*
            $($xof($xof_type),)*
            Blake2b(Box<blake2b_simd::State>),
            Blake2s(Box<blake2s_simd::State>),
        }

        /// The algorithms without parameters.
        pub(super) static ALGORITHMS: &[Algorithm] = &[
            $(Algorithm { name: $fixed_name, block: $fixed_block, size: $size, start: || Hasher::$fixed(Default::default()) },)*
            $(Algorithm { name: $xof_name, block: $xof_block, size: 0, start: || Hasher::$xof(Default::default()) },)*
        ];

        impl Hasher {
            pub fn update(&mut self, data: &[u8]) {
                match self {
                    $(Hasher::$fixed(h) => Digest::update(h, data),)*
                    $(Hasher::$xof(h) => Update::update(h, data),)*
                    Hasher::Blake2b(h) => {
                        h.update(data);
                    }
                    Hasher::Blake2s(h) => {
                        h.update(data);
                    }
                }
            }

            /// The digest of what there was so far. `length` is how long an extendable one is to be.
            pub fn digest(&self, length: usize) -> Vec<u8> {
                match self {
                    $(Hasher::$fixed(h) => h.clone().finalize().to_vec(),)*
                    $(Hasher::$xof(h) => {
                        let mut out = vec![0; length];
                        h.clone().finalize_xof().read(&mut out);
                        out
                    })*
                    Hasher::Blake2b(h) => h.finalize().as_bytes().to_vec(),
                    Hasher::Blake2s(h) => h.finalize().as_bytes().to_vec(),
                }
            }
        }
    };
}

algorithms! {
    fixed {
        Md5(md5::Md5) "md5" 64 16;
        Sha1(sha1::Sha1) "sha1" 64 20;
        Sha224(sha2::Sha224) "sha224" 64 28;
        Sha256(sha2::Sha256) "sha256" 64 32;
        Sha384(sha2::Sha384) "sha384" 128 48;
        Sha512(sha2::Sha512) "sha512" 128 64;
        Sha3_224(sha3::Sha3_224) "sha3_224" 144 28;
        Sha3_256(sha3::Sha3_256) "sha3_256" 136 32;
        Sha3_384(sha3::Sha3_384) "sha3_384" 104 48;
        Sha3_512(sha3::Sha3_512) "sha3_512" 72 64;
    }
    extendable {
        Shake128(shake::Shake128) "shake_128" 168;
        Shake256(shake::Shake256) "shake_256" 136;
    }
}

/// BLAKE2b without parameters, as HMAC uses it.
pub(super) static BLAKE2B: Algorithm = Algorithm { name: "blake2b_32", block: 128, size: 64, start: || Hasher::Blake2b(Box::default()) };
/// BLAKE2s, likewise.
pub(super) static BLAKE2S: Algorithm = Algorithm { name: "blake2s_32", block: 64, size: 32, start: || Hasher::Blake2s(Box::default()) };

/// The algorithm with a name, in lower case.
pub(super) fn find(name: &str) -> Option<&'static Algorithm> {
    ALGORITHMS.iter().find(|a| a.name == name)
}

/// HMAC (RFC 2104) over any algorithm of fixed size.
#[derive(Clone)]
pub(super) struct Mac {
    pub algorithm: &'static Algorithm,
    inner: Hasher,
    outer: Hasher,
}

impl Mac {
    pub fn new(algorithm: &'static Algorithm, key: &[u8]) -> Mac {
        let mut block = vec![0; algorithm.block];
        if key.len() > block.len() {
            let mut h = algorithm.start();
            h.update(key);
            let digest = h.digest(0);
            block[..digest.len()].copy_from_slice(&digest);
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let padded = |with: u8| {
            let mut h = algorithm.start();
            h.update(&block.iter().map(|b| b ^ with).collect::<Vec<_>>());
            h
        };
        Mac { algorithm, inner: padded(0x36), outer: padded(0x5C) }
    }

    pub fn update(&mut self, data: &[u8]) {
        self.inner.update(data);
    }

    pub fn digest(&self) -> Vec<u8> {
        let mut outer = self.outer.clone();
        outer.update(&self.inner.digest(0));
        outer.digest(0)
    }
}

/// PBKDF2 (RFC 8018): fills `out`.
pub(super) fn pbkdf2(algorithm: &'static Algorithm, password: &[u8], salt: &[u8], iterations: u64, out: &mut [u8]) {
    let mac = Mac::new(algorithm, password);
    for (i, block) in out.chunks_mut(algorithm.size).enumerate() {
        let mut first = mac.clone();
        first.update(salt);
        first.update(&(i as u32 + 1).to_be_bytes());
        let mut last = first.digest();
        let mut sum = last.clone();
        for _ in 1..iterations {
            let mut next = mac.clone();
            next.update(&last);
            last = next.digest();
            sum.iter_mut().zip(&last).for_each(|(s, b)| *s ^= b);
        }
        block.copy_from_slice(&sum[..block.len()]);
    }
}
