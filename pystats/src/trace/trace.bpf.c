// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What `pystats trace` runs in the kernel: it follows the calls of each thread and adds them up in a tree of call paths.
 *
 *   entry   node = the child of the thread's node for this function; push (time, node)
 *   return  pop; add the time to the node, and to the parent's time in children; send an event if it is wanted
 *
 * A thread has its own tree, so its counters are added to by one CPU at a time and need no atomic instructions. Strings are read
 * once for each node, when it is made. Whatever there is no room for is counted in `missed`, never dropped in silence.
 *
 * The object file beside this one is made of it by scripts/bpf; nobody needs clang to build pystats.
 */
#include <linux/ptrace.h>
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

#define FILE_SIZE 256
#define NAME_SIZE 96
#define TEXT_SIZE 64
#define BUCKETS 192
#define IMPORT_DEPTH 32
#define NO_SLOT 0xffffffff

/* Set before the program is loaded; the same in session.rs. */
struct config {
	__u64 event_min_ns; /* calls at least this long are sent as events; ~0: none */
	__u32 depth;        /* frames that are followed in a thread */
	__u32 threads;      /* threads that are followed at a time */
	__u32 nodes;        /* call paths that are told apart */
	__u32 tid;          /* only this thread; 0: all */
	__u32 tgid;         /* only this process; 0: all */
	__u32 sample;       /* of the calls that would be sent as events, about one of so many is; 0 and 1: all */
};
const volatile struct config config SEC(".rodata.config");

/* Raised by user space as soon as it knows enough slower calls; 0: none is wanted. */
__u64 slow_ns SEC(".data.slow");

/* What could not be followed. */
struct missed {
	__u64 events;  /* no room in the ring buffer */
	__u64 nodes;   /* calls on a path there was no room for */
	__u64 threads; /* calls in threads there was no room for */
	__u64 depth;   /* calls deeper than the stack */
	__u64 returns; /* returns of calls that began before the trace */
} missed SEC(".data.missed");

__u32 next_node, next_slot;

/* A function in its place in the tree: an entry of `children` leads to it. */
struct child {
	__u64 file, function; /* addresses of interned strings */
	__u32 line, parent;
	__u32 tid, tgid;      /* at the top of a tree, else 0 */
};

struct description {
	__u32 parent, line, tid, tgid;
	char file[FILE_SIZE];
	char function[NAME_SIZE];
};

struct counters {
	__u64 calls, resumptions, unwinds;
	__u64 inclusive_ns, exclusive_ns, longest_ns;
	__u32 histogram[BUCKETS]; /* by `bucket` */
};

struct frame {
	__u64 start, nested; /* when it began; time in what it called */
	__u32 node, unused;
};

struct thread {
	__u32 slot, depth;
	__u32 node;               /* of the innermost frame, 0 outside all */
	__u32 resuming;           /* the next entry goes on with a generator */
	__u32 generation, imports;
	__u64 gc_start;
	__u64 stop_start;
	__u64 import_start[IMPORT_DEPTH];
	char reason[TEXT_SIZE];
};

enum kind { CALL, GC, STOP, IMPORT, EXCEPTION, LOCK, COMPILE, JIT_EXIT, INVALIDATE };

struct event {
	__u64 start, duration;
	__u32 node, tid;
	__u32 kind, tgid;
};

/* Events that are not calls say more. */
struct long_event {
	struct event event;
	__s64 value; /* objects freed, found or not, line, bytes, traces */
	__u32 generation, uops;
	char text[TEXT_SIZE];
};

/* max_entries of these are set before loading. */
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 256); __type(key, __u32); __type(value, struct thread); } threads SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1024); __type(key, struct child); __type(value, __u32); } children SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1024); __type(key, __u32); __type(value, struct description); } descriptions SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1024); __type(key, __u32); __type(value, struct counters); } counters SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1024); __type(key, __u32); __type(value, struct frame); } frames SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 1024); __type(value, __u32); } free_slots SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 24); } events SEC(".maps");
/* Too big for a BPF program's stack. */
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct thread); } blank SEC(".maps");

