//! One RTP packet (RFC 3550 §5.1): read in place by `rtp-rs`, written into the caller's buffer.

use std::fmt;

use rtp_rs::{RtpPacketBuilder, RtpReader, RtpReaderError, Seq};

/// The length of a header without contributing sources and extension.
pub const HEADER_BYTES: usize = RtpReader::MIN_HEADER_LEN;

/// Why a datagram is no RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// Shorter than its header says.
    Short,
    /// Another version than 2.
    Version,
    /// A padding of no length, or longer than the packet.
    Padding,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Short => "the packet is shorter than its header",
            Self::Version => "the packet's version is not 2",
            Self::Padding => "the packet's padding does not fit",
        })
    }
}

impl std::error::Error for Malformed {}

/// The caller's buffer cannot hold the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferTooSmall;

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the buffer is too small for the packet")
    }
}

impl std::error::Error for BufferTooSmall {}

/// The fields of a header that change from packet to packet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Header {
    /// 0 to 127.
    pub payload_type: u8,
    /// The first packet of a talk spurt.
    pub marker: bool,
    /// One more a packet.
    pub sequence: u16,
    /// The first sample's place in the stream.
    pub timestamp: u32,
    /// The stream's name.
    pub ssrc: u32,
}

impl Header {
    /// Writes a packet of this header and `payload` to the start of `into`; returns its length.
    ///
    /// # Errors
    /// `into` is too short.
    pub fn write(&self, payload: &[u8], into: &mut [u8]) -> Result<usize, BufferTooSmall> {
        RtpPacketBuilder::new()
            .payload_type(self.payload_type & 0x7f)
            .marked(self.marker)
            .sequence(Seq::from(self.sequence))
            .timestamp(self.timestamp)
            .ssrc(self.ssrc)
            .payload(payload)
            .build_into(into)
            .map_err(|_| BufferTooSmall)
    }

    /// Replaces these fields in `packet`, which was read as a packet before; the rest stays.
    pub(crate) fn overwrite(&self, packet: &mut [u8]) {
        if let Some(header) = packet.first_chunk_mut::<HEADER_BYTES>() {
            header[1] = u8::from(self.marker) << 7 | self.payload_type & 0x7f;
            header[2..4].copy_from_slice(&self.sequence.to_be_bytes());
            header[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
            header[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        }
    }
}

/// A packet, read in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Its header.
    pub header: Header,
    /// What it carries, without extension and padding.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    /// The datagram is no RTP packet.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, Malformed> {
        let reader = RtpReader::new(datagram).map_err(|error| match error {
            RtpReaderError::BufferTooShort(_) | RtpReaderError::HeadersTruncated { .. } => {
                Malformed::Short
            }
            RtpReaderError::UnsupportedVersion(_) => Malformed::Version,
            RtpReaderError::PaddingLengthInvalid(_) => Malformed::Padding,
        })?;
        let header = Header {
            payload_type: reader.payload_type(),
            marker: reader.mark(),
            sequence: reader.sequence_number().into(),
            timestamp: reader.timestamp(),
            ssrc: reader.ssrc(),
        };
        Ok(Self { header, payload: reader.payload() })
    }
}
