"""deploy/try.sh, as somebody runs it who has never seen reunite."""

import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

import harness

SCRIPT = pathlib.Path(__file__).parents[2] / "deploy" / "try.sh"
PATIENCE_S = 100


def play(folder, *argv, programs=None, **kwargs):
    env = {**os.environ, "TMPDIR": str(folder),
           "REUNITE_BIN": str(programs or os.environ["REUNITE_BUILD"])}
    return subprocess.Popen(
        ["bash", SCRIPT, *argv], env=env, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kwargs)


def finish(process):
    try:
        output, _ = process.communicate(timeout=PATIENCE_S)
        return output
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def check_words(output):
    """Setting by setting; what was linked, and what waits for a person."""
    scenes = re.findall(r"^--- (\w+): ", output, re.M)
    assert scenes == ["verified_only", "verified_and_unverified",
                      "claim_verified"]
    assert re.search(r"^  merged into their profiles +Green Goblin, Gwen "
                     r"Stacy, Harry Osborn, Cindy Moon$", output, re.M)
    assert re.search(r"^  left for a person to look at +Felicia Hardy, Flash "
                     r"Thompson, A stranger, Jean DeWolff$", output, re.M)
    for reason, told in (
            ("displaced_profile", "the old profile is left without the "),
            ("verified_profile_protected", "stays apart from May Parker"),
            ("already_linked", "one user, Ned Leeds, has the address and"),
            ("email_not_verified", "Liz Allan; nobody has the address")):
        assert re.search(f"{reason}\n  because .*\n  Zendesk .*{told}", output)


def test_everybody_ends_as_they_should_twice_at_once(tmp_path):
    both = [play(tmp_path, "--once"), play(tmp_path, "--once")]
    outputs = [finish(process) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    for output in outputs:
        assert "16 of 16 as it should be." in output
        assert output.count("\n  because   ") == 16
        assert "merge, external_id_match\n" in output
        assert "Both have the same external id.\n" in output
        check_words(output)
    assert os.listdir(tmp_path) == []


def test_what_goes_wrong_is_said(tmp_path):
    """A reunite that only looks: nobody ends as promised, and it is told."""
    programs = tmp_path / "programs"
    programs.mkdir()
    shutil.copy(harness.binary("reunite-sandbox"), programs)
    wrapper = programs / "reunite"
    wrapper.write_text(
        "#!/bin/sh\nfor last; do :; done\n"
        '[ "$1" != serve ] || sed -i "s/auto/observe/" "$last"\n'
        f'exec "{harness.binary("reunite")}" "$@"\n')
    wrapper.chmod(0o755)
    folder = tmp_path / "tmp"
    folder.mkdir()
    process = play(folder, "--once", programs=programs)
    output = finish(process)
    assert process.returncode == 1, output
    assert "11 of 16 as it should be." in output
    assert output.count("\n  WRONG") == 5


def run(command):
    """One that the script names, as it stands there."""
    done = subprocess.run(command.split(), capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def test_it_stays_up_until_it_is_told_to_end(tmp_path):
    process = play(tmp_path)
    try:
        head = ""
        while "Ctrl-C ends it" not in head:
            line = process.stdout.readline()
            assert line, head
            head += line
        url = re.search(r"metrics +(\S+)/metrics\n", head).group(1)
        admin = harness.Client(url)
        assert b"reunite_decisions_total" in admin.get("/metrics").body
        commands = re.findall(r"^  \S+/reunite .*", head, re.M)
        assert len(commands) == 8
        told = {"".join(command.split()[1:3]): run(command)
                for command in commands}
        assert "verified_profile_protected" in told["reviewlist"]
        assert "felicia@spiderman.example" in told["reviewshow"]
        assert "verified_profile_protected" in told["explain--ticket"]
        assert "Conversations by evidence" in told["readiness-c"]
        assert "breaker" in told["doctor-c"]  # and no problem: it ended well
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        finish(process)
    assert os.listdir(tmp_path) == []
    with pytest.raises(OSError):
        admin.get("/metrics")


def test_wrong_usage_is_refused(tmp_path):
    process = play(tmp_path, "--twice")
    assert "usage: deploy/try.sh" in finish(process)
    assert process.returncode == 2
