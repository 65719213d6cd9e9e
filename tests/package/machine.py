"""An empty Debian in a folder, as a machine of its own: without a service
manager, or with systemd as its first process. It has its own processes,
network (but for apt) and mounts; of this machine's kernel it may set nothing."""

import glob
import os
import pty
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(os.environ["REUNITE_SOURCE"])
BASE = ROOT / "build" / "debian"
PATIENCE_S = 60
# What asks for hardware, or would change the kernel's settings.
MASKED = """apt-daily-upgrade.timer apt-daily.timer console-getty.service
dev-hugepages.mount dev-mqueue.mount getty.target modprobe@.service
proc-sys-fs-binfmt_misc.automount sys-fs-fuse-connections.mount
sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount
systemd-binfmt.service systemd-modules-load.service
systemd-remount-fs.service systemd-sysctl.service""".split()

PREPARE = """set -e
mount -t proc proc {root}/proc
mount -t tmpfs tmpfs {root}/run -o mode=755
mount -t tmpfs tmpfs {root}/dev -o mode=755
for d in null zero full random urandom tty; do
    touch {root}/dev/$d; mount --bind /dev/$d {root}/dev/$d
done
mkdir {root}/dev/shm
ln -s pts/ptmx {root}/dev/ptmx
mount -t tmpfs tmpfs {root}/dev/shm -o mode=1777
"""
ALONE = PREPARE + 'ip link set lo up\nexec chroot {root} "$@"\n'
ONLINE = PREPARE + 'exec chroot {root} "$@"\n'
SYSTEMD = "mount --bind {root} {root}\n" + PREPARE + """ip link set lo up
mount --bind {root}/proc/sys {root}/proc/sys
mount -o remount,ro,bind {root}/proc/sys
mount -t sysfs -o ro sysfs {root}/sys
mount -t cgroup2 cgroup2 {root}/sys/fs/cgroup
touch {root}/dev/console
mount --bind {console} {root}/dev/console
cd {root}
mkdir -p mnt/old
pivot_root . mnt/old
umount -l /mnt/old
exec env -i container=reunite PATH=/usr/sbin:/usr/bin:/sbin:/bin setpriv \\
    --bounding-set=-sys_time,-sys_module,-sys_boot,-sys_rawio,-syslog \\
    /lib/systemd/systemd
"""
CLEAN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
         "DEBIAN_FRONTEND": "noninteractive"}


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < end, f"timed out waiting for {what}"
        time.sleep(0.05)
    return value


SAID = []


def say(text):
    """What was done: shown at the end."""
    SAID.append(text)


def why_not():
    """Why no such machine can be had here."""
    if os.environ.get("REUNITE_SANITIZE"):
        return "the package is not made of programs with sanitizers"
    for program in ("debootstrap", "dpkg-shlibdeps", "cpack", "ip", "curl"):
        if not shutil.which(program, path="/usr/sbin:/sbin:" +
                            os.environ["PATH"]):
            return f"no {program} here: deploy/packages.sh ci"
    if os.geteuid() != 0:
        return "making a machine of its own takes root"
    done = subprocess.run(["unshare", "-m", "-p", "-n", "-f", "sh", "-c",
                           "mount -t tmpfs tmpfs /mnt"], capture_output=True,
                          text=True)
    return done.stderr.strip()


