//! The catalog at the console: written as a draft, compared, published once, and what people then pay.

use e2e::deeds::Deeds;
use e2e::people::{Person, buttons, said};
use e2e::raw::Raw;
use e2e::{Role, Stage};
use ledger::store::keep_publication;
use proto_events::AccountId;
use proto_events::catalog::Catalog;
use proto_events::queries::CatalogView;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::desk::{PASSWORD, Seat, hires, open};
use crate::four_eyes::two_of_them;

/// What a browser sends of the form with this id, as it is shown.
pub fn fields(page: &str, form: &str) -> Vec<(String, String)> {
    let (_, rest) = page.split_once(&format!("id=\"{form}\"")).unwrap_or_else(|| panic!("no {form}: {page}"));
    let body = rest.split("</form>").next().unwrap();
    let attribute = |tag: &str, name: &str| {
        let value = tag.split_once(&format!(" {name}=\""))?.1.split('"').next()?;
        Some(plain(value))
    };
    let mut fields = Vec::new();
    for tag in body.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').unwrap_or((tag, ""));
        let name = || attribute(tag, "name").unwrap();
        if tag.starts_with("input") {
            let ticks = ["checkbox", "radio"].contains(&attribute(tag, "type").unwrap().as_str());
            if !ticks || tag.contains(" checked") {
                fields.push((name(), attribute(tag, "value").unwrap_or_default()));
            }
        } else if tag.starts_with("select") {
            fields.push((name(), String::new()));
        } else if tag.starts_with("option") {
            let of = fields.last_mut().unwrap();
            if tag.contains(" selected") || of.1.is_empty() {
                of.1 = attribute(tag, "value").unwrap_or_default();
            }
        } else if tag.starts_with("textarea") {
            fields.push((name(), plain(text)));
        }
    }
    fields
}

fn plain(html: &str) -> String {
    html.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// With some of them typed over; nothing takes one out.
fn with(fields: &[(String, String)], typed: &[(&str, &str)]) -> Vec<(String, String)> {
    let is_typed = |name: &str| typed.iter().any(|(field, _)| *field == name);
    let kept = fields.iter().filter(|(name, _)| !is_typed(name)).cloned();
    let typed = typed.iter().filter(|(_, value)| !value.is_empty());
    kept.chain(typed.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))).collect()
}

pub fn posts(seat: &Seat<'_>, path: &str, fields: &[(String, String)]) -> crate::desk::Answer {
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    seat.posts(path, &fields)
}

pub fn begins(seat: &Seat<'_>) {
    let from = seat.gets("/catalog/draft").hidden("from");
    assert_eq!(seat.posts("/catalog/draft/begin", &[("from", &from)]).to, "/catalog/draft");
}

/// Opens the draft, types, saves.
pub fn saves(seat: &Seat<'_>, typed: &[(&str, &str)]) {
    let form = fields(&seat.gets("/catalog/draft").text, "draft");
    let answer = posts(seat, "/catalog/draft", &with(&form, typed));
    assert_eq!(answer.to, "/catalog/draft?done=draft-saved", "{}", answer.text);
}

pub fn publication(seat: &Seat<'_>) -> Vec<(String, String)> {
    let page = seat.gets("/catalog/draft");
    let given = [("revision", page.hidden("revision")), ("version", page.hidden("version"))];
    let given = given.map(|(name, value)| (name.to_owned(), value)).to_vec();
    with(&given, &[("reason", "spring prices"), ("sure", "on")])
}

pub fn published(stage: &Stage) -> i64 {
    let sql = "SELECT count(*) FROM events WHERE type = 'CatalogPublished'";
    stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool))
}

fn draft(stage: &Stage) -> Option<Catalog> {
    let sql = "SELECT catalog FROM catalog_draft";
    let text: Option<String> = stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool));
    text.map(|text| serde_json::from_str(&text).unwrap())
}

