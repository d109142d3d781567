use super::*;

const SECOND: Duration = Duration::from_secs(1);

const PROBE_AFTER: Duration = Duration::from_secs(15);

fn keys(count: usize) -> Keys {
    Keys::new((0..count).map(|key| SecretString::from(format!("key-{key}"))).collect(), PROBE_AFTER)
}

#[test]
fn keys_are_used_turn_by_turn_and_each_is_there_to_fall_back_on() {
    let (keys, now) = (keys(3), Instant::now());
    let turns: Vec<_> = (0..4).map(|_| keys.free("m", now)).collect();
    assert_eq!(turns, [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]]);
    keys.refused(1, now);
    let first: Vec<_> = (0..4).map(|_| keys.free("m", now)[0]).collect();
    assert_eq!(first, [2, 0, 2, 0], "the turns go on among those that are free");
}

#[test]
fn a_quota_is_of_a_key_and_a_model() {
    let (keys, now) = (keys(2), Instant::now());
    keys.over_quota(0, "m", Some(30 * SECOND), now);
    assert_eq!((keys.free("m", now), keys.ready("m", now)), (vec![1], Ready::Ready));
    assert_eq!(keys.free("other", now).len(), 2);
    keys.over_quota(1, "m", Some(20 * SECOND), now);
    assert_eq!((keys.free("m", now), keys.ready("m", now)), (vec![], Ready::RestsUntil(now + 20 * SECOND)));
    keys.over_days_quota(1, "m", now);
    assert_eq!(keys.ready("m", now), Ready::RestsUntil(now + 30 * SECOND), "the other one is back sooner");
    keys.over_days_quota(0, "m", now);
    assert_eq!(keys.ready("m", now), Ready::QuotaGone);
    assert_eq!((keys.ready("other", now), keys.ready("m", now + DAY_REST)), (Ready::Ready, Ready::Ready));
}

#[test]
fn an_unnamed_wait_doubles_while_refusals_follow_each_other() {
    let (keys, mut now) = (keys(1), Instant::now());
    let mut waits = Vec::new();
    for _ in 0..6 {
        keys.over_quota(0, "m", None, now);
        // Its neighbour, which was under way at the same time.
        keys.over_quota(0, "m", None, now);
        let Ready::RestsUntil(until) = keys.ready("m", now) else { panic!("it does not rest") };
        waits.push((until - now).as_secs());
        now = until;
    }
    assert_eq!(waits, [5, 10, 20, 40, 60, 60]);
    keys.answered(0, "m", now);
    keys.over_quota(0, "m", None, now);
    assert_eq!(keys.ready("m", now), Ready::RestsUntil(now + 5 * SECOND));
    keys.answered(0, "m", now);
    assert!(keys.free("m", now).is_empty(), "an older call's success ends no rest");
}

#[test]
fn a_wait_of_no_time_is_floored_by_our_own() {
    let (keys, mut now) = (keys(1), Instant::now());
    for own in [5, 10, 20] {
        keys.over_quota(0, "m", Some(Duration::ZERO), now);
        assert_eq!(keys.ready("m", now), Ready::RestsUntil(now + own * SECOND));
        now += own * SECOND;
    }
    keys.over_quota(0, "m", Some(300 * SECOND), now);
    assert_eq!(keys.ready("m", now), Ready::RestsUntil(now + 300 * SECOND), "Google's longer wait is kept");
}

#[test]
fn a_refused_key_and_a_blocked_place_wait_for_a_probe() {
    let (keys, now) = (keys(2), Instant::now());
    keys.refused(0, now);
    assert_eq!(keys.ready("m", now), Ready::Ready);
    keys.refused(1, now);
    let hours = now + 1_000 * SECOND;
    assert_eq!((keys.ready("m", hours), keys.trouble()), (Ready::NoGoodKey, Trouble::KeyInvalid));
    assert!(keys.free("m", hours).is_empty());
    assert!(keys.to_probe(now).is_empty());
    assert_eq!(keys.to_probe(now + PROBE_AFTER), [0, 1]);
    assert!(keys.to_probe(now + PROBE_AFTER + PROBE_AFTER).is_empty(), "the next wait is longer");
    keys.good(1);
    assert_eq!(keys.free("m", now), [1]);
    keys.blocked(now);
    assert_eq!((keys.ready("m", hours), keys.trouble()), (Ready::NoGoodKey, Trouble::RegionBlocked));
    assert!(keys.to_probe(now + PROBE_AFTER).contains(&1), "any good key shows whether we are served");
    keys.good(1);
    assert_eq!(keys.ready("m", now), Ready::Ready);
}

#[test]
fn a_model_that_is_denied_says_nothing_of_the_key() {
    let (keys, now) = (keys(2), Instant::now());
    keys.denied(0, "m", now);
    assert_eq!((keys.free("m", now), keys.ready("m", now)), (vec![1], Ready::Ready));
    keys.denied(1, "m", now);
    assert_eq!((keys.free("m", now), keys.ready("m", now)), (vec![], Ready::Denied));
    assert_eq!((keys.free("other", now).len(), keys.ready("other", now)), (2, Ready::Ready));
    assert!(keys.to_probe(now + PROBE_AFTER).is_empty() && keys.resting(now).is_empty());
    keys.over_days_quota(1, "m", now);
    assert_eq!(keys.ready("m", now), Ready::QuotaGone);
    keys.over_quota(1, "m", Some(20 * SECOND), now);
    let until = now + 20 * SECOND;
    assert_eq!(
        (keys.ready("m", now), keys.resting(now)),
        (Ready::RestsUntil(until), vec![("m".into(), until)])
    );
    assert_eq!(keys.ready("m", now + DENIED_REST), Ready::Ready);
}

#[test]
fn only_a_call_that_succeeds_ends_the_doubling_between_probes() {
    let of_the_key: fn(&Keys, Instant) = |keys, now| keys.refused(0, now);
    for refuse in [of_the_key, Keys::blocked] {
        let (keys, mut now) = (keys(1), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..3 {
            refuse(&keys, now);
            let mut wait = PROBE_AFTER;
            while keys.to_probe(now + wait).is_empty() {
                wait += PROBE_AFTER;
            }
            now += wait;
            waits.push(wait.as_secs());
            keys.good(0);
            assert_eq!(keys.ready("m", now), Ready::Ready, "it is tried");
        }
        assert_eq!(waits, [15, 30, 60]);
        assert!(keys.to_probe(now + 1_000 * SECOND).is_empty(), "nobody asks for what is used");
        keys.answered(0, "m", now);
        refuse(&keys, now);
        assert_eq!(keys.to_probe(now + PROBE_AFTER), [0]);
    }
}

#[test]
fn without_keys_there_is_none_that_is_good() {
    assert_eq!(
        (keys(0).ready("m", Instant::now()), keys(0).free("m", Instant::now())),
        (Ready::NoGoodKey, vec![])
    );
}

#[test]
fn a_start_proves_nothing_and_a_call_or_a_probe_does() {
    let now = Instant::now();
    let (called, probed) = (keys(1), keys(1));
    assert!(called.ready("m", now) == Ready::Ready && !called.is_proven());
    called.answered(0, "m", now);
    assert!(called.is_proven());
    probed.refused(0, now);
    assert!(!probed.is_proven(), "a refusal");
    probed.good(0);
    assert!(probed.is_proven());
}
