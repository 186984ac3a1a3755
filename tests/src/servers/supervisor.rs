use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::fs::statfs;

/// The user that servers run as, of which many refuse to run as root.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) uid: u32,
    pub(super) gid: u32,
    is_another: bool,
}

impl Owner {
    /// The user itself.
    pub(super) fn caller() -> Self {
        let own = std::fs::metadata("/proc/self").expect("a process has an owner");
        Self { uid: own.uid(), gid: own.gid(), is_another: false }
    }

    /// `postgres` or else `nobody` for root, and the user itself for everyone else.
    pub(super) fn choose() -> Self {
        let own = Self::caller();
        if own.uid != 0 {
            return own;
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
}

/// A shell in a session of its own that makes the server's folder, runs the server, and removes both when this process ends.
///
/// It learns of the end from its standard input, a pipe from this process: however this process dies, the pipe closes.
/// It is out of reach of what kills this process: a signal to the process group, a closed terminal.
/// Whatever takes time in the folder is its work, so that nothing still writes there when it is removed.
#[derive(Debug)]
pub(super) struct Supervisor {
    shell: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    folder: PathBuf,
}

/// Takes the folder for temporary files, and where the server is to run as another user that user's numbers.
///
/// Before it come the functions `create` and `run` and the signals `gentle` and `hard` of the kind of server.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT PIPE
trap : TERM
drop=${2:+setpriv --reuid $2 --regid $3 --clear-groups --}
folder=$(mktemp -d "$1/turnlock-XXXXXX") && chmod 755 "$folder" && cd "$folder" || exit 1
: >server.log
[ -z "$drop" ] || chown "$2:$3" . server.log
server=
stop() {
    [ -n "$server" ] || return 0
    # A signal is lost on a server that is so young that it does not listen for it yet.
    while kill "-$1" "$server" && sleep 0.1; do :; done &
    again=$!
    wait "$server"
    kill -KILL "$again"
    wait "$again"
    server=
}
echo "$folder"
while read -r order argument; do
    case $order in
    create) create "$argument" </dev/null >>server.log 2>&1 ;;
    copy) cp -a --reflink=auto -- "$argument" data ;;
    keep)
        mkdir -p "${argument%/*}" && cp -a --reflink=auto data "$argument-$$" &&
            mv -T "$argument-$$" "$argument" || rm -rf "$argument-$$"
        [ -d "$argument" ] ;;
    start)
        run "$argument" </dev/null >>server.log 2>&1 &
        server=$! ;;
    stop) stop "$gentle" ;;
    esac && echo done || echo failed
done
stop "$hard"
cd /
rm -rf "$folder"
"#;

impl Supervisor {
    pub(super) fn start(owner: Owner, kind: &str) -> Self {
        let mut command = Command::new("setsid");
        command.args(["sh", "-c", &format!("{kind}{SCRIPT}"), "sh"]).arg(temporary_folder(owner));
        if owner.is_another {
            command.args([owner.uid.to_string(), owner.gid.to_string()]);
        }
        let mut shell = command
            .env_clear()
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .env("LC_ALL", "C")
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

    /// Makes a new folder `data` by this program.
    pub(super) fn create_data(&mut self, program: &Path) {
        self.order("create", program);
    }

    /// Makes `data` a copy of a folder, with owners and modes.
    pub(super) fn copy_data(&mut self, from: &Path) {
        self.order("copy", from);
    }

    /// Makes a copy of `data`, whole or not at all, unless one is there by then.
    pub(super) fn keep_data(&mut self, to: &Path) {
        self.order("keep", to);
    }

    /// Starts the program; it is not ready yet when this returns.
    pub(super) fn start_server(&mut self, program: &Path) {
        self.order("start", program);
    }

    /// Stops the server in good order and returns when it is gone.
    pub(super) fn stop_server(&mut self) {
        self.order("stop", Path::new(""));
    }

    fn order(&mut self, verb: &str, path: &Path) {
        let orders = self.orders.as_mut().expect("only dropping closes the pipe");
        writeln!(orders, "{verb} {}", path.display()).expect("the server's supervisor is alive");
        let answer = read_answer(&mut self.answers);
        let log = || std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
        assert_eq!(answer, "done", "{verb} {}\n{}", path.display(), log());
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

/// Memory, if the machine has enough to spare; else the usual folder for temporary files, unless the owner may not
/// enter it or a socket's path under it would be too long. Who names a folder in `TMPDIR` gets that.
///
/// A new server is a thousand files: on a disk, making and removing them is a third of all the work of a test.
fn temporary_folder(owner: Owner) -> PathBuf {
    const LONGEST: usize = 60;
    let memory = Path::new("/dev/shm");
    if std::env::var_os("TMPDIR").is_none() && is_spare_memory(memory) {
        return memory.to_owned();
    }
    let usual = std::env::temp_dir();
    let may_enter =
        |folder: &Path| folder.metadata().is_ok_and(|metadata| metadata.mode() & 0o001 != 0);
    let fits = usual.as_os_str().len() <= LONGEST;
    let open = !owner.is_another || usual.ancestors().all(may_enter);
    if fits && open { usual } else { PathBuf::from("/tmp") }
}

/// Whether a folder of anybody's is in memory, with space for several servers: a container often has 64 MB there.
fn is_spare_memory(folder: &Path) -> bool {
    const TMPFS: u64 = 0x0102_1994;
    const ENOUGH: u64 = 3 << 30;
    const OF_ANYBODY: u32 = 0o1777;
    let of_anybody =
        folder.metadata().is_ok_and(|metadata| metadata.mode() & OF_ANYBODY == OF_ANYBODY);
    of_anybody
        && statfs(folder).is_ok_and(|system| {
            let in_memory = u64::try_from(system.f_type) == Ok(TMPFS);
            let block = u64::try_from(system.f_bsize).unwrap_or_default();
            in_memory && system.f_bavail.saturating_mul(block) >= ENOUGH
        })
}
