//! The checkout keeps its own rules (`cargo xtask check` says the same).

#[test]
fn the_house_rules_hold() {
    let root = xtask::machine::paths::root();
    let broken = xtask::check::house_rules::broken(&root).unwrap();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}
