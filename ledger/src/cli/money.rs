//! What commands about money share: amounts as people write them, and a question before harm.

use std::io::IsTerminal as _;

use anyhow::bail;
use proto_events::Currency;

use super::out;
use crate::books::words;

/// `100.00` or `100` rubles in kopecks, whole Stars.
///
/// # Errors
/// It is no amount of this currency.
pub fn minor(text: &str, currency: Currency) -> anyhow::Result<i64> {
    match (words::minor(text, currency), currency) {
        (Some(minor), _) => Ok(minor),
        (_, Currency::Rub) => bail!("{text:?} is no amount in rubles: write it 100 or 100.50"),
        (_, Currency::Xtr) => bail!("{text:?} is no number of Stars: write it 75"),
    }
}

/// Asks on a terminal, unless it was said beforehand.
///
/// # Errors
/// There is nobody to ask.
pub fn agreed(what: &str, yes: bool, json: bool) -> anyhow::Result<bool> {
    if yes {
        return Ok(true);
    }
    if json || !std::io::stdin().is_terminal() {
        bail!("{what} Say --yes if you mean it");
    }
    out::text(format_args!("{what} Go on? [y/N] "))?;
    let mut said = String::new();
    std::io::stdin().read_line(&mut said)?;
    Ok(["y", "yes"].contains(&said.trim().to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_to_the_kopeck_or_not_at_all() {
        let rub = |text| minor(text, Currency::Rub).ok();
        assert_eq!([rub("100"), rub("100.05"), rub("0.01")], [Some(10_000), Some(10_005), Some(1)]);
        for bad in ["", "0", "0.00", "1.5", "1,50", "-1", "1.555", "1e3", "١", "99999999999999", " 1"] {
            assert_eq!(rub(bad), None, "{bad:?} was taken");
        }
        assert_eq!(minor("75", Currency::Xtr).ok(), Some(75));
        assert!(minor("75.00", Currency::Xtr).is_err());
    }
}
