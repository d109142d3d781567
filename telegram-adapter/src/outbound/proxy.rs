//! The way to Telegram where there is none.

use reqwest::{ClientBuilder, Url};
use secrecy::{ExposeSecret, SecretString};

/// A proxy's address, with name and password in it where it wants them.
#[derive(Debug, Clone)]
pub struct Proxy(SecretString);

impl Proxy {
    /// `None`: it is not the address of an HTTP(S) or SOCKS 5 proxy.
    pub fn read(address: SecretString) -> Option<Self> {
        let url = Url::parse(address.expose_secret()).ok()?;
        // `socks5h` leaves it to the proxy to find Telegram's address.
        let known = matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h");
        (known && url.has_host()).then_some(Self(address))
    }

    pub(super) fn of(&self, client: ClientBuilder) -> Result<ClientBuilder, reqwest::Error> {
        // Its words may hold the address.
        let proxy = reqwest::Proxy::all(self.0.expose_secret()).map_err(reqwest::Error::without_url)?;
        Ok(client.proxy(proxy))
    }
}
