"""The image's root file system, started as the manifests say: another user, a
read-only root, no privilege, nothing but the environment and files of secrets.

Here it is made by the script of the image's last step, of the programs under
test. tests/image.sh builds the image itself and gives its root, and what its
configuration says, to the same tests (REUNITE_IMAGE_ROOT, REUNITE_IMAGE_JSON).
"""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

import container
import events
import harness

SOURCE = os.environ["REUNITE_SOURCE"]
PROGRAM = "/usr/local/bin/reunite"
STATE = "/var/lib/reunite"
SECRETS = {
    "REUNITE_ADMIN_TOKEN": "an-admin-token",
    "REUNITE_ZENDESK_CLIENT_SECRET": "a-client-secret",
    "REUNITE_ZENDESK_WEBHOOK_SECRETS": "a-signing-secret",
    "REUNITE_SUNCO_KEY_SECRET": "a-key-secret",
    "REUNITE_SUNCO_WEBHOOK_SECRETS": "a-shared-secret",
}
SETTINGS = {
    "REUNITE_ZENDESK_URL": "http://127.0.0.1:9",  # where nobody is
    "REUNITE_ZENDESK_CLIENT_ID": "reunite",
    "REUNITE_SUNCO_URL": "http://127.0.0.1:9/sc",
    "REUNITE_SUNCO_APP_ID": "6b2f4d8a0c1e3f5a7b9d1c3e",
    "REUNITE_SUNCO_KEY_ID": "app_6b2f4d8a0c1e3f5a7b9d1c40",
}


def instructions():
    """Of the Dockerfile's last stage: word -> what it says."""
    with open(f"{SOURCE}/deploy/Dockerfile", encoding="utf-8") as f:
        text = f.read().split("\nFROM scratch\n")[1]
    lines = re.sub(r"\\\n", " ", text).splitlines()
    return dict(line.split(None, 1) for line in lines if line[:1].isupper())


def configuration():
    """How the image starts: as it was built, or as the Dockerfile says."""
    built = os.environ.get("REUNITE_IMAGE_JSON")
    if built:
        with open(built, encoding="utf-8") as f:
            return json.load(f)
    said = instructions()
    health = said["HEALTHCHECK"].split(" CMD ")[1]
    return {
        "Entrypoint": json.loads(said["ENTRYPOINT"]),
        "Cmd": json.loads(said["CMD"]),
        "Env": said["ENV"].split(),
        "User": said["USER"],
        "StopSignal": said["STOPSIGNAL"],
        "Healthcheck": {"Test": ["CMD", *json.loads(health)]},
    }


CONFIGURATION = configuration()
HEALTH = CONFIGURATION["Healthcheck"]["Test"][1:]


def make_root(folder):
    """The image's files, with the places that an engine mounts on."""
    root = os.path.join(folder, "root")
    given = os.environ.get("REUNITE_IMAGE_ROOT")
    if given:
        subprocess.run(["cp", "-a", given, root], check=True)
    else:
        subprocess.run(
            [f"{SOURCE}/deploy/image-root.sh", root,
             harness.binary("reunite")], check=True)
        os.mkdir(root + STATE, 0o700)  # as the Dockerfile has it
        os.chown(root + STATE, container.USER, container.USER)
    for place in ("dev", "proc", "run/secrets"):
        os.makedirs(os.path.join(root, place), exist_ok=True)
    return root


@pytest.fixture(scope="module")
def root():
    """Outside pytest's folders, which nobody but root may enter."""
    if os.geteuid() != 0:
        pytest.skip("another user and another root need root")
    if os.environ.get("REUNITE_SANITIZE"):
        pytest.skip("the image holds no sanitizer")
    tried = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork",
         "sh", "-ec", "mount --make-rprivate /; mount -t tmpfs none /mnt; "
         "mount -t proc none /mnt; ip link set lo up"],
        capture_output=True, text=True)
    if tried.returncode:
        pytest.skip("no namespaces here: " + tried.stderr.strip())
    folder = tempfile.mkdtemp(prefix="reunite-image-")
    os.chmod(folder, 0o755)
    try:
        yield make_root(folder)
    finally:
        shutil.rmtree(folder)


