//! The names a document uses. Each is kept once: its Python string is in a list of the parser object, under the name's number.

use std::collections::HashMap;
use std::sync::Arc;

/// A name.
pub(super) struct Name {
    /// Its text.
    pub text: Arc<str>,
    /// The tag that last had it as an attribute, see [`Names::mark`].
    seen: u64,
    /// With namespaces: what the element's name stands for, and the state of the bindings that is right for.
    pub expanded: (u64, u32),
}

/// The names; see the module's page.
#[derive(Default)]
pub(super) struct Names {
    numbers: HashMap<Arc<str>, u32>,
    all: Vec<Name>,
    tag: u64,
}

impl Names {
    /// The number of a name that was seen before.
    #[inline]
    pub fn find(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    /// Adds a name, whose string is the next of the list.
    pub fn add(&mut self, text: &str) -> u32 {
        let number = self.all.len() as u32;
        let text: Arc<str> = text.into();
        self.numbers.insert(text.clone(), number);
        self.all.push(Name { text, seen: 0, expanded: (0, 0) });
        number
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// A name.
    #[inline]
    pub fn get(&self, number: u32) -> &Name {
        &self.all[number as usize]
    }

    /// A name, to be changed.
    pub fn get_mut(&mut self, number: u32) -> &mut Name {
        &mut self.all[number as usize]
    }

    /// A new tag begins: no attribute is marked.
    pub fn begin_tag(&mut self) {
        self.tag += 1;
    }

    /// Marks an attribute of the tag; false if it was already.
    pub fn mark(&mut self, number: u32) -> bool {
        let tag = self.tag;
        std::mem::replace(&mut self.all[number as usize].seen, tag) != tag
    }
}
