"""Compares the names of resources and arguments in a folder of Terraform with the providers' schemas.

python terraform_names.py BINDINGS FOLDER. BINDINGS has a folder a provider, with its bindings for cdktf unpacked: their
TypeScript declarations are made of the provider's schema. Types of values are not compared.
"""

import pathlib
import re
import sys

import hcl2

# Terraform's own, which no provider knows.
META = {"count", "for_each", "depends_on", "lifecycle", "provider"}


def snake(name):
    return re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), name)


def bare(name):
    """Without the quotes that python-hcl2 leaves around labels."""
    return name.strip('"')


class Schema:
    """The declarations of one resource or data source."""

    def __init__(self, bindings, kind, name):
        provider, _, rest = name.partition("_")
        prefix = {"resource": "", "data": f"data-{provider}-", "ephemeral": ""}[kind]
        folder = bindings / provider / "package" / "lib" / (prefix + rest.replace("_", "-"))
        texts = [path.read_text() for path in sorted(folder.rglob("*.d.ts"))]
        if not texts:
            raise LookupError(f"no {kind} {name}")
        declared = r"export interface (\w+)(?: extends [\w.]+)? \{\n(.*?)\n\}"
        self.interfaces = dict(re.findall(declared, "\n".join(texts), re.S))
        self.root = next(name for name in self.interfaces if name.endswith("Config"))

    def fields(self, interface):
        """name: (whether it is required, the interface of its blocks or None)"""
        found = {}
        line = r"^    readonly (\w+)(\??): (.*);$"
        for name, optional, kind in re.findall(line, self.interfaces[interface], re.M):
            block = next((word for word in re.findall(r"\w+", kind) if word in self.interfaces), None)
            found[snake(name)] = (not optional, block)
        return found

    def wrong(self, body, place, interface=None):
        known = self.fields(interface or self.root)
        given = {bare(name): value for name, value in body.items() if not name.startswith("__")}
        for name in sorted(set(given) - set(known) - META):
            yield f"{place} has no {name}"
        for name in sorted(name for name, (is_required, _) in known.items() if is_required):
            if name not in given:
                yield f"{place} lacks {name}"
        for name, (_, block) in known.items():
            if block and isinstance(given.get(name), list):
                for inner in given[name]:
                    yield from self.wrong(inner, f"{place} {name}", block)


def main(bindings, folder):
    problems, seen = [], 0
    for path in sorted(pathlib.Path(folder).glob("*.tf")):
        with path.open() as file:
            parsed = hcl2.load(file)
        for kind in ("resource", "data", "ephemeral"):
            for block in parsed.get(kind, []):
                for name, instances in block.items():
                    if name.startswith("__"):
                        continue
                    seen += 1
                    try:
                        schema = Schema(pathlib.Path(bindings), kind, bare(name))
                    except LookupError as error:
                        problems.append(f"{path}: {error}")
                        continue
                    for label, body in instances.items():
                        place = f"{path}: {bare(name)}.{bare(label)}"
                        problems += schema.wrong(body, place)
    for problem in problems:
        print(problem)
    if not seen:
        print(f"{folder} has nothing to look at")
    if seen and not problems:
        print(f"examples: Terraform: names of {seen} resources and of their arguments are the providers'")
    return bool(problems) or not seen


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
