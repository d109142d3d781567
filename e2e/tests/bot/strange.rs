//! What the bot was not made for: updates, entities and files that nobody foresaw, very long and odd words. Each is answered
//! in words or let be.

use e2e::people::{buttons, is_picture, said};
use e2e::{Role, Stage};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::ADMIN;
use crate::chat::Chat;

pub fn open() -> Stage {
    Stage::whole_with(&[("ADMIN_TELEGRAM_ID", &ADMIN.to_string())]).unwrap()
}

pub fn meet<'a>(stage: &'a Stage, user: i64) -> Chat<'a> {
    let chat = Chat::new(stage, user, "en");
    chat.says("/start", |_| true);
    stage.give(chat.person, 1_000);
    chat
}

/// Nothing fell over, nobody's nonsense calls an operator, no spinner turns, the log holds.
pub fn assert_calm(stage: &Stage) -> u64 {
    stage.settle();
    let taps = stage.assert_taps_answered();
    assert_eq!(stage.log_lines("ERROR"), Vec::<String>::new());
    stage.assert_verified();
    taps
}

pub fn post(chat: &Chat<'_>, body: &Value) -> i64 {
    let mut whole = json!({"language_code": "en", "first_name": "Ada"});
    whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let (status, message) = chat.stage.post(&format!("/people/{}/messages", chat.person.0), &whole);
    assert_eq!(status, 200, "{message}");
    message["message_id"].as_i64().unwrap()
}

/// A file with these bytes; the message's id.
fn sends_file(
    chat: &Chat<'_>,
    field: &'static str,
    name: &str,
    mime: &str,
    bytes: Vec<u8>,
    caption: &str,
) -> i64 {
    let url = format!("{}/people/{}/messages", chat.stage.url(Role::Sandbox), chat.person.0);
    let part = Part::bytes(bytes).file_name(name.to_owned()).mime_str(mime).unwrap();
    let mut form = Form::new().part(field, part);
    if !caption.is_empty() {
        form = form.text("caption", caption.to_owned());
    }
    let answer: Value = chat.stage.rt.block_on(async {
        let answer = chat.stage.http.post(url).multipart(form).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    });
    answer["message_id"].as_i64().unwrap()
}

pub fn count(chat: &Chat<'_>, event_type: &str) -> i64 {
    chat.stage.count_of(chat.person, event_type)
}

