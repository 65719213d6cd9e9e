"""A configuration for `reunite doctor` to look at, and what it finds."""

import json
import os
import socket
import subprocess

import daemon
import harness
import privacy


def of(rows, check, account):
    return [row for row in rows
            if (row["check"], row["account"]) == (check, account)]


class Clinic:
    """A configuration to be looked at, without a daemon, and so without a
    store, which is a problem of its own."""

    def __init__(self, folder, sandbox):
        self.folder = folder
        self.sandbox = sandbox
        self.sockets = []
        self.config = os.path.join(folder, "reunite.conf")
        self.configure()

    def configure(self, top=None, others=None, **account):
        """`others`: further accounts, each with its sandbox."""
        accounts = {"acme": self.sandbox, **(others or {})}
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(daemon.lines(
                {"store": f"sqlite:{self.folder}/reunite.db",
                 **(top or {})}))
            for name, sandbox in accounts.items():
                f.write(daemon.account_section(name, sandbox,
                                                      **account))
        os.chmod(self.config, 0o600)

    def replace(self, old, new):
        """Another text in the configuration."""
        with open(self.config, encoding="utf-8") as f:
            text = f.read()
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))

    def doctor(self, *argv, environment=None):
        done = subprocess.run(
            [harness.binary("reunite"), "doctor", *argv, "-c", self.config],
            capture_output=True, text=True, timeout=120,
            env={**os.environ, **(environment or {})})
        assert done.stderr == ""
        privacy.check(done.stdout.replace(str(self.folder), ""),
                      [self.sandbox])
        return done

    def all_rows(self, *argv, **kwargs):
        done = self.doctor("--json", *argv, **kwargs)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        for row in rows:
            assert (row["level"] == "ok") <= (row["mend"] is None)
        return rows

    def rows(self, check, *argv, account="acme", **kwargs):
        """What was found out by this check, in order."""
        return of(self.all_rows(*argv, **kwargs), check, account)

    def finding(self, check, level, *argv, **kwargs):
        """The only one of this check."""
        row, = self.rows(check, *argv, **kwargs)
        assert row["level"] == level, row
        return row["finding"]

    def socket(self, listens):
        """The address of one that says nothing: it takes connections and is
        silent, or refuses them."""
        end = socket.socket()
        end.bind(("127.0.0.1", 0))
        if listens:
            end.listen(64)
        self.sockets.append(end)
        return f"http://127.0.0.1:{end.getsockname()[1]}"

    def close(self):
        for end in self.sockets:
            end.close()
