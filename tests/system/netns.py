"""A machine of its own, as far as the network goes: a namespace with one wire
to here, which can be cut. Needs root, and a kernel that lets it."""

import contextlib
import os
import subprocess

import pytest


def ip(*argv):
    return subprocess.run(["ip", *argv], capture_output=True, text=True,
                          check=False)


class Namespace:
    """Somebody at `host`; we are at `here`."""

    def __init__(self):
        number = os.getpid()
        self.name = f"reunite{number}"
        net = f"10.{128 + number // 64 // 256 % 64}.{number // 64 % 256}"
        first = 4 * (number % 64)
        self.here, self.host = f"{net}.{first + 1}", f"{net}.{first + 2}"
        self.ours, self.theirs = f"rh{number}", f"rn{number}"

    def make(self):
        for argv in (
                ["netns", "add", self.name],
                ["link", "add", self.ours, "type", "veth", "peer", "name",
                 self.theirs, "netns", self.name],
                ["addr", "add", self.here + "/30", "dev", self.ours],
                ["link", "set", self.ours, "up"],
                ["-n", self.name, "addr", "add", self.host + "/30", "dev",
                 self.theirs],
                ["-n", self.name, "link", "set", self.theirs, "up"],
                ["-n", self.name, "link", "set", "lo", "up"]):
            done = ip(*argv)
            if done.returncode:
                self.remove()
                pytest.skip("no network namespaces here: "
                            + done.stderr.strip())

    def wrapper(self):
        """How to start a program there."""
        return ["ip", "netns", "exec", self.name]

    def cut(self):
        """What is sent goes nowhere, and nobody says so."""
        assert ip("-n", self.name, "link", "set", self.theirs,
                  "down").returncode == 0

    def mend(self):
        assert ip("-n", self.name, "link", "set", self.theirs,
                  "up").returncode == 0

    def remove(self):
        ip("netns", "del", self.name)  # the wire goes with it


@contextlib.contextmanager
def namespace():
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    there = Namespace()
    there.make()
    try:
        yield there
    finally:
        there.remove()
