//! Random lives, audited after every step.

use proptest::prelude::*;

use crate::auditor::Auditor;
use crate::steps::{small_world, step};

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_life_breaks_an_invariant(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = small_world();
        let mut auditor = Auditor::default();
        for step in steps {
            if let crate::steps::Step::Later { seconds } = step {
                world = world.later(seconds);
            }
            match step.command(&mut world) {
                // A refusal changes nothing: the state was lent.
                Some(command) => { let _ = world.act(command); }
                None => {
                    let events = step.events(&world, &auditor);
                    world.happen(events);
                }
            }
            auditor.audit(&world);
        }
    }
}
