//! Finalizers and the callbacks of weak references: collections queue them, threads run them.
//!
//! They are code of the interpreter that the object belongs to, whose modules and builtins they expect. A collection finds objects of all
//! interpreters and may look at none of them closely, so all arrive in one queue of the process. A thread that comes to it hands each to
//! the queue of the interpreter it belongs to ([`Homes`]), then runs what is in that of its own. An interpreter without a thread does
//! this when it runs next, at the latest at its end; what belongs to one that has ended is forgotten.

use crate::error_report;
use crate::interpreter::{self, Interpreter};
use crate::names;
use crate::object::{Ref, ValueExt};
use crate::protocol::attr;
use crate::runtime::{self, Runtime};
use crate::thread::{Thread, request};
use crate::types::{Dict, Function, Method, Type, coroutine, flag, weakref};
use limpid_heap::{Tracer, Value};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::AcqRel;

/// What is to be finalized, and which weak references have lost their referents. A root.
pub(crate) struct Queue {
    objects: Mutex<VecDeque<Value>>,
    weakrefs: Mutex<VecDeque<Value>>,
}

impl Queue {
    pub(crate) const fn new() -> Queue {
        Queue { objects: Mutex::new(VecDeque::new()), weakrefs: Mutex::new(VecDeque::new()) }
    }

    pub(crate) fn push_object(&self, object: Value) {
        self.objects.lock().push_back(object);
    }

    pub(crate) fn push_weakref(&self, weakref: Value) {
        self.weakrefs.lock().push_back(weakref);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.objects.lock().is_empty() && self.weakrefs.lock().is_empty()
    }

    /// Hands it to the collector.
    pub(crate) fn trace(&self, tracer: &mut Tracer) {
        self.objects.lock().iter().chain(self.weakrefs.lock().iter()).for_each(|v| tracer.value(*v));
    }
}

/// Runs what is queued for the thread's interpreter, and tells of collections. A finalizer that comes here again leaves the rest to the
/// first call: each new one would nest deeper.
pub fn run(t: &Thread) {
    if t.finalizing.replace(true) {
        return;
    }
    runtime::tell_of_collections(t);
    hand_out(t);
    let own = &t.interpreter().finalization;
    // Only what is there now: other threads may add to it for ever.
    let weakrefs = own.weakrefs.lock().len();
    for _ in 0..weakrefs {
        let weakref = own.weakrefs.lock().pop_back();
        let Some(weakref) = weakref else { break };
        weakref::run_callback(t, weakref);
    }
    let objects = own.objects.lock().len();
    for _ in 0..objects {
        // Kept in a local variable from here on, so it stays alive while it is finalized.
        let object = own.objects.lock().pop_front();
        let Some(object) = object else { break };
        finalize(t, object);
    }
    t.finalizing.set(false);
    request_if_queued(t);
}

/// Has the thread see to what is queued.
pub(crate) fn request_if_queued(t: &Thread) {
    if !t.runtime().arrived.is_empty() || !t.interpreter().finalization.is_empty() {
        t.mutator.eval_breaker.fetch_or(request::FINALIZERS, AcqRel);
    }
}

/// A thread, which is in no list any more, ends: others see to what is queued.
pub(crate) fn leave_to_others(t: &Thread, runtime: &Runtime) {
    if !runtime.arrived.is_empty() {
        runtime.request_main(request::FINALIZERS);
    }
    if !t.interpreter().finalization.is_empty() {
        request_of(t, t.interpreter());
    }
}

/// Has some thread of an interpreter see to its queue.
fn request_of(t: &Thread, interpreter: &Arc<Interpreter>) {
    let mut asked = false;
    interpreter.each_thread(t, |other| {
        if !asked {
            other.mutator.eval_breaker.fetch_or(request::FINALIZERS, AcqRel);
            asked = true;
        }
    });
}

/// Hands what has arrived to the interpreters it belongs to.
fn hand_out(t: &Thread) {
    let arrived = &t.runtime().arrived;
    let (weakrefs, objects) = (arrived.weakrefs.lock().len(), arrived.objects.lock().len());
    if weakrefs + objects == 0 {
        return;
    }
    let homes = Homes::new(t);
    for _ in 0..weakrefs {
        let weakref = arrived.weakrefs.lock().pop_front();
        let Some(weakref) = weakref else { break };
        if let Some(home) = homes.of(t, || weakref::callback_of(weakref).and_then(python_function)) {
            home.finalization.push_weakref(weakref);
        }
    }
    for _ in 0..objects {
        let object = arrived.objects.lock().pop_front();
        let Some(object) = object else { break };
        if let Some(home) = homes.of(t, || finalizer_of(t, object)) {
            home.finalization.push_object(object);
        }
    }
    let others = homes.0.iter().filter(|home| !Arc::ptr_eq(home, t.interpreter()) && !home.finalization.is_empty());
    others.for_each(|home| request_of(t, home));
}

