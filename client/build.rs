//! Links the client statically where the C library can be: a dynamic loader costs more than the whole hot path.
//!
//! Rust's `crt-static` would apply to build scripts and macros of the same build too. Instead two linker scripts named
//! like the shared libraries lead to the static ones, for this program only.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |name: &str| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    let native = env::var("HOST") == env::var("TARGET");
    if target("OS") != "linux" || target("ENV") != "gnu" || !native {
        return;
    }
    let libraries: Option<Vec<PathBuf>> =
        ["libc.a", "libgcc.a", "libgcc_eh.a"].into_iter().map(find).collect();
    let (Some(libraries), Some(out)) = (libraries, env::var_os("OUT_DIR").map(PathBuf::from)) else { return };
    let paths: Vec<String> = libraries.iter().map(|path| path.display().to_string()).collect();
    let script = format!("GROUP ( {} )\n", paths.join(" "));
    for name in ["libgcc_s.a", "libc.a"] {
        if fs::write(out.join(name), &script).is_err() {
            return;
        }
    }
    for argument in ["-static-pie", "-Wl,-z,nodynamic-undefined-weak", &format!("-L{}", out.display())] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}

/// Asks the C compiler where it has a library.
fn find(name: &str) -> Option<PathBuf> {
    let output = Command::new("cc").arg(format!("-print-file-name={name}")).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    let path = Path::new(path.trim());
    path.is_absolute().then(|| path.to_owned()).filter(|path| path.exists())
}
