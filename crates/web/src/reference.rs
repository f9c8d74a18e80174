//! The protocol's reference, made from the types that are sent: for `/api/docs` as a page, and for
//! `docs/protocol.md` as the tables that a test keeps true.

use std::collections::BTreeSet;

use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::response::Response;
use utoipa::openapi::{OpenApi, RefOr, Required};

use crate::command::CODES as COMMAND_CODES;
use crate::error::Code;
use crate::events::CLOSINGS;
use crate::schema::{Field, Schemas, line, target};

/// A piece of the reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block {
    /// A heading of that level.
    Heading(usize, String),
    /// A paragraph; between backquotes stands code.
    Text(String),
    /// A table: its head and its rows.
    Table(Vec<&'static str>, Vec<Vec<String>>),
}

/// A part of the reference: its name in `docs/protocol.md`, its title and its content.
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) blocks: Vec<Block>,
}

/// The whole reference.
pub(crate) fn sections(description: &OpenApi) -> Vec<Section> {
    let schemas = Schemas::of(description);
    let mut shown = BTreeSet::new();
    let section = |name, title, blocks| Section { name, title, blocks };
    vec![
        section("endpoints", "Endpoints", endpoints(description, &schemas, &mut shown)),
        section("events", "Events", shapes("EventBody", &schemas, &mut shown)),
        section("commands", "Commands", shapes("CommandBody", &schemas, &mut shown)),
        section("objects", "Objects", objects(shown, &schemas)),
        section("error-codes", "Error codes of HTTP", error_codes()),
        section("reply-codes", "Error codes of commands", reply_codes()),
        section("close-codes", "Close codes of the event stream", close_codes()),
    ]
}

fn table(fields: &[Field]) -> Block {
    let row = |field: &Field| vec![code(&field.name), field.kind.clone(), field.about.clone()];
    Block::Table(vec!["field", "kind", "meaning"], fields.iter().map(row).collect())
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// Each shape of an enum with `type` and `data`. The objects inside are noted in `shown`.
fn shapes(name: &str, schemas: &Schemas<'_>, shown: &mut BTreeSet<String>) -> Vec<Block> {
    let mut blocks = Vec::new();
    for variant in schemas.variants(name) {
        blocks.push(Block::Heading(3, code(&variant.name)));
        blocks.push(Block::Text(variant.about));
        let fields = schemas.fields(&variant.data);
        shown.extend(fields.iter().flat_map(|field| field.holds.iter().cloned()));
        blocks.push(if fields.is_empty() {
            Block::Text("It has no data.".to_owned())
        } else {
            table(&fields)
        });
    }
    blocks
}

/// The objects of those names, and those inside of them.
fn objects(names: BTreeSet<String>, schemas: &Schemas<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut told = BTreeSet::new();
    let mut left = names;
    while let Some(name) = left.pop_first() {
        let fields = schemas.fields(&name);
        if fields.is_empty() || !told.insert(name.clone()) {
            continue;
        }
        blocks.push(Block::Heading(3, code(&name)));
        blocks.push(Block::Text(schemas.about(&name)));
        blocks.push(table(&fields));
        let inside = fields.into_iter().flat_map(|field| field.holds);
        left.extend(inside.filter(|name| !told.contains(name)));
    }
    blocks
}

fn endpoints(
    description: &OpenApi,
    schemas: &Schemas<'_>,
    shown: &mut BTreeSet<String>,
) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (path, item) in &description.paths.paths {
        let methods = [
            ("GET", &item.get),
            ("POST", &item.post),
            ("PUT", &item.put),
            ("PATCH", &item.patch),
            ("DELETE", &item.delete),
        ];
        for (method, operation) in methods {
            if let Some(operation) = operation {
                blocks.push(Block::Heading(3, code(&format!("{method} {path}"))));
                endpoint(operation, schemas, shown, &mut blocks);
            }
        }
    }
    blocks
}

