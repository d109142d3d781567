//! People of the console, before an act about them is decided.

use argon2::password_hash::phc::PasswordHash;
use proto_events::Refused;
use proto_events::commands::{Role, StaffPut};
use proto_events::envelope::Approval;
use sqlx::PgPool;

use crate::sequencer::refused;
use crate::store;

/// Why it can't be, if it can't.
pub(super) async fn look(pool: &PgPool, c: &StaffPut, actor: &str) -> Result<Option<Refused>, sqlx::Error> {
    if let Some(unfit) = unfit(c) {
        return Ok(Some(refused("staff_unfit", unfit)));
    }
    let staff = store::staff(pool).await?;
    let known = staff.iter().find(|one| one.name == c.name.as_str());
    // Who was let in no more, or may less, while their own act was on its way stays so.
    let own = actor.strip_prefix("operator:") == Some(c.name.as_str());
    if own && known.is_some_and(|one| c.roles.iter().any(|role| !one.roles.contains(role))) {
        return Ok(Some(refused("staff_changed", "nobody gives themselves a role")));
    }
    if known.is_none_or(|one| !one.has_password) && c.password_hash.is_none() && !c.roles.is_empty() {
        return Ok(Some(refused("staff_unfit", "who has no password yet needs one")));
    }
    let others = staff.iter().filter(|one| one.name != c.name.as_str());
    let rules = c.roles.contains(&Role::Administrator)
        || others.flat_map(|one| &one.roles).any(|role| *role == Role::Administrator);
    let alone = "nobody else is an administrator: let somebody else be one first";
    Ok((!rules).then(|| refused("last_administrator", alone)))
}

/// Why they can't agree to anything, if they can't.
pub(super) async fn approves(pool: &PgPool, approval: &Approval) -> Result<Option<Refused>, sqlx::Error> {
    let staff = store::staff(pool).await?;
    let name = approval.by.strip_prefix("operator:").unwrap_or_default();
    let may = staff.iter().any(|one| one.name == name && one.roles.contains(&Role::Administrator));
    Ok((!may).then(|| refused("not_allowed", "only an administrator agrees to what another wants")))
}

fn unfit(c: &StaffPut) -> Option<&'static str> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    if !c.name.bytes().all(fits) || c.name.len() < 2 {
        return Some("a name is of 2 to 32 letters a-z, digits, '.', '_' and '-'");
    }
    if c.reason.trim().is_empty() {
        return Some("an act has a reason");
    }
    let hash = c.password_hash.as_ref()?;
    let argon2id = PasswordHash::new(hash).is_ok_and(|hash| hash.algorithm.as_str() == "argon2id");
    (!argon2id).then_some("the password's hash is not Argon2id in PHC form")
}
