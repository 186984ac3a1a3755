//! The commands of `docs/by-hand.md`, as they stand there, with the answers that stand there.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use turnlock_tests::offspring::{self, Offspring};
use turnlock_tests::postgres::{Authentication, Server, Setup};
use turnlock_tests::{ports, project};

/// `cargo lambda watch` may have to build the function.
const PATIENCE: Duration = Duration::from_secs(600);

/// A block of commands, and what the page says that it prints.
#[derive(Debug)]
struct Block {
    commands: String,
    in_background: bool,
    answer: Option<String>,
}

#[tokio::test]
async fn the_commands_on_the_page_answer_what_it_says() {
    let access =
        ["host all postgres 127.0.0.1/32 trust", "host all by_hand 127.0.0.1/32 scram-sha-256"];
    let authentication = Authentication::Lines(access.map(String::from).to_vec());
    let server = Server::start(Setup { authentication, ..Setup::default() }).await;
    let page = fs::read_to_string(project::root().join("docs/by-hand.md")).expect("the page");
    let blocks = blocks(&page);
    let answers = blocks.iter().filter(|block| block.answer.is_some()).count();
    assert_eq!(answers, 6, "four steps, one of them again, and a login");

    let folder = TempDir::new().expect("a folder");
    let ports = Ports { secrets_manager: ports::free(), lambda: ports::free() };
    let script = folder.path().join("page.sh");
    fs::write(&script, ports.script(&blocks, folder.path())).expect("a script");
    let log = folder.path().join("log");
    let file = File::create(&log).expect("a log");
    let mut command = offspring::command("bash");
    command.arg(&script).current_dir(project::root());
    // The AWS CLI that the other tests use, where the system has none.
    let path = std::env::var("PATH").unwrap_or_default();
    let aws = project::cache().join("aws-cli/bin");
    command.env("PATH", format!("{path}:{}", aws.display()));
    command.env("PGHOST", "127.0.0.1").env("PGPORT", server.port().to_string());
    // What cargo tells a test would have cargo build anew what this test was built from.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_of_the_running_package) {
            command.env_remove(name);
        }
    }
    command.stdout(file.try_clone().expect("a log")).stderr(file);
    let status = Offspring::start(command).wait(PATIENCE);

    let said = fs::read_to_string(&log).expect("a log");
    assert!(status.is_some_and(|status| status.success()), "{status:?}\n{said}");
    for (number, block) in blocks.iter().enumerate() {
        let Some(expected) = &block.answer else { continue };
        let answer = fs::read_to_string(folder.path().join(number.to_string()));
        assert_eq!(answer.expect("an answer").trim(), expected, "of:\n{}", block.commands);
    }
}

fn is_of_the_running_package(variable: &str) -> bool {
    let families =
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
    variable == "CARGO" || families.iter().any(|family| variable.starts_with(family))
}

/// Where the page's servers listen, since its own ports may be taken.
#[derive(Clone, Copy, Debug)]
struct Ports {
    secrets_manager: u16,
    lambda: u16,
}

impl Ports {
    /// All blocks, in order, as one script. What a block prints goes into a file of its number, if an answer follows it.
    fn script(self, blocks: &[Block], folder: &Path) -> String {
        let mut script = "set -euo pipefail\n".to_owned();
        for (number, block) in blocks.iter().enumerate() {
            let commands = self.put_into(&block.commands);
            if block.in_background {
                script += &format!("(\n{commands}) &\n");
            } else if block.answer.is_some() {
                script += &format!("{{\n{commands}}} >{}/{number}\n", folder.display());
            } else {
                script += &self.wait();
                script += &commands;
            }
        }
        script
    }

    /// The commands with these ports and with the folder that this test was built in.
    fn put_into(self, commands: &str) -> String {
        let watch = format!("cargo lambda watch --invoke-port {}", self.lambda);
        let invoke = format!("cargo lambda invoke --invoke-port {}", self.lambda);
        commands
            .replace("127.0.0.1:7878", &format!("127.0.0.1:{}", self.secrets_manager))
            .replace("--port 7878", &format!("--port {}", self.secrets_manager))
            .replace("cargo lambda watch", &watch)
            .replace("cargo lambda invoke", &invoke)
            .replace("target/debug", &project::target().join("debug").display().to_string())
    }

    /// Waits for the servers that were begun, as a reader does who looks at the other window.
    fn wait(self) -> String {
        let listens = |host: &str, port: u16| {
            format!(
                "for try in {{1..300}}; do [ -z \"$(jobs -p)\" ] && break; \
                 (: </dev/tcp/{host}/{port}) 2>/dev/null && break; sleep 0.1; done\n"
            )
        };
        listens("127.0.0.1", self.secrets_manager) + &listens("::1", self.lambda)
    }
}

/// The blocks of commands of the first part of the page; those of `console` are for other machines.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut parts = page.split("```");
    while let (Some(_prose), Some(fenced)) = (parts.next(), parts.next()) {
        let (language, text) = fenced.split_once('\n').expect("a block has lines");
        match language {
            "sh" | "sh background" => blocks.push(Block {
                commands: text.to_owned(),
                in_background: language != "sh",
                answer: None,
            }),
            "json" | "text" => {
                let block = blocks.last_mut().expect("an answer follows commands");
                block.answer = Some(text.trim().to_owned());
            }
            "console" => {}
            other => unreachable!("a block of {other}"),
        }
    }
    blocks
}
