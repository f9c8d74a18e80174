//! What media workers are told and what they tell: plain, complete, idempotent values.
//!
//! Nothing here is shared by pointer, so that one day the workers can be a process of their own
//! that goes on while the brain restarts. Telling the same again changes nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use model::{CallId, LegId, LineQuality, Mono, PlayId, PromptId, RecordingId, Seal, VoiceQuality};

use crate::{Association, Codec, OpusWishes, Rtcp, Secured};

/// What a media worker is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaCommand {
    /// The wanted state of one leg; replaces what was.
    Set(LegMedia),
    /// The leg is over: its socket is closed and [`MediaEvent::Closed`] follows.
    Close {
        /// Which.
        leg: LegId,
    },
    /// Tape what both legs send, each on its own channel. The same recording again changes nothing.
    StartRecording {
        /// The call that both legs belong to.
        call: CallId,
        /// The new recording.
        recording: RecordingId,
        /// Goes to the left channel.
        caller: LegId,
        /// Goes to the right channel; nobody where a caller speaks alone.
        agent: Option<LegId>,
        /// The file, relative to the recordings' folder.
        path: String,
        /// The time of the first sample on both channels.
        at: Mono,
        /// After how much quiet of all who are taped [`MediaEvent::RecordingQuiet`] is told, in
        /// milliseconds, if it is to be. Only voices in G.711 are listened to for that.
        quiet_ms: Option<u64>,
    },
    /// Whose voices a running recording holds from now on, whoever it held before: those of each
    /// channel are summed. It begins with those that [`MediaCommand::StartRecording`] named.
    TapeVoices(TapedVoices),
    /// The recording is complete: [`MediaEvent::RecordingSealed`] follows.
    StopRecording {
        /// Which.
        recording: RecordingId,
        /// The time of the last sample.
        at: Mono,
    },
}

/// Whose voices a recording holds; replaces what was.
///
/// A leg is taped by one recording at a time, on one channel; one that is not open, or one of more
/// than [`crate::MAX_PARTIES`] of a channel, is not heard in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TapedVoices {
    /// Which.
    pub recording: RecordingId,
    /// The left channel.
    pub customers: Arc<[LegId]>,
    /// The right channel: agents, and a supervisor if he is to be kept.
    pub agents: Arc<[LegId]>,
}

/// The wanted state of one leg's media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegMedia {
    /// The call that the leg belongs to: all legs of a call are with one worker.
    pub call: CallId,
    /// The leg.
    pub leg: LegId,
    /// Where its RTP goes, as its description said.
    pub remote: SocketAddr,
    /// The codec of both directions.
    pub codec: Codec,
    /// The payload type to send that codec with.
    pub payload_type: u8,
    /// Milliseconds of voice in the packets that are made for it, 10 to 60 in steps of 10. What is
    /// forwarded in the leg's own codec stays as it comes.
    pub packet_ms: u32,
    /// The longest packets that its phone takes; `None` where it takes any.
    pub max_packet_ms: Option<u32>,
    /// The payload type of RFC 4733 digits, if both sides know them.
    pub digits_payload_type: Option<u8>,
    /// Ticks a second of what those say of their duration.
    pub digits_clock_rate: u32,
    /// The payload type of comfort noise (RFC 3389), if its phone takes it; it may always send it.
    pub noise_payload_type: Option<u8>,
    /// What its phone wishes of the Opus that it is sent.
    pub opus: OpusWishes,
    /// How reports (RTCP) are exchanged; `None` where they are not.
    pub rtcp: Option<Rtcp>,
    /// What this leg hears.
    pub hears: Source,
    /// False while the leg is on hold: nothing is sent to it.
    pub sends: bool,
    /// False where nothing has to come from it: silence is not told then.
    pub receives: bool,
    /// How its packets are protected, both ways; `None` where they are plain. What cannot be
    /// believed is dropped then, and changes nothing.
    pub secured: Option<Secured>,
    /// Of a browser: where it is and what its keys are is found out by ICE and DTLS, whatever
    /// `remote` and `secured` say. Only for a leg that was opened for a browser.
    pub browser: Option<Association>,
}

/// What a leg hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nothing is sent.
    Silence,
    /// Prompts or music.
    Play(Play),
    /// What another leg of the same call sends.
    Leg(LegId),
    /// The sum of what other legs of the same call send, at most [`crate::MAX_PARTIES`] of them:
    /// those beyond it are not heard. A leg never hears itself, so that all legs of a conference
    /// may be given the same list; one that is not open (yet, or any more) is silent.
    ///
    /// Digits (RFC 4733) of those who are mixed are told to the brain and not sent on.
    Mix(Arc<[LegId]>),
}

/// Prompts, one after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Play {
    /// The same id again means that the same playing goes on; a new id begins from the start.
    pub id: PlayId,
    /// What is played, in this order.
    pub prompts: Vec<PromptId>,
    /// Begin again after the last prompt, as music does; else [`MediaEvent::PlayFinished`] follows.
    pub repeat: bool,
}

