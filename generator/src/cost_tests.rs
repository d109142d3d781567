use std::time::Duration;

use proto_events::{AccountId, CommandId, GenerationId, Producer, events::Trouble};

use super::*;
use crate::{
    gemini::{Failure, Made, Memory, Metered, Remedy, Said},
    shelf::Material,
};

fn catalog() -> Catalog {
    Catalog::default_catalog().unwrap()
}

fn ask(kind: GenerationKind, model: &str, size: Option<&str>) -> Ask {
    Ask {
        kind,
        model: model.into(),
        api: Default::default(),
        system: None,
        turns: Vec::new(),
        prompt: "лиса в снегу".into(),
        material: Material::default(),
        aspect_ratio: None,
        size: size.map(str::to_owned),
    }
}

fn answered(result: Result<Made, Failure>, usage: Option<Usage>) -> Answered {
    let metered = Metered { usage, model_version: None };
    Answered { result, metered, latency: Duration::from_millis(7), called: true }
}

fn failed(in_doubt: bool) -> Result<Made, Failure> {
    let trouble = Trouble::TimedOut;
    Err(Failure { trouble, remedy: Remedy::GiveUp, codes: String::new(), text: None, in_doubt })
}

fn asked_for(ask: &Ask, catalog: &Catalog) -> Option<MicroUsd> {
    estimate(&ask.into(), catalog)
}

fn unit(n: i64) -> MicroUsd {
    MicroUsd::new(n).unwrap()
}

#[test]
fn the_recorded_pro_call_costs_what_google_billed() {
    let usage = Usage { prompt_tokens: 14, output_tokens: 1283, thought_tokens: 174, image_tokens: 1120 };
    assert_eq!(of(&usage, unit_costs(&catalog(), "gemini-3-pro-image").unwrap()).get(), 138_472);
    let made = Ok(Made { outputs: Vec::new(), memory: Memory::Nothing });
    let ask = ask(GenerationKind::Picture, "gemini-3-pro-image", Some("1K"));
    let spent = spent(&answered(made, Some(usage)), &ask, Some(&catalog()));
    assert_eq!((spent.cost_micro_usd, spent.estimated, spent.latency_ms), (Some(unit(138_472)), false, 7));
}

#[test]
fn a_picture_of_each_size_costs_its_list_price() {
    let table = [
        ("gemini-3-pro-image", "1K", 134_400),
        ("gemini-3-pro-image", "2K", 134_400),
        ("gemini-3-pro-image", "4K", 240_000),
        ("gemini-nano-banana-2.1", "1K", 33_600),
        ("gemini-nano-banana-2.1", "2K", 50_400),
        ("gemini-nano-banana-2.1", "4K", 113_400),
        ("gemini-3.1-flash-lite-image", "1K", 33_600),
    ];
    for (model, size, price) in table {
        // Three tokens of prompt cost a few more.
        let estimated =
            asked_for(&ask(GenerationKind::Picture, model, Some(size)), &catalog()).unwrap().get();
        assert!((price..price + 10).contains(&estimated), "{model} {size}: {estimated}");
    }
}

#[test]
fn a_call_in_doubt_costs_what_such_a_call_costs() {
    let ask = ask(GenerationKind::Picture, "gemini-3-pro-image", Some("4K"));
    let in_doubt = spent(&answered(failed(true), None), &ask, Some(&catalog()));
    assert_eq!((in_doubt.cost_micro_usd, in_doubt.estimated), (Some(unit(240_006)), true));
    let refused = spent(&answered(failed(false), None), &ask, Some(&catalog()));
    assert_eq!((refused.cost_micro_usd, refused.estimated), (None, false));
    // A stream that was cut had counted some: the larger one is believed.
    let some = Usage { prompt_tokens: 3, output_tokens: 9_000, ..Usage::default() };
    let cut = spent(&answered(failed(true), Some(some)), &ask, Some(&catalog()));
    assert_eq!(cut.cost_micro_usd, Some(unit(240_006)));
}

