//! linphone as an agent's phone: a second stack that nobody here wrote. It answers SHA-256
//! challenges (RFC 8760), which baresip and SIPp do not.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use media::tone::voice;
use tempfile::TempDir;

use crate::api::Client;
use crate::demo::{Demo, eventually, hotline_reading};
use crate::phone::Phone;
use crate::sipp::{ended_call, free_port};
use crate::sound::{SECOND, share, write_wav};

const SOON: Duration = Duration::from_secs(20);

/// A linphonec that answers by itself. Killed when dropped.
pub(crate) struct Linphone {
    child: Child,
    commands: ChildStdin,
    folder: TempDir,
}

impl Linphone {
    /// Starts one; it has files in place of a sound card.
    pub(crate) fn start(samples: &[i16]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        // Without these it ends at once.
        for home in [".local/share/linphone", ".config/linphone"] {
            fs::create_dir_all(at.join(home)).expect("a folder");
        }
        write_wav(&at.join("voice.wav"), samples);
        let config = format!(
            "[sip]\nsip_port={}\nsip_tcp_port=0\nsip_tls_port=0\nuse_ipv6=0\n\
             [rtp]\naudio_rtp_port={}\n[sound]\nechocancellation=0\n",
            free_port(),
            free_port(),
        );
        fs::write(at.join("config"), config).expect("it is written");
        let said = fs::File::create(at.join("said")).expect("a log");
        let mut child = Command::new("linphonec")
            .args(["-a", "-d", "6", "-l"])
            .arg(at.join("log"))
            .arg("-c")
            .arg(at.join("config"))
            .env("HOME", at)
            .stdin(Stdio::piped())
            .stdout(said.try_clone().expect("a log"))
            .stderr(said)
            .spawn()
            .expect("linphonec starts: scripts/install-peers installs it");
        let commands = child.stdin.take().expect("it is piped");
        let mut linphone = Self { child, commands, folder };
        linphone.command("soundcard use files");
        linphone
    }

    fn command(&mut self, command: &str) {
        writeln!(self.commands, "{command}").expect("linphonec reads");
    }

    pub(crate) fn register(&mut self, agent: &str, at: SocketAddr) {
        self.command(&format!("register sip:{agent}@{} sip:{at} demo", at.ip()));
        eventually("linphone registers", SOON, || {
            self.log().contains("SIP/2.0 200 OK").then_some(())
        });
        self.speak();
    }

    /// Speaks and listens as soon as there is a call.
    fn speak(&mut self) {
        let folder = self.folder.path().display().to_string();
        self.command(&format!("play {folder}/voice.wav"));
        self.command(&format!("record {folder}/heard.wav"));
    }

    /// Calls that number as a customer.
    pub(crate) fn call(&mut self, number: &str, at: SocketAddr) {
        self.speak();
        self.command(&format!("call sip:{number}@{at}"));
    }

    /// Waits for a line in its log.
    pub(crate) fn wait_for(&self, line: &str) {
        eventually(line, Duration::from_secs(60), || self.log().contains(line).then_some(()));
    }

    fn log(&self) -> String {
        fs::read(self.folder.path().join("log"))
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .unwrap_or_default()
    }

    /// Ends it; what it heard.
    pub(crate) fn heard(mut self) -> Vec<i16> {
        self.command("quit");
        eventually("linphone ends", SOON, || self.child.try_wait().ok().flatten());
        let file = self.folder.path().join("heard.wav");
        let reader = hound::WavReader::open(&file).expect("linphone has heard something");
        let spec = reader.spec();
        assert_eq!((spec.channels, spec.sample_rate), (1, 8_000));
        reader.into_samples().map_while(Result::ok).collect()
    }
}

impl Drop for Linphone {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Registers, is called, answers; what each heard is what the other said.
fn both_hear_each_other(digest: &str, challenged_by: &str) {
    let demo = Demo::start();
    let data = demo.data().display().to_string();
    let account = ["accounts", "--data", &data, "set", "8001", "--role", "agent", "--tier", "1"];
    let phone = ["--queues", "general", "--ready-when-registered", "--digest", digest];
    let set = hotline_reading(&[&account[..], &phone[..]].concat(), "demo\n");
    assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
    let demo = demo.kill_and_restart();

    let (said_by_agent, said_by_caller) =
        (voice(1, 12_000, 30 * SECOND), voice(2, 12_000, 30 * SECOND));
    let mut agent = Linphone::start(&said_by_agent);
    agent.register("8001", demo.sip);
    let wanted = format!("algorithm={challenged_by}, username=\"8001\"");
    assert!(agent.log().contains(&wanted), "it answered by {challenged_by}");

    let mut caller = Phone::new(demo.sip, "13900000001");
    let call = caller.dial("95500");
    let talk = caller.talk(&call, &said_by_caller);
    eventually("linphone answers", SOON, || agent.log().contains("ACK sip:").then_some(()));
    talk.hear(10 * SECOND);
    let heard_by_caller = talk.stop();
    caller.hang_up(&call);
    eventually("linphone is told", SOON, || agent.log().contains("BYE sip:").then_some(()));
    let heard_by_agent = agent.heard();

    let heard = share(&said_by_agent[SECOND..5 * SECOND], &heard_by_caller);
    assert!(heard >= 0.8, "the caller heard {heard} of what the agent said");
    // The caller spoke before the agent was there: some of the next seconds is in it whole.
    let longest =
        (0..12).map(|at| share(&said_by_caller[at * SECOND..][..4 * SECOND], &heard_by_agent));
    let heard = longest.fold(0.0, f64::max);
    assert!(heard >= 0.8, "the agent heard {heard} of what the caller said");
    let call = ended_call(&Client::sign_in(&demo, "qa"));
    assert_eq!(call["outcome"], "answered", "{call}");
}

#[test]
fn linphone_registers_by_sha_256_answers_and_both_hear_each_other() {
    both_hear_each_other("sha256", "SHA-256");
}

#[test]
fn linphone_takes_the_first_of_two_challenges() {
    both_hear_each_other("sha256+md5", "SHA-256");
}
