//! `SECURITY.md` names a test for each measure; these are the tests that it names.

use std::fs;
use std::path::{Path, PathBuf};

/// The last column of each row of the table of attacks, with the attack.
fn tests_by_attack(text: &str) -> Vec<(&str, &str)> {
    let (_, table) = text.split_once("| attack | measure | test |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.trim_matches('|').split(" | ").collect::<Vec<_>>());
    cells
        .map(|cells| match cells[..] {
            [attack, _, tests] => (attack.trim(), tests),
            _ => panic!("not three columns: {cells:?}"),
        })
        .collect()
}

/// What stands between back-ticks.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Where a file of tests, or a module with unit tests, is.
fn find(root: &Path, name: &str) -> Option<PathBuf> {
    let module = format!("src/{name}.rs");
    let places = [format!("tests/{name}"), name.to_owned(), module, format!("src/{name}")];
    places.iter().map(|place| root.join(place)).find(|path| path.exists())
}

#[test]
fn every_test_that_security_md_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let rows = tests_by_attack(&text);
    assert!(rows.len() > 20, "the table was not found: {rows:?}");
    for (attack, tests) in rows {
        let mut file = None;
        for name in names(tests) {
            if let Some(found) = find(root, name) {
                file = Some(found);
                continue;
            }
            let file = file.as_ref().unwrap_or_else(|| panic!("{attack}: no {name}"));
            let code = fs::read_to_string(file).unwrap();
            assert!(code.contains(&format!("fn {name}(")), "{attack}: no {name} in {file:?}");
        }
        assert!(file.is_some(), "{attack}: no test");
    }
}
