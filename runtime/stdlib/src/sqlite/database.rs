//! Open databases, and who uses them.
//!
//! A [`Database`] is shared by the connection that has opened it and by the cursors and blobs that read from it; the last of them closes
//! it, if the connection has not been closed before. The library is only called by the thread that holds the database's lock
//! ([`Database::lock`]): so error messages, statements and their rows belong to one thread at a time. It may take the lock again, because
//! functions written in Python, which the library calls, may use the connection.
//!
//! Objects die while threads stand still that are in the middle of a statement. So nothing that dies calls the library: it notes what is
//! left to do in [`Leftovers`], and whoever locks the database next does it.

use super::callbacks::{self, Callback};
use super::errors::{self, misuse};
use super::rows::Reader;
use super::statement::Cache;
use super::waiting::{self, Patience};
use libsqlite3_sys as ffi;
use limpid_heap::Value;
use limpid_vm::modules::reentrant_lock::ReentrantLock;
use limpid_vm::object::{R, Raised, Ref};
use limpid_vm::thread::Thread;
use limpid_vm::types::Dict;
use parking_lot::Mutex;
use std::ffi::CStr;
use std::ptr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Once, Weak};

/// What dead objects have left to do.
#[derive(Default)]
pub(super) struct Leftovers(Mutex<Lists>);

#[derive(Default)]
struct Lists {
    /// The database is closed, and with it all that belonged to it.
    closed: bool,
    /// Statements that nobody reads rows of any more, by address.
    stopped: Vec<usize>,
    /// Statements that nobody has any more.
    finished: Vec<usize>,
    /// Blobs that nobody has any more, by number.
    blobs: Vec<u64>,
    /// The numbers of callables that the library has forgotten.
    callables: Vec<i64>,
}

impl Leftovers {
    fn note(&self, what: impl FnOnce(&mut Lists)) {
        let mut lists = self.0.lock();
        if !lists.closed {
            what(&mut lists);
        }
    }

    /// A cursor has died that might have had more rows to read.
    pub fn stop(&self, statement: *mut ffi::sqlite3_stmt) {
        self.note(|lists| lists.stopped.push(statement as usize));
    }

    /// A statement has died.
    pub fn finish(&self, statement: *mut ffi::sqlite3_stmt) {
        self.note(|lists| lists.finished.push(statement as usize));
    }

    /// A blob has died.
    pub fn close_blob(&self, number: u64) {
        self.note(|lists| lists.blobs.push(number));
    }

    /// The library calls something no more.
    pub fn forget_callable(&self, key: i64) {
        self.0.lock().callables.push(key);
    }
}

/// What the library calls by itself, rather than from SQL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub(super) enum Hook {
    Authorizer,
    Progress,
    Trace,
}

/// An open database.
pub(super) struct Database {
    raw: *mut ffi::sqlite3,
    lock: ReentrantLock,
    /// How often the thread has the lock that has it.
    depth: AtomicUsize,
    /// Held to close it, and by who uses it without the lock.
    closed: Mutex<bool>,
    leftovers: Arc<Leftovers>,
    /// The open blobs: numbers and addresses.
    blobs: Mutex<Vec<(u64, usize)>>,
    hooks: Mutex<[Option<Box<Callback>>; 3]>,
    /// Statements in progress whose rows cursors read.
    readers: Mutex<Vec<Weak<Reader>>>,
    /// How many copies are being made from it or to it.
    copies: AtomicUsize,
    /// For locks of other connections.
    patience: Box<Patience>,
    /// Prepared statements.
    pub cache: Mutex<Cache>,
    /// The address of the connection's dict of callables. Whoever may call the library keeps the connection alive.
    callables: usize,
}

// SAFETY: the library is built for several threads, and is called with the lock held only; what has no lock is never changed.
unsafe impl Send for Database {}
// SAFETY: as above.
unsafe impl Sync for Database {}

