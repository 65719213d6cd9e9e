"""What processes and the disk did, as the kernel counts it: CPU time and
memory of a server with all its children, flushes and bytes of the disk that a
folder is on. Only Linux's /proc and /sys are asked."""

import os
import re
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid, with_ended=False):
    """User and system time; that of children that ended, too."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15 if with_ended else 13])) / TICKS


def family(pid):
    """A process and all who come from it."""
    found = [pid]
    for parent in found:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children",
                          encoding="ascii") as f:
                    found += map(int, f.read().split())
        except OSError:
            pass
    return found


def family_cpu_seconds(pids):
    """Of several servers with everybody who came from them, living or not."""
    return sum(cpu_seconds(member, with_ended=True)
               for pid in pids for member in family(pid))


def kib(pid, name):
    """VmRSS, RssAnon or VmHWM of one process; 0 once it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            return int(re.search(rf"^{name}:\s+(\d+)", f.read(), re.M)[1])
    except (OSError, TypeError):
        return 0


def shared_fairly_kib(pid):
    """Resident memory, a page of several processes divided by their number."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            return int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M)[1])
    except (OSError, TypeError):
        return 0


def family_memory(pids):
    members = [member for pid in pids for member in family(pid)]
    return {"rss_kib": sum(map(shared_fairly_kib, members)),
            "anon_kib": sum(kib(member, "RssAnon") for member in members)}


def machine_cpu_seconds():
    """Of everything that runs here, the kernel and a hypervisor's other
    guests included."""
    with open("/proc/stat", encoding="ascii") as f:
        fields = list(map(int, f.readline().split()[1:9]))
    idle, waiting = fields[3:5]
    return (sum(fields) - idle - waiting) / TICKS


class Disk:
    """The whole disk under a folder; other programs use it, too, so what it
    counts is at least what we caused."""

    def __init__(self, folder):
        number = os.stat(folder).st_dev
        path = f"/sys/dev/block/{os.major(number)}:{os.minor(number)}"
        path = os.path.realpath(path)
        if os.path.exists(os.path.join(path, "partition")):
            path = os.path.dirname(path)
        self.path = os.path.join(path, "stat")
        self.known = self.counts_flushes(folder)

    def counts_flushes(self, folder):
        """Does a sync show? Not on every kind of disk."""
        if not os.path.exists(self.path):
            return False
        before = self.flushes()
        path = os.path.join(folder, "flush")
        for _ in range(3):
            with open(path, "ab") as f:
                f.write(b"x")
                f.flush()
                os.fsync(f.fileno())
        os.unlink(path)
        return self.flushes() >= before + 3

    def fields(self):
        with open(self.path, encoding="ascii") as f:
            return list(map(int, f.read().split()))

    def flushes(self):
        fields = self.fields()
        return fields[15] if len(fields) > 15 else 0

    def written_bytes(self):
        return self.fields()[6] * 512


class Usage:
    """What some servers used since now."""

    def __init__(self, pids, disk=None):
        self.pids = pids
        self.disk = disk
        self.begun_s = time.monotonic()
        self.cpu_s = family_cpu_seconds(pids)
        self.machine_cpu_s = machine_cpu_seconds()
        self.flushes, self.written = self.disk_counts()

    def disk_counts(self):
        if not self.disk or not self.disk.known:
            return 0, 0
        return self.disk.flushes(), self.disk.written_bytes()

    def so_far(self):
        flushes, written = self.disk_counts()
        return {"seconds": time.monotonic() - self.begun_s,
                "cpu_s": family_cpu_seconds(self.pids) - self.cpu_s,
                "machine_cpu_s": machine_cpu_seconds() - self.machine_cpu_s,
                "flushes": flushes - self.flushes,
                "written_bytes": written - self.written,
                **family_memory(self.pids)}


def file_system(folder):
    """The kind that a folder is on: ext4, xfs, tmpfs."""
    folder = os.path.realpath(folder)
    best = ("", "unknown")
    with open("/proc/self/mounts", encoding="utf-8") as f:
        for line in f:
            _, point, kind = line.split()[:3]
            inside = os.path.commonpath([folder, point]) == point
            if inside and len(point) >= len(best[0]):
                best = (point, kind)
    return best[1]


def versions():
    """Of what the peers run on, as far as it is here."""
    found = {}
    for name, argv in {"node": ["node", "--version"],
                       "nginx": ["/usr/sbin/nginx", "-v"],
                       "Redis": ["redis-server", "--version"],
                       "PostgreSQL": ["psql", "--version"],
                       "webhook": ["webhook", "-version"]}.items():
        try:
            done = subprocess.run(argv, capture_output=True, text=True,
                                  check=False)
        except OSError:
            continue
        version = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
        if version:
            found[name] = version[0]
    return found


def machine(folder):
    """In general words: what figures depend on, and nothing that names it."""
    with open("/proc/meminfo", encoding="ascii") as f:
        memory_kib = int(re.search(r"MemTotal:\s+(\d+)", f.read())[1])
    with open("/etc/os-release", encoding="utf-8") as f:
        system = re.search(r'^PRETTY_NAME="?([^"\n]*)', f.read(), re.M)[1]
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        virtual = "hypervisor" in f.read()
    return {"cpus": len(os.sched_getaffinity(0)),
            "memory_gib": round(memory_kib / 2**20),
            "virtual": virtual,
            "system": re.sub(r" \(.*", "", system),
            "kernel": re.match(r"\d+\.\d+", os.uname().release)[0],
            "file_system": file_system(folder)}
