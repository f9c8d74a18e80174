//! What is malformed, missing, full or locked: the engine says so and goes on.

use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use media::Codec;
use media::compare::coverage;
use serde_json::json;
use sip::Method;

use crate::api::{Client, health};
use crate::demo::{Demo, hotline};
use crate::phone::Phone;

const SOON: Duration = Duration::from_secs(10);
/// Within what OPTIONS is answered.
const QUICK: Duration = Duration::from_millis(100);
/// How often it is asked at most: a machine may stand still for longer once.
const TRIES: u32 = 5;

/// Asks whether the engine is there; how long it took to say so.
fn options(phone: &Phone, number: u32) -> Duration {
    let mut quickest = Duration::MAX;
    for attempt in 0..TRIES {
        let token = format!("options-{number}-{attempt}");
        let request = format!(
            "OPTIONS sip:95512@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;\
             branch=z9hG4bK{token}\r\nMax-Forwards: 70\r\nFrom: <sip:t@127.0.0.1>;tag=o{number}\r\n\
             To: <sip:95512@127.0.0.1>\r\nCall-ID: {token}\r\nCSeq: 1 OPTIONS\r\n\
             Content-Length: 0\r\n\r\n"
        );
        let begun = Instant::now();
        phone.send(request.as_bytes());
        let came =
            phone.wait(SOON, |message| message.call_id() == token && message.status().is_some());
        let came = came.expect("the engine answers OPTIONS");
        assert_eq!(came.message.status(), Some(200), "{:?}", came.message);
        quickest = quickest.min(came.at.saturating_duration_since(begun));
        if quickest < QUICK {
            break;
        }
    }
    quickest
}

/// Datagrams that are no SIP, or hardly.
fn malformed() -> Vec<Vec<u8>> {
    let head = "Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n\
                To: <sip:b@c>\r\nCall-ID: bad\r\n";
    let mut all: Vec<Vec<u8>> = [
        String::new(),
        "\r\n\r\n".to_owned(),
        "INVITE".to_owned(),
        "INVITE sip:95512@x SIP/2.0\r\n".to_owned(),
        "INVITE sip:95512@x SIP/2.0\r\n\r\n".to_owned(),
        "INVITE sip:95512@x SIP/9.9\r\n\r\n".to_owned(),
        format!("INVITE sip:95512@x SIP/2.0\r\n{head}CSeq: 99999999999999999999 INVITE\r\n\r\n"),
        format!("INVITE sip:95512@x SIP/2.0\r\n{head}CSeq: -1 INVITE\r\n\r\n"),
        format!("INVITE sip:95512@x SIP/2.0\r\n{head}CSeq: 1 BYE\r\n\r\n"),
        format!("INVITE sip:95512@x SIP/2.0\r\n{head}CSeq: 1 INVITE\r\nContent-Length: -5\r\n\r\n"),
        format!(
            "INVITE sip:95512@x SIP/2.0\r\n{head}CSeq: 1 INVITE\r\nContent-Length: 9999\r\n\r\n"
        ),
        format!("REGISTER sip:x SIP/2.0\r\n{head}CSeq: 1 REGISTER\r\nContact: <<<>>>;;=\r\n\r\n"),
        format!("SIP/2.0 200 OK\r\n{head}CSeq: 1 INVITE\r\n\r\n"),
        format!("SIP/2.0 999999 X\r\n{head}CSeq: 1 INVITE\r\n\r\n"),
        format!(
            "INVITE sip:95512@x SIP/2.0\r\n{}CSeq: 1 INVITE\r\n\r\n",
            "Via: x\r\n".repeat(3_000)
        ),
        format!("INVITE sip:{}@x SIP/2.0\r\n{head}CSeq: 1 INVITE\r\n\r\n", "9".repeat(30_000)),
    ]
    .map(String::into_bytes)
    .into();
    all.push((0..=255).collect());
    all.push(vec![0; 1]);
    all.push(vec![0xff; 60_000]);
    all
}

