//! Replays that the web asks for: one at a time, on a thread that stands back for the calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::Store;
use web::{Replay, ReplayError, ReplayRequest};

use crate::reload::Current;
use crate::replay;

/// The replay that was begun last.
#[derive(Clone, Default)]
pub struct Replays(Arc<Mutex<Option<Replay>>>);

impl Replays {
    fn known(&self) -> MutexGuard<'_, Option<Replay>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The replay that was begun last, as far as it is.
    pub fn last(&self) -> Option<Replay> {
        self.known().clone()
    }

    /// Begins one, unless one runs.
    ///
    /// # Errors
    /// It is none, or one runs.
    pub fn begin(
        &self,
        store: &Store,
        current: Current,
        request: ReplayRequest,
    ) -> Result<(), ReplayError> {
        replay::check(&current.acd, &request)
            .map_err(|error| ReplayError::Refused(error.to_string()))?;
        {
            let mut known = self.known();
            if known.as_ref().is_some_and(|replay| replay.came.is_none()) {
                return Err(ReplayError::Busy);
            }
            *known = Some(Replay { request: request.clone(), came: None });
        }
        let (store, ours) = (store.clone(), self.clone());
        let runtime = tokio::runtime::Handle::current();
        // A thread of its own: it is to stand back for as long as it lives.
        let thread = std::thread::Builder::new().name("replay".to_owned());
        let begun = thread.spawn(move || {
            net::scheduling::stand_back();
            let Current { acd, config, .. } = &current;
            let running = replay::replay(&store, (config, acd), &request, |_| ());
            let came = runtime.block_on(running);
            let came = came.map(Arc::new).map_err(|error| format!("{error:#}"));
            *ours.known() = Some(Replay { request, came: Some(came) });
        });
        if let Err(error) = begun {
            *self.known() = None;
            return Err(ReplayError::Refused(format!("no thread can be started: {error}")));
        }
        Ok(())
    }
}