def volume(root):
    """A new one gets the owner and the mode that the image's place has."""
    place = os.path.join(os.path.dirname(root), "volume")
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run(["cp", "-a", root + STATE, place], check=True)
    return place


def secret_files(root):
    """As compose and Kubernetes give them; the settings that name them."""
    folder = os.path.join(os.path.dirname(root), "secrets")
    os.makedirs(folder, exist_ok=True)
    settings = {}
    for name, value in SECRETS.items():
        file = os.path.join(folder, name.lower())
        with open(file, "w", encoding="ascii") as f:
            f.write(value + "\n")
        os.chmod(file, 0o400)
        os.chown(file, container.USER, container.USER)
        settings[f"{name}_FILE"] = f"/run/secrets/{name.lower()}"
    return folder, settings


@pytest.fixture
def start(root, tmp_path):
    """Starts it as often as a test wants, all with the same volume."""
    secrets, named = secret_files(root)
    environment = {
        **dict(row.split("=", 1) for row in CONFIGURATION["Env"]),
        **SETTINGS, **named}
    mounts = [f"{volume(root)}:{STATE}:rw",
              f"{secrets}:/run/secrets:ro"]
    started = []

    def begin():
        program = container.Container(
            root, str(tmp_path / f"{len(started)}.log"), environment, mounts,
            [*CONFIGURATION["Entrypoint"], *CONFIGURATION["Cmd"]])
        started.append(program)
        harness.wait_until(
            lambda: program.gone() or '"event":"listening"' in program.log(),
            what="it to listen")
        assert not program.gone(), program.log()
        return program

    yield begin
    for program in started:
        program.kill()


@pytest.fixture
def reunite(start):
    return start()


def healthy(reunite, *argv):
    return harness.wait_until(
        lambda: (done := reunite.execute(*HEALTH, *argv)).returncode == 0
        and done, timeout_s=60, what="good health")


def send(reunite, body, key):
    done = reunite.curl(
        "-o", "/dev/null", "-w", "%{http_code}", "-H", f"X-API-Key: {key}",
        "-H", "Content-Type: application/json", "-d", json.dumps(body),
        "http://127.0.0.1:8080/webhooks/default/sunco")
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def event():
    return events.sunco("conversation:create", {
        "conversation": {"id": events.event_id(), "type": "personal"},
        "creationReason": "message", "user": {"id": events.event_id()},
        "source": {"type": "web"}})


def jobs(reunite):
    done = reunite.execute(PROGRAM, "queue", "list", "--json")
    assert done.returncode == 0, done.stderr
    return len(done.stdout.splitlines())


def stop(reunite):
    """As engines do; its exit code, well inside the time that they give."""
    assert CONFIGURATION["StopSignal"] == "SIGTERM"
    reunite.signal(signal.SIGTERM)
    return reunite.process.wait(harness.WAIT_S)


