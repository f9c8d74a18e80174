//! What is served when more calls come than can be: a blaster beside the engine's capacity.
//!
//! The blaster knows next to nothing of its calls, one byte each, so that it never is the one that
//! cannot keep up: it sends INVITEs at its pace whatever comes back, acknowledges each final
//! response, says BYE to who answered, and repeats a BYE that is not answered.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use sip::{Message, Method};

use crate::lab::{FROM, Lab, SIP};
use crate::table::{Row, Table};

/// Rates at which the engine's capacity is looked for, in calls a second.
const RATES: [u32; 7] = [500, 1_000, 1_500, 2_000, 3_000, 4_000, 6_000];
/// How much more than it can serve comes.
const TIMES: u32 = 3;
/// The share of the peak that is served then.
const GOODPUT_MIN: f64 = 0.8;
/// How long it is given to recover.
const RECOVERY_S: u32 = 15;
/// Within so long all is served again when less comes.
const RECOVERY_MAX_S: usize = 10;
/// A call that is set up later is of no use any more: a caller would have sent its INVITE thrice.
const USEFUL: Duration = Duration::from_secs(2);
/// Of a second's calls, so many are served when all is well.
const WELL: f64 = 0.99;
/// How long the last calls are waited for.
const TAIL: Duration = Duration::from_secs(3);
/// Between two BYEs of a call, and how many there are.
const BYE_EVERY: Duration = Duration::from_millis(500);
const BYES_MAX: u8 = 8;
/// Messages sent before what came is looked at, and the other way round.
const SENDS_A_TURN: u32 = 32;
const READS_A_TURN: u32 = 64;

/// Measures capacity, goodput beyond it, and recovery.
pub(crate) fn rows(lab: &Lab, table: &mut Table) -> anyhow::Result<()> {
    let measured = std::thread::scope(|scope| {
        let thread = scope.spawn(|| -> anyhow::Result<Measured> {
            lab.stay_on_second_core()?;
            measure(lab.seconds(10), lab.seconds(5))
        });
        thread.join().map_err(|_| anyhow::anyhow!("the blaster panicked"))?
    })?;
    let Measured { ceiling, peak, wanted, overload, recovered } = measured;
    let share = overload.good / peak;
    let kept_pace = overload.sent >= f64::from(wanted) * 0.95;
    let pace = if kept_pace { "" } else { "; it could not keep that pace" };
    table.add(Row {
        work: format!("goodput at {TIMES} times the capacity of {peak:.0} calls/s"),
        measured: format!("{:.0} calls/s: {:.0} % of the peak", overload.good, share * 100.0),
        beside: String::new(),
        target: "≥ 80 % of the peak",
        met: kept_pace.then_some(share >= GOODPUT_MIN),
        remarks: format!(
            "{:.0} INVITEs/s sent by a stateless blaster, {:.0}/s refused; its own ceiling is \
             {ceiling:.0}/s{pace}",
            overload.sent, overload.refused
        ),
    });
    table.add(Row {
        work: "until all is served again when half the capacity comes".into(),
        measured: recovered.map_or_else(|| "not at all".into(), |after| format!("{after} s")),
        beside: String::new(),
        target: "≤ 10 s",
        met: Some(recovered.is_some_and(|after| after <= RECOVERY_MAX_S)),
        remarks: "the last second of which one call of a hundred was not served".into(),
    });
    Ok(())
}

struct Measured {
    /// INVITEs a second that the blaster can send.
    ceiling: f64,
    peak: f64,
    /// The rate of the overload.
    wanted: u32,
    overload: Rates,
    /// Seconds until all was served again, if it ever was.
    recovered: Option<usize>,
}

fn measure(seconds: u32, seconds_a_rate: u32) -> anyhow::Result<Measured> {
    let ceiling = ceiling()?;
    let mut blaster = Blaster::open(SIP)?;
    let mut peak = 0.0_f64;
    for rate in RATES {
        let rates = blaster.blast(rate, seconds_a_rate)?.rates();
        eprintln!("blasted at {rate}/s: {:.0}/s served", rates.good);
        peak = peak.max(rates.good);
        if rates.good < f64::from(rate) * 0.9 {
            break;
        }
    }
    ensure!(peak > 0.0, "not one call was served");
    let wanted = peak as u32 * TIMES;
    // What comes less follows at once: the tail of the overload is part of the recovery.
    blaster.tail = Duration::ZERO;
    let overload = blaster.blast(wanted, seconds)?.rates();
    blaster.tail = TAIL;
    let recovery = blaster.blast(peak as u32 / 2, RECOVERY_S)?;
    for (second, Second { sent, good, refused }) in recovery.0.iter().enumerate() {
        eprintln!("second {second} of recovery: {sent} sent, {good} served, {refused} refused");
    }
    let recovered = recovery.well_from();
    Ok(Measured { ceiling, peak, wanted, overload, recovered })
}

