//! What is taped: the timeline of two voices, where a recording lies, what happens when the disk
//! fails, and the seal that makes it provable.
//!
//! Everything here is pure: packets, times and bytes come in, frames and verdicts come out. The
//! threads and files are `net::recorder`'s.

mod disk;
mod path;
mod seal;
mod stream;
mod timeline;
mod wav;

pub use disk::{Disk, Notice, RETRY_FIRST_MS, RETRY_LAST_MS};
pub use path::{is_safe, relative_path};
pub use seal::{Sealer, Verdict, compare};
pub use stream::{Counts, DEADBAND, MAX_PACKET, STEP_LIMIT};
pub use timeline::{BLOCK, HORIZON_MS, MAX_VOICES, Packet, Side, Timeline};
pub use wav::{FRAME_BYTES, HEADER_BYTES, MAX_FRAMES, RATE, Repair, SPEC, header, repair};
