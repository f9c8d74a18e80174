//! When the engine is told to stop.

use net::sip::Tls;
use tokio::signal::unix::{SignalKind, signal};

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

/// Has certificates read again at each SIGHUP, for as long as the engine runs.
///
/// # Errors
/// Signals cannot be listened to.
pub fn reload_at_hangup(tls: Option<Tls>) -> anyhow::Result<()> {
    let mut hangups = signal(SignalKind::hangup())?;
    // Without certificates the signal is taken, too: it would end the engine.
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            let Some(tls) = tls.clone() else { continue };
            match tokio::task::spawn_blocking(move || tls.reload()).await {
                Ok(Ok(())) => tracing::info!("the certificates were read again"),
                Ok(Err(error)) => tracing::error!(%error, "the certificates stay as they were"),
                Err(error) => tracing::error!(%error, "the certificates were not read"),
            }
        }
    });
    Ok(())
}