#[test]
fn malformed_sip_leaves_the_engine_up_and_quick() {
    let mut demo = Demo::start();
    let (bad, good) = (Phone::new(demo.sip, "1"), Phone::new(demo.sip, "2"));
    options(&good, 0);
    let mut slowest = Duration::ZERO;
    for (number, datagram) in (1..).zip(malformed()) {
        bad.send(&datagram);
        slowest = slowest.max(options(&good, number));
    }
    assert!(slowest < QUICK, "OPTIONS took {slowest:?}");
    assert!(demo.is_up());
}

#[test]
fn malformed_sip_on_a_connection_closes_that_connection_alone() {
    use std::io::{Read as _, Write as _};
    let mut demo = Demo::start();
    let good = Phone::new(demo.sip, "2");
    for datagram in malformed() {
        let mut stream = std::net::TcpStream::connect(demo.sip).expect("it is accepted");
        stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a time-out");
        // It may be closed before everything is written.
        let _ = stream.write_all(&datagram);
        let _ = stream.read(&mut [0; 4096]);
    }
    assert!(options(&good, 1) < QUICK);
    assert!(demo.is_up());
}

#[test]
fn session_descriptions_that_cannot_be_served_are_refused_with_488_or_400() {
    let demo = Demo::start();
    let mut phone = Phone::new(demo.sip, "13900000001");
    let head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n";
    for (body, statuses) in [
        (format!("{head}m=video 4000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"), &[488][..]),
        (format!("{head}m=audio 4000 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n"), &[488]),
        (format!("{head}m=audio 99999999 RTP/AVP 8\r\n"), &[400, 488]),
        ("this is no SDP".to_owned(), &[400, 488]),
        ("v=0\r\n".repeat(2_000), &[400, 488]),
    ] {
        let status = phone.invite("95512", &body).status().expect("a status");
        assert!(statuses.contains(&status), "{status} to {body:?}");
    }
    // An offer of no media at all is none of these (RFC 3264 §5), and the next one is served.
    for body in [head.to_owned(), phone.sdp()] {
        let call = phone.dial_with("95512", &body);
        phone.hang_up(&call);
    }
}

#[test]
fn malformed_rtp_disturbs_neither_its_call_nor_the_engine() {
    let mut demo = Demo::start();
    let mut caller = Phone::new(demo.sip, "13900000001");
    let call = caller.dial("95512");
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
    let talk = caller.talk(&call, &media::tone::voice(1, 9_000, 8_000));
    // The engine knows by now where the caller's media comes from.
    talk.hear(1_600);
    let mut datagrams: Vec<Vec<u8>> = vec![vec![], vec![0x80], vec![0; 11], vec![0xff; 1_500]];
    // Says that it has 15 contributing sources, an extension, more padding than bytes.
    datagrams.extend([vec![0x8f, 8, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1], vec![0x90; 16], vec![0xa0; 16]]);
    // A digit that nobody knows, and one that is cut off.
    datagrams.push([&[0x80, 101, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1][..], &[99, 0x8a, 0, 1]].concat());
    datagrams.push([&[0x80, 101, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1][..], &[1]].concat());
    for _ in 0..50 {
        for datagram in &datagrams {
            stranger.send_to(datagram, call.media()).expect("it is sent");
        }
    }
    // The caller goes on hearing the welcome.
    assert!(options(&Phone::new(demo.sip, "2"), 1) < QUICK);
    let welcome = shipped("welcome");
    talk.hear(welcome.len() + 8_000);
    let heard = talk.stop();
    let share = coverage(&welcome, &heard, 1_600, 0.95).expect("it is not silent");
    // A busy machine may slip frames; one that followed the stranger would send none at all.
    assert!(share >= 0.6, "{share} of the welcome was heard");
    caller.hang_up(&call);
    assert!(demo.is_up());
}

/// A shipped prompt.
fn shipped(prompt: &str) -> Vec<i16> {
    let prompts = Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr-scripts/prompts");
    let file = fs::read(prompts.join(format!("{prompt}.wav"))).expect("it is shipped");
    let mut samples = media::decode(file).expect("it is audio");
    // As a receiver of A-law gets it.
    let mut coded = vec![0; samples.len()];
    media::g711::encode(Codec::Pcma, &samples, &mut coded);
    media::g711::decode(Codec::Pcma, &coded, &mut samples);
    samples
}

