//! The Python part of the standard library, compiled and embedded.
//!
//! The build script writes all files into one table sorted by path. The modules that CPython freezes ([`FROZEN`]) are found by name through
//! [`LIBRARY`], which the runtime's `_imp` asks. All others, and the files that are no modules, stand in folders that exist only here: the
//! Python module `_libraryimport` puts a hook on `sys.path_hooks` that imports from them, and reads them through [`native::MODULE`].
//!
//! Invariant: this module knows nothing of `sys.path`; its paths are relative to the root of the library, with slashes.

pub mod native;

use flate2::read::ZlibDecoder;
use limpid_vm::runtime::{FrozenLibrary, FrozenModule};
use std::collections::BTreeSet;
use std::io::Read;

/// A part of one of the blobs: where it starts, and its length.
struct Span(usize, usize);

impl Span {
    fn of<'a>(&self, blob: &'a [u8]) -> &'a [u8] {
        &blob[self.0..self.0 + self.1]
    }
}

/// A file. The table has only numbers in it, so nothing in it needs relocation when the program starts.
pub struct File {
    path: Span,
    code: Span,
    text: Span,
    size: usize,
}

include!(concat!(env!("OUT_DIR"), "/library.rs"));

static PATHS: &str = include_str!(concat!(env!("OUT_DIR"), "/library.paths"));
static CODE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/library.code"));
static TEXT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/library.text"));

impl File {
    /// Where it stands.
    pub fn path(&self) -> &'static str {
        &PATHS[self.path.0..self.path.0 + self.path.1]
    }

    /// A module's code in the format of `limpid_bytecode::marshal`; None if the file is no module.
    pub fn code(&self) -> Option<&'static [u8]> {
        (self.code.1 > 0).then(|| self.code.of(CODE))
    }

    /// What is in it.
    pub fn read(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.size);
        ZlibDecoder::new(self.text.of(TEXT)).read_to_end(&mut bytes).expect("the build script has compressed it");
        bytes
    }
}

/// The file at a path.
pub fn file(path: &str) -> Option<&'static File> {
    FILES.binary_search_by(|f| f.path().cmp(path)).ok().map(|i| &FILES[i])
}

/// All files below a folder, whose path is empty or ends with a slash.
fn files_below(folder: &str) -> &'static [File] {
    let start = FILES.partition_point(|f| f.path() < folder);
    let count = FILES[start..].partition_point(|f| f.path().starts_with(folder));
    &FILES[start..start + count]
}

/// Is there such a folder? The path of the root is empty.
pub fn is_folder(path: &str) -> bool {
    path.is_empty() || !files_below(&format!("{path}/")).is_empty()
}

/// The names of what a folder contains, sorted, those of folders with a slash behind them.
pub fn entries(folder: &str) -> BTreeSet<&'static str> {
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let name = |f: &File| {
        let rest = &f.path()[prefix.len()..];
        rest.split_inclusive('/').next().unwrap_or(rest)
    };
    files_below(&prefix).iter().map(name).collect()
}

/// The modules that CPython freezes, which have no path. Sorted.
static FROZEN: &[&str] = &include!("frozen_names.rs");

/// Other names for some of them, as in CPython: the name, and the one it stands for. With a `<`, the code of a package that is run as an
/// ordinary module.
static ALIASES: &[(&str, &str)] = &[
    ("__hello_alias__", "__hello__"),
    ("__hello_only__", "__hello__"),
    ("__phello__.__init__", "<__phello__"),
    ("__phello__.ham.__init__", "<__phello__.ham"),
    ("__phello_alias__", "__hello__"),
    ("__phello_alias__.spam", "__hello__"),
    ("_frozen_importlib", "importlib._bootstrap"),
    ("_frozen_importlib_external", "importlib._bootstrap_external"),
    ("os.path", "posixpath"),
];

/// The frozen modules, for the runtime.
pub static LIBRARY: FrozenLibrary = FrozenLibrary { find: find_frozen, names: frozen_names, code: CODE };

fn find_frozen(name: &str) -> Option<FrozenModule> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
    let origname = match alias {
        Some((_, origname)) => origname,
        None => FROZEN[FROZEN.binary_search(&name).ok()?],
    };
    let path = origname.trim_start_matches('<').replace('.', "/");
    let (file, is_package) = match file(&format!("{path}.py")) {
        Some(file) => (file, name == "__phello_alias__"),
        None => (file(&format!("{path}/__init__.py"))?, !origname.starts_with('<')),
    };
    Some(FrozenModule { code: file.code()?, is_package, origname: (name != "__hello_only__").then_some(origname) })
}

fn frozen_names() -> Vec<&'static str> {
    FROZEN.iter().copied().chain(ALIASES.iter().map(|(alias, _)| *alias)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted() {
        assert!(FROZEN.is_sorted());
        assert!(FILES.is_sorted_by_key(File::path));
    }

    #[test]
    fn every_frozen_module_is_there() {
        for name in frozen_names() {
            let module = find_frozen(name).unwrap_or_else(|| panic!("{name}"));
            let code = limpid_bytecode::marshal::decode(module.code).unwrap();
            let origin = module.origname.unwrap_or("__hello__").trim_start_matches('<');
            assert_eq!(code.filename, format!("<frozen {origin}>"));
        }
        assert!(find_frozen("json").is_none());
        assert!(find_frozen("__phello__").unwrap().is_package);
        assert!(!find_frozen("__phello__.__init__").unwrap().is_package);
    }

    #[test]
    fn files_are_what_they_were() {
        let text = String::from_utf8(file("json/__init__.py").unwrap().read()).unwrap();
        assert!(text.contains("def dumps("));
        let code = limpid_bytecode::marshal::decode(file("json/__init__.py").unwrap().code().unwrap()).unwrap();
        assert_eq!(code.filename, "json/__init__.py");
        assert!(file("pydoc_data/_pydoc.css").unwrap().code().is_none());
        assert!(file("json").is_none());
    }

    #[test]
    fn folders_list_their_files() {
        assert!(is_folder("") && is_folder("venv/scripts") && !is_folder("venv/scripts/nt") && !is_folder("os.py"));
        assert_eq!(entries("venv"), BTreeSet::from(["__init__.py", "__main__.py", "scripts/"]));
        assert!(entries("").contains("os.py") && entries("").contains("json/"));
        assert!(entries("json/decoder.py").is_empty());
    }
}
