//! Every script that is shipped: it parses, all that it says was recorded, and every path through
//! it ends with a human or a goodbye.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ivr::{Interpreter, Known, Node, NodeName, Output, PolicyAnswer, Query, Script};
use model::{Mono, PolicyCard, PolicyStatus, PromptId, QueueId};

/// The demo's queues: those that the shipped scripts may name.
const QUEUES: [&str; 3] = ["general", "claims", "complaints"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr-scripts")
}

/// The prompts of `prompts.tsv` with their texts.
fn texts() -> BTreeMap<PromptId, String> {
    let file = std::fs::read_to_string(folder().join("prompts.tsv")).expect("prompts.tsv is there");
    let mut texts = BTreeMap::new();
    for line in file.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (stem, text) = line.split_once('\t').expect("stem<TAB>text");
        assert!(!text.trim().is_empty(), "{stem} says nothing");
        assert!(texts.insert(stem.into(), text.to_owned()).is_none(), "{stem} is there twice");
    }
    texts
}

/// The prompts that have audio.
fn recorded() -> BTreeSet<PromptId> {
    let files = std::fs::read_dir(folder().join("prompts")).expect("the prompts are there");
    files
        .map(|file| file.expect("a readable folder").path())
        .map(|path| {
            assert_eq!(path.extension().and_then(|e| e.to_str()), Some("wav"), "{path:?}");
            path.file_stem().and_then(|stem| stem.to_str()).expect("a plain name").into()
        })
        .collect()
}

fn scripts() -> Vec<(String, Arc<Script>)> {
    let (prompts, queues) = (recorded(), QUEUES.map(QueueId::from).into());
    let mut scripts = Vec::new();
    for file in std::fs::read_dir(folder()).expect("the scripts are there") {
        let path = file.expect("a readable folder").path();
        if path.extension().and_then(|e| e.to_str()) != Some("toml") {
            continue;
        }
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let text = std::fs::read_to_string(&path).expect("a readable script");
        let known = Known { prompts: &prompts, queues: &queues };
        let (script, findings) = Script::parse(&name, &text, known);
        let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(shown.is_empty(), "{}", shown.join("\n"));
        scripts.push((name, Arc::new(script.expect("no finding means a script"))));
    }
    assert!(!scripts.is_empty(), "no script is shipped");
    scripts
}

#[test]
fn every_prompt_has_text_and_audio() {
    let (texts, recorded) = (texts(), recorded());
    let without_text = ["music", "ringback", "mailbox_tone"].map(PromptId::from);
    let with_text: BTreeSet<PromptId> = texts.into_keys().chain(without_text).collect();
    assert_eq!(with_text, recorded, "prompts.tsv and the folder of prompts differ");
    for (name, script) in scripts() {
        let said = script.prompts();
        assert!(said.is_subset(&recorded), "{name}: {:?}", said.difference(&recorded));
    }
    for prompt in ivr::fragment::position_vocabulary().into_iter().chain(ivr::wait_vocabulary()) {
        assert!(recorded.contains(&prompt), "{prompt} is missing");
    }
    for position in 0..=150 {
        assert!(ivr::position_prompts(position).iter().all(|prompt| recorded.contains(prompt)));
    }
}

/// Peak and mean (RMS) level of samples, in dBFS.
fn levels(samples: &[i16]) -> (f64, f64) {
    let peak = samples.iter().map(|s| f64::from(*s).abs()).fold(0.0, f64::max);
    let square: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
    let mean = (square / samples.len() as f64).sqrt();
    (20.0 * (peak / 32_768.0).log10(), 20.0 * (mean / 32_768.0).log10())
}

