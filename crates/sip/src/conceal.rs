//! What must not be seen of a message: secrets by nobody, personal data by few.
//!
//! Both work on bytes that need not be a message (a datagram that could not be parsed is shown,
//! too), in place, and keep every length: what hides is `*`, so that Content-Length stays true and
//! a capture of the result can be read by any tool.

mod personal;
mod secrets;

pub use personal::hide_personal;
pub use secrets::hide_secrets;

use std::ops::Range;

/// A line of a message with the lines that continue it (RFC 3261 §7.3.1), without its break.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    range: Range<usize>,
    is_body: bool,
}

/// The lines of `bytes`. CR, LF and CRLF break lines, as the most lenient peer reads them; the
/// head ends with the first empty line after its first.
fn lines(bytes: &[u8]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let (mut start, mut is_body) = (0, false);
    while start < bytes.len() {
        let rest = bytes.get(start..).unwrap_or_default();
        let length = rest.iter().position(|byte| is_break(*byte)).unwrap_or(rest.len());
        let end = start + length;
        let breaks = match rest.get(length..) {
            Some([b'\r', b'\n', ..]) => 2,
            Some(_) | None => 1,
        };
        let continues = matches!(rest.first(), Some(b' ' | b'\t'));
        match lines.last_mut() {
            Some(last) if length > 0 && continues && last.is_body == is_body => {
                last.range.end = end;
            }
            Some(_) if length == 0 => is_body = true,
            None if length == 0 => {}
            Some(_) | None => lines.push(Line { range: start..end, is_body }),
        }
        start = end + breaks;
    }
    lines
}

const fn is_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// The bytes of `range`; none where it is out of bounds.
fn part(bytes: &[u8], range: Range<usize>) -> &[u8] {
    bytes.get(range).unwrap_or_default()
}

/// A header's name in lower case and where its value is; none for a line without a colon.
fn header(bytes: &[u8], line: Range<usize>) -> Option<(String, Range<usize>)> {
    let colon = part(bytes, line.clone()).iter().position(|byte| *byte == b':')?;
    let name = String::from_utf8_lossy(part(bytes, line.start..line.start + colon));
    Some((name.trim().to_ascii_lowercase(), line.start + colon + 1..line.end))
}

/// Hides `range` but for blanks and line breaks.
fn hide(bytes: &mut [u8], range: Range<usize>) {
    for byte in bytes.get_mut(range).unwrap_or_default() {
        if !byte.is_ascii_whitespace() {
            *byte = b'*';
        }
    }
}

/// The pieces of `range` between `separator`s that are not quoted (RFC 3261 §25.1,
/// quoted-string).
fn pieces(bytes: &[u8], range: Range<usize>, separator: u8) -> Vec<Range<usize>> {
    let (mut pieces, mut start) = (Vec::new(), range.start);
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in (range.start..).zip(part(bytes, range.clone())) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            byte if *byte == separator && !quoted => {
                pieces.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(start..range.end);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(&str, bool)> {
        let lines = lines(text.as_bytes()).into_iter();
        lines.map(|line| (&text[line.range], line.is_body)).collect()
    }

    #[test]
    fn lines_end_with_any_break_and_are_continued_by_blanks() {
        assert_eq!(
            split("\r\nA\r\nB: 1\r\n 2\nC: 3\rD: 4\r\n\r\nv=0\r\n\r\n x"),
            [
                ("A", false),
                ("B: 1\r\n 2", false),
                ("C: 3", false),
                ("D: 4", false),
                ("v=0\r\n\r\n x", true),
            ]
        );
        assert_eq!(split(""), []);
        assert_eq!(split("\r\n\r\n"), []);
        assert_eq!(split("A\n\n\n\nb"), [("A", false), ("b", true)]);
    }

    #[test]
    fn pieces_do_not_break_inside_of_quotes() {
        let text = br#"a="1,2\",3",b=4,"#;
        let texts: Vec<_> = pieces(text, 0..text.len(), b',')
            .into_iter()
            .map(|piece| String::from_utf8_lossy(&text[piece]).into_owned())
            .collect();
        assert_eq!(texts, [r#"a="1,2\",3""#, "b=4", ""]);
    }
}