/// Settings that must be made before the first call of the library.
fn configure() {
    static CONFIGURED: Once = Once::new();
    CONFIGURED.call_once(|| {
        // SAFETY: the library is not used yet. Names are URIs only where that is asked for.
        unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_URI, 0) };
    });
}

impl Database {
    /// Opens a database; `callables` is where the connection keeps what the library calls.
    pub fn open(t: &Thread, name: &CStr, uri: bool, timeout: f64, cache: usize, callables: Ref<Dict>) -> R<Arc<Database>> {
        configure();
        let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE | if uri { ffi::SQLITE_OPEN_URI } else { 0 };
        let mut raw = ptr::null_mut();
        // SAFETY: a name with its NUL; the library stores a database or NULL. Foreign keys are not enforced unless that is asked for.
        let code = t.blocking(|| unsafe {
            let code = ffi::sqlite3_open_v2(name.as_ptr(), &mut raw, flags, ptr::null());
            if code == ffi::SQLITE_OK {
                ffi::sqlite3_db_config(raw, ffi::SQLITE_DBCONFIG_ENABLE_FKEY, 0, ptr::null_mut::<i32>());
            }
            code
        });
        if code != ffi::SQLITE_OK {
            // SAFETY: what could not be opened, or NULL; it has the message, and must be closed all the same.
            let raised =
                unsafe { if raw.is_null() { errors::raise(t, code, &errors::describe(code)) } else { errors::raise_last(t, raw, code) } };
            // SAFETY: nobody else has it.
            unsafe { ffi::sqlite3_close(raw) };
            return Err(raised);
        }
        let database = Arc::new_cyclic(|this| Database {
            raw,
            lock: ReentrantLock::default(),
            depth: AtomicUsize::new(0),
            closed: Mutex::new(false),
            leftovers: Arc::default(),
            blobs: Mutex::default(),
            hooks: Mutex::default(),
            readers: Mutex::default(),
            copies: AtomicUsize::new(0),
            patience: Patience::new(timeout, this.clone()),
            cache: Mutex::new(Cache::new(cache)),
            callables: callables.ptr() as usize,
        });
        let patience = std::ptr::from_ref::<Patience>(&database.patience).cast_mut();
        // SAFETY: nobody else has the database yet, and it outlives its connection to the library.
        unsafe { ffi::sqlite3_busy_handler(raw, Some(Patience::wait), patience.cast()) };
        waiting::add(&database);
        Ok(database)
    }

    /// Waits until no other thread uses the database. ProgrammingError if it has been closed.
    pub fn lock<'a>(&'a self, t: &'a Thread) -> R<Locked<'a>> {
        self.lock.acquire(t);
        match self.locked(t)? {
            Some(locked) => Ok(locked),
            None => misuse!(t, "Cannot operate on a closed database."),
        }
    }

    /// As [`Database::lock`]; None if another thread uses it, or if it has been closed.
    pub fn try_lock<'a>(&'a self, t: &'a Thread) -> R<Option<Locked<'a>>> {
        if self.lock.try_acquire(t) { self.locked(t) } else { Ok(None) }
    }

    /// The lock is taken.
    fn locked<'a>(&'a self, t: &'a Thread) -> R<Option<Locked<'a>>> {
        self.depth.fetch_add(1, Relaxed);
        let locked = Locked { t, database: self };
        if self.is_closed() {
            return Ok(None);
        }
        locked.do_leftovers()?;
        Ok(Some(locked))
    }

    /// Statements in progress that cursors read, garbage included.
    fn readers(&self) -> Vec<Arc<Reader>> {
        self.readers.lock().iter().filter_map(Weak::upgrade).collect()
    }

    /// Is there anything that keeps locks: cursors that read rows or open blobs, garbage included?
    pub fn has_users(&self) -> bool {
        self.readers.lock().iter().any(|reader| reader.strong_count() > 0) || !self.blobs.lock().is_empty()
    }

