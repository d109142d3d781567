//! Known bugs, to show that the tests would catch them. Only with the feature `planted-bugs`, which
//! nothing but those tests switches on; without it [`is`] is a constant `false`, and so is gone.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A release gives the credits back to the newest lot, whichever they were taken from.
    ReleaseOtherLots,
    /// A lot that ends takes with it what a job holds of it.
    ExpiryIgnoresHold,
    /// Each part of a lot earns its own rounded share, so that the parts don't add up.
    RevenueRounding,
}

impl Bug {
    pub const ALL: [Self; 3] = [Self::ReleaseOtherLots, Self::ExpiryIgnoresHold, Self::RevenueRounding];

    pub const fn name(self) -> &'static str {
        match self {
            Self::ReleaseOtherLots => "release_other_lots",
            Self::ExpiryIgnoresHold => "expiry_ignores_hold",
            Self::RevenueRounding => "revenue_rounding",
        }
    }
}

#[cfg(feature = "planted-bugs")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Plants this one, or none, for this thread.
#[cfg(feature = "planted-bugs")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

#[cfg(feature = "planted-bugs")]
pub(crate) fn is(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn is(_: Bug) -> bool {
    false
}
