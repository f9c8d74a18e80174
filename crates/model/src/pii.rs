//! Personal data, masked wherever it is printed.

use std::fmt;

/// Personal data. `Debug` and `Display` print it masked, so that no log can hold it in clear;
/// whoever needs the value says so by [`Pii::reveal`].
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pii<T>(T);

impl<T> Pii<T> {
    /// Marks `value` as personal data.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value in clear. For matching and for storing; never for a log.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// The value in clear, owned.
    pub fn into_revealed(self) -> T {
        self.0
    }
}

impl<T: AsRef<str>> Pii<T> {
    /// What may be shown to one who may not see the value.
    ///
    /// Of seven or more characters the first three and the last two stay (138******78), of two to
    /// six the first (王**), of fewer nothing: enough to tell two people apart on a screen.
    pub fn masked(&self) -> Masked {
        let text = self.0.as_ref();
        let length = text.chars().count();
        let (head, tail) = match length {
            0 | 1 => (0, 0),
            2..=6 => (1, 0),
            7.. => (3, 2),
        };
        let kept = |at: usize| at < head || at + tail >= length;
        Masked(text.chars().enumerate().map(|(at, c)| if kept(at) { c } else { '*' }).collect())
    }
}

impl From<&str> for Pii<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl<T: AsRef<str>> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.masked(), f)
    }
}

impl<T: AsRef<str>> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.masked(), f)
    }
}

/// Personal data after masking: safe to print, log and send.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Masked(String);

impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Marks a field that the store keeps in clear: `#[serde(with = "stored")]`.
///
/// `Pii` itself has no `Serialize`, so that nothing personal leaves by a forgotten derive.
pub mod stored {
    #[cfg(feature = "serde")]
    use super::Pii;

    /// Writes the value in clear.
    #[cfg(feature = "serde")]
    pub fn serialize<T, S>(value: &Pii<T>, to: S) -> Result<S::Ok, S::Error>
    where
        T: serde::Serialize,
        S: serde::Serializer,
    {
        value.reveal().serialize(to)
    }

    /// Reads the value back.
    #[cfg(feature = "serde")]
    pub fn deserialize<'de, T, D>(from: D) -> Result<Pii<T>, D::Error>
    where
        T: serde::Deserialize<'de>,
        D: serde::Deserializer<'de>,
    {
        T::deserialize(from).map(Pii::new)
    }
}

#[cfg(test)]
mod tests {
    use super::Pii;

    #[test]
    fn personal_data_prints_masked() {
        for (value, shown) in [
            ("13800138078", "138******78"),
            ("110101199003070134", "110*************34"),
            ("王小明", "王**"),
            ("a", "*"),
            ("", ""),
        ] {
            assert_eq!(format!("{}", Pii::from(value)), shown);
            assert_eq!(format!("{:?}", Pii::from(value)), shown);
        }
    }
}
