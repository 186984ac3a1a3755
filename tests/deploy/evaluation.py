"""What CloudFormation makes of template.yaml for given parameters, as far as the template needs it."""

import json
import re

from samtranslator.yaml_helper import yaml_parse

PSEUDO_PARAMETERS = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::StackName": "turnlock",
}
NOTHING = object()


class Stack:
    """The template with values for its parameters; those not given have their defaults."""

    def __init__(self, template, **given):
        self.template = template
        defaults = {name: str(of["Default"]) for name, of in template["Parameters"].items()}
        if unknown := given.keys() - defaults.keys():
            raise KeyError(f"no such parameters: {unknown}")
        self.parameters = defaults | given

    def resources(self, kind):
        """Those of a type that are made, by name: their properties."""
        made = self.template["Resources"].items()
        made = {name: of for name, of in made if of["Type"] == kind and self.makes(of)}
        return {name: self.value(of.get("Properties", {})) for name, of in made.items()}

    def makes(self, resource):
        return "Condition" not in resource or self.holds(resource["Condition"])

    def holds(self, condition):
        if isinstance(condition, str):
            return self.holds(self.template["Conditions"][condition])
        ((function, operands),) = condition.items()
        match function:
            case "Condition":
                return self.holds(operands)
            case "Fn::And":
                return all(map(self.holds, operands))
            case "Fn::Or":
                return any(map(self.holds, operands))
            case "Fn::Not":
                return not self.holds(operands[0])
            case "Fn::Equals":
                return self.value(operands[0]) == self.value(operands[1])
        raise ValueError(f"unknown condition: {function}")

    def value(self, node):
        if isinstance(node, list):
            return [value for value in map(self.value, node) if value is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((function, operands),) = node.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self.call(function, operands)
        values = {key: self.value(of) for key, of in node.items()}
        return {key: value for key, value in values.items() if value is not NOTHING}

    def call(self, function, operands):
        match function:
            case "Ref":
                return NOTHING if operands == "AWS::NoValue" else self.name(operands)
            case "Fn::GetAtt":
                return ".".join(operands) if isinstance(operands, list) else operands
            case "Fn::If":
                condition, then, otherwise = operands
                return self.value(then if self.holds(condition) else otherwise)
            case "Fn::Join":
                delimiter, parts = operands
                return delimiter.join(self.value(parts))
            case "Fn::Split":
                delimiter, text = operands
                return self.value(text).split(delimiter)
            case "Fn::Sub":
                text, own = (operands, {}) if isinstance(operands, str) else operands
                own = self.value(own)
                return re.sub(r"\$\{([^}]+)}", lambda m: own.get(m[1]) or self.name(m[1]), text)
        raise ValueError(f"unknown function: {function}")

    def name(self, name):
        """What a reference to a parameter is; one to a resource is its name."""
        if name in self.parameters or name in PSEUDO_PARAMETERS:
            return (self.parameters | PSEUDO_PARAMETERS)[name]
        if name in self.template["Resources"]:
            return name
        raise KeyError(f"reference to nothing: {name}")


def template(path):
    with open(path, encoding="utf-8") as file:
        # Without the tags' own types.
        return json.loads(json.dumps(yaml_parse(file.read())))
