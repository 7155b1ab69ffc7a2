//! `_random`: the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), the same sequence as CPython's.

use limpid_heap::{Header, Kind, Value};
use limpid_vm::args::{Args, FnDef, receiver};
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of, plain_header};
use limpid_vm::protocol::{hash, number};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Tuple, Type, TypeDef, ValueList, flag, int, type_};
use limpid_vm::{exc, layout, raise};
use std::cell::UnsafeCell;

/// `_random`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Module implements the Mersenne Twister random number generator.",
    init: |t, m| m.dict().set_text(t, "Random", type_::create_native(t, &RANDOM_DEF, &RANDOM)?.value()),
    ..ModuleDef::named("_random")
};

const WORDS: usize = 624;
const SHIFT: usize = 397;

/// The generator.
struct Twister {
    words: [u32; WORDS],
    /// The next word to use; [`WORDS`] when new ones are to be made.
    index: usize,
}

impl Twister {
    fn seed(&mut self, seed: u32) {
        self.words[0] = seed;
        for i in 1..WORDS {
            let last = self.words[i - 1];
            self.words[i] = 1_812_433_253u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(i as u32);
        }
        self.index = WORDS;
    }

    fn seed_by_array(&mut self, key: &[u32]) {
        self.seed(19_650_218);
        let mixed = |words: &[u32; WORDS], i: usize, factor: u32| {
            let last = words[i - 1];
            words[i] ^ (last ^ (last >> 30)).wrapping_mul(factor)
        };
        let mut i = 1;
        let advance = |words: &mut [u32; WORDS], i: &mut usize| {
            *i += 1;
            if *i == WORDS {
                words[0] = words[WORDS - 1];
                *i = 1;
            }
        };
        for step in 0..WORDS.max(key.len()) {
            let j = step % key.len();
            self.words[i] = mixed(&self.words, i, 1_664_525).wrapping_add(key[j]).wrapping_add(j as u32);
            advance(&mut self.words, &mut i);
        }
        for _ in 1..WORDS {
            self.words[i] = mixed(&self.words, i, 1_566_083_941).wrapping_sub(i as u32);
            advance(&mut self.words, &mut i);
        }
        self.words[0] = 1 << 31;
    }

    fn next(&mut self) -> u32 {
        if self.index >= WORDS {
            self.refill();
        }
        let mut y = self.words[self.index];
        self.index += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9D2C_5680;
        y ^= (y << 15) & 0xEFC6_0000;
        y ^ (y >> 18)
    }

    fn refill(&mut self) {
        for i in 0..WORDS {
            let y = (self.words[i] & 1 << 31) | (self.words[(i + 1) % WORDS] & !(1 << 31));
            let twist = if y & 1 == 0 { 0 } else { 0x9908_B0DF };
            self.words[i] = self.words[(i + SHIFT) % WORDS] ^ (y >> 1) ^ twist;
        }
        self.index = 0;
    }

    /// A float in [0, 1) with 53 random bits.
    fn next_float(&mut self) -> f64 {
        let (high, low) = (self.next() >> 5, self.next() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) * (1.0 / 9_007_199_254_740_992.0)
    }
}

/// The layout.
#[repr(C)]
pub struct Random {
    header: Header,
    /// A [`State`].
    state: Slot,
}

/// A cell with a generator, which is used with the lock of its [`Random`] held.
#[repr(C)]
struct State {
    header: Header,
    twister: UnsafeCell<Twister>,
}

/// `_random.Random`
pub static RANDOM: TypeCell = TypeCell::new();
layout!(Random, RANDOM.get(), Slots);

/// What `f` says of the generator, which nobody else uses meanwhile. `f` must not allocate.
fn with<T>(t: &Thread, v: Value, f: impl FnOnce(&mut Twister) -> T) -> T {
    let this = receiver::<Random>(v);
    // SAFETY: the slot always holds a State.
    let state = unsafe { Ref::<State>::from_value(this.state.get()) };
    let _lock = t.lock(this);
    // SAFETY: whoever uses the generator holds the lock.
    f(unsafe { &mut *state.twister.get() })
}

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    let state = t.mutator.alloc(size_of::<State>(), plain_header(Kind::Leaf));
    let state = Value::cell(state.as_ptr());
    let fields = Random { header: header_of::<Random>(), state: Slot::new(state) };
    // SAFETY: the receiver of `__new__` is a class.
    let made = t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, fields);
    with(t, made.value(), |twister| twister.index = WORDS);
    Ok(made.value())
}

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    if v.class() == RANDOM.get() {
        args.no_keywords(t, "Random")?;
    }
    match args.pos() {
        [] => seed(t, v, Value::NONE),
        [x] => seed(t, v, *x),
        _ => raise!(t, TypeError, "Random() requires 0 or 1 argument"),
    }
}

