//! The second factor, with codes that another program makes.

use std::process::Command;

use e2e::Stage;
use reqwest::StatusCode;

use crate::desk::{Answer, PASSWORD, Seat, hires, open};

/// As any app does, so many steps from now.
pub fn code(secret: &str, steps: i32) -> String {
    let program = "import base64,hashlib,hmac,struct,sys,time\n\
        key = base64.b32decode(sys.argv[1].replace('-', ''))\n\
        step = int(time.time()) // 30 + int(sys.argv[2])\n\
        h = hmac.new(key, struct.pack('>Q', step), hashlib.sha1).digest()\n\
        at = h[-1] & 15\n\
        print('%06d' % ((struct.unpack('>I', h[at:at+4])[0] & 0x7fffffff) % 10**6))";
    let made = Command::new("python3").args(["-c", program, secret, &steps.to_string()]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

pub fn between<'a>(text: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    text.split(from).skip(1).map(|part| part.split(to).next().unwrap()).collect()
}

/// Turns it on; the secret, the code that was taken for it, and the recovery codes.
pub fn turns_on(seat: &Seat<'_>) -> (String, String, Vec<String>) {
    let page = seat.posts("/me/totp/begin", &[]).text;
    let secret = between(&page, "class=\"secret\">", "<")[0].to_owned();
    assert!(page.contains("<svg class=\"qr\""), "no picture");
    let id = between(&page, "name=\"id\" value=\"", "\"")[0].to_owned();
    let wrong = seat.posts("/me/totp/confirm", &[("id", &id), ("code", "000000x")]);
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!wrong.text.contains(&secret), "it is shown once");
    let taken = code(&secret, 0);
    let page = seat.posts("/me/totp/confirm", &[("id", &id), ("code", &taken)]).text;
    let codes = between(&page, "<li><code>", "<");
    assert_eq!(codes.len(), 10, "{page}");
    (secret, taken, codes.into_iter().map(str::to_owned).collect())
}

/// As if so much time had gone by since the last code.
pub fn time_passes(stage: &Stage) {
    let sql = "UPDATE staff_totp SET last_step = last_step - 10";
    stage.sql(sqlx::query(sql).execute(&stage.pool));
}

fn gives(seat: &Seat<'_>, code: &str) -> Answer {
    seat.posts("/sign-in/code", &[("code", code), ("to", "/me")])
}

fn half_in<'a>(stage: &'a Stage) -> Seat<'a> {
    let seat = Seat::new(stage);
    assert_eq!(seat.signs_in("fin", PASSWORD).to, "/sign-in/code?to=%2F");
    assert_eq!(seat.gets("/me").to, "/sign-in?to=/me", "half is not in");
    seat
}

