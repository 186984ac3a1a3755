"""What no tool checks of template.yaml, samconfig.toml and docs/deploy.md. Prints what is wrong; ends with 1 then."""

import json
import logging
import re
import sys
import tomllib
from copy import deepcopy
from itertools import product, zip_longest
from pathlib import Path

import parliament
from evaluation import Stack, template

# It tells which of its checks it makes.
logging.disable(logging.INFO)

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "template.yaml").read_text(encoding="utf-8")
TEMPLATE = template(ROOT / "template.yaml")
PARAMETERS = TEMPLATE["Parameters"]

# The names of the functions, in logical ids, in names and in what only people read.
FUNCTIONS = {
    "Postgres": ("postgres", "PostgreSQL and Amazon Redshift users"),
    "Mysql": ("mysql", "MySQL and MariaDB users"),
    "ApiKey": ("api-key", "API keys, tokens and signing keys"),
}
# What may be different, and of which.
DIFFERENCES = {
    ("ApiKey", "HasApiKeyPolicies"),
    ("ApiKey", "ApiKeyFunction", "Properties", "Environment"),
    ("ApiKey", "ApiKeyFunction", "Properties", "Layers"),
    ("ApiKey", "ApiKeyFunction", "Properties", "Timeout"),
    ("ApiKey", "ApiKeyRole", "Properties", "ManagedPolicyArns"),
}
# Only who rotates databases asks Amazon RDS, and has admins that it manages.
STATEMENTS_OF_DATABASES = "FindDatabases"
ACTION_OF_DATABASES = "secretsmanager:DescribeSecret"

# With everything that a role can have.
EVERYTHING = {
    "AdminSecretArns": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-*",
    "KmsKeyArns": "arn:aws:kms:eu-central-1:123456789012:key/0a1b,arn:aws:kms:eu-central-1:123456789012:key/2c3d",
    "SubnetIds": "subnet-01",
    "SecurityGroupIds": "sg-01",
}
ANY_RESOURCE = {"AttachToVpc", "KeepCodeFromVpc"}
# parliament does not know Lambda's key, which every call of a function's code has:
# https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
LAMBDA_KEY = "Unknown condition lambda:SourceFunctionArn "


def functions_are_alike():
    def of_one(logical):
        name, what = FUNCTIONS[logical]
        parts = {}
        for section in ("Resources", "Outputs", "Conditions"):
            for key, value in TEMPLATE[section].items():
                if logical in key:
                    parts[key] = deepcopy(value)
        for path in DIFFERENCES:
            if path[0] == logical:
                node = parts
                for step in path[1:-1]:
                    node = node[step]
                if node.pop(path[-1], None) is None:
                    yield f"no difference any more, take it from DIFFERENCES: {path}"
        document = parts[f"{logical}Role"]["Properties"]["Policies"][0]["PolicyDocument"]
        statements = document["Statement"]
        document["Statement"] = [s for s in statements if s.get("Sid") != STATEMENTS_OF_DATABASES]
        if (len(statements) > len(document["Statement"])) == (logical == "ApiKey"):
            yield f"{logical}: {STATEMENTS_OF_DATABASES} is for databases"
        for statement in document["Statement"]:
            of_admins = statement.get("Fn::If", [None])
            if of_admins[0] == "HasAdminSecrets":
                actions = listed(of_admins[1]["Action"])
                if (ACTION_OF_DATABASES in actions) == (logical == "ApiKey"):
                    yield f"{logical}: {ACTION_OF_DATABASES} of admins is for databases"
                of_admins[1]["Action"] = [action for action in actions if action != ACTION_OF_DATABASES]
        text = json.dumps(parts, indent=1, sort_keys=True).replace(what, "WHAT")
        # Where an ARN or a name has it, or a path; "api-key" is also a word.
        yield re.sub(rf"\b{name}\b", "NAME", text.replace(logical, "LOGICAL"))

    described = {logical: list(of_one(logical)) for logical in FUNCTIONS}
    for logical, (*faults, _) in described.items():
        yield from faults
    first, *others = (described[logical][-1].splitlines() for logical in FUNCTIONS)
    for logical, other in zip(list(FUNCTIONS)[1:], others):
        lines = zip_longest(first, other, fillvalue="nothing")
        for mine, theirs in [pair for pair in lines if pair[0] != pair[1]][:1]:
            yield f"Postgres and {logical} differ: {mine.strip()} / {theirs.strip()}"


def parameters_are_shown_once():
    interface = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]
    shown = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    for name in PARAMETERS:
        if shown.count(name) != 1:
            yield f"in {shown.count(name)} groups of parameters: {name}"
    for name in [*shown, *interface["ParameterLabels"]]:
        if name not in PARAMETERS:
            yield f"no such parameter: {name}"


def parameters_explain_what_they_refuse():
    for name, parameter in PARAMETERS.items():
        if "AllowedPattern" in parameter:
            if "ConstraintDescription" not in parameter:
                yield f"{name} does not say what its pattern is"
            if not re.search(parameter["AllowedPattern"], str(parameter["Default"])):
                yield f"{name} refuses its own default"


