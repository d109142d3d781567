//! Who is at the other end of a request when proxies of ours stand between.

use std::net::IpAddr;

use axum::http::HeaderMap;

use crate::config::Env;

const HOPS_MAX: u8 = 10;

/// `TRUSTED_PROXY_HOPS`: how many proxies are ours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hops(pub u8);

impl Hops {
    pub fn read(env: &mut Env) -> Self {
        let what = "how many proxies of yours stand before this service, 0 to 10";
        let hops: u8 = env.or("TRUSTED_PROXY_HOPS", what, 0);
        if hops > HOPS_MAX {
            env.problem("TRUSTED_PROXY_HOPS", format!("is {hops}; it is {what}"));
        }
        Self(hops)
    }

    /// The client's address: the peer's own without proxies; behind n proxies the n-th from the end of
    /// X-Forwarded-For, which the outermost of ours wrote. What stands before it anyone may have written.
    #[must_use]
    pub fn client(self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let Some(back) = self.0.checked_sub(1) else { return peer };
        let lines = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
        let all: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
        all.iter().rev().nth(back.into())?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_forged_forwarded_for_is_not_the_client() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "185.71.76.1, 6.6.6.6".parse().unwrap());
        let client = |hops| Hops(hops).client(Some(ip("10.0.0.2")), &headers);
        assert_eq!(client(0), Some(ip("10.0.0.2")), "without a proxy the header is a stranger's");
        assert_eq!(client(1), Some(ip("6.6.6.6")), "what our proxy wrote is the last");
        assert_eq!(client(2), Some(ip("185.71.76.1")));
        assert_eq!(client(3), None);
    }
}
