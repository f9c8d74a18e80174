//! The archived form of a recording: the same recording, its sound as FLAC, under a key of its own.
//!
//! ```text
//!  the header                              a piece                        the end
//!    0  magic "HOTLARCH"                    0  magic "FLPC"                0  magic "FLEN"
//!    8  version, u16: 1                     4  cipher, u8                  4  zeros
//!   10  codec, u8: 2 = FLAC                 5  zeros                       8  tag
//!   11  cipher, u8: 1 AES-256-GCM           8  tag                        16  bytes of the seal
//!   12  bytes of the header, u32           16  bytes of FLAC, u32         20  zeros
//!   16  zeros                              20  of them the caller's       24  the recording's seal
//!   32  name of the master key             24  the beginning of the        …  SHA-256
//!   64  nonce of the wrapped key               recording's piece
//!   76  the wrapped key and its tag        80  that piece's hash
//!  124  zeros                             112  peaks, then FLAC of both sides
//!  128  the recording's header              …  SHA-256 of all before
//!  320  SHA-256 of all before
//! ```
//! Whatever the recording's own form has that cannot be computed is kept as it was: its header, how
//! each piece begins, the peaks, its seal. All else (the samples, what they are encrypted to under
//! the recording's own key, the hashes) is made again from the FLAC and is byte by byte what was
//! sealed, or it is not that recording. So the seal still proves what it proved, to the second.
//!
//! The archive has a key of its own, drawn anew each time and wrapped under the newest master key:
//! an archive that is begun again after a crash uses no number of the first one's again.

mod form;
mod outline;
mod packer;
mod unpacker;

pub use form::{
    ARCHIVE_HEADER_BYTES, ARCHIVE_MAGIC, ArchiveHeader, Archived, ArchivedEnd, ArchivedHead,
    HEAD_BYTES as ARCHIVED_HEAD_BYTES, is_whole_archived,
};
pub use outline::Outline;
pub use packer::{PackFault, Packer};
pub use unpacker::Unpacker;