#[test]
fn where_no_agent_is_there_the_caller_is_told_so_and_waits_with_music() {
    let demo = Demo::start();
    let mut caller = Phone::new(demo.sip, "13900000001");
    let call = caller.dial("95500");
    let talk = caller.talk(&call, &media::tone::voice(1, 9_000, 8_000));
    let mut board = Client::sign_in(&demo, "lead").events();
    board.wait("queue_state", SOON, |data| {
        data["queue"] == "general" && data["waiting"] == json!(1)
    });
    let (told, music) = (shipped("no_agents"), shipped("music"));
    talk.hear(told.len() + 4 * 8_000);
    let heard = talk.stop();
    let share = coverage(&told, &heard, 4_000, 0.95).expect("it is not silent");
    assert!(share >= 0.8, "{share} of the announcement is heard");
    let last = &heard[heard.len().saturating_sub(3 * 8_000)..];
    let share = coverage(last, &music, 4_000, 0.95).expect("it is not silent");
    assert!(share >= 0.8, "{share} of what is heard is music");
    caller.hang_up(&call);
    let call = crate::sipp::ended_call(&Client::sign_in(&demo, "qa"));
    assert_eq!(call["outcome"], "abandoned", "{call}");
}

/// A file system of its own on a folder, unmounted when dropped.
struct Mount(PathBuf);

impl Mount {
    /// A tiny one. None where one may not mount, which one may in CI.
    fn tiny(on: &Path) -> Option<Self> {
        fs::create_dir_all(on).expect("a folder");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(on)
            .status()
            .is_ok_and(|status| status.success());
        if !mount {
            assert!(std::env::var_os("CI").is_none(), "mounting is needed");
            eprintln!("skipped: only root may mount a full disk");
        }
        mount.then(|| Self(on.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_raises_an_alarm_and_the_call_goes_on() {
    let demo = Demo::start();
    let Some(_mount) = Mount::tiny(&demo.data().join("recordings")) else { return };
    let mut agent = Phone::new(demo.sip, "8001");
    assert_eq!(agent.register("demo"), 200);
    let mut board = Client::sign_in(&demo, "lead").events();
    let mut caller = Phone::new(demo.sip, "13900000001");
    let call = caller.dial("95500");
    let said = media::tone::voice(1, 9_000, 8 * 8_000);
    let talk = caller.talk(&call, &said);
    let invite = agent.expect(Method::Invite, SOON).message;
    agent.pick_up(&invite);
    let listening = agent.answer_voice(&invite, &media::tone::voice(2, 9_000, 8 * 8_000));

    let alarm = board.wait("alarm", Duration::from_secs(30), |data| {
        data["alarm"] == "recording" && data["raised"] == json!(true)
    });
    assert!(!alarm.event["data"]["detail"].as_str().unwrap_or_default().is_empty(), "{alarm:?}");
    let (_, state) = health(&demo);
    assert_ne!(state["parts"]["recordings"], "ok", "{state}");

    // After the alarm they still hear each other.
    listening.hear(2 * 8_000);
    let (heard_by_agent, _) = (listening.stop(), talk.stop());
    let last = &heard_by_agent[heard_by_agent.len().saturating_sub(8_000)..];
    let twice = [&said[..], &said[..]].concat();
    let share = coverage(last, &twice, 4_000, 0.9).expect("it is not silent");
    assert!(share >= 0.5, "{share} of what the agent heard last is the caller");
    caller.hang_up(&call);
    agent.respond(&agent.expect(Method::Bye, SOON).message, "200 OK", "");
    let call = crate::sipp::ended_call(&Client::sign_in(&demo, "qa"));
    assert_eq!(call["outcome"], "answered", "{call}");
}

#[test]
fn a_second_engine_on_the_same_database_is_refused_and_the_first_goes_on() {
    let mut demo = Demo::start();
    let arguments = ["demo", "--sip", "127.0.0.1:0", "--http", "127.0.0.1:0", "--customers", "500"];
    let second = hotline(&arguments, Some(&demo.data()));
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains("is in use by another hotline"), "{said}");
    assert!(said.contains(&format!("process {}", demo.pid())), "{said}");
    assert!(demo.is_up());
    options(&Phone::new(demo.sip, "2"), 1);
}
