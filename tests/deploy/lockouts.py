"""Looks in CloudFormation templates for what would lock consumers of a secret out.

python lockouts.py TEMPLATE...; with the Python of cfn-lint. Prints what is wrong, and exits with 1 if anything is.
"""

import json
import string
import sys

from cfnlint.decode import decode

# What RDS takes in no master password (ModifyDBInstance, MasterUserPassword), and a dynamic reference at no end.
REFUSED = set('/"@ \\')
SECRET = "AWS::SecretsManager::Secret"
ATTACHMENT = "AWS::SecretsManager::SecretTargetAttachment"
SCHEDULE = "AWS::SecretsManager::RotationSchedule"


def names(value):
    """The logical ids that a value refers to."""
    if isinstance(value, list):
        return set().union(*map(names, value))
    if not isinstance(value, dict):
        return set()
    found = set().union(*map(names, value.values()))
    if isinstance(value.get("Ref"), str):
        found.add(value["Ref"])
    return found


def drawn(generator):
    """The characters that a password may have (GetRandomPassword)."""
    characters = set(string.ascii_letters + string.digits)
    if not generator.get("ExcludePunctuation"):
        characters |= set(string.punctuation)
    if generator.get("IncludeSpace"):
        characters.add(" ")
    return characters - set(generator.get("ExcludeCharacters", ""))


# A stack that was never made leaves nothing; nobody has used that secret.
KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


def wrong(resources):
    """What is wrong with the resources of a template, in words."""
    attached = {}
    for name, resource in resources.items():
        if resource["Type"] == ATTACHMENT:
            for secret in names(resource["Properties"]["SecretId"]):
                attached[secret] = name
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == SECRET:
            for policy, kept in KEPT.items():
                if resource.get(policy) != kept:
                    yield f"{name}: {policy} is not {kept}: the stack may take the password that works along"
            if "SecretString" in properties:
                yield f"{name}: SecretString: a later change of it writes over the password that works"
            generator = properties.get("GenerateSecretString")
            if generator and drawn(generator) & REFUSED:
                yield f"{name}: draws {sorted(drawn(generator) & REFUSED)}, which RDS refuses"
        if resource["Type"] == SCHEDULE:
            if properties.get("RotateImmediatelyOnUpdate") is not False:
                yield f"{name}: rotates with each update of the stack"
            for key in ("HostedRotationLambda", "RotationLambdaARN"):
                if (key in properties) != (key == "RotationLambdaARN"):
                    yield f"{name}: {key}"
            before = resource.get("DependsOn", [])
            before = set([before] if isinstance(before, str) else before) | names(properties["SecretId"])
            for secret in names(properties["SecretId"]) & set(attached):
                if attached[secret] not in before:
                    yield f"{name}: may come before {attached[secret]}, when the secret has no host"
    if not any(r["Type"] in (SECRET, "AWS::EC2::VPCEndpoint") for r in resources.values()):
        yield "has nothing to look at"


def main(paths):
    found = False
    for path in paths:
        template, matches = decode(path)
        problems = [str(match) for match in matches]
        problems = problems or list(wrong(json.loads(json.dumps(template))["Resources"]))
        for problem in problems:
            print(f"{path}: {problem}")
            found = True
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
