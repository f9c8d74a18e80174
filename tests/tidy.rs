//! The house rules: directions between rooms, purity, sizes, words.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The rows of the house, from the ground up. A room may use rooms of lower rows only.
const ROWS: &[&[&str]] = &[
    &["model"],
    &["sip", "sdp", "rtp"],
    &["media"],
    &[
        "trunk",
        "call",
        "ivr",
        "acd",
        "lookup",
        "cti",
        "access",
        "recording",
        "desk",
        "outbound",
        "quality",
        "report",
    ],
    &["net", "web", "store", "callflow"],
    &["sim"],
];

/// Arrows inside a row, with the reason.
const INSIDE_A_ROW: &[(&str, &str, &str)] =
    &[("rtp", "sdp", "RTP's formats are named as SDP names them")];

/// Rooms that do I/O. Every other room is pure.
const ROOMS_WITH_IO: &[&str] = &["net", "web", "store"];

/// What a pure room has no business with.
const IMPURE: &[&str] = &[
    "std::time::Instant",
    "Instant::now",
    "SystemTime",
    "std::fs",
    "std::thread",
    "std::process",
    "std::env",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "tokio::",
    "rustix::",
    "getrandom",
    "rand::rng",
    "RandomState::new",
    "println!",
    "eprintln!",
];

const LINES_A_FILE_MAX: usize = 800;
const COLUMNS_MAX: usize = 100;
const TEST_LINES_A_SOURCE_LINE_MIN: f64 = 0.6;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && name != "node_modules" && name != "dist" {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn rust_files() -> Vec<PathBuf> {
    ["crates", "engine", "tests", "benches", "fuzz", "peers"]
        .iter()
        .flat_map(|folder| files(&root().join(folder), "rs"))
        .collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn rooms() -> Vec<String> {
    let mut rooms: Vec<String> = fs::read_dir(root().join("crates"))
        .expect("crates/ is there")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    rooms.sort();
    rooms
}

fn row(room: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&room))
}

/// What `room` has under `[dependencies]`.
fn dependencies(room: &str) -> toml::Table {
    let manifest = read(&root().join("crates").join(room).join("Cargo.toml"));
    let table: toml::Table = manifest.parse().unwrap_or_else(|e| panic!("{room}: {e}"));
    let dependencies = table.get("dependencies").and_then(|value| value.as_table());
    dependencies.cloned().unwrap_or_default()
}

/// The rooms that `room` names there.
fn arrows(room: &str) -> Vec<String> {
    dependencies(room).keys().filter(|name| row(name).is_some()).cloned().collect()
}

/// Splits a file into what runs in the engine and what tests it.
fn without_tests(source: &str) -> (String, usize) {
    let (mut kept, mut test_lines) = (String::new(), 0);
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with("#[cfg(test)]") && !line.trim_start().starts_with("//") {
            let indent = line.len() - line.trim_start().len();
            test_lines += 1;
            for line in lines.by_ref() {
                test_lines += 1;
                let ends = line.len() - line.trim_start().len() == indent
                    && (line.trim_start().starts_with('}') || line.trim_end().ends_with(';'));
                if ends {
                    break;
                }
            }
        } else {
            let _ = writeln!(kept, "{line}");
        }
    }
    (kept, test_lines)
}

fn report(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_arrow_points_down() {
    let mut faults = Vec::new();
    for room in rooms() {
        let Some(from) = row(&room) else {
            faults.push(format!("crates/{room}: not in the table of rows: give it a row"));
            continue;
        };
        for target in arrows(&room) {
            let to = row(&target).expect("filtered");
            let excused = INSIDE_A_ROW.iter().any(|(a, b, _)| *a == room && *b == target);
            if to >= from && !excused {
                faults.push(format!("crates/{room}: an arrow to {target} runs up or sideways"));
            }
        }
    }
    report(faults);
}

#[test]
fn pure_rooms_have_no_clock_socket_file_thread_or_chance() {
    let mut faults = Vec::new();
    for room in rooms().iter().filter(|room| !ROOMS_WITH_IO.contains(&room.as_str())) {
        for file in files(&root().join("crates").join(room).join("src"), "rs") {
            let (source, _) = without_tests(&read(&file));
            for (number, line) in source.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for word in IMPURE.iter().filter(|word| code.contains(**word)) {
                    let at = number + 1;
                    faults.push(format!("{}:{at}: `{word}` in a pure room", shown(&file)));
                }
            }
        }
    }
    report(faults);
}

