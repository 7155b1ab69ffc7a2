//! The counters.
//!
//! Each thread counts into a [`Stats`] of its own, with plain loads and stores; when it ends, or when somebody wants to
//! know, [`Block::merge_into`] adds its counters to those of the interpreter.
//!
//! What belongs together is a group: a struct of counters, made by the macro `group!` from a list of names with their keys
//! in a dump file. Merging, clearing and writing are derived from that list, so a counter cannot be left out of one of them.
//!
//! Invariants
//! - Only one thread adds to a block. Others may read or merge it at any time: they see each counter as it was at some
//!   moment, not all at the same moment.
//! - Clearing is for a moment when the owner does not count: a count it is about to store would come back.
//! - What many threads never touch (pairs of opcodes, failure kinds, tier 2) is allocated when first counted.
//!
//! CPython's counters of reference counts and free lists are missing here: nothing of the kind exists in Limpid.

use std::array;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Opcodes are bytes.
pub const OPCODES: usize = 256;
/// Room for reasons why an instruction was not specialized, see [`crate::failure_kinds`].
pub const FAILURE_KINDS: usize = 64;
/// Room for micro-operations.
pub const UOPS: usize = 512;
/// Generations of the garbage collector.
pub const GENERATIONS: usize = 3;
/// Buckets of a histogram; bucket `i` counts values up to 2 to the power of `i`.
pub const BUCKETS: usize = 32;

/// One count.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one. Only the owner of the block may do this; it is an ordinary load, add and store.
    #[inline(always)]
    pub fn increment(&self) {
        self.add(1);
    }

    /// Counts `n`, as [`Counter::increment`].
    #[inline(always)]
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// The count.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Sets it to zero. The owner must not count meanwhile.
    pub fn clear(&self) {
        self.0.store(0, Relaxed);
    }
}

/// What consists of counters.
pub trait Block: Default {
    /// Adds every counter to the same one of `total`, which the caller owns.
    fn merge_into(&self, total: &Self);

    /// Calls `visit` for every counter that has been allocated.
    fn each(&self, visit: &mut dyn FnMut(&Counter));

    /// Sets every counter to zero. The owner must not count meanwhile.
    fn clear(&self) {
        self.each(&mut Counter::clear);
    }

    /// Has nothing been counted?
    fn is_zero(&self) -> bool {
        let mut zero = true;
        self.each(&mut |counter| zero &= counter.get() == 0);
        zero
    }

    /// Allocates all that is allocated when first counted.
    #[cfg(test)]
    fn allocate(&self);
}

impl Block for Counter {
    fn merge_into(&self, total: &Self) {
        total.add(self.get());
    }

    fn each(&self, visit: &mut dyn FnMut(&Counter)) {
        visit(self);
    }

    #[cfg(test)]
    fn allocate(&self) {}
}

/// A fixed number of blocks of a kind.
pub struct Table<T, const N: usize>([T; N]);

impl<T: Default, const N: usize> Default for Table<T, N> {
    fn default() -> Self {
        Table(array::from_fn(|_| T::default()))
    }
}

impl<T, const N: usize> std::ops::Deref for Table<T, N> {
    type Target = [T; N];

    #[inline(always)]
    fn deref(&self) -> &[T; N] {
        &self.0
    }
}

impl<T: Block, const N: usize> Block for Table<T, N> {
    fn merge_into(&self, total: &Self) {
        for (own, total) in self.iter().zip(total.iter()) {
            own.merge_into(total);
        }
    }

    fn each(&self, visit: &mut dyn FnMut(&Counter)) {
        self.iter().for_each(|block| block.each(visit));
    }

    #[cfg(test)]
    fn allocate(&self) {
        self.iter().for_each(T::allocate);
    }
}

/// A block that is allocated when first counted.
#[derive(Default)]
pub struct Lazy<T>(OnceLock<Box<T>>);

impl<T: Block> Lazy<T> {
    /// The block, to count in.
    #[inline(always)]
    pub fn get(&self) -> &T {
        self.0.get_or_init(Box::default)
    }

    /// The block if anything has been counted in it.
    pub fn allocated(&self) -> Option<&T> {
        self.0.get().map(|block| &**block)
    }
}

impl<T: Block> Block for Lazy<T> {
    fn merge_into(&self, total: &Self) {
        if let Some(own) = self.allocated() {
            own.merge_into(total.get());
        }
    }

