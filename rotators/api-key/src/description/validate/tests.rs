use crate::providers::Provider;

/// Has every part that a description of keys that overlap can have.
const OVERLAPPING: &str = r#"
title = "x"
strategy = "overlapping-keys"
base_url = "{url}/api"
host_from_secret = ["url"]
principal = "{user}"

[key]
bearer = "{key}"

[admin]
header = { name = "X-Admin", value = "{admin.key}" }

[test]
method = "GET"
path = "/me"
same = { user = "/user" }
when = [{ status = 400, at = "/code", is = 1, means = "rejected" }]

[create]
method = "POST"
path = "/users/{user}/keys"
headers = { X-Why = "{new.label}" }
query = { dry = "no" }
json = { label = "{new.label}", days = "{days?|number}" }
fields = { key = "/key", key_id = "/id" }

[[retire]]
method = "DELETE"
path = "/users/{user}/keys/{key_id}"

[list]
items = "/keys"
id = "/id"
label = "/label"
skip = [{ at = "/revoked", is = true }]
pages = { by = "cursor", query = "after", at = "/next" }
request = { by = "admin", method = "GET", path = "/users/{user}/keys" }
"#;

/// A value that is drawn here, and a login for a token.
const SINGLE_USER: &str = r#"
title = "x"
strategy = "single-user"
base_url = "https://a.example"
principal = "{user}"
draw = "key"

[key]
bearer = "{login.token}"

[key.login]
by = "anyone"
method = "POST"
path = "/login"
form = { user = "{user}", password = "{key}" }
fields = { token = "/token" }

[test]
method = "GET"
path = "/me"

[update]
method = "PUT"
path = "/me"
json = { password = "{next.key}" }
"#;

const REGENERATE: &str = r#"
title = "x"
strategy = "regenerate"
base_url = "https://a.example"
principal = "{user}"
key = { basic = { user = "{user}", password = "{key}" } }
test = { method = "GET", path = "/me" }

[update]
method = "POST"
path = "/me/key"
fields = { key = "/key" }
"#;

fn problem_of(description: &str) -> Option<String> {
    Provider::from_toml("x", description).err()
}

/// Every one of these changes has to be refused, with its words.
fn refuses(description: &str, changes: &[(&str, &str, &str)]) {
    assert_eq!(problem_of(description), None);
    for (from, to, words) in changes {
        assert_eq!(description.matches(from).count(), 1, "{from}");
        let problem = problem_of(&description.replace(from, to)).unwrap_or_default();
        assert!(problem.contains(words), "{from} → {to}: no `{words}` in: {problem}");
    }
}

#[test]
fn what_a_strategy_needs_is_missed_and_what_it_cannot_have_is_refused() {
    let retire = "[[retire]]\nmethod = \"DELETE\"\npath = \"/users/{user}/keys/{key_id}\"\n";
    refuses(
        OVERLAPPING,
        &[
            (
                "fields = { key = \"/key\", key_id = \"/id\" }",
                "",
                "create, with fields, is missing",
            ),
            (retire, "", "retire is missing"),
            (
                "principal =",
                "draw = \"key\"\nprincipal =",
                "update and draw are for other strategies",
            ),
            ("key_id = \"/id\" }", "number = \"/id\" }", "list needs the id of a key"),
            ("strategy = \"overlapping-keys\"", "strategy = \"regenerate\"", "update, with fields"),
            ("strategy = \"overlapping-keys\"", "strategy = \"single-user\"", "update or draw"),
        ],
    );
    refuses(
        SINGLE_USER,
        &[
            ("draw = \"key\"", "", "update or draw is missing"),
            (
                "{next.key}\" }",
                "{next.key}\" }\nfields = { key = \"/key\" }",
                "update fills fields",
            ),
        ],
    );
    let create = "[create]\nmethod = \"POST\"\npath = \"/\"\n\n[update]";
    refuses(
        REGENERATE,
        &[
            ("fields = { key = \"/key\" }", "", "update, with fields, is missing"),
            ("principal =", "draw = \"key\"\nprincipal =", "draw is for single-user"),
            ("[update]", create, "create, retire and list are for overlapping-keys"),
        ],
    );
}

