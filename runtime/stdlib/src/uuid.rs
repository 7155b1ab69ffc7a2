//! `_uuid`: UUIDs of the time and the machine (version 1 of RFC 9562).
//!
//! Threads of one process never get the same UUID. Processes do not know of each other, which is why they are told to be unsafe; their
//! clock sequences are random.

use crate::constants;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::R;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytes, Tuple};
use parking_lot::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

/// `_uuid`
pub static MODULE: ModuleDef = ModuleDef {
    functions: &[FnDef::def("generate_time_safe", "", generate_time_safe)
        .doc("Return a UUID of the time and the machine, and whether other processes cannot have got the same: 0, or -1 if they can.")],
    init: |t, m| {
        constants::add_one(t, m, "has_uuid_generate_time_safe", 1)?;
        constants::add_one(t, m, "has_stable_extractable_node", 1)
    },
    ..ModuleDef::named("_uuid")
};

/// What the UUIDs of this process have in common, and the last one's time.
struct Generator {
    /// The child of a fork has a clock sequence of its own.
    process: u32,
    clock_sequence: u16,
    node: [u8; 6],
    last: u64,
}

static GENERATOR: Mutex<Option<Generator>> = Mutex::new(None);

/// From the beginning of the Gregorian calendar to 1970, in units of 100 ns.
const GREGORIAN_EPOCH: u64 = 0x01B2_1DD2_1381_4000;
/// Bits that say what the numbers mean.
const VERSION: u16 = 1 << 12;
const VARIANT: u16 = 0x8000;
/// In the first byte of a node: no network card has it.
const MULTICAST: u8 = 1;

impl Generator {
    fn new() -> Generator {
        let mut random = [0; 8];
        // SAFETY: the buffer has that many bytes.
        unsafe { libc::getrandom(random.as_mut_ptr().cast(), random.len(), 0) };
        let [a, b, node @ ..] = random;
        let node = hardware_address().unwrap_or([node[0] | MULTICAST, node[1], node[2], node[3], node[4], node[5]]);
        Generator { process: std::process::id(), clock_sequence: u16::from_be_bytes([a, b]) & 0x3FFF, node, last: 0 }
    }

    fn next(&mut self) -> [u8; 16] {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| (d.as_nanos() / 100) as u64);
        self.last = (self.last + 1).max(now + GREGORIAN_EPOCH);
        let (low, middle, high) = (self.last as u32, (self.last >> 32) as u16, (self.last >> 48) as u16 & 0x0FFF);
        let mut uuid = [0; 16];
        uuid[..4].copy_from_slice(&low.to_be_bytes());
        uuid[4..6].copy_from_slice(&middle.to_be_bytes());
        uuid[6..8].copy_from_slice(&(high | VERSION).to_be_bytes());
        uuid[8..10].copy_from_slice(&(self.clock_sequence | VARIANT).to_be_bytes());
        uuid[10..].copy_from_slice(&self.node);
        uuid
    }
}

/// The address of the first network card that has one.
fn hardware_address() -> Option<[u8; 6]> {
    let mut interfaces: Vec<_> = std::fs::read_dir("/sys/class/net").ok()?.flatten().map(|entry| entry.path()).collect();
    interfaces.sort();
    interfaces.iter().find_map(|interface| {
        let text = std::fs::read_to_string(interface.join("address")).ok()?;
        let bytes: Vec<u8> = text.trim().split(':').map(|byte| u8::from_str_radix(byte, 16)).collect::<Result<_, _>>().ok()?;
        <[u8; 6]>::try_from(bytes).ok().filter(|address| *address != [0; 6])
    })
}

fn generate_time_safe(t: &Thread, _: &[Value]) -> R {
    let uuid = {
        let mut generator = GENERATOR.lock();
        if generator.as_ref().is_none_or(|g| g.process != std::process::id()) {
            *generator = Some(Generator::new());
        }
        generator.as_mut().map_or([0; 16], Generator::next)
    };
    Ok(Tuple::from_slice(t, &[Bytes::from_slice(t, &uuid)?.value(), Value::int(-1)]).value())
}
