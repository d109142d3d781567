//! Projections by hand: made anew and canceled, made anew, compared, exchanged, rolled back and forward again.

use e2e::{Stage, judge};

use super::hand::{Act, Hand, by_hand, noted};
use crate::log::with_history;

pub const ACTS: &[Act] = &[
    ("/projections/{name}/rebuild", "rebuild"),
    ("/projections/{name}/cancel", "cancel"),
    ("/projections/{name}/compare", "compare"),
    ("/projections/{name}/swap", "swap"),
    ("/projections/{name}/back", "swap"),
    ("/projections/{name}/forward", "swap"),
];

/// The build in this state.
fn build(stage: &Stage, state: &str) -> Option<i32> {
    let sql = "SELECT instance FROM projection_instances WHERE name = 'balances' AND state = $1";
    stage.sql(sqlx::query_scalar(sql).bind(state.to_owned()).fetch_optional(&stage.pool))
}

/// A deed of the page, as soon as it is offered there.
fn does(hand: &Hand<'_>, deed: &str, fields: &[(&str, &str)]) {
    hand.fills(&format!("/projections/balances/{deed}"), fields);
    hand.shot(&format!("{deed}-done"));
}

#[test]
fn a_projection_is_rebuilt_exchanged_and_rolled_back_by_hand() {
    let (stage, _history) = with_history();
    judge::wait_for_projections(&stage);
    by_hand(&stage, "console-hands-projections", ACTS, |hand| {
        let stage = hand.stage;
        let why = |what: &str| format!("{what} in {}", hand.lang);
        let named = |number: i32| format!("balances_{number}");
        hand.is_admin();
        hand.goes("/projections");
        hand.shot("projections");
        hand.presses("main a[href='/projections/balances']");
        let live = build(stage, "live").unwrap();
        does(hand, "rebuild", &[("reason", &why("slowly")), ("max_rate", "1")]);
        hand.says("Перестройка началась", "The rebuild has begun");
        hand.page.sees("main progress", "");
        hand.shot("building");
        let building = named(build(stage, "building").unwrap());
        does(hand, "cancel", &[("reason", &why("another time"))]);
        hand.says("Отменено", "Canceled");
        hand.page.sees("main p", hand.word("Её отменили", "It was canceled"));
        assert_eq!((build(stage, "building"), build(stage, "ready")), (None, None), "nothing is left");

        does(hand, "rebuild", &[("reason", &why("by hand"))]);
        does(hand, "compare", &[]);
        hand.says("Сравнение началось", "The comparison has begun");
        let next = build(stage, "ready").unwrap();
        for (deed, then, reason) in
            [("swap", next, "it is right"), ("back", live, "only to see"), ("forward", next, "seen enough")]
        {
            does(hand, deed, &[("reason", &why(reason)), ("confirmed", "on")]);
            stage.until(deed, || (build(stage, "live") == Some(then)).then_some(()));
            assert_eq!(noted(stage, &format!("projection_{deed}"), &named(then), &why(reason)), 1, "{deed}");
        }
        hand.goes("/projections/balances");
        hand.shot("forward-again");
        for (act, subject, reason) in [
            ("projection_rebuild", "balances", "slowly"),
            ("projection_cancel", building.as_str(), "another time"),
            ("projection_rebuild", "balances", "by hand"),
        ] {
            assert_eq!(noted(stage, act, subject, &why(reason)), 1, "{act} of {subject}");
        }
    });
    stage.assert_verified();
}
