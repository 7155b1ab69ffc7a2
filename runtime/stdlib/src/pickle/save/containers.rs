//! Tuples, lists, dicts and sets: what may refer to itself, and is long.

use super::{Saving, noted, noting};
use crate::pickle::opcode as op;
use limpid_heap::Value;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{iter, text};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::set::as_set;
use limpid_vm::types::{Dict, List, Tuple};

/// How many items are appended at once.
const BATCH: usize = 1000;
/// How deep objects may be nested in fast mode before it is looked for cycles.
const FAST_NESTING: usize = 50;

/// Gives a dict's next entry, None at the end.
type NextEntry<'a> = dyn FnMut(&Thread) -> R<Option<(Value, Value)>> + 'a;

impl Saving {
    pub(super) fn save_tuple(&mut self, t: &Thread, tuple: Ref<Tuple>) -> R<()> {
        let (v, items) = (tuple.value(), tuple.as_slice());
        if items.is_empty() {
            self.out.write(if self.binary { &[op::EMPTY_TUPLE] } else { &[op::MARK, op::TUPLE] });
            return Ok(());
        }
        let short = items.len() <= 3 && self.protocol >= 2;
        if !short {
            self.out.instruction(op::MARK);
        }
        for (i, item) in items.iter().enumerate() {
            self.save(t, *item).map_err(|_| noted(t, v, || Ok(format!("item {i}"))))?;
        }
        // A tuple that contains itself was saved on the way.
        if let Some(place) = self.place(v) {
            if short {
                items.iter().for_each(|_| self.out.instruction(op::POP));
            } else if self.binary {
                self.out.instruction(op::POP_MARK);
            } else {
                (0..=items.len()).for_each(|_| self.out.instruction(op::POP));
            }
            self.get(place);
            return Ok(());
        }
        self.out.instruction(match items.len() {
            _ if !short => op::TUPLE,
            1 => op::TUPLE1,
            2 => op::TUPLE2,
            _ => op::TUPLE3,
        });
        self.memoize(t, v);
        Ok(())
    }

    /// In fast mode, ValueError when an object contains itself.
    fn enter_fast(&mut self, t: &Thread, v: Value) -> R<()> {
        if !self.fast {
            return Ok(());
        }
        if self.open.len() >= FAST_NESTING && self.open.contains(&v.bits()) {
            let class = v.class().display_name();
            raise!(t, ValueError, "fast mode: can't pickle cyclic objects including object type {class} at {:#x}", v.bits());
        }
        self.open.push(v.bits());
        Ok(())
    }

    fn leave_fast(&mut self) {
        self.open.pop();
    }

    pub(super) fn save_list(&mut self, t: &Thread, list: Ref<List>) -> R<()> {
        self.enter_fast(t, list.value())?;
        self.out.write(if self.binary { &[op::EMPTY_LIST] } else { &[op::MARK, op::LIST] });
        self.memoize(t, list.value());
        let mut i = 0;
        let result = self.append_all(t, list.value(), &mut |_| {
            i += 1;
            Ok(list.get(i - 1).unwrap_or(Value::NULL))
        });
        self.leave_fast();
        result
    }

    /// Items for a list; `next` gives NULL at the end.
    pub(super) fn append_all(&mut self, t: &Thread, v: Value, next: &mut dyn FnMut(&Thread) -> R) -> R<()> {
        let mut i = 0;
        let mut save = |this: &mut Saving, item: Value| {
            let saved = this.save(t, item).map_err(|_| noted(t, v, || Ok(format!("item {i}"))));
            i += 1;
            saved
        };
        let mut first = next(t)?;
        if !self.binary {
            while !first.is_null() {
                save(self, first)?;
                self.out.instruction(op::APPEND);
                first = next(t)?;
            }
            return Ok(());
        }
        while !first.is_null() {
            let second = next(t)?;
            if second.is_null() {
                save(self, first)?;
                self.out.instruction(op::APPEND);
                return Ok(());
            }
            self.out.instruction(op::MARK);
            save(self, first)?;
            let mut item = second;
            let mut n = 1;
            while !item.is_null() {
                save(self, item)?;
                n += 1;
                item = if n < BATCH { next(t)? } else { Value::NULL };
            }
            self.out.instruction(op::APPENDS);
            first = if n < BATCH { Value::NULL } else { next(t)? };
        }
        Ok(())
    }

