//! What a document's DTD declares.

use std::collections::HashMap;
use std::sync::Arc;

/// An entity.
pub(super) struct Entity {
    /// Its text; none for an external one.
    pub text: Option<Arc<str>>,
    /// Where an external one is.
    pub system: Option<String>,
    /// Its public identifier.
    pub public: Option<String>,
    /// The notation of one that is not parsed.
    pub notation: Option<String>,
    /// It is declared in the document itself, and not in a parameter entity.
    pub internal: bool,
}

/// An attribute, as it is declared.
#[derive(Clone)]
pub(super) struct Attribute {
    /// Its name.
    pub name: Arc<str>,
    /// Its value is any text; for other types white space is collapsed.
    pub any_text: bool,
    /// The value it has when a tag has none.
    pub default: Option<Arc<str>>,
}

/// The declarations.
pub(super) struct Dtd {
    /// Entities for the text.
    pub general: HashMap<String, Arc<Entity>>,
    /// Entities for the DTD.
    pub parameter: HashMap<String, Arc<Entity>>,
    /// The attributes of elements. Replaced, not changed, so that they can be looked at without the lock.
    pub attributes: HashMap<String, Arc<Vec<Attribute>>>,
    /// There are declarations elsewhere.
    pub has_parameter_references: bool,
    /// The document says that it needs no declarations from elsewhere.
    pub standalone: bool,
    /// Declarations are still processed: none was skipped.
    pub complete: bool,
    /// A part from elsewhere was read.
    pub external_read: bool,
}

impl Dtd {
    /// No declarations.
    pub fn new() -> Dtd {
        Dtd {
            general: HashMap::new(),
            parameter: HashMap::new(),
            attributes: HashMap::new(),
            has_parameter_references: false,
            standalone: false,
            complete: true,
            external_read: false,
        }
    }

    /// Adds an attribute unless it is declared already.
    pub fn add_attribute(&mut self, element: &str, attribute: Attribute) {
        let known = self.attributes.entry(element.to_string()).or_default();
        if !known.iter().any(|a| a.name == attribute.name) {
            Arc::make_mut(known).push(attribute);
        }
    }
}
