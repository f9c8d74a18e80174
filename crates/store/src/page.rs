//! Lists that are read page by page, newest first, without losing or repeating a row while new
//! ones arrive.

use model::Wall;

use crate::error::{Error, Result};

/// The most items of a page.
const PAGE_LIMIT: u32 = 500;

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// [`Page::next`] of the page before, or nothing for the first.
    pub after: Option<String>,
    /// How many items, 1 to 500; anything else is brought into that range.
    pub limit: u32,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { after: None, limit: 50 }
    }
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Where the next page begins; nothing on the last.
    pub next: Option<String>,
}

impl PageRequest {
    /// How many rows a query asks for: one more than the page, to know whether there is a next.
    pub(crate) fn rows(&self) -> i64 {
        i64::from(self.items()) + 1
    }

    fn items(&self) -> u32 {
        self.limit.clamp(1, PAGE_LIMIT)
    }

    /// The key after which the page begins: a time and an id.
    pub(crate) fn key(&self) -> Result<Option<(Wall, String)>> {
        let Some(cursor) = &self.after else { return Ok(None) };
        cursor
            .split_once('.')
            .and_then(|(micros, id)| Some((Wall(micros.parse().ok()?), id.to_owned())))
            .map(Some)
            .ok_or_else(|| Error::BadCursor(cursor.clone()))
    }

    /// Cuts what a query gave to a page; `key` is the time and id of an item.
    pub(crate) fn page<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> (Wall, String)) -> Page<T> {
        let items = self.items() as usize;
        let more = rows.len() > items;
        rows.truncate(items);
        let next = rows.last().filter(|_| more).map(|last| {
            let (wall, id) = key(last);
            format!("{}.{id}", wall.0)
        });
        Page { items: rows, next }
    }
}
