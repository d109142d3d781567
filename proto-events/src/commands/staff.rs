//! People of the console: who may sign in there, and what they may do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Text;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads everything that is money, and exports.
    Finance,
    /// Keeps it running: projections, consumers, dead letters, broadcasts.
    Operator,
    /// People, money and the shop, and who else may sign in.
    Administrator,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Finance, Self::Operator, Self::Administrator];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Finance => "finance",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
        }
    }
}

/// Lets somebody sign in to the console, changes what they may do or their password, or lets them no more; on the stream
/// `operations`, and in the log as an act of the operator, without the password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffPut {
    /// Of letters a–z, digits, `.`, `_` and `-`; the actor of what they do.
    pub name: Text<32>,
    /// none: they may not sign in any more
    pub roles: Vec<Role>,
    /// Argon2id in PHC form; absent: the one they have
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<Text<256>>,
    pub reason: Text<500>,
}

impl StaffPut {
    /// What they may then do, and whether with another password: `finance, operator; another password`.
    pub fn detail(&self) -> String {
        let roles: Vec<&str> = self.roles.iter().map(|role| role.as_str()).collect();
        let roles = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
        if self.password_hash.is_some() { format!("{roles}; another password") } else { roles }
    }
}

impl std::fmt::Debug for StaffPut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, roles, password_hash, reason } = self;
        let password = password_hash.as_ref().map(|_| "…");
        f.debug_struct("StaffPut")
            .field("name", name)
            .field("roles", roles)
            .field("password_hash", &password)
            .field("reason", reason)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let text = |words: &str| Text::new(words).unwrap();
        let put = StaffPut {
            name: Text::new("ann").unwrap(),
            roles: vec![Role::Finance],
            password_hash: Some(Text::new("CANARY").unwrap()),
            reason: text("new here"),
        };
        let shown = format!("{put:?}");
        assert!(shown.contains("ann") && !shown.contains("CANARY"), "{shown}");
    }
}