#[test]
fn a_code_is_asked_for_after_the_password_and_is_good_once() {
    let stage = open();
    hires(&stage, "fin", "finance");
    let (seat, elsewhere) =
        (Seat::signed_in(&stage, "fin", PASSWORD), Seat::signed_in(&stage, "fin", PASSWORD));
    let (secret, taken, recovery) = turns_on(&seat);
    assert_eq!(seat.gets("/me").status, StatusCode::OK);
    assert_eq!(elsewhere.gets("/me").to, "/sign-in?to=/me", "what was begun without a code is over");
    assert_eq!(seat.posts("/me/totp/begin", &[]).status, StatusCode::CONFLICT, "it is on");

    // Neither what was taken before, nor what is not of now, nor a password without a code.
    let one = half_in(&stage);
    for old in [taken, code(&secret, -9), code(&secret, 9), String::new()] {
        assert_eq!(gives(&one, &old).status, StatusCode::UNPROCESSABLE_ENTITY, "{old}");
    }
    time_passes(&stage);
    let now = code(&secret, 0);
    assert_eq!(gives(&one, &now).to, "/me");
    assert_eq!(one.gets("/me").status, StatusCode::OK);
    let two = half_in(&stage);
    assert_eq!(gives(&two, &now).status, StatusCode::UNPROCESSABLE_ENTITY, "a code is good once");
    time_passes(&stage);
    for _ in 0..4 {
        assert_eq!(gives(&two, "123").status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let late = gives(&two, &code(&secret, 0));
    assert!(late.text.contains("слишком много попыток"), "five tries of a sign-in: {}", late.text);
    assert_eq!(gives(&Seat::new(&stage), &code(&secret, 0)).status, StatusCode::UNPROCESSABLE_ENTITY);

    // A recovery code, as people type it, once.
    let three = half_in(&stage);
    let typed = recovery[0].to_lowercase().replace('-', " ");
    assert_eq!(gives(&three, &typed).to, "/me");
    assert!(three.gets("/me").text.contains("Осталось 9 запасных кодов"));
    let four = half_in(&stage);
    assert_eq!(gives(&four, &typed).status, StatusCode::UNPROCESSABLE_ENTITY);

    // To prove it is they, to change the password, and to turn it off, it is asked for as well.
    for (path, more) in [
        ("/me/prove", &[][..]),
        ("/me/password", &[("new", PASSWORD), ("again", PASSWORD)]),
        ("/me/totp/off", &[]),
    ] {
        let form = [&[("password", PASSWORD), ("code", "123456")], more].concat();
        assert_eq!(seat.posts(path, &form).status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(
        seat.posts("/me/prove", &[("password", PASSWORD), ("code", &recovery[1])]).to,
        "/me?done=proven"
    );
    let off = [("password", PASSWORD), ("code", recovery[2].as_str())];
    assert_eq!(seat.posts("/me/totp/off", &off).to, "/me?done=totp-off");
    Seat::signed_in(&stage, "fin", PASSWORD);
    let acts: Vec<String> = stage.sql(
        sqlx::query_scalar(
            "SELECT payload::json->>'act' FROM events WHERE actor = 'operator:fin' ORDER BY position",
        )
        .fetch_all(&stage.pool),
    );
    assert_eq!(acts, ["totp_on", "totp_off"]);
    let log = "SELECT count(*) FROM events e WHERE strpos(e::text, $1) > 0";
    let told: i64 = stage.sql(sqlx::query_scalar(log).bind(secret.clone()).fetch_one(&stage.pool));
    assert_eq!(told, 0);
    stage.assert_verified();
}

#[test]
fn who_lost_a_telephone_is_let_in_by_an_administrator_or_at_the_command_line() {
    let stage = open();
    hires(&stage, "fin", "finance");
    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    let reset = |name| admin.posts("/staff/totp/reset", &[("name", name), ("reason", "lost it")]);
    assert_eq!(reset("fin").status, StatusCode::UNPROCESSABLE_ENTITY, "there is none");
    let fin = Seat::signed_in(&stage, "fin", PASSWORD);
    turns_on(&fin);
    assert!(admin.gets("/staff").text.contains(">включён<"));
    assert_eq!(reset("fin").to, "/staff?done=staff");
    assert_eq!(fin.gets("/me").to, "/sign-in?to=/me", "out at once");
    turns_on(&Seat::signed_in(&stage, "fin", PASSWORD));
    turns_on(&admin);
    assert_eq!(
        reset("admin").status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "one's own is turned off with a code"
    );
    let run = |name: &str| {
        let args = ["operator", "reset-totp", name, "--reason", "lost it", "--operator", "ann", "--yes"];
        stage.ledger_command(&args).unwrap().status.code()
    };
    assert_eq!([run("fin"), run("fin"), run("nobody")], [Some(0), Some(2), Some(2)]);
    Seat::signed_in(&stage, "fin", PASSWORD);
    let acts: Vec<String> = stage.sql(
        sqlx::query_scalar(
            "SELECT actor FROM events WHERE payload LIKE '%\"totp_reset\"%' ORDER BY position",
        )
        .fetch_all(&stage.pool),
    );
    assert_eq!(acts, ["operator:admin", "operator:ann"]);
    stage.assert_verified();
}
