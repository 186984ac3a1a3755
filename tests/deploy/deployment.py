"""Deploys the CloudFormation examples to ministack and looks at the secrets that come of it.

python deployment.py SCRATCH MINISTACK TEMPLATES; with a Python that has boto3 and cfn-lint. ministack does not know
RotationSchedule and SecurityGroupIngress, nor the secret of an instance whose password RDS manages: the first two are
left out, for the last there is a fixed ARN. All else is what the templates say.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import boto3
import botocore.exceptions
from cfnlint.decode import decode

UNKNOWN = ("AWS::SecretsManager::RotationSchedule", "AWS::EC2::SecurityGroupIngress")
ADMIN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:rds!db-0123-AbCdEf"
# What the secret has to hold besides password and host; nothing where CloudFormation stores no value.
EXPECTED = {
    "rds-postgres": {"username": "postgres", "engine": "postgres", "port": 5432, "dbname": "app"},
    "aurora-postgres": {"username": "postgres", "engine": "postgres", "port": 5432, "dbname": "app"},
    "alternating-users": {"username": "app", "engine": "postgres", "port": 5432, "dbname": "app", "masterarn": ADMIN},
    "mysql-dual-password": {
        "username": "app", "engine": "mysql", "port": 3306, "dbname": "app", "masterarn": ADMIN,
        "rotation": {"strategy": "dual-password"},
    },
    "api-key": None,
    "network": None,
}


def without_managed_admin(value):
    """The template with a fixed ARN for the secret that RDS would make."""
    if isinstance(value, list):
        return [without_managed_admin(item) for item in value]
    if isinstance(value, str):
        return value.replace("${Database.MasterUserSecret.SecretArn}", ADMIN)
    if not isinstance(value, dict):
        return value
    if value.get("Fn::GetAtt") == ["Database", "MasterUserSecret.SecretArn"]:
        return ADMIN
    return {key: without_managed_admin(item) for key, item in value.items()}


def read(path):
    template, problems = decode(str(path))
    if problems:
        raise SystemExit(f"{path}: {problems}")
    template = without_managed_admin(json.loads(json.dumps(template)))
    resources = template["Resources"]
    template["Resources"] = {name: r for name, r in resources.items() if r["Type"] not in UNKNOWN}
    return template


class Account:
    """An account in ministack, with a network."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        ec2 = self.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
            for i, zone in enumerate(("us-east-1a", "us-east-1b"))
        ]
        group = ec2.create_security_group(GroupName="database", Description="database", VpcId=vpc)["GroupId"]
        self.values = {
            "SubnetIds": ",".join(subnets), "SecurityGroupIds": group, "DatabaseSecurityGroupId": group,
            "VpcId": vpc, "VpcCidr": "10.0.0.0/16",
        }

    def client(self, service):
        key = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self.endpoint, region_name="us-east-1", **key)

    def deploy(self, name, template):
        """Its outputs."""
        cloudformation = self.client("cloudformation")
        given = set(self.values) & set(template["Parameters"])
        parameters = [{"ParameterKey": key, "ParameterValue": self.values[key]} for key in sorted(given)]
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), Parameters=parameters)
        waiter = cloudformation.get_waiter("stack_create_complete")
        try:
            waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
        except botocore.exceptions.WaiterError:
            events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            failed = [(e["LogicalResourceId"], e.get("ResourceStatusReason")) for e in events
                      if "FAILED" in e["ResourceStatus"]]
            raise SystemExit(f"{name}: {failed}")
        outputs = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}

    def check(self, name, template, expected):
        outputs = self.deploy(name, template)
        for key, value in outputs.items():
            if "${" in value or "{{" in value:
                raise SystemExit(f"{name}: {key} is {value}")
        if expected is None:
            return
        value = self.client("secretsmanager").get_secret_value(SecretId=outputs["SecretArn"])["SecretString"]
        secret = json.loads(value)
        password, host = secret.pop("password", ""), secret.pop("host", "")
        if secret != expected:
            raise SystemExit(f"{name}: the secret has {secret} besides password and host")
        if len(password) != 32 or not host.endswith(".rds.amazonaws.com"):
            raise SystemExit(f"{name}: no good password, or no host: {host}")


def main(scratch, ministack, templates):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environment = os.environ | {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1"}
    with open(pathlib.Path(scratch) / "ministack.log", "wb") as log:
        server = subprocess.Popen([ministack], env=environment, cwd=scratch, stdout=log, stderr=log)
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.2)
        account = Account(f"http://127.0.0.1:{port}")
        found = {path.stem: path for path in pathlib.Path(templates).glob("*.yaml")}
        if set(found) != set(EXPECTED):
            raise SystemExit(f"not the templates that are expected: {sorted(found)}")
        for name, path in sorted(found.items()):
            account.check(name, read(path), EXPECTED[name])
    finally:
        server.terminate()
        server.wait()
    print(f"examples: CloudFormation: {len(EXPECTED)} templates deploy to ministack, and the secrets hold what they should")


if __name__ == "__main__":
    main(*sys.argv[1:])
