//! A new migration must reach the binary without a change to any source file.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