#define COUNT(what) __sync_fetch_and_add(&missed.what, 1)

static __always_inline bool wanted(__u64 id)
{
	return (!config.tgid || config.tgid == id >> 32) && (!config.tid || config.tid == (__u32)id);
}

/* The state of the current thread, made if it is missing and `make` says so. */
static __always_inline struct thread *current_thread(bool make)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = id, zero = 0, slot;
	struct thread *thread;

	if (!wanted(id))
		return NULL;
	thread = bpf_map_lookup_elem(&threads, &tid);
	if (thread || !make)
		return thread;
	if (bpf_map_pop_elem(&free_slots, &slot))
		slot = next_slot < config.threads ? __sync_fetch_and_add(&next_slot, 1) : NO_SLOT;
	if (slot >= config.threads) {
		COUNT(threads);
		return NULL;
	}
	thread = bpf_map_lookup_elem(&blank, &zero);
	if (!thread)
		return NULL;
	thread->slot = slot;
	bpf_map_update_elem(&threads, &tid, thread, BPF_NOEXIST);
	return bpf_map_lookup_elem(&threads, &tid);
}

static __always_inline struct frame *frame_at(struct thread *thread, __u32 depth)
{
	__u32 index = thread->slot * config.depth + depth;

	return bpf_map_lookup_elem(&frames, &index);
}

/* The node of a function called from `parent`, 0 if there is no room for another. */
static __always_inline __u32 child_of(__u32 parent, __u64 file, __u64 function, __u32 line)
{
	struct child key = { .file = file, .function = function, .line = line, .parent = parent };
	__u64 id = bpf_get_current_pid_tgid();
	struct description *description;
	__u32 node, *found;

	if (!parent) {
		key.tid = id;
		key.tgid = id >> 32;
	}
	found = bpf_map_lookup_elem(&children, &key);
	if (found)
		return *found;
	/* Looked at first, so that a full table does not count on until it comes round to 0. */
	if (next_node + 1 >= config.nodes)
		return 0;
	/* The first node is 1: 0 is none. */
	node = __sync_fetch_and_add(&next_node, 1) + 1;
	if (node >= config.nodes)
		return 0;
	description = bpf_map_lookup_elem(&descriptions, &node);
	if (!description)
		return 0;
	description->parent = parent;
	description->line = line;
	description->tid = id;
	description->tgid = id >> 32;
	bpf_probe_read_user_str(description->file, FILE_SIZE, (void *)file);
	bpf_probe_read_user_str(description->function, NAME_SIZE, (void *)function);
	bpf_map_update_elem(&children, &key, &node, BPF_ANY);
	return node;
}

/* Four buckets for each power of two: the exponent and the two digits behind the first; below 4 each value has its own. */
static __always_inline __u32 bucket(__u64 value)
{
	__u32 exponent = 0;
	__u64 rest = value;

	if (value < 4)
		return value;
	if (rest >> 32) { exponent += 32; rest >>= 32; }
	if (rest >> 16) { exponent += 16; rest >>= 16; }
	if (rest >> 8) { exponent += 8; rest >>= 8; }
	if (rest >> 4) { exponent += 4; rest >>= 4; }
	if (rest >> 2) { exponent += 2; rest >>= 2; }
	if (rest >> 1) exponent += 1;
	return (exponent - 1) * 4 + ((value >> (exponent - 2)) & 3);
}

SEC("usdt")
int BPF_USDT(function_entry, __u64 file, __u64 function, int line)
{
	struct thread *thread = current_thread(true);
	struct frame *frame;
	__u32 depth, node;
	struct counters *counted;

	if (!thread)
		return 0;
	depth = thread->depth++;
	if (depth >= config.depth) {
		COUNT(depth);
		thread->resuming = 0;
		return 0;
	}
	frame = frame_at(thread, depth);
	if (!frame)
		return 0;
	node = child_of(thread->node, file, function, line);
	frame->nested = 0;
	/* On a path there is no room for, the time counts for the caller. */
	frame->node = node;
	counted = bpf_map_lookup_elem(&counters, &node);
	if (node && counted) {
		thread->node = node;
		if (thread->resuming)
			counted->resumptions++;
		else
			counted->calls++;
	} else {
		COUNT(nodes);
	}
	thread->resuming = 0;
	frame->start = bpf_ktime_get_ns();
	return 0;
}

