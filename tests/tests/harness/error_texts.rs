//! What docs/errors.md says that the function reports is what it reports.

#![expect(clippy::expect_used, reason = "helpers of tests, too")]

use std::collections::BTreeSet;
use std::fs;

use turnlock::Class;
use turnlock_tests::errors::{SITUATIONS, normal};
use turnlock_tests::mysql::{self, Product};
use turnlock_tests::postgres::{Server, Setup, Version};
use turnlock_tests::project;
use turnlock_tests::world::mysql::server_with_admin;

/// A heading of the page with what is below it.
struct Section {
    class: String,
    /// The texts, each as one line.
    texts: Vec<String>,
    body: String,
}

fn sections() -> Vec<Section> {
    let path = project::root().join("docs/errors.md");
    let page = fs::read_to_string(path).expect("the page is there");
    let section = |text: &str| {
        let (class, body) = text.split_once('\n').expect("a heading is a line");
        let blocks = body.split("```text\n").skip(1);
        let block = |block: &str| block.split("```").next().map(one_line).expect("a block");
        Section { class: class.to_owned(), texts: blocks.map(block).collect(), body: body.into() }
    };
    page.split("\n## ").skip(1).map(section).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_class_has_one_heading_and_every_heading_is_a_class() {
    let headings: Vec<String> = sections().into_iter().map(|section| section.class).collect();
    assert_eq!(headings, Class::ALL.map(|class| class.name().to_owned()));
}

#[test]
fn every_class_is_provoked() {
    let provoked: BTreeSet<&str> = SITUATIONS.iter().map(|situation| situation.class).collect();
    assert_eq!(provoked, Class::ALL.map(Class::name).into_iter().collect());
}

#[test]
fn every_section_says_what_was_changed_and_whether_a_retry_helps() {
    for section in sections() {
        for words in ["**Changed:** ", "**Retry:** "] {
            assert_eq!(section.body.matches(words).count(), 1, "{words}in {}", section.class);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_texts_on_the_page_are_those_that_the_function_reports_and_no_others() {
    let begun = SITUATIONS.map(|situation| (situation, situation.begin()));
    let sections = sections();
    let texts = |section: &Section| {
        section.texts.iter().cloned().map(|text| (section.class.clone(), text)).collect::<Vec<_>>()
    };
    let mut documented = sections.iter().flat_map(texts);
    for (situation, reported) in begun {
        let reported = reported.await.unwrap_or_else(|error| panic!("{situation:?}: {error}"));
        let expected = Some((situation.class.to_owned(), reported));
        assert_eq!(documented.next(), expected, "{}", situation.what);
    }
    assert_eq!(documented.next(), None);
}

#[tokio::test]
async fn the_sql_on_the_page_is_such_that_a_server_takes_it() {
    let server = Server::start(Setup { version: Version::V18, ..Setup::default() }).await;
    let roles = "CREATE ROLE app LOGIN; CREATE ROLE app_clone LOGIN; CREATE ROLE rds_password; \
         CREATE ROLE turnlock_admin LOGIN";
    server.sql(roles).await;
    server.sql("CREATE DATABASE shop").await;
    let statements = statements_of("sql");
    assert!(statements.len() >= 6, "{statements:?}");
    for statements in statements {
        server.sql(&statements.replace("PID", "0")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sql_on_the_page_for_mysql_and_mariadb_is_such_that_they_take_it() {
    for product in Product::ALL {
        let server = server_with_admin(mysql::Setup::of(product)).await;
        let statements = statements_of(product.engine());
        assert!(statements.len() >= 2, "{statements:?}");
        for statements in statements {
            server.sql(&statements).await;
        }
    }
}

/// What stands in blocks of a language.
fn statements_of(language: &str) -> Vec<String> {
    let mark = format!("```{language}\n");
    let blocks = |section: Section| {
        let blocks = section.body.split(&mark).skip(1);
        blocks.map(|block| block.split("```").next().expect("a block").to_owned()).collect()
    };
    sections().into_iter().flat_map::<Vec<_>, _>(blocks).collect()
}

#[test]
fn only_ports_dates_labels_and_the_ends_of_arns_are_made_the_same() {
    let text = "in setSecret of arn:aws:secretsmanager:us-east-1:123456789012:secret:user-a1B2c3: \
         localhost:40123 has 5 of 7, as localhost:5 has; the admin secret arn:…:secret:admin-Y4z5W6 (tcp)";
    let same = "in setSecret of arn:aws:secretsmanager:us-east-1:123456789012:secret:app-AbCdEf: \
         localhost:5432 has 5 of 7, as localhost:5432 has; the admin secret arn:…:secret:admin-AbCdEf (tcp)";
    assert_eq!(normal(text), same);
    let text = "current at 2031-05-06T07:08:09Z, until 2031-05-06T09:08:09Z, until then; a key, labelled \
         turnlock-1-2-3 where; labelled turnlock-1-2-3";
    let label = "turnlock-0q5x3fk-0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-t9zq1ux7k2";
    let same = format!(
        "current at 2026-01-31T11:30:00Z, until 2026-01-31T13:30:00Z, until then; a key, labelled \
         {label} where; labelled {label}"
    );
    assert_eq!(normal(text), same);
}