def empty_debian():
    """Made once, kept in build/; a copy of it is a machine."""
    if BASE.exists():
        say(f"the empty Debian of {BASE.relative_to(ROOT)}")
        return
    release = dict(
        line.split("=", 1) for line in
        Path("/etc/os-release").read_text().splitlines() if "=" in line)
    name = release.get("VERSION_CODENAME", "bookworm").strip('"')
    made = BASE.with_suffix(".new")
    shutil.rmtree(made, ignore_errors=True)
    start = time.monotonic()
    done = subprocess.run(
        ["debootstrap", "--variant=minbase",
         "--include=systemd,systemd-sysv", name, str(made)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        pytest.skip("debootstrap failed: " +
                    "; ".join(done.stdout.splitlines()[-2:]))
    for unit in MASKED:
        os.symlink("/dev/null", made / "etc/systemd/system" / unit)
    made.rename(BASE)
    say(f"debootstrap {name}: {time.monotonic() - start:.0f} s")


class Machine:
    def __init__(self, folder, base=BASE):
        self.root = Path(folder)
        self.systemd = self.console = None
        self.cgroup = ""
        self.parent = None
        subprocess.run(["cp", "-a", "--reflink=auto", base, self.root],
                       check=True)

    def script(self, text):
        return text.format(root=self.root, console=self.console,
                           cgroup=self.cgroup)

    def run(self, *argv, online=False, check=True):
        """A command on it; while systemd runs, beside it."""
        if self.systemd:
            argv = self.entering(*argv)
        else:
            argv = ["unshare", "-m", "-p", "-i", "-u", "-f", "--kill-child",
                    *([] if online else ["-n"]), "sh", "-c",
                    self.script(ONLINE if online else ALONE), "-", *argv]
        done = subprocess.run(argv, env=CLEAN, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace")
        if check:
            assert done.returncode == 0, (argv, done.stdout)
        return done

    def entering(self, *argv):
        return ["nsenter", "-t", str(self.systemd), "-m", "-p", "-n", "-i",
                "-u", *argv]

    def sh(self, text, **kwargs):
        return self.run("sh", "-euc", text, **kwargs).stdout

    def path(self, name):
        return self.root / name.lstrip("/")

    # --- systemd ---

    def boot(self):
        """Skips the test where it cannot be."""
        mounts = [line.split() for line in open("/proc/self/mounts")]
        trees = [m[1] for m in mounts if m[2] == "cgroup2"]
        if not trees:
            pytest.skip("systemd needs a cgroup2 file system")
        self.cgroup = f"{trees[0]}/reunite-test-{os.getpid()}"
        try:
            os.mkdir(self.cgroup)
        except OSError as error:
            pytest.skip(f"systemd needs a cgroup of its own: {error}")
        self.master, slave = pty.openpty()
        self.console = os.ttyname(slave)
        self.parent = subprocess.Popen(
            ["sh", "-c", self.script('echo $$ >{cgroup}/cgroup.procs\n'
                                     'exec unshare -C -m -p -n -i -u -f '
                                     'sh -c "$1"'), "-",
             self.script(SYSTEMD)],
            stdin=subprocess.DEVNULL, stdout=slave, stderr=slave, env=CLEAN)
        os.close(slave)
        children = f"/proc/{self.parent.pid}/task/{self.parent.pid}/children"
        said = b""
        os.set_blocking(self.master, False)
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                said += os.read(self.master, 65536)
            except (BlockingIOError, OSError):
                time.sleep(0.05)
            if self.parent.poll() is not None or time.monotonic() > end:
                self.halt()
                pytest.skip("systemd does not start here: " +
                            said.decode(errors="replace")[-300:])
            with open(children, encoding="ascii") as f:
                pids = f.read().split()
            if pids and not self.systemd and b"systemd" in \
                    Path(f"/proc/{pids[0]}/cmdline").read_bytes():
                self.systemd = int(pids[0])
            if self.systemd and self.run(
                    "systemctl", "is-system-running", check=False
                    ).stdout.strip() in ("running", "degraded"):
                return

    def halt(self):
        """Its first process takes all others with it."""
        if self.parent and self.parent.poll() is None:
            with open(f"/proc/{self.parent.pid}/task/{self.parent.pid}"
                      "/children", encoding="ascii") as f:
                for pid in f.read().split():
                    os.kill(int(pid), signal.SIGKILL)
            self.parent.wait(PATIENCE_S)
        self.systemd = None
        if self.console:
            os.close(self.master)
            self.console = None
        if self.cgroup:
            wait_until(self.cgroup_is_gone, "the cgroups' end")

    def cgroup_is_gone(self):
        for folder in sorted(glob.glob(f"{self.cgroup}/**/",
                                       recursive=True), reverse=True):
            try:
                os.rmdir(folder)
            except OSError:
                pass
        return not os.path.exists(self.cgroup)

    def show(self, name, unit="reunite.service"):
        return self.run("systemctl", "show", "-P", name, unit).stdout.strip()

    def delete(self):
        self.halt()
        shutil.rmtree(self.root, ignore_errors=True)
