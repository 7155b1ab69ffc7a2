//! From nothing to a runtime that can run a program.

use crate::config::Config;
use crate::installation::Installation;
use crate::locale::Locale;
use crate::shutdown;
use crate::streams::{self, Encoding};
use limpid_heap::Value;
use limpid_stdlib::library::LIBRARY;
use limpid_vm::interp::backoff;
use limpid_vm::interpreter::Life;
use limpid_vm::modules::{self, bootstrap, builtins, imp, import, sys};
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{attr, call};
use limpid_vm::runtime;
use limpid_vm::thread::Thread;
use limpid_vm::types::str::intern;
use limpid_vm::types::{Module, Str};
use limpid_vm::{error_report, names};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;

/// Starts the runtime. None if that has failed, which was told on standard error then.
pub fn start(config: &Config, installation: &Installation, locale: &Locale) -> Option<&'static Thread> {
    modules::register(limpid_stdlib::MODULES);
    limpid_stdlib::ast::register();
    install_jit(config);
    let t = runtime::start(config.options.clone(), LIBRARY);
    let basis = Basis {
        installation: installation.clone(),
        encoding: Encoding::new(locale, config.options.utf8_mode, config.io_encoding.as_deref()),
        check_hash_pycs: config.check_hash_pycs.name(),
    };
    let basis = BASIS.get_or_init(|| basis);
    // The first one stays: a runtime is started once.
    let _ = t.runtime().life.set(Life { start: start_another, end: shutdown::finish_another });
    if initialize(t, config, basis).is_err() {
        eprintln!("Fatal Python error: the runtime cannot be initialized");
        error_report::print_plainly(t);
        return None;
    }
    if import_site(t).is_err() {
        eprintln!("Fatal Python error: init_import_site: Failed to import the site module\nPython runtime state: initialized");
        error_report::print_uncaught(t);
        return None;
    }
    Some(t)
}

#[cfg(any(feature = "tier2-interpreter", all(feature = "jit", target_arch = "x86_64")))]
fn install_jit(config: &Config) {
    limpid_vm::tier2::set_available();
    if config.options.jit {
        backoff::JUMP_BACKWARD.store(config.options.jit_loop_counter, Relaxed);
        backoff::SIDE_EXIT.store(config.options.jit_exit_counter, Relaxed);
        limpid_jit::install(&config.options);
    }
}

#[cfg(not(any(feature = "tier2-interpreter", all(feature = "jit", target_arch = "x86_64"))))]
fn install_jit(_config: &Config) {}

/// What the modules of every interpreter are made from, besides the options.
struct Basis {
    installation: Installation,
    encoding: Encoding,
    check_hash_pycs: &'static str,
}

static BASIS: OnceLock<Basis> = OnceLock::new();

/// Makes the modules of an interpreter that a program has asked for.
fn start_another(t: &Thread) -> R<()> {
    let Some(basis) = BASIS.get() else { return Ok(()) };
    create_modules(t, basis)?;
    create_main(t)?;
    import_site(t)
}

fn import_site(t: &Thread) -> R<()> {
    if t.runtime().options.no_site { Ok(()) } else { import::import_text(t, "site").map(drop) }
}

/// What an interpreter has before the main module: the import system, streams, warnings.
fn create_modules(t: &Thread, basis: &Basis) -> R<()> {
    bootstrap::create_core(t)?;
    set_paths(t, &basis.installation)?;
    bootstrap::install_importlib(t)?;
    bootstrap::install_external_importers(t)?;
    set_check_hash_pycs(t, basis.check_hash_pycs)?;
    let library = imp::import_frozen(t, intern(t, "_libraryimport"), intern(t, "_libraryimport"))?;
    call::call_method_text(t, library.value(), "_install", &[])?;
    add_zip_importer(t)?;
    import::import_text(t, "encodings")?;
    streams::create(t, &basis.encoding)?;
    add_open(t)?;
    if !t.runtime().options.warn_options.is_empty() {
        import::import_text(t, "warnings")?;
    }
    Ok(())
}

