"""The results that are published: results/latest.json, pictures beside it,
and the part of the README between two markers, which is made of the JSON and
nothing else.

usage: results.py [--check]

Without an option it makes pictures and README anew from the JSON; with
--check it only says whether they are what it would make (tests/tree asks)."""

import glob
import importlib
import json
import os
import re
import sys

import figures

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FOLDER = os.path.join(HERE, "results")
LATEST = os.path.join(FOLDER, "latest.json")
README = os.path.join(ROOT, "README.md")
BEGIN = "<!-- figures: made by tests/bench/run.sh -->\n"
END = "<!-- end of figures -->\n"


def cases():
    """Every tests/bench/case_*.py, by its place; its contract is in
    bench.py."""
    names = [os.path.basename(path)[:-3] for path in glob.glob(
        os.path.join(HERE, "case_*.py"))]
    return sorted(map(importlib.import_module, names),
                  key=lambda case: (case.PLACE, case.NAME))


def in_order(found):
    """The cases that have results, with them."""
    return [(case, found["cases"][case.NAME]) for case in cases()
            if case.NAME in found["cases"]]


def tables(found):
    return [table for case, result in in_order(found)
            for table in case.tables(result["found"])]


def targets(found):
    rows = [target.row() for case, result in in_order(found)
            for target in case.targets(result["found"])]
    return figures.Table("What was to be reached",
                         ["what", "target", "measured", "reached"], rows)


def pictures(found):
    """File name -> SVG."""
    return {name: picture for case, result in in_order(found)
            for name, picture in case.pictures(result["found"]).items()}


def told_of_run(run):
    m = run["machine"]
    kind = "a virtual machine" if m["virtual"] else "a machine"
    text = (f"{run['day']}, {run['commit']}, {kind} with {m['cpus']} cores and "
            f"{m['memory_gib']} GiB, {m['system']}, Linux {m['kernel']}, data "
            f"on {m['file_system']}; {run['rounds']} rounds of "
            f"{run['seconds']:g} s, interleaved")
    beside = [" ".join(pair) for pair in run.get("versions", {}).items()]
    text += f"; beside {', '.join(beside)}" if beside else ""
    if run.get("others", 0) >= 0.1:
        text += (f"; **other programs took {run['others']:.1f} cores "
                 "meanwhile**")
    return text + ("; **a quick run**" if run["quick"] else "") + "."


def runs(found):
    """What was run how, each way once: cases may be of several runs."""
    ways = {}
    for case, result in in_order(found):
        ways.setdefault(told_of_run(result["run"]), []).append(case.TITLE)
    return ways


def left_out(found):
    said = [line for _, result in in_order(found)
            for line in result["run"]["left_out"]]
    return list(dict.fromkeys(said))


def markdown(found):
    parts = []
    for name in pictures(found):
        words = name.removesuffix(".svg").replace("_", " ")
        parts.append(f"![{words}](tests/bench/results/{name})")
    every = tables(found)
    details = [table.markdown() for table in every if table.is_detail]
    parts += [table.markdown() for table in every if not table.is_detail]
    parts.append(targets(found).markdown())
    if details:
        parts += ["<details><summary>More figures, and what shows that they "
                  "are true</summary>", *details, "</details>"]
    ways = runs(found)
    for way, titles in ways.items():
        prefix = f"{', '.join(titles)}: " if len(ways) > 1 else ""
        parts.append(f"Measured {prefix}{way}")
    if left_out(found):
        parts.append("Left out: " + "; ".join(left_out(found)) + ".")
    return "\n\n".join(parts) + "\n"


def terminal(found):
    lines = [table.text() for table in [*tables(found), targets(found)]]
    lines += [f"\nMeasured: {way}" for way in runs(found)]
    lines += [f"Left out: {line}" for line in left_out(found)]
    return "\n".join(lines)


def readme_with(text, found):
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    return text[:begin] + markdown(found) + text[end:]


def load(path=LATEST):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def has_list(value):
    return isinstance(value, list) or isinstance(value, dict) and any(
        map(has_list, value.values()))


def json_text(value, indent=0):
    """A line for each round, so that a new run can be compared."""
    if not has_list(value):
        return json.dumps(value)
    start, end = "[]" if isinstance(value, list) else "{}"
    items = ([json_text(item, indent + 1) for item in value]
             if isinstance(value, list) else
             [f"{json.dumps(key)}: {json_text(item, indent + 1)}"
              for key, item in value.items()])
    inner = (",\n" + " " * (indent + 1)).join(items)
    return f"{start}\n{' ' * (indent + 1)}{inner}\n{' ' * indent}{end}"


def save(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def save_all(folder, found):
    """The JSON and the pictures."""
    os.makedirs(folder, exist_ok=True)
    save(os.path.join(folder, "latest.json"),
         json_text(found) + "\n")
    for name, picture in pictures(found).items():
        save(os.path.join(folder, name), picture)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def publish(found):
    """Cases that were not run this time keep what they had."""
    if os.path.exists(LATEST):
        found = {"cases": {**load()["cases"], **found["cases"]}}
    save_all(FOLDER, found)
    save(README, readme_with(read(README), found))


def differences():
    """Published files that are not what the JSON makes of them."""
    found = load()
    wrong = [name for name, picture in pictures(found).items()
             if not os.path.exists(os.path.join(FOLDER, name))
             or read(os.path.join(FOLDER, name)) != picture]
    there = {os.path.basename(path)
             for path in glob.glob(os.path.join(FOLDER, "*.svg"))}
    wrong += sorted(there - set(pictures(found)))
    if readme_with(read(README), found) != read(README):
        wrong.append("README.md")
    shown = re.findall(r"results/([\w.]+\.svg)", read(README))
    return wrong + sorted(set(shown) - there)


def main():
    if sys.argv[1:] == ["--check"]:
        wrong = differences()
        for name in wrong:
            print(name)
        return 1 if wrong else 0
    publish(load())
    return 0


if __name__ == "__main__":
    sys.exit(main())
