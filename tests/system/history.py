"""Accounts that are full of people long before anybody installs us: pairs of
which one is the duplicate, people without a conversation, staff."""

import json
import os
import signal
import subprocess

import harness

FIRST_ID = 31_000_000
LONG_AGO = "2026-01-31T09:00:00Z"


def sunco_id(n):
    return f"6b{n:022x}"


def address(n):
    return f"customer{n}@people.example"


def user_of(n):
    return FIRST_ID + 2 * n + 1


def profile(n, at=LONG_AGO):
    """Somebody who owns an address, proven."""
    return {"id": FIRST_ID + 2 * n, "name": f"Customer Number {n}",
            "email": address(n), "updated_at": at}


def duplicate(n, at=LONG_AGO):
    """Their conversation's user: nothing but the conversation."""
    return {"id": user_of(n), "name": f"Web User {n}", "updated_at": at,
            "identities": [{"type": "messaging", "value": sunco_id(n)}]}


def login(n):
    """What SunCo knows of them: the login vouched for the address."""
    return {"id": sunco_id(n), "authenticated": True,
            "identities": [{"type": "email", "value": address(n),
                            "verification": "embed"}],
            "profile": {"givenName": "Customer", "surname": f"Number {n}"}}


def typed(n):
    """They only typed it into a form: a person has to look."""
    return {"id": sunco_id(n), "authenticated": False,
            "profile": {"email": address(n)}}


def nobody(n):
    """Nothing is known of them."""
    return {"id": sunco_id(n), "authenticated": False}


def load(sandbox, pairs, first=0, sunco=login, at=LONG_AGO):
    """So many pairs; {messaging user: profile}."""
    numbers = range(first, first + pairs)
    users = []
    for n in numbers:
        users += [profile(n, at), duplicate(n, at)]
    sandbox.people(*users, sunco_users=[sunco(n) for n in numbers])
    return {user_of(n): profile(n)["id"] for n in numbers}


def load_others(sandbox, count, first=900_000):
    """People who never wrote by messaging, and an agent who did."""
    users = [{"id": first + n, "name": f"Reader {n}", "updated_at": LONG_AGO,
              "email": f"reader{n}@people.example"} for n in range(count)]
    users.append({"id": first + count, "name": "Agent of ours",
                  "role": "agent", "updated_at": LONG_AGO,
                  "identities": [{"type": "messaging",
                                  "value": sunco_id(first)}]})
    sandbox.people(*users)
    return [u["id"] for u in users]


def ready(sandbox):
    """Limits that nobody waits for."""
    sandbox.settings(limit=1_000_000, user_update_limits=False,
                     incremental_limit=0)
    return sandbox


def merged_once(sandbox, pairs):
    """The sandbox's own record: every one of them, and nobody else."""
    found = sandbox.state()["merges"]
    assert len(found) == len({m["from"] for m in found})
    assert {m["from"]: m["into"] for m in found} == pairs


def until_merged(sandbox, count, timeout_s=harness.WAIT_S):
    harness.wait_until(lambda: len(sandbox.state()["merges"]) >= count,
                       timeout_s, what=f"{count} merges", pause_s=0.05)


class Command:
    """`reunite backfill` under way, in a folder of its own."""

    def __init__(self, reunite, *argv, cwd=None, environment=None):
        self.process = subprocess.Popen(
            [harness.binary("reunite"), "backfill", *argv, "-c",
             reunite.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, cwd=cwd or reunite.folder,
            env={**os.environ, **(environment or {})})

    def heeds_interrupts(self):
        """Earlier a SIGINT is simply its end."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            caught, = [line.split()[1] for line in f
                       if line.startswith("SigCgt:")]
        return int(caught, 16) >> (signal.SIGINT - 1) & 1

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def kill(self):
        self.process.kill()
        return self.end()

    def end(self, timeout_s=60):
        out, err = self.process.communicate(timeout=timeout_s)
        return self.process.returncode, out, err


def run(reunite, *argv, code=0, **more):
    """Its end; standard output and error."""
    returned, out, err = Command(reunite, *argv, **more).end()
    assert returned == code, (returned, out, err)
    assert "people.example" not in out + err
    assert "Customer" not in out + err
    return out, err


def rows(reunite, *argv, **more):
    """With --json: the decisions, and the summary."""
    out, _ = run(reunite, *argv, "--json", **more)
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[-1]["summary"] == "backfill"
    return lines[:-1], lines[-1]


def decision(line):
    """What a line says that does not depend on when it was written."""
    return (line["messaging_user_id"], line["profile_id"], line["action"],
            line["reason"], line["evidence"])


def status(reunite, account=None):
    argv = ["backfill", "--status"]
    found = reunite.rows(*argv, *(["--account", account] if account else []))
    return found[0]
