//! Lists the tracing scripts of the repository, so that `pystats scripts` has all of them.

use std::path::Path;
use std::{env, fs};

fn main() {
    let output = env::var("OUT_DIR").unwrap();
    let lists = [
        ("scripts.rs", &[("bpftrace", "", &["bt"][..]), ("stap", "", &["stp"])][..]),
        ("tapset.rs", &[("stap/tapset", "tapset/", &["stp", "stpm"])]),
    ];
    for (name, folders) in lists {
        fs::write(Path::new(&output).join(name), list(folders)).unwrap();
    }
}

/// The files with these endings in these folders, as Rust; each gets a prefix to its name.
fn list(folders: &[(&str, &str, &[&str])]) -> String {
    let mut list = String::from("&[\n");
    for (folder, prefix, extensions) in folders {
        let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join("..").join(folder);
        println!("cargo::rerun-if-changed={}", folder.display());
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().and_then(|found| found.to_str()).is_some_and(|found| extensions.contains(&found)));
        files.sort();
        for path in files {
            println!("cargo::rerun-if-changed={}", path.display());
            let name = format!("{prefix}{}", path.file_name().unwrap().display());
            list += &format!("    Script {{ file: {name:?}, text: include_str!({:?}) }},\n", fs::canonicalize(&path).unwrap());
        }
    }
    list + "]"
}