#[test]
fn no_field_chooses_a_host_that_need_not() {
    refuses(
        OVERLAPPING,
        &[
            ("host_from_secret = [\"url\"]", "", "{url} chooses the host"),
            ("{url}/api", "https://{user}.example", "{user} chooses the host"),
            ("{url}/api", "{admin.url}", "{admin.url} chooses the host"),
            ("{url}/api", "http://a.example", "does not begin with https://"),
            ("{url}/api", "a.example", "does not begin with https://"),
            (
                "path = \"/me\"",
                "path = \"/me\"\nbase_url = \"https://{key}\"",
                "{key} chooses the host",
            ),
        ],
    );
}

#[test]
fn a_value_stands_only_where_there_is_one() {
    refuses(
        OVERLAPPING,
        &[
            (
                "bearer = \"{key}\"",
                "bearer = \"{admin.key}{key}\"",
                "key: {admin.key} has no value there",
            ),
            (
                "value = \"{admin.key}\"",
                "value = \"{new.label}\"",
                "admin: {new.label} has no value",
            ),
            (
                "same = {",
                "query = { x = \"{new.label}\" }\nsame = {",
                "test: {new.label} has no value",
            ),
            (
                "query = { dry = \"no\" }",
                "query = { x = \"{next.key}\" }",
                "create: {next.key} has no",
            ),
            (
                "query = { dry = \"no\" }",
                "query = { x = \"{admin.key}\" }",
                "create: {admin.key} has no",
            ),
            (
                "query = { dry = \"no\" }",
                "query = { x = \"{login.x}\" }",
                "create: {login.x} has no",
            ),
            (
                "principal = \"{user}\"",
                "principal = \"{key_id}\"",
                "principal: {key_id} is a secret",
            ),
            ("principal = \"{user}\"", "principal = \"{admin.user}\"", "principal: {admin.user}"),
        ],
    );
}

#[test]
fn nothing_secret_stands_in_a_path() {
    refuses(
        OVERLAPPING,
        &[
            ("path = \"/me\"", "path = \"/me/{key}\"", "test: {key} would be in the path"),
            ("/keys/{key_id}\"", "/keys/{key}\"", "retire 1: {key} would be in the path"),
            (
                "request = { by = \"admin\", method = \"GET\", path = \"/users/{user}/keys\" }",
                "request = { by = \"admin\", method = \"GET\", path = \"/users/{admin.key}\" }",
                "list: {admin.key} would be in the path",
            ),
        ],
    );
}

#[test]
fn every_request_is_authenticated_in_one_way_that_is_told() {
    let admin = "[admin]\nheader = { name = \"X-Admin\", value = \"{admin.key}\" }\n";
    let two = "bearer = \"{key}\"\nquery = { name = \"k\", value = \"{key}\" }";
    refuses(
        OVERLAPPING,
        &[
            ("bearer = \"{key}\"", "", "key: has to have one of bearer"),
            ("bearer = \"{key}\"", two, "key: has to have one of bearer"),
            (
                "bearer = \"{key}\"",
                "bearer = \"{key|number}\"",
                "key: `{key|number}` is typed outside",
            ),
            ("\"X-Admin\"", "\"X Admin\"", "admin: `X Admin` is no name of a header"),
            (admin, "", "list: how it is authenticated is missing: admin"),
            (
                "by = \"admin\"",
                "by = \"function\"",
                "list: how it is authenticated is missing: key.sigv4",
            ),
            (
                "[key]\nbearer = \"{key}\"\n",
                "",
                "is not sent with any field that a rotation writes",
            ),
        ],
    );
    refuses(
        SINGLE_USER,
        &[("by = \"anyone\"", "by = \"key\"", "key login: nobody is logged in yet")],
    );
    refuses(
        REGENERATE,
        &[("password = \"{key}\"", "password = \"x\"", "test: is not sent with any field")],
    );
}

