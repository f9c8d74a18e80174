//! What is taped: the timeline of two voices, where a recording lies, the form of its file and the
//! keys it is encrypted with, what happens when the disk fails, how it is proved to be whole, how
//! long it is kept, how it is archived, and what is certified when it is deleted.
//!
//! Everything here is pure: packets, times and bytes come in, frames and verdicts come out. The
//! threads and files are `net::recorder`'s.

mod archive;
mod certificate;
mod disk;
mod faults;
mod flac;
mod header;
mod keys;
mod path;
mod peaks;
mod piece;
mod retention;
mod run;
mod seal;
mod stream;
mod tape;
mod timeline;
mod verify;
mod wav;

pub use archive::{
    ARCHIVE_HEADER_BYTES, ARCHIVE_MAGIC, ARCHIVED_HEAD_BYTES, ArchiveHeader, Archived, ArchivedEnd,
    ArchivedHead, Outline, PackFault, Packer, Unpacker, is_whole_archived,
};
pub use certificate::{CertificateFault, Chain, Ended};
pub use disk::{Disk, Notice, RETRY_FIRST_MS, RETRY_LAST_MS};
pub use faults::{Damage, FAULTS_MAX, Fault, Report};
pub use header::{Header, HeaderFault, PIECE_FRAMES, TAPE_HEADER_BYTES, TAPE_MAGIC};
pub use keys::{DataKey, Drawn, KEY_BYTES, KEYS_MAX, KeyFault, Keyring, NAME_MAX, Wrapped};
pub use path::{is_safe, relative_path};
pub use peaks::{PEAK_BYTES, PEAK_FRAMES, peak_bytes};
pub use piece::{FRONT_MOST, Head, Kind, Opener, PIECE_MOST, SEAL_BYTES, SEAL_MOST};
pub use retention::{
    DAYS_MAX, DEFAULT_YEARS, DOUBTED_AFTER_DAYS, Decision, KeepFrom, RULES_MAX, Retention, Rule,
    SWEEP_EVERY_MS, Taped, YEARS_MAX, end_of_day, is_doubtful,
};
pub use run::is_whole_run;
pub use seal::{Sealer, Verdict, compare};
pub use stream::{Counts, DEADBAND, MAX_PACKET, STEP_LIMIT};
pub use tape::Tape;
pub use timeline::{BLOCK, HORIZON_MS, MAX_VOICES, Packet, Side, Timeline};
pub use verify::{Expected, Verifier};
pub use wav::{FRAME_BYTES, HEADER_BYTES, MAX_FRAMES, RATE, Repair, SPEC, header, repair};