#[test]
fn files_say_what_they_are_and_stay_short() {
    let mut faults = Vec::new();
    for file in rust_files() {
        let source = read(&file);
        let lines = source.lines().count();
        if lines > LINES_A_FILE_MAX {
            faults.push(format!("{}: {lines} lines, split it by step", shown(&file)));
        }
        if !source.starts_with("//!") {
            faults.push(format!("{}: begins without a `//!` that says what it is", shown(&file)));
        }
        for (number, line) in source.lines().enumerate() {
            let columns: usize = line.chars().count();
            if columns > COLUMNS_MAX && !line.contains("https://") {
                faults.push(format!("{}:{}: {columns} columns", shown(&file), number + 1));
            }
            if line.ends_with(' ') {
                faults.push(format!("{}:{}: a space at the end", shown(&file), number + 1));
            }
        }
    }
    report(faults);
}

#[test]
fn nothing_is_left_undone_or_skipped() {
    let unfinished = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("#[ig", "nore"),
    ];
    let mut faults = Vec::new();
    for file in rust_files() {
        for (number, line) in read(&file).lines().enumerate() {
            for word in unfinished.iter().filter(|word| line.contains(**word)) {
                faults.push(format!("{}:{}: {word}", shown(&file), number + 1));
            }
        }
    }
    report(faults);
}

#[test]
fn rooms_have_names_of_their_own() {
    let vague = ["util", "utils", "common", "helper", "helpers", "manager", "service", "base"];
    let mut faults = Vec::new();
    for file in rust_files() {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if vague.contains(&stem) {
            faults.push(format!("{}: a name that says nothing", shown(&file)));
        }
    }
    report(faults);
}

#[test]
fn there_is_enough_test_for_the_source() {
    let mut source: BTreeMap<&str, usize> = BTreeMap::new();
    let mut count = |kind, lines| *source.entry(kind).or_default() += lines;
    for file in rust_files() {
        let text = read(&file);
        let inside = shown(&file);
        let is_test = inside.starts_with("tests/")
            || inside.contains("/tests/")
            || inside.ends_with("/tests.rs")
            || inside.ends_with("_tests.rs")
            || inside.starts_with("crates/sim/")
            || inside.starts_with("fuzz/")
            || inside.starts_with("peers/");
        let (kept, test_lines) = without_tests(&text);
        if is_test {
            count("test", text.lines().count());
        } else {
            count("source", kept.lines().count());
            count("test", test_lines);
        }
    }
    let ratio = source["test"] as f64 / source["source"] as f64;
    println!("{} test lines to {} source lines: {ratio:.2}", source["test"], source["source"]);
    assert!(
        ratio >= TEST_LINES_A_SOURCE_LINE_MIN,
        "{ratio:.2} test lines a source line, {TEST_LINES_A_SOURCE_LINE_MIN} are wanted"
    );
}

/// The fuzz targets stand outside of the workspace, so that nothing else brings their lock along.
#[test]
fn the_lock_of_the_fuzz_targets_knows_what_the_rooms_use() {
    let lock: toml::Table = read(&root().join("fuzz/Cargo.lock")).parse().expect("it is TOML");
    let text =
        |value: Option<&toml::Value>| value.and_then(|value| value.as_str()).map(str::to_owned);
    let (mut faults, mut known) = (Vec::new(), 0);
    for package in lock["package"].as_array().into_iter().flatten() {
        let name = text(package.get("name")).unwrap_or_default();
        if row(&name).is_none() || package.get("source").is_some() {
            continue;
        }
        known += 1;
        let locked = package.get("dependencies").and_then(|all| all.as_array());
        // Where there are several versions of one, its version stands behind its name.
        let locked = locked.into_iter().flatten().filter_map(|one| one.as_str());
        let locked: Vec<&str> = locked.filter_map(|one| one.split(' ').next()).collect();
        for (used, how) in dependencies(&name) {
            // What is optional is there only where somebody switches it on.
            if how.get("optional").is_none() && !locked.contains(&used.as_str()) {
                faults.push(format!("{name} uses {used}: `cargo update --workspace` in fuzz/"));
            }
        }
    }
    assert!(known >= 5, "{known} rooms are fuzzed");
    report(faults);
}
