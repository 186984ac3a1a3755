use std::fs;
use std::time::{Duration, Instant};

use super::server::Server;
use super::setup::Product;

/// The longest that a replica may take for anything.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(20);

impl Server {
    /// Starts a replica of another server: it takes queries, refuses writes, and has the same accounts.
    ///
    /// Its certificate is the source's. It begins with the first statement that the source has ever logged.
    ///
    /// # Panics
    ///
    /// If it does not start or does not follow.
    pub async fn replica_of(source: &Self) -> Self {
        let mut setup = source.setup().clone();
        setup.configuration.push(format!("server_id = {}", source.port()));
        let read = |name| {
            let text = fs::read_to_string(source.folder().join(name)).expect("a server with TLS");
            (name, text)
        };
        let files = ["ca.pem", "server.pem", "server.key"].map(read);
        let replica = Self::start_with(setup, &files).await;
        let port = source.port();
        let (grant, follow) = match source.product() {
            Product::MySql => (
                "CREATE USER replicator@'%' IDENTIFIED BY 'of-the-replicator'",
                format!(
                    "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {port}, \
                     SOURCE_USER = 'replicator', SOURCE_PASSWORD = 'of-the-replicator', SOURCE_SSL = 1, \
                     SOURCE_LOG_FILE = 'binlog.000001', SOURCE_LOG_POS = 4, SOURCE_CONNECT_RETRY = 1; START REPLICA; \
                     SET GLOBAL super_read_only = ON"
                ),
            ),
            Product::MariaDb => (
                "CREATE USER replicator@'%' IDENTIFIED BY 'of-the-replicator'",
                format!(
                    "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {port}, \
                     MASTER_USER = 'replicator', MASTER_PASSWORD = 'of-the-replicator', \
                     MASTER_LOG_FILE = 'binlog.000001', MASTER_LOG_POS = 4, MASTER_CONNECT_RETRY = 1; START SLAVE; \
                     SET GLOBAL read_only = ON"
                ),
            ),
        };
        source.sql(&format!("{grant}; GRANT REPLICATION SLAVE ON *.* TO replicator@'%'")).await;
        replica.sql(&follow).await;
        replica.catch_up_with(source).await;
        replica
    }

    /// Waits until a replica has all that its source has.
    ///
    /// # Panics
    ///
    /// If it does not get there.
    pub async fn catch_up_with(&self, source: &Self) {
        let (asked, waited) = match self.product() {
            Product::MySql => ("SHOW BINARY LOG STATUS", "SOURCE_POS_WAIT"),
            Product::MariaDb => ("SHOW MASTER STATUS", "MASTER_POS_WAIT"),
        };
        let status = source.query_all(asked).await;
        let mut fields = status[0].split('\t');
        let (file, at) = (fields.next().expect("a file"), fields.next().expect("a position"));
        let wait = format!("SELECT {waited}('{file}', {at}, {})", PATIENCE.as_secs());
        let done = self.query_one(&wait).await;
        assert!(done.parse::<i64>().is_ok_and(|events| events >= 0), "it does not follow: {done}");
    }

    /// Keeps a replica as it is: what its source changes from now on arrives, but is not shown.
    ///
    /// # Panics
    ///
    /// If it is no replica.
    pub async fn pause_replay(&self) {
        self.sql(match self.product() {
            Product::MySql => "STOP REPLICA SQL_THREAD",
            Product::MariaDb => "STOP SLAVE SQL_THREAD",
        })
        .await;
    }

    /// Lets a replica show what has arrived meanwhile, and what comes.
    ///
    /// # Panics
    ///
    /// If it is no replica.
    pub async fn resume_replay(&self) {
        self.sql(match self.product() {
            Product::MySql => "START REPLICA SQL_THREAD",
            Product::MariaDb => "START SLAVE SQL_THREAD",
        })
        .await;
    }

    /// Asks until the answer is yes.
    ///
    /// # Panics
    ///
    /// If it stays no.
    pub async fn wait_until(&self, condition: &str) {
        let end = Instant::now() + PATIENCE;
        while self.query_one(&format!("SELECT {condition}")).await != "1" {
            assert!(Instant::now() < end, "never true: {condition}");
            tokio::time::sleep(PAUSE).await;
        }
    }
}
