//! YooKassa, judged by its official Python SDK.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::{Judge, Vendor, python::Kit};
use crate::machine::paths;

pub(super) const VENDOR: Vendor = Vendor {
    judge: Judge::Python {
        kit: Kit { folder: "python-yookassa", packages: &["yookassa==3.13.0"], imports: "yookassa, netaddr" },
        script: "xtask/src/conformance/yookassa_sdk.py",
    },
    adapter: "payments-adapter",
    whole: &["payments"],
    must: "create_payment,get_payment,list_payments,create_refund,get_refund,list_refunds",
    must_quick: "create_payment,get_payment,list_payments",
    about,
};
const ADDRESSES: &str = "payments-adapter/src/notify/address.rs";

fn about() -> Result<Vec<String>> {
    let ranges = published(&paths::root().join(ADDRESSES))?;
    Ok(vec!["--ranges".to_owned(), ranges.join(",")])
}

/// The ranges our filter knows as YooKassa's, from its source: the strings of its list.
fn published(file: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let list = text.split_once("const YOOKASSA").and_then(|(_, rest)| rest.split_once("];"));
    let list = list.with_context(|| format!("{} has no list named YOOKASSA any more", file.display()))?.0;
    let ranges: Vec<String> = list.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    if ranges.is_empty() {
        bail!("the list YOOKASSA of {} is empty", file.display());
    }
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_list_is_read_from_its_source() {
        let ranges = published(&paths::root().join(ADDRESSES)).unwrap();
        assert!(ranges.contains(&"185.71.76.0/27".to_owned()) && ranges.len() > 5, "{ranges:?}");
        assert!(published(&paths::root().join("xtask/src/lib.rs")).is_err());
    }
}