fn seed(t: &Thread, v: Value, x: Value) -> R<()> {
    let key = if x.is_null() || x.is_none() {
        entropy(t)?
    } else if int::is_int(x) {
        words_of(x)
    } else {
        // The hash, as a number without sign.
        let hash = hash::hash_value(t, x)? as u64;
        words_of(int::from_u64(t, hash))
    };
    with(t, v, |twister| twister.seed_by_array(&key));
    Ok(())
}

/// The 32-bit words of an int without its sign, the lowest first; at least one.
fn words_of(v: Value) -> Vec<u32> {
    let mut scratch = 0;
    let parts = int::parts(v, &mut scratch);
    let bytes = parts.to_ubig().to_le_bytes();
    let mut words: Vec<u32> = bytes.chunks(4).map(|c| c.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))).collect();
    if words.is_empty() {
        words.push(0);
    }
    words
}

fn entropy(t: &Thread) -> R<Vec<u32>> {
    let mut words = vec![0u32; WORDS];
    let size = size_of_val(words.as_slice());
    // SAFETY: the buffer is as long as said.
    let got = t.blocking(|| unsafe { libc::getrandom(words.as_mut_ptr().cast(), size, 0) });
    if got as usize != size {
        raise!(t, OSError, "no random bytes from the system")
    }
    Ok(words)
}

fn get_random_bits(t: &Thread, a: &[Value]) -> R {
    let bits = number::index(t, a[1])?;
    if int::is_negative(bits) {
        raise!(t, ValueError, "number of bits must be non-negative")
    }
    let bits = int::to_u64(t, bits)?;
    match bits {
        0 => Ok(Value::int(0)),
        1..=32 => Ok(Value::int(i64::from(with(t, a[0], Twister::next) >> (32 - bits)))),
        _ => {
            let count = bits.div_ceil(32) as usize;
            let mut digits = Vec::new();
            if digits.try_reserve_exact(count.div_ceil(2)).is_err() {
                return Err(exc::raise_memory_error(t));
            }
            digits.resize(count.div_ceil(2), 0u64);
            with(t, a[0], |twister| {
                for i in 0..count {
                    let word = twister.next();
                    let left = bits - i as u64 * 32;
                    let word = if left < 32 { word >> (32 - left) } else { word };
                    digits[i / 2] |= u64::from(word) << (i % 2 * 32);
                }
            });
            int::from_digits(t, false, &digits)
        }
    }
}

fn get_state(t: &Thread, a: &[Value]) -> R {
    let (words, index) = with(t, a[0], |twister| (twister.words, twister.index));
    let mut state = ValueList::with_capacity(t, WORDS + 1);
    words.iter().for_each(|word| state.push(t, Value::int(i64::from(*word))));
    state.push(t, Value::int(index as i64));
    Ok(Tuple::from_slice(t, state.as_slice()).value())
}

fn set_state(t: &Thread, a: &[Value]) -> R {
    let Some(state) = a[1].downcast::<Tuple>() else { raise!(t, TypeError, "state vector must be a tuple") };
    if state.len() != WORDS + 1 {
        raise!(t, ValueError, "state vector is the wrong size")
    }
    let mut words = [0; WORDS];
    for (word, v) in words.iter_mut().zip(state.as_slice()) {
        if !int::is_int(*v) {
            raise!(t, TypeError, "an integer is required")
        }
        // Like C's conversions, this keeps the lowest bits only.
        *word = int::to_u64(t, *v)? as u32;
    }
    let index = int::to_i64(t, state.get(WORDS))?;
    let Some(index) = usize::try_from(index).ok().filter(|i| *i <= WORDS) else { raise!(t, ValueError, "invalid state") };
    with(t, a[0], |twister| *twister = Twister { words, index });
    Ok(Value::NONE)
}

/// `_random.Random`
pub static RANDOM_DEF: TypeDef = TypeDef {
    doc: "Random() -> create a random number generator with its own internal state.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(new), init: Some(init), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("random", "self, /", |t, a| Ok(Value::float(with(t, a[0], Twister::next_float))))
            .doc("random() -> x in the interval [0, 1)."),
        FnDef::def("seed", "self, n=None, /", |t, a| seed(t, a[0], a[1]).map(|()| Value::NONE)).doc(
            "seed([n]) -> None.\n\nDefaults to use urandom and falls back to a combination\nof the current time and the process identifier.",
        ),
        FnDef::def("getstate", "self, /", get_state).doc("getstate() -> tuple containing the current state."),
        FnDef::def("setstate", "self, state, /", set_state).doc("setstate(state) -> None.  Restores generator state."),
        FnDef::def("getrandbits", "self, k, /", get_random_bits).doc("getrandbits(k) -> x.  Generates an int with k random bits."),
    ],
    ..TypeDef::of::<Random>("_random.Random")
};
