//! YooKassa's lists, page by page.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use super::{Error, Listed, Payment, Refund, YooKassa};

/// 100 rows a page: a shop that takes more in that time is reconciled by its registry file.
const PAGES_MAX: u32 = 2_000;

/// A list on its way. Pages come newest first, and what is made meanwhile comes before the first.
pub struct Pages<'a, T> {
    yookassa: &'a YooKassa,
    path: &'static str,
    of: Listed<'a>,
    next: Next,
    left: u32,
    rows: PhantomData<fn() -> T>,
}

enum Next {
    First,
    After(String),
    Over,
}

impl<T: DeserializeOwned> Pages<'_, T> {
    /// `None` after the last.
    ///
    /// # Errors
    /// YooKassa did not answer, or the list does not end.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, Error> {
        let cursor = match std::mem::replace(&mut self.next, Next::Over) {
            Next::First => None,
            Next::After(cursor) => Some(cursor),
            Next::Over => return Ok(None),
        };
        let too_long = || Error::Unknown { codes: "the list is too long".into() };
        self.left = self.left.checked_sub(1).ok_or_else(too_long)?;
        let page = self.yookassa.page(self.path, self.of, cursor.as_deref()).await?;
        self.next = page.next_cursor.map_or(Next::Over, Next::After);
        Ok(Some(page.items))
    }
}

impl YooKassa {
    pub fn payments<'a>(&'a self, of: Listed<'a>) -> Pages<'a, Payment> {
        self.pages("/payments", of)
    }

    pub fn refunds<'a>(&'a self, of: Listed<'a>) -> Pages<'a, Refund> {
        self.pages("/refunds", of)
    }

    fn pages<'a, T>(&'a self, path: &'static str, of: Listed<'a>) -> Pages<'a, T> {
        Pages { yookassa: self, path, of, next: Next::First, left: PAGES_MAX, rows: PhantomData }
    }
}
