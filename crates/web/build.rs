//! Tells the crate when the web application has been built, was rebuilt, or is gone.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A path that does not exist would make every build a rebuild, so that the folder above is
    // watched until there is something to embed.
    for folder in ["../../desktop/dist", "../../desktop"] {
        if Path::new(folder).exists() {
            println!("cargo::rerun-if-changed={folder}");
            return;
        }
    }
}
