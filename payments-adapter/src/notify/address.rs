//! Where a notification comes from. Only a filter: addresses can be forged, the proof can't.

use std::net::IpAddr;

/// What YooKassa publishes (yookassa.ru, "Incoming notifications", 2026-11).
const YOOKASSA: [&str; 7] = [
    "185.71.76.0/27",
    "185.71.77.0/27",
    "77.75.153.0/25",
    "77.75.156.11",
    "77.75.156.35",
    "77.75.154.128/25",
    "2a02:5180::/32",
];

/// The ranges that are let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    ranges: Vec<Range>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    net: IpAddr,
    prefix_bits: u8,
}

impl Filter {
    /// Ranges or single addresses with commas; `yookassa` stands for the published ones.
    pub fn parse(text: &str) -> Option<Self> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        let words: Vec<&str> =
            words.flat_map(|word| if word == "yookassa" { YOOKASSA.to_vec() } else { vec![word] }).collect();
        let ranges: Option<Vec<Range>> = words.iter().map(|word| Range::parse(word)).collect();
        ranges.filter(|ranges| !ranges.is_empty()).map(|ranges| Self { ranges })
    }

    pub fn lets_in(&self, client: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(client.to_canonical()))
    }
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (net, prefix) = match text.split_once('/') {
            Some((net, prefix)) => (net, Some(prefix)),
            None => (text, None),
        };
        let net: IpAddr = net.parse().ok()?;
        let bits_max = if net.is_ipv4() { 32 } else { 128 };
        let prefix_bits = prefix.map_or(Some(bits_max), |prefix| prefix.parse().ok())?;
        (prefix_bits <= bits_max).then_some(Self { net, prefix_bits })
    }

    fn contains(&self, address: IpAddr) -> bool {
        let prefix = u32::from(self.prefix_bits);
        match (self.net, address) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
                (net.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
                (net.to_bits() ^ address.to_bits()) & mask == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn yookassas_ranges_let_in_yookassa_only() {
        let filter = Filter::parse("yookassa").unwrap();
        for inside in [
            "185.71.76.0",
            "185.71.76.31",
            "185.71.77.5",
            "77.75.153.127",
            "77.75.156.11",
            "77.75.154.255",
            "2a02:5180::1",
            "2a02:5180:ffff::",
            "::ffff:185.71.76.1",
        ] {
            assert!(filter.lets_in(ip(inside)), "{inside}");
        }
        for outside in [
            "185.71.76.32",
            "77.75.153.128",
            "77.75.156.12",
            "77.75.154.127",
            "127.0.0.1",
            "2a02:5181::",
            "::1",
        ] {
            assert!(!filter.lets_in(ip(outside)), "{outside}");
        }
    }

    #[test]
    fn ranges_are_read_or_refused() {
        assert!(Filter::parse("0.0.0.0/0").unwrap().lets_in(ip("8.8.8.8")));
        assert!(Filter::parse("::/0, 10.0.0.1").unwrap().lets_in(ip("10.0.0.1")));
        for bad in ["", ",", "10.0.0.0/33", "::/129", "10.0.0", "x", "10.0.0.0/", "10.0.0.0/-1", "yookassa,x"]
        {
            assert_eq!(Filter::parse(bad), None, "{bad:?} was taken");
        }
    }
}