#[test]
fn a_request_is_one_that_http_has() {
    refuses(
        OVERLAPPING,
        &[
            ("path = \"/me\"", "path = \"me\"", "test: path `me` does not begin with a slash"),
            ("path = \"/me\"", "path = \"/me?x=1\"", "test: path `/me?x=1`"),
            ("path = \"/me\"", "path = \"/me#x\"", "test: path `/me#x`"),
            ("X-Why", "\"X Why\"", "create: `X Why` is no name of a header"),
            (
                "query = { dry = \"no\" }",
                "form = { a = \"b\" }",
                "create: has a body as JSON and as a form",
            ),
            (
                "\"{days?|number}\"",
                "\"{days?|number} d\"",
                "create: `{days?|number} d`: number, list and raw",
            ),
            (
                "dry = \"no\"",
                "dry = \"{user|list}\"",
                "create: `{user|list}`: number, list and raw",
            ),
            ("method = \"GET\"\npath", "method = \"HEAD\"\npath", "unknown variant `HEAD`"),
        ],
    );
}

#[test]
fn a_pointer_begins_with_a_slash() {
    refuses(
        OVERLAPPING,
        &[
            (
                "same = { user = \"/user\" }",
                "same = { user = \"user\" }",
                "test: `user` is no JSON pointer",
            ),
            ("at = \"/code\"", "at = \"code\"", "test: `code` is no JSON pointer"),
            ("key = \"/key\"", "key = \"\"", "create: `` is no JSON pointer"),
            ("items = \"/keys\"", "items = \"keys\"", "list: `keys` is no JSON pointer"),
            ("id = \"/id\"\n", "id = \"id\"\n", "list: `id` is no JSON pointer"),
            ("label = \"/label\"", "label = \"label\"", "list: `label` is no JSON pointer"),
            ("at = \"/revoked\"", "at = \"revoked\"", "list: `revoked` is no JSON pointer"),
            ("at = \"/next\"", "at = \"next\"", "list: `next` is no JSON pointer"),
            ("at = \"/code\", is = 1", "is = 1", "test: a rule has a value and no `at`"),
        ],
    );
    let whole = OVERLAPPING.replace("items = \"/keys\"\n", "");
    assert_eq!(problem_of(&whole), None);
}

#[test]
fn what_would_be_missed_in_a_rotation_is_missed_before_it() {
    refuses(
        OVERLAPPING,
        &[
            (
                "{ X-Why = \"{new.label}\" }",
                "{ X = \"{new.why?}\" }",
                "create: {new.why} has no value",
            ),
            (
                "bearer = \"{key}\"",
                "bearer = \"{login.token}{key}\"",
                "key: {login.token} is filled by no",
            ),
            (
                "principal = ",
                "limit = 1\nprincipal = ",
                "limit has no room for the current key and",
            ),
            ("query = { dry = \"no\" }", "success = [2010]", "create: 2010 is no status of HTTP"),
            ("status = 400", "status = 4000", "test: 4000 is no status of HTTP"),
        ],
    );
    let unlabelled = OVERLAPPING.replace("{new.label}", "{new.version}");
    let problem = problem_of(&unlabelled).unwrap_or_default();
    assert!(
        problem.contains("list has the label of a key, which create does not give"),
        "{problem}"
    );
    refuses(
        SINGLE_USER,
        &[
            ("{login.token}", "{login.tokne}", "key: {login.tokne} is filled by no login"),
            ("{next.key}", "{next.value}", "update: {next.value} has no value there"),
            ("{next.key}", "{next.key}{new.version}", "update: {new.version} has no value there"),
        ],
    );
    refuses(
        REGENERATE,
        &[
            ("https://a.example", "https://", "base_url: `https://` makes no address"),
            ("https://a.example", "https://a.example?v=2", "has a query or a fragment"),
            (
                "path = \"/me/key\"",
                "path = \"/me/key\"\njson = { x = \"{next.key}\" }",
                "update: {next.key}",
            ),
        ],
    );
}
