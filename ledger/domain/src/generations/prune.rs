//! Forgetting generations long over, so that an account stays small however long it lives.
//!
//! What a forgotten one is asked is refused as not found. The newest are kept: a command about one
//! comes minutes after its end, and repeats of commands are told by their ids, not by this.

use super::{GenerationState as State, Generations};

/// Those that nothing can happen to any more.
pub(super) const OVER_MAX: usize = 64;
/// Those that may still be delivered, or bring a late result.
pub(super) const WAITING_MAX: usize = 256;

/// Of each class, forgets the one that changed longest ago when there are too many. Called at each
/// change, which adds one to a class at most.
pub(super) fn prune(generations: &mut Generations) {
    let over = |state| matches!(state, State::Failed | State::Canceled | State::Delivered | State::Lost);
    let waiting = |state| matches!(state, State::Succeeded | State::TimedOut);
    forget(generations, over, OVER_MAX);
    forget(generations, waiting, WAITING_MAX);
}

fn forget(generations: &mut Generations, class: fn(State) -> bool, max: usize) {
    let of_class = || generations.iter().filter(|(_, g)| class(g.state));
    if of_class().count() > max
        && let Some((oldest, _)) = of_class().min_by_key(|(_, g)| g.changed)
    {
        let oldest = *oldest;
        generations.remove(&oldest);
    }
}
