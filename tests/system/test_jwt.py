"""`reunite jwt`, checked with another implementation of HS256, and taken all
the way: a conversation of the person whom the token names."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import time

import pytest

import harness
import rounds

KID = "app_5f1a2b3c4d5e6f7a8b9c0d1f"
SECRET = "a messaging secret of the tests, long enough"


def run(*argv, secret=SECRET, **kwargs):
    env = {k: v for k, v in os.environ.items() if not k.startswith("REUNITE_")}
    if secret:
        env["REUNITE_JWT_SECRET"] = secret
    return subprocess.run([harness.binary("reunite"), "jwt", *argv],
                          capture_output=True, text=True, timeout=60, env=env,
                          **kwargs)


def minted(*argv, **kwargs):
    done = run("--kid", KID, *argv, **kwargs)
    assert done.returncode == 0, done.stderr
    return done


def part(text):
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def opened(token, secret=SECRET):
    """Header and payload, by Python's own HMAC."""
    signed, _, signature = token.rpartition(".")
    mac = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    assert part(signature) == mac
    header, payload = signed.split(".")
    return json.loads(part(header)), json.loads(part(payload))


def test_the_token_alone():
    before = int(time.time())
    done = minted("--external-id", "u1", "--email", "zoe@people.example",
                  "--email-verified", "--name", "Zoë \"Z\" Example")
    assert done.stderr == ""
    assert done.stdout.endswith("\n") and done.stdout.count("\n") == 1
    header, payload = opened(done.stdout.strip())
    assert header == {"alg": "HS256", "kid": KID, "typ": "JWT"}
    exp = payload.pop("exp")
    assert before + 86400 <= exp <= time.time() + 86400
    assert payload == {"scope": "user", "external_id": "u1",
                       "name": "Zoë \"Z\" Example",
                       "email": "zoe@people.example", "email_verified": True}


def test_json_has_the_parts():
    done = minted("--external-id", "u1", "--ttl", "90s", "--json")
    line = json.loads(done.stdout)
    header, payload = opened(line["token"])
    assert (line["header"], line["payload"]) == (header, payload)
    assert set(payload) == {"scope", "external_id", "exp"}
    assert line["expires_at"] == time.strftime(
        "%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(payload["exp"]))


def test_the_secret_of_a_file(tmp_path):
    path = tmp_path / "key"
    path.write_text("the secret of a file, which goes before\n")
    done = minted("--external-id", "u1", "--secret-file", str(path))
    opened(done.stdout.strip(), "the secret of a file, which goes before")


@pytest.mark.parametrize("content", ["", "\n", "one\ntwo\n", "x" * 4097])
def test_a_file_without_one_line(tmp_path, content):
    path = tmp_path / "key"
    path.write_text(content)
    done = run("--kid", KID, "--external-id", "u1", "--secret-file", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert str(path) in done.stderr
    assert "two" not in done.stderr


@pytest.mark.parametrize("argv", [
    ["--external-id", "u1"], ["--kid", KID],
    ["--kid", KID, "--external-id", "x" * 256],
    ["--kid", KID, "--external-id", ""],
    ["--kid", KID, "--external-id", "u1", "--email", "zoe"],
    ["--kid", KID, "--external-id", "u1", "--email-verified"],
    ["--kid", KID, "--external-id", "u1", "--ttl", "0"],
    ["--kid", KID, "--external-id", "u1", "--ttl", "-5m"],
    ["--kid", KID, "--external-id", "u1", "--ttl", "367d"],
    ["--kid", KID, "--external-id", "u1", "--secret", "on-the-line"],
    ["--kid", KID, "--external-id", "u1", "--secret-file", "/not/there"],
])
def test_what_is_refused(argv):
    done = run(*argv)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert SECRET not in done.stderr


def test_without_a_secret():
    done = run("--kid", KID, "--external-id", "u1", secret=None)
    assert (done.returncode, done.stdout) == (2, "")
    assert "REUNITE_JWT_SECRET" in done.stderr


@pytest.mark.parametrize("argv,words", [
    (["--external-id", "u1", "--email", "zoe@people.example"],
     "--email-verified"),
    (["--external-id", "zoe@people.example"], "external id is an address")])
def test_what_is_warned_of(argv, words):
    done = minted(*argv)
    opened(done.stdout.strip())
    assert done.stderr.startswith("warning: ") and words in done.stderr
    assert "zoe" not in done.stderr


def test_a_short_secret_is_warned_of():
    assert "shorter" in minted("--external-id", "u1", secret="short").stderr


# --- with the sandbox ---


def token_of(sandbox, *argv, **changes):
    key = {**sandbox.settings(), **changes}
    done = run("--kid", key["jwt_kid"], *argv, secret=key["jwt_secret"])
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_token_becomes_a_linked_person(sandbox, daemon):
    reunite = daemon()
    owner = rounds.profile(sandbox, "Zoe Example", "zoe@people.example")
    token = token_of(sandbox, "--external-id", "u1", "--email",
                     "zoe@people.example", "--email-verified", "--name",
                     "Zoe Example")
    begun = sandbox.act("conversations", token=token, hand_off="now",
                        zendesk="duplicate", webhooks=["trigger"])
    assert begun["login"] == "signed_in"
    rounds.merged_once(sandbox, reunite, begun, owner)
    assert sandbox.user(owner)["external_id"] == "u1"


def test_a_login_with_a_token(sandbox):
    begun = sandbox.act("conversations", hand_off="now")
    token = token_of(sandbox, "--external-id", "u1")
    after = sandbox.act("logins", conversation_id=begun["conversation_id"],
                        token=token)
    assert after["login"] == "signed_in"


@pytest.mark.parametrize("changes,why", [
    ({"jwt_kid": "app_other"}, "kid"),
    ({"jwt_secret": "another secret of the tests"}, "signature")])
def test_a_wrong_key_is_refused(sandbox, changes, why):
    token = token_of(sandbox, "--external-id", "u1", **changes)
    reply = refused(sandbox, token)
    assert why in reply


def refused(sandbox, token):
    reply = sandbox.http.post("/_sandbox/conversations", {"token": token})
    assert reply.status == 400
    return reply.body.decode()


def test_a_token_that_is_over_is_refused(sandbox):
    token = token_of(sandbox, "--external-id", "u1", "--ttl", "1s")
    exp = opened(token, sandbox.settings()["jwt_secret"])[1]["exp"]
    while time.time() < exp:
        time.sleep(0.05)
    assert "expired" in refused(sandbox, token)
