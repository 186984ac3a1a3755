//! The file that keeps the state across restarts.

use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::store::Store;

/// Read and written by its owner only: the values are in it, in the clear.
const MODE: u32 = 0o600;

#[derive(Debug)]
pub(crate) struct DataFile {
    path: PathBuf,
    folder: PathBuf,
}

impl DataFile {
    pub(crate) fn new(path: &Path) -> Self {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Self {
            path: path.to_owned(),
            folder: folder.map_or_else(|| PathBuf::from("."), Path::to_owned),
        }
    }

    /// What was kept; nothing, where there is no file yet.
    pub(crate) fn read(&self) -> io::Result<Store> {
        match File::open(&self.path) {
            Ok(file) => Ok(serde_json::from_reader(io::BufReader::new(file))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Store::default()),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file in one step: at any time it holds one whole state.
    pub(crate) fn write(&self, store: &Store) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.as_file().set_permissions(Permissions::from_mode(MODE))?;
        let mut buffer = serde_json::to_vec(store)?;
        buffer.push(b'\n');
        file.write_all(&buffer)?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        File::open(&self.folder)?.sync_all()
    }
}
