//! Parameters: `;name=value;flag;name="quoted, value"` after a URI, an address or a Via.

use crate::cut::cut;

/// The parameters of one value, in order. Cheap to copy; read on demand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Params<'a>(&'a str);

impl<'a> Params<'a> {
    /// `text` begins at the first `;`, or is empty.
    pub(crate) const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The parameters as written, with the leading `;`.
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// The value of a parameter, found without regard to case: `Some("")` for one without value.
    /// Quotes around a value are taken off.
    pub fn value(self, name: &str) -> Option<&'a str> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Whether the parameter is there, with or without a value.
    pub fn has(self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Names and values in order; the value is empty where there is none.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            loop {
                let is_between = |byte: &u8| matches!(byte, b';' | b' ' | b'\t');
                let between = rest.bytes().take_while(is_between).count();
                rest = rest.get(between..).unwrap_or_default();
                if rest.is_empty() {
                    return None;
                }
                let end = end_of(rest, b';');
                let (one, tail) = rest.split_at(end);
                rest = tail;
                let one = one.trim_ascii();
                if !one.is_empty() {
                    let (name, value) = cut(one, b'=').unwrap_or((one, ""));
                    return Some((name.trim_ascii_end(), unquoted(value.trim_ascii_start())));
                }
            }
        })
    }
}

/// Where `mark` stands in `text` outside of quotes, or the text's length.
pub(crate) fn end_of(text: &str, mark: u8) -> usize {
    match memchr::memchr2(mark, b'"', text.as_bytes()) {
        None => return text.len(),
        Some(at) if text.as_bytes().get(at) == Some(&mark) => return at,
        Some(_) => {}
    }
    let mut quoted = false;
    let mut escaped = false;
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == mark && !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

/// A quoted string's inside, escapes left as they are; anything else as it is.
pub(crate) fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::Params;

    #[test]
    fn parameters_are_read_in_any_case_with_spaces_and_quotes() {
        let params = Params::new(";Tag = abc ;lr; ;x=\"a;b,c\" ;empty=");
        assert_eq!(params.value("tag"), Some("abc"));
        assert_eq!(params.value("LR"), Some(""));
        assert_eq!(params.value("x"), Some("a;b,c"));
        assert_eq!(params.value("empty"), Some(""));
        assert_eq!(params.value("none"), None);
        assert_eq!(params.iter().count(), 4);
    }
}
