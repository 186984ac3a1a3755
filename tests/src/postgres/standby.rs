use std::fs;

use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::server::Server;

impl Server {
    /// Starts a standby of another server: it takes queries, refuses writes, and has the same users and passwords.
    ///
    /// # Panics
    ///
    /// If it does not start; the message holds the server's log.
    pub async fn standby_of(primary: &Self) -> Self {
        let socket = primary.socket_folder();
        let source = format!("host={} port={} user=postgres", socket.display(), primary.port());
        let mut setup = primary.setup().clone();
        setup.configuration.push(format!("primary_conninfo = '{source}'"));
        let mut standby = Self::prepare(setup);
        let label = copy_cluster(primary, &mut standby).await;
        fs::remove_file(standby.data().join("postmaster.pid"))
            .expect("the copy is of a running server");
        standby.write("data/backup_label", &label);
        standby.write("data/standby.signal", "");
        standby.launch().await;
        standby
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
    standby.supervisor().copy_data(&primary.data());
    let row = sqlx::raw_sql(AssertSqlSafe(format!("SELECT labelfile FROM {stop}")))
        .fetch_one(&mut session)
        .await
        .expect("a backup can be ended");
    session.close().await.expect("a session can be ended");
    row.try_get(0).expect("a backup has a label")
}
