//! A small typed client of YooKassa's API v3: make payments and refunds, read them, list them.
//!
//! It never repeats a call: who calls knows when that is safe. Its errors say what is known about the
//! effect ([`Error`]), not which status came.
//! Invariant: no secret, URL or body is in an error or a log line.

pub mod amount;
mod error;
pub mod moment;
mod pages;
mod refund;
mod types;

use std::time::Duration;

use proto_events::{Micros, PaymentId, RefundId, events::ProviderId};
use reqwest::{Method, RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

pub use self::{
    error::Error,
    pages::Pages,
    refund::{NewRefund, Refund},
    types::{
        Amount, Cancellation, Customer, Item, NewConfirmation, NewMethod, NewPayment, NewReceipt, Page,
        Payment, Receipt, ReceiptMade, Settlement,
    },
};

/// YooKassa promises an answer within 30 s.
const CALL_TIMEOUT: Duration = Duration::from_secs(35);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A page of 100 payments is about 200 KB.
const BODY_BYTES_MAX: usize = 2 << 20;
/// The most that one page may hold.
pub const PAGE_LEN_MAX: u32 = 100;
/// The name in a payment's metadata under which ours is found.
pub const METADATA_PAYMENT: &str = "payment_id";
/// The same of a refund.
pub const METADATA_REFUND: &str = "refund_id";

#[derive(Debug, thiserror::Error)]
#[error("the HTTP client can't be built")]
pub struct BadClient(#[source] reqwest::Error);

/// Where and as whom to call.
#[derive(Debug, Clone)]
pub struct Options {
    pub url: Url,
    pub shop_id: String,
    pub secret_key: SecretString,
}

pub struct YooKassa {
    http: reqwest::Client,
    base: String,
    shop_id: String,
    secret_key: SecretString,
}

impl YooKassa {
    /// # Errors
    /// The TLS roots can't be loaded.
    pub fn new(options: Options) -> Result<Self, BadClient> {
        let http = reqwest::Client::builder()
            .timeout(CALL_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            // A fixed host: a redirect could carry the key away.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| BadClient(error.without_url()))?;
        let base = options.url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http, base, shop_id: options.shop_id, secret_key: options.secret_key })
    }

    /// `POST /payments`. The same key and body within 24 h give the first answer again.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create(&self, key: PaymentId, payment: &NewPayment) -> Result<Payment, Error> {
        let request = self.request(Method::POST, "/payments");
        self.answer(request.header("Idempotence-Key", key.to_string()).json(payment)).await
    }

    /// `GET /payments/{id}`: the proof of what is true.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get(&self, id: &ProviderId) -> Result<Payment, Error> {
        self.answer(self.request(Method::GET, &format!("/payments/{}", id.as_str()))).await
    }

    /// `POST /refunds`. The same key and body within 24 h give the first answer again, as it was then.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn refund(&self, key: RefundId, refund: &NewRefund) -> Result<Refund, Error> {
        let request = self.request(Method::POST, "/refunds");
        self.answer(request.header("Idempotence-Key", key.to_string()).json(refund)).await
    }

    /// `GET /refunds/{id}`.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get_refund(&self, id: &ProviderId) -> Result<Refund, Error> {
        self.answer(self.request(Method::GET, &format!("/refunds/{}", id.as_str()))).await
    }

    /// `POST /receipts`. The same key and body within 24 h give the first answer again.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn receipt(&self, key: &str, receipt: &NewReceipt) -> Result<ReceiptMade, Error> {
        let request = self.request(Method::POST, "/receipts");
        self.answer(request.header("Idempotence-Key", key).json(receipt)).await
    }

    /// One page of `GET /receipts`.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn list_receipts(
        &self,
        of: Listed<'_>,
        cursor: Option<&str>,
    ) -> Result<Page<ReceiptMade>, Error> {
        self.page("/receipts", of, cursor).await
    }

    /// One page of `GET /payments`, newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn list(&self, of: Listed<'_>, cursor: Option<&str>) -> Result<Page<Payment>, Error> {
        self.page("/payments", of, cursor).await
    }

    /// The same of `GET /refunds`.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn list_refunds(&self, of: Listed<'_>, cursor: Option<&str>) -> Result<Page<Refund>, Error> {
        self.page("/refunds", of, cursor).await
    }

    async fn page<T: DeserializeOwned>(
        &self,
        path: &str,
        of: Listed<'_>,
        cursor: Option<&str>,
    ) -> Result<Page<T>, Error> {
        let mut query = of.query();
        query.push(("limit", PAGE_LEN_MAX.to_string()));
        query.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        self.answer(self.request(Method::GET, path).query(&query)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        request.basic_auth(&self.shop_id, Some(self.secret_key.expose_secret()))
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Error> {
        let mut response = request.send().await.map_err(|error| Error::lost(&error))?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| Error::lost(&error))? {
            if body.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(Error::Unknown { codes: "the answer is too large".into() });
            }
            body.extend_from_slice(&chunk);
        }
        if status != 200 {
            return Err(Error::read(status, &body));
        }
        serde_json::from_slice(&body)
            .map_err(|_| Error::Unknown { codes: "200, but the answer is not one we can read".into() })
    }
}

/// What a list is to hold.
#[derive(Debug, Clone, Copy)]
pub enum Listed<'a> {
    /// Made in that time.
    Made { from: Micros, to: Micros },
    /// Payments of which the money was taken in that time.
    Taken { from: Micros, to: Micros },
    /// Refunds of this payment.
    Of(&'a ProviderId),
}

impl Listed<'_> {
    fn query(self) -> Vec<(&'static str, String)> {
        match self {
            Self::Made { from, to } => {
                vec![("created_at.gte", moment::format(from)), ("created_at.lte", moment::format(to))]
            }
            Self::Taken { from, to } => vec![
                ("captured_at.gte", moment::format(from)),
                ("captured_at.lte", moment::format(to)),
                ("status", "succeeded".to_owned()),
            ],
            Self::Of(payment) => vec![("payment_id", payment.to_string())],
        }
    }
}

/// A payment's id as YooKassa forms them; what else a stranger may send has no place in a path.
pub fn provider_id(id: &str) -> Option<ProviderId> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let fits = (1..=64).contains(&id.len()) && id.bytes().all(plain);
    fits.then(|| ProviderId::lossy(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_leave_its_place_in_the_path_is_refused() {
        assert!(provider_id("22e12f66-000f-5000-8000-18db351245c7").is_some());
        for bad in ["", "a/b", "..", "a?b", "a%2fb", "a b", "й", "a\0", &"x".repeat(65)] {
            assert!(provider_id(bad).is_none(), "{bad:?} was taken");
        }
    }
}
