//! What happens when memory runs out.

mod common;

use common::*;
use limpid_heap::{COLLECT, Config, Header, Kind, MEMORY, Mutator, OutOfMemory, ShapeRef, Value, policy};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::sync::atomic::Ordering::Relaxed;

const LIMIT: usize = 32 << 20;
const MIB: usize = 1 << 20;

/// Runs one of the tests marked `ignore` below in a process of its own.
fn run(name: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "--ignored", "--nocapture", name]).output().unwrap()
}

fn expect_success(name: &str) {
    let output = run(name);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn leaf(m: &Mutator, size: usize) -> Result<Value, OutOfMemory> {
    let cell = m.try_alloc(size, Header::new(ShapeRef::NONE, Kind::Leaf, 0))?;
    Ok(Value::cell(cell.as_ptr()))
}

fn limited() {
    start(Config { limit: Some(LIMIT), ..Config::default() });
}

/// Allocates a list of objects of `bytes` in all.
fn fill(m: &Mutator, bytes: usize) -> Value {
    let mut head = Value::NULL;
    for _ in 0..bytes / 64 {
        let node = object(m, 7);
        set(m, node, 0, head);
        head = node;
    }
    head
}

#[test]
#[ignore = "run by large_allocations_fail_and_recover"]
fn large() {
    limited();
    attached(|m| {
        assert_eq!(leaf(m, 33 * MIB), Err(OutOfMemory));
        assert_eq!(leaf(m, usize::MAX), Err(OutOfMemory));
        assert_eq!(leaf(m, usize::MAX - 7), Err(OutOfMemory));
        assert_eq!(leaf(m, 1 << 40), Err(OutOfMemory));
        for _ in 0..20 {
            in_clean_stack(|| {
                let first = leaf(m, 20 * MIB).expect("garbage makes room");
                assert_eq!(leaf(m, 20 * MIB), Err(OutOfMemory));
                word(first, 1).store(1, Relaxed);
            });
        }
        assert_eq!(m.eval_breaker.load(Relaxed) & MEMORY, 0);
    });
}

#[test]
fn large_allocations_fail_and_recover() {
    expect_success("large");
}

#[test]
#[ignore = "run by garbage_never_counts"]
fn garbage() {
    limited();
    attached(|m| {
        for _ in 0..40 {
            in_clean_stack(|| fill(m, 10 * MIB));
        }
        assert_eq!(m.eval_breaker.load(Relaxed) & MEMORY, 0);
    });
}

#[test]
fn garbage_never_counts() {
    expect_success("garbage");
}

#[test]
#[ignore = "run by small_allocations_raise_a_request_and_go_on"]
fn small() {
    limited();
    attached(|m| {
        for _ in 0..3 {
            in_clean_stack(|| {
                let almost = fill(m, 30 * MIB);
                assert_eq!(m.eval_breaker.load(Relaxed) & MEMORY, 0);
                let beyond = fill(m, 3 * MIB);
                assert_ne!(m.eval_breaker.fetch_and(!MEMORY, Relaxed) & MEMORY, 0);
                assert_eq!(leaf(m, 40_000), Err(OutOfMemory));
                std::hint::black_box((almost, beyond));
            });
            // What was allocated is garbage now; there is room again.
            in_clean_stack(|| leaf(m, 16 * MIB).expect("room"));
            assert_eq!(m.eval_breaker.load(Relaxed) & MEMORY, 0);
        }
    });
}

#[test]
fn small_allocations_raise_a_request_and_go_on() {
    expect_success("small");
}

fn cell_now(m: &Mutator) -> Value {
    Value::cell(m.alloc_now(64, Header::new(ShapeRef::NONE, Kind::Leaf, 0)).as_ptr())
}

/// Does what is asked for; has that been a collection?
fn collects_as_asked(m: &Mutator) -> bool {
    let collections = || policy::stats().iter().map(|s| s.collections).sum::<u64>();
    let before = collections();
    m.eval_breaker.fetch_and(!COLLECT, Relaxed);
    m.collect_as_asked();
    collections() > before
}

#[test]
#[ignore = "run by allocations_that_do_not_collect_ask_for_it"]
fn now() {
    limited();
    attached(|m| {
        for _ in 0..3 {
            in_clean_stack(|| {
                let before = policy::stats();
                while m.eval_breaker.load(Relaxed) & COLLECT == 0 {
                    cell_now(m);
                }
                assert_eq!(policy::stats(), before);
                assert!(collects_as_asked(m));
            });
            in_clean_stack(|| {
                let kept = fill(m, 31 * MIB);
                m.eval_breaker.fetch_and(!MEMORY, Relaxed);
                // From the reserve, which nobody is told of before it is asked.
                (0..2 * MIB / 64).for_each(|_| _ = cell_now(m));
                assert_eq!(m.eval_breaker.load(Relaxed) & (COLLECT | MEMORY), COLLECT);
                let collected = collects_as_asked(m);
                let told = m.eval_breaker.fetch_and(!MEMORY, Relaxed) & MEMORY != 0;
                assert!(collected || told);
                std::hint::black_box(kept);
            });
            in_clean_stack(|| leaf(m, 16 * MIB).expect("room"));
        }
    });
}

#[test]
fn allocations_that_do_not_collect_ask_for_it() {
    expect_success("now");
}

#[test]
#[ignore = "run by beyond_the_reserve_the_process_ends_with_a_message"]
fn exhaust() {
    limited();
    attached(|m| fill(m, 64 * MIB));
}

#[test]
fn beyond_the_reserve_the_process_ends_with_a_message() {
    let output = run("exhaust");
    assert_eq!(output.status.signal(), Some(libc::SIGABRT));
    let message = "limpid: out of memory: the heap is beyond its limit and its reserve is used up\n";
    assert!(String::from_utf8_lossy(&output.stderr).ends_with(message));
}

/// Lets the process have this much more address space than it has.
fn restrict_address_space(more: usize) {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = pages.split_whitespace().next().unwrap().parse().unwrap();
    let size = (pages * 4096 + more) as libc::rlim_t;
    let limit = libc::rlimit { rlim_cur: size, rlim_max: size };
    // SAFETY: a valid structure.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

#[test]
#[ignore = "run by a_smaller_address_space_is_used_as_far_as_it_goes"]
fn small_address_space() {
    restrict_address_space(3 << 30);
    start(Config::default());
    attached(|m| {
        in_clean_stack(|| leaf(m, 500 * MIB).expect("fits"));
        assert_eq!(leaf(m, 3000 * MIB), Err(OutOfMemory));
        in_clean_stack(|| leaf(m, 800 * MIB).expect("fits where garbage was"));
        // The region ends somewhere in here.
        in_clean_stack(|| {
            let mut kept = Vec::new();
            while let Ok(cell) = leaf(m, 100 * MIB) {
                kept.push(cell);
                root(cell);
            }
            assert!(kept.len() >= 8);
        });
        TOY.roots.lock().unwrap().clear();
        in_clean_stack(|| leaf(m, 800 * MIB).expect("all of it is free again"));
    });
}

#[test]
fn a_smaller_address_space_is_used_as_far_as_it_goes() {
    expect_success("small_address_space");
}

#[test]
#[ignore = "run by a_taken_region_is_a_clear_error"]
fn taken() {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    let at = limpid_heap::HEAP_BASE + (1 << 20);
    // SAFETY: never replaces a mapping.
    let p = unsafe { libc::mmap(at as *mut _, 4096, libc::PROT_READ, flags, -1, 0) };
    assert_eq!(p as usize, at);
    limited();
}

#[test]
fn a_taken_region_is_a_clear_error() {
    let output = run("taken");
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.starts_with("limpid: cannot reserve the heap's address range at 0x200000000000: "));
}
