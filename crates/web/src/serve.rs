//! The listener's loop: who is let in, how many, for how long, and the orderly end.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::app::{App, stopped};
use crate::counters::Turned;
use crate::extract::Peer;
use crate::stall::Stall;
use crate::{Backend, Config, router};

/// Most header fields of a request.
const MAX_HEADERS: usize = 64;
/// Longest head of a request, and the read buffer of a connection, in bytes.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// How long accepting pauses when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers on `listener` until `shutdown` is done, then lets connections end for
/// [`Config::grace`]: requests are answered, desktops are told to go (close code 1001).
pub async fn serve(
    listener: TcpListener,
    backend: Arc<dyn Backend>,
    config: Config,
    shutdown: impl Future<Output = ()> + Send,
) {
    let (stop, stopping) = watch::channel(false);
    let app = Arc::new(App::new(backend, config, stopping.clone()));
    let router = router::router(app.clone());
    let places = Arc::new(Semaphore::new(app.config.max_connections));
    let sources = Arc::new(Sources::default());
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a web connection");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let source = peer.ip().to_canonical();
        match admit(&app, &places, &sources, source) {
            Ok(place) => {
                let (app, router) = (app.clone(), router.clone());
                tokio::spawn(connection(stream, app, router, place, stopping.clone()));
            }
            Err(why) => app.counters.turned_away(why),
        }
    }
    drop(listener);
    stop.send_replace(true);
    let connections = u32::try_from(app.config.max_connections).unwrap_or(u32::MAX);
    let desktops = u32::try_from(app.config.max_desktops).unwrap_or(u32::MAX);
    let ended = async {
        let _connections = places.acquire_many(connections).await;
        let _desktops = app.desktops.acquire_many(desktops).await;
    };
    if timeout(app.config.grace, ended).await.is_err() {
        tracing::info!("web connections are still open after the grace period");
    }
}

/// How many connections each address has.
#[derive(Default)]
struct Sources {
    open: Mutex<BTreeMap<IpAddr, usize>>,
}

/// One connection's place, given back when dropped.
struct Place {
    _permit: OwnedSemaphorePermit,
    source: IpAddr,
    sources: Arc<Sources>,
    app: Arc<App>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.app.counters.connection_closed();
        let mut open = self.sources.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.source);
            }
        }
    }
}

fn admit(
    app: &Arc<App>,
    places: &Arc<Semaphore>,
    sources: &Arc<Sources>,
    source: IpAddr,
) -> Result<Place, Turned> {
    if !(app.config.allow)(source) {
        return Err(Turned::NotAllowed);
    }
    let permit = places.clone().try_acquire_owned().map_err(|_| Turned::Full)?;
    let mut open = sources.open.lock().unwrap_or_else(PoisonError::into_inner);
    let count = open.entry(source).or_insert(0);
    if *count >= app.config.max_connections_per_source {
        return Err(Turned::SourceFull);
    }
    *count += 1;
    app.counters.connection_opened();
    Ok(Place { _permit: permit, source, sources: sources.clone(), app: app.clone() })
}

/// Serves one connection to its end.
async fn connection(
    stream: TcpStream,
    app: Arc<App>,
    router: Router,
    place: Place,
    mut stopping: watch::Receiver<bool>,
) {
    // A screen pop is one small packet that must not wait for another.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let peer = Peer(place.source);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let io = TokioIo::new(Stall::new(stream, app.config.stall_timeout));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.config.header_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(io, service)
        .with_upgrades();
    let mut serving = std::pin::pin!(serving);
    let outcome = tokio::select! {
        outcome = serving.as_mut() => outcome,
        () = stopped(&mut stopping) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a web connection broke off");
    }
}
