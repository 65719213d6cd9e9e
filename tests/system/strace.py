"""What a traced program asked the system for, in the order in which the
tracer saw it: a call's end stands before every call that began after it."""

import os
import re
import shutil
import subprocess

CALLS = ("read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,"
         "pwritev,fsync,fdatasync,ftruncate,rename,close,accept4")

LINE = re.compile(r"^(?P<pid>\d+) +(?P<text>.*)$")
CALL = re.compile(r"^(?P<name>\w+)\((?P<args>.*?)(?P<end>\) += |"
                  r" <unfinished \.\.\.>$)(?P<result>-?\d+)?")
RESUMED = re.compile(r"^<\.\.\. (?P<name>\w+) resumed>(?P<args>.*)"
                     r"\) += (?P<result>-?\d+)")
DESCRIPTOR = re.compile(r"^(\d+)(?:<([^>]*)>)?")


def unusable():
    """Why there can be no trace here, or None."""
    if not shutil.which("strace"):
        return "no strace"
    done = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"],
                          capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else "strace: " + done.stderr.strip()


def environment():
    """The leak check of AddressSanitizer traces the program itself."""
    asan = os.environ.get("ASAN_OPTIONS", "")
    return {"ASAN_OPTIONS": asan + ":detect_leaks=0"}


def wrapper(path):
    """To be put before a program; it stays the child of its starter."""
    return ["strace", "-D", "-f", "-y", "-xx", "-s", "70000", "-o", str(path),
            "-e", "trace=" + CALLS]


class Call:
    def __init__(self, name, args, begun):
        self.name = name
        self.begun = begun
        self.ended = None
        self.result = None
        self.args = args

    def end(self, args, result, at):
        self.args += args
        self.result = int(result)
        self.ended = at

    @property
    def descriptor(self):
        return int(DESCRIPTOR.match(self.args).group(1))

    @property
    def path(self):
        """Of the file that the descriptor stands for; "" without one."""
        found = DESCRIPTOR.match(self.args)
        name = found and found.group(2) or ""
        if name.startswith("\\x"):
            name = unhex(name).decode()
        return name

    @property
    def data(self):
        return b"".join(unhex(s)
                        for s in re.findall(r'"((?:\\x..)*)"', self.args))


def unhex(text):
    return bytes.fromhex(text.replace("\\x", ""))


def calls(path):
    """The calls of a trace, by their beginning; ended calls only."""
    found, open_calls = [], {}
    with open(path, encoding="ascii", errors="replace") as f:
        for number, line in enumerate(f):
            pid, text = LINE.match(line).group("pid", "text")
            resumed = RESUMED.match(text)
            if resumed:
                call = open_calls.pop(pid)
                assert call.name == resumed["name"]
                call.end(resumed["args"], resumed["result"], number)
                continue
            begun = CALL.match(text)
            if not begun:
                continue  # signals, exits
            call = Call(begun["name"], begun["args"], number)
            found.append(call)
            if begun["result"] is None:
                open_calls[pid] = call
            else:
                call.end("", begun["result"], number)
    return [c for c in found if c.ended is not None]