/// What a media worker tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaEvent {
    /// The leg's phone sent a digit.
    Digit {
        /// Whose.
        leg: LegId,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
        /// How long the key was held, in milliseconds.
        duration_ms: u32,
    },
    /// The last prompt has been sent to its end.
    PlayFinished {
        /// To whom.
        leg: LegId,
        /// Which playing.
        play: PlayId,
    },
    /// Neither voice nor report came from the leg for the configured time, though it had to. Told
    /// once until something comes again, or has to come again.
    Silent {
        /// Which.
        leg: LegId,
        /// For how long, in milliseconds.
        for_ms: u64,
    },
    /// How good a leg's line is has changed noticeably: its worse score by a tenth or more.
    Measured {
        /// Which.
        leg: LegId,
        /// Since it was opened.
        quality: LineQuality,
    },
    /// The leg's socket is closed. Told once of every leg that was opened.
    Closed {
        /// The call that it belonged to.
        call: CallId,
        /// Which.
        leg: LegId,
        /// What it sent and received.
        stats: LegStats,
    },
    /// The recording is complete and its file flushed.
    RecordingSealed {
        /// Which.
        recording: RecordingId,
        /// What proves it.
        seal: Seal,
    },
    /// Nobody who is taped has said anything for as long as was asked. Told once.
    RecordingQuiet {
        /// Which.
        recording: RecordingId,
    },
    /// Taping failed; the call goes on.
    RecordingGap {
        /// Which.
        recording: RecordingId,
        /// What the system said.
        error: String,
    },
    /// The recording will not be sealed; the call goes on.
    RecordingLost {
        /// Which.
        recording: RecordingId,
        /// Why.
        error: String,
        /// Whether there is a file, which the next start makes whole.
        is_left: bool,
    },
    /// Taping works again; what was missed is silence in the file.
    RecordingResumed {
        /// Which.
        recording: RecordingId,
    },
}

/// What one leg sent and received over its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LegStats {
    /// RTP packets that came from the leg's phone and were taken.
    pub packets_received: u64,
    /// Their bytes, headers included.
    pub bytes_received: u64,
    /// Packets that should have come and did not.
    pub packets_lost: u64,
    /// In how many runs they were missing.
    pub loss_bursts: u64,
    /// Packets that came behind a newer one.
    pub packets_late: u64,
    /// Datagrams that came and were not taken: no RTP, another source, another payload type.
    pub packets_refused: u64,
    /// RTP packets sent to the leg's phone.
    pub packets_sent: u64,
    /// Their bytes, headers included.
    pub bytes_sent: u64,
    /// Packets that the system did not take.
    pub send_errors: u64,
    /// Interarrival jitter at the end, in microseconds (RFC 3550 A.8).
    pub jitter_us: u32,
    /// The longest time without a packet from the phone, in milliseconds.
    pub longest_gap_ms: u32,
    /// How good the phone's voice was when it came here: the mean opinion score by the E-model
    /// ([`rtp::Quality`]) in hundredths, 100 to 441. 0 if nothing came.
    pub mos: u16,
    /// From here to the phone and back, in microseconds, as its last report told (RFC 3550
    /// §6.4.1).
    pub round_trip_us: Option<u32>,
    /// What the phone reported of the voice that it was sent.
    pub reported: Option<Reported>,
}

impl LegStats {
    /// What of it is kept of the leg.
    pub fn quality(&self) -> LineQuality {
        let from_party = (self.packets_received > 0).then_some(VoiceQuality {
            packets: self.packets_received + self.packets_lost,
            lost: self.packets_lost,
            jitter_us: self.jitter_us,
            mos: self.mos,
        });
        let to_party = self.reported.map(|reported| VoiceQuality {
            packets: self.packets_sent,
            lost: reported.packets_lost.min(self.packets_sent),
            jitter_us: reported.jitter_us,
            mos: reported.mos,
        });
        LineQuality { from_party, to_party, round_trip_us: self.round_trip_us }
    }
}

/// What a phone reported of the voice that it was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reported {
    /// Packets that did not come there.
    pub packets_lost: u64,
    /// Interarrival jitter there, in microseconds.
    pub jitter_us: u32,
    /// The mean opinion score in hundredths: as the phone reckons it where it says so (RFC 3611
    /// §4.7.5), else by the E-model from the two above.
    pub mos: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_leg_both_ways_are_kept_as_far_as_they_are_known() {
        assert_eq!(LegStats::default().quality(), LineQuality::default());
        let mut stats = LegStats {
            packets_received: 96,
            packets_lost: 4,
            jitter_us: 2_000,
            mos: 380,
            packets_sent: 50,
            ..LegStats::default()
        };
        let came = VoiceQuality { packets: 100, lost: 4, jitter_us: 2_000, mos: 380 };
        let quality = stats.quality();
        assert_eq!((quality.from_party, quality.to_party), (Some(came), None));
        // A phone that claims to lack more than it was sent lacks all of it.
        stats.reported = Some(Reported { packets_lost: 70, jitter_us: 9_000, mos: 110 });
        let there = VoiceQuality { packets: 50, lost: 50, jitter_us: 9_000, mos: 110 };
        assert_eq!(stats.quality().to_party, Some(there));
        assert_eq!(stats.quality().worst_mos(), Some(110));
    }
}
