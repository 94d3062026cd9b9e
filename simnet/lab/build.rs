//! Puts the files of presets and lessons into the program.

use std::{fmt::Write as _, fs, path::Path};

fn main() {
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let presets = Path::new(&root).join("presets");
    println!("cargo::rerun-if-changed={}", presets.display());
    let mut list = String::from("&[\n");
    for kind in sorted(&presets) {
        println!("cargo::rerun-if-changed={}", presets.join(&kind).display());
        for file in sorted(&presets.join(&kind)) {
            let path = presets.join(&kind).join(&file);
            if let Some(name) = file.strip_suffix(".toml") {
                println!("cargo::rerun-if-changed={}", path.display());
                let _ = writeln!(list, "    ({kind:?}, {name:?}, include_str!({path:?})),");
            }
        }
    }
    list.push(']');
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("presets.rs"), list).expect("the target directory is writable");
    let lessons = lessons(&Path::new(&root).join("../lessons"));
    fs::write(Path::new(&out).join("lessons.rs"), lessons)
        .expect("the target directory is writable");
}

/// The list of lessons: name, page, and the scenarios with their names, `scenario` first.
fn lessons(folder: &Path) -> String {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut list = String::from("&[\n");
    for lesson in sorted(folder) {
        let page = folder.join(&lesson).join("lesson.md");
        println!("cargo::rerun-if-changed={}", folder.join(&lesson).display());
        if !page.is_file() {
            continue;
        }
        println!("cargo::rerun-if-changed={}", page.display());
        let _ = write!(list, "    ({lesson:?}, include_str!({page:?}), &[");
        let mut files = sorted(&folder.join(&lesson));
        files.sort_by_key(|file| file != "scenario.toml");
        for file in files {
            let path = folder.join(&lesson).join(&file);
            if let Some(name) = file.strip_suffix(".toml") {
                println!("cargo::rerun-if-changed={}", path.display());
                let _ = write!(list, "({name:?}, include_str!({path:?})), ");
            }
        }
        list.push_str("]),\n");
    }
    list.push(']');
    list
}

/// Names in a directory, in order; none if there is no such directory.
fn sorted(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<_> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}
