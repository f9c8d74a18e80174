//! The web application: built by Vite into `desktop/dist`, embedded when this crate is built, and
//! served from memory. Where it was not built there is a page that says how.

use axum::body::Body;
use axum::http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::error::{ApiError, Code};
use crate::recordings::none_match;

/// What Vite made, as it was when this crate was built.
#[derive(RustEmbed)]
#[folder = "../../desktop/dist"]
#[allow_missing = true]
struct Dist;

/// The page into which the application is loaded; it also serves every route of its own.
const INDEX: &str = "index.html";
/// Where Vite puts files whose name changes with their content.
const HASHED: &str = "assets/";

/// The application's own files only, nothing inline but the styles that Ant Design writes, no
/// frame around it. Recordings are played from `blob:` addresses.
pub(crate) const CONTENT_SECURITY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; \
     connect-src 'self' blob:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'",
);

/// Says how to build the application.
const NOT_BUILT: &str = include_str!("not_built.html");

/// Serves the application's files, and its page for the routes inside of it.
pub(crate) async fn serve(request: Request<Body>) -> Response {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        return ApiError::not_found("path").into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let refusal = ApiError::new(Code::MethodNotAllowed, "only GET and HEAD are served here");
        return ([(ALLOW, HeaderValue::from_static("GET, HEAD"))], refusal).into_response();
    }
    let name = path.trim_start_matches('/');
    let name = if name.is_empty() { INDEX } else { name };
    match (Dist::get(name), Dist::get(INDEX)) {
        (Some(file), _) => content(name, file, request.headers()),
        (None, Some(index)) if is_route(name, request.headers()) => {
            content(INDEX, index, request.headers())
        }
        (None, None) if is_route(name, request.headers()) => not_built(),
        (None, _) => ApiError::not_found("path").into_response(),
    }
}

/// Whether a browser asks for a page rather than for a file.
fn is_route(name: &str, headers: &HeaderMap) -> bool {
    let last = name.rsplit('/').next().unwrap_or_default();
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    let page = accepts.contains("text/html") || accepts.contains("*/*");
    name == INDEX || (page && !last.contains('.'))
}

fn content(name: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let hash = file.metadata.sha256_hash();
    let etag = format!("\"{}\"", hash.map(|byte| format!("{byte:02x}")).concat());
    let mut response = if none_match(headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(file.data))
    };
    let caching =
        if name.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let described = response.headers_mut();
    described.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    let media_type = with_charset(file.metadata.mimetype());
    if let Ok(media_type) = HeaderValue::from_str(&media_type) {
        described.insert(CONTENT_TYPE, media_type);
    }
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        described.insert(ETAG, etag);
    }
    described.insert(CONTENT_SECURITY_POLICY, CONTENT_SECURITY);
    response
}

/// A text's media type says that it is UTF-8: without that a browser guesses.
fn with_charset(media_type: &str) -> String {
    let text = media_type.starts_with("text/") || media_type == "application/javascript";
    if text { format!("{media_type}; charset=utf-8") } else { media_type.to_owned() }
}

/// 200, because the engine works; the page is for the one who looks at it.
fn not_built() -> Response {
    let mut response = Response::new(Body::from(NOT_BUILT));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, CONTENT_SECURITY);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str, accept: Option<&'static str>) -> Response {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path.parse().unwrap();
        if let Some(accept) = accept {
            request.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(serve(request))
    }

    #[test]
    fn every_route_of_the_application_gets_its_page() {
        for path in ["/", "/index.html", "/agent", "/calls/c1-2-3", "/?x=1"] {
            let page = get(path, Some("text/html,*/*;q=0.8"));
            assert_eq!(page.status(), StatusCode::OK, "{path}");
            assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8", "{path}");
            let csp = page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(csp.contains("frame-ancestors 'none'"), "{csp}");
            assert!(csp.contains("script-src 'self';"), "{csp}");
        }
    }

    #[test]
    fn what_is_no_route_is_not_found() {
        for (path, accept) in [
            ("/assets/gone-1234.js", None),
            ("/favicon.ico", Some("image/*")),
            ("/api/v1/nothing", Some("text/html")),
            ("/api", None),
            ("/..%2f..%2fetc/passwd.txt", None),
            ("/../Cargo.toml", None),
            ("/data", Some("application/json")),
        ] {
            assert_eq!(get(path, accept).status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn hashed_files_are_kept_and_the_page_is_asked_for_again() {
        let file = || EmbeddedFile {
            data: b"x".as_slice().into(),
            metadata: rust_embed::Metadata::__rust_embed_new([7; 32], None, None, "text/css"),
        };
        let mut headers = HeaderMap::new();
        let kept = content("assets/a-1234.css", file(), &headers);
        assert_eq!(kept.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(kept.headers()[CONTENT_TYPE], "text/css; charset=utf-8");
        let page = content(INDEX, file(), &headers);
        assert_eq!(page.headers()[CACHE_CONTROL], "no-cache");
        headers.insert(axum::http::header::IF_NONE_MATCH, page.headers()[ETAG].clone());
        assert_eq!(content(INDEX, file(), &headers).status(), StatusCode::NOT_MODIFIED);
    }
}
