//! What the server's catalogs say of two users, in one answer.

use serde::Deserialize;
use turnlock::{Class, Sensitive, TargetError};

use super::mark;
use crate::rights::RESTRICTED;
use crate::session::{Access, Session};
use crate::sql::literal;

/// Everything that is asked about two users. Any role may read it.
///
/// `to_jsonb` of a membership has the options of version 16 where there are any. A role that all logins act
/// as, or those of a database, counts for whoever has none of his own for all databases. `REASSIGN OWNED`
/// leaves default privileges and user mappings alone.
const QUESTION: &str = "SELECT json_build_object( \
    'version', current_setting('server_version_num')::int, \
    'database', current_database(), \
    'role', current_user, \
    'me', (SELECT json_build_object('name', me.rolname, 'superuser', me.rolsuper, \
        'create_role', me.rolcreaterole, 'replication', me.rolreplication, \
        'restricted', {restricted}, \
        'own_grants', (SELECT coalesce(json_agg(json_build_object( \
                'role', g.rolname, 'grantor', o.rolname, \
                'inherit', coalesce((to_jsonb(m) ->> 'inherit_option')::bool, me.rolinherit), \
                'set', coalesce((to_jsonb(m) ->> 'set_option')::bool, true))), '[]') \
            FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid \
            LEFT JOIN pg_roles o ON o.oid = m.grantor WHERE m.member = me.oid)) \
        FROM pg_roles me WHERE me.rolname = session_user), \
    'users', (SELECT coalesce(json_agg(json_build_object( \
        'name', r.rolname, 'login', r.rolcanlogin, 'superuser', r.rolsuper, 'create_role', r.rolcreaterole, \
        'create_database', r.rolcreatedb, 'bypass_rls', r.rolbypassrls, \
        'replication', r.rolreplication, 'inherit', r.rolinherit, \
        'connection_limit', r.rolconnlimit, \
        'valid_until', nullif(r.rolvaliduntil, 'infinity')::text, \
        'expired', coalesce(r.rolvaliduntil < now(), false), \
        'comment', shobj_description(r.oid, 'pg_authid'), \
        'administered', pg_has_role(session_user, r.oid, 'MEMBER WITH ADMIN OPTION'), \
        'grantor', (SELECT a.rolname FROM pg_auth_members m JOIN pg_roles a ON a.oid = m.member \
            WHERE m.roleid = r.oid AND m.admin_option AND pg_has_role(session_user, a.oid, 'USAGE') \
            ORDER BY a.rolname <> session_user, a.rolname LIMIT 1), \
        'member', pg_has_role(session_user, r.oid, 'MEMBER'), \
        'usable', pg_has_role(session_user, r.oid, 'USAGE'), \
        'settable', CASE WHEN current_setting('server_version_num')::int < 160000 THEN true \
            ELSE pg_has_role(session_user, r.oid, 'SET') END, \
        'settings', (SELECT coalesce(json_agg(json_build_object( \
                'database', d.datname, 'text', s.text, 'own', c.setrole <> 0, \
                'guarded', s.text NOT LIKE 'role=%' \
                    AND coalesce(p.context IN ('superuser', 'superuser-backend'), true)) \
                ORDER BY c.setrole), '[]') \
            FROM pg_db_role_setting c LEFT JOIN pg_database d ON d.oid = c.setdatabase \
            CROSS JOIN unnest(c.setconfig) s(text) \
            LEFT JOIN pg_settings p ON p.name = split_part(s.text, '=', 1) \
            WHERE (c.setrole = r.oid OR c.setrole = 0 AND s.text LIKE 'role=%' AND NOT EXISTS ( \
                SELECT FROM pg_db_role_setting o CROSS JOIN unnest(o.setconfig) t(text) \
                WHERE o.setrole = r.oid AND o.setdatabase = 0 AND t.text LIKE 'role=%')) \
            AND (c.setdatabase = 0 OR d.oid IS NOT NULL)), \
        'memberships', (SELECT coalesce(json_agg(json_build_object( \
                'role', g.rolname, 'grantor', o.rolname, \
                'inherit', coalesce((to_jsonb(m) ->> 'inherit_option')::bool, r.rolinherit), \
                'set', coalesce((to_jsonb(m) ->> 'set_option')::bool, true))), '[]') \
            FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid \
            LEFT JOIN pg_roles o ON o.oid = m.grantor WHERE m.member = r.oid), \
        'reaches', (WITH RECURSIVE up AS ( \
                SELECT m.roleid FROM pg_auth_members m WHERE m.member = r.oid \
                UNION SELECT m.roleid FROM pg_auth_members m JOIN up ON m.member = up.roleid) \
            SELECT coalesce(json_agg(g.rolname ORDER BY g.rolname), '[]') \
            FROM up JOIN pg_roles g ON g.oid = up.roleid), \
        'objects', (SELECT count(*) FROM pg_shdepend s WHERE s.deptype = 'o' \
            AND s.classid NOT IN ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass) \
            AND s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid AND (s.dbid = 0 \
            OR s.dbid = {here}) \
            AND NOT (s.classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_class c \
                WHERE c.oid = s.objid AND c.relpersistence = 't'))), \
        'objects_elsewhere', (SELECT coalesce(json_agg(DISTINCT d.datname), '[]') \
            FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid WHERE s.deptype = 'o' \
            AND s.classid NOT IN ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass) \
            AND s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid \
            AND d.datname <> current_database()), \
        'grants', CASE WHEN {marked} THEN NULL ELSE (WITH g AS (SELECT s.dbid, s.classid, s.objid, s.objsubid FROM pg_shdepend s CROSS JOIN LATERAL (SELECT CASE \
                WHEN s.dbid <> 0 AND s.dbid <> {here} THEN NULL \
                WHEN s.classid = 'pg_class'::regclass AND s.objsubid <> 0 THEN (SELECT a.attacl \
                    FROM pg_attribute a WHERE a.attrelid = s.objid AND a.attnum = s.objsubid) \
                WHEN s.classid = 'pg_class'::regclass \
                    THEN (SELECT c.relacl FROM pg_class c WHERE c.oid = s.objid) \
                WHEN s.classid = 'pg_namespace'::regclass \
                    THEN (SELECT n.nspacl FROM pg_namespace n WHERE n.oid = s.objid) \
                WHEN s.classid = 'pg_proc'::regclass \
                    THEN (SELECT f.proacl FROM pg_proc f WHERE f.oid = s.objid) \
                WHEN s.classid = 'pg_type'::regclass \
                    THEN (SELECT t.typacl FROM pg_type t WHERE t.oid = s.objid) \
                WHEN s.classid = 'pg_database'::regclass \
                    THEN (SELECT d.datacl FROM pg_database d WHERE d.oid = s.objid) END) l(acl) \
            WHERE s.deptype = 'a' AND s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid \
            AND (l.acl IS NULL OR EXISTS (SELECT FROM aclexplode(l.acl) g WHERE g.grantee = r.oid \
                AND NOT EXISTS (SELECT FROM aclexplode(l.acl) h JOIN pg_roles o ON o.oid = h.grantee \
                    WHERE o.oid <> r.oid AND o.rolname::text IN ({users}) \
                    AND h.privilege_type = g.privilege_type AND h.is_grantable >= g.is_grantable)))) \
            SELECT json_build_object('count', (SELECT count(*) FROM g), 'some', \
                (SELECT coalesce(json_agg(pg_describe_object(h.classid, h.objid, h.objsubid)), '[]') \
                FROM (SELECT * FROM g WHERE g.dbid IN (0, {here}) LIMIT 3) h))) END \
    )), '[]') FROM pg_roles r WHERE r.rolname::text IN ({users})) \
)::text";

