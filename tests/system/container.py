"""A program started as containers are: a read-only root of its own, another
user, no privilege and none to be had, process 1, and no network but a
loopback of its own. Needs root.

    container.py ROOT MOUNT... -- PROGRAM ARGUMENT...

is that program's first process, inside namespaces that `unshare` made; the
variable CONTAINER_ENVIRONMENT holds the environment as JSON. A mount is
SOURCE:PLACE:ro or :rw.
"""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys

USER = 10001
READ_ONLY = "remount,bind,ro,nosuid,nodev"
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
CAPABILITIES = 41


def mount(*argv):
    subprocess.run(["mount", *argv], check=True)


def make_device(root, name):
    place = f"{root}/dev/{name}"
    with open(place, "wb"):
        pass
    mount("--bind", f"/dev/{name}", place)


def prepare(root, mounts):
    """What an engine mounts, and what it was told to."""
    mount("--make-rprivate", "/")
    mount("--bind", root, root)
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", f"{root}/dev")
    for name in ("null", "zero", "random", "urandom"):
        make_device(root, name)
    mount("-t", "proc", "proc", f"{root}/proc")
    for row in mounts:
        source, place, how = row.split(":")
        mount("--bind", source, root + place)
        if how == "ro":
            mount("-o", READ_ONLY, root + place)
    mount("-o", READ_ONLY, root)


def prctl(option, value):
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def become_nobody(root):
    os.chroot(root)
    os.chdir("/")
    for capability in range(CAPABILITIES):
        prctl(PR_CAPBSET_DROP, capability)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    os.setgroups([])
    os.setgid(USER)
    os.setuid(USER)


def main():
    end = sys.argv.index("--")
    root, *mounts = sys.argv[1:end]
    argv = sys.argv[end + 1:]
    prepare(root, mounts)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    become_nobody(root)
    os.execve(argv[0], argv, json.loads(os.environ["CONTAINER_ENVIRONMENT"]))


class Container:
    """One that runs. Mounts as above."""

    def __init__(self, root, log_file, environment, mounts, argv):
        self.environment = environment
        self.log_file = log_file
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--net", "--pid", "--ipc", "--uts",
                 "--fork", sys.executable, __file__,
                 root, *mounts, "--", *argv],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env={**os.environ,
                     "CONTAINER_ENVIRONMENT": json.dumps(environment)})

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as f:
            return f.read()

    def gone(self):
        return self.process.poll() is not None

    def pid(self):
        """Of its process 1, as it is seen from here."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as f:
            return int(f.read().split()[0])

    def enter(self, *how):
        return [shutil.which("nsenter"), "--target", str(self.pid()), *how]

    def execute(self, *argv):
        """A program inside, as `docker exec` and health checks start it."""
        return subprocess.run(
            self.enter("--mount", "--net", "--pid", "--root", "--wd",
                       "--setgid", str(USER), "--setuid", str(USER),
                       "--", *argv),
            env=self.environment, capture_output=True, text=True, timeout=60)

    def curl(self, *argv):
        """Asked from this machine's files, in its network."""
        return subprocess.run(
            [*self.enter("--net"), "curl", "-sS", *argv],
            capture_output=True, text=True, timeout=60)

    def signal(self, signo):
        os.kill(self.pid(), signo)

    def kill(self):
        """Its process 1, with which all the others end: who became another
        user no longer dies with its parent."""
        if not self.gone():
            self.signal(signal.SIGKILL)
        self.process.wait()


if __name__ == "__main__":
    main()
