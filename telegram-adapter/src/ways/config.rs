//! Which ways to pay are switched on, from the environment.

use proto_events::events::PayMethod;
use secrecy::{ExposeSecret, SecretString};
use service::config::Env;

use super::{Receipts, Way};

#[derive(Debug, Clone)]
pub struct Ways {
    /// `TOPUP_YOOKASSA`, `TOPUP_METHODS`: ways of the rail yookassa, in the order of their buttons.
    pub yookassa: Vec<Way>,
    /// `YOOKASSA_PROVIDER_TOKEN`
    pub provider: Option<SecretString>,
    /// `TOPUP_STARS`
    pub stars: bool,
    /// `YOOKASSA_RECEIPTS` and what belongs to it.
    pub receipts: Option<Receipts>,
}

impl Ways {
    /// Problems are left in `env`.
    pub fn read(env: &mut Env) -> Self {
        let yookassa = if switch(env, "TOPUP_YOOKASSA", true) { methods(env) } else { Vec::new() };
        let provider = provider(env);
        Self { yookassa, provider, stars: switch(env, "TOPUP_STARS", true), receipts: Receipts::read(env) }
    }

    /// Whether what is paid by the provider's token is play money.
    pub fn provider_is_test(&self) -> bool {
        self.provider.as_ref().is_some_and(|token| token.expose_secret().contains(":TEST:"))
    }
}

/// `on` or `off`.
pub(crate) fn switch(env: &mut Env, name: &'static str, default: bool) -> bool {
    let word: Option<String> = env.optional(name, "on or off");
    match word.as_deref() {
        None => default,
        Some("on" | "true" | "yes" | "1") => true,
        Some("off" | "false" | "no" | "0") => false,
        Some(_) => {
            env.problem(name, "can't be understood; it is on or off");
            default
        }
    }
}

fn methods(env: &mut Env) -> Vec<Way> {
    const NAME: &str = "TOPUP_METHODS";
    const WHAT: &str = "a list with commas of page, bank_card, sbp, sberbank, tinkoff_bank, yoo_money";
    let list: String = env.or(NAME, WHAT, "page".to_owned());
    let mut ways = Vec::new();
    for word in list.split([',', ' ', ';']).filter(|word| !word.is_empty()) {
        let way = match word {
            "page" => Some(Way::Page),
            method => method.parse::<PayMethod>().ok().map(Way::Method),
        };
        match way {
            Some(way) if !ways.contains(&way) => ways.push(way),
            Some(_) => {}
            None => env.problem(NAME, format!("has {word:?}; it is {WHAT}")),
        }
    }
    ways
}

/// BotFather's form: `381764678:TEST:12345`.
fn provider(env: &mut Env) -> Option<SecretString> {
    const NAME: &str = "YOOKASSA_PROVIDER_TOKEN";
    let token = env.optional_secret(NAME)?;
    let mut parts = token.expose_secret().splitn(3, ':');
    let number = parts.next().is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let mode = matches!(parts.next(), Some("TEST" | "LIVE"));
    if !number || !mode || parts.next().is_none_or(str::is_empty) {
        env.problem(NAME, "can't be understood; it is BotFather's token, 381764678:TEST:12345 or …:LIVE:…");
        return None;
    }
    Some(token)
}

#[cfg(test)]
mod tests {
    use service::config::Problems;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Ways, Problems> {
        let variables = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let mut env = Env::from_map(variables.collect());
        let ways = Ways::read(&mut env);
        env.finish(Some(ways))
    }

    fn problems(variables: &[(&str, &str)]) -> Vec<&'static str> {
        read(variables).unwrap_err().0.iter().map(|problem| problem.name).collect()
    }

    #[test]
    fn yookassas_page_and_stars_are_on_unless_switched_off() {
        let ways = read(&[]).unwrap();
        assert_eq!((ways.yookassa, ways.stars), (vec![Way::Page], true));
        assert!(ways.provider.is_none() && ways.receipts.is_none());
        let ways = read(&[("TOPUP_YOOKASSA", "off"), ("TOPUP_STARS", "off")]).unwrap();
        assert_eq!((ways.yookassa, ways.stars), (vec![], false));
    }

    #[test]
    fn methods_are_listed_in_the_order_of_their_buttons() {
        let ways = read(&[("TOPUP_METHODS", "sbp, bank_card,page,sbp")]).unwrap();
        assert_eq!(ways.yookassa, [Way::Method(PayMethod::Sbp), Way::Method(PayMethod::BankCard), Way::Page]);
        assert_eq!(
            problems(&[("TOPUP_METHODS", "sbp,barter"), ("TOPUP_STARS", "maybe")]),
            ["TOPUP_METHODS", "TOPUP_STARS"]
        );
    }

    #[test]
    fn a_provider_token_says_whether_it_is_for_play() {
        let test = |token| read(&[("YOOKASSA_PROVIDER_TOKEN", token)]).unwrap().provider_is_test();
        assert_eq!((test("381764678:TEST:1"), test("390540012:LIVE:1")), (true, false));
        for bad in ["381764678", "x:TEST:1", "381764678:PLAY:1", "381764678:LIVE:"] {
            assert_eq!(problems(&[("YOOKASSA_PROVIDER_TOKEN", bad)]), ["YOOKASSA_PROVIDER_TOKEN"]);
        }
    }
}