fn initialize(t: &Thread, config: &Config, basis: &Basis) -> R<()> {
    create_modules(t, basis)?;
    if config.fault_handler && has_native("faulthandler") {
        let module = import::import_text(t, "faulthandler")?;
        call::call_method_text(t, module, "enable", &[])?;
    }
    if config.tracemalloc > 0 {
        let module = import::import_text(t, "tracemalloc")?;
        call::call_method_text(t, module, "start", &[Value::int(config.tracemalloc.into())])?;
    }
    create_main(t)?;
    // Until here SIGINT ends the process, which has nothing to lose yet.
    install_interrupt_handler(t)
}

fn set_paths(t: &Thread, installation: &Installation) -> R<()> {
    let set = |name: &str, path: &Path| {
        let path = sys::decode_filesystem(t, path.as_os_str().as_encoded_bytes())?.value();
        sys::set_attribute(t, intern(t, name), path)
    };
    set("executable", &installation.executable)?;
    set("_base_executable", &installation.base_executable)?;
    set("prefix", &installation.prefix)?;
    set("exec_prefix", &installation.exec_prefix)?;
    set("base_prefix", &installation.base_prefix)?;
    set("base_exec_prefix", &installation.base_exec_prefix)?;
    set("_stdlib_dir", &installation.library)?;
    match &installation.home {
        Some(home) => set("_home", home),
        None => Ok(()),
    }
}

fn set_check_hash_pycs(t: &Thread, name: &str) -> R<()> {
    let imp = import::import_text(t, "_imp")?;
    attr::set_attr(t, imp, intern(t, "check_hash_based_pycs"), Str::new(t, name).value())
}

/// Modules in archives come before modules in folders, so that a path that is both is looked at as an archive first.
fn add_zip_importer(t: &Thread) -> R<()> {
    let module = import::import_text(t, "zipimport")?;
    let importer = attr::get_attr_text(t, module, "zipimporter")?;
    let Some(hooks) = sys::attribute(t, names::path_hooks) else { return Ok(()) };
    call::call_method_text(t, hooks, "insert", &[Value::int(1), importer]).map(drop)
}

/// Makes Ctrl-C raise KeyboardInterrupt, unless who started the program wants it ignored.
fn install_interrupt_handler(t: &Thread) -> R<()> {
    if !has_native("_signal") {
        return Ok(());
    }
    let signal = import::import_text(t, "_signal")?;
    let interrupt = Value::int(libc::SIGINT.into());
    let current = call::call_method_text(t, signal, "getsignal", &[interrupt])?;
    if current == attr::get_attr_text(t, signal, "SIG_DFL")? {
        let handler = attr::get_attr_text(t, signal, "default_int_handler")?;
        call::call_method_text(t, signal, "signal", &[interrupt, handler])?;
    }
    Ok(())
}

fn add_open(t: &Thread) -> R<()> {
    let module = modules::startup_module(t, "builtins").and_then(|m| m.exact::<Module>());
    match module {
        Some(module) => builtins::add_open(t, module),
        None => Ok(()),
    }
}

fn has_native(name: &str) -> bool {
    modules::find(name).is_some()
}

/// Makes `__main__`, as a program finds it that was not read from a file.
fn create_main(t: &Thread) -> R<()> {
    let main = bootstrap::create_main(t)?;
    let importlib = t.interpreter().importlib.get();
    let loader = attr::get_attr_text(t, importlib, "BuiltinImporter")?;
    main.dict().set_name(t, names::__loader__, loader)
}

/// The module `__main__`. A program may have replaced it.
pub fn main_module(t: &Thread) -> R<Ref<Module>> {
    let found = runtime::modules(t).get(t, names::__main__)?;
    match found.and_then(|m| m.downcast::<Module>()) {
        Some(module) => Ok(module),
        None => bootstrap::create_main(t),
    }
}
