//! The documents say what the engine does.

use std::path::Path;
use std::process::Command;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_configuration_key_is_in_the_reference() {
    let reference = read("docs/configuration.md");
    assert!(
        reference.contains(hotline::config::DEFAULT),
        "docs/configuration.md must hold engine/config/default.toml as it is"
    );
}

#[test]
fn every_column_of_an_import_is_in_the_operators_page() {
    let operations = read("docs/operations.md");
    for (column, _, _) in store::policies::COLUMNS {
        assert!(operations.contains(&format!("| `{column}` |")), "{column} is missing");
    }
}

#[test]
fn every_subcommand_explains_itself() {
    for command in
        ["serve", "config", "check", "demo", "policies", "recordings", "accounts", "trace", "load"]
    {
        let output = Command::new(env!("CARGO_BIN_EXE_hotline"))
            .args([command, "--help"])
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{command}");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("Usage: hotline"), "{command}: {text}");
    }
}

#[test]
fn the_readmes_first_configuration_is_in_order() {
    for readme in ["README.md", "README.zh-CN.md"] {
        let text = read(readme);
        let (_, rest) = text.split_once("```toml\n").expect("there is one");
        let (configuration, _) = rest.split_once("```").expect("it ends");
        let parsed = hotline::config::Config::parse(Path::new(readme), configuration);
        if let Err(faults) = parsed {
            panic!("{faults}");
        }
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for readme in ["README.md", "README.zh-CN.md"] {
        let text = read(readme);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(link.starts_with("http") || root.join(link).exists(), "{readme}: {link}");
        }
    }
}
