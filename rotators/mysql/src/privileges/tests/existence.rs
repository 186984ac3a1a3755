//! What is gone is neither granted nor missed.

use super::{change, read, shortened};
use crate::privileges::Privileges;
use crate::privileges::existence::Doubt;
use crate::version::tests::MYSQL;

const FIRST: [&str; 6] = [
    "GRANT SELECT ON `shop`.* TO `app`@`%`",
    "GRANT SELECT, INSERT ON `shop`.`o'ne` TO `app`@`%`",
    "GRANT SELECT (`a`, `B`), UPDATE (`B`) ON `shop`.`half` TO `app`@`%`",
    "GRANT EXECUTE ON FUNCTION `shop`.`f` TO `app`@`%`",
    "GRANT EXECUTE ON LIBRARY `shop`.`l` TO `app`@`%`",
    "GRANT EXECUTE ON NOVELTY `shop`.`n` TO `app`@`%`",
];

fn attainable(second: &[&str], rows: &[[&str; 4]]) -> (Privileges, Privileges) {
    let (first, second) = (read(&FIRST, MYSQL), read(second, MYSQL));
    let there = rows.iter().map(|row| row.map(str::to_owned));
    let gone = Doubt::between(&first, &second).resolved(there);
    (first.attainable(&gone, &second), second)
}

#[test]
fn one_question_asks_for_all_that_only_one_has() {
    let question =
        |second: &[&str]| Doubt::between(&read(&FIRST, MYSQL), &read(second, MYSQL)).question();
    let text = question(&[]).expect("a question");
    for part in [
        "information_schema.tables WHERE table_schema = 'shop' AND table_name IN ('half', 'o''ne')",
        "information_schema.columns WHERE table_schema = 'shop' AND table_name IN ('half') AND column_name IN ('B', 'a')",
        "information_schema.routines WHERE routine_schema = 'shop' AND routine_name IN ('f')",
        "information_schema.libraries WHERE library_schema = 'shop' AND library_name IN ('l')",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(text.matches(" UNION ALL ").count(), 3);
    assert_eq!(question(&FIRST), None);
    let rest = question(&FIRST[..4]).expect("a question");
    assert!(!rest.contains("tables") && rest.contains("libraries"), "{rest}");
}

#[test]
fn what_is_gone_is_not_granted() {
    let (wanted, second) = attainable(
        &[],
        &[
            ["TABLE", "shop", "HALF", ""],
            ["COLUMN", "shop", "half", "a"],
            ["LIBRARY", "shop", "l", ""],
        ],
    );
    assert_eq!(
        shortened(&second, &wanted, MYSQL),
        [
            "GRANT SELECT ON `shop`.* TO A",
            "GRANT SELECT (`a`) ON `shop`.`half` TO A",
            "GRANT EXECUTE ON LIBRARY `shop`.`l` TO A",
            "GRANT EXECUTE ON NOVELTY `shop`.`n` TO A",
        ]
    );
}

#[test]
fn what_is_there_is_granted() {
    let rows = [
        ["TABLE", "shop", "o'ne", ""],
        ["TABLE", "shop", "half", ""],
        ["COLUMN", "shop", "half", "a"],
        ["COLUMN", "shop", "half", "b"],
        ["FUNCTION", "shop", "f", ""],
        ["LIBRARY", "shop", "l", ""],
    ];
    let (wanted, second) = attainable(&[], &rows);
    assert_eq!(shortened(&second, &wanted, MYSQL), change(&[], &FIRST, MYSQL));
}

#[test]
fn what_is_gone_is_kept_where_both_have_it_and_taken_where_one_has() {
    let (wanted, second) = attainable(
        &[
            "GRANT SELECT, DELETE ON `shop`.`o'ne` TO `app`@`%`",
            "GRANT SELECT (`b`, `c`) ON `shop`.`half` TO `app`@`%`",
        ],
        &[["TABLE", "shop", "half", ""], ["COLUMN", "shop", "half", "a"]],
    );
    assert_eq!(
        shortened(&second, &wanted, MYSQL),
        [
            "GRANT SELECT ON `shop`.* TO A",
            "GRANT SELECT (`a`) ON `shop`.`half` TO A",
            "GRANT EXECUTE ON NOVELTY `shop`.`n` TO A",
            "REVOKE SELECT (`c`) ON `shop`.`half` FROM A",
            "REVOKE DELETE ON `shop`.`o'ne` FROM A",
        ]
    );
}
