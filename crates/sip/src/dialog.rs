//! Dialogs (RFC 3261 §12): what two sides must remember to speak to each other again.

use model::DialogSnapshot;

use crate::{Flow, Message, Method, Refusal, RequestBuilder};

/// What identifies a dialog: seen from our side.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialogId {
    /// Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// Theirs.
    pub remote_tag: String,
}

impl DialogId {
    /// The dialog that a request which came belongs to; `None` if it is outside of any.
    pub fn of_request(request: &Message) -> Option<DialogId> {
        let (local, remote) = (request.to()?.tag()?, request.from()?.tag().unwrap_or(""));
        Some(DialogId {
            call_id: request.call_id().to_owned(),
            local_tag: local.to_owned(),
            remote_tag: remote.to_owned(),
        })
    }

    /// The dialog that a response to a request of ours belongs to.
    pub fn of_response(response: &Message) -> Option<DialogId> {
        let (local, remote) = (response.from()?.tag()?, response.to()?.tag()?);
        Some(DialogId {
            call_id: response.call_id().to_owned(),
            local_tag: local.to_owned(),
            remote_tag: remote.to_owned(),
        })
    }
}

/// One dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    id: DialogId,
    local_uri: String,
    remote_uri: String,
    remote_target: String,
    route_set: Vec<String>,
    local_cseq: u32,
    remote_cseq: u32,
    flow: Flow,
}

impl Dialog {
    /// The dialog that our response with `local_tag` to an INVITE makes (§12.1.1). `None` if the
    /// request lacks what a dialog needs, which a validated INVITE does not.
    pub fn incoming(request: &Message, local_tag: &str, flow: Flow) -> Option<Dialog> {
        let _ = (request, local_tag, flow);
        unimplemented!()
    }

    /// The dialog that a response to an INVITE of ours makes (§12.1.2): `None` for 100, a failure,
    /// or where To has no tag.
    pub fn outgoing(request: &Message, response: &Message, flow: Flow) -> Option<Dialog> {
        let _ = (request, response, flow);
        unimplemented!()
    }

    /// What identifies it.
    pub const fn id(&self) -> &DialogId {
        &self.id
    }

    /// Where its requests are sent.
    pub const fn flow(&self) -> Flow {
        self.flow
    }

    /// Begins the next request in the dialog (§12.2.1.1): CSeq counts up; not for ACK.
    pub fn request(&mut self, method: Method) -> RequestBuilder {
        let _ = method;
        unimplemented!()
    }

    /// Begins the ACK for a 2xx; `cseq` is that of the INVITE (§13.2.2.4).
    pub fn ack(&self, cseq: u32) -> RequestBuilder {
        let _ = cseq;
        unimplemented!()
    }

    /// Takes a request that came in the dialog (§12.2.2): checks its order and, if it may, follows
    /// its Contact and flow.
    ///
    /// # Errors
    /// 500 for one that is out of order, 481 for one of another dialog.
    pub fn handle_request(&mut self, request: &Message, flow: Flow) -> Result<(), Refusal> {
        let _ = (request, flow);
        unimplemented!()
    }

    /// Takes a 2xx to a re-INVITE of ours: follows its Contact (§12.2.1.2).
    pub fn handle_response(&mut self, response: &Message) {
        let _ = response;
    }

    /// Written down, with the version of our last SDP.
    pub fn snapshot(&self, sdp_version: u64) -> DialogSnapshot {
        let _ = sdp_version;
        unimplemented!()
    }

    /// Read back. TCP connections did not survive: a new one is opened.
    pub fn from_snapshot(snapshot: &DialogSnapshot) -> Dialog {
        let _ = snapshot;
        unimplemented!()
    }
}
