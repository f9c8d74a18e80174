//! What is allowed and deserves a word at the start: no fault, and hardly what was meant.

use model::Transport;
use trunk::Target;

use super::{Config, Trunk};

impl Config {
    /// What to warn of. Keys of SRTP stand in descriptions as they are (RFC 4568 section 8: whoever
    /// reads the signalling has them); signalling that is not TLS may be protected otherwise, as
    /// in a VPN, so that this is no fault.
    pub fn cautions(&self) -> Vec<String> {
        let listening = self.sip.listening();
        let is_open = listening.iter().any(|one| !one.transport.is_encrypted());
        let mut cautions = Vec::new();
        if is_open && is_on(&self.registrar.srtp) {
            cautions.push(caution("registrar.srtp", "phones may register"));
        }
        for trunk in self.trunks.iter().filter(|trunk| is_on(&trunk.srtp)) {
            let key = format!("srtp of trunk '{}'", trunk.name);
            if is_open && (!trunk.sources.is_empty() || trunk.user.is_some()) {
                cautions.push(caution(&key, "its calls may come"));
            }
            if is_called_openly(trunk) {
                cautions.push(caution(&key, "its targets are called"));
            }
        }
        cautions
    }
}

fn is_on(srtp: &str) -> bool {
    sdp::SrtpPolicy::from_name(srtp).is_some_and(|policy| policy != sdp::SrtpPolicy::Off)
}

fn is_called_openly(trunk: &Trunk) -> bool {
    let targets = trunk.outbound.iter().flat_map(|outbound| &outbound.targets);
    let mut transports =
        targets.filter_map(|target| Some(target.parse::<Target>().ok()?.transport));
    transports.any(|transport: Transport| !transport.is_encrypted())
}

fn caution(key: &str, who: &str) -> String {
    format!(
        "{key}: {who} without TLS: who reads that signalling has the keys of the voice, unless \
         the network below is protected"
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::TRUNK;
    use super::*;

    fn cautions(text: &str) -> Vec<String> {
        Config::parse(std::path::Path::new("hotline.toml"), text).unwrap().cautions()
    }

    const OUT: &str = "[trunk.outbound]\ncaller_id = \"95512\"\ntargets = ";
    const TLS_ALONE: &str = "[sip]\nadvertise = \"192.0.2.1\"\n[[sip.listener]]\n\
        address = \"0.0.0.0:5061\"\ntransports = [\"tls\"]\n\
        [sip.tls]\ncertificate = \"a\"\nkey = \"b\"\n";

    #[test]
    fn keys_that_go_in_the_clear_are_warned_of_by_the_name_of_the_trunk() {
        assert!(cautions(TRUNK).is_empty(), "no keys, no word");
        let told = cautions(&format!("{TRUNK}srtp = \"require\"\n"));
        assert!(told.len() == 1 && told[0].contains("trunk 'carrier': its calls"), "{told:?}");
        let told = cautions(&format!("{TRUNK}srtp = \"offer\"\n{OUT}[\"sip:192.0.2.9\"]\n"));
        assert!(told.len() == 2 && told[1].contains("its targets"), "{told:?}");
        let phones = format!("{TRUNK}[registrar]\nsrtp = \"offer\"\n");
        assert!(cautions(&phones)[0].contains("registrar.srtp"));
    }

    #[test]
    fn where_there_is_nothing_but_tls_there_is_nothing_to_say() {
        let (_, trunk) = TRUNK.split_once("\n\n").unwrap();
        let out = format!("{OUT}[\"192.0.2.9;transport=tls\"]\n");
        let phones = "[registrar]\nsrtp = \"require\"\n";
        let text = format!("{TLS_ALONE}{phones}{trunk}srtp = \"require\"\n{out}");
        assert_eq!(cautions(&text), [""; 0]);
    }
}