/// Whether either of the two has a mark: what was granted to it counts no more then, as one acts as the other.
const MARKED: &str = "EXISTS (SELECT FROM pg_roles x WHERE x.rolname::text IN ({users}) \
    AND position({mark} IN coalesce(shobj_description(x.oid, 'pg_authid'), '')) > 0)";

/// The database that the session is in.
const HERE: &str = "(SELECT d.oid FROM pg_database d WHERE d.datname = current_database())";

/// The question about two users.
fn question(users: [&str; 2]) -> String {
    let users = users.map(literal).join(", ");
    let marked = MARKED.replace("{mark}", &literal(mark::BEGINNING));
    let question = QUESTION.replace("{restricted}", RESTRICTED).replace("{marked}", &marked);
    question.replace("{here}", HERE).replace("{users}", &users)
}

/// What the server says of two users and of whoever asks.
#[derive(Debug, Deserialize)]
pub(crate) struct Scene {
    /// `server_version_num`.
    pub(crate) version: i32,
    /// The database that the session is in.
    pub(crate) database: String,
    /// Whom the session acts as.
    pub(crate) role: String,
    pub(crate) me: Me,
    users: Vec<User>,
}

/// Who asks.
#[derive(Debug, Deserialize)]
pub(crate) struct Me {
    pub(crate) name: String,
    pub(crate) superuser: bool,
    pub(crate) create_role: bool,
    pub(crate) replication: bool,
    /// Amazon's restriction of password commands is on, and applies.
    pub(crate) restricted: bool,
    /// What was granted to it directly.
    pub(crate) own_grants: Vec<Membership>,
}

