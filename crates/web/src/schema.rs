//! Reads schemas of the OpenAPI description the way people read them: as fields with a kind.

use std::collections::BTreeMap;

use utoipa::openapi::schema::{ArrayItems, Object, Schema, SchemaType, Type};
use utoipa::openapi::{OpenApi, Ref, RefOr};

/// One field of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// Such as `text`, `integer or null`, `list of object CustomerData`.
    pub(crate) kind: String,
    pub(crate) about: String,
    /// The objects that it holds, by their schemas' names.
    pub(crate) holds: Vec<String>,
}

/// One of several shapes, told apart by their `type`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) about: String,
    /// The schema of `data`.
    pub(crate) data: String,
}

/// The schemas by name.
pub(crate) struct Schemas<'a>(BTreeMap<&'a str, &'a Schema>);

impl<'a> Schemas<'a> {
    /// All that the description knows by a name.
    pub(crate) fn of(description: &'a OpenApi) -> Self {
        let components = description.components.iter();
        let named = components.flat_map(|components| &components.schemas);
        Self(named.filter_map(|(name, schema)| Some((name.as_str(), plain(schema)?))).collect())
    }

    /// The fields of an object in the order in which they are sent, those of its parts included.
    pub(crate) fn fields(&self, name: &str) -> Vec<Field> {
        self.0.get(name).map(|schema| self.fields_of(schema)).unwrap_or_default()
    }

    fn fields_of(&self, schema: &Schema) -> Vec<Field> {
        match schema {
            Schema::Object(object) => {
                object.properties.iter().map(|(name, schema)| self.field(name, schema)).collect()
            }
            Schema::AllOf(all) => {
                let parts = all.items.iter().flat_map(|part| match part {
                    RefOr::Ref(named) => self.fields(target(named)),
                    RefOr::T(part) => self.fields_of(part),
                });
                parts.collect()
            }
            Schema::Array(_) | Schema::OneOf(_) | Schema::AnyOf(_) => Vec::new(),
            // The crate's enum may grow; what is unknown has no fields.
            _ => Vec::new(),
        }
    }

    /// What an object is, in its own words.
    pub(crate) fn about(&self, name: &str) -> String {
        let about = self.0.get(name).and_then(|schema| match schema {
            Schema::Object(object) => object.description.as_deref(),
            Schema::AllOf(all) => all.description.as_deref(),
            Schema::OneOf(one) => one.description.as_deref(),
            Schema::Array(array) => array.description.as_deref(),
            _ => None,
        });
        line(about.unwrap_or_default())
    }

    /// The shapes of an enum whose variants have `type` and `data`.
    pub(crate) fn variants(&self, name: &str) -> Vec<Variant> {
        let Some(Schema::OneOf(one)) = self.0.get(name) else { return Vec::new() };
        let objects = one.items.iter().filter_map(plain).filter_map(|schema| match schema {
            Schema::Object(object) => Some(object),
            _ => None,
        });
        let variant = |object: &Object| {
            let kind = plain(object.properties.get("type")?)?;
            let Schema::Object(kind) = kind else { return None };
            let RefOr::Ref(data) = object.properties.get("data")? else { return None };
            Some(Variant {
                name: kind.enum_values.as_ref()?.first()?.as_str()?.to_owned(),
                about: line(object.description.as_deref().unwrap_or_default()),
                data: target(data).to_owned(),
            })
        };
        objects.filter_map(variant).collect()
    }

    fn field(&self, name: &str, schema: &RefOr<Schema>) -> Field {
        let mut field = Field {
            name: name.to_owned(),
            kind: String::new(),
            about: String::new(),
            holds: Vec::new(),
        };
        let (kind, values) = self.kind(schema, &mut field);
        field.kind = kind;
        field.about = line(&field.about);
        if !values.is_empty() {
            let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
            field.about = format!("{} One of {}.", field.about, values.join(", "));
        }
        field
    }

    /// The kind of a value and, of a choice, its texts. What it says of itself goes to `field`.
    pub(crate) fn kind(&self, schema: &RefOr<Schema>, field: &mut Field) -> (String, Vec<String>) {
        match schema {
            RefOr::Ref(named) => {
                describe(field, &named.description);
                match self.0.get(target(named)) {
                    Some(Schema::Object(object)) if object.enum_values.is_some() => {
                        ("text".to_owned(), values(object))
                    }
                    Some(_) | None => {
                        field.holds.push(target(named).to_owned());
                        (format!("object `{}`", target(named)), Vec::new())
                    }
                }
            }
            RefOr::T(Schema::Object(object)) => {
                describe(field, object.description.as_deref().unwrap_or_default());
                (type_name(&object.schema_type), values(object))
            }
            RefOr::T(Schema::Array(array)) => {
                describe(field, array.description.as_deref().unwrap_or_default());
                match &array.items {
                    ArrayItems::RefOrSchema(items) => {
                        let (kind, values) = self.kind(items, field);
                        (format!("list of {kind}"), values)
                    }
                    ArrayItems::False => ("list".to_owned(), Vec::new()),
                }
            }
            RefOr::T(Schema::OneOf(one)) => {
                describe(field, one.description.as_deref().unwrap_or_default());
                // An optional value: itself, or null.
                let kinds = one.items.iter().map(|item| self.kind(item, field));
                let kinds: Vec<_> = kinds.collect();
                let names: Vec<&str> = kinds.iter().map(|(kind, _)| kind.as_str()).collect();
                (names.join(" or "), kinds.iter().flat_map(|(_, values)| values.clone()).collect())
            }
            RefOr::T(_) => ("value".to_owned(), Vec::new()),
        }
    }
}

