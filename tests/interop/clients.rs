//! Other vendors' clients, with both passwords of a user that has two.

use std::path::PathBuf;
use std::process::Command;

use turnlock_tests::mysql::{Product, Setup};
use turnlock_tests::project;
use turnlock_tests::world::mysql::{FIRST_PASSWORD, USER, World};

/// A client, by the name that its script has for it.
const CLIENTS: [(&str, Client); 4] = [
    ("PyMySQL", Client::Python("pymysql")),
    ("MySQL Connector/Python, without C", Client::Python("connector")),
    ("libmysqlclient, by Connector/Python", Client::Python("libmysqlclient")),
    ("libmariadb, by the program mariadb", Client::MariaDb),
];

/// What each is tried with, and what has to come of it.
const TRIED: [(&str, &str); 3] =
    [("AWSCURRENT", "in"), ("AWSPREVIOUS", "in"), ("before that", "refused")];

#[derive(Clone, Copy)]
enum Client {
    Python(&'static str),
    MariaDb,
}

/// Prints a line for each client; whether all went well.
pub(crate) async fn run() -> bool {
    let mut is_well = true;
    for product in Product::ALL {
        let world = World::start_dual(Setup::of(product)).await;
        for _ in 0..2 {
            world.rotate().await.expect("a rotation");
        }
        let version = world.server.query_one("SELECT version()").await;
        println!(
            "{product:?} {version}, dual-password, rotated twice; who logs in with which password:\n"
        );
        println!("{:<38}{}", "", TRIED.map(|(name, _)| format!("{name:<13}")).concat().trim_end());
        for (name, client) in CLIENTS {
            let mut line = format!("{name:<38}");
            for (label, expected) in TRIED {
                let password = match label {
                    "before that" => FIRST_PASSWORD.to_owned(),
                    label => world.password(label),
                };
                let answer = client.log_in(&world, &password);
                is_well &= answer == expected;
                line += &format!("{answer:<13}");
            }
            println!("{}", line.trim_end());
        }
        println!();
    }
    is_well
}

impl Client {
    fn log_in(self, world: &World, password: &str) -> String {
        let (port, ca_file) = (world.server.port().to_string(), world.server.ca_file());
        let mut command = match self {
            Self::Python(driver) => {
                let mut command = Command::new(in_cache("mysql-clients/bin/python"));
                command.arg(project::root().join("tests/interop/clients.py"));
                command.args([driver, &port, USER]).arg(ca_file).env("PASSWORD", password);
                command
            }
            Self::MariaDb => {
                let mut command = Command::new(in_cache("mariadb-client/bin/mariadb"));
                command.args([
                    "--no-defaults",
                    "--protocol=TCP",
                    "--host=localhost",
                    "--user",
                    USER,
                ]);
                command
                    .args(["--port", &port, "--ssl-verify-server-cert", "--ssl-ca"])
                    .arg(ca_file);
                command.arg(format!("--plugin-dir={}", plugins().display()));
                command.args(["--skip-column-names", "--execute", "SELECT 'in'"]);
                command.env("MYSQL_PWD", password);
                command
            }
        };
        let output = command.output().expect("run tests/setup interop");
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("ERROR 1045") {
            return "refused".to_owned();
        }
        if !output.status.success() {
            println!("{said}");
            return "FAILED".to_owned();
        }
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

/// Of libmariadb, which is not where it was built for.
fn plugins() -> PathBuf {
    let machine = format!("{}-linux-gnu", std::env::consts::ARCH);
    in_cache("mariadb-client/usr/lib").join(machine).join("libmariadb3/plugin")
}

fn in_cache(path: &str) -> PathBuf {
    project::cache().join(path)
}
