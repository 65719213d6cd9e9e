#!/usr/bin/env python3
"""Makes kubernetes.json, a JSON schema of the kinds of object in
deploy/kubernetes, from the types of the npm package kubernetes-models, which
are generated from Kubernetes' own API description. What the types do not
name is refused, as by `kubectl --validate=strict`. To renew it:

    npm pack kubernetes-models @kubernetes-models/apimachinery
    # unpack each into a folder of its own
    tests/tree/schemas/make_kubernetes.py MODELS/package APIMACHINERY/package
"""

import json
import re
import sys
from pathlib import Path

KINDS = [
    "apps/v1/Deployment",
    "networking.k8s.io/v1/Ingress",
    "networking.k8s.io/v1/NetworkPolicy",
    "policy/v1/PodDisruptionBudget",
    "v1/ConfigMap",
    "v1/PersistentVolumeClaim",
    "v1/Secret",
    "v1/Service",
]
# Types that the package declares wider than the API takes them.
KNOWN = {
    "Quantity": {
        "type": ["integer", "string"],
        "pattern": r"^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$",
    },
    "IntOrString": {"type": ["integer", "string"]},
    "Time": {"type": "string"},
    "MicroTime": {"type": "string"},
}
PLAIN = {
    "string": {"type": "string"},
    "number": {"type": "integer"},  # no kind of ours has another
    "boolean": {"type": "boolean"},
}


class Maker:
    def __init__(self, models, machinery):
        self.models = Path(models).resolve()
        self.machinery = Path(machinery).resolve()
        self.definitions = {}

    def file_of(self, imported, here):
        prefix = "@kubernetes-models/apimachinery/"
        if imported.startswith(prefix):
            return self.machinery / (imported[len(prefix):] + ".d.ts")
        return (here.parent / imported).resolve().with_suffix(".d.ts")

    def name_of(self, path):
        base = self.models if path.is_relative_to(self.models) \
            else self.machinery
        return str(path.relative_to(base))[: -len(".d.ts")]

    def schema_of(self, text, files):
        text = text.strip()
        if text in PLAIN:
            return PLAIN[text]
        if match := re.fullmatch(r"Array<(.*)>", text, re.S):
            return {"type": "array", "items": self.schema_of(match[1], files)}
        if match := re.fullmatch(r"\{\s*\[key: string\]: (.*);\s*\}", text,
                                 re.S):
            return {"type": "object",
                    "additionalProperties": self.schema_of(match[1], files)}
        if re.fullmatch(r'"[^"]*"( \| "[^"]*")*', text):
            return {"enum": re.findall(r'"([^"]*)"', text)}
        if text in files:
            return self.reference(files[text])
        raise SystemExit(f"a type that is not understood: {text}")

    def reference(self, path):
        name = self.name_of(path)
        if name not in self.definitions:
            self.definitions[name] = {}  # it may name itself
            self.definitions[name] = KNOWN.get(path.name.split(".")[0]) \
                or self.interface(path)
        return {"$ref": f"#/definitions/{name.replace('/', '~1')}"}

    def interface(self, path):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        files = {
            name: self.file_of(imported, path)
            for names, imported in re.findall(
                r'import \{ ([^}]*) \} from "([^"]*)";', text)
            for name in names.split(", ")
        }
        own = re.search(r"export type \{ (\w+) as (\w+)", text)
        files[own[2]] = path
        body = re.search(r"export interface \w+[^{]*\{\n(.*?)^\}", text,
                         re.S | re.M)[1]
        fields = re.findall(r'^    "([^"]+)"(\??): (.*?;)$(?=\s*(?:^    "|\Z))',
                            body, re.S | re.M)
        schema = {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: self.schema_of(kind[:-1], files)
                           for name, _, kind in fields},
        }
        required = [name for name, optional, _ in fields if not optional]
        if required:
            schema["required"] = required
        return schema


def main():
    maker = Maker(*sys.argv[1:3])
    version = json.loads((maker.models / "package.json").read_text())
    kinds = [maker.reference(maker.models / f"{kind}.d.ts") for kind in KINDS]
    head = {
        "$comment": f"made from {version['name']} {version['version']} "
        f"({version['license']}) by make_kubernetes.py",
        "kinds": {kind.split("/")[-1]: ref["$ref"]
                  for kind, ref in zip(KINDS, kinds)},
    }
    lines = [f"{json.dumps(name)}: {json.dumps(value)}"
             for name, value in sorted(maker.definitions.items())]
    Path(__file__).with_name("kubernetes.json").write_text(
        json.dumps(head)[:-1] + ', "definitions": {\n'
        + ",\n".join(lines) + "\n}}\n")


main()