#[test]
fn updates_of_any_kind_are_taken_and_words_survive_what_stands_around_them() {
    let stage = open();
    let ada = meet(&stage, 7601);
    let id = ada.person.0;
    let before = stage.bot_said(ada.person).len();
    let from = json!({"id": id, "is_bot": false, "first_name": "Ada"});
    let private = json!({"id": id, "type": "private", "first_name": "Ada"});
    let message = |chat: &Value, text: &str| json!({"message_id": 5, "date": 1, "chat": chat, "from": from, "text": text});
    let channel = json!({"id": -1_001_000_000_009_i64, "type": "channel", "title": "News"});
    let member = |status: &str| {
        json!({"chat": private, "from": from, "date": 1,
        "old_chat_member": {"status": "member"}, "new_chat_member": {"status": status}})
    };
    let kinds = [
        json!({"telepathy": {"thought": "draw a cat"}}),
        json!({}),
        json!({"edited_message": message(&private, "/prompt an edited cat")}),
        json!({"channel_post": message(&channel, "/prompt a cat of a channel")}),
        json!({"edited_channel_post": message(&channel, "/prompt a cat of a channel")}),
        json!({"message": message(&channel, "/prompt a cat of a channel")}),
        json!({"message": message(&json!({"id": id, "type": "hologram"}), "/prompt a cat")}),
        json!({"business_message": message(&private, "/prompt a cat of a business")}),
        json!({"message_reaction": {"chat": private, "message_id": 5, "user": from, "date": 1}}),
        json!({"inline_query": {"id": "1", "from": from, "query": "cat", "offset": ""}}),
        json!({"chosen_inline_result": {"result_id": "1", "from": from, "query": "cat"}}),
        json!({"poll": {"id": "1", "question": "?", "options": []}}),
        json!({"poll_answer": {"poll_id": "1", "user": from, "option_ids": [0]}}),
        json!({"chat_member": member("administrator")}),
        json!({"chat_join_request": {"chat": channel, "from": from, "date": 1}}),
        json!({"my_chat_member": member("telepathic")}),
        json!({"my_chat_member": {"chat": channel, "new_chat_member": {"status": "administrator"}}}),
        json!({"purchased_paid_media": {"from": from, "paid_media_payload": "x"}}),
        json!({"message": {"message_id": 6, "date": 1, "chat": private, "from": from, "pinned_message": {}}}),
        json!({"message": {"message_id": 6, "date": 1, "chat": private, "sender_chat": channel, "text": "/help"}}),
    ];
    for (n, kind) in kinds.iter().enumerate() {
        let mut update = json!({"update_id": 40 + n});
        update.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
        assert_eq!(stage.tell_bot(&update), 200, "{update}");
    }
    assert_eq!(stage.bot_said(ada.person).len(), before, "none of them says anything to us");
    assert_eq!(count(&ada, "GenerationRequested"), 0);

    // An edited message is no second request.
    let after = ada.write("/prompt a heron");
    ada.picture_after(after);
    let edit = json!({"message_id": after, "text": "/prompt two herons"});
    assert_eq!(stage.post(&format!("/people/{id}/edits"), &edit).0, 200);

    // Whatever stands around the words.
    let strange = [
        json!({"entities": [{"type": "hologram", "offset": 0, "length": 7, "depth": 3}, 17, null, {}]}),
        json!({"entities": "all of it"}),
        json!({"entities": [{"type": "bold", "offset": -5, "length": 99_999}]}),
        json!({"forward_origin": {"type": "dreamt", "date": 1}}),
        json!({"quote": {"text": "x", "position": 0}, "external_reply": {"origin": {"type": "dreamt"}}}),
        json!({"reply_markup": {"inline_keyboard": [[{"text": "x", "hologram": {}}]]}}),
        json!({"link_preview_options": 7, "effect_id": "5", "paid_star_count": 3, "suggested_post_info": {}}),
        json!({"from": {"id": id, "is_bot": false, "first_name": "Ada", "language_code": "tlh-Latn-AQ-x-piqad"}}),
    ];
    for (n, around) in strange.iter().enumerate() {
        let prompt = format!("a strange heron number {n}");
        let after = post(&ada, &json!({"text": format!("/prompt {prompt}"), "raw": around}));
        ada.picture_after(after);
        let calls = stage.gemini_calls(&prompt);
        assert_eq!((calls.len(), calls[0]["prompt"].as_str()), (1, Some(prompt.as_str())), "{around}");
    }

    // What is no text is answered in words, once each.
    for kind in sandbox::KINDS {
        let before = stage.bot_said(ada.person).len();
        let after = ada.sends(kind);
        ada.wait(kind, after, |m| m["text"].is_string());
        ada.says("/help", |m| said(m, "/prompt"));
        assert_eq!(stage.bot_said(ada.person).len(), before + 2, "{kind}");
    }
    let pictures = 1 + strange.len();
    assert_eq!(stage.pictures(ada.person), pictures);
    assert_eq!(stage.balance_of(ada.person), (1_005 - 10 * i64::try_from(pictures).unwrap(), 0, 0));
    println!(
        "{} kinds of updates let be, {} strange messages understood, {} kinds of content answered",
        kinds.len(),
        strange.len(),
        sandbox::KINDS.len()
    );
    assert_calm(&stage);
}

#[test]
fn words_of_any_length_and_script_are_shown_as_they_were_written() {
    let stage = open();
    let admin = meet(&stage, ADMIN);
    let ada = Chat::new(&stage, 7611, "en");
    let name = "</b> & <script>\u{202e}عبد ا\u{1f469}\u{200d}\u{1f680}&amp; {0} { $x }";
    let write = |text: &str| post(&ada, &json!({"text": text, "first_name": name}));
    write("/start");
    ada.wait("the welcome", 0, |_| true);
    let odd = [
        "<b>a cat</i> & </b> <a href='tg://user?id=1'>x</a> &lt; &#0; <tg-spoiler>",
        "عارض ספר \u{202e}right to left\u{2066} a castle",
        "👩‍👩‍👧‍👦🏳️‍🌈🇦🇶 e\u{301}\u{302}\u{303}\u{304} Z͑ͫ̓ͪ̂ͫ̽a͂l̾g̿o",
        "{ $credits } {\"a\"} *bold* _it_ [x](y) `code` \\ % %s $(x)",
    ];
    // Nobody has enough: the wish is shown when it is paid for, as it was written.
    let after = write(&format!("/prompt {}", odd[0]));
    ada.wait("that it is not enough", after, |m| said(m, "10"));
    let checkout = stage.order(ada.person);
    stage.pay(&checkout);
    ada.wait("the wish", after, |m| said(m, odd[0]));
    stage.give(ada.person, 10_000);

    for prompt in odd {
        let after = write(&format!("/prompt {prompt}"));
        ada.picture_after(after);
        assert_eq!(stage.gemini_calls(prompt).len(), 1, "{prompt}");
        let page = ada.says("/history", |m| said(m, "1."));
        let line = prompt.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said(&page, &line), "{line:?} as it was written: {page}");
        let after = write(prompt);
        ada.wait("the answer", after, |m| said(m, "left"));
    }
    // As long as Telegram lets anyone write.
    let fill = |c: &str, max: usize| c.chars().cycle().take(max).collect::<String>();
    for c in ["🦊", "я", "<", "&", "عبد ", "a\n"] {
        let after = write(&fill(c, 4_096));
        ada.wait("an answer to a long text", after, |m| said(m, "left"));
        let after = write(&format!("/prompt {}", fill(c, 4_088)));
        ada.picture_after(after);
        ada.says("/history", |m| said(m, "1."));
    }
    // A caption beyond what people may write today.
    let caption = fill("🦊<&", 4_096);
    let after = post(
        &ada,
        &json!({"text": "x", "raw": {"text": null, "caption": caption, "photo": photo(&stage, &ada)}}),
    );
    let made = ada.picture_after(after);
    assert!(is_picture(&made));

    // To people of the shop, and from them.
    let after = admin.last();
    write(&format!("/support {}", odd[0]));
    let header = admin.wait("who it is", after, |m| said(m, &ada.person.0.to_string()));
    assert!(said(&header, name), "a name as it was written: {header}");
    admin.wait("the words", after, |m| said(m, odd[0]));
    admin.says(&format!("/user {}", ada.person.0), |m| said(m, name));
    let after = ada.last();
    admin.says(&format!("/message {} {}", ada.person.0, odd[0]), |m| said(m, "✅"));
    ada.wait("the message", after, |m| said(m, odd[0]));
    admin.says(&format!("/grant {} 5 {}", ada.person.0, odd[3]), |m| said(m, "✅"));
    admin.says(&format!("/user {}", "9".repeat(4_000)), |_| true);
    admin.says(&format!("/grant {} 99999999999999999999 x", ada.person.0), |_| true);
    admin.says(&format!("/grant {} -5 x", ada.person.0), |_| true);
    stage.settle();
    assert_eq!(stage.balance_of(ada.person).1, 0);
    println!("{} odd texts, 12 of 4 096 characters, a caption of 4 096", odd.len());
    assert_calm(&stage);
}

