//! A look at what is personal is an act: it is in the log before anything is shown.

use crate::console::Console;
use crate::console::act::{Act, Acted, Once};
use crate::store::Session;

/// The act's name in the log.
pub(in crate::console) const LOOKED: &str = "personal_data_seen";

/// `subject`: an id that names whom or what; `what` was shown, in words without anything of it. Each look is an act of its own,
/// also when the same form comes twice.
pub(in crate::console) async fn look(console: &Console, by: &Session, subject: &str, what: &str) -> Acted {
    match Act::noted(Once::new(), LOOKED, subject, what) {
        Some(act) => console.act(by, act).await,
        // Nothing here is as long as that.
        None => Acted::NotKept,
    }
}
