use std::path::{Path, PathBuf};

use super::supervisor::{Owner, Supervisor};
use crate::project;

/// Gives the server new data: a copy of what the first server of this name made.
pub(super) fn fill(supervisor: &mut Supervisor, name: &str, program: &Path, owner: Owner) {
    let template = path(name, owner);
    if template.is_dir() {
        return supervisor.copy_data(&template);
    }
    supervisor.create_data(program);
    supervisor.keep_data(&template);
}

fn path(name: &str, owner: Owner) -> PathBuf {
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    project::target().join("servers").join(format!("{name}-{}", owner.uid))
}
