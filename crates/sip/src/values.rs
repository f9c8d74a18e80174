//! The values of one header line: a list is split at commas that stand outside of quotes and angle
//! brackets (RFC 3261 §7.3.1).

/// Iterates over the values of one line.
pub(crate) struct Values<'a> {
    rest: &'a str,
    list: bool,
}

impl<'a> Values<'a> {
    pub(crate) const fn new(line: &'a str, list: bool) -> Self {
        Self { rest: line, list }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if !self.list {
            return Some(std::mem::take(&mut self.rest)).filter(|value| !value.is_empty());
        }
        while !self.rest.is_empty() {
            let (value, rest) = self.rest.split_at(end_of_value(self.rest.as_bytes()));
            self.rest = rest.strip_prefix(',').unwrap_or(rest);
            let value = value.trim_ascii();
            if !value.is_empty() {
                return Some(value);
            }
        }
        None
    }
}

fn end_of_value(text: &[u8]) -> usize {
    if memchr::memchr(b',', text).is_none() {
        return text.len();
    }
    let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if !bracketed => quoted = !quoted,
            b'<' if !quoted => bracketed = true,
            b'>' if !quoted => bracketed = false,
            b',' if !quoted && !bracketed => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::Values;

    #[test]
    fn commas_inside_quotes_and_brackets_do_not_split() {
        let line = r#""Lee, \"A\"" <sip:a@h?x=1,2>;q=1 , <sip:b@h>,,sip:c@h,"#;
        let values: Vec<_> = Values::new(line, true).collect();
        assert_eq!(values, [r#""Lee, \"A\"" <sip:a@h?x=1,2>;q=1"#, "<sip:b@h>", "sip:c@h"]);
        assert_eq!(Values::new("Sat, 13 Nov", false).collect::<Vec<_>>(), ["Sat, 13 Nov"]);
        assert_eq!(Values::new("", true).count(), 0);
    }
}