def test_it_is_nobody_and_can_become_nobody_else(reunite):
    assert CONFIGURATION["User"] == f"{container.USER}:{container.USER}"
    with open(f"/proc/{reunite.pid()}/status", encoding="ascii") as f:
        status = dict(line.split(":\t", 1) for line in f)
    assert set(status["Uid"].split()) == {str(container.USER)}
    assert set(status["Gid"].split()) == {str(container.USER)}
    assert status["NoNewPrivs"].strip() == "1"
    for kind in ("CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0
    with open(f"/proc/{reunite.pid()}/mountinfo", encoding="ascii") as f:
        mounts = {row.split()[4]: row.split()[5] for row in f}
    assert "ro" in mounts["/"].split(",")
    assert "rw" in mounts[STATE].split(",")


def test_its_health_check_is_its_own(reunite):
    told = healthy(reunite).stdout
    assert told.count("/healthz: 200\n") == 2
    assert "/readyz: 200\n" in healthy(reunite, "--ready").stdout


def test_what_it_answers_with_200_is_there_in_its_next_life(start):
    reunite = start()
    healthy(reunite)
    key = SECRETS["REUNITE_SUNCO_WEBHOOK_SECRETS"]
    assert send(reunite, event(), "a-wrong-secret") == 401
    assert send(reunite, event(), key) == 200
    assert jobs(reunite) == 1
    assert stop(reunite) == 0, reunite.log()
    assert '"event":"stopped"' in reunite.log()
    reunite = start()
    assert jobs(reunite) == 1
    assert send(reunite, event(), key) == 200
    assert jobs(reunite) == 2


def test_doctor_finds_its_files_well(reunite):
    """Modes of the store and of the secrets, as the volume has them."""
    done = reunite.execute(PROGRAM, "doctor", "--json", "--offline")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    files = [row for row in told if row["check"] in
             ("configuration", "files", "secrets", "store", "disk")]
    assert files
    assert [row for row in files if row["level"] == "problem"] == []


def test_its_volume_is_its_own_and_nobody_elses(root):
    status = os.stat(root + STATE)
    assert (status.st_uid, status.st_gid) == (container.USER, container.USER)
    assert status.st_mode & 0o777 == 0o700


def test_it_holds_no_shell_and_no_package_manager(root):
    programs = [os.path.join(folder, name)[len(root):]
                for folder, _, names in os.walk(root) for name in names
                if os.access(os.path.join(folder, name), os.X_OK)
                and not re.search(r"\.so(\.|$)", name)]
    assert programs == [PROGRAM]


def test_scanners_are_told_what_is_in_it(root):
    folder = os.path.join(root, "var/lib/dpkg/status.d")
    packages = os.listdir(folder)
    assert {"libc6", "libcurl4", "libsqlite3-0", "libpq5"} <= set(packages)
    for name in packages:
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            assert re.match(rf"Package: {re.escape(name)}\n", f.read())
        assert os.path.getsize(f"{root}/usr/share/doc/{name}/copyright")


def own_file(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="ascii") as f:
        f.write(text + "\n")
    os.chmod(path, 0o600)
    os.chown(path, container.USER, container.USER)


@pytest.fixture
def fresh(root, sandbox):
    """Runs a command with the variables of a compose file, when nothing is
    registered yet; and the folder of secrets, which it may write."""
    folder = os.path.join(root, "run/secrets")
    os.chown(folder, container.USER, container.USER)
    s = sandbox.settings()
    own_file(folder, "zendesk_client_secret", s["oauth_client_secret"])
    own_file(folder, "sunco_key_secret", s["sunco_key_secret"])
    environment = {
        **dict(row.split("=", 1) for row in CONFIGURATION["Env"]),
        "REUNITE_PUBLIC_URL": "https://in.acme.example",
        "REUNITE_ZENDESK_URL": sandbox.url,
        "REUNITE_ZENDESK_CLIENT_ID": s["oauth_client_id"],
        "REUNITE_SUNCO_URL": sandbox.url + "/sc",
        "REUNITE_SUNCO_APP_ID": s["sunco_app_id"],
        "REUNITE_SUNCO_KEY_ID": s["sunco_key_id"],
        **{f"REUNITE_{name.upper()}_FILE": f"/run/secrets/{name}"
           for name in ("zendesk_client_secret", "sunco_key_secret",
                        "zendesk_webhook_secrets", "sunco_webhook_secrets")},
    }

    def run(*argv):
        return subprocess.run(
            [shutil.which("chroot"), f"--userspec={CONFIGURATION['User']}",
             root, PROGRAM, *argv],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=60)

    yield run, folder
    shutil.rmtree(folder)
    os.mkdir(folder)


def test_setup_needs_no_configuration_beside_the_variables(fresh):
    run, folder = fresh
    for states in ({"created", "written"}, {"unchanged"}):
        done = run("setup", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        told = [json.loads(line) for line in done.stdout.splitlines()]
        assert {row["state"] for row in told} - {"found"} == states
        assert [row["state"] for row in told
                if row["part"] == "configuration"] == ["found"]
    assert sorted(os.listdir(folder)) == [
        "sunco_key_secret", "sunco_webhook_secrets", "zendesk_client_secret",
        "zendesk_webhook_secrets"]
    done = run("check")
    assert (done.returncode, done.stderr) == (0, "")
