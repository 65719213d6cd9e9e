"""`reunite import` as tests run it: files, commands, what came of them."""

import csv
import io
import json
import os
import signal
import subprocess

import harness
import rounds

FIRST_ID = 41_000_000
WRITES = {"PUT", "POST", "DELETE", "PATCH"}


def address(n):
    return f"customer{n}@people.example"


def user_id(n):
    return FIRST_ID + n


def key(n):
    return f"shop-{n}"


def customer(n, **changes):
    return {"id": user_id(n), "name": f"Customer Number {n}",
            "email": address(n), **changes}


def identity(value, method="none", primary=False, kind="email"):
    return {"type": kind, "value": value, "primary": primary,
            "verified": method != "none", "verification_method": method}


def table(rows, heading=("email", "external_id"), end="\r\n"):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end)
    writer.writerows([heading, *rows])
    return out.getvalue()


def numbers(count, first=0):
    return [(address(n), key(n)) for n in range(first, first + count)]


def write(reunite, content, name="users.csv"):
    path = os.path.join(reunite.folder, name)
    mode = "wb" if isinstance(content, bytes) else "w"
    with open(path, mode, **({} if mode == "wb" else
                             {"encoding": "utf-8", "newline": ""})) as f:
        f.write(content)
    return path


class Command:
    """`reunite import` under way."""

    def __init__(self, reunite, *argv, file="users.csv", stdin=None,
                 environment=None):
        self.reunite = reunite
        self.process = subprocess.Popen(
            [harness.binary("reunite"), "import", file, *argv, "-c",
             reunite.config], stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=reunite.folder, env={**os.environ, **(environment or {})})

    def end(self, timeout_s=120):
        out, err = self.process.communicate(timeout=timeout_s)
        return self.process.returncode, out, err

    def kill(self):
        self.process.kill()
        return self.end()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.end()


def run(reunite, *argv, code=0, **more):
    returned, out, err = Command(reunite, *argv, **more).end()
    assert returned == code, (returned, out, err)
    assert "people.example" not in out + err
    assert "shop-" not in out + err
    return out, err


def summary(reunite, *argv, **more):
    """With --json: the rows by their line, and the summary."""
    out, _ = run(reunite, *argv, "--json", **more)
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[-1]["summary"] == "import"
    return {row["line"]: row for row in lines[:-1]}, lines[-1]


def report(reunite, name="import-acme.csv"):
    """Line -> row, as the file has it."""
    path = os.path.join(reunite.folder, name)
    assert os.stat(path).st_mode & 0o777 == 0o600
    with open(path, encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    assert len({row["line"] for row in rows}) == len(rows)
    return {int(row["line"]): row for row in rows}


def outcomes(reunite):
    return {line: row["outcome"] for line, row in report(reunite).items()}


def ids(box):
    """Everybody's external id, of those who have one."""
    return {u["id"]: u["external_id"] for u in box.state()["users"]
            if u["external_id"]}


def calls(box, name):
    return [r for r in rounds.requests(box) if r["call"] == name]


def writes(box):
    return [r for r in rounds.requests(box)
            if r["method"] in WRITES and r["call"] != "oauth"]


def files(reunite):
    return sorted(n for n in os.listdir(reunite.folder)
                  if n.startswith("import-"))