/// INVITEs a second that this thread can send where nobody answers.
fn ceiling() -> anyhow::Result<f64> {
    let deaf = UdpSocket::bind((FROM, 0))?;
    let mut blaster = Blaster::open(&deaf.local_addr()?.to_string())?;
    blaster.tail = Duration::ZERO;
    Ok(blaster.blast(1_000_000, 1)?.rates().sent)
}

/// In one second of a run.
#[derive(Debug, Clone, Copy, Default)]
struct Second {
    sent: u32,
    good: u32,
    refused: u32,
}

/// Of one run, by the second in which the calls began.
struct Run(Vec<Second>);

/// Calls a second.
struct Rates {
    sent: f64,
    good: f64,
    refused: f64,
}

impl Run {
    fn rates(&self) -> Rates {
        let mean = |count: fn(&Second) -> u32| {
            f64::from(self.0.iter().map(count).sum::<u32>()) / self.0.len().max(1) as f64
        };
        Rates {
            sent: mean(|second| second.sent),
            good: mean(|second| second.good),
            refused: mean(|second| second.refused),
        }
    }

    /// After how many seconds nothing was lost any more.
    fn well_from(&self) -> Option<usize> {
        let is_well = |second: &Second| f64::from(second.good) >= f64::from(second.sent) * WELL;
        let bad = self.0.iter().rposition(|second| !is_well(second)).map_or(0, |at| at + 1);
        (bad < self.0.len()).then_some(bad)
    }
}

/// All that is known of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Invited,
    Refused,
    /// Answered; so many BYEs were sent.
    Leaving(u8),
    Left,
}

struct Blaster {
    socket: UdpSocket,
    to: String,
    local: String,
    /// Tells its calls from those of others.
    of: u32,
    /// By the calls' numbers, of all runs.
    calls: Vec<Known>,
    /// The first call of this run.
    first: usize,
    /// When that began.
    begun: Instant,
    rate: u32,
    seconds: Vec<Second>,
    /// Calls whose BYE may have to be repeated, and what it was.
    byes: VecDeque<(Instant, usize, String)>,
    text: String,
    tail: Duration,
}

