use std::fs;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::server::Server;

/// The longest that a standby may take for anything.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(20);

impl Server {
    /// Starts a standby of another server: it takes queries, refuses writes, and has the same users and passwords.
    ///
    /// Its certificate is the primary's.
    ///
    /// # Panics
    ///
    /// If it does not start; the message holds the server's log.
    pub async fn standby_of(primary: &Self) -> Self {
        Self::standby_fed_by(primary, primary).await
    }

    /// Starts a standby of another server that hears of changes from another standby of it.
    ///
    /// # Panics
    ///
    /// If it does not start; the message holds the server's log.
    pub async fn standby_fed_by(source: &Self, primary: &Self) -> Self {
        let (socket, port) = (source.socket_folder(), source.port());
        let source = format!("host={} port={port} user=postgres", socket.display());
        let mut setup = primary.setup().clone();
        setup.configuration.push(format!("primary_conninfo = '{source}'"));
        let mut standby = Self::prepare(setup);
        for file in ["ca.pem", "server.pem", "server.key"] {
            // A server without TLS has none.
            if let Ok(text) = fs::read_to_string(primary.folder().join(file)) {
                standby.process().write(file, &text);
            }
        }
        let label = copy_cluster(primary, &mut standby).await;
        fs::remove_file(standby.data().join("postmaster.pid"))
            .expect("the copy is of a running server");
        standby.process().write("data/backup_label", &label);
        standby.process().write("data/standby.signal", "");
        standby.launch().await;
        standby
    }

    /// Keeps a standby as it is: what its source changes from now on arrives, but is not shown.
    ///
    /// # Panics
    ///
    /// If it is no standby.
    pub async fn pause_replay(&self) {
        self.sql("SELECT pg_wal_replay_pause()").await;
        self.wait_until("pg_get_wal_replay_pause_state() = 'paused'").await;
    }

    /// Lets a standby show what has arrived meanwhile, and what comes.
    ///
    /// # Panics
    ///
    /// If it is no standby.
    pub async fn resume_replay(&self) {
        self.sql("SELECT pg_wal_replay_resume()").await;
    }

    /// Cuts a standby off: what its source changes from now on is lost for it.
    ///
    /// # Panics
    ///
    /// If the server refuses it.
    pub async fn cut_off(&self) {
        self.sql("ALTER SYSTEM SET primary_conninfo = ''").await;
        self.sql("SELECT pg_reload_conf()").await;
        self.wait_until("NOT EXISTS (SELECT FROM pg_stat_wal_receiver)").await;
    }

    /// Makes a primary of a standby.
    ///
    /// # Panics
    ///
    /// If it is no standby.
    pub async fn promote(&self) {
        assert_eq!(self.query_one("SELECT pg_promote()").await, "t");
    }

    /// Asks until the answer is yes.
    ///
    /// # Panics
    ///
    /// If it stays no.
    pub async fn wait_until(&self, condition: &str) {
        let end = Instant::now() + PATIENCE;
        while self.query_one(&format!("SELECT {condition}")).await != "t" {
            assert!(Instant::now() < end, "never true: {condition}");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Copies a running server's cluster in the way PostgreSQL prescribes, all in one session; returns the label that the copy needs.
async fn copy_cluster(primary: &Server, standby: &mut Server) -> String {
    let (start, stop) = match primary.query_one("SHOW server_version_num").await.parse::<u32>() {
        Ok(..150_000) => {
            ("pg_start_backup('standby', true, false)", "pg_stop_backup(false, false)")
        }
        _ => ("pg_backup_start('standby', true)", "pg_backup_stop(false)"),
    };
    let mut session = primary.superuser("postgres").await;
    sqlx::raw_sql(AssertSqlSafe(format!("SELECT {start}")))
        .execute(&mut session)
        .await
        .expect("a backup can be started");
    standby.process().copy_data(&primary.data());
    let row = sqlx::raw_sql(AssertSqlSafe(format!("SELECT labelfile FROM {stop}")))
        .fetch_one(&mut session)
        .await
        .expect("a backup can be ended");
    session.close().await.expect("a session can be ended");
    row.try_get(0).expect("a backup has a label")
}
