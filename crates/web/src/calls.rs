//! The records of calls: all of them for those who may, their own for agents.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use model::{AgentId, CallId, FactBody, Outcome, Permission, Pii, QueueId, Wall};
use report::CallRecord;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::error::{ApiError, Code, ErrorBody};
use crate::extract::{PathId, Query, Viewer};
use crate::names::{OutcomeName, outcome};
use crate::record::{self, CallBody};
use crate::timeline::{self, FactEntry};
use crate::wire::Sight;
use crate::{CallFilter, DEFAULT_PAGE_ITEMS, MAX_CURSOR_BYTES, MAX_PAGE_ITEMS, PageRequest, time};

/// Longest text that narrows a list, in bytes.
const MAX_FILTER_BYTES: usize = 64;

/// Which calls are asked for. Every field that is given narrows the list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallQuery {
    /// Calls that this agent took part in.
    agent: Option<String>,
    /// Calls that entered this queue.
    queue: Option<String>,
    /// Calls that ended so.
    #[param(value_type = Option<OutcomeName>)]
    outcome: Option<String>,
    /// Calls from exactly this number.
    ani: Option<String>,
    /// Calls that arrived at this time or later, RFC 3339 with offset.
    from: Option<String>,
    /// Calls that arrived before this time, RFC 3339 with offset.
    until: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<usize>,
    /// The `next` of the page before; keep the other fields as they were.
    cursor: Option<String>,
}

/// A page of calls, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallList<'a> {
    /// The calls.
    items: Vec<CallBody<'a>>,
    /// The `cursor` of the next page; null at the end.
    next: Option<String>,
}

/// A call with everything that happened in it.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallDetailBody<'a> {
    /// The call's record.
    #[serde(flatten)]
    record: CallBody<'a>,
    /// What happened, in order.
    timeline: Vec<FactEntry<'a>>,
}

/// `text` as given in a query, if it has a length that can narrow a list.
pub(crate) fn narrow(name: &str, text: Option<String>) -> Result<Option<String>, ApiError> {
    match text {
        Some(text) if text.is_empty() => Ok(None),
        Some(text) if text.len() > MAX_FILTER_BYTES => {
            let message = format!("'{name}' may have {MAX_FILTER_BYTES} bytes");
            Err(ApiError::new(Code::Invalid, message))
        }
        text => Ok(text),
    }
}

/// The time that `name` gives in a query.
pub(crate) fn time_of(name: &str, text: Option<String>) -> Result<Option<Wall>, ApiError> {
    let Some(text) = narrow(name, text)? else { return Ok(None) };
    let wall = time::parse(&text).ok_or_else(|| {
        let message = format!("'{name}' must be like 2026-09-21T22:13:20+08:00");
        ApiError::new(Code::Invalid, message)
    })?;
    Ok(Some(wall))
}

/// The part of a list that a query asks for.
pub(crate) fn page_of(
    limit: Option<usize>,
    cursor: Option<String>,
) -> Result<PageRequest, ApiError> {
    let limit = limit.unwrap_or(DEFAULT_PAGE_ITEMS);
    if !(1..=MAX_PAGE_ITEMS).contains(&limit) {
        let message = format!("'limit' must be 1 to {MAX_PAGE_ITEMS}");
        return Err(ApiError::new(Code::Invalid, message));
    }
    let cursor = cursor.filter(|cursor| !cursor.is_empty());
    if cursor.as_ref().is_some_and(|cursor| cursor.len() > MAX_CURSOR_BYTES) {
        return Err(crate::BackendError::BadCursor.into());
    }
    Ok(PageRequest { limit, cursor })
}

fn outcome_of(text: Option<String>) -> Result<Option<Outcome>, ApiError> {
    let Some(text) = narrow("outcome", text)? else { return Ok(None) };
    let known = outcome(&text).ok_or_else(|| {
        ApiError::new(Code::Invalid, format!("there is no outcome '{}'", text.escape_debug()))
    })?;
    Ok(Some(known))
}

