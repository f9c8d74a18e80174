//! When the engine is told to stop.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

use crate::reload::Reload;

/// Waits for Ctrl-C or SIGTERM.
///
/// # Errors
/// Signals cannot be listened to.
pub async fn wait() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
        _ = terminate.recv() => Ok(()),
    }
}

/// Has the configuration read again at each SIGHUP, certificates and accounts included, for as long
/// as the engine runs.
///
/// # Errors
/// Signals cannot be listened to.
pub fn reload_at_hangup(reload: Arc<Reload>) -> anyhow::Result<()> {
    let mut hangups = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            reload.reload_and_log().await;
        }
    });
    Ok(())
}