/// One role.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) login: bool,
    pub(crate) superuser: bool,
    pub(crate) create_role: bool,
    pub(crate) create_database: bool,
    pub(crate) bypass_rls: bool,
    pub(crate) replication: bool,
    pub(crate) inherit: bool,
    pub(crate) connection_limit: i32,
    /// In UTC; `None` for ever.
    pub(crate) valid_until: Option<String>,
    pub(crate) expired: bool,
    pub(crate) comment: Option<String>,
    /// Whoever asks has ADMIN OPTION on it.
    pub(crate) administered: bool,
    /// By whom whoever asks can grant it: himself, or a role whose privileges he has.
    pub(crate) grantor: Option<String>,
    /// Whoever asks is a member of it.
    pub(crate) member: bool,
    /// Whoever asks has its privileges.
    pub(crate) usable: bool,
    /// Whoever asks may act as it, so far as grants have such an option.
    pub(crate) settable: bool,
    pub(crate) settings: Vec<Setting>,
    /// What was granted to it directly.
    pub(crate) memberships: Vec<Membership>,
    /// Every role that it is a member of, directly or not.
    pub(crate) reaches: Vec<String>,
    /// How many objects it owns in this database, and shared ones; temporary ones are their session's affair.
    pub(crate) objects: u64,
    /// The other databases in which it owns objects.
    pub(crate) objects_elsewhere: Vec<String>,
    /// The objects that give it a privilege that they do not give the other; of other databases, all that
    /// name it. Not looked for where one acts as the other: there can be very many.
    pub(crate) grants: Option<Grants>,
}

/// Objects that name a user in their privileges.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Grants {
    pub(crate) count: u64,
    /// Some of this database, in the server's words.
    pub(crate) some: Vec<String>,
}

/// One `ALTER ROLE … [IN DATABASE …] SET …`.
#[derive(Debug, Deserialize)]
#[serde(from = "Row")]
pub(crate) struct Setting {
    /// `None` for all databases.
    pub(crate) database: Option<String>,
    pub(crate) name: String,
    /// People keep tokens in settings of their own.
    pub(crate) value: Sensitive,
    /// It was set for this role, not for all.
    pub(crate) own: bool,
    /// Only a superuser may set it, or whom a superuser lets.
    pub(crate) guarded: bool,
}

#[derive(Deserialize)]
struct Row {
    database: Option<String>,
    text: String,
    own: bool,
    guarded: bool,
}

impl From<Row> for Setting {
    fn from(row: Row) -> Self {
        let text = Sensitive::new(row.text);
        let (name, value) = text.expose().split_once('=').unwrap_or_else(|| (text.expose(), ""));
        Self {
            database: row.database,
            name: name.to_owned(),
            value: Sensitive::new(value),
            own: row.own,
            guarded: row.guarded,
        }
    }
}

/// One `GRANT role TO …`.
#[derive(Debug, Deserialize)]
pub(crate) struct Membership {
    pub(crate) role: String,
    pub(crate) grantor: Option<String>,
    /// Its privileges count without SET ROLE.
    pub(crate) inherit: bool,
    /// SET ROLE is allowed.
    pub(crate) set: bool,
}

impl Scene {
    /// Asks about two users.
    pub(crate) async fn look(
        session: &mut Session,
        users: [&str; 2],
        access: Access,
    ) -> Result<Self, TargetError> {
        let answer = session.look(&question(users), users, access).await?;
        serde_json::from_str(answer.expose()).map_err(|_| {
            let text = "what the catalogs say of the two users has another shape than expected";
            TargetError::new(Class::Unexpected, text)
        })
    }

    /// A user of the two, if there is such a role.
    pub(crate) fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// Whether a parameter that one of them has set is for superusers, and for whom they let.
    pub(crate) fn guards(&self, parameter: &str) -> bool {
        let mut settings = self.users.iter().flat_map(|user| &user.settings);
        settings.any(|setting| setting.name == parameter && setting.guarded)
    }
}

impl User {
    /// Whether it is a member of `other`, directly or not.
    pub(crate) fn is_member_of(&self, other: &str) -> bool {
        self.reaches.iter().any(|role| role == other)
    }

    /// Whether it may act as `other`, by a direct grant.
    pub(crate) fn may_act_as(&self, other: &Self) -> bool {
        self.memberships.iter().any(|grant| grant.role == other.name && grant.set)
    }

    /// Whether it has the privileges of `other`, by a direct grant.
    pub(crate) fn inherits(&self, other: &Self) -> bool {
        self.memberships.iter().any(|grant| grant.role == other.name && grant.inherit)
    }
}
