//! Who may change a password: the rules of `ALTER ROLE … PASSWORD`, asked before they are needed.

use sqlx::postgres::PgRow;
use turnlock::{Class, TargetError};

use crate::session::field;

/// What the rules of `ALTER ROLE … PASSWORD` look at.
///
/// Before version 16, CREATEROLE was enough for any role but a superuser or one with REPLICATION; from 16
/// on, whoever is not superuser needs ADMIN OPTION on the role too. Amazon RDS can limit all password
/// commands to members of `rds_password`.
const QUESTION: &str = "SELECT u.rolname IS NOT NULL, me.rolsuper, me.rolcreaterole, \
     coalesce(u.rolsuper, false), coalesce(u.rolreplication, false), \
     coalesce(pg_has_role(me.oid, u.oid, 'MEMBER WITH ADMIN OPTION'), false), \
     current_setting('server_version_num')::int, \
     coalesce(current_setting('rds.restrict_password_commands', true), '') IN ('1', 'on', 'true') \
       AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'rds_password' \
         AND pg_has_role(me.oid, r.oid, 'MEMBER')) \
     FROM pg_roles me LEFT JOIN pg_roles u ON u.rolname = {user}::text WHERE me.rolname = session_user";

/// From this version on, CREATEROLE needs ADMIN OPTION on the role.
const ADMIN_OPTION_NEEDED: i32 = 160_000;

/// The question for a user, given as an SQL expression.
pub(crate) fn question(user: &str) -> String {
    QUESTION.replace("{user}", user)
}

/// What a login may do to a user's password.
#[derive(Debug)]
pub(crate) struct Rights {
    user_exists: bool,
    superuser: bool,
    create_role: bool,
    user_is_superuser: bool,
    user_replicates: bool,
    admin_option: bool,
    version: i32,
    restricted: bool,
}

impl Rights {
    /// Reads the answer.
    pub(crate) fn of(row: &PgRow) -> Result<Self, TargetError> {
        Ok(Self {
            user_exists: field(row, 0)?,
            superuser: field(row, 1)?,
            create_role: field(row, 2)?,
            user_is_superuser: field(row, 3)?,
            user_replicates: field(row, 4)?,
            admin_option: field(row, 5)?,
            version: field(row, 6)?,
            restricted: field(row, 7)?,
        })
    }

    /// Whether a role may change its own password.
    pub(crate) fn own(&self, server: &str) -> Result<(), TargetError> {
        let mut missing = Vec::new();
        if self.restricted && !self.superuser {
            missing.push("membership in rds_password (rds.restrict_password_commands is on)");
        }
        if self.user_replicates && !self.superuser && self.version < ADMIN_OPTION_NEEDED {
            missing.push("SUPERUSER (before version 16, a role with REPLICATION needs it)");
        }
        lacking(server, "the user may not change its own password", &missing)
    }

    /// Whether an admin may change the password of `user`.
    pub(crate) fn admin(&self, server: &str, user: &str) -> Result<(), TargetError> {
        if !self.user_exists {
            let text = format!("{server} has no role {user}");
            return Err(TargetError::new(Class::Refused, text));
        }
        if self.superuser {
            return Ok(());
        }
        let mut missing = Vec::new();
        if self.user_is_superuser {
            missing.push("SUPERUSER (the user has it)");
        }
        if self.user_replicates && self.version < ADMIN_OPTION_NEEDED {
            missing
                .push("SUPERUSER (before version 16, changing a role with REPLICATION needs it)");
        }
        if !self.create_role {
            missing.push("CREATEROLE");
        }
        if !self.admin_option && self.version >= ADMIN_OPTION_NEEDED {
            missing.push("ADMIN OPTION on the user (from version 16)");
        }
        if self.restricted {
            missing.push("membership in rds_password (rds.restrict_password_commands is on)");
        }
        lacking(server, &format!("the admin may not change the password of {user}"), &missing)
    }
}

/// The error that names each missing piece, if there is one.
pub(crate) fn lacking(server: &str, what: &str, missing: &[&str]) -> Result<(), TargetError> {
    if missing.is_empty() {
        return Ok(());
    }
    let text = format!("at {server} {what}; missing: {}", missing.join(", "));
    Err(TargetError::new(Class::Permission, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_piece_is_named() {
        let nobody = Rights {
            user_exists: true,
            superuser: false,
            create_role: false,
            user_is_superuser: true,
            user_replicates: false,
            admin_option: false,
            version: 180_000,
            restricted: true,
        };
        let error = nobody.admin("db:5432", "app").unwrap_err();
        assert_eq!(error.class(), Class::Permission);
        for piece in ["SUPERUSER", "CREATEROLE", "ADMIN OPTION", "rds_password"] {
            assert!(error.to_string().contains(piece), "{error}");
        }
        assert!(nobody.own("db:5432").unwrap_err().to_string().contains("rds_password"));
    }
}
