"""The commands as operators run them: beside a daemon, after it, on a
terminal, into a pipe, and with nothing but the environment."""

import os
import pty
import subprocess

import harness

ENVIRONMENT = {
    "REUNITE_ZENDESK_URL": "https://acme.zendesk.example",
    "REUNITE_ZENDESK_CLIENT_ID": "reunite",
    "REUNITE_ZENDESK_CLIENT_SECRET": "hunter2",
    "REUNITE_SUNCO_URL": "https://acme.zendesk.example/sc",
    "REUNITE_SUNCO_APP_ID": "app1",
    "REUNITE_SUNCO_KEY_ID": "key1",
    "REUNITE_SUNCO_KEY_SECRET": "hunter2",
    "REUNITE_SUNCO_WEBHOOK_SECRETS": "hunter2,hunter3",
}


def run(*argv, **kwargs):
    return subprocess.run([harness.binary("reunite"), *argv],
                          capture_output=True, text=True, timeout=60,
                          **kwargs)


def begin(sandbox, number=1):
    """A person whose conversation got a user beside the profile."""
    address = f"visitor{number}@people.example"
    profile = sandbox.people({
        "name": "Vera Visitor", "role": "end-user",
        "identities": [{"type": "email", "value": address,
                        "verified": True}]})
    begun = sandbox.act("conversations", hand_off="now", zendesk="duplicate",
                        jwt={"external_id": f"visitor-{number}",
                             "email": address, "email_verified": True,
                             "name": "Vera Visitor"})
    return profile, begun


def test_check_says_where_a_configuration_is_wrong(tmp_path):
    path = tmp_path / "reunite.conf"
    path.write_text('listen = "127.0.0.1:1"\naccount "acme" {\n'
                    '  sunco_key_secret = "${NOT_THERE_AT_ALL}"\n}\n')
    done = run("check", "-c", path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"{path}:3: the variable NOT_THERE_AT_ALL is not set\n")


def test_the_environment_alone_is_a_configuration():
    done = run("check", env={**os.environ, **ENVIRONMENT})
    assert done.returncode == 0, done.stderr
    assert 'account "default" {' in done.stdout
    assert "hunter" not in done.stdout + done.stderr


def test_only_serve_makes_a_store(tmp_path):
    store = tmp_path / "reunite.db"
    env = {**os.environ, **ENVIRONMENT, "REUNITE_STORE": f"sqlite:{store}"}
    for words in ("queue list", "review approve 1", "queue retry --all"):
        done = run(*words.split(), env=env)
        assert done.returncode == 1
        assert "reunite serve" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_person_decides_beside_the_daemon(sandbox, daemon):
    reunite = daemon(apply="review")
    begin(sandbox)
    review = harness.wait_until(reunite.reviews, what="a review")[0]
    assert review["intended"] == "merge"
    reunite.command("review", "approve", str(review["id"]), "--by", "maria")
    assert harness.wait_until(lambda: sandbox.state()["merges"],
                              what="the merge")
    merged = harness.wait_until(
        lambda: [e for e in reunite.journal()
                 if e["action"] == "merge" and e["status"] == "done"],
        what="its entry")
    assert merged[0]["applied"] is True
    assert reunite.reviews() == []
    again = reunite.command("review", "reject", str(review["id"]),
                            check=False)
    assert again.returncode == 1
    assert again.stderr == "reunite review reject: the review is approved\n"


def test_commands_work_without_the_daemon(sandbox, daemon):
    reunite = daemon(apply="review")
    begin(sandbox)
    review = harness.wait_until(reunite.reviews, what="a review")[0]
    assert reunite.stop() == 0
    assert [r["id"] for r in reunite.reviews()] == [review["id"]]
    reunite.command("review", "reject", str(review["id"]))
    assert reunite.reviews() == []
    entry = reunite.journal()[-1]
    assert entry["reason"] == "rejected_before"
    assert entry["action"] == "none"
    reunite.start()
    reunite.idle()
    assert sandbox.state()["merges"] == []


def test_no_command_prints_personal_data_unasked(sandbox, daemon):
    reunite = daemon(apply="review")
    begin(sandbox)
    review = str(harness.wait_until(reunite.reviews, what="a review")[0]["id"])
    entry = str(reunite.journal()[0]["id"])
    job = str(reunite.queue()[0]["id"])
    for words in (["journal", "list"], ["journal", "show", entry],
                  ["queue", "list"], ["queue", "show", job],
                  ["review", "list"], ["review", "show", review]):
        for more in ([], ["--json"]):
            done = reunite.command(*words, *more)
            assert done.stdout
            for secret in ("people.example", "Vera", "Visitor"):
                assert secret not in done.stdout + done.stderr
    done = reunite.command("review", "show", review, "--show-personal-data")
    assert "visitor1@people.example" in done.stdout


def test_a_terminal_gets_colour_and_a_pipe_does_not(sandbox, daemon):
    reunite = daemon(apply="observe")
    begin(sandbox)
    reunite.decided()
    assert "\033" not in reunite.command("journal", "list").stdout
    leader, follower = pty.openpty()
    done = subprocess.run(
        [harness.binary("reunite"), "journal", "list", "-c", reunite.config],
        stdout=follower, timeout=60)
    os.close(follower)
    text = os.read(leader, 65536).decode()
    os.close(leader)
    assert done.returncode == 0
    assert text.startswith("\033[1mid ")


def test_a_reader_may_leave_early(sandbox, daemon):
    reunite = daemon(apply="observe")
    begin(sandbox)
    reunite.decided()
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [harness.binary("reunite"), "journal", "list", "-c", reunite.config],
        stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
