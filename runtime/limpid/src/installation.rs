//! Where this program lies, and the paths that follow from it: `sys.executable`, `sys.prefix`, where packages are installed.
//!
//! The library is in the binary, so nothing has to be found but the binary itself and, for a virtual environment, its `pyvenv.cfg`. The
//! library's folder is `PREFIX/lib/limpid3.14t`, as if it had been installed there.

use limpid_vm::modules::sys::VERSION;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// `sys.executable`: the program as it was called, absolute.
    pub executable: PathBuf,
    /// The program outside of the virtual environment.
    pub base_executable: PathBuf,
    /// `sys.prefix`: that of the virtual environment, if there is one.
    pub prefix: PathBuf,
    /// `sys.exec_prefix`
    pub exec_prefix: PathBuf,
    /// `sys.base_prefix`
    pub base_prefix: PathBuf,
    /// `sys.base_exec_prefix`
    pub base_exec_prefix: PathBuf,
    /// The key `home` of `pyvenv.cfg`.
    pub home: Option<PathBuf>,
    /// The folder in which the library seems to be.
    pub library: PathBuf,
}

/// Finds the program by its name, as the shell did, and the rest from there. `home` is `PYTHONHOME`.
pub fn find(name: &OsStr, search_path: Option<OsString>, home: Option<&OsStr>) -> Installation {
    let own = || std::env::current_exe().unwrap_or_default();
    let executable = locate(Path::new(name), search_path).unwrap_or_else(own);
    let resolved = executable.canonicalize().unwrap_or_else(|_| own());
    let mut found = plain(executable, &resolved);
    if let Some((folder, settings)) = virtual_environment(&found.executable) {
        found.enter(folder, &settings);
    }
    if let Some(home) = home {
        found.move_to(home);
    }
    let (major, minor, _) = VERSION;
    found.library = found.base_prefix.join(format!("lib/limpid{major}.{minor}t"));
    found
}

/// The file that a shell would run.
fn locate(name: &Path, search_path: Option<OsString>) -> Option<PathBuf> {
    if name.as_os_str().as_bytes().contains(&b'/') {
        return std::path::absolute(name).ok();
    }
    let is_program = |p: &PathBuf| p.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    let folders = search_path?;
    let found = std::env::split_paths(&folders).map(|folder| folder.join(name)).find(is_program)?;
    std::path::absolute(found).ok()
}

fn plain(executable: PathBuf, resolved: &Path) -> Installation {
    let prefix = prefix_of(resolved);
    Installation {
        base_executable: executable.clone(),
        executable,
        exec_prefix: prefix.clone(),
        base_prefix: prefix.clone(),
        base_exec_prefix: prefix.clone(),
        prefix,
        home: None,
        library: PathBuf::new(),
    }
}

/// The folder above `bin`; that of the program itself if it lies in no such folder.
fn prefix_of(program: &Path) -> PathBuf {
    let folder = program.parent().unwrap_or(Path::new("/"));
    match folder.parent() {
        Some(above) if folder.file_name() == Some(OsStr::new("bin")) => above.to_owned(),
        _ => folder.to_owned(),
    }
}

/// The folder of the virtual environment that a program is in, and the text of its `pyvenv.cfg`.
fn virtual_environment(executable: &Path) -> Option<(PathBuf, String)> {
    let beside = executable.parent()?;
    let settings = |folder: &Path| std::fs::read(folder.join("pyvenv.cfg")).ok();
    let text = settings(beside).or_else(|| settings(beside.parent()?))?;
    // The environment is what contains the folder of the program, whichever of the two the file is in.
    Some((beside.parent()?.to_owned(), String::from_utf8_lossy(&text).into_owned()))
}

impl Installation {
    fn enter(&mut self, folder: PathBuf, settings: &str) {
        let setting = |key: &str| {
            let pairs = settings.lines().filter_map(|line| line.split_once('='));
            let mut matching = pairs.filter(|(k, _)| k.trim().eq_ignore_ascii_case(key));
            matching.next().map(|(_, value)| PathBuf::from(value.trim()))
        };
        let Some(home) = setting("home") else { return };
        let name = self.executable.file_name().unwrap_or_default();
        self.base_executable = setting("executable").unwrap_or_else(|| home.join(name));
        (self.prefix, self.exec_prefix) = (folder.clone(), folder);
        self.home = Some(home);
    }

    fn move_to(&mut self, home: &OsStr) {
        let mut parts = home.as_bytes().splitn(2, |b| *b == b':').map(|p| PathBuf::from(OsStr::from_bytes(p)));
        let prefix = parts.next().unwrap_or_default();
        let exec_prefix = parts.next().unwrap_or_else(|| prefix.clone());
        (self.prefix, self.base_prefix) = (prefix.clone(), prefix);
        (self.exec_prefix, self.base_exec_prefix) = (exec_prefix.clone(), exec_prefix);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("limpid-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Folder(path.canonicalize().unwrap())
        }

        fn program(&self, path: &str) -> PathBuf {
            let path = self.0.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_shell_finds_the_same() {
        let folder = Folder::new("search");
        let program = folder.program("usr/bin/limpid");
        std::fs::write(folder.0.join("limpid"), "no program").unwrap();
        let search = std::env::join_paths([&folder.0, &folder.0.join("usr/bin")]).unwrap();
        let found = find(OsStr::new("limpid"), Some(search), None);
        assert_eq!(found.executable, program);
        assert_eq!(found.prefix, folder.0.join("usr"));
        assert_eq!(found.base_prefix, found.prefix);
        assert_eq!(found.library, folder.0.join("usr/lib/limpid3.14t"));
    }

    #[test]
    fn a_link_keeps_its_name_and_has_the_prefix_of_its_target() {
        let folder = Folder::new("link");
        let program = folder.program("opt/limpid");
        let link = folder.0.join("python3");
        std::os::unix::fs::symlink(&program, &link).unwrap();
        let found = find(link.as_os_str(), None, None);
        assert_eq!((found.executable, found.prefix), (link, folder.0.join("opt")));
    }

    #[test]
    fn virtual_environments_have_a_prefix_of_their_own() {
        let folder = Folder::new("venv");
        let program = folder.program("usr/bin/limpid");
        let inside = folder.0.join("env/bin/python3");
        std::fs::create_dir_all(inside.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&program, &inside).unwrap();
        let home = folder.0.join("usr/bin");
        std::fs::write(folder.0.join("env/pyvenv.cfg"), format!("Home = {}\nversion = 3.14\n", home.display())).unwrap();
        let found = find(inside.as_os_str(), None, None);
        assert_eq!(found.prefix, folder.0.join("env"));
        assert_eq!(found.base_prefix, folder.0.join("usr"));
        assert_eq!(found.base_executable, home.join("python3"));
        assert_eq!(found.home, Some(home));
    }

    #[test]
    fn a_given_home_is_the_prefix() {
        let found = find(OsStr::new("/nowhere/bin/limpid"), None, Some(OsStr::new("/a:/b")));
        assert_eq!((found.prefix, found.exec_prefix), ("/a".into(), "/b".into()));
        assert_eq!(found.library, Path::new("/a/lib/limpid3.14t"));
    }
}
