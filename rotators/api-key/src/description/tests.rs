use std::path::Path;

use super::*;
use crate::providers::{BUILT_IN, Provider};

/// The schema that the repository has; `WRITE_SCHEMA=1` writes it anew.
#[test]
fn the_schema_in_the_repository_is_that_of_the_types() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("provider.schema.json");
    let schema = serde_json::to_string_pretty(&schemars::schema_for!(Description)).unwrap() + "\n";
    if std::env::var_os("WRITE_SCHEMA").is_some() {
        std::fs::write(&file, &schema).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), schema, "make schema writes it anew");
}

#[test]
fn every_description_that_is_built_in_is_whole_and_says_where_its_provider_documents_it() {
    for (name, text) in BUILT_IN {
        let provider = Provider::from_toml(name, text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let documentation = provider.description.documentation.unwrap_or_default();
        assert!(documentation.starts_with("https://"), "{name}");
    }
}

#[test]
fn every_file_of_a_description_is_built_in() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("providers");
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(BUILT_IN.iter().any(|(known, _)| *known == name), "{name}");
    }
}