/// Calls that are over, newest first.
///
/// Needs `call.view_all`; with `call.view_own` it lists one's own calls.
#[utoipa::path(
    get,
    path = "/api/v1/calls",
    operation_id = "list_calls",
    tag = "calls",
    params(CallQuery),
    responses(
        (status = 200, description = "A page of calls.", body = CallList),
        (status = 400, description = "The query or cursor cannot be read.", body = ErrorBody),
        (status = 401, description = "Not signed in.", body = ErrorBody),
        (status = 403, description = "A permission is missing.", body = ErrorBody),
        (status = 422, description = "A filter is out of bounds.", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(query): Query<CallQuery>,
) -> Result<Response, ApiError> {
    let mut filter = CallFilter {
        agent: narrow("agent", query.agent)?.map(AgentId::from),
        queue: narrow("queue", query.queue)?.map(QueueId::from),
        outcome: outcome_of(query.outcome)?,
        ani: narrow("ani", query.ani)?.map(Pii::new),
        from: time_of("from", query.from)?,
        until: time_of("until", query.until)?,
    };
    let page = page_of(query.limit, query.cursor)?;
    if !viewer.holds(Permission::CallViewAll) {
        viewer.require(&app, Permission::CallViewOwn).await?;
        let own = viewer.agent();
        if filter.agent.as_ref().is_some_and(|asked| *asked != own) {
            viewer.require(&app, Permission::CallViewAll).await?;
        }
        filter.agent = Some(own);
    }
    let page = app.backend.calls(&filter, &page).await?;
    let sight = Sight::of(&viewer.session.principal);
    if sight.personal && !page.items.is_empty() {
        let ids: Vec<String> = page.items.iter().map(|record| record.call.to_string()).collect();
        viewer.unmasks(&app, format!("calls {}", ids.join(" "))).await?;
    }
    let zone = &app.config.zone;
    let items = page.items.iter().map(|record| record::call(record, sight, zone)).collect();
    Ok(json(&CallList { items, next: page.next }))
}

/// One call that is over, with everything that happened in it.
///
/// Needs `call.view_all`, or `call.view_own` for a call that one was offered or answered.
#[utoipa::path(
    get,
    path = "/api/v1/calls/{id}",
    operation_id = "call",
    tag = "calls",
    params(("id" = String, Path, description = "The call, such as `c1-2-3`.")),
    responses(
        (status = 200, description = "The call.", body = CallDetailBody),
        (status = 401, description = "Not signed in.", body = ErrorBody),
        (status = 403, description = "A permission is missing.", body = ErrorBody),
        (status = 404, description = "There is no such call, or it is not over.", body = ErrorBody),
    )
)]
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathId(call): PathId<CallId>,
) -> Result<Response, ApiError> {
    let all = viewer.holds(Permission::CallViewAll);
    if !all {
        viewer.require(&app, Permission::CallViewOwn).await?;
    }
    let detail = app.backend.call(call).await?.ok_or_else(|| ApiError::not_found("call"))?;
    if !all && !took_part(&detail.record, &viewer.agent()) {
        viewer.require(&app, Permission::CallViewAll).await?;
    }
    let sight = Sight::of(&viewer.session.principal);
    if sight.personal {
        viewer.unmasks(&app, format!("call {call}")).await?;
    }
    let zone = &app.config.zone;
    // Who listens to whom and who looks into what is for those who may see all calls.
    let is_open =
        |body: &FactBody| !matches!(body, FactBody::Played { .. } | FactBody::Traced { .. });
    let facts = detail.facts.iter().take(crate::MAX_TIMELINE_FACTS);
    let facts = facts.filter(|fact| all || is_open(&fact.body));
    let timeline = facts.filter_map(|fact| timeline::entry(fact, sight, zone)).collect();
    Ok(json(&CallDetailBody { record: record::call(&detail.record, sight, zone), timeline }))
}

/// Whether `agent` was in the call or was offered it.
fn took_part(record: &CallRecord, agent: &AgentId) -> bool {
    let offered = record.offers.iter().any(|offer| offer.agent == *agent);
    let was_in = record.legs.iter().any(|leg| leg.role.agent() == Some(agent));
    offered || was_in || record.agent.as_ref() == Some(agent)
}

/// `body` as JSON. Unlike `axum::Json` it can borrow.
pub(crate) fn json(body: &impl Serialize) -> Response {
    let text = serde_json::to_string(body).unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