def text_is_ascii():
    # CloudFormation shows anything else as question marks.
    for number, line in enumerate(TEXT.splitlines(), 1):
        if not line.isascii():
            yield f"line {number}: {line.strip()}"


def documentation_has_all_parameters():
    text = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", text, re.MULTILINE))
    for name, parameter in PARAMETERS.items():
        default = str(parameter["Default"])
        shown = f"`{default}`" if default else "–"
        if rows.get(name, "").strip() != shown:
            yield f"docs/deploy.md has no row of {name} with its default, {shown}"
    for name in rows.keys() - PARAMETERS.keys():
        yield f"docs/deploy.md has a row of {name}, which is no parameter"


def policies_are_narrow():
    stacks = [Stack(TEMPLATE), Stack(TEMPLATE, **EVERYTHING)]
    for stack in stacks:
        for name, role in stack.resources("AWS::IAM::Role").items():
            if role.get("ManagedPolicyArns"):
                yield f"{name} has managed policies by itself"
            for policy in role["Policies"]:
                yield from (f"{name}: {fault}" for fault in faults_of(policy["PolicyDocument"]))
    if "arn:aws:iam::aws:" in TEXT or "::aws:policy" in TEXT.replace("|aws):policy", ""):
        yield "a policy of AWS is named"
    lines = TEXT.splitlines()
    for above, line in zip(lines, lines[1:]):
        if re.search(r"Resource: [\"']?\*", line) and "# Any resource: " not in above:
            yield f"no comment says why it is any resource, after: {above.strip()}"


def roles_keep_to_their_own():
    stack = Stack(TEMPLATE, **EVERYTHING)
    for logical, role in stack.resources("AWS::IAM::Role").items():
        name, _ = FUNCTIONS[logical.removesuffix("Role")]
        statements = {s["Sid"]: s for policy in role["Policies"] for s in policy["PolicyDocument"]["Statement"]}
        function = f"arn:aws:lambda:eu-central-1:123456789012:function:turnlock-{name}"
        attached = {"ArnEquals": {"secretsmanager:resource/AllowRotationLambdaArn": function}}
        if statements["RotateSecrets"].get("Condition") != attached:
            yield f"{logical} reaches secrets that are not attached to its function"
        of_code = {"ArnEquals": {"lambda:SourceFunctionArn": function}}
        if statements["KeepCodeFromVpc"].get("Condition") != of_code:
            yield f"{logical}: the code is not kept from the VPC, or Lambda is"
        via = statements["UseKeysOfSecrets"].get("Condition", {}).get("StringEquals", {}).get("kms:ViaService", [])
        if not via or any(not service.startswith("secretsmanager.") for service in via):
            yield f"{logical} uses keys not only through Secrets Manager"
        trusted = [s["Principal"] for s in role["AssumeRolePolicyDocument"]["Statement"]]
        if trusted != [{"Service": "lambda.amazonaws.com"}]:
            yield f"{logical} is for others than Lambda"
    for logical, permission in stack.resources("AWS::Lambda::Permission").items():
        if (permission["Principal"], permission.get("SourceAccount")) != ("secretsmanager.amazonaws.com", "123456789012"):
            yield f"{logical} lets others than this account's Secrets Manager invoke the function"


def role_policies():
    """The policies of each role with all that a strategy needs, as `make test` proves them."""
    prefix = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"
    stack = Stack(TEMPLATE, **EVERYTHING | {
        # The names and the key of tests/src/permissions/way.rs.
        "AdminSecretArns": f"{prefix}admin-*,{prefix}rds!db-1-*",
        "KmsKeyArns": "arn:aws:kms:eu-central-1:123456789012:key/11112222-3333-4444-5555-666677778888",
    })
    for logical, role in stack.resources("AWS::IAM::Role").items():
        name, _ = FUNCTIONS[logical.removesuffix("Role")]
        policies = [policy["PolicyDocument"] for policy in role["Policies"]]
        yield ROOT / f"tests/policies/{name}.json", json.dumps(policies, indent=2) + "\n"


def proven_policies_are_the_template_s():
    for path, text in role_policies():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            yield f"{path.relative_to(ROOT)} is not what the template has: run checks.py --write"


def listed(one_or_more):
    return one_or_more if isinstance(one_or_more, list) else [one_or_more]


def faults_of(policy):
    for statement in policy["Statement"]:
        actions, resources = listed(statement["Action"]), listed(statement["Resource"])
        if "NotAction" in statement or any("*" in action for action in actions):
            yield f"actions are not listed in {statement['Sid']}"
        if "NotResource" in statement:
            yield f"resources are not listed in {statement['Sid']}"
        if "*" in resources and statement["Sid"] not in ANY_RESOURCE:
            yield f"any resource in {statement['Sid']}"
        if "" in resources:
            yield f"an empty resource in {statement['Sid']}"
    for finding in parliament.analyze_policy_string(
        json.dumps(policy), include_community_auditors=True
    ).findings:
        if finding.issue != "RESOURCE_STAR" and not str(finding.detail).startswith(LAMBDA_KEY):
            yield f"{finding.issue}: {finding.detail}"


