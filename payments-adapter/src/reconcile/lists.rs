//! YooKassa's lists, page by page.

use serde::de::DeserializeOwned;

use super::Reconciler;
use crate::{
    proof::Away,
    yookassa::{Error, Listed, Page, Payment, Refund, YooKassa},
};

/// 100 rows a page: a shop that takes more in that time is reconciled by its registry file.
const PAGES_MAX: u32 = 2_000;

/// A list on its way. Pages come newest first, and what is made meanwhile comes before the first.
pub(super) struct Pages<'a, T> {
    of: Listed<'a>,
    fetch: fn(&'a YooKassa, Listed<'a>, Option<String>) -> Fetch<'a, T>,
    next: Next,
    left: u32,
}

enum Next {
    First,
    After(String),
    Over,
}

type Fetch<'a, T> = futures_util::future::BoxFuture<'a, Result<Page<T>, Error>>;

impl<'a, T: DeserializeOwned> Pages<'a, T> {
    /// `None` after the last.
    ///
    /// # Errors
    /// YooKassa did not answer, or the list does not end.
    pub(super) async fn next(&mut self, yookassa: &'a YooKassa) -> Result<Option<Vec<T>>, Away> {
        let cursor = match std::mem::replace(&mut self.next, Next::Over) {
            Next::First => None,
            Next::After(cursor) => Some(cursor),
            Next::Over => return Ok(None),
        };
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| Away::YooKassa(Error::Unknown { codes: "the list is too long".into() }))?;
        let page = (self.fetch)(yookassa, self.of, cursor).await.map_err(Away::YooKassa)?;
        self.next = page.next_cursor.map_or(Next::Over, Next::After);
        Ok(Some(page.items))
    }
}

impl Reconciler {
    pub(super) fn payments<'a>(&'a self, of: Listed<'a>) -> Pages<'a, Payment> {
        let fetch = |yookassa: &'a YooKassa, of: Listed<'a>, cursor: Option<String>| -> Fetch<'a, Payment> {
            Box::pin(async move { yookassa.list(of, cursor.as_deref()).await })
        };
        Pages { of, fetch, next: Next::First, left: PAGES_MAX }
    }

    pub(super) fn refunds<'a>(&'a self, of: Listed<'a>) -> Pages<'a, Refund> {
        let fetch = |yookassa: &'a YooKassa, of: Listed<'a>, cursor: Option<String>| -> Fetch<'a, Refund> {
            Box::pin(async move { yookassa.list_refunds(of, cursor.as_deref()).await })
        };
        Pages { of, fetch, next: Next::First, left: PAGES_MAX }
    }
}
