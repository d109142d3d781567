//! The committed schemas are those of the types. `UPDATE_SCHEMAS=1 cargo test -p proto-events`
//! writes them anew.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let update = std::env::var_os("UPDATE_SCHEMAS").is_some();
    let mut drift = Vec::new();
    let mut names = BTreeSet::new();
    for (name, schema) in proto_events::schema::all() {
        let path = folder.join(format!("{name}.json"));
        let wanted = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        names.insert(format!("{name}.json"));
        if update {
            std::fs::write(&path, &wanted).unwrap();
        } else if std::fs::read_to_string(&path).ok().as_deref() != Some(&wanted) {
            drift.push(name);
        }
    }
    for entry in std::fs::read_dir(&folder).unwrap() {
        let file = entry.unwrap().file_name().to_string_lossy().into_owned();
        if !names.contains(&file) {
            drift.push(file);
        }
    }
    assert!(
        drift.is_empty(),
        "schemas that differ from their types: {drift:?}; write them with UPDATE_SCHEMAS=1"
    );
}