    fn each(&self, visit: &mut dyn FnMut(&Counter)) {
        if let Some(own) = self.allocated() {
            own.each(visit);
        }
    }

    #[cfg(test)]
    fn allocate(&self) {
        self.get().allocate();
    }
}

/// Defines a group: counters with their keys in a dump, and blocks.
macro_rules! group {
    (
        $(#[$doc:meta])* $name:ident
        counters { $( $(#[$counter_doc:meta])* $counter:ident = $key:literal; )* }
        blocks { $( $(#[$block_doc:meta])* $block:ident: $kind:ty; )* }
    ) => {
        $(#[$doc])*
        #[derive(Default)]
        pub struct $name {
            $( $(#[$counter_doc])* pub $counter: Counter, )*
            $( $(#[$block_doc])* pub $block: $kind, )*
        }

        impl $name {
            /// The keys and values of the counters, without the blocks'.
            pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [ $( ($key, self.$counter.get()) ),* ].into_iter()
            }
        }

        impl Block for $name {
            fn merge_into(&self, total: &Self) {
                $( self.$counter.merge_into(&total.$counter); )*
                $( self.$block.merge_into(&total.$block); )*
            }

            fn each(&self, visit: &mut dyn FnMut(&Counter)) {
                $( self.$counter.each(visit); )*
                $( self.$block.each(visit); )*
            }

            #[cfg(test)]
            fn allocate(&self) {
                $( self.$block.allocate(); )*
            }
        }
    };
}

group! {
    /// All that a thread, or an interpreter, has counted.
    Stats
    counters {}
    blocks {
        /// By opcode; allocated when the interpreter counts instructions.
        opcodes: Lazy<Table<OpcodeStats, OPCODES>>;
        /// Calls and frames.
        calls: CallStats;
        /// Objects, attribute dictionaries and the method cache.
        objects: ObjectStats;
        /// By generation.
        gc: Table<GcStats, GENERATIONS>;
        /// Tier 2.
        optimization: Lazy<OptimizationStats>;
        /// What only happens when threads run at the same time.
        threads: ThreadStats;
        /// What invalidates optimized code.
        rare_events: RareEventStats;
    }
}

group! {
    /// An opcode. What concerns specialization is counted for the opcode that a family is named after, except for misses,
    /// which the specialized opcode counts too.
    OpcodeStats
    counters {
        /// Attempts to specialize that succeeded.
        success = "specialization.success";
        /// Attempts to specialize that failed, see `failure_kinds`.
        failure = "specialization.failure";
        /// A specialized instruction did its work.
        hit = "specialization.hit";
        /// The generic instruction ran because the next attempt is not yet due.
        deferred = "specialization.deferred";
        /// A specialized instruction found that its guards do not hold.
        miss = "specialization.miss";
        /// So many misses that the instruction became the generic one again.
        deopt = "specialization.deopt";
        /// The instruction started.
        execution_count = "execution_count";
    }
    blocks {
        /// By reason, see [`crate::failure_kinds`].
        failure_kinds: Lazy<Table<Counter, FAILURE_KINDS>>;
        /// By the opcode that followed.
        pair_count: Lazy<Table<Counter, OPCODES>>;
    }
}

group! {
    /// Calls and frames.
    CallStats
    counters {
        /// The interpreter loop was entered.
        pyeval_calls = "Calls to PyEval_EvalDefault";
        /// A Python function was called without entering the interpreter loop again.
        inlined_py_calls = "Calls to Python functions inlined";
        /// Frames made.
        frames_pushed = "Frames pushed";
        /// Frames that somebody wanted to see as an object.
        frame_objects_created = "Frame objects created";
    }
    blocks {
        /// Who entered the interpreter loop, by [`EvalCall`].
        eval_calls: Table<Counter, { EVAL_CALLS.len() }>;
    }
}

/// Who entered the interpreter loop: an index of [`CallStats::eval_calls`]. The categories overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvalCall {
    /// Anybody.
    Total,
    /// A call of a function object.
    Vector,
    /// A generator or coroutine that goes on.
    Generator,
    /// `exec`, `eval` and modules.
    Legacy,
    /// A function called by native code.
    FunctionVectorcall,
    /// The body of a class.
    BuildClass,
    /// A special method.
    Slot,
    /// A call with `*args` or `**kwargs`.
    FunctionEx,
    /// The embedding API.
    Api,
    /// A method called by native code.
    Method,
}

/// The names of [`EvalCall`], in order.
pub const EVAL_CALLS: [&str; 10] =
    ["total", "vector", "generator", "legacy", "function vectorcall", "build class", "slot", "function ex", "api", "method"];

group! {
    /// Objects, attribute dictionaries and the method cache.
    ObjectStats
    counters {
        /// Objects allocated.
        allocations = "Object allocations";
        /// Of these, up to 512 bytes.
        allocations512 = "Object allocations to 512 bytes";
        /// Of these, over 512 bytes and up to 4 KiB.
        allocations4k = "Object allocations to 4 kbytes";
        /// Of these, over 4 KiB.
        allocations_big = "Object allocations over 4 kbytes";
        /// Objects that a garbage collection freed.
        frees = "Object frees";
        /// Instances whose attributes are stored in the instance, by shape.
        inline_values = "Object inline values";
        /// `__dict__` of such an instance made because somebody asked for it.
        dict_materialized_on_request = "Object materialize dict (on request)";
        /// ... because an attribute was added that its shape cannot take.
        dict_materialized_new_key = "Object materialize dict (new key)";
        /// ... because it has too many attributes.
        dict_materialized_too_big = "Object materialize dict (too big)";
        /// ... because the name of an attribute is not an exact string.
        dict_materialized_str_subclass = "Object materialize dict (str subclass)";
        /// Lookups in the type cache that found the name.
        type_cache_hits = "Object method cache hits";
        /// Lookups in the type cache that did not.
        type_cache_misses = "Object method cache misses";
        /// Entries of the type cache that another name took.
        type_cache_collisions = "Object method cache collisions";
        /// As `type_cache_hits`, names with two underscores at both ends.
        type_cache_dunder_hits = "Object method cache dunder hits";
        /// As `type_cache_misses`, names with two underscores at both ends.
        type_cache_dunder_misses = "Object method cache dunder misses";
    }
    blocks {}
}

group! {
    /// The garbage collections of one generation.
    GcStats
    counters {
        /// Garbage collections.
        collections = "collections";
        /// Objects looked at.
        object_visits = "object visits";
        /// Objects freed.
        objects_collected = "objects collected";
        /// Objects found to be in use.
        objects_transitively_reachable = "objects reachable from roots";
        /// Objects found not to be in use.
        objects_not_transitively_reachable = "objects not reachable from roots";
    }
    blocks {}
}

group! {
    /// Tier 2.
    OptimizationStats
    counters {
        /// A place was hot enough for a trace.
        attempts = "Optimization attempts";
        /// Traces made.
        traces_created = "Optimization traces created";
        /// Traces entered.
        traces_executed = "Optimization traces executed";
        /// Micro-operations run.
        uops_executed = "Optimization uops executed";
        /// A trace was cut because it went too many frames deep.
        trace_stack_overflow = "Optimization trace stack overflow";
        /// A trace was given up because it left the frame it started in.
        trace_stack_underflow = "Optimization trace stack underflow";
        /// A trace was cut because it grew too long.
        trace_too_long = "Optimization trace too long";
        /// A trace was given up because it was too short.
        trace_too_short = "Optimization trace too short";
        /// A trace was cut at an inner loop.
        inner_loop = "Optimization inner loop";
        /// A trace was cut at a recursive call.
        recursive_call = "Optimization recursive call";
        /// A trace was given up because it is unlikely to be followed to its end.
        low_confidence = "Optimization low confidence";
        /// A trace was given up because it calls something unknown.
        unknown_callee = "Optimization unknown callee";
        /// Executors thrown away because what they rely on changed.
        executors_invalidated = "Executors invalidated";
        /// The optimizer ran.
        optimizer_attempts = "Optimization optimizer attempts";
        /// The optimizer made a better trace.
        optimizer_successes = "Optimization optimizer successes";
        /// The optimizer ran out of memory.
        optimizer_failure_reason_no_memory = "Optimization optimizer failure no memory";
        /// Globals were not made constants because the builtins had changed.
        remove_globals_builtins_changed = "Optimizer remove globals builtins changed";
        /// Globals were not made constants because their keys were not the expected ones.
        remove_globals_incorrect_keys = "Optimizer remove globals incorrect keys";
        /// Bytes of memory for machine code and all that goes with it.
        jit_total_memory_size = "JIT total memory size";
        /// Of these, machine code.
        jit_code_size = "JIT code size";
        /// Of these, trampolines.
        jit_trampoline_size = "JIT trampoline size";
        /// Of these, data.
        jit_data_size = "JIT data size";
        /// Of these, addresses of things far away.
        jit_got_size = "JIT GOT size";
        /// Of these, padding.
        jit_padding_size = "JIT padding size";
        /// Bytes given back.
        jit_freed_memory_size = "JIT freed memory size";
    }
    blocks {
        /// Uops in a trace as recorded.
        trace_length_hist: Histogram;
        /// Uops run each time a trace was entered.
        trace_run_length_hist: Histogram;
        /// Uops in a trace after optimization.
        optimized_trace_length_hist: Histogram;
        /// Bytes a trace takes.
        trace_total_memory_hist: Histogram;
        /// By uop.
        uops: Lazy<Table<UopStats, UOPS>>;
        /// Opcodes that a trace cannot contain, by opcode.
        unsupported_opcode: Lazy<Table<Counter, OPCODES>>;
        /// Uops at which the optimizer failed, by uop.
        error_in_opcode: Lazy<Table<Counter, UOPS>>;
    }
}

group! {
    /// A micro-operation.
    UopStats
    counters {
        /// It ran.
        execution_count = "execution_count";
        /// It left the trace.
        miss = "specialization.miss";
    }
    blocks {
        /// By the uop that followed.
        pair_count: Lazy<Table<Counter, UOPS>>;
    }
}

group! {
    /// What only happens when threads run at the same time.
    ThreadStats
    counters {
        /// A thread slept because another one held a lock of the runtime.
        mutex_sleeps = "Mutex sleeps (mutex_sleeps)";
        /// All threads were stopped.
        world_stops = "World stops (world_stops)";
        /// Nanoseconds they stood still.
        world_stop_ns = "World stop nanoseconds (world_stop_ns)";
        /// Copies made of a code object's instructions, for a thread to specialize.
        tlbc_copies = "Thread-local bytecode copies (tlbc_copies)";
    }
    blocks {}
}

group! {
    /// What invalidates optimized code.
    RareEventStats
    counters {
        /// `object.__class__ = ...`
        set_class = "Rare event (set_class)";
        /// `cls.__bases__ = ...`
        set_bases = "Rare event (set_bases)";
        /// A frame evaluation function was set (PEP 523).
        set_eval_frame_func = "Rare event (set_eval_frame_func)";
        /// A name in `builtins` changed.
        builtin_dict = "Rare event (builtin_dict)";
        /// A function's code or defaults changed.
        func_modification = "Rare event (func_modification)";
        /// A watched dictionary changed.
        watched_dict_modification = "Rare event (watched_dict_modification)";
        /// Watched globals changed.
        watched_globals_modification = "Rare event (watched_globals_modification)";
    }
    blocks {}
}

/// Counts values by magnitude: bucket `i` has those greater than 2 to the power of `i - 1` and up to 2 to the power of `i`.
#[derive(Default)]
pub struct Histogram(Table<Counter, BUCKETS>);

impl Histogram {
    /// Counts a value.
    pub fn record(&self, value: u64) {
        let bucket = u64::BITS - value.saturating_sub(1).leading_zeros();
        self.0[(bucket as usize).min(BUCKETS - 1)].increment();
    }

    /// The upper bound of each bucket, and the number of values in it.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().enumerate().map(|(bucket, counter)| (1 << bucket, counter.get()))
    }
}

impl Block for Histogram {
    fn merge_into(&self, total: &Self) {
        self.0.merge_into(&total.0);
    }

    fn each(&self, visit: &mut dyn FnMut(&Counter)) {
        self.0.each(visit);
    }

    #[cfg(test)]
    fn allocate(&self) {}
}

impl OpcodeStats {
    /// Counts a failure to specialize and its reason, a constant of [`crate::failure_kinds`].
    pub fn fail(&self, kind: usize) {
        self.failure.increment();
        self.failure_kinds.get()[kind].increment();
    }
}

impl CallStats {
    /// Counts an entry of the interpreter loop.
    pub fn eval(&self, call: EvalCall) {
        self.eval_calls[call as usize].increment();
    }
}

impl ObjectStats {
    /// Counts an object of `size` bytes.
    #[inline]
    pub fn allocated(&self, size: usize) {
        self.allocations.increment();
        match size {
            0..=512 => self.allocations512.increment(),
            513..=4096 => self.allocations4k.increment(),
            _ => self.allocations_big.increment(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that can be counted, each with a different value. Returns the sum.
    fn fill(stats: &Stats) -> u64 {
        stats.allocate();
        let (mut next, mut sum) = (0, 0);
        stats.each(&mut |counter| {
            next += 1;
            sum += next;
            counter.add(next);
        });
        sum
    }

    fn values(stats: &Stats) -> Vec<u64> {
        let mut values = Vec::new();
        stats.each(&mut |counter| values.push(counter.get()));
        values
    }

    #[test]
    fn merging_adds_every_counter() {
        let (own, total) = (Stats::default(), Stats::default());
        fill(&own);
        own.merge_into(&total);
        assert_eq!(values(&total), values(&own));
        own.merge_into(&total);
        let doubled: Vec<u64> = values(&own).iter().map(|value| value * 2).collect();
        assert_eq!(values(&total), doubled);
    }

    #[test]
    fn clearing_clears_every_counter() {
        let stats = Stats::default();
        fill(&stats);
        assert!(!stats.is_zero());
        stats.clear();
        assert!(stats.is_zero());
    }

    /// The dump has every counter: what a reader adds up is what was counted.
    #[test]
    fn a_dump_has_every_counter() {
        let stats = Stats::default();
        let sum = fill(&stats);
        let mut dump = Vec::new();
        let names = crate::dump::Names { opcodes: &[], specializable: &|_| false, uops: &[] };
        crate::dump::write(&mut dump, &stats, &[], &names).unwrap();
        let lines = str::from_utf8(&dump).unwrap().lines();
        let (mut keys, mut written) = (std::collections::HashSet::new(), 0);
        for line in lines {
            let (key, value) = line.rsplit_once(':').unwrap();
            assert!(keys.insert(key.trim()), "{key} twice");
            written += value.trim().parse::<u64>().unwrap();
        }
        assert_eq!(keys.len(), values(&stats).len());
        assert_eq!(written, sum);
    }

    #[test]
    fn an_idle_thread_costs_little() {
        let (idle, total) = (Stats::default(), Stats::default());
        assert!(size_of::<Stats>() < 1024, "{}", size_of::<Stats>());
        idle.merge_into(&total);
        assert!(total.opcodes.allocated().is_none() && total.optimization.allocated().is_none());
        idle.opcodes.get()[7].execution_count.increment();
        idle.merge_into(&total);
        let opcode = &total.opcodes.allocated().unwrap()[7];
        assert_eq!(opcode.execution_count.get(), 1);
        assert!(opcode.pair_count.allocated().is_none() && opcode.failure_kinds.allocated().is_none());
    }

    /// A thread counts while another one looks: what it sees only grows, and in the end all is there.
    #[test]
    fn others_may_read_a_block() {
        const COUNTS: u64 = 100_000;
        let stats = Stats::default();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..COUNTS {
                    stats.calls.frames_pushed.increment();
                    stats.opcodes.get()[1].pair_count.get()[2].increment();
                }
            });
            let mut last = 0;
            while last < COUNTS {
                let total = Stats::default();
                stats.merge_into(&total);
                let seen = total.calls.frames_pushed.get();
                assert!((last..=COUNTS).contains(&seen));
                last = seen;
                std::thread::yield_now();
            }
        });
        assert_eq!(stats.opcodes.get()[1].pair_count.get()[2].get(), COUNTS);
    }

    #[test]
    fn histograms_count_by_upper_bound() {
        let histogram = Histogram::default();
        for value in [0, 1, 2, 3, 4, 5, 1024, 1025, u64::MAX] {
            histogram.record(value);
        }
        let counted: Vec<_> = histogram.buckets().filter(|&(_, count)| count != 0).collect();
        assert_eq!(counted, [(1, 2), (2, 1), (4, 2), (8, 1), (1024, 1), (2048, 1), (1 << 31, 1)]);
    }

    #[test]
    fn every_kind_of_call_has_a_name() {
        assert_eq!(EVAL_CALLS[EvalCall::Total as usize], "total");
        assert_eq!(EVAL_CALLS[EvalCall::Method as usize], "method");
        assert_eq!(EvalCall::Method as usize + 1, EVAL_CALLS.len());
    }

    #[test]
    fn objects_are_counted_by_size() {
        let objects = ObjectStats::default();
        for size in [16, 512, 513, 4096, 4097] {
            objects.allocated(size);
        }
        let counts = [&objects.allocations, &objects.allocations512, &objects.allocations4k, &objects.allocations_big];
        assert_eq!(counts.map(Counter::get), [5, 2, 2, 1]);
    }
}