impl Blaster {
    fn open(to: &str) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind((FROM, 0)).with_context(|| format!("a socket on {FROM}"))?;
        socket.connect(to)?;
        socket.set_nonblocking(true)?;
        // For whoever may; others do with the system's limit.
        let _limited = rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, 8 << 20);
        let local = socket.local_addr()?.to_string();
        Ok(Self {
            socket,
            to: to.to_owned(),
            local,
            of: std::process::id(),
            calls: Vec::new(),
            first: 0,
            begun: Instant::now(),
            rate: 1,
            seconds: Vec::new(),
            byes: VecDeque::new(),
            text: String::new(),
            tail: TAIL,
        })
    }

    /// Sends INVITEs at that rate for so long, and waits for the last calls.
    fn blast(&mut self, rate: u32, seconds: u32) -> anyhow::Result<Run> {
        self.first = self.calls.len();
        self.seconds = vec![Second::default(); seconds as usize];
        (self.rate, self.begun) = (rate, Instant::now());
        let end = Duration::from_secs(u64::from(seconds));
        while self.begun.elapsed() < end + self.tail {
            let elapsed = self.begun.elapsed();
            let due = self.first + (elapsed.min(end).as_secs_f64() * f64::from(rate)) as usize;
            for _ in 0..SENDS_A_TURN {
                if self.calls.len() >= due || elapsed >= end {
                    break;
                }
                self.invite();
            }
            for _ in 0..READS_A_TURN {
                if !self.receive()? {
                    break;
                }
            }
            self.repeat_byes();
        }
        Ok(Run(std::mem::take(&mut self.seconds)))
    }

    fn invite(&mut self) {
        let number = self.calls.len();
        self.calls.push(Known::Invited);
        if let Some((second, _)) = self.second_of(number) {
            second.sent += 1;
        }
        let (to, local, of) = (&self.to, &self.local, self.of);
        let ip = local.split(':').next().unwrap_or_default();
        let body = format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
             m=audio 9 RTP/AVP 8\r\n"
        );
        self.text.clear();
        // Writing to a string cannot fail.
        let _infallible = write!(
            self.text,
            "INVITE sip:95512@{to} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {local};branch=z9hG4bKi{of}.{number}\r\n\
             From: <sip:138{number:08}@{ip}>;tag={number}\r\nTo: <sip:95512@{to}>\r\n\
             Call-ID: {number}.{of}\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\
             Contact: <sip:138{number:08}@{local}>\r\nContent-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        // What the system does not take is lost, as on any network.
        let _lost = self.socket.send(self.text.as_bytes());
    }

    /// Takes in what came, if something did.
    fn receive(&mut self) -> anyhow::Result<bool> {
        let mut buffer = [0; 4_096];
        let length = match self.socket.recv(&mut buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(false),
            // Nobody was there for one that was sent.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                return Ok(true);
            }
            Err(error) => return Err(error).context("receiving"),
        };
        let Ok(message) = Message::parse(&buffer[..length]) else { return Ok(true) };
        let Some(status @ 200..) = message.status() else { return Ok(true) };
        let number = message.call_id().split('.').next().and_then(|text| text.parse().ok());
        let Some(number) = number else { return Ok(true) };
        if message.method() == Method::Bye {
            self.handle_left(number);
        } else if status < 300 {
            self.handle_answer(number, &message);
        } else {
            self.handle_refusal(number, &message);
        }
        Ok(true)
    }

    /// The second in which a call of this run began, and how long ago that is.
    fn second_of(&mut self, number: usize) -> Option<(&mut Second, Duration)> {
        let of_run = number.checked_sub(self.first)?;
        let begun = Duration::from_secs_f64(of_run as f64 / f64::from(self.rate));
        let age = self.begun.elapsed().saturating_sub(begun);
        Some((self.seconds.get_mut(begun.as_secs() as usize)?, age))
    }

    fn handle_answer(&mut self, number: usize, response: &Message) {
        let contact = response.contacts().next();
        let uri = contact.and_then(|contact| contact.uri().map(|uri| uri.to_string()));
        let Some(uri) = uri else { return };
        let ack = self.in_dialog("ACK", 1, &uri, number, response);
        let bye = self.in_dialog("BYE", 2, &uri, number, response);
        let _lost = self.socket.send(ack.as_bytes());
        let _lost = self.socket.send(bye.as_bytes());
        if self.calls.get(number) == Some(&Known::Invited) {
            self.calls[number] = Known::Leaving(1);
            self.byes.push_back((Instant::now() + BYE_EVERY, number, bye));
            if let Some((second, age)) = self.second_of(number)
                && age <= USEFUL
            {
                second.good += 1;
            }
        }
    }

    fn handle_refusal(&mut self, number: usize, response: &Message) {
        let (to, local, of) = (&self.to, &self.local, self.of);
        let header = |name| response.header(name).unwrap_or_default();
        let ack = format!(
            "ACK sip:95512@{to} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {local};branch=z9hG4bKi{of}.{number}\r\n\
             From: {}\r\nTo: {}\r\nCall-ID: {number}.{of}\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\n\
             Content-Length: 0\r\n\r\n",
            header("From"),
            header("To"),
        );
        let _lost = self.socket.send(ack.as_bytes());
        if self.calls.get(number) == Some(&Known::Invited) {
            self.calls[number] = Known::Refused;
            if let Some((second, _)) = self.second_of(number) {
                second.refused += 1;
            }
        }
    }

    fn handle_left(&mut self, number: usize) {
        if let Some(known) = self.calls.get_mut(number) {
            *known = Known::Left;
        }
    }

    fn in_dialog(
        &self,
        method: &str,
        cseq: u32,
        uri: &str,
        number: usize,
        response: &Message,
    ) -> String {
        let header = |name| response.header(name).unwrap_or_default();
        let (local, of) = (&self.local, self.of);
        format!(
            "{method} {uri} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {local};branch=z9hG4bK{method}{of}.{number}\r\n\
             From: {}\r\nTo: {}\r\nCall-ID: {number}.{of}\r\nCSeq: {cseq} {method}\r\n\
             Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            header("From"),
            header("To"),
        )
    }

    /// Sends again the BYEs that nobody answered.
    fn repeat_byes(&mut self) {
        let now = Instant::now();
        while self.byes.front().is_some_and(|(due, ..)| *due <= now) {
            let Some((_, number, bye)) = self.byes.pop_front() else { return };
            let Some(Known::Leaving(count @ ..BYES_MAX)) = self.calls.get_mut(number) else {
                continue;
            };
            *count += 1;
            let _lost = self.socket.send(bye.as_bytes());
            self.byes.push_back((now + BYE_EVERY, number, bye));
        }
    }
}