/* Is a call an event that is wanted? Slow ones always are. */
static __always_inline bool is_event(__u64 duration)
{
	__u64 slow = slow_ns;

	if (slow && duration >= slow)
		return true;
	return duration >= config.event_min_ns && (config.sample < 2 || bpf_get_prandom_u32() % config.sample == 0);
}

static __always_inline void send_call(__u64 start, __u64 duration, __u32 node)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		COUNT(events);
		return;
	}
	event->start = start;
	event->duration = duration;
	event->node = node;
	event->tid = id;
	event->tgid = id >> 32;
	event->kind = CALL;
	/* Waking the reader costs more than all the rest: only when there is much to read. It looks by itself now and then. */
	bpf_ringbuf_submit(event, bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > (1 << 19) ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

SEC("usdt")
int BPF_USDT(function_return)
{
	__u64 now = bpf_ktime_get_ns();
	struct thread *thread = current_thread(false);
	struct frame *frame, *caller;
	struct counters *counted;
	__u64 duration;
	__u32 depth, node, slot;

	if (!thread)
		return 0;
	if (!thread->depth) {
		COUNT(returns);
		return 0;
	}
	depth = --thread->depth;
	if (depth >= config.depth)
		return 0;
	frame = frame_at(thread, depth);
	if (!frame)
		return 0;
	node = frame->node;
	if (!node)
		return 0;
	duration = now - frame->start;
	counted = bpf_map_lookup_elem(&counters, &node);
	if (counted) {
		counted->inclusive_ns += duration;
		counted->exclusive_ns += duration > frame->nested ? duration - frame->nested : 0;
		if (duration > counted->longest_ns)
			counted->longest_ns = duration;
		slot = bucket(duration);
		if (slot < BUCKETS)
			counted->histogram[slot]++;
	}
	thread->node = 0;
	if (depth) {
		struct description *description = bpf_map_lookup_elem(&descriptions, &node);

		if (description)
			thread->node = description->parent;
		caller = frame_at(thread, depth - 1);
		if (caller)
			caller->nested += duration;
	}
	if (is_event(duration))
		send_call(frame->start, duration, node);
	return 0;
}

SEC("usdt")
int BPF_USDT(function_resume)
{
	struct thread *thread = current_thread(true);

	if (thread)
		thread->resuming = 1;
	return 0;
}

SEC("usdt")
int BPF_USDT(function_unwind)
{
	struct thread *thread = current_thread(false);
	struct counters *counted;
	__u32 node;

	if (!thread || !thread->node)
		return 0;
	node = thread->node;
	counted = bpf_map_lookup_elem(&counters, &node);
	if (counted)
		counted->unwinds++;
	return 0;
}

SEC("usdt")
int BPF_USDT(thread_exit)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct thread *thread = bpf_map_lookup_elem(&threads, &tid);
	__u32 slot;

	if (!thread)
		return 0;
	slot = thread->slot;
	bpf_map_delete_elem(&threads, &tid);
	bpf_map_push_elem(&free_slots, &slot, BPF_ANY);
	return 0;
}

static __always_inline void send(struct thread *thread, enum kind kind, __u64 start, __u64 duration, __s64 value, __u32 uops, const void *user, const char *kernel)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct long_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		COUNT(events);
		return;
	}
	event->event.start = start;
	event->event.duration = duration;
	event->event.node = thread->node;
	event->event.tid = id;
	event->event.tgid = id >> 32;
	event->event.kind = kind;
	event->value = value;
	event->generation = thread->generation;
	event->uops = uops;
	event->text[0] = 0;
	if (user)
		bpf_probe_read_user_str(event->text, TEXT_SIZE, user);
	if (kernel)
		bpf_probe_read_kernel_str(event->text, TEXT_SIZE, kernel);
	bpf_ringbuf_submit(event, 0);
}