    /// A cursor begins to read rows.
    pub fn add_reader(&self, reader: &Arc<Reader>) {
        let mut readers = self.readers.lock();
        if readers.len() == readers.capacity() {
            readers.retain(|reader| reader.strong_count() > 0);
        }
        readers.push(Arc::downgrade(reader));
    }

    /// Has it been closed?
    pub fn is_closed(&self) -> bool {
        *self.closed.lock()
    }

    /// Has what runs now end with an error. Any thread may do that.
    pub fn interrupt(&self) {
        let closed = self.closed.lock();
        if !*closed {
            // SAFETY: nobody closes it meanwhile.
            unsafe { ffi::sqlite3_interrupt(self.raw) };
        }
    }

    /// What objects that belong to it tell when they die.
    pub fn leftovers(&self) -> &Arc<Leftovers> {
        &self.leftovers
    }

    /// Closes it with all that belongs to it.
    ///
    /// # Safety
    /// Nobody else uses it, and it is not closed yet.
    unsafe fn close(&self) {
        let mut lists = self.leftovers.0.lock();
        lists.closed = true;
        (lists.stopped, lists.finished, lists.blobs) = Default::default();
        drop(lists);
        let blobs = std::mem::take(&mut *self.blobs.lock());
        // SAFETY: open blobs and statements of this database, each once; then there is nothing left that keeps it open.
        unsafe {
            for (_, blob) in blobs {
                ffi::sqlite3_blob_close(blob as *mut _);
            }
            loop {
                let statement = ffi::sqlite3_next_stmt(self.raw, ptr::null_mut());
                if statement.is_null() {
                    break;
                }
                ffi::sqlite3_finalize(statement);
            }
            ffi::sqlite3_close(self.raw);
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !*self.closed.get_mut() {
            // SAFETY: this was the last reference.
            unsafe { self.close() }
        }
    }
}

/// Keeps a database from being closed while a copy is made.
pub(super) struct Copying<'a>(&'a Database);

impl Database {
    pub fn begin_copy(&self) -> Copying<'_> {
        self.copies.fetch_add(1, Relaxed);
        Copying(self)
    }
}

impl Drop for Copying<'_> {
    fn drop(&mut self) {
        self.0.copies.fetch_sub(1, Relaxed);
    }
}

/// The right to call the library.
pub(super) struct Locked<'a> {
    pub t: &'a Thread,
    pub database: &'a Database,
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.database.depth.fetch_sub(1, Relaxed);
        self.database.lock.release(self.t);
    }
}

