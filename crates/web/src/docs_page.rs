//! The reference as a page for people, at `/api/docs`: no script, nothing from other servers.

use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;

use crate::desktop::CONTENT_SECURITY;
use crate::reference::{Block, sections};
use crate::schema::line;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;\
padding:0 1rem}table{border-collapse:collapse;margin:.5rem 0 1rem}th,td{border:1px solid #ccc;\
padding:.2rem .6rem;text-align:left;vertical-align:top}th{background:#f4f4f4}\
code{background:#f4f4f4;padding:0 .2rem}h3{margin-top:2rem}";

/// The whole page.
pub(crate) fn render(description: &OpenApi) -> String {
    let title = escaped(&description.info.title);
    let about = line(description.info.description.as_deref().unwrap_or_default());
    let sections = sections(description);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>{title} API</title><style>{STYLE}</style></head><body>\n<h1>{title} API</h1>\n\
         <p>{}</p>\n<p>For programs: <a href=\"/api/v1/openapi.json\">OpenAPI 3.1</a>.</p>\n<ul>\n",
        inline(&about)
    );
    for section in &sections {
        page += &format!("<li><a href=\"#{}\">{}</a></li>\n", section.name, section.title);
    }
    page += "</ul>\n";
    for section in &sections {
        page += &format!("<h2 id=\"{}\">{}</h2>\n", section.name, section.title);
        section.blocks.iter().for_each(|block| page += &html_of(block));
    }
    page + "</body></html>\n"
}

fn html_of(block: &Block) -> String {
    match block {
        Block::Heading(level, text) => {
            let id = escaped(&text.replace('`', "").replace(' ', "-"));
            format!("<h{level} id=\"{id}\">{}</h{level}>\n", inline(text))
        }
        Block::Text(text) => format!("<p>{}</p>\n", inline(text)),
        Block::Table(head, rows) => {
            let cells = |tag: &str, cells: &mut dyn Iterator<Item = &str>| {
                let cells = cells.map(|cell| format!("<{tag}>{}</{tag}>", inline(cell)));
                format!("<tr>{}</tr>\n", cells.collect::<String>())
            };
            let head = cells("th", &mut head.iter().copied());
            let rows = rows.iter().map(|row| cells("td", &mut row.iter().map(String::as_str)));
            format!("<table>\n{head}{}</table>\n", rows.collect::<String>())
        }
    }
}

/// Text with code between backquotes.
fn inline(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(at, part)| {
        if at % 2 == 1 { format!("<code>{}</code>", escaped(part)) } else { escaped(part) }
    });
    parts.collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The response that is the page.
pub(crate) fn html(page: String) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (CONTENT_SECURITY_POLICY, CONTENT_SECURITY),
    ];
    (headers, page).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_endpoint_and_needs_no_other_server() {
        let (_, description) = crate::router::described();
        let page = render(&description);
        for path in description.paths.paths.keys() {
            assert!(page.contains(path.as_str()), "{path}");
        }
        assert!(page.contains("<code>screen_pop</code>") && page.contains("<code>wrap_up</code>"));
        assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("//cdn"));
    }

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(inline("a <b> `<i>&\"`"), "a &lt;b&gt; <code>&lt;i&gt;&amp;&quot;</code>");
    }
}