SEC("usdt")
int BPF_USDT(gc_start, int generation)
{
	struct thread *thread = current_thread(true);

	if (thread) {
		thread->generation = generation;
		thread->gc_start = bpf_ktime_get_ns();
	}
	return 0;
}

SEC("usdt")
int BPF_USDT(gc_done, long collected)
{
	struct thread *thread = current_thread(false);

	if (thread && thread->gc_start) {
		send(thread, GC, thread->gc_start, bpf_ktime_get_ns() - thread->gc_start, collected, 0, NULL, NULL);
		thread->gc_start = 0;
	}
	return 0;
}

SEC("usdt")
int BPF_USDT(stop_start, void *reason)
{
	struct thread *thread = current_thread(true);

	if (thread)
		bpf_probe_read_user_str(thread->reason, TEXT_SIZE, reason);
	return 0;
}

SEC("usdt")
int BPF_USDT(stop_done, __u64 ns)
{
	struct thread *thread = current_thread(false);

	if (thread) {
		send(thread, STOP, bpf_ktime_get_ns() - ns, ns, 0, 0, NULL, thread->reason);
		thread->reason[0] = 0;
	}
	return 0;
}

SEC("usdt")
int BPF_USDT(import_start)
{
	struct thread *thread = current_thread(true);
	__u32 depth;

	if (!thread)
		return 0;
	depth = thread->imports++;
	if (depth < IMPORT_DEPTH)
		thread->import_start[depth & (IMPORT_DEPTH - 1)] = bpf_ktime_get_ns();
	return 0;
}

SEC("usdt")
int BPF_USDT(import_done, void *module, int found)
{
	struct thread *thread = current_thread(false);
	__u64 start;
	__u32 depth;

	if (!thread || !thread->imports)
		return 0;
	depth = --thread->imports;
	if (depth < IMPORT_DEPTH) {
		start = thread->import_start[depth & (IMPORT_DEPTH - 1)];
		send(thread, IMPORT, start, bpf_ktime_get_ns() - start, found, 0, module, NULL);
	}
	return 0;
}

SEC("usdt")
int BPF_USDT(exception_raise, void *type, void *file, int line)
{
	struct thread *thread = current_thread(true);

	if (thread)
		send(thread, EXCEPTION, bpf_ktime_get_ns(), 0, line, 0, type, NULL);
	return 0;
}

SEC("usdt")
int BPF_USDT(lock_done, __u64 ns)
{
	struct thread *thread = current_thread(true);

	if (thread)
		send(thread, LOCK, bpf_ktime_get_ns() - ns, ns, 0, 0, NULL, NULL);
	return 0;
}

SEC("usdt")
int BPF_USDT(compile_done, long uops, long bytes, __u64 ns)
{
	struct thread *thread = current_thread(true);

	if (thread)
		send(thread, COMPILE, bpf_ktime_get_ns() - ns, ns, bytes, uops, NULL, NULL);
	return 0;
}

SEC("usdt")
int BPF_USDT(jit_exit, void *reason, void *file, int line)
{
	struct thread *thread = current_thread(true);

	if (thread)
		send(thread, JIT_EXIT, bpf_ktime_get_ns(), 0, line, 0, reason, NULL);
	return 0;
}

SEC("usdt")
int BPF_USDT(invalidate, long traces)
{
	struct thread *thread = current_thread(true);

	if (thread)
		send(thread, INVALIDATE, bpf_ktime_get_ns(), 0, traces, 0, NULL, NULL);
	return 0;
}

/* Which source this object was made of, for the test that it is the current one. */
const char source_hash[] SEC(".source") = SOURCE_HASH;
/* The helpers that read another process's memory ask for a licence that is compatible with the kernel's. */
char LICENSE[] SEC("license") = "Dual MIT/GPL";
