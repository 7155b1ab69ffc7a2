//! What a parser knows between two pieces of input. No Python value is in here.

use super::codes::Code;
use super::dtd::Dtd;
use super::encoding::Encoding;
use super::names::Names;
use super::namespaces::Namespaces;
use parking_lot::Mutex;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Which part of a document comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// What precedes the first tag. `XML_DECL` may be at its very beginning only.
    Prolog,
    /// The part of the DTD between brackets.
    Subset,
    /// Behind that, before the `>`.
    SubsetEnd,
    /// Between the first tag and its end; of an external entity, all.
    Content,
    /// Behind the last tag.
    Epilog,
    /// The part of the DTD that is elsewhere, or a parameter entity that is.
    ExternalSubset,
    /// The document has been parsed.
    Finished,
    /// An error was found.
    Failed(Code),
}

/// Whether parameter entities are parsed.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum ParameterParsing {
    Never = 0,
    UnlessStandalone = 1,
    Always = 2,
}

impl ParameterParsing {
    /// From Expat's number.
    pub fn from_number(n: i32) -> Option<ParameterParsing> {
        [ParameterParsing::Never, ParameterParsing::UnlessStandalone, ParameterParsing::Always].get(usize::try_from(n).ok()?).copied()
    }
}

/// How much text a document and its entities have come to, against documents that grow without end when their entities are replaced.
#[derive(Default)]
pub(super) struct Budget {
    direct: AtomicU64,
    indirect: AtomicU64,
}

impl Budget {
    /// How many times as long as the document its text may become.
    pub const FACTOR: u64 = 100;
    /// ... if it is longer than this.
    pub const THRESHOLD: u64 = 8 << 20;

    /// Counts input.
    pub fn add_direct(&self, n: usize) {
        self.direct.fetch_add(n as u64, Relaxed);
    }

    /// Counts an entity's text. Gives false when it is too much.
    pub fn add_indirect(&self, n: usize) -> bool {
        let indirect = self.indirect.fetch_add(n as u64, Relaxed) + n as u64;
        let direct = self.direct.load(Relaxed);
        let total = direct + indirect;
        total < Budget::THRESHOLD || total <= direct.max(1).saturating_mul(Budget::FACTOR)
    }
}

/// What the parsers of a document and of its external entities have in common.
#[derive(Clone)]
pub(super) struct Shared {
    pub dtd: Arc<Mutex<Dtd>>,
    /// With namespaces: the separator, if there is one.
    pub namespaces: Option<Option<char>>,
    pub parameter_parsing: ParameterParsing,
    pub budget: Arc<Budget>,
}

/// An open element.
#[derive(Clone, Copy)]
pub(super) struct Tag {
    /// Its name, as it is written.
    pub name: u32,
    /// Its name for the program.
    pub expanded: u32,
    /// How many namespaces it has bound.
    pub bindings: u32,
}

/// An attribute in a tag that is parsed.
#[derive(Clone)]
pub(super) struct RawAttribute {
    pub name: Range<usize>,
    pub value: Range<usize>,
    /// The value is what is written.
    pub plain: bool,
}

/// The identifiers of something external.
#[derive(Default, Clone)]
pub(super) struct ExternalId {
    pub public: Option<String>,
    pub system: Option<String>,
}

/// See the module's page.
pub(super) struct Core {
    pub shared: Shared,
    pub state: State,
    /// Parsing has begun.
    pub started: bool,
    /// Nothing of the entity was parsed yet, so that a declaration may come.
    pub at_start: bool,
    /// The document is an external entity of another.
    pub is_entity: bool,
    /// The encoding the program has named.
    pub encoding_name: Option<String>,
    /// The encoding, as soon as it is known.
    pub encoding: Option<Encoding>,
    /// Input that is no whole character.
    pub tail: Vec<u8>,
    /// Text that is not parsed yet.
    pub pending: Vec<u8>,
    /// How long that was when it was last tried without success.
    pub tried: usize,
    pub tags: Vec<Tag>,
    /// The attributes of a tag; empty between tags.
    pub attributes: Vec<RawAttribute>,
    pub names: Names,
    pub namespaces: Option<Namespaces>,
    /// The entities that are being replaced: general ones, and parameter entities.
    pub open: Vec<String>,
    pub open_parameters: Vec<String>,
    /// In a CDATA section.
    pub cdata: bool,
    /// A document type declaration was seen, or it is too late for one.
    pub doctype_seen: bool,
    /// Its name was reported, so its end has to be.
    pub external_id: Option<ExternalId>,
    pub foreign_dtd: bool,
    /// How many conditional sections of the DTD are open.
    pub included: usize,
    /// Text under construction.
    pub scratch: String,
}

impl Core {
    fn with(shared: Shared, state: State, encoding_name: Option<String>) -> Core {
        let namespaces = shared.namespaces.map(Namespaces::new);
        Core {
            shared,
            state,
            started: false,
            at_start: true,
            is_entity: false,
            encoding_name,
            encoding: None,
            tail: Vec::new(),
            pending: Vec::new(),
            tried: 0,
            tags: Vec::new(),
            attributes: Vec::new(),
            names: Names::default(),
            namespaces,
            open: Vec::new(),
            open_parameters: Vec::new(),
            cdata: false,
            doctype_seen: false,
            external_id: None,
            foreign_dtd: false,
            included: 0,
            scratch: String::new(),
        }
    }

    /// For a document.
    pub fn of_document(encoding_name: Option<String>, namespaces: Option<Option<char>>) -> Core {
        let shared = Shared {
            dtd: Arc::new(Mutex::new(Dtd::new())),
            namespaces,
            parameter_parsing: ParameterParsing::Never,
            budget: Arc::default(),
        };
        Core::with(shared, State::Prolog, encoding_name)
    }

    /// For an external entity: one of the text with its context, one of the DTD without.
    pub fn of_entity(shared: Shared, context: Option<&str>, encoding_name: Option<String>) -> Core {
        let state = if context.is_some() { State::Content } else { State::ExternalSubset };
        let mut core = Core { is_entity: true, ..Core::with(shared, state, encoding_name) };
        for part in context.unwrap_or("").split('\u{c}').filter(|p| !p.is_empty()) {
            match (part.split_once('='), &mut core.namespaces) {
                (Some((prefix, uri)), Some(namespaces)) => {
                    namespaces.restore(if prefix.is_empty() { None } else { Some(prefix) }, uri);
                }
                (Some(_), None) => {}
                (None, _) => core.open.push(part.to_string()),
            }
        }
        core
    }
}
