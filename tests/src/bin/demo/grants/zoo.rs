//! What breaks functions that paste the text of SHOW GRANTS.

use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;
use turnlock_tests::mysql::Product;
use turnlock_tests::world::mysql::ADMIN;

/// Objects and privileges before the first rotation.
const COMMON: &str = r"
    CREATE DATABASE shop;
    CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, note TEXT);
    CREATE TABLE shop.`a TO b` (id INT, note TEXT);
    CREATE PROCEDURE shop.`tidy``up`() SELECT count(*) FROM shop.orders;
    GRANT SELECT, INSERT, UPDATE, DELETE ON shop.* TO app@'%';
    GRANT SELECT (id), UPDATE (note) ON shop.`a TO b` TO app@'%';
    GRANT EXECUTE ON PROCEDURE shop.`tidy``up` TO app@'%';
    GRANT SELECT, INSERT ON `sales\_20__\%`.* TO app@'%' WITH GRANT OPTION;
    ALTER USER app@'%' REQUIRE SSL WITH MAX_USER_CONNECTIONS 60";

/// What the two products spell differently, or one of them has.
pub(crate) fn statements(product: Product) -> String {
    let own = match product {
        Product::MySql => r#"CREATE ROLE reader; GRANT reader TO app@'%' WITH ADMIN OPTION;
            SET DEFAULT ROLE reader TO app@'%'; GRANT XA_RECOVER_ADMIN ON *.* TO app@'%';
            ALTER USER app@'%' ATTRIBUTE '{"team": "sales"}'"#
            .to_owned(),
        Product::MariaDb => format!(
            "CREATE ROLE reader; GRANT reader TO {ADMIN}@'%' WITH ADMIN OPTION; \
             GRANT reader TO app@'%' WITH ADMIN OPTION; SET DEFAULT ROLE reader FOR app@'%'"
        ),
    };
    format!("{COMMON}; {own}")
}

/// A statement by hand about whoever is current, and a word of a line of SHOW GRANTS that tells whether it holds.
pub(crate) struct Change {
    before: &'static str,
    after: &'static str,
    /// What stands before and after a word that SHOW GRANTS has afterwards, or has not.
    pub(crate) on: &'static str,
    pub(crate) privilege: &'static str,
    pub(crate) is_grant: bool,
}

/// Before each rotation but the first.
pub(crate) const CHANGES: [Change; 4] = [
    Change {
        before: "REVOKE DELETE ON shop.* FROM ",
        after: "",
        on: "ON `shop`.*",
        privilege: "DELETE",
        is_grant: false,
    },
    Change {
        before: "GRANT CREATE VIEW, SHOW VIEW ON shop.* TO ",
        after: "",
        on: "ON `shop`.*",
        privilege: "CREATE VIEW",
        is_grant: true,
    },
    Change {
        before: "REVOKE UPDATE (note) ON shop.`a TO b` FROM ",
        after: "",
        on: "ON `shop`.`a TO b`",
        privilege: "UPDATE (",
        is_grant: false,
    },
    Change {
        before: r"GRANT SELECT ON `archive\_%`.* TO ",
        after: " WITH GRANT OPTION",
        on: r"ON `archive\_%`.*",
        privilege: "SELECT",
        is_grant: true,
    },
];

impl Change {
    /// The statement about this user.
    pub(crate) fn by_hand(&self, user: &str) -> String {
        format!("{}{user}@'%'{}", self.before, self.after)
    }
}

/// What a consumer does.
pub(crate) async fn work(session: &mut MySqlConnection) -> Result<(), String> {
    const STATEMENTS: &str = "INSERT INTO shop.orders (note) VALUES ('work'); \
        UPDATE shop.orders SET note = 'done' WHERE note = 'work' LIMIT 1; \
        SELECT count(*) FROM shop.orders; SELECT count(id) FROM shop.`a TO b`; CALL shop.`tidy``up`()";
    let done = sqlx::raw_sql(AssertSqlSafe(STATEMENTS)).execute(session).await;
    done.map(drop).map_err(|error| error.to_string())
}
