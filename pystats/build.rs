//! Lists the tracing scripts of the repository, so that `pystats scripts` has all of them.

use std::path::Path;
use std::{env, fs};

fn main() {
    let mut list = String::from("&[\n");
    for (folder, extension) in [("bpftrace", "bt"), ("stap", "stp")] {
        let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join("..").join(folder);
        println!("cargo::rerun-if-changed={}", folder.display());
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|found| found == extension));
        files.sort();
        for path in files {
            println!("cargo::rerun-if-changed={}", path.display());
            let name = path.file_name().unwrap().to_str().unwrap();
            list += &format!("    Script {{ file: {name:?}, text: include_str!({:?}) }},\n", fs::canonicalize(&path).unwrap());
        }
    }
    list += "]";
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("scripts.rs"), list).unwrap();
}
