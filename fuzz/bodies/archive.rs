//! What holds for any bytes that are found where an archive should be. Shared by the fuzz target
//! and the room's replay of its corpus.

use recording::{
    ARCHIVE_HEADER_BYTES, ArchiveHeader, Archived, Expected, FAULTS_MAX, Keyring, Outline, Unpacker,
};

/// The master key that the corpus is encrypted with.
const KEY: &str = "k = 0101010101010101010101010101010101010101010101010101010101010101";

/// A file: each piece that can be read has a piece of the recording that is as long as it says,
/// whatever it holds; and who has no key comes to an end with it, too.
pub(crate) fn archive(data: &[u8]) {
    let header = data.first_chunk::<ARCHIVE_HEADER_BYTES>().map(ArchiveHeader::read);
    let Some(Ok(header)) = header else { return };
    let keys = Keyring::parse(KEY).unwrap_or_default();
    let mut unpacker = Unpacker::new(&header, &keys).ok();
    let fault = recording::KeyFault::Unknown("k".to_owned());
    let mut outline = Outline::new(&header, Expected::default(), fault);
    let mut rest = &data[ARCHIVE_HEADER_BYTES..];
    while !rest.is_empty() {
        let length = match Archived::read(rest, None) {
            Some(Archived::Piece(head)) if head.bytes() <= rest.len() => {
                let piece = &rest[..head.bytes()];
                outline.piece(piece);
                if let Some(unpacker) = &mut unpacker {
                    let (mut own, mut front) = (Vec::new(), Vec::new());
                    let is_real = unpacker.piece(&mut piece.to_vec(), &mut own);
                    unpacker.front(&mut piece[..head.front_bytes()].to_vec(), &mut front);
                    assert_eq!(own.len(), head.head.bytes());
                    assert_eq!(front.len(), head.head.front_bytes());
                    assert!(!is_real || own.starts_with(&front));
                }
                piece.len()
            }
            Some(Archived::End(end)) => {
                outline.end(&end);
                end.bytes()
            }
            Some(Archived::Piece(_) | Archived::Cut) | None => {
                outline.rubble();
                1
            }
        };
        rest = &rest[length..];
    }
    assert!(outline.finish().faults.len() <= FAULTS_MAX);
}