fn samples(prompt: &PromptId) -> Vec<i16> {
    let path = folder().join(format!("prompts/{prompt}.wav"));
    let mut wav = hound::WavReader::open(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    let spec = wav.spec();
    let format = (spec.sample_rate, spec.channels, spec.bits_per_sample, spec.sample_format);
    assert_eq!(format, (8_000, 1, 16, hound::SampleFormat::Int), "{prompt}");
    wav.samples::<i16>().map(|sample| sample.expect("a whole file")).collect()
}

#[test]
fn every_prompt_is_telephone_audio_at_one_level() {
    let texts = texts();
    for (prompt, text) in &texts {
        let samples = samples(prompt);
        let (peak, mean) = levels(&samples);
        assert!((-4.0..=-2.0).contains(&peak), "{prompt}: peak {peak:.1} dBFS");
        assert!((-26.0..=-12.0).contains(&mean), "{prompt}: mean {mean:.1} dBFS");
        // 0.25 s are the pauses around; a syllable takes a tenth to half a second.
        let syllables = text.chars().filter(|c| c.is_alphabetic()).count() as f64;
        let each = (samples.len() as f64 / 8_000.0 - 0.25) / syllables;
        assert!((0.1..=0.55).contains(&each), "{prompt}: {each:.2} s a syllable of {text}");
    }
}

#[test]
fn the_music_is_gentle_and_loops_without_a_click() {
    let music = samples(&"music".into());
    let seconds = music.len() / 8_000;
    assert!((40..=60).contains(&seconds), "{seconds} s");
    let (peak, mean) = levels(&music);
    assert!(peak <= -3.0 && (-19.0..=-17.0).contains(&mean), "{peak:.1}, {mean:.1} dBFS");
    // No frame is silent, and the step over the seam is one of the music's own.
    for frame in music.chunks(4_000) {
        assert!(levels(frame).1 > -35.0, "a hole in the music");
    }
    let step = |a: i16, b: i16| i32::from(a).abs_diff(i32::from(b));
    let mut steps: Vec<u32> = music.windows(2).map(|pair| step(pair[0], pair[1])).collect();
    steps.sort_unstable();
    let usual = steps[steps.len() * 9 / 10];
    assert!(step(music[music.len() - 1], music[0]) <= usual, "the seam clicks");
}

#[test]
fn the_ringback_tone_sounds_for_one_second_of_five() {
    let tone = samples(&"ringback".into());
    assert_eq!(tone.len(), 5 * 8_000);
    let (sounds, silent) = tone.split_at(8_000);
    let (peak, mean) = levels(sounds);
    assert!((-11.0..=-9.0).contains(&peak) && (-14.0..=-12.0).contains(&mean), "{peak:.1} dBFS");
    assert!(silent.iter().all(|sample| *sample == 0));
    let crossings = sounds.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
    assert!((449..=451).contains(&crossings), "{crossings} Hz");
}

#[test]
fn the_tone_before_a_message_is_short_and_pure() {
    let tone = samples(&"mailbox_tone".into());
    assert_eq!(tone.len(), 8_000 * 4 / 10);
    let (peak, mean) = levels(&tone);
    assert!((-11.0..=-9.0).contains(&peak) && (-14.0..=-12.0).contains(&mean), "{peak:.1} dBFS");
    let crossings = tone.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
    assert!((399..=401).contains(&crossings), "{crossings} in four tenths of a second");
}

#[test]
fn the_audio_stays_small() {
    let files = std::fs::read_dir(folder().join("prompts")).expect("the prompts are there");
    let bytes: u64 = files.map(|file| file.and_then(|f| f.metadata()).map_or(0, |m| m.len())).sum();
    assert!(bytes < 7_500_000, "{bytes} bytes");
}

/// One thing that may happen to a call.
#[derive(Debug, Clone)]
enum Happening {
    Keys(&'static str),
    PlayFinished,
    TimePasses,
    Answer(PolicyAnswer),
}

const KEYS: [&str; 12] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#"];

/// What callers key where digits are collected: right and wrong, ended or not.
const NUMBERS: [&str; 9] = [
    "20260100000015#",
    "20260100000015",
    "11010519491231002*#",
    "11010519491231002*",
    "110101199003070134#",
    "12*4#",
    "1",
    "#",
    "00000000000000000000000000000000000000000000000000000000000000000000#",
];

fn policy(product: &str, status: PolicyStatus) -> PolicyCard {
    PolicyCard {
        policy_number: "20260100000015".to_owned(),
        product: product.to_owned(),
        plate: "粤B12345".into(),
        vehicle: "轿车".to_owned(),
        status,
        starts_on: "2026-03-16".to_owned(),
        ends_on: "2027-03-15".to_owned(),
        premium_fen: 350_000,
        claims: Vec::new(),
    }
}

fn answers() -> Vec<PolicyAnswer> {
    let in_force = policy("商业险", PolicyStatus::InForce);
    let expired = policy("交强险", PolicyStatus::Expired);
    vec![
        PolicyAnswer::Found(vec![in_force.clone()]),
        PolicyAnswer::Found(vec![in_force, expired, policy("", PolicyStatus::Surrendered)]),
        PolicyAnswer::Found(vec![policy("商业险", PolicyStatus::NotYetInForce); 5]),
        PolicyAnswer::Found(Vec::new()),
        PolicyAnswer::Unknown,
        PolicyAnswer::Failed,
    ]
}

/// A call on its way through a script, as the engine sees it.
#[derive(Clone)]
struct Call {
    interpreter: Interpreter,
    now: Mono,
    node: NodeName,
    playing: bool,
    asked: Option<Query>,
    end: Option<Output>,
}

impl Call {
    fn new(script: &Arc<Script>) -> Self {
        let interpreter = Interpreter::new(script.clone(), Mono(0));
        let node = script.start().clone();
        Self { interpreter, now: Mono(0), node, playing: false, asked: None, end: None }
    }

    /// Does what the interpreter wants; the edges walked go to `edges`.
    fn settle(
        &mut self,
        recorded: &BTreeSet<PromptId>,
        edges: &mut BTreeSet<(NodeName, NodeName)>,
    ) {
        while let Some(output) = self.interpreter.poll_output() {
            assert!(self.end.is_none(), "{output:?} after the end");
            match output {
                Output::Play { prompts, repeat, barge_in: _ } => {
                    assert!(!prompts.is_empty() && !repeat);
                    assert!(prompts.iter().all(|prompt| recorded.contains(prompt)), "{prompts:?}");
                    self.playing = true;
                }
                Output::StopPlay => self.playing = false,
                Output::Lookup(query) => self.asked = Some(query),
                Output::Entered { node } => {
                    edges.insert((std::mem::replace(&mut self.node, node.clone()), node));
                    self.asked = None;
                }
                Output::Collected { node, digits } => {
                    assert_eq!(node, self.node);
                    assert!(!digits.is_empty());
                }
                Output::Enqueue { .. } | Output::HangUp => self.end = Some(output),
            }
        }
        assert_eq!(self.interpreter.is_over(), self.end.is_some());
        assert_eq!(self.interpreter.poll_timeout().is_none(), self.end.is_some(), "waits for ever");
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Keys(keys) => {
                for key in keys.chars() {
                    self.interpreter.handle_digit(key, self.now);
                }
            }
            Happening::PlayFinished => {
                self.playing = false;
                self.interpreter.handle_play_finished(self.now);
            }
            Happening::TimePasses => {
                self.now = self.interpreter.poll_timeout().expect("a deadline").0;
                self.interpreter.handle_timeout(self.now);
            }
            Happening::Answer(answer) => {
                self.asked = None;
                self.interpreter.handle_lookup(answer, self.now);
            }
        }
    }

    /// All that may happen now.
    fn happenings(&self, script: &Script) -> Vec<Happening> {
        let mut happenings = vec![Happening::TimePasses];
        if self.playing {
            happenings.push(Happening::PlayFinished);
        }
        if self.asked.is_some() {
            happenings.extend(answers().into_iter().map(Happening::Answer));
        }
        match script.nodes()[&self.node] {
            // Digits that were begun are ended, by the key or by waiting.
            Node::Collect(_) if self.waits_for("the next key") => {
                happenings.push(Happening::Keys("#"));
            }
            Node::Collect(_) => happenings.extend(NUMBERS.map(Happening::Keys)),
            Node::Say(_) | Node::Menu(_) | Node::LookUp(_) | Node::Enqueue(_) | Node::HangUp => {
                happenings.extend(KEYS.map(Happening::Keys));
            }
        }
        happenings
    }

    fn waits_for(&self, reason: &str) -> bool {
        self.interpreter.poll_timeout().is_some_and(|(_, why)| why == reason)
    }

    /// Two calls of the same place go on alike, but for the time of day and the steps taken.
    fn place(&self) -> String {
        let whole = format!("{:?} {} {:?}", self.interpreter, self.playing, self.asked);
        let mut place = whole.clone();
        for (field, end) in [("deadline: Some((", ", "), ("steps: ", ",")] {
            let start = place.find(field).map(|at| at + field.len());
            if let Some(start) = start {
                let length = place[start..].find(end).expect("a field ends");
                place.replace_range(start..start + length, "");
            }
        }
        place
    }
}

/// Places of one script after which the exploration gives up: far more than any needs.
const MAX_PLACES: usize = 20_000;

#[test]
fn every_path_through_every_script_is_walked_and_ends() {
    let recorded = recorded();
    for (name, script) in scripts() {
        let (mut seen, mut edges) = (BTreeSet::new(), BTreeSet::new());
        let mut ends: BTreeSet<String> = BTreeSet::new();
        let mut first = Call::new(&script);
        first.settle(&recorded, &mut edges);
        let mut left = VecDeque::from([first]);
        while let Some(call) = left.pop_front() {
            for happening in call.happenings(&script) {
                let mut call = call.clone();
                call.happen(happening);
                call.settle(&recorded, &mut edges);
                if let Some(end) = &call.end {
                    ends.insert(format!("{end:?}"));
                } else if seen.insert(call.place()) {
                    assert!(seen.len() < MAX_PLACES, "{name} has no end of places");
                    ends_in_silence(call.clone(), &recorded);
                    left.push_back(call);
                }
            }
        }
        for (from, node) in script.nodes() {
            for to in node.targets() {
                let edge = (from.clone(), to.clone());
                assert!(edges.contains(&edge), "{name}: nothing leads from {from} to {to}");
            }
        }
        assert!(!ends.is_empty(), "{name}");
    }
}

/// Whatever came before: a caller who does nothing any more soon reaches an end.
fn ends_in_silence(mut call: Call, recorded: &BTreeSet<PromptId>) {
    for _ in 0..100 {
        if call.end.is_some() {
            return;
        }
        let happening = if call.playing { Happening::PlayFinished } else { Happening::TimePasses };
        call.happen(happening);
        call.settle(recorded, &mut BTreeSet::new());
    }
    panic!("still at {} after a hundred silences", call.node);
}

/// Walks the hotline with one happening after the other; silence where a prompt plays before.
fn walk(happenings: &[Happening]) -> Call {
    let (recorded, mut edges) = (recorded(), BTreeSet::new());
    let scripts = scripts();
    let (_, script) = scripts.iter().find(|(name, _)| name == "hotline.toml").expect("shipped");
    let mut call = Call::new(script);
    call.settle(&recorded, &mut edges);
    for happening in happenings {
        while call.playing && !matches!(happening, Happening::Answer(_)) {
            call.happen(Happening::PlayFinished);
            call.settle(&recorded, &mut edges);
        }
        call.happen(happening.clone());
        call.settle(&recorded, &mut edges);
    }
    while call.playing {
        call.happen(Happening::PlayFinished);
        call.settle(&recorded, &mut edges);
    }
    call
}

fn queue(call: &Call) -> &str {
    match call.end.as_ref() {
        Some(Output::Enqueue { queue, .. }) => queue.as_str(),
        other => panic!("no queue but {other:?} at {}", call.node),
    }
}

#[test]
fn the_keys_of_95512_lead_where_callers_are_told() {
    use Happening::{Answer, Keys, TimePasses};
    let found = || Answer(PolicyAnswer::Found(vec![policy("商业险", PolicyStatus::InForce)]));
    for (happenings, reached) in [
        (vec![Keys("1")], "claims"),
        (vec![Keys("3")], "complaints"),
        (vec![Keys("0")], "general"),
        (vec![Keys("9"), Keys("9"), Keys("1")], "claims"),
        (vec![Keys("7"), Keys("*"), Keys("1")], "claims"),
        (vec![Keys("7"), TimePasses, Keys("8")], "general"),
        (vec![TimePasses, TimePasses, TimePasses], "general"),
        (vec![Keys("2"), TimePasses, TimePasses, TimePasses], "general"),
        (vec![Keys("2"), Keys("20260100000015#"), found(), Keys("0")], "general"),
        (vec![Keys("2"), Keys("20260100000015#"), found(), Keys("1"), Keys("3")], "complaints"),
        (vec![Keys("2"), Keys("20260100000015#"), Answer(PolicyAnswer::Failed)], "general"),
    ] {
        assert_eq!(queue(&walk(&happenings)), reached, "{happenings:?}");
    }
}

#[test]
fn a_caller_has_three_attempts_at_the_policy_enquiry() {
    use Happening::{Answer, Keys, TimePasses};
    let unknown = || Answer(PolicyAnswer::Unknown);
    let number = || Keys("20260100000015#");
    let twice = [Keys("2"), number(), unknown(), TimePasses];
    let call = walk(&twice);
    assert_eq!((call.node.as_ref(), &call.end), ("policy", &None));
    let third = [&twice[..], &[number()]].concat();
    let call = walk(&third);
    assert!(matches!(call.asked, Some(Query::PolicyNumber(_))), "the third attempt is looked up");
    assert_eq!(queue(&walk(&[&third[..], &[unknown()]].concat())), "general");
}
