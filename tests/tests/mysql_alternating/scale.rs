//! Two users of MySQL or MariaDB that take turns and have thousands of privileges.

use turnlock_tests::mysql::{Product, Server};
use turnlock_tests::turns::Turns;

/// Privileges on single tables.
const MANY: usize = 2000;

/// Tables, and on each of them a privilege and one on a column.
async fn grants(server: &Server, count: usize) {
    server.sql("CREATE DATABASE IF NOT EXISTS many").await;
    let grant = |n: usize| {
        format!(
            "CREATE TABLE many.t{n} (x int) ENGINE = MEMORY; \
             GRANT SELECT, UPDATE (x) ON many.t{n} TO app@'%'"
        )
    };
    let all: Vec<String> = (0..count).map(grant).collect();
    for some in all.chunks(200) {
        server.sql(&some.join("; ")).await;
    }
}

/// What one rotation asks of the server: every statement that answers with rows, but for those that come with each
/// change, in its message.
async fn questions(turns: &Turns) -> usize {
    let mark = turns.mark();
    turns.rotate_calmly().await;
    let log = turns.server.log_since(mark);
    ["Query\tSELECT", "Query\tSHOW GRANTS", "Query\tSHOW CREATE"]
        .iter()
        .map(|question| log.matches(*question).count())
        .sum()
}

#[tokio::test]
async fn two_thousand_privileges_take_as_many_questions_as_one() {
    for product in Product::ALL {
        let few = Turns::start(product).await;
        grants(&few.server, 1).await;
        let many = Turns::start(product).await;
        grants(&many.server, MANY).await;
        for turn in 0..2 {
            let (one, other) = (questions(&few).await, questions(&many).await);
            assert_eq!(other, one, "{product:?}, turn {turn}");
            assert!(one > 0);
        }
        let query = |user: &str| {
            format!("SELECT count(*) FROM mysql.tables_priv WHERE user = '{user}' AND db = 'many'")
        };
        for user in [many.user("AWSCURRENT"), many.user("AWSPREVIOUS")] {
            assert_eq!(many.server.query_one(&query(&user)).await, MANY.to_string());
        }
    }
}
