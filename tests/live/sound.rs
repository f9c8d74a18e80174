//! What is heard, with baresip on both ends: the audio that arrives is the audio that was sent, the
//! prompts are the shipped ones, and the recording has each voice on a channel of its own.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use media::compare::{coverage, find};
use media::tone::voice;
use tempfile::TempDir;

use crate::api::Client;
use crate::demo::{Demo, eventually};
use crate::sipp::{ended_call, free_port};

/// Half a second: the pieces by which audio is compared, so that a jitter buffer may move them.
const PIECE: usize = 4_000;
/// How alike a piece must be. The same voice through two codings stays above 0.99.
const ALIKE: f64 = 0.95;
pub(crate) const SECOND: usize = 8_000;

/// A baresip. Killed when dropped.
pub(crate) struct Baresip {
    child: Child,
    folder: TempDir,
}

impl Baresip {
    /// Starts one that speaks `samples` into its first call and keeps what it hears.
    fn start(host: IpAddr, account: &str, samples: &[i16], dial: Option<&str>) -> Self {
        Self::start_with(host, account, samples, (dial, ""))
    }

    /// With further lines in its configuration.
    fn start_with(
        host: IpAddr,
        account: &str,
        samples: &[i16],
        (dial, more): (Option<&str>, &str),
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        fs::create_dir(at.join("heard")).expect("a folder");
        write_wav(&at.join("voice.wav"), samples);
        let (sip, rtp) = (free_port(), free_port());
        let config = format!(
            "sip_listen {host}:{sip}\nrtp_ports {rtp}-{last}\n\
             audio_source aufile,{at}/voice.wav\naudio_player aubridge,nil\n\
             audio_alert aubridge,nil_alert\nausrc_srate 8000\nauplay_srate 8000\n\
             ausrc_channels 1\nauplay_channels 1\njitter_buffer_delay 1-3\n\
             module_path {modules}\nmodule g711.so\nmodule aufile.so\nmodule aubridge.so\n\
             module sndfile.so\nsnd_path {at}/heard\nmodule_app account.so\nmodule_app menu.so\n\
             {more}",
            last = rtp.saturating_add(40),
            at = at.display(),
            modules = modules().display(),
        );
        fs::write(at.join("config"), config).expect("it is written");
        fs::write(at.join("accounts"), format!("{account}\n")).expect("it is written");
        fs::write(at.join("contacts"), "").expect("it is written");
        let log = fs::File::create(at.join("log")).expect("a log");
        let mut command = Command::new("baresip");
        command.args(["-4", "-t", "60", "-f"]).arg(at);
        if let Some(number) = dial {
            command.args(["-e", &format!("/dial {number}")]);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("baresip starts: scripts/install-peers installs it");
        Self { child, folder }
    }

    /// An agent's phone, registered.
    pub(crate) fn agent(sip: SocketAddr, agent: &str, samples: &[i16]) -> Self {
        let account = format!(
            "<sip:{agent}@{sip};transport=udp>;auth_user={agent};auth_pass=demo;regint=600;\
             answermode=auto;audio_codecs=PCMA/8000/1"
        );
        let baresip = Self::start(sip.ip(), &account, samples, None);
        eventually("baresip registers", Duration::from_secs(20), || {
            baresip.log().contains("200 OK").then_some(())
        });
        baresip
    }

    /// An agent's phone, registered, and where it takes commands.
    pub(crate) fn agent_to_command(
        sip: SocketAddr,
        agent: &str,
        samples: &[i16],
    ) -> (Self, SocketAddr) {
        let account = format!(
            "<sip:{agent}@{sip};transport=udp>;auth_user={agent};auth_pass=demo;regint=600;\
             answermode=auto;audio_codecs=PCMA/8000/1"
        );
        let control = SocketAddr::new(sip.ip(), free_port());
        let more = format!("module_app ctrl_tcp.so\nctrl_tcp_listen {control}\n");
        let baresip = Self::start_with(sip.ip(), &account, samples, (None, &more));
        eventually("baresip registers", Duration::from_secs(20), || {
            baresip.log().contains("200 OK").then_some(())
        });
        (baresip, control)
    }

    /// Whether it has heard so much so far.
    pub(crate) fn has_heard(&self, samples: usize) -> bool {
        let Ok(files) = fs::read_dir(self.folder.path().join("heard")) else { return false };
        let heard = files.filter_map(Result::ok).filter_map(|file| file.metadata().ok());
        heard.map(|file| file.len()).max().is_some_and(|bytes| bytes >= 2 * samples as u64)
    }

    /// An agent's phone, registered over TLS with an engine whose certificate it knows.
    pub(crate) fn agent_over_tls(
        sip: SocketAddr,
        agent: &str,
        samples: &[i16],
        certificate: &Path,
    ) -> Self {
        let account = format!(
            "<sip:{agent}@{sip};transport=tls>;auth_user={agent};auth_pass=demo;regint=600;\
             answermode=auto;audio_codecs=PCMA/8000/1"
        );
        let more = format!("sip_cafile {}\n", certificate.display());
        let baresip = Self::start_with(sip.ip(), &account, samples, (None, &more));
        eventually("baresip registers over TLS", Duration::from_secs(20), || {
            baresip.log().contains("200 OK").then_some(())
        });
        baresip
    }

    /// A customer who calls, speaks and hangs up when everything is said.
    pub(crate) fn caller(sip: SocketAddr, number: &str, codec: &str, samples: &[i16]) -> Self {
        let account =
            format!("<sip:13800138000@{sip};transport=udp>;regint=0;audio_codecs={codec}");
        Self::start(sip.ip(), &account, samples, Some(&format!("sip:{number}@{sip}")))
    }

    /// The same over TLS, where `more` of its configuration says what it shows and believes.
    pub(crate) fn caller_over_tls(
        sip: SocketAddr,
        number: &str,
        samples: &[i16],
        more: &str,
    ) -> Self {
        let account =
            format!("<sip:13800138000@{sip};transport=tls>;regint=0;audio_codecs=PCMA/8000/1");
        let uri = format!("sip:{number}@{sip};transport=tls");
        Self::start_with(sip.ip(), &account, samples, (Some(&uri), more))
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits for the end of the call; what was heard in it.
    pub(crate) fn heard(self) -> Vec<i16> {
        eventually("the call is over", Duration::from_secs(60), || {
            self.log().contains("terminated").then_some(())
        });
        let told = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(told.expect("kill runs").success());
        let files = fs::read_dir(self.folder.path().join("heard")).expect("it is there");
        let mut files = files.map(|file| file.expect("it can be read").path());
        let file = files.find(|path| path.display().to_string().ends_with("dec.wav"));
        let file = file.unwrap_or_else(|| panic!("baresip heard nothing: {}", self.log()));
        eventually("baresip closes its file", Duration::from_secs(10), || {
            let reader = hound::WavReader::open(&file).ok()?;
            (reader.spec().channels == 1 && reader.spec().sample_rate == 8_000).then_some(())?;
            let samples: Vec<i16> = reader.into_samples().map_while(Result::ok).collect();
            (samples.len() > SECOND).then_some(samples)
        })
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Debian puts the modules here or into the architecture's folder.
fn modules() -> PathBuf {
    let plain = PathBuf::from("/usr/lib/baresip/modules");
    let own = format!("/usr/lib/{}-linux-gnu/baresip/modules", std::env::consts::ARCH);
    if plain.exists() { plain } else { own.into() }
}

pub(crate) fn write_wav(path: &Path, samples: &[i16]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("it is made");
    samples.iter().for_each(|sample| writer.write_sample(*sample).expect("it is written"));
    writer.finalize().expect("it is written");
}

/// A demo where baresip can reach it: it does not use loopback. None where this host has no other
/// address, which CI must have.
pub(crate) fn demo_for_baresip() -> Option<Demo> {
    Some(Demo::start_at(&format!("{}:0", own_address()?), &[]))
}

/// An address of this host that is not loopback. None where there is no other, which CI must have.
pub(crate) fn own_address() -> Option<IpAddr> {
    let all = if_addrs::get_if_addrs().expect("this host's addresses");
    let host = all.iter().map(if_addrs::Interface::ip).find(|ip| ip.is_ipv4() && !ip.is_loopback());
    if host.is_none() {
        assert!(std::env::var_os("CI").is_none(), "there is no address but loopback");
        eprintln!("skipped: baresip needs an address that is not loopback");
    }
    host
}

/// How much of what was said is in what was heard.
pub(crate) fn share(said: &[i16], heard: &[i16]) -> f64 {
    coverage(said, heard, PIECE, ALIKE).expect("something was said")
}

/// The sealed recording of the one call: left, right.
pub(crate) fn recording(inspector: &Client) -> (Vec<i16>, Vec<i16>) {
    let recording = eventually("the recording's seal", Duration::from_secs(20), || {
        let (_, recordings) = inspector.get("/recordings");
        let recording = recordings["items"].as_array()?.first()?.clone();
        (!recording["sha256"].is_null()).then_some(recording)
    });
    assert_eq!(recording["gaps"], 0, "{recording}");
    let id = recording["recording_id"].as_str().expect("an id");
    let wav = inspector.download(&format!("/recordings/{id}/audio"));
    channels(&wav)
}

/// The two channels of a recording.
fn channels(wav: &[u8]) -> (Vec<i16>, Vec<i16>) {
    let reader = hound::WavReader::new(wav).expect("it is a WAV file");
    assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, 8_000));
    let samples: Vec<i16> = reader.into_samples().map(|s| s.expect("a sample")).collect();
    samples.chunks_exact(2).map(|both| (both[0], both[1])).unzip()
}

/// A call in which both speak: what each hears is what the other said, and so is the recording.
fn both_hear_each_other(codec: &str) {
    let Some(demo) = demo_for_baresip() else { return };
    let (said_by_agent, said_by_caller) =
        (voice(1, 12_000, 30 * SECOND), voice(2, 12_000, 10 * SECOND));
    let agent = Baresip::agent(demo.sip, "8001", &said_by_agent);
    let caller = Baresip::caller(demo.sip, "95500", codec, &said_by_caller);
    let heard_by_caller = caller.heard();
    let heard_by_agent = agent.heard();

    // The first second passes until the agent has answered, the last ones are after hanging up.
    let (from_agent, from_caller) = (&said_by_agent[..6 * SECOND], &said_by_caller[2 * SECOND..]);
    let from_caller = &from_caller[..6 * SECOND];
    let heard = share(from_agent, &heard_by_caller);
    assert!(heard >= 0.9, "the caller heard {heard} of what the agent said");
    let heard = share(from_caller, &heard_by_agent);
    assert!(heard >= 0.9, "the agent heard {heard} of what the caller said");
    assert!(share(from_agent, &heard_by_agent) < 0.1, "no echo");
    assert!(share(from_caller, &heard_by_caller) < 0.1, "no echo");

    let inspector = Client::sign_in(&demo, "qa");
    assert_eq!(ended_call(&inspector)["outcome"], "answered");
    let (left, right) = recording(&inspector);
    let (caller_left, agent_right) = (share(from_caller, &left), share(from_agent, &right));
    assert!(caller_left >= 0.9, "the caller is left: {caller_left}");
    assert!(agent_right >= 0.9, "the agent is right: {agent_right}");
    assert!(share(from_caller, &right) < 0.1 && share(from_agent, &left) < 0.1, "each alone");
}

#[test]
fn two_baresips_hear_each_other_and_each_has_a_channel_of_the_recording() {
    both_hear_each_other("PCMA/8000/1");
}

#[test]
fn a_caller_of_another_law_hears_and_is_heard_and_recorded_as_well() {
    both_hear_each_other("PCMU/8000/1");
}

#[test]
fn the_prompts_that_a_caller_hears_are_the_shipped_ones_in_their_order() {
    let Some(demo) = demo_for_baresip() else { return };
    let caller = Baresip::caller(demo.sip, "95512", "PCMA/8000/1", &voice(3, 8_000, 16 * SECOND));
    let heard = caller.heard();
    let prompts = Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr-scripts/prompts");
    let mut after = 0;
    for prompt in ["welcome", "recording_notice", "menu"] {
        let file = fs::read(prompts.join(format!("{prompt}.wav"))).expect("it is shipped");
        let samples = media::decode(file).expect("it is audio");
        let heard_share = share(&samples, &heard);
        assert!(heard_share >= 0.8, "{heard_share} of {prompt} was heard");
        let start = find(&samples[SECOND / 2..SECOND * 3 / 2], &heard).expect("it was heard");
        assert!(start.lag >= after, "{prompt} came too early, at {}", start.lag);
        after = start.lag;
    }
    let other = fs::read(prompts.join("all_busy.wav")).expect("it is shipped");
    let other = media::decode(other).expect("it is audio");
    assert!(share(&other, &heard) < 0.2, "nothing else is found in it");
}