def dashboard_is_json_for_any_functions():
    for chosen in range(1, 1 << len(FUNCTIONS)):
        made = {f"Deploy{name}": str(bool(chosen >> n & 1)).lower() for n, name in enumerate(FUNCTIONS)}
        for dashboard in Stack(TEMPLATE, **made).resources("AWS::CloudWatch::Dashboard").values():
            try:
                widgets = json.loads(dashboard["DashboardBody"])["widgets"]
            except json.JSONDecodeError as error:
                yield f"the dashboard is no JSON with {made}: {error}"
                continue
            for widget in widgets:
                of = widget["properties"]
                if of.get("metrics") == [] or "query" in of and not of["query"].startswith("SOURCE "):
                    yield f"a widget has nothing to show with {made}: {of['title']}"


def messages_name_what_they_insert():
    for name, rule in Stack(TEMPLATE).resources("AWS::Events::Rule").items():
        for target in rule["Targets"]:
            transformer = target["InputTransformer"]
            used = set(re.findall(r"<(\w+)>", transformer["InputTemplate"]))
            if used != transformer["InputPathsMap"].keys():
                yield f"{name} inserts {used} and finds {set(transformer['InputPathsMap'])}"
            for line in transformer["InputTemplate"].splitlines():
                if not re.fullmatch(r'"[^"]+"', line):
                    yield f"{name} has a line that is no string: {line}"


def eventbridge_may_publish():
    (policy,) = Stack(TEMPLATE).resources("AWS::SNS::TopicPolicy").values()
    statements = {s["Principal"]["Service"]: s for s in policy["PolicyDocument"]["Statement"]}
    # SNS knows none for it: see the comment there.
    if "Condition" in statements["events.amazonaws.com"]:
        yield "what EventBridge publishes has a condition"
    if "aws:SourceAccount" not in statements["cloudwatch.amazonaws.com"]["Condition"]["StringEquals"]:
        yield "alarms of any account may publish"


def only_what_is_asked_for_is_made():
    plain, quiet = Stack(TEMPLATE), Stack(TEMPLATE, Alarms="false", Metrics="false", DeployMysql="false")
    for kind in ("AWS::CloudWatch::Alarm", "AWS::Events::Rule", "AWS::SNS::Topic", "AWS::CloudWatch::Dashboard"):
        if not plain.resources(kind):
            yield f"no {kind} by default"
        if quiet.resources(kind):
            yield f"{kind} without alarms and metrics"
    if any("Mysql" in name for name in quiet.resources("AWS::Serverless::Function")):
        yield "a function that is switched off"


def configuration_is_known_to_sam():
    from samcli.commands.build.command import cli as build
    from samcli.commands.deploy.command import cli as deploy
    from samcli.commands.validate.validate import cli as validate

    commands = {"build": build, "deploy": deploy, "validate": validate}
    configuration = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    for command, sections in configuration["default"].items():
        known = {option.name for option in commands[command].params}
        for key in sections["parameters"]:
            if key not in known:
                yield f"samconfig.toml: sam {command} has no {key}"


def answers_of_guided_are_kept_as_they_were_given():
    from samcli.cli.types import CfnParameterOverridesType
    from samcli.commands.deploy.guided_config import GuidedConfig

    # --guided keeps them in samconfig.toml, and the next deployment reads them there.
    name = "ExcludeCharacters"
    for value in map("".join, (answer for length in (1, 2, 3) for answer in product("\\\"' ,=/a", repeat=length))):
        if re.search(PARAMETERS[name]["AllowedPattern"], value):
            kept = f'{name}={GuidedConfig.quote_parameter_values(value)} Next="x"'
            read = CfnParameterOverridesType().convert((kept,), None, None)
            if read != {name: value, "Next": "x"}:
                yield f"{name}: {value!r} is read again as {read}"


CHECKS = [
    answers_of_guided_are_kept_as_they_were_given,
    configuration_is_known_to_sam,
    functions_are_alike,
    parameters_are_shown_once,
    parameters_explain_what_they_refuse,
    text_is_ascii,
    documentation_has_all_parameters,
    policies_are_narrow,
    roles_keep_to_their_own,
    proven_policies_are_the_template_s,
    only_what_is_asked_for_is_made,
    dashboard_is_json_for_any_functions,
    messages_name_what_they_insert,
    eventbridge_may_publish,
]

if __name__ == "__main__":
    if "--write" in sys.argv:
        for path, text in role_policies():
            path.write_text(text, encoding="utf-8")
    faults = [f"{check.__name__.replace('_', ' ')}: {fault}" for check in CHECKS for fault in check()]
    print("\n".join(faults) if faults else f"{len(CHECKS)} checks of our own: {', '.join(c.__name__.replace('_', ' ') for c in CHECKS)}")
    sys.exit(bool(faults))
