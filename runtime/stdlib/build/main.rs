//! Compiles the Python part of the standard library, so that the binary carries it ready to run.
//!
//! What goes in: the files of `rustpython-pylib` (CPython's own library), those of `overlay/`, which replace or add to them, and the
//! [`adaptations`] of single lines. What comes out, in `OUT_DIR`: `library.rs`, a table of all files sorted by path, and the two blobs it
//! points into: `library.code` (compiled modules, read in place at run time) and `library.text` (the sources and other files, compressed).

mod adaptations;

use flate2::{Compression, write::ZlibEncoder};
use limpid_bytecode::marshal;
use limpid_compiler::{Mode, Options};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

/// What is left out: tests, what needs Tk, what describes another runtime.
const EXCLUDED: &[&str] = &[
    "README.md",
    "_dummy_os.py",
    "_dummy_thread.py",
    "_pyrepl/mypy.ini",
    "ctypes/macholib/README.ctypes",
    "ctypes/macholib/fetch_macholib",
    "ctypes/macholib/fetch_macholib.bat",
    "dummy_threading.py",
    "email/architecture.rst",
    "idlelib",
    "tkinter",
    "tomllib/mypy.ini",
    "turtle.py",
    "turtledemo",
    "venv/scripts/nt",
];

/// Modules that CPython freezes, which are known by `<frozen NAME>` instead of a path.
const FROZEN: &[&str] = &include!("../src/library/frozen_names.rs");

/// A file of the library, by its path with slashes.
type Files = BTreeMap<String, PathBuf>;

/// What a file becomes.
#[derive(Default)]
struct Built {
    code: Vec<u8>,
    text: Vec<u8>,
    size: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let overlay = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("overlay");
    println!("cargo::rerun-if-changed={}", overlay.display());
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=src/library/frozen_names.rs");

    let mut files = Files::new();
    collect(Path::new(rustpython_pylib::LIB_PATH), "", &mut files)?;
    collect(&overlay, "", &mut files)?;

    let built = build_all(&files)?;
    write_output(&files, &built, Path::new(&env::var("OUT_DIR")?))?;
    Ok(())
}

/// Adds the files below a folder; those found later replace those found before.
fn collect(folder: &Path, prefix: &str, files: &mut Files) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|n| format!("no UTF-8: {n:?}"))?;
        let path = format!("{prefix}{name}");
        if EXCLUDED.contains(&path.as_str()) || name == "__pycache__" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else {
            files.insert(path, entry.path());
        }
    }
    Ok(())
}

/// Builds all files on all processors. Every failure is reported, so that a broken compiler shows all it breaks.
fn build_all(files: &Files) -> Result<Vec<Built>, String> {
    let list: Vec<_> = files.iter().collect();
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        while let Some((path, file)) = list.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push((*path, build(path, file)));
        }
        done
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let mut results = thread::scope(|scope| {
        // Room for the deepest expressions of the library in a build that is not optimised.
        let spawn = |_| thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, worker);
        let threads: Vec<_> = (0..workers).map(spawn).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
        let done = threads.into_iter().flat_map(|t| t.join().expect("a worker panicked"));
        Ok::<_, String>(done.collect::<Vec<_>>())
    })?;
    results.sort_by_key(|(path, _)| *path);
    let mut failures = String::new();
    let mut built = Vec::new();
    for (_, result) in results {
        match result {
            Ok(one) => built.push(one),
            Err(message) => writeln!(failures, "{message}").expect("memory for a message"),
        }
    }
    let unused = adaptations::TABLE.iter().map(|a| a.path).find(|path| !files.contains_key(*path));
    match unused {
        _ if !failures.is_empty() => Err(failures),
        Some(path) => Err(format!("{path} is to be adapted, but there is no such file")),
        None => Ok(built),
    }
}

fn build(path: &str, file: &Path) -> Result<Built, String> {
    let bytes = fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let Some(module) = path.strip_suffix(".py") else { return Ok(Built { text: compress(&bytes), size: bytes.len(), ..Built::default() }) };
    let mut text = String::from_utf8(bytes).map_err(|e| format!("{path}: {e}"))?;
    for a in adaptations::TABLE.iter().filter(|a| a.path == path) {
        if text.matches(a.original).count() != 1 {
            return Err(format!("{path}: the text to adapt does not occur exactly once:\n{}", a.original));
        }
        text = text.replace(a.original, a.replacement);
    }
    let name = module.strip_suffix("/__init__").unwrap_or(module).replace('/', ".");
    let filename = if FROZEN.contains(&name.as_str()) { format!("<frozen {name}>") } else { path.to_owned() };
    let code = limpid_compiler::compile(&text, &filename, Mode::Exec, &Options::default())
        .map_err(|e| format!("{path}:{}:{}: {}\n    {}", e.lineno, e.offset, e.message, e.text.as_deref().unwrap_or("").trim()))?;
    let code = marshal::encode(&code).map_err(|e| format!("{path}: {e}"))?;
    Ok(Built { code, text: compress(text.as_bytes()), size: text.len() })
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing to memory")
}

fn write_output(files: &Files, built: &[Built], folder: &Path) -> Result<(), Box<dyn Error>> {
    let (mut code, mut text) = (Vec::new(), Vec::new());
    let mut table = format!("pub(super) static FILES: [File; {}] = [\n", files.len());
    let span = |blob: &mut Vec<u8>, piece: &[u8]| {
        let start = blob.len();
        blob.extend_from_slice(piece);
        format!("Span({start}, {})", piece.len())
    };
    let mut paths = Vec::new();
    for (path, one) in files.keys().zip(built) {
        let (path, code, text) = (span(&mut paths, path.as_bytes()), span(&mut code, &one.code), span(&mut text, &one.text));
        writeln!(table, "    File {{ path: {path}, code: {code}, text: {text}, size: {} }},", one.size)?;
    }
    table.push_str("];\n");
    for (name, bytes) in [("library.rs", table.as_bytes()), ("library.paths", &paths), ("library.code", &code), ("library.text", &text)] {
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}
