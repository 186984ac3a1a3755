//! The demo does what it shows, and leaves nothing behind.

#![expect(clippy::expect_used, reason = "helpers of tests, too")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use turnlock_tests::binaries;

/// The demo with a folder of its own for temporary files; its output goes to a pipe.
fn demo(temporary: &Path) -> Command {
    let mut command = Command::new(binaries::find("demo"));
    command.env("TMPDIR", temporary).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A folder that the server's own user may enter, with a path short enough for a socket.
fn folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let open = fs::Permissions::from_mode(0o777);
    tempfile::Builder::new().prefix("demo-").permissions(open).tempdir_in("/tmp").expect("a folder")
}

fn entries(folder: &Path) -> BTreeSet<PathBuf> {
    fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).collect()
}

/// The processes that have a folder in their environment, arguments or working directory.
fn processes_at(folder: &Path) -> Vec<String> {
    let name = folder.display().to_string();
    let is_there = |process: &Path| {
        let text = |file: &str| fs::read(process.join(file)).unwrap_or_default();
        let directory = fs::read_link(process.join("cwd")).unwrap_or_default();
        let said = [text("cmdline"), text("environ")].concat();
        String::from_utf8_lossy(&said).contains(&name) || directory.starts_with(folder)
    };
    let processes = entries(Path::new("/proc")).into_iter().filter(|process| is_there(process));
    // The loop that stops the server ends at once, but its last `sleep 0.1` sleeps on.
    let is_asleep = |process: &Path| {
        fs::read(process.join("comm")).is_ok_and(|name| name.trim_ascii_end() == b"sleep")
    };
    let processes = processes.filter(|process| !is_asleep(process));
    processes.map(|process| process.display().to_string()).collect()
}

/// For what guards the folder of a demo that ends by itself, which ends when the demo does.
const MOMENT: Duration = Duration::from_secs(2);
/// For those that outlive a demo that is killed: the server's supervisor, and the function until its time is over.
const LONG: Duration = Duration::from_secs(180);

