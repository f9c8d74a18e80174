//! The menus and prompts: those that came with the engine, or those of a folder.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use ivr::{Diagnostic, Known, Script};
use media::Prompts;
use model::{PromptId, QueueId};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "ivr-scripts/"]
#[include = "*.toml"]
#[include = "prompts/*.wav"]
struct Shipped;

/// The endings of files that are prompts.
const PROMPT_ENDINGS: [&str; 4] = ["wav", "mp3", "flac", "ogg"];

/// A folder of scripts, read.
pub struct Library {
    /// Scripts by name.
    pub scripts: BTreeMap<String, Arc<Script>>,
    /// Prompts by name.
    pub prompts: Arc<Prompts>,
}

struct File {
    name: String,
    content: Cow<'static, [u8]>,
}

/// Reads and checks all scripts and prompts; `played` are those that are heard outside the scripts.
///
/// # Errors
/// A prompt cannot be decoded, a file cannot be read, or a script has findings: all of them are
/// listed with file, line, key and remedy.
pub fn load(
    folder: Option<&Path>,
    queues: &[QueueId],
    played: impl IntoIterator<Item = PromptId>,
) -> anyhow::Result<Library> {
    let (scripts, prompts) = match folder {
        Some(folder) => (read(folder, &["toml"])?, read(&folder.join("prompts"), &PROMPT_ENDINGS)?),
        None => shipped(),
    };
    let prompts = prompts.into_iter().map(|file| (PromptId::from(stem(&file.name)), file.content));
    let prompts = Prompts::load(prompts).context("a prompt cannot be played")?;
    let prompt_names: BTreeSet<PromptId> = prompts.iter().map(|(id, _)| id.clone()).collect();
    let missing = missing(&prompt_names, played);
    if !missing.is_empty() {
        anyhow::bail!(
            "{}: waiting callers would hear nothing in place of: {}; record them, or copy those \
             that came with the engine (ivr-scripts/prompts)",
            folder.unwrap_or(Path::new("")).join("prompts").display(),
            missing.join(", "),
        );
    }
    let read_scripts = parse(scripts, &prompt_names, queues)?;
    Ok(Library { scripts: read_scripts, prompts: Arc::new(prompts) })
}

/// Reads and checks all scripts again, as they are now; prompts are those of the start.
///
/// # Errors
/// A prompt is needed that was not there at the start, or what is wrong with the scripts.
pub fn reload(
    folder: Option<&Path>,
    queues: &[QueueId],
    played: impl IntoIterator<Item = PromptId>,
    prompts: &Arc<Prompts>,
) -> anyhow::Result<Library> {
    let scripts = match folder {
        Some(folder) => read(folder, &["toml"])?,
        None => shipped().0,
    };
    let prompt_names: BTreeSet<PromptId> = prompts.iter().map(|(id, _)| id.clone()).collect();
    let missing = missing(&prompt_names, played);
    if !missing.is_empty() {
        anyhow::bail!(
            "waiting callers would hear nothing in place of: {}\n  remedy: prompts are read at \
             the start alone: name one that was there then, or restart the engine",
            missing.join(", "),
        );
    }
    let scripts = parse(scripts, &prompt_names, queues)?;
    Ok(Library { scripts, prompts: Arc::clone(prompts) })
}

fn missing(known: &BTreeSet<PromptId>, played: impl IntoIterator<Item = PromptId>) -> Vec<String> {
    let unknown = played.into_iter().filter(|prompt| !known.contains(prompt));
    let missing: BTreeSet<String> = unknown.map(|prompt| prompt.to_string()).collect();
    missing.into_iter().collect()
}

fn parse(
    scripts: Vec<File>,
    prompt_names: &BTreeSet<PromptId>,
    queues: &[QueueId],
) -> anyhow::Result<BTreeMap<String, Arc<Script>>> {
    let queue_names: BTreeSet<QueueId> = queues.iter().cloned().collect();
    let known = Known { prompts: prompt_names, queues: &queue_names };
    let mut read_scripts = BTreeMap::new();
    let mut findings: Vec<Diagnostic> = Vec::new();
    for file in scripts {
        let text = String::from_utf8_lossy(&file.content);
        let (script, found) = Script::parse(&file.name, &text, known);
        findings.extend(found);
        if let Some(script) = script {
            read_scripts.insert(stem(&file.name), Arc::new(script));
        }
    }
    if !findings.is_empty() {
        let listed: Vec<String> = findings.iter().map(ToString::to_string).collect();
        anyhow::bail!("the scripts have faults:\n{}", listed.join("\n"));
    }
    Ok(read_scripts)
}

fn stem(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

fn shipped() -> (Vec<File>, Vec<File>) {
    let (scripts, prompts): (Vec<_>, Vec<_>) = Shipped::iter()
        .filter_map(|name| {
            let content = Shipped::get(&name)?.data;
            Some(File { name: name.into_owned(), content })
        })
        .partition(|file| file.name.ends_with(".toml"));
    (scripts, prompts)
}

fn read(folder: &Path, endings: &[&str]) -> anyhow::Result<Vec<File>> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("the folder {} cannot be read", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if endings.contains(&ending) {
            let content = std::fs::read(&path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            files.push(File { name: path.display().to_string(), content: Cow::Owned(content) });
        }
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queues() -> Vec<QueueId> {
        ["general", "claims", "complaints"].map(QueueId::from).to_vec()
    }

    fn spoken() -> Vec<PromptId> {
        crate::assemble::queue_prompts(&crate::config::Config::without_trunks()).all().collect()
    }

    #[test]
    fn prompts_that_waiting_callers_hear_must_be_there() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("prompts")).expect("a folder");
        let error = load(Some(folder.path()), &queues(), spoken()).err().expect("there are none");
        let error = error.to_string();
        for named in ["prompts", "wait_claims", "position_next", "customers_99", "music"] {
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn what_is_shipped_is_in_order() {
        let library = load(None, &queues(), spoken()).expect("it is");
        assert!(library.scripts.contains_key("hotline"));
        assert!(library.prompts.find(&"music".into()).is_some());
    }

    #[test]
    fn a_script_with_faults_is_listed_with_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("prompts")).expect("a folder");
        std::fs::write(folder.path().join("menu.toml"), "start = 5\n").expect("a file");
        let error = load(Some(folder.path()), &queues(), []).err().expect("it has faults");
        assert!(error.to_string().contains("menu.toml:1"), "{error}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error =
            load(Some(Path::new("/no/such")), &queues(), []).err().expect("it is not there");
        assert!(error.to_string().contains("/no/such"), "{error}");
    }
}
