"""The Debian package on a machine without a service manager: installed,
started by the unit's command line, upgraded, removed, purged."""

import gzip
import re
import shutil
import subprocess

import pytest

import kit
import machine as machines
from conftest import NEWER, ROOT


def test_the_package_is_sound(package):
    if not shutil.which("lintian"):
        pytest.skip("no lintian here")
    done = subprocess.run(["lintian", "--fail-on", "error", package],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_its_version_is_the_programs(package):
    told = (ROOT / "deploy/debian/changelog").read_text()
    version = re.match(r"reunite \((\S+)\)", told)[1]
    assert package.name.split("_")[1] == version
    cmake = (ROOT / "CMakeLists.txt").read_text()
    assert version.startswith(re.search(r"reunite VERSION (\S+)", cmake)[1] + "-")


def test_what_belongs_to_a_package_is_there(first):
    listed = first.sh("dpkg -L reunite").split()
    doc = "/usr/share/doc/reunite/"
    for name in (doc + "copyright", doc + "changelog.Debian.gz",
                 doc + "changelog.gz", doc + "examples/nginx.conf",
                 "/usr/share/man/man1/reunite.1.gz",
                 "/usr/share/bash-completion/completions/reunite"):
        assert name in listed, name
    page = first.path("/usr/share/man/man1/reunite.1.gz").read_bytes()
    assert gzip.decompress(page).startswith(b".Dd")
    assert first.sh("dpkg-query -W -f '${Conffiles}' reunite"
                    ).split()[0] == kit.CONFIG
    assert first.sh("dpkg --audit; dpkg --verify reunite") == ""


def test_nothing_is_started_before_it_is_configured(first):
    assert "edit\n/etc/reunite/reunite.conf first" in first.said
    assert not first.path("/var/lib/reunite/reunite.db").exists()
    wants = "/etc/systemd/system/multi-user.target.wants/reunite.service"
    assert not first.path(wants).is_symlink()
    done = first.run("runuser", "-u", "reunite", "reunite", "check",
                     check=False)
    assert done.returncode == 2
    assert "/etc/reunite/secrets/" in done.stdout


def test_who_may_read_what(first):
    stat = first.sh("cd /; stat -c '%n %a %U:%G' etc/reunite"
                    " etc/reunite/reunite.conf etc/reunite/secrets"
                    " var/lib/reunite")
    assert stat.splitlines() == [
        "etc/reunite 750 root:reunite",
        "etc/reunite/reunite.conf 640 root:reunite",
        "etc/reunite/secrets 2750 root:reunite",
        "var/lib/reunite 700 reunite:reunite"]
    user = first.sh("getent passwd reunite").split(":")
    assert user[5:] == ["/var/lib/reunite", "/usr/sbin/nologin\n"]


def command_line(machine):
    unit = machine.path("/usr/lib/systemd/system/reunite.service").read_text()
    return re.search(r"^ExecStart=(.*)$", unit, re.M)[1]


def test_it_starts_by_the_units_command_line(machine):
    kit.configure(machine)
    said = machine.sh("runuser -u reunite -- reunite check")
    assert "secret-of" not in said
    said = machine.sh(
        f"runuser -u reunite -- {command_line(machine)} >/root/log 2>&1 &\n"
        "pid=$!\n"
        "for i in $(seq 600); do\n"
        "  grep -q '\"listening\"' /root/log && break; sleep 0.1\ndone\n"
        "runuser -u reunite -- reunite health\n"
        "runuser -u reunite -- reunite queue list\n"
        "reunite queue check\n"
        "kill $pid; wait $pid || true; cat /root/log")
    assert '"stopped"' in said or '"ended"' in said, said
    assert machine.sh("stat -c %U:%a /var/lib/reunite/reunite.db"
                      ) == "reunite:600\n"


def upgrade(machine):
    return machine.sh("dpkg --force-confold -i /root/newer.deb 2>&1")


def test_an_upgrade_keeps_what_is_there(machine):
    kit.configure(machine)
    machine.sh("touch /var/lib/reunite/reunite.db; chmod 644 "
               f"{kit.CONFIG}; chgrp root {kit.CONFIG}")
    before = machine.path(kit.CONFIG).read_text()
    assert "edit" not in upgrade(machine)
    assert machine.sh("dpkg-query -W -f '${Version}' reunite") == NEWER
    assert machine.path(kit.CONFIG).read_text() == before
    assert machine.path("/etc/reunite/secrets/sunco_key_secret").exists()
    assert machine.path("/var/lib/reunite/reunite.db").exists()
    # what an admin has set stays set
    assert machine.sh(f"stat -c %a:%G {kit.CONFIG}") == "644:root\n"


def test_an_upgrade_of_what_nobody_edited_brings_the_new_example(machine):
    upgrade(machine)
    assert "next version" in machine.path(kit.CONFIG).read_text()
    assert machine.sh(f"stat -c %a:%U:%G {kit.CONFIG}") == "640:root:reunite\n"


def test_removed_it_keeps_data_and_purged_nothing(machine):
    kit.configure(machine)
    machine.sh("touch /var/lib/reunite/reunite.db")
    said = machine.sh("dpkg -r reunite 2>&1")
    assert "purging the package deletes them" in said
    assert not machine.path("/usr/bin/reunite").exists()
    assert machine.path("/var/lib/reunite/reunite.db").exists()
    assert machine.path(kit.CONFIG).exists()
    # and back again: it is configured
    assert "edit" not in upgrade(machine)
    assert machine.sh(f"stat -c %a:%U:%G {kit.CONFIG}") == "640:root:reunite\n"
    machine.sh("dpkg -r reunite; dpkg -P reunite")
    left = machine.sh("find / -xdev -iname '*reunite*' -not -path '/proc/*'"
                      " -not -path '/root/*' -not -path '/var/log/*'"
                      " -not -path '/var/cache/*'")
    assert left == ""


def test_the_page_tells_the_same_places():
    page = (ROOT / "deploy/installing.md").read_text()
    for name in (kit.CONFIG, "/etc/reunite/secrets/", "/var/lib/reunite/"):
        assert f"`{name}`" in page, name
    assert machines.BASE.parent.name == "build"
