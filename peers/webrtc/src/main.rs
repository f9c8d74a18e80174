//! Takes part in one call as a browser does, by a stack that nobody here wrote: reads an offer (one
//! line of JSON, `{"offer": "v=0..."}`), answers it (`{"answer": ...}`), says a tone, and tells as
//! `{"heard": ...}` what came, once its input ends.
//!     hotline-webrtc-peer 700 127.0.0.1

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rtc::interceptor::Registry;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RtpCodecKind,
};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};
use tokio::sync::watch;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection as _, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
    RTCPeerConnectionState,
};
use webrtc::runtime::default_runtime;

mod a_law;

/// What a packet of 20 ms holds.
const FRAME_SAMPLES: usize = 160;
/// A-law (RFC 3551 §6).
const PAYLOAD_TYPE: u8 = 8;
/// Samples a second, of A-law and of its RTP clock.
const RATE: u32 = 8_000;
const SSRC: u32 = 0x5eed_cafe;
/// The highest sample of the tone.
const LOUDNESS: i16 = 8_000;

/// How far the connection is, and what it has brought.
struct Heard {
    gathered: watch::Sender<bool>,
    state: watch::Sender<RTCPeerConnectionState>,
    samples: Arc<Mutex<Vec<i16>>>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Heard {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        self.gathered.send_replace(state == RTCIceGatheringState::Complete);
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.state.send_replace(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let samples = Arc::clone(&self.samples);
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event
                    && packet.header.payload_type == PAYLOAD_TYPE
                {
                    let mut samples = samples.lock().expect("nobody panics with it");
                    samples.extend(packet.payload.iter().map(|byte| a_law::decode(*byte)));
                }
            }
        });
    }
}

fn codec() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: "audio/PCMA".to_owned(),
        clock_rate: RATE,
        channels: 1,
        sdp_fmtp_line: String::new(),
        rtcp_feedback: Vec::new(),
    }
}

/// What is said: a tone.
fn voice() -> Arc<TrackLocalStaticRTP> {
    let coding = RTCRtpCodingParameters { ssrc: Some(SSRC), ..Default::default() };
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: coding,
        codec: codec(),
        ..Default::default()
    };
    let (stream, track, label) = ("peer".to_owned(), "voice".to_owned(), "tone".to_owned());
    let kind = RtpCodecKind::Audio;
    Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(
        stream,
        track,
        label,
        kind,
        vec![encoding],
    )))
}

/// Says a tone for ever: 20 ms a packet.
async fn speak(voice: Arc<TrackLocalStaticRTP>, hertz: f64) -> anyhow::Result<()> {
    let sample = |at: u32| {
        let turns = hertz * f64::from(at) / f64::from(RATE);
        (f64::from(LOUDNESS) * (turns * std::f64::consts::TAU).sin()) as i16
    };
    let coded: Vec<u8> = (0..RATE).map(|at| a_law::encode(sample(at))).collect();
    let mut clock = tokio::time::interval(Duration::from_millis(20));
    for (number, frame) in coded.chunks_exact(FRAME_SAMPLES).cycle().enumerate() {
        clock.tick().await;
        let mut packet = rtc::rtp::Packet::default();
        packet.header.version = 2;
        packet.header.payload_type = PAYLOAD_TYPE;
        packet.header.marker = number == 0;
        packet.header.sequence_number = number as u16;
        packet.header.timestamp = (number * FRAME_SAMPLES) as u32;
        packet.header.ssrc = SSRC;
        packet.payload = frame.to_vec().into();
        voice.write_rtp(packet).await?;
    }
    Ok(())
}

fn tell(what: &Value) {
    println!("{what}");
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let hertz: f64 = arguments.next().context("the tone in hertz")?.parse()?;
    let address = arguments.next().context("the address to listen at")?;

    let mut lines = BufReader::new(stdin()).lines();
    let line = lines.next_line().await?.context("an offer")?;
    let offer: Value = serde_json::from_str(&line)?;
    let offer = offer["offer"].as_str().context("an offer")?.to_owned();

    let mut engine = MediaEngine::default();
    let known = RTCRtpCodecParameters { rtp_codec: codec(), payload_type: PAYLOAD_TYPE };
    engine.register_codec(known, RtpCodecKind::Audio)?;
    let registry = register_default_interceptors(Registry::new(), &mut engine)?;
    let samples = Arc::new(Mutex::new(Vec::new()));
    let (gathered, mut is_gathered) = watch::channel(false);
    let (state, mut states) = watch::channel(RTCPeerConnectionState::New);
    let heard = Heard { gathered, state, samples: Arc::clone(&samples) };
    let line = PeerConnectionBuilder::new()
        .with_media_engine(engine)
        .with_interceptor_registry(registry)
        .with_handler(Arc::new(heard))
        .with_runtime(default_runtime().context("a runtime")?)
        .with_udp_addrs(vec![format!("{address}:0")])
        .build()
        .await?;
    let voice = voice();
    line.add_track(Arc::clone(&voice) as Arc<dyn TrackLocal>).await?;
    line.set_remote_description(RTCSessionDescription::offer(offer)?).await?;
    let answer = line.create_answer(None).await?;
    line.set_local_description(answer).await?;
    is_gathered.wait_for(|done| *done).await?;
    let answer = line.local_description().await.context("no answer")?;
    tell(&json!({ "answer": answer.sdp }));

    let is_over = |state: &RTCPeerConnectionState| {
        matches!(state, RTCPeerConnectionState::Connected | RTCPeerConnectionState::Failed)
    };
    if *states.wait_for(is_over).await? == RTCPeerConnectionState::Failed {
        bail!("the connection failed");
    }
    tell(&json!({ "connected": true }));
    let speaking = tokio::spawn(speak(voice, hertz));
    // Until whoever started this has heard enough.
    while lines.next_line().await?.is_some() {}
    speaking.abort();
    let heard = samples.lock().expect("nobody panics with it").clone();
    tell(&json!({ "heard": heard }));
    line.close().await?;
    Ok(())
}
