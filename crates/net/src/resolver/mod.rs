//! The DNS: answers what `sip::locate` asks, by the servers of the configuration or of the host.
//!
//! Each question is a task on the runtime that is passed in; how many there are at one time is
//! bounded, and each ends with exactly one answer. Aliases are followed, a truncated answer is
//! fetched over TCP, and `/etc/hosts` counts. Nothing is remembered here: `sip::locate` does that.

mod records;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolverConfig as Servers, ServerOrderingStrategy,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::Name;
use sip::locate::{Answer, Question};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// How the resolver is set up.
#[derive(Debug, Clone)]
pub struct ResolverConfig {
    /// Whom to ask, in this order; empty for the host's own servers (`/etc/resolv.conf`).
    pub servers: Vec<SocketAddr>,
    /// How long a server has to answer.
    pub timeout: Duration,
    /// How often a question is asked before it has failed, at least once.
    pub tries: usize,
    /// The most questions at one time; one more has failed at once.
    pub questions_max: usize,
}

impl Default for ResolverConfig {
    fn default() -> Self {
        let timeout = Duration::from_millis(1_000);
        Self { servers: Vec::new(), timeout, tries: 3, questions_max: 1_000 }
    }
}

impl ResolverConfig {
    /// How long a question may take altogether; then it has failed.
    pub fn patience(&self) -> Duration {
        self.timeout * u32::try_from(self.tries.max(1)).unwrap_or(u32::MAX)
    }
}

/// Who is told the answers. It is called by tasks of the runtime and must not wait.
pub type Tell = Arc<dyn Fn(Question, Answer) + Send + Sync>;

/// Asks the DNS.
pub struct Resolver {
    resolver: TokioResolver,
    runtime: Handle,
    room: Arc<Semaphore>,
    patience: Duration,
    tell: Tell,
}

impl Resolver {
    /// Reads the host's own servers where none are given. A host without any is served from
    /// `/etc/hosts` alone.
    ///
    /// # Errors
    /// The library cannot be set up.
    pub fn start(config: &ResolverConfig, runtime: Handle, tell: Tell) -> Result<Self, NetError> {
        let provider = TokioRuntimeProvider::default();
        let mut builder = if config.servers.is_empty() {
            match TokioResolver::builder(provider.clone()) {
                Ok(builder) => builder,
                Err(error) => {
                    tracing::warn!(%error, "this host has no DNS: names are read in /etc/hosts");
                    TokioResolver::builder_with_config(Servers::default(), provider)
                }
            }
        } else {
            let servers = config.servers.iter().map(|server| named(*server)).collect();
            let servers = Servers::from_parts(None, Vec::new(), servers);
            TokioResolver::builder_with_config(servers, provider)
        };
        let options = builder.options_mut();
        options.timeout = config.timeout;
        options.attempts = config.tries.max(1) - 1;
        options.cache_size = 0;
        options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
        Ok(Self {
            resolver: builder.build()?,
            runtime,
            room: Arc::new(Semaphore::new(config.questions_max)),
            patience: config.patience(),
            tell,
        })
    }

    /// Asks; the answer is told later, or at once where there is no room for one more question.
    pub fn ask(&self, question: Question) {
        let tell = Arc::clone(&self.tell);
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            tracing::warn!("too many questions to the DNS at one time; one has failed");
            return tell(question, Answer::Failed);
        };
        let (resolver, patience) = (self.resolver.clone(), self.patience);
        let asked = question.clone();
        let looking = self.runtime.spawn(async move {
            let looked = tokio::time::timeout(patience, look(&resolver, &asked)).await;
            looked.unwrap_or(Answer::Failed)
        });
        self.runtime.spawn(async move {
            // A task that panicked, or was ended with its runtime, has no answer.
            let answer = looking.await.unwrap_or(Answer::Failed);
            drop(place);
            tell(question, answer);
        });
    }
}

/// A server by its address; what is too long for a datagram is fetched over TCP.
fn named(server: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
    let at_port = connections.map(|mut connection| {
        connection.port = server.port();
        connection
    });
    NameServerConfig::new(server.ip(), true, at_port.to_vec())
}

async fn look(resolver: &TokioResolver, question: &Question) -> Answer {
    let Ok(mut name) = Name::from_ascii(&question.name) else {
        return Answer::Nothing { ttl_s: None };
    };
    // The name is whole: nothing of the host's own search list is put behind it.
    name.set_fqdn(true);
    match resolver.lookup(name, records::type_of(question.kind)).await {
        Ok(found) => records::answer(question.kind, found.answers()),
        Err(NetError::Dns(DnsError::NoRecordsFound(nothing)))
            if matches!(nothing.response_code, ResponseCode::NXDomain | ResponseCode::NoError) =>
        {
            Answer::Nothing { ttl_s: nothing.negative_ttl }
        }
        Err(error) => {
            tracing::debug!(%error, name = question.name, "the DNS did not answer");
            Answer::Failed
        }
    }
}

#[cfg(test)]
mod tests;
