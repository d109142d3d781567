use super::*;
use crate::books::payment::sample;
use crate::store::OpenTelling;

fn told() -> Told {
    let notice = Notice {
        provider: "yookassa".into(),
        event: "payment.succeeded".into(),
        object: "276a9776-000f-5000-a000-179a4d5c6bad".into(),
        outcome: "settled".into(),
        times: 5,
        first_at: 1_795_259_110_000_000,
        last_at: 1_795_259_170_000_000,
        body: String::new(),
    };
    let telling =
        OpenTelling { position: 1_234_003, r#type: "PaymentSettled".into(), attempt: 0, lease_until: 0 };
    Told { life: sample(), telegram_user: Some(7_001), tellings: vec![telling], notices: vec![notice] }
}

#[test]
fn a_payments_life_fits_its_paper() {
    let wanted = "\
Payment p-f3d0c9a25b1e4c7d9a601b2c3d4e5f60-0123456789abcdef

state         settled, 2026-11-21 14:05:12
account       f3d0c9a2-5b1e-4c7d-9a60-1b2c3d4e5f60
person        telegram:7001
asked for     rub-100: 100 credits for 100.00 RUB
by            yookassa
provider's id 276a9776-000f-5000-a000-179a4d5c6bad
opened        2026-11-21 14:05:09, open until 2026-11-21 15:05:09
paid          100.00 RUB, 2026-11-21 14:05:09 by the provider
fee           3.50 RUB, net 96.50 RUB

Credits bought
────────────────────────────────────────────────────────────────────────────────
lot 5         100 credits
              left 0, held 0, consumed 61, revoked 39, expired 0
              revenue so far 61.00, deferred 0.00, taken out for refunds 39.00,
              breakage 0.00 RUB

Refunds
────────────────────────────────────────────────────────────────────────────────
settled       f-f3d0c9a25b1e4c7d9a601b2c3d4e5f60-0123456789abcdef
              50.00 RUB, 50 credits, by operator, 2026-11-21 14:05:18
              credits taken back 39, made debt 11
              provider's id back-1
              closed 2026-11-21 14:05:21, 2026-11-21 14:05:21 by the provider
              reason: asked for in the chat, since the pictures were not what
              was meant by the prompt at all

Quarantine
────────────────────────────────────────────────────────────────────────────────
settled       amount_differs
              seen: succeeded, 70.00 RUB; provider's id
              276a9776-000f-5000-a000-179a4d5c6bad
              position 1,234,002, 2026-11-21 14:05:11; decided by person

Events
────────────────────────────────────────────────────────────────────────────────
2026-11-21
14:05:09  1,234,000 PaymentOpened      100 for 100.00 RUB         person
14:05:10  1,234,001 PaymentRegistered  by yookassa                person
14:05:11  1,234,002 PaymentQuarantined amount_differs             person
14:05:12  1,234,003 PaymentSettled     100.00 RUB by yookassa     person
14:05:13  1,234,004 CreditsGranted     100 bought                 person
14:05:14  1,234,005 DebtPaid           1 of the debt paid         person
14:05:15  1,234,006 PaymentFeeRecorded 3.50 RUB kept              person
14:05:18  1,234,009 RefundOpened       50.00 RUB, 50 credits      operator:ann
14:05:19  1,234,010 CreditsRevoked     39 taken back: refund      operator:ann
14:05:20  1,234,011 DebtIncurred       11 owed: refund of what    operator:ann
                                       was spent
14:05:21  1,234,012 RefundSettled      50.00 RUB back by yookassa person

Still to be told
────────────────────────────────────────────────────────────────────────────────
              PaymentSettled, position 1,234,003

Notifications kept
────────────────────────────────────────────────────────────────────────────────
              payment.succeeded 276a9776-000f-5000-a000-179a4d5c6bad
              settled; 2026-11-21 14:05:10 to 2026-11-21 14:06:10, 5 times
";
    let text = paper(&told());
    assert_eq!(text, wanted);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn what_is_not_there_is_not_told() {
    let mut told = told();
    (told.telegram_user, told.tellings, told.notices) = (None, Vec::new(), Vec::new());
    (told.life.lots, told.life.refunds, told.life.quarantine) = (Vec::new(), Vec::new(), Vec::new());
    let text = paper(&told);
    for absent in ["person  ", "\nRefunds", "\nQuarantine", "Credits bought", "told", "Notifications"] {
        assert!(!text.contains(absent), "{absent}: {text}");
    }
}
