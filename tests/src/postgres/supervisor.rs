use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The user that servers run as, since Postgres refuses to run as root.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) uid: u32,
    pub(super) gid: u32,
    is_another: bool,
}

impl Owner {
    /// `postgres` or else `nobody` for root, and the user itself for everyone else.
    pub(super) fn choose() -> Self {
        let own = std::fs::metadata("/proc/self").expect("a process has an owner");
        if own.uid() != 0 {
            return Self { uid: own.uid(), gid: own.gid(), is_another: false };
        }
        let accounts = std::fs::read_to_string("/etc/passwd").expect("a list of users");
        let find = |name: &str| {
            accounts.lines().find_map(|line| {
                let mut fields = line.split(':');
                (fields.next()? == name).then_some(())?;
                let uid = fields.nth(1)?.parse().ok()?;
                let gid = fields.next()?.parse().ok()?;
                Some(Self { uid, gid, is_another: true })
            })
        };
        find("postgres").or_else(|| find("nobody")).expect("root needs a user to run servers as")
    }

    /// Makes a command run as this user, outside folders that the user may not enter.
    pub(super) fn run<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.current_dir("/").env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
        if self.is_another {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }
}

/// A shell in a session of its own that makes the server's folder, runs the server, and removes both when this process ends.
///
/// It learns of the end from its standard input, a pipe from this process: however this process dies, the pipe closes.
/// It is out of reach of what kills this process: a signal to the process group, a closed terminal.
#[derive(Debug)]
pub(super) struct Supervisor {
    shell: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    folder: PathBuf,
}

const SCRIPT: &str = r#"
trap '' HUP INT QUIT PIPE
trap : TERM
folder=$(mktemp -d "$1/turnlock-XXXXXX") && chmod 755 "$folder" && cd "$folder" || exit 1
server=
stop() {
    [ -z "$server" ] || kill "-$1" "$server" 2>/dev/null
    wait
    server=
}
echo "$folder"
while read -r order argument; do
    case $order in
    start)
        "$argument" -D "$folder/data" </dev/null >>"$folder/server.log" 2>&1 &
        server=$! ;;
    stop) stop INT ;;
    esac
    echo "$order"
done
stop QUIT
cd /
rm -rf "$folder"
"#;

impl Supervisor {
    pub(super) fn start(owner: Owner) -> Self {
        let mut command = Command::new("setsid");
        let mut shell = owner
            .run(&mut command)
            .args(["sh", "-c", SCRIPT, "sh"])
            .arg(temporary_folder(owner))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("setsid and sh start");
        let orders = shell.stdin.take();
        let mut answers = BufReader::new(shell.stdout.take().expect("a pipe was asked for"));
        let folder = PathBuf::from(read_answer(&mut answers));
        Self { shell, orders, answers, folder }
    }

    /// The server's folder, gone when this is dropped.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts the program; it is not ready yet when this returns.
    pub(super) fn start_server(&mut self, program: &Path) {
        self.order(&format!("start {}", program.display()));
    }

    /// Stops the server in good order and returns when it is gone.
    pub(super) fn stop_server(&mut self) {
        self.order("stop");
    }

    fn order(&mut self, order: &str) {
        let orders = self.orders.as_mut().expect("only dropping closes the pipe");
        writeln!(orders, "{order}").expect("the server's supervisor is alive");
        read_answer(&mut self.answers);
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.orders.take());
        drop(self.shell.wait());
    }
}

fn read_answer(answers: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    answers.read_line(&mut line).expect("the server's supervisor answers");
    assert!(line.ends_with('\n'), "the server's supervisor ended");
    line.trim_end().to_owned()
}

/// The usual folder for temporary files, unless the owner may not enter it or a socket's path under it would be too long.
fn temporary_folder(owner: Owner) -> PathBuf {
    const LONGEST: usize = 60;
    let usual = std::env::temp_dir();
    let may_enter =
        |folder: &Path| folder.metadata().is_ok_and(|metadata| metadata.mode() & 0o001 != 0);
    let fits = usual.as_os_str().len() <= LONGEST;
    let open = !owner.is_another || usual.ancestors().all(may_enter);
    if fits && open { usual } else { PathBuf::from("/tmp") }
}