/// A photo that Telegram has.
fn photo(stage: &Stage, chat: &Chat<'_>) -> Value {
    let sent = chat.shows(&[77], None);
    let all = stage.chat(chat.person);
    let message = all.into_iter().find(|m| m["message_id"] == sent).unwrap();
    message["photo"].clone()
}

#[test]
fn files_that_are_no_pictures_or_too_large_are_refused_in_words_and_cost_nothing() {
    let stage = open();
    let ada = meet(&stage, 7621);
    let png = {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(64, 64).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    };
    let large = [png.clone(), vec![0; 21 * 1024 * 1024]].concat();
    let files: [(&str, &str, Vec<u8>, bool); 7] = [
        ("a.pdf", "application/pdf", b"%PDF-1.7".to_vec(), false),
        ("a.svg", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), false),
        ("a.txt", "text/plain", b"draw me".to_vec(), false),
        ("large.png", "image/png", large, false),
        // These look like pictures until somebody reads them.
        ("broken.png", "image/png", b"no picture at all".to_vec(), true),
        ("cut.png", "image/png", png[..png.len() / 2].to_vec(), true),
        ("bomb.heic", "image/heic", b"\0\0\0\x18ftypheic".to_vec(), true),
    ];
    let mut failed = 0;
    for (name, mime, bytes, asked) in files {
        let before = count(&ada, "GenerationRequested");
        let after = sends_file(&ada, "document", name, mime, bytes.clone(), "make it red");
        if asked {
            stage.until(name, || {
                let over = count(&ada, "GenerationFailed") + count(&ada, "GenerationSucceeded");
                (over == before + 1).then_some(())
            });
            stage.settle();
            failed += 1;
        }
        let words = ada.wait(name, after, |m| m["text"].is_string() || is_picture(m));
        assert_eq!(count(&ada, "GenerationRequested"), before + i64::from(asked), "{name}");
        println!("{name:12} {}", words["text"].as_str().unwrap_or("🖼").lines().next().unwrap_or_default());
        // Without words as well: kept, or refused.
        let after = sends_file(&ada, "document", name, mime, bytes, "");
        ada.wait(name, after, |m| m["text"].is_string());
        let page = ada.says("/refs", |m| m["text"].is_string());
        assert!(asked || said(&page, "None yet"), "{name} is not kept: {page}");
        if let Some((_, data)) = buttons(&page).into_iter().find(|(_, data)| data == "rc") {
            stage.tap(ada.person, &page, &data);
        }
    }
    let (available, reserved, debt) = stage.balance_of(ada.person);
    let made = count(&ada, "GenerationSucceeded");
    assert_eq!((available, reserved, debt), (1_005 - 10 * made, 0, 0));
    // Still there for what is one.
    let after = sends_file(&ada, "document", "fine.png", "image/png", png, "make it red");
    ada.picture_after(after);
    println!("7 files, {failed} of them found out by reading them");
    assert_calm(&stage);
}
