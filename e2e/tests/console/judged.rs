//! The API, judged by somebody else's program: `cargo xtask conformance --console`.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use e2e::Role;
use e2e::dice::Dice;
use e2e::pages::{self, Facts};
use ledger::console::Need;

use crate::api::token;
use crate::log::with_history;

/// How often an address is asked for with something else in it.
const ROUNDS: usize = 3;

/// `CONSOLE_JUDGE` is the judge's command, a word a line; it prints what it finds.
#[test]
#[ignore = "cargo xtask conformance --console brings the judge"]
fn the_api_is_as_it_describes_itself() {
    let judge = std::env::var("CONSOLE_JUDGE").expect("CONSOLE_JUDGE: cargo xtask conformance --console");
    let (stage, _) = with_history();
    let token = token(&stage, "judge", "administrator");
    let mut dice = Dice::new("addresses for the judge");
    let payments = stage.client("payments");
    let facts = stage.rt.block_on(Facts::prepare(&stage.pool, &payments, &mut dice, 200)).unwrap();
    let in_runtime = stage.rt.enter();
    let pages = pages::all(&stage.pool, &stage.client("ledger")).unwrap();
    drop(in_runtime);
    let mut addresses = BTreeSet::new();
    for page in pages.iter().filter(|page| page.path.starts_with("/api/v1") && page.need != Need::Nothing) {
        let description = page.path.ends_with("/openapi.json");
        for asked in page.asked.iter().flat_map(|asked| [asked; ROUNDS]).filter(|_| !description) {
            addresses.insert(facts.fill(asked, &mut dice).unwrap());
        }
    }
    let list = stage.dir().join("addresses");
    std::fs::write(&list, addresses.into_iter().collect::<Vec<_>>().join("\n")).unwrap();
    let mut words = judge.lines();
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words).args(["--base", &stage.url(Role::Ledger)]).arg("--addresses").arg(&list);
    command.env("CONSOLE_TOKEN", token).env("NO_PROXY", "127.0.0.1").stdin(Stdio::null());
    assert!(command.status().unwrap().success(), "the judge broke off; its words are above");
}
