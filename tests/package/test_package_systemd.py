"""The package on a machine with systemd: the unit in real life, with all that
it forbids."""

import json
import os
import re
import signal
import subprocess

import kit
from machine import CLEAN, wait_until


def inside(machine, argv):
    """A program of this machine in that one's network."""
    done = subprocess.run(
        ["nsenter", "-t", str(machine.systemd), "-n", *argv],
        capture_output=True, text=True)
    return done.stdout


def main_pid(machine):
    """As this machine counts: systemd's own counts from 1."""
    inner = machine.show("MainPID")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8") as f:
                text = f.read()
        except OSError:
            continue
        if re.search(rf"^NSpid:\s.*\s{inner}$", text, re.M) and \
                re.search(r"^Name:\s+reunite$", text, re.M):
            return int(pid), text
    raise AssertionError(f"no process {inner}")


def status(machine):
    return machine.run("systemctl", "status", "reunite", check=False).stdout


def test_unedited_it_says_why_it_does_not_start(booted):
    booted.run("systemctl", "start", "reunite", check=False)
    assert booted.show("ActiveState") == "failed", status(booted)
    assert booted.show("ExecMainStatus") == "2"
    assert booted.show("NRestarts") == "0"
    assert "/etc/reunite/secrets/" in booted.run(
        "journalctl", "-u", "reunite", "-o", "cat").stdout


def test_it_starts_and_has_no_rights(booted):
    kit.configure(booted)
    booted.run("systemctl", "enable", "--now", "reunite")
    assert booted.show("ActiveState") == "active", status(booted)
    assert booted.show("User") == "reunite"
    _, text = main_pid(booted)
    assert re.search(r"CapEff:\s+0+$", text, re.M)
    assert re.search(r"CapBnd:\s+0+$", text, re.M)
    assert re.search(r"NoNewPrivs:\s+1$", text, re.M)
    assert re.search(r"Seccomp:\s+2$", text, re.M)
    assert inside(booted, kit.curl(1)) == "200"
    assert inside(booted, ["curl", "-s", "-o", "/dev/null", "-w",
                           "%{http_code}", "http://127.0.0.1:9090/readyz"]
                  ) == "200"
    wait_until(lambda: "account" in booted.show("StatusText"), "its status")
    assert booted.sh("stat -c %U:%G:%a /var/lib/reunite"
                     ) == "reunite:reunite:700\n"


def test_commands_work_beside_it(booted):
    for user in ("reunite", "root"):
        said = booted.sh(f"runuser -u {user} -- reunite queue list --json")
        assert '"state"' in said, user
        booted.sh(f"runuser -u {user} -- reunite queue pause --by {user};"
                  f"runuser -u {user} -- reunite queue resume --by {user}")
        assert inside(booted, kit.curl(2)) == "200"
    owners = booted.sh("stat -c %U /var/lib/reunite/*").split()
    assert set(owners) == {"reunite"}


def test_a_reload_reads_configuration_and_secrets_again(booted):
    pid = booted.show("MainPID")
    booted.sh("echo another-secret >/etc/reunite/secrets/sunco_webhook_secrets")
    booted.run("systemctl", "reload", "reunite")
    wait_until(lambda: inside(booted, kit.curl(3)) == "401", "the reload")
    booted.sh("echo secret-of-sunco_webhook_secrets"
              " >/etc/reunite/secrets/sunco_webhook_secrets")
    booted.run("systemctl", "reload", "reunite")
    wait_until(lambda: inside(booted, kit.curl(3)) == "200", "the reload")
    assert booted.show("MainPID") == pid


def test_one_that_hangs_is_started_anew(booted):
    booted.sh("mkdir -p /run/systemd/system/reunite.service.d; printf "
              "'[Service]\\nWatchdogSec=5\\nTimeoutAbortSec=5\\n'"
              " >/run/systemd/system/reunite.service.d/test.conf")
    booted.run("systemctl", "daemon-reload")
    booted.run("systemctl", "restart", "reunite")
    before = booted.show("MainPID")
    pid, _ = main_pid(booted)
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: booted.show("MainPID") not in (before, "0"),
               "another process")
    wait_until(lambda: booted.show("ActiveState") == "active", "its start")
    assert int(booted.show("NRestarts")) >= 1
    booted.sh("rm -r /run/systemd/system/reunite.service.d")
    booted.run("systemctl", "daemon-reload")
    booted.run("systemctl", "restart", "reunite")
    assert inside(booted, kit.curl(4)) == "200"