#[test]
fn an_estimate_counts_everything_that_is_sent() {
    let mut ask = ask(GenerationKind::Text, "gemini-3.1-pro-preview", None);
    let bare = asked_for(&ask, &catalog()).unwrap().get();
    assert_eq!(bare, 3 * 2 + 1_000 * 12);
    ask.system = Some("x".repeat(400));
    ask.turns = vec![Said { prompt: "x".repeat(400), answer: "x".repeat(800) }];
    assert_eq!(asked_for(&ask, &catalog()).unwrap().get(), bare + 400 * 2);
    ask.model = "of-tomorrow".into();
    assert_eq!(asked_for(&ask, &catalog()), None);
}

#[test]
fn a_job_that_was_lost_is_estimated_as_its_call_would_be() {
    let asked = CommandId::new("msg:1:2:3").unwrap();
    let job = serde_json::json!({
        "generation": GenerationId::derive(AccountId::CATALOG, Producer::Telegram, &asked), "attempt": 2, "kind": "text", "model": "gemini-3.1-pro-preview",
        "aspect_ratio": null, "size": null, "prompt": "a fox in the snow", "references": ["a", "b"],
        "system": null, "conversation": null, "followed": null, "doubts": 0, "unpaid": 0, "lost": true,
        "lease_until": 0, "lease_ms": 1, "deadline": 0,
    });
    let job: ClaimedJob = serde_json::from_value(job).unwrap();
    let spent = guessed(&(&job).into(), Some(&catalog()));
    assert_eq!((spent.cost_micro_usd, spent.estimated), (Some(unit((5 + 2 * 560) * 2 + 1_000 * 12)), true));
    assert_eq!(guessed(&(&job).into(), None), Spent::default());
}

#[test]
fn imagen_costs_by_the_picture() {
    let mut catalog = catalog();
    catalog.models[1].unit_costs.picture = Some(unit(40_000));
    let ask = ask(GenerationKind::Picture, catalog.models[1].name.as_str(), None);
    assert_eq!(asked_for(&ask, &catalog), Some(unit(40_000)));
    let output = serde_json::json!({"object": "o", "sha256": "s", "media_type": "png", "bytes": 1});
    let output = serde_json::from_value(output).unwrap();
    let made = |outputs| answered(Ok(Made { outputs, memory: Memory::Nothing }), None);
    assert_eq!(spent(&made(vec![output]), &ask, Some(&catalog)).cost_micro_usd, Some(unit(40_000)));
    assert_eq!(spent(&answered(failed(false), None), &ask, Some(&catalog)).cost_micro_usd, None);
}

#[test]
fn a_cost_is_rounded_up_and_bounded() {
    let costs = UnitCosts { prompt: unit(300_000), output: unit(0), image: unit(0), picture: None };
    let usage = |prompt_tokens| Usage { prompt_tokens, ..Usage::default() };
    assert_eq!(of(&usage(1), &costs).get(), 1);
    assert_eq!(of(&usage(10), &costs).get(), 3);
    let max = MicroUsd::MAX;
    let dear = UnitCosts { prompt: max, output: max, image: max, picture: None };
    assert_eq!(of(&usage(u32::MAX), &dear), max);
    assert_eq!(times(max, 2), max);
}

#[test]
fn a_model_is_billed_under_the_longest_name_it_begins_with() {
    let mut catalog = catalog();
    let mut lite = catalog.models[2].clone();
    lite.name = Text::new("gemini-3-pro").unwrap();
    lite.unit_costs.prompt = unit(1);
    catalog.models.push(lite);
    let prompt = |name| unit_costs(&catalog, name).map(|costs| costs.prompt.get());
    assert_eq!(prompt("gemini-3-pro-image-001"), Some(2_000_000));
    assert_eq!(prompt("gemini-3-pro-002"), Some(1));
    assert_eq!(prompt("gemini-3-professional"), None);
    assert_eq!(prompt("models/gemini-3-pro"), Some(1));
}
