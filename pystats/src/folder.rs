//! Where dumps are left, and how a file gets there: whole or not at all, and out of the hands of other users.
//!
//! The default folder lies in `/tmp`, where everybody may make files. So it is made for its owner alone, and one that is there
//! already is taken only if nobody else could have put it there or can change it.

use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder, OpenOptions};
use std::hash::BuildHasher;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where dumps are left, and looked for.
pub const DIRECTORY: &str = "/tmp/py_stats";

/// The variable of the environment that names another folder.
pub const VARIABLE: &str = "PYTHONSTATSDIR";

/// Makes the default folder if it is missing. An error if what is there is not a folder of this user that only he can write to.
pub fn prepare(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(directory)?;
    // SAFETY: always succeeds.
    let own = unsafe { libc::geteuid() };
    let complaint = if !found.is_dir() {
        "it is not a folder"
    } else if found.uid() != own {
        "it belongs to another user"
    } else if found.mode() & 0o022 != 0 {
        "other users may write to it"
    } else {
        return Ok(());
    };
    Err(io::Error::other(format!("{complaint}; remove it, or name another folder in {VARIABLE}")))
}

/// Writes a file that only its owner may read. It appears under its name when all of it is written; an older one is replaced.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = directory.join(format!(".{}.part", random_name()));
    // The name cannot be guessed and the file must not exist, so nobody can place a link there in advance.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    let mut out = BufWriter::new(file);
    let written = write(&mut out).and_then(|()| out.flush()).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // It is of no use to anybody; that it cannot be removed is not what has to be told.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// The same for a path that the user has named, where there may be a device, a pipe or a link: these stay, and are written to.
pub fn write_output(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        let mut out = BufWriter::new(OpenOptions::new().write(true).truncate(true).create(true).open(path)?);
        return write(&mut out).and_then(|()| out.flush());
    }
    write_atomically(path, write)
}

/// A path in `directory` that nobody can guess, for a file with this extension.
pub fn new_path(directory: &Path, extension: &str) -> PathBuf {
    directory.join(format!("{}.{extension}", random_name()))
}

/// 32 random hexadecimal digits: the seeds of hash tables come from the system.
fn random_name() -> String {
    let random = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", random(), random())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn temporary(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("pystats-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        path
    }

    #[test]
    fn a_new_folder_is_private() {
        let parent = temporary("folder");
        let folder = parent.join("py_stats");
        prepare(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        prepare(&folder).unwrap();
        fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn what_others_could_change_is_refused() {
        let parent = temporary("hijacked");
        let refused = |path: &Path| prepare(path).unwrap_err().to_string();
        let (link, open, file) = (parent.join("link"), parent.join("open"), parent.join("file"));
        symlink("/", &link).unwrap();
        assert!(refused(&link).starts_with("it is not a folder"));
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(refused(&open).starts_with("other users may write to it"));
        fs::write(&file, "").unwrap();
        assert!(refused(&file).starts_with("it is not a folder"));
        fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let parent = temporary("atomic");
        let path = parent.join("dump.txt");
        fs::write(&path, "old").unwrap();
        let failing = write_atomically(&path, |out| out.write_all(b"half").and(Err(io::Error::other("disk full"))));
        assert_eq!(failing.unwrap_err().to_string(), "disk full");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(&parent).unwrap().count(), 1);
        write_atomically(&path, |out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn devices_and_links_stay() {
        let parent = temporary("output");
        let (file, link, device) = (parent.join("file"), parent.join("link"), parent.join("device"));
        write_output(&file, |out| out.write_all(b"a long text")).unwrap();
        symlink(&file, &link).unwrap();
        symlink("/dev/full", &device).unwrap();
        write_output(&link, |out| out.write_all(b"short")).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "short");
        let full = write_output(&device, |out| out.write_all(b"text")).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        assert!([&link, &device].iter().all(|path| fs::symlink_metadata(path).unwrap().is_symlink()));
        fs::remove_dir_all(parent).unwrap();
    }
}
