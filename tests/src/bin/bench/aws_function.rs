//! AWS's own function for the same job, as it runs in Lambda: Python, under AWS's own runtime client.
//!
//! It takes its trusted roots from `/etc/pki/tls/cert.pem` and nowhere else. Its process gets a mount namespace
//! of its own, in which `/etc` has that file on top; nothing of it is seen outside or stays behind.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use turnlock_local::Function;
use turnlock_tests::database::Kind;
use turnlock_tests::project;

/// The variable that names a checkout of AWS's functions.
pub(crate) const VARIABLE: &str = "AWS_FUNCTIONS";
pub(crate) const SINGLE_USER: &str = "SingleUser";
pub(crate) const MULTI_USER: &str = "MultiUser";

/// What AWS calls it.
pub(crate) fn folder_of(kind: Kind, users: &str) -> String {
    let product = match kind {
        Kind::Postgres => "PostgreSQL",
        Kind::MySql | Kind::MariaDbAsMySql => "MySQL",
        Kind::MariaDb => "MariaDB",
    };
    format!("SecretsManagerRDS{product}Rotation{users}")
}

/// What its process is started with after `-m`.
pub(crate) const RUNTIME: [&str; 2] = ["awslambdaric", "lambda_function.lambda_handler"];

const SCRIPT: &str = r#"
set -e
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc
mkdir -p /etc/pki/tls
cp "$1" /etc/pki/tls/cert.pem
cd "$2"
shift 2
exec "$@"
"#;

/// One function of a checkout.
#[derive(Clone, Debug)]
pub(crate) struct AwsFunction {
    /// The folder with `lambda_function.py`.
    pub(crate) folder: PathBuf,
    /// Python with the packages that the function and its runtime need.
    pub(crate) python: PathBuf,
}

impl AwsFunction {
    /// The single-user one for PostgreSQL, if the environment names a checkout; else what is wrong.
    pub(crate) fn from_env() -> Result<Option<Self>, String> {
        let Some(checkout) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        let folder = Path::new(&checkout).join(folder_of(Kind::Postgres, SINGLE_USER));
        if !folder.join("lambda_function.py").is_file() {
            let folder = folder.display();
            return Err(format!(
                "{VARIABLE} is to name a checkout of AWS's functions: no {folder}"
            ));
        }
        let python = project::cache().join("aws-function/bin/python");
        if !python.is_file() {
            return Err("the Python runtime is not installed: run tests/setup bench".to_owned());
        }
        let folder = folder.canonicalize().map_err(|error| error.to_string())?;
        Ok(Some(Self { folder, python }))
    }

    /// The one for these secrets, of the same checkout; `users` is [`SINGLE_USER`] or [`MULTI_USER`].
    pub(crate) fn of(&self, kind: Kind, users: &str) -> Self {
        let folder = self.folder.with_file_name(folder_of(kind, users));
        Self { folder, python: self.python.clone() }
    }

    /// The function, with the authority in this file as the only one that it trusts.
    pub(crate) fn function(&self, ca_file: &Path) -> Function {
        let mut function = Function::binary("unshare").arg("--mount");
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        if !is_root {
            function = function.arg("--map-root-user");
        }
        let arguments = ["--propagation", "private", "sh", "-c", SCRIPT, "sh"];
        let paths = [ca_file, &self.folder, &self.python].map(|path| path.display().to_string());
        let all = arguments.into_iter().map(str::to_owned).chain(paths);
        let runtime = ["-m"].into_iter().chain(RUNTIME).map(str::to_owned);
        function = all.chain(runtime).fold(function, Function::arg);
        // A deployed function's folder is read-only.
        function.env("PYTHONDONTWRITEBYTECODE", "1")
    }
}