def test_an_upgrade_refuses_nobody_with_the_socket(booted):
    booted.run("systemctl", "stop", "reunite")
    booted.run("systemctl", "enable", "--now", "reunite.socket")
    booted.run("systemctl", "start", "reunite")
    before = booted.show("InvocationID")
    sender = subprocess.Popen(
        ["nsenter", "-t", str(booted.systemd), "-n", "sh", "-c",
         "while read line; do \"$@\"; echo; done", "-", *kit.curl(5)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    upgrade = subprocess.Popen(
        booted.entering("dpkg", "--force-confold", "-i", "/root/newer.deb"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env=CLEAN)
    answers = []
    while upgrade.poll() is None:
        sender.stdin.write("once\n")
        sender.stdin.flush()
        answers.append(sender.stdout.readline().strip())
    sender.stdin.close()
    sender.wait(60)
    assert upgrade.returncode == 0, upgrade.stdout.read()
    assert set(answers) == {"200"}
    assert booted.show("ActiveState") == "active", status(booted)
    assert booted.show("InvocationID") != before
    assert inside(booted, kit.curl(6)) == "200"


def test_one_that_an_admin_stopped_for_good_stays_so(booted):
    booted.run("systemctl", "disable", "--now", "reunite.socket", "reunite")
    booted.sh("dpkg --force-confold -i /root/newer.deb")
    assert booted.show("ActiveState") == "inactive"
    assert booted.show("UnitFileState") == "disabled"
    booted.run("systemctl", "enable", "--now", "reunite")


def sandbox(machine):
    """The package's own, on that machine; its settings."""
    machine.run("systemd-run", "--unit=sandbox", "reunite-sandbox", "--listen",
                "127.0.0.1:8000")

    def settings():
        said = inside(machine, ["curl", "-s",
                                "http://127.0.0.1:8000/_sandbox/settings"])
        return json.loads(said) if said else None
    return wait_until(settings, "the sandbox")


def test_the_way_from_the_shipped_configuration_to_a_daemon(booted):
    """As the page says: what is known by hand, the rest by setup, as root."""
    booted.run("systemctl", "disable", "--now", "reunite")
    booted.sh("rm -f /etc/reunite/secrets/* /var/lib/reunite/*")
    account = sandbox(booted)
    text = booted.path("/usr/share/reunite/reunite.conf").read_text()
    for old, new in {
        "https://example.zendesk.com": "http://127.0.0.1:8000",
        '"reunite"': f'"{account["oauth_client_id"]}"',
        "5f1a2b3c4d5e6f7a8b9c0d1e": account["sunco_app_id"],
        "app_5f1a2b3c4d5e6f7a8b9c0d1f": account["sunco_key_id"],
    }.items():
        assert old in text, old
        text = text.replace(old, new)
    booted.path(kit.CONFIG).write_text(text)
    for name, value in (
        ("zendesk_client_secret", account["oauth_client_secret"]),
        ("sunco_key_secret", account["sunco_key_secret"]),
    ):
        booted.sh(f"umask 027; echo '{value}' >/etc/reunite/secrets/{name}")
    booted.run("reunite", "setup")
    booted.sh("runuser -u reunite -- reunite check")
    booted.run("systemctl", "enable", "--now", "reunite")
    assert booted.show("ActiveState") == "active", status(booted)
    modes = booted.sh("stat -c %a /etc/reunite/secrets/*").split()
    assert len(modes) == 4 and set(modes) <= {"600", "640"}
    booted.run("systemctl", "stop", "sandbox")


def test_removed_it_is_stopped_and_purged_forgotten(booted):
    booted.sh("dpkg -r reunite")
    assert booted.show("ActiveState") == "inactive"
    assert booted.show("LoadState") == "not-found"
    assert booted.path("/var/lib/reunite/reunite.db").exists()
    booted.sh("dpkg -P reunite")
    assert not booted.path("/var/lib/reunite").exists()
    assert not booted.path("/etc/reunite").exists()
    assert booted.sh("find /etc/systemd /var/lib/systemd -name 'reunite*'"
                     ) == ""
