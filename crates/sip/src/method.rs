//! Request methods (RFC 3261 §7.1 and the extensions that phones and carriers send).

use std::fmt;

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident $text:literal)*) => {
        /// A request's method. Its name is case-sensitive (RFC 3261 §7.1).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Method {
            $($(#[$doc])* $name,)*
            /// One that this engine does not know; [`Message::method_text`] has its name.
            ///
            /// [`Message::method_text`]: crate::Message::method_text
            Other,
        }

        impl Method {
            /// The method of that name.
            pub fn from_name(name: &str) -> Method {
                match name {
                    $($text => Method::$name,)*
                    _ => Method::Other,
                }
            }

            /// The name on the wire; `OTHER` for what has none here.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Method::$name => $text,)*
                    Method::Other => "OTHER",
                }
            }
        }
    };
}

methods! {
    /// RFC 3261 §13.
    Invite "INVITE"
    /// RFC 3261 §13.
    Ack "ACK"
    /// RFC 3261 §15.
    Bye "BYE"
    /// RFC 3261 §9.
    Cancel "CANCEL"
    /// RFC 3261 §11.
    Options "OPTIONS"
    /// RFC 3261 §10.
    Register "REGISTER"
    /// RFC 6086.
    Info "INFO"
    /// RFC 3311.
    Update "UPDATE"
    /// RFC 3262.
    Prack "PRACK"
    /// RFC 3515.
    Refer "REFER"
    /// RFC 6665.
    Notify "NOTIFY"
    /// RFC 6665.
    Subscribe "SUBSCRIBE"
    /// RFC 3428.
    Message "MESSAGE"
    /// RFC 3903.
    Publish "PUBLISH"
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Method;

    #[test]
    fn a_method_is_known_by_its_exact_name() {
        assert_eq!(Method::from_name("INVITE"), Method::Invite);
        assert_eq!(Method::from_name("invite"), Method::Other);
        assert_eq!(Method::from_name(Method::Prack.as_str()), Method::Prack);
    }
}