    pub(super) fn save_dict(&mut self, t: &Thread, dict: Ref<Dict>) -> R<()> {
        self.enter_fast(t, dict.value())?;
        self.out.write(if self.binary { &[op::EMPTY_DICT] } else { &[op::MARK, op::DICT] });
        self.memoize(t, dict.value());
        let (mut position, size) = (0, dict.len());
        let result = self.set_all(t, dict.value(), &mut |t| {
            if dict.len() != size {
                raise!(t, RuntimeError, "dictionary changed size during iteration");
            }
            Ok(dict.next_entry(&mut position))
        });
        self.leave_fast();
        result
    }

    /// Entries for a dict.
    pub(super) fn set_all(&mut self, t: &Thread, v: Value, next: &mut NextEntry<'_>) -> R<()> {
        let save = |this: &mut Saving, (key, value): (Value, Value)| {
            this.save(t, key)?;
            this.save(t, value).map_err(|_| noted(t, v, || Ok(format!("item {}", text::repr(t, key)?.to_string_lossy()))))
        };
        let mut first = next(t)?;
        if !self.binary {
            while let Some(entry) = first {
                save(self, entry)?;
                self.out.instruction(op::SETITEM);
                first = next(t)?;
            }
            return Ok(());
        }
        while let Some(entry) = first {
            let Some(second) = next(t)? else {
                save(self, entry)?;
                self.out.instruction(op::SETITEM);
                return Ok(());
            };
            self.out.instruction(op::MARK);
            save(self, entry)?;
            let mut entry = Some(second);
            let mut n = 1;
            while let Some(pair) = entry {
                save(self, pair)?;
                n += 1;
                entry = if n < BATCH { next(t)? } else { None };
            }
            self.out.instruction(op::SETITEMS);
            first = if n < BATCH { None } else { next(t)? };
        }
        Ok(())
    }

    /// The elements of a set as `f(list)`, for protocols without instructions for sets.
    fn save_set_as_list(&mut self, t: &Thread, v: Value) -> R<()> {
        let items = iter::to_list(t, v)?.value();
        let reduced = [v.class().value(), Tuple::from_slice(t, &[items]).value()];
        self.save_reduced(t, Tuple::from_slice(t, &reduced).value(), Some(v))
    }

    pub(super) fn save_set(&mut self, t: &Thread, v: Value) -> R<()> {
        if self.protocol < 4 {
            return self.save_set_as_list(t, v);
        }
        let Some(set) = as_set(v) else { return Ok(()) };
        self.out.instruction(op::EMPTY_SET);
        self.memoize(t, v);
        let size = set.len();
        let mut n = 0;
        for (item, _) in set.entries() {
            if n % BATCH == 0 {
                self.out.instruction(op::MARK);
            }
            let saved = self.save(t, item);
            noting(t, saved, v, "element")?;
            n += 1;
            if n % BATCH == 0 {
                self.out.instruction(op::ADDITEMS);
            }
            if set.len() != size {
                raise!(t, RuntimeError, "set changed size during iteration");
            }
        }
        if n % BATCH != 0 {
            self.out.instruction(op::ADDITEMS);
        }
        Ok(())
    }

    pub(super) fn save_frozenset(&mut self, t: &Thread, v: Value) -> R<()> {
        if self.protocol < 4 {
            return self.save_set_as_list(t, v);
        }
        let Some(set) = as_set(v) else { return Ok(()) };
        self.out.instruction(op::MARK);
        for (item, _) in set.entries() {
            let saved = self.save(t, item);
            noting(t, saved, v, "element")?;
        }
        if let Some(place) = self.place(v) {
            self.out.instruction(op::POP_MARK);
            self.get(place);
            return Ok(());
        }
        self.out.instruction(op::FROZENSET);
        self.memoize(t, v);
        Ok(())
    }

    // ---- what is found by name ----
}