#[test]
fn a_price_is_written_compared_published_once_and_charged() {
    let stage = Stage::whole_where(&[(Role::Ledger, &[("ADMIN_PASSWORD", PASSWORD)])]).unwrap();
    stage.until("the first administrator", || {
        let sql = "SELECT count(*) FROM staff";
        let there: i64 = stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool));
        (there == 1).then_some(())
    });
    hires(&stage, "fin", "finance");
    let ada = Person(7101);
    stage.arrive_with_credits(ada);
    stage.write(ada, "/prompt a fox before the prices changed");
    stage.wait_for_picture(ada);
    assert_eq!(stage.balance_of(ada), (95, 0, 0));

    let [admin, fin] = ["admin", "fin"].map(|name| Seat::signed_in(&stage, name, PASSWORD));
    let now = fin.gets("/catalog").text;
    assert!(now.contains("100.00 ₽") && now.contains("gemini-nano-banana-2.1"), "{now}");
    assert!(now.contains("1K 10 · 2K 15 · 4K 30"), "whole prices by size: {now}");
    for path in ["/catalog/draft", "/catalog/draft/json"] {
        assert_eq!(fin.gets(path).status, StatusCode::FORBIDDEN, "{path}");
    }
    begins(&admin);
    let typed = [
        ("models.1.kinds.0", "15"),
        ("packages.0.price", "99,50"),
        ("packages.6.id", "rub-1000"),
        ("packages.6.credits", "1000"),
        ("packages.6.price", "900"),
        ("packages.6.currency", "RUB"),
        ("packages.6.yookassa", "on"),
        ("models.4.on", ""),
    ];
    saves(&admin, &typed);
    let found = fin.reads("/catalog/compare?to=draft");
    let change = |path: &str| {
        let changes = found["changes"].as_array().unwrap();
        let path_of = |c: &Value| {
            let parts = c["path"].as_array().unwrap();
            parts.iter().map(|part| part.as_str().unwrap()).collect::<Vec<_>>().join("/")
        };
        changes.iter().find(|c| path_of(c) == path).cloned().unwrap_or_else(|| panic!("{path} in {found}"))
    };
    let picture = change("models/gemini-nano-banana-2.1/kinds/picture/credits");
    assert_eq!(
        (&picture["from"], &picture["to"], &picture["more_per_mille"]),
        (&json!(10), &json!(15), &json!(500))
    );
    assert_eq!(change("packages/rub-100/price")["more_per_mille"], -5);
    assert!(change("packages/rub-1000/credits")["from"].is_null());
    assert!(change("models/gemini-3.5-flash-lite/kinds/text/credits")["to"].is_null());
    let page = admin.gets("/catalog/draft").text;
    for told in ["Модель · gemini-nano-banana-2.1 · Картинка · кредитов", "+50 %", "−0.5 %", "900.00 ₽"]
    {
        assert!(page.contains(told), "{told}: {page}");
    }

    // Not without the password, the reason, the confirmation; not by others.
    let form = publication(&admin);
    assert_eq!(posts(&fin, "/catalog/publish", &form).status, StatusCode::FORBIDDEN);
    for missing in ["reason", "sure"] {
        let answer = posts(&admin, "/catalog/publish", &with(&form, &[(missing, "")]));
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{missing}");
    }
    stage.sql(sqlx::query("UPDATE console_sessions SET proven_at = 0").execute(&stage.pool));
    assert_eq!(posts(&admin, "/catalog/publish", &form).status, StatusCode::FORBIDDEN);
    assert!(!admin.gets("/catalog/draft").text.contains("/catalog/publish"), "no form without the password");
    admin.proves(PASSWORD);
    assert_eq!(published(&stage), 1, "nothing so far");

    // Two presses are one publication.
    for press in 1..=2 {
        let answer = posts(&admin, "/catalog/publish", &form);
        assert_eq!(answer.to, "/catalog?done=published", "press {press}: {}", answer.text);
    }
    assert_eq!((published(&stage), draft(&stage)), (2, None));
    let now = fin.gets("/catalog").text;
    assert!(now.contains("rub-1000") && now.contains("spring prices"), "{now}");
    assert_eq!(fin.reads("/catalog?version=1")["catalog"]["models"][1]["kinds"][0]["credits"], 10);
    assert_eq!(fin.reads("/catalog/versions")["versions"][0]["version"], 2);
    stage.until("the publication among the acts, with its reason", || {
        let acts = admin.reads("/acts")["acts"].to_string();
        (acts.contains("version 2") && acts.contains("spring prices")).then_some(())
    });

    // What people pay, and what the bot tells them.
    stage.write(ada, "/prompt a fox after the prices changed");
    stage.until("the charge", || (stage.balance_of(ada) == (80, 0, 0)).then_some(()));
    stage.wait_for(ada, "the new price", |m| said(m, "15") && said(m, "80"));
    // The bot asks for prices once a second at most.
    stage.until("the new packages", || {
        let asked = stage.write(ada, "/topup");
        let menu = stage.wait_for(ada, "the packages", |m| m["message_id"].as_i64() > Some(asked));
        let labels: Vec<String> = buttons(&menu).into_iter().map(|(label, _)| label).collect();
        let there = |part: &str| labels.iter().any(|label| label.contains(part));
        (there("99,50") && there("900")).then_some(())
    });
    stage.assert_verified();
}