/// Waits this long for those that outlive a demo.
fn assert_nothing_is_left(folder: &Path, patience: Duration) {
    let began = Instant::now();
    loop {
        let (processes, files) = (processes_at(folder), entries(folder));
        if processes.is_empty() && files.is_empty() {
            return;
        }
        assert!(began.elapsed() < patience, "left: {processes:?} {files:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_demo_rotates_twice_checks_itself_and_leaves_nothing() {
    let folder = folder();
    let output = demo(folder.path()).output().expect("the demo runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty());
    assert_eq!(text.matches("  2 accepted, 0 refused").count(), 2, "{text}");
    assert_eq!(text.matches(" 11 calls in ").count(), 2, "{text}");
    assert!(text.contains("refused for "), "{text}");
    assert_eq!(text.matches("  ✓ ").count(), 6, "{text}");
    assert!(text.contains("\nAll as promised"), "{text}");
    assert!(!text.contains('\x1b'), "no escape codes in a pipe");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert_nothing_is_left(folder.path(), MOMENT);
}

#[test]
fn the_demo_of_two_users_refuses_no_consumer_checks_itself_and_leaves_nothing() {
    let folder = folder();
    let output = demo(folder.path()).arg("alternating").output().expect("the demo runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty());
    for user in ["app", "app_clone"] {
        let other = format!("  {user} logs in, writes, reads, creates as app\n");
        assert!(text.matches(&other).count() >= 2, "{text}");
    }
    let times = text.lines().find_map(|line| line.strip_suffix(" failed")?.strip_prefix("  ✓ "));
    let times =
        times.and_then(|line| line.strip_suffix(" times a consumer logged in anew and worked, 0"));
    assert!(
        times.and_then(|times| times.parse().ok()).is_some_and(|times: u32| times > 5),
        "{text}"
    );
    assert!(text.contains("svc exists and was not made"), "{text}");
    assert_eq!(text.matches("  ✓ ").count(), 8, "{text}");
    assert!(text.contains("\nAll as promised"), "{text}");
    assert!(!text.contains('\x1b'), "no escape codes in a pipe");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert_nothing_is_left(folder.path(), MOMENT);
}

#[test]
fn the_demo_of_mysql_and_mariadb_refuses_no_consumer_checks_itself_and_leaves_nothing() {
    let folder = folder();
    let output = demo(folder.path()).arg("mysql").output().expect("the demo runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty());
    for product in ["MySQL", "MariaDB"] {
        assert_eq!(text.matches(&format!("  database   {product} ")).count(), 2, "{text}");
    }
    assert_eq!(text.matches("  4, 0 refused       equal\n").count(), 10, "{text}");
    assert!(!text.contains("NOT EQUAL") && !text.contains('✗'), "{text}");
    assert!(!text.contains("refused for "), "{text}");
    for with in ["AWSCURRENT", "the password of before"] {
        let end = format!(" logins with {with}, 0 refused");
        let times = text.lines().filter_map(|line| line.strip_suffix(&end)?.strip_prefix("  ✓ "));
        let times: Vec<u32> = times.filter_map(|times| times.parse().ok()).collect();
        assert!(matches!(times[..], [one, other] if one > 40 && other > 40), "{text}");
    }
    assert_eq!(text.lines().filter(|line| line.starts_with("  ✓ ")).count(), 24, "{text}");
    assert_eq!(text.matches("\nAll as promised").count(), 4, "{text}");
    assert!(!text.contains('\x1b'), "no escape codes in a pipe");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_nothing_is_left(folder.path(), MOMENT);
}

#[test]
fn the_demo_of_api_keys_refuses_no_consumer_checks_itself_and_leaves_nothing() {
    let folder = folder();
    let output = demo(folder.path()).arg("api-key").output().expect("the demo runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty());
    // After each step of the second rotation.
    assert_eq!(text.matches(" dead  works works ").count(), 4, "{text}");
    assert!(!text.contains(", 1 ref.") && !text.contains('✗'), "{text}");
    assert_eq!(text.matches("  ✓ ").count(), 7, "{text}");
    assert!(text.contains("\nAll as promised"), "{text}");
    assert!(!text.contains('\x1b'), "no escape codes in a pipe");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_nothing_is_left(folder.path(), MOMENT);
}

#[test]
fn an_interrupted_demo_leaves_nothing() {
    for (scenario, signal) in [
        (None, "INT"),
        (None, "TERM"),
        (None, "HUP"),
        (None, "KILL"),
        (Some("alternating"), "INT"),
        (Some("alternating"), "KILL"),
        (Some("mysql"), "INT"),
        (Some("mysql"), "KILL"),
        (Some("api-key"), "INT"),
        (Some("api-key"), "KILL"),
    ] {
        let folder = folder();
        let mut child = demo(folder.path()).args(scenario).spawn().expect("the demo starts");
        // In the first rotation, when all is running.
        wait_for_the_function(folder.path(), &mut child);
        // The shell's own `kill`: a small system has no other.
        let mut kill = Command::new("sh");
        kill.args(["-c", &format!("kill -{signal} {}", child.id())]);
        assert!(kill.status().is_ok_and(|status| status.success()), "the demo runs");
        let output = child.wait_with_output().expect("the demo ends");
        assert!(!output.status.success());
        if signal != "KILL" {
            assert_eq!(processes_at(folder.path()), Vec::<String>::new(), "{signal}");
            assert_eq!(entries(folder.path()), BTreeSet::new(), "{signal}");
        }
        assert_nothing_is_left(folder.path(), LONG);
    }
}

fn wait_for_the_function(folder: &Path, demo: &mut Child) {
    let runs = |process: &String| {
        let program = fs::read_link(Path::new(process).join("exe")).unwrap_or_default();
        ["turnlock-postgres", "turnlock-mysql", "turnlock-api-key"]
            .iter()
            .any(|name| program.ends_with(name))
    };
    let began = Instant::now();
    while !processes_at(folder).iter().any(runs) {
        assert!(demo.try_wait().expect("a child").is_none(), "the demo ended");
        assert!(began.elapsed() < LONG, "the function was never started");
        thread::sleep(Duration::from_millis(20));
    }
}