/// The interpreters that finalizers can run in; none of them if there has never been more than one.
struct Homes(Vec<Arc<Interpreter>>);

impl Homes {
    fn new(t: &Thread) -> Homes {
        if interpreter::is_only_one() {
            return Homes(Vec::new());
        }
        let mut homes = interpreter::all(t);
        // One that has ended may have threads that nobody waits for.
        t.runtime().each_thread(|other| {
            if !homes.iter().any(|home| Arc::ptr_eq(home, other.interpreter())) {
                homes.push(other.interpreter().clone());
            }
        });
        Homes(homes)
    }

    /// The interpreter that a finalizer which runs Python code belongs to: that of the builtins which this sees. Where there is no such code, or
    /// it sees others, the current one. None if it belongs to an interpreter that has ended, whose builtins are empty.
    fn of<'a>(&'a self, t: &'a Thread, function: impl FnOnce() -> Option<Ref<Function>>) -> Option<&'a Arc<Interpreter>> {
        if self.0.is_empty() {
            return Some(t.interpreter());
        }
        let Some(builtins) = function().map(|f| f.builtins.get()) else { return Some(t.interpreter()) };
        if let Some(home) = self.0.iter().find(|home| home.builtins.get() == builtins) {
            return Some(home);
        }
        let has_ended = builtins.exact::<Dict>().is_some_and(|dict| dict.is_empty());
        (!has_ended).then(|| t.interpreter())
    }
}

/// The function in Python that finalizing an object runs, or one that belongs where that does.
fn finalizer_of(t: &Thread, object: Value) -> Option<Ref<Function>> {
    match coroutine::as_any_generator(object) {
        Some(g) => g.frame().function_value().exact::<Function>(),
        None => attr::lookup(t, object.class(), names::__del__).and_then(python_function).or_else(|| function_below(t, object)),
    }
}

/// How many objects are looked at for what a native finalizer comes to.
const MOST_BELOW: usize = 16;

/// A method in Python that a native finalizer may come to: one of the object's class, or of what it hands over to, as a stream does to the one
/// below it. What that is has to be finalized as well.
fn function_below(t: &Thread, object: Value) -> Option<Ref<Function>> {
    t.mutator.stop_world(c"finalizers", |world| {
        let mut found = vec![object];
        let mut next = 0;
        while let Some(v) = found.get(next).copied() {
            if let Some(f) = method_in_python(v.class()) {
                return Some(f);
            }
            limpid_heap::each_referent(world, v, &mut |below| {
                let is_new = found.len() < MOST_BELOW && !found.contains(&below);
                if is_new && below.class().slots().finalize.is_some() {
                    found.push(below);
                }
            });
            next += 1;
        }
        None
    })
}

/// Some method of a class, or of one that it derives from, that is written in Python.
fn method_in_python(class: Ref<Type>) -> Option<Ref<Function>> {
    let classes = class.mro();
    classes
        .as_slice()
        .iter()
        .filter_map(|class| class.downcast::<Type>())
        .filter(|class| class.has(flag::HEAP_TYPE))
        .find_map(|class| class.dict().iter().find_map(|(_, v)| v.exact::<Function>()))
}

/// The function in Python behind a callable.
fn python_function(callable: Value) -> Option<Ref<Function>> {
    match callable.exact::<Method>() {
        Some(method) => method.function.get().exact::<Function>(),
        None => callable.exact::<Function>(),
    }
}

fn finalize(t: &Thread, object: Value) {
    let Some(f) = object.class().slots().finalize else { return };
    let saved = t.take_exception();
    if f(t, object).is_err() && !crate::breaker::pass_on_interrupt(t) {
        let method = attr::lookup(t, object.class(), names::__del__).filter(|f| f.exact::<Function>().is_some());
        match method {
            Some(method) => error_report::unraisable_with_message(t, "Exception ignored while calling deallocator", method),
            None if coroutine::as_generator(object).is_some() => {
                error_report::unraisable_with_message(t, "Exception ignored while closing generator", object)
            }
            None => error_report::unraisable(t, object),
        }
    }
    if !saved.is_null() {
        t.raise_value(saved);
    }
}
