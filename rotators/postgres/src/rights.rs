//! Who may change a password: the rules of `ALTER ROLE … PASSWORD`, asked before they are needed.

use sqlx::postgres::PgRow;
use turnlock::{Class, TargetError};
use turnlock_database::lacking;

use crate::session::field;

/// What the rules of `ALTER ROLE … PASSWORD` look at.
///
/// Before version 16, CREATEROLE was enough for any role but a superuser or one with REPLICATION; from 16
/// on, whoever is not superuser needs ADMIN OPTION on the role too. Amazon RDS can limit all password
/// commands to members of `rds_password`.
const QUESTION: &str = "SELECT u.rolname IS NOT NULL, me.rolsuper, me.rolcreaterole, \
     coalesce(u.rolsuper, false), coalesce(u.rolreplication, false), \
     coalesce(pg_has_role(me.oid, u.oid, 'MEMBER WITH ADMIN OPTION'), false), \
     current_setting('server_version_num')::int, {restricted} \
     FROM pg_roles me LEFT JOIN pg_roles u ON u.rolname = {user}::text WHERE me.rolname = session_user";

/// Whether Amazon's restriction of password commands is on and applies to the role `me`.
pub(crate) const RESTRICTED: &str = "coalesce(current_setting('rds.restrict_password_commands', true), '') \
     IN ('1', 'on', 'true') AND NOT EXISTS (SELECT FROM pg_roles p WHERE p.rolname = 'rds_password' \
     AND pg_has_role(me.oid, p.oid, 'MEMBER'))";

/// From this version on, CREATEROLE needs ADMIN OPTION on the role.
const ADMIN_OPTION_NEEDED: i32 = 160_000;

/// The question for a user, given as an SQL expression.
pub(crate) fn question(user: &str) -> String {
    QUESTION.replace("{restricted}", RESTRICTED).replace("{user}", user)
}

/// Who would change a role.
#[derive(Debug)]
pub(crate) struct Changer {
    /// `server_version_num`
    pub(crate) version: i32,
    pub(crate) superuser: bool,
    pub(crate) create_role: bool,
    /// Amazon's restriction of password commands applies.
    pub(crate) restricted: bool,
}

/// The role that would be changed.
#[derive(Debug)]
pub(crate) struct Changed<'a> {
    pub(crate) name: &'a str,
    pub(crate) superuser: bool,
    pub(crate) replicates: bool,
    /// Whoever changes it has ADMIN OPTION on it.
    pub(crate) administered: bool,
}

impl Changer {
    /// What the rules ask for these roles that it does not have.
    pub(crate) fn lacks(&self, roles: &[Changed<'_>]) -> Vec<String> {
        if self.superuser {
            return Vec::new();
        }
        let mut missing = Vec::new();
        if !self.create_role {
            missing.push("CREATEROLE".to_owned());
        }
        let options = self.needs_admin_option();
        for Changed { name, superuser, replicates, administered } in roles {
            if *superuser {
                missing.push(format!("SUPERUSER ({name} has it)"));
            }
            if *replicates && !options {
                missing.push(format!(
                    "SUPERUSER (before version 16, to change {name}, which has REPLICATION)"
                ));
            }
            if options && !administered {
                missing.push(format!("ADMIN OPTION on {name} (from version 16)"));
            }
        }
        missing.extend(self.restriction());
        missing
    }

    /// Whether CREATEROLE is not enough.
    pub(crate) fn needs_admin_option(&self) -> bool {
        self.version >= ADMIN_OPTION_NEEDED && !self.superuser
    }

    fn restriction(&self) -> Option<String> {
        let text = "membership in rds_password (rds.restrict_password_commands is on)";
        (self.restricted && !self.superuser).then(|| text.to_owned())
    }
}

/// What a login may do to a user's password.
#[derive(Debug)]
pub(crate) struct Rights {
    me: Changer,
    user_exists: bool,
    user_is_superuser: bool,
    user_replicates: bool,
    admin_option: bool,
}

impl Rights {
    /// Reads the answer.
    pub(crate) fn of(row: &PgRow) -> Result<Self, TargetError> {
        let me = Changer {
            superuser: field(row, 1)?,
            create_role: field(row, 2)?,
            version: field(row, 6)?,
            restricted: field(row, 7)?,
        };
        Ok(Self {
            me,
            user_exists: field(row, 0)?,
            user_is_superuser: field(row, 3)?,
            user_replicates: field(row, 4)?,
            admin_option: field(row, 5)?,
        })
    }

    /// Whether a role may change its own password.
    pub(crate) fn own(&self, server: &str) -> Result<(), TargetError> {
        let mut missing: Vec<String> = self.me.restriction().into_iter().collect();
        if self.user_replicates && !self.me.superuser && self.me.version < ADMIN_OPTION_NEEDED {
            let text = "SUPERUSER (before version 16, a role with REPLICATION needs it)";
            missing.push(text.to_owned());
        }
        lacking(server, "the user may not change its own password", &missing)
    }

    /// Whether an admin may change the password of `user`.
    pub(crate) fn admin(&self, server: &str, user: &str) -> Result<(), TargetError> {
        if !self.user_exists {
            let text = format!("{server} has no role {user}");
            return Err(TargetError::new(Class::Refused, text));
        }
        let missing = self.me.lacks(&[Changed {
            name: user,
            superuser: self.user_is_superuser,
            replicates: self.user_replicates,
            administered: self.admin_option,
        }]);
        lacking(server, &format!("the admin may not change the password of {user}"), &missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_piece_is_named() {
        let me =
            Changer { version: 180_000, superuser: false, create_role: false, restricted: true };
        let nobody = Rights {
            me,
            user_exists: true,
            user_is_superuser: true,
            user_replicates: false,
            admin_option: false,
        };
        let error = nobody.admin("db:5432", "app").unwrap_err();
        assert_eq!(error.class(), Class::Permission);
        for piece in ["SUPERUSER", "CREATEROLE", "ADMIN OPTION", "rds_password"] {
            assert!(error.to_string().contains(piece), "{error}");
        }
        assert!(nobody.own("db:5432").unwrap_err().to_string().contains("rds_password"));
    }
}
