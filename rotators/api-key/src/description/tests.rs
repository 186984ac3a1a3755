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

#[test]
fn the_table_of_providers_has_each_description_with_the_fields_that_it_needs() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("PROVIDERS.md");
    let table = std::fs::read_to_string(file).unwrap();
    for (name, text) in BUILT_IN {
        let description = Provider::from_toml(name, text).unwrap().description;
        let row = table.lines().find(|line| line.contains(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("{name} is not in the table"));
        let (needed, _) = description.read();
        let of_the_admin = description.needed_of_the_admin();
        for field in needed.iter().chain(&of_the_admin) {
            let usual = ["key", "key_id"].contains(field);
            assert!(usual || row.contains(&format!("`{field}`")), "{name}: {field}");
        }
        let strategy = description.strategy.name().replace('-', " ");
        assert!(row.contains(&format!("| {strategy} |")), "{name}: {strategy}");
        if let Some(limit) = description.limit {
            assert!(row.contains(&format!("| {limit} |")), "{name}: {limit}");
        }
    }
}

#[test]
fn a_request_has_a_user_and_a_password_of_its_own_only_where_nobody_in_particular_sends_it() {
    let text = |by: &str| {
        format!(
            "title = \"x\"\nstrategy = \"regenerate\"\nbase_url = \"https://example.com\"\nprincipal = \"x\"\n\
             key = {{ bearer = \"{{key}}\" }}\ntest = {{ method = \"GET\", path = \"/\" }}\n\
             [update]\nby = \"{by}\"\nmethod = \"POST\"\npath = \"\"\nfields = {{ key = \"/key\" }}\n\
             basic = {{ user = \"{{user}}\", password = \"{{key}}\" }}\n"
        )
    };
    Provider::from_toml("x", &text("anyone")).unwrap();
    let problem = Provider::from_toml("x", &text("key")).unwrap_err();
    assert!(problem.contains("say by = \"anyone\""), "{problem}");
}

#[test]
fn the_description_in_the_readme_is_whole() {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```toml\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    Provider::from_toml("acme", text).unwrap();
}
