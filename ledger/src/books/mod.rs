//! The books as finance reads them: of any position or time, exact, from the log alone.

pub mod moscow;