fn endpoint(
    operation: &Operation,
    schemas: &Schemas<'_>,
    shown: &mut BTreeSet<String>,
    blocks: &mut Vec<Block>,
) {
    let said = [&operation.summary, &operation.description];
    for text in said.into_iter().flatten() {
        blocks.extend(text.split("\n\n").map(|text| Block::Text(line(text))));
    }
    let parameters =
        operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter_row(parameter, schemas)),
            RefOr::Ref(_) => None,
        });
    let rows: Vec<_> = parameters.collect();
    if !rows.is_empty() {
        blocks.push(Block::Table(vec!["parameter", "in", "meaning"], rows));
    }
    if let Some(RefOr::T(body)) = &operation.request_body {
        for content in body.content.values() {
            if let RefOr::T(content) = content
                && let Some(RefOr::Ref(named)) = &content.schema
            {
                blocks.push(Block::Text("The body is JSON:".to_owned()));
                blocks.push(table(&schemas.fields(target(named))));
            }
        }
    }
    let responses = operation.responses.responses.iter();
    let rows = responses.filter_map(|(status, response)| match response {
        RefOr::T(response) => Some(response_row(status, response, shown)),
        RefOr::Ref(_) => None,
    });
    blocks.push(Block::Table(vec!["status", "meaning", "body"], rows.collect()));
}

fn parameter_row(parameter: &Parameter, schemas: &Schemas<'_>) -> Vec<String> {
    let place = match parameter.parameter_in {
        ParameterIn::Query => "query",
        ParameterIn::Path => "path",
        ParameterIn::Header => "header",
        ParameterIn::Cookie => "cookie",
        ParameterIn::QueryString => "query string",
    };
    let mut field = Field {
        name: parameter.name.clone(),
        kind: String::new(),
        about: parameter.description.clone().unwrap_or_default(),
        holds: Vec::new(),
    };
    let values = parameter.schema.as_ref().map(|schema| schemas.kind(schema, &mut field).1);
    let mut about = line(&field.about);
    let values: Vec<String> = values.unwrap_or_default().iter().map(|text| code(text)).collect();
    if !values.is_empty() {
        about = format!("{about} One of {}.", values.join(", "));
    }
    let needed = matches!(parameter.required, Required::True);
    let place = if needed { place.to_owned() } else { format!("{place}, optional") };
    vec![code(&parameter.name), place, about]
}

fn response_row(status: &str, response: &Response, shown: &mut BTreeSet<String>) -> Vec<String> {
    let contents = response.content.iter().filter_map(|(media_type, content)| match content {
        RefOr::T(content) => Some((media_type, content)),
        RefOr::Ref(_) => None,
    });
    let bodies = contents.map(|(media_type, content)| match &content.schema {
        Some(RefOr::Ref(named)) => {
            shown.insert(target(named).to_owned());
            code(target(named))
        }
        Some(RefOr::T(_)) | None => code(media_type),
    });
    let bodies: Vec<String> = bodies.collect();
    vec![status.to_owned(), line(&response.description), bodies.join(", ")]
}

fn error_codes() -> Vec<Block> {
    let row = |known: &Code| {
        let status = known.status().as_u16().to_string();
        vec![code(known.as_str()), status, line(known.about())]
    };
    let rows = Code::ALL.iter().map(row).collect();
    vec![Block::Table(vec!["code", "status", "meaning"], rows)]
}

fn reply_codes() -> Vec<Block> {
    let rows = COMMAND_CODES.iter().map(|(name, about)| vec![code(name), (*about).to_owned()]);
    vec![Block::Table(vec!["code", "meaning"], rows.collect())]
}

fn close_codes() -> Vec<Block> {
    let rows = CLOSINGS.iter().map(|closing| {
        vec![closing.code.to_string(), code(closing.reason), closing.about.to_owned()]
    });
    vec![Block::Table(vec!["code", "reason", "meaning and what to do"], rows.collect())]
}