impl Locked<'_> {
    /// The database, for functions of the library that neither take long nor call back.
    pub fn raw(&self) -> *mut ffi::sqlite3 {
        self.database.raw
    }

    /// Runs what may take long or call functions written in Python. It touches no values.
    pub fn run<T>(&self, f: impl FnOnce(*mut ffi::sqlite3) -> T) -> T {
        callbacks::in_library(self.t, || f(self.database.raw))
    }

    /// The exception for what has failed last; `code` is what it returned.
    #[cold]
    pub fn failure(&self, code: i32) -> Raised {
        // SAFETY: the lock is held.
        unsafe { errors::raise_last(self.t, self.database.raw, code) }
    }

    /// Raises what a result code stands for.
    pub fn check(&self, code: i32) -> R<()> {
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(self.failure(code)) }
    }

    /// Runs a statement that has neither parameters nor rows.
    pub fn execute(&self, sql: &CStr) -> R<()> {
        let execute = || {
            // SAFETY: text with its NUL; the statement is NULL or one of the library's.
            self.run(|raw| unsafe {
                let mut statement = ptr::null_mut();
                let code = ffi::sqlite3_prepare_v2(raw, sql.as_ptr(), -1, &mut statement, ptr::null_mut());
                if code != ffi::SQLITE_OK {
                    return code;
                }
                ffi::sqlite3_step(statement);
                ffi::sqlite3_finalize(statement)
            })
        };
        let mut code = execute();
        if waiting::free_own(self, code)? {
            code = execute();
        }
        self.check(code)
    }

    /// Is no transaction open?
    pub fn is_autocommit(&self) -> bool {
        // SAFETY: the lock is held.
        unsafe { ffi::sqlite3_get_autocommit(self.raw()) != 0 }
    }

    /// Is it in use besides this: by this thread further out, or for a copy?
    pub fn is_in_use(&self) -> bool {
        self.database.depth.load(Relaxed) > 1 || self.database.copies.load(Relaxed) > 0
    }

    /// Reads the rest of the rows that cursors read, so that their statements hold no locks; not where functions of the program's would be
    /// called for that.
    pub fn read_ahead(&self) {
        if !self.is_in_use() && self.callables().is_empty() {
            self.database.readers().iter().for_each(|reader| reader.read_ahead(self));
        }
    }

    /// The callables that the library knows, by their numbers.
    pub fn callables(&self) -> Ref<Dict> {
        // SAFETY: the dict of the connection, which lives as long as somebody has the right to use its database.
        unsafe { Ref::from_ptr(self.database.callables as *mut Dict) }
    }

    /// Does what dead objects have left to do.
    pub fn do_leftovers(&self) -> R<()> {
        let mut lists = self.database.leftovers.0.lock();
        let (stopped, finished) = (std::mem::take(&mut lists.stopped), std::mem::take(&mut lists.finished));
        let (blobs, callables) = (std::mem::take(&mut lists.blobs), std::mem::take(&mut lists.callables));
        drop(lists);
        if !(stopped.is_empty() && finished.is_empty()) {
            // SAFETY: statements that are not finalized yet; nobody has those of the second list any more.
            self.run(|_| unsafe {
                for statement in stopped {
                    ffi::sqlite3_reset(statement as *mut _);
                }
                for statement in finished {
                    ffi::sqlite3_finalize(statement as *mut _);
                }
            });
        }
        for number in blobs {
            self.close_blob(number);
        }
        for key in callables {
            self.callables().remove(self.t, Value::int(key))?;
        }
        Ok(())
    }

    /// Remembers an open blob; its number.
    pub fn add_blob(&self, blob: *mut ffi::sqlite3_blob) -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Relaxed);
        self.database.blobs.lock().push((number, blob as usize));
        number
    }

    /// The blob with a number, if it is open.
    pub fn blob(&self, number: u64) -> Option<*mut ffi::sqlite3_blob> {
        self.database.blobs.lock().iter().find(|(n, _)| *n == number).map(|(_, blob)| *blob as *mut _)
    }

    /// Closes the blob with a number, if it is open.
    pub fn close_blob(&self, number: u64) {
        let mut open = self.database.blobs.lock();
        let Some(i) = open.iter().position(|(n, _)| *n == number) else { return };
        let (_, blob) = open.swap_remove(i);
        drop(open);
        // SAFETY: it was open, and is not in the list any more.
        self.run(|_| unsafe { ffi::sqlite3_blob_close(blob as *mut _) });
    }

    /// Replaces what the library calls by itself, once it knows; the one before is not called any more.
    pub fn set_hook(&self, hook: Hook, callback: Option<Box<Callback>>) -> R<()> {
        let before = std::mem::replace(&mut self.database.hooks.lock()[hook as usize], callback);
        drop(before);
        self.do_leftovers()
    }

    /// Closes the database with all that belongs to it.
    pub fn close(self) -> R<()> {
        let mut closed = self.database.closed.lock();
        *closed = true;
        drop(closed);
        // SAFETY: with the flag set, nobody who gets the lock later uses it.
        self.run(|_| unsafe { self.database.close() });
        let hooks = std::mem::take(&mut *self.database.hooks.lock());
        drop(hooks);
        self.database.cache.lock().clear();
        self.do_leftovers()
    }
}