fn plain(schema: &RefOr<Schema>) -> Option<&Schema> {
    match schema {
        RefOr::T(schema) => Some(schema),
        RefOr::Ref(_) => None,
    }
}

/// The name of the schema that a reference points to.
pub(crate) fn target(named: &Ref) -> &str {
    named.ref_location.rsplit('/').next().unwrap_or_default()
}

/// The first words that are said of a field are its own; those of its type come later.
fn describe(field: &mut Field, about: &str) {
    if field.about.is_empty() {
        about.clone_into(&mut field.about);
    }
}

fn values(object: &Object) -> Vec<String> {
    let values = object.enum_values.iter().flatten();
    values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

fn type_name(of: &SchemaType) -> String {
    let name = |of: &Type| match of {
        Type::String => "text",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::Boolean => "boolean",
        Type::Object => "object",
        Type::Array => "list",
        Type::Null => "null",
    };
    match of {
        SchemaType::Type(of) => name(of).to_owned(),
        SchemaType::Array(all) => all.iter().map(name).collect::<Vec<_>>().join(" or "),
        SchemaType::AnyValue => "value".to_owned(),
    }
}

/// A doc comment as one line.
pub(crate) fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::ToSchema;

    /// What is
    /// said of it.
    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its shape is looked at")]
    struct Outer {
        /// A text.
        text: String,
        /// Perhaps a number.
        number: Option<u32>,
        /// Objects.
        inner: Vec<Inner>,
        /// Perhaps an object.
        perhaps: Option<Inner>,
        #[schema(inline)]
        choice: Choice,
        /// What is below stands beside.
        #[serde(flatten)]
        more: Inner,
    }

    /// Inside.
    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its shape is looked at")]
    struct Inner {
        /// Deep.
        deep: bool,
    }

    /// Chosen.
    #[derive(ToSchema)]
    #[serde(rename_all = "snake_case")]
    #[expect(dead_code, reason = "only its shape is looked at")]
    enum Choice {
        This,
        ThatOne,
    }

    #[derive(ToSchema)]
    #[serde(tag = "type", content = "data", rename_all = "snake_case")]
    #[expect(dead_code, reason = "only its shape is looked at")]
    enum Shapes {
        /// The first.
        FirstOne(Inner),
    }

    #[derive(utoipa::OpenApi)]
    #[openapi(components(schemas(Outer, Inner, Shapes)))]
    struct Described;

    #[test]
    fn fields_are_read_with_their_kinds_and_values() {
        let description = <Described as utoipa::OpenApi>::openapi();
        let schemas = Schemas::of(&description);
        let fields = schemas.fields("Outer");
        let told: Vec<_> = fields
            .iter()
            .map(|field| (field.name.as_str(), field.kind.as_str(), field.about.as_str()))
            .collect();
        for wanted in [
            ("text", "text", "A text."),
            ("number", "integer or null", "Perhaps a number."),
            ("inner", "list of object `Inner`", "Objects."),
            ("choice", "text", "Chosen. One of `this`, `that_one`."),
            ("deep", "boolean", "Deep."),
        ] {
            assert!(told.contains(&wanted), "{wanted:?} in {told:?}");
        }
        let perhaps = fields.iter().find(|field| field.name == "perhaps").unwrap();
        assert!(perhaps.kind.contains("null") && perhaps.kind.contains("object `Inner`"));
        assert_eq!(perhaps.holds, ["Inner"]);
        assert_eq!(schemas.about("Outer"), "What is said of it.");
        assert!(schemas.fields("Unknown").is_empty());
    }

    #[test]
    fn shapes_are_told_apart_by_their_type() {
        let description = <Described as utoipa::OpenApi>::openapi();
        let variant = Variant {
            name: "first_one".to_owned(),
            about: "The first.".to_owned(),
            data: "Inner".to_owned(),
        };
        assert_eq!(Schemas::of(&description).variants("Shapes"), [variant]);
        assert!(Schemas::of(&description).variants("Inner").is_empty());
    }
}