#[test]
fn nobody_writes_over_another_unseen_and_what_was_typed_is_not_lost() {
    let stage = open();
    hires(&stage, "boss", "administrator");
    let [admin, boss] = ["admin", "boss"].map(|name| Seat::signed_in(&stage, name, PASSWORD));
    begins(&admin);
    let twice = boss.posts("/catalog/draft/begin", &[("from", "1")]);
    assert_eq!(twice.status, StatusCode::CONFLICT, "{}", twice.text);
    let seen = fields(&admin.gets("/catalog/draft").text, "draft");
    saves(&boss, &[("bonuses-welcome", "9")]);
    let mine = with(&seen, &[("bonuses-welcome", "7"), ("packages.0.id", "rub<100>")]);
    let refused = posts(&admin, "/catalog/draft", &mine);
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(
        refused.text.contains("изменил кто-то другой") && refused.text.contains("boss"),
        "{}",
        refused.text
    );
    assert_eq!(draft(&stage).unwrap().bonuses.welcome.get(), 9, "the other's stays");
    let again = fields(&refused.text, "draft");
    let typed = |name: &str| again.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
    assert_eq!((typed("bonuses-welcome"), typed("packages.0.id")), (Some("7"), Some("rub<100>")));
    assert!(!refused.text.contains("rub<100>"), "as text alone");
    // Seen, it may be written over; pressed twice it is done once, and nobody else did it.
    for press in 1..=2 {
        let answer = posts(&admin, "/catalog/draft", &again);
        assert_eq!(answer.to, "/catalog/draft?done=draft-saved", "press {press}: {}", answer.text);
    }
    assert_eq!(posts(&boss, "/catalog/draft", &again).status, StatusCode::CONFLICT);
    assert_eq!(draft(&stage).unwrap().bonuses.welcome.get(), 7);
    // No button of the bot holds this name.
    let page = admin.gets("/catalog/draft");
    assert!(page.text.contains("Пакет rub&lt;100&gt;: на кнопке бота"), "{}", page.text);
    let revision = page.hidden("revision");
    let form = [("revision", revision.as_str()), ("version", "2"), ("reason", "r"), ("sure", "on")];
    assert_eq!(admin.posts("/catalog/publish", &form).status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(published(&stage), 1);
    for version in ["2", "0", "9223372036854775807"] {
        for path in [format!("/catalog?version={version}"), format!("/catalog/compare?from={version}")] {
            assert_eq!(admin.gets(&path).status, StatusCode::NOT_FOUND, "{path}");
        }
    }

    // What does not fit is told field by field, and stays typed.
    let form = fields(&admin.gets("/catalog/draft").text, "draft");
    let bad =
        with(&form, &[("bonuses-welcome", "many"), ("packages.0.price", "-1"), ("limits-prompt", "9999")]);
    let refused = posts(&admin, "/catalog/draft", &bad);
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for told in ["value=\"many\"", "#f-bonuses-welcome", "#f-packages.0.price", "От 1 до 4,096 симв."]
    {
        assert!(refused.text.contains(told), "{told}: {}", refused.text);
    }
    assert_eq!(draft(&stage).unwrap().bonuses.welcome.get(), 7, "nothing of it is saved");

    // A draft may be wrong while it is written, all of it is told, and it can't be published.
    let page = admin.gets("/catalog/draft/json");
    let mut whole: Value = serde_json::to_value(draft(&stage).unwrap()).unwrap();
    whole["models"][0]["kinds"][0]["default"] = json!(false);
    whole["packages"][1]["id"] = json!("rub-300");
    let (revision, text) = (page.hidden("revision"), whole.to_string());
    let answer = admin.posts("/catalog/draft/json", &[("revision", &revision), ("json", &text)]);
    assert_eq!(answer.to, "/catalog/draft?done=draft-saved", "{}", answer.text);
    let page = admin.gets("/catalog/draft").text;
    for told in ["Пакет rub-300 указан дважды", "Ответ: нет модели по умолчанию"]
    {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("/catalog/publish"), "no way to publish it");
    let revision = admin.gets("/catalog/draft").hidden("revision");
    let form = [("revision", revision.as_str()), ("version", "2"), ("reason", "r"), ("sure", "on")];
    assert_eq!(admin.posts("/catalog/publish", &form).status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(published(&stage), 1);
    for (broken, told) in [
        (text.replace("\"welcome\":7", "\"welcome\":-7"), "bonuses.welcome"),
        (text.replace("\"welcome\":7", "\"wellcome\":7"), "expected one of `welcome`"),
        ("{".to_owned(), "Строка 1"),
    ] {
        let refused = admin.posts("/catalog/draft/json", &[("revision", &revision), ("json", &broken)]);
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains(told), "{told}: {}", refused.text);
    }
    stage.assert_verified();
}

#[test]
fn a_draft_on_a_version_that_is_over_is_carried_over_first_and_a_published_one_is_none() {
    let stage = open();
    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    begins(&admin);
    saves(&admin, &[("bonuses-welcome", "8")]);
    let form = publication(&admin);
    let mut other = Catalog::default_catalog().unwrap();
    other.bonuses.referral_daily_max = 3;
    let stream = json!({"id": AccountId::CATALOG});
    let body = json!({"version": 2, "catalog": other});
    let done = Raw::new(&stage).operator("catalog_publish", "catalog:other", stream, body);
    assert_eq!(done, ["CatalogPublished"]);
    let refused = posts(&admin, "/catalog/publish", &form);
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert!(refused.text.contains("вступила в силу версия 2"), "{}", refused.text);
    assert!(!refused.text.contains("action=\"/catalog/publish\""), "{}", refused.text);
    let page = admin.gets("/catalog/draft");
    let (revision, version) = (page.hidden("revision"), page.hidden("version"));
    let answer = admin.posts("/catalog/draft/carry", &[("revision", &revision), ("version", &version)]);
    assert_eq!(answer.to, "/catalog/draft?done=draft-carried", "{}", answer.text);
    let page = admin.gets("/catalog/draft").text;
    assert!(page.contains("приглашений в сутки"), "what the other version changed is seen: {page}");
    assert_eq!(posts(&admin, "/catalog/publish", &publication(&admin)).to, "/catalog?done=published");
    assert_eq!(published(&stage), 3);

    // As if it had died before the draft was ended.
    let now = admin.reads("/catalog")["catalog"].to_string();
    let sql = "UPDATE catalog_draft SET catalog = $1, base = 2";
    stage.sql(sqlx::query(sql).bind(now).execute(&stage.pool));
    assert!(admin.reads("/catalog/draft")["draft"].is_null());
    begins(&admin);

    // Earlier prices come back as a draft.
    let revision = admin.gets("/catalog/draft").hidden("revision");
    let end = [("revision", revision.as_str()), ("sure", "on")];
    assert_eq!(admin.posts("/catalog/draft/end", &end).to, "/catalog?done=draft-ended");
    assert_eq!(admin.posts("/catalog/draft/begin", &[("from", "1")]).to, "/catalog/draft");
    assert_eq!(draft(&stage).unwrap(), Catalog::default_catalog().unwrap());
    stage.assert_verified();
}

#[test]
fn new_prices_need_a_second_word_where_the_owner_wants_it() {
    let stage = two_of_them();
    let [admin, bob] = ["admin", "bob"].map(|name| Seat::signed_in(&stage, name, PASSWORD));
    begins(&admin);
    saves(&admin, &[("bonuses-welcome", "6")]);
    let form = publication(&admin);
    let answer = posts(&admin, "/catalog/publish", &form);
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    assert_eq!(published(&stage), 1);
    assert!(admin.gets("/catalog/draft").text.contains("ждёт согласия второго администратора"));
    let waits = admin.reads("/proposals")["proposals"][0].clone();
    assert_eq!((&waits["verb"], &waits["reason"]), (&json!("catalog_publish"), &json!("spring prices")));
    let id = waits["id"].as_str().unwrap();
    let link = format!("/catalog/compare?to={}", id.replace(':', "%3A"));
    assert!(admin.gets("/proposals").text.contains(&link), "what it changes can be looked at");
    assert_eq!(admin.reads(&link)["changes"][0]["to"], 6);
    // Nobody agrees with themselves.
    let own = admin.posts("/proposals/approve", &[("proposal", id), ("reason", "fine")]);
    assert_eq!(own.status, StatusCode::UNPROCESSABLE_ENTITY);
    // Pressed again it is the same proposal.
    assert_eq!(posts(&admin, "/catalog/publish", &form).status, StatusCode::ACCEPTED);
    assert_eq!(admin.reads("/proposals")["proposals"].as_array().unwrap().len(), 1);
    let agreed = bob.posts("/proposals/approve", &[("proposal", id), ("reason", "looked")]);
    assert_eq!(agreed.to, "/proposals?done=decided", "{}", agreed.text);
    // The other's word is the newest of the catalog's stream, and hides no catalog.
    assert_eq!((published(&stage), &admin.reads("/catalog")["version"]), (2, &json!(2)));
    assert!(admin.reads("/catalog/draft")["draft"].is_null(), "the draft is what is in force");
    let view: CatalogView =
        stage.rt.block_on(Deeds::new(&stage).telegram.ask("catalog", &json!({}), None)).unwrap();
    assert_eq!((view.version, view.catalog.bonuses.welcome.get()), (2, 6));

    // What was refused is not proposed again by a press, but by another draft.
    begins(&admin);
    saves(&admin, &[("bonuses-welcome", "50")]);
    let form = publication(&admin);
    assert_eq!(posts(&admin, "/catalog/publish", &form).status, StatusCode::ACCEPTED);
    let waits = admin.reads("/proposals")["proposals"][0].clone();
    let no = [("proposal", waits["id"].as_str().unwrap()), ("reason", "too much")];
    assert_eq!(bob.posts("/proposals/refuse", &no).to, "/proposals?done=decided");
    assert_eq!(posts(&admin, "/catalog/publish", &form).status, StatusCode::CONFLICT);
    saves(&admin, &[("bonuses-welcome", "7")]);
    assert_eq!(posts(&admin, "/catalog/publish", &publication(&admin)).status, StatusCode::ACCEPTED);
    assert_eq!(published(&stage), 2);

    // Corrected since, nobody agrees to it.
    let newest = || admin.reads("/proposals")["proposals"][0].clone();
    let of = |id: &str| {
        let all = admin.reads("/proposals")["proposals"].as_array().unwrap().clone();
        all.into_iter().find(|p| p["id"] == id).unwrap()
    };
    let waited = newest()["id"].as_str().unwrap().to_owned();
    saves(&admin, &[("bonuses-welcome", "8")]);
    let over = of(&waited);
    assert_eq!(
        (&over["state"], &over["outcome"]),
        (&json!("refused"), &json!("the draft was changed since"))
    );
    let agreed = bob.posts("/proposals/approve", &[("proposal", &waited), ("reason", "late")]);
    assert_eq!(agreed.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = publication(&admin);
    assert_eq!(posts(&admin, "/catalog/publish", &form).status, StatusCode::ACCEPTED);
    let waits = newest();
    let revision: i64 = form[0].1.parse().unwrap();
    assert_eq!(waits["subject"], format!("version 3, draft {revision}"));
    let id = waits["id"].as_str().unwrap();
    let keeps = |revision| stage.rt.block_on(keep_publication(&stage.pool, id, revision)).unwrap();
    assert!(keeps(revision), "it waits");
    assert!(!keeps(revision - 1), "as if the draft had changed while it was put aside");
    assert_eq!(of(id)["state"], "refused");
    saves(&admin, &[("bonuses-welcome", "9")]);
    assert_eq!(posts(&admin, "/catalog/publish", &publication(&admin)).status, StatusCode::ACCEPTED);
    let id = newest()["id"].as_str().unwrap().to_owned();
    let agreed = bob.posts("/proposals/approve", &[("proposal", &id), ("reason", "looked")]);
    assert_eq!(agreed.to, "/proposals?done=decided", "{}", agreed.text);
    assert_eq!(
        (published(&stage), &admin.reads("/catalog")["catalog"]["bonuses"]["welcome"]),
        (3, &json!(9))
    );
    // Versions are counted by catalogs, the stream by all its events.
    assert_eq!(admin.reads("/catalog?version=1")["version"], 1);
    assert_eq!(admin.reads("/catalog/versions")["versions"].as_array().unwrap().len(), 3);
    stage.assert_verified();
}
