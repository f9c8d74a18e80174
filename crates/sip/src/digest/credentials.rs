//! The parameters of a challenge or an answer: `Digest name=value, name="value"` (RFC 7616 §3.3).

use crate::params::end_of;

/// The parameters, in order, read in place. Quotes are taken off, escapes inside are left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Credentials<'a>(&'a str);

impl<'a> Credentials<'a> {
    /// Of the Digest scheme; `None` for any other.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once([' ', '\t'])?;
        scheme.eq_ignore_ascii_case("Digest").then_some(Self(rest))
    }

    /// The value of a parameter.
    pub(super) fn value(&self, name: &str) -> Option<&'a str> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            while !rest.is_empty() {
                let (one, tail) = rest.split_at(end_of(rest, b','));
                rest = tail.strip_prefix(',').unwrap_or(tail);
                if let Some((name, value)) = one.split_once('=') {
                    return Some((name.trim(), crate::params::unquoted(value.trim())));
                }
            }
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Credentials;

    #[test]
    fn parameters_are_found_quoted_or_not() {
        let text = "digest  username=\"a, b\",realm = \"r\" , nc=00000001,, uri=\"sip:h\", broken";
        let credentials = Credentials::parse(text).unwrap();
        for (name, value) in
            [("username", "a, b"), ("REALM", "r"), ("nc", "00000001"), ("uri", "sip:h")]
        {
            assert_eq!(credentials.value(name), Some(value));
        }
        assert_eq!(credentials.value("broken"), None);
        assert!(Credentials::parse("Basic abc=").is_none());
        assert!(Credentials::parse("NoOneKnowsThisScheme opaque=\"x\"").is_none());
    }
}
