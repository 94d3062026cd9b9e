//! Turns the requirement registry into constants and embeds its files.

use std::{env, fmt::Write as _, fs, path::Path, process::exit};

#[path = "src/registry/source.rs"]
#[expect(dead_code, unreachable_pub, reason = "the file is written for the library")]
mod source;

use source::{SpecError, SpecFile};

fn main() {
    println!("cargo::rerun-if-changed=spec");
    println!("cargo::rerun-if-changed=baselines");
    println!("cargo::rerun-if-changed=mutants.toml");
    println!("cargo::rerun-if-changed=src/registry/source.rs");
    match generate() {
        Ok(code) => {
            let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
            fs::write(Path::new(&out).join("registry.rs"), code).expect("OUT_DIR is writable");
        }
        Err(error) => {
            println!("cargo::error={error}");
            exit(1);
        }
    }
}

fn generate() -> Result<String, SpecError> {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let spec_dir = Path::new(&root).join("spec");
    let mut files = Vec::new();
    if spec_dir.is_dir() {
        for (path, text) in source::read_dir(&spec_dir)? {
            let name =
                Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
            let shown = format!("conformance/spec/{name}");
            files.push((shown.clone(), source::parse(&shown, &text)?, path));
        }
    }
    let parsed: Vec<(String, SpecFile)> =
        files.iter().map(|(name, spec, _)| (name.clone(), spec.clone())).collect();
    source::check_unique(&parsed)?;
    Ok(render(&files) + &embed(Path::new(&root))?)
}

/// Embeds the baselines and the list of planted bugs, which are checked where they are used.
fn embed(root: &Path) -> Result<String, SpecError> {
    let mut code =
        String::from("\n/// The baselines as they were at build time: shown path and text.\n");
    code.push_str("pub(crate) const BASELINE_FILES: &[(&str, &str)] = &[\n");
    let baselines = root.join("baselines");
    if baselines.is_dir() {
        for (path, text) in source::read_dir(&baselines)? {
            let name =
                Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
            let _ =
                writeln!(code, "    ({:?}, {text:?}),", format!("conformance/baselines/{name}"));
        }
    }
    let mutants = fs::read_to_string(root.join("mutants.toml")).unwrap_or_default();
    code.push_str("];\n\n/// The list of planted bugs as it was at build time.\n");
    let _ = writeln!(code, "pub(crate) const MUTANTS_FILE: &str = {mutants:?};");
    Ok(code)
}

fn render(files: &[(String, SpecFile, String)]) -> String {
    let mut code = String::new();
    code.push_str("/// The spec files as they were at build time: shown path and text.\n");
    code.push_str("pub(crate) const SPEC_FILES: &[(&str, &str)] = &[\n");
    for (name, _, path) in files {
        let _ = writeln!(code, "    ({name:?}, include_str!({path:?})),");
    }
    code.push_str("];\n\n/// One constant per requirement.\npub mod req {\n");
    for (_, file, _) in files {
        for entry in &file.requirements {
            let doc = entry.doc.as_deref().unwrap_or(&file.spec.doc);
            let cite =
                doc.strip_prefix("rfc").map_or_else(|| doc.to_owned(), |n| format!("RFC {n}"));
            let lines = [format!("{} {cite} §{}: {}", entry.level, entry.sec, entry.says)];
            for line in lines.iter().flat_map(|text| text.lines()) {
                let _ = writeln!(code, "    #[doc = {line:?}]");
            }
            let name = source::constant_name(&entry.id);
            let _ = writeln!(
                code,
                "    pub const {name}: crate::registry::Req = crate::registry::Req::new({:?});",
                entry.id
            );
        }
    }
    code.push_str("}\n");
    code
}
