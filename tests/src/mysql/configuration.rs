use super::installation::Installation;
use super::setup::{Product, Setup};
use crate::servers::{Process, Tls};

/// The text of `my.cnf` with which the data folder is made, and which comes first in every server's.
pub(super) fn common(process: &Process, product: Product, installation: &Installation) -> String {
    let folder = process.folder().display();
    let mut lines = vec!["[mysqld]".to_owned()];
    if let Some(usr) = installation.unpacked() {
        let usr = usr.display();
        lines.push(format!("basedir = {usr}"));
        lines.push(format!("lc_messages_dir = {usr}/share/mysql"));
        lines.push(format!("character_sets_dir = {usr}/share/mysql/charsets"));
        lines.push(format!("plugin_dir = {usr}/lib/mysql/plugin"));
    }
    lines.push(format!("datadir = {folder}/data"));
    // A server that starts removes all temporary tables that it finds in there, whosever they are.
    lines.push(format!("tmpdir = {folder}"));
    lines.push(format!("socket = {folder}/socket/server.sock"));
    lines.push(format!("pid_file = {folder}/socket/server.pid"));
    lines.extend(COMMON.iter().copied().map(str::to_owned));
    let own: &[&str] = match product {
        Product::MySql => &MYSQL,
        Product::MariaDb => &MARIADB,
    };
    lines.extend(own.iter().copied().map(str::to_owned));
    lines.join("\n") + "\n"
}

/// The text of `my.cnf` with which the server runs; the last of a setting wins.
pub(super) fn of(process: &Process, setup: &Setup, installation: &Installation) -> String {
    let folder = process.folder().display();
    let mut lines = vec![
        format!("port = {}", process.port()),
        format!("max_connections = {}", setup.max_connections),
        "general_log = ON".to_owned(),
        format!("general_log_file = {folder}/server.log"),
        "slow_query_log = ON".to_owned(),
        format!("slow_query_log_file = {folder}/slow.log"),
        "long_query_time = 0".to_owned(),
        "log_bin = binlog".to_owned(),
        "binlog_format = MIXED".to_owned(),
    ];
    if setup.tls != Tls::Off {
        lines.push(format!("ssl_ca = {folder}/ca.pem"));
        lines.push(format!("ssl_cert = {folder}/server.pem"));
        lines.push(format!("ssl_key = {folder}/server.key"));
    }
    lines.extend(setup.configuration.iter().cloned());
    common(process, setup.product, installation) + &lines.join("\n") + "\n"
}

/// What both have in common: little memory, no care for the disk.
const COMMON: [&str; 14] = [
    "bind_address = 127.0.0.1",
    "server_id = 1",
    "performance_schema = OFF",
    "innodb_buffer_pool_size = 16M",
    "innodb_log_buffer_size = 1M",
    "innodb_data_file_path = ibdata1:5M:autoextend",
    "innodb_autoextend_increment = 1",
    "innodb_doublewrite = OFF",
    "innodb_flush_method = nosync",
    "innodb_flush_log_at_trx_commit = 0",
    "innodb_use_native_aio = OFF",
    "innodb_buffer_pool_dump_at_shutdown = OFF",
    "innodb_buffer_pool_load_at_startup = OFF",
    "sync_binlog = 0",
];

/// Certificates are the test's own or none. Key pairs for passwords without TLS are there, as every server has them.
const MYSQL: [&str; 5] = [
    "mysqlx = OFF",
    "auto_generate_certs = OFF",
    "secure_file_priv = NULL",
    "innodb_redo_log_capacity = 8M",
    "log_error_verbosity = 3",
];

const MARIADB: [&str; 5] = [
    "innodb_log_file_size = 4M",
    "key_buffer_size = 1M",
    "aria_pagecache_buffer_size = 1M",
    "plugin_maturity = unknown",
    "log_warnings = 9",
];
