"""What starts the image: the Dockerfile, the compose files and the Kubernetes
manifests. They are what their formats allow, they give no privilege, and they
fit together: names, ports, secrets, settings, times."""

import copy
import json
import os
import re
import shlex
import shutil
import subprocess

import pytest

from tree import BUILD, ROOT

yaml = pytest.importorskip("yaml", reason="no python3-yaml here")
jsonschema = pytest.importorskip(
    "jsonschema", reason="no python3-jsonschema here")

DEPLOY = ROOT / "deploy"
SCHEMA = json.loads((ROOT / "tests/tree/schemas/kubernetes.json").read_text())
USER = 10001
TEARDOWN_S = 5  # behind the drain, in src/app/daemon.c
DRAIN_S = 10


def objects(*names) -> list[dict]:
    files = [DEPLOY / "kubernetes" / name for name in names] if names \
        else sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    return [thing for file in files
            for thing in yaml.safe_load_all(file.read_text())]


def of_kind(kind, *names) -> dict:
    found = [thing for thing in objects(*names) if thing["kind"] == kind]
    assert len(found) == 1, (kind, names)
    return found[0]


def deployments():
    return {name: of_kind("Deployment", name)
            for name in ("sqlite.yaml", "postgresql.yaml")}


def container_of(deployment) -> dict:
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    return only


def compose(name="compose.yaml") -> dict:
    return yaml.safe_load((DEPLOY / name).read_text())


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(),
                  flags=re.M)
    lines = text.replace("\\\n", " ").splitlines()
    return [tuple(line.split(None, 1)) for line in lines if line]


def last_stage() -> dict[str, str]:
    rows = instructions()
    start = max(i for i, (word, _) in enumerate(rows) if word == "FROM")
    return dict(rows[start:])


# --- what the formats allow ---


def faults(thing) -> list[str]:
    reference = SCHEMA["kinds"].get(thing.get("kind"))
    if not reference:
        return [f"no kind {thing.get('kind')}"]
    check = jsonschema.Draft7Validator({**SCHEMA, "$ref": reference})
    return [f"{'/'.join(map(str, fault.path))}: {fault.message}"
            for fault in check.iter_errors(thing)]


def test_manifests_are_what_kubernetes_takes():
    assert len(objects()) > 8
    for thing in objects():
        assert faults(thing) == [], thing["metadata"]["name"]


def test_a_wrong_manifest_is_seen():
    deployment = deployments()["sqlite.yaml"]

    def wrong(change):
        thing = copy.deepcopy(deployment)
        change(thing["spec"]["template"]["spec"])
        return faults(thing)

    assert not wrong(lambda pod: None)
    assert wrong(lambda pod: pod.update(runAsNonRoot=True))
    assert wrong(lambda pod: pod.pop("containers"))
    assert wrong(lambda pod: pod.update(terminationGracePeriodSeconds="30"))
    assert wrong(lambda pod: pod["containers"][0].update(
        imagePullPolicy="Sometimes"))
    assert wrong(lambda pod: pod["containers"][0]["resources"]["limits"]
                 .update(memory="512 MB"))
    assert faults({**deployment, "kind": "Deploymint"})
    assert faults({**deployment, "apiVersion": "apps/v1beta1"})


def run_compose(*names):
    if not shutil.which("docker-compose"):
        pytest.skip("no docker-compose here")
    files = [word for name in names for word in ("-f", DEPLOY / name)]
    done = subprocess.run(
        ["docker-compose", *files, "config"], capture_output=True, text=True,
        cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    return yaml.safe_load(done.stdout)


def test_compose_files_are_what_compose_takes():
    alone = run_compose("compose.yaml")["services"]
    assert list(alone) == ["reunite"]
    both = run_compose("compose.yaml", "compose.postgresql.yaml")["services"]
    assert set(both) == {"reunite", "postgres"}
    given = {row["source"] for row in both["reunite"]["secrets"]}
    assert given == set(compose()["secrets"]) | {"store"}
    assert {row["source"] for row in both["postgres"]["secrets"]} == {
        "postgres_password"}


# --- no privilege ---


def test_pods_are_restricted():
    """As the Pod Security Standard of that name wants it, and a read-only
    root besides."""
    for deployment in deployments().values():
        pod = deployment["spec"]["template"]["spec"]
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] == security["runAsGroup"] == USER
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        for volume in pod["volumes"]:
            assert set(volume) - {"name"} <= {"secret",
                                              "persistentVolumeClaim"}
        assert container_of(deployment)["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "privileged": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "hostPort" not in str(deployment)


def test_services_of_compose_are_restricted():
    services = {**compose()["services"],
                "postgres": compose("compose.postgresql.yaml")["services"]
                ["postgres"]}
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service
        assert "restart" in service and "healthcheck" in service
        assert service["healthcheck"]["test"][0] == "CMD"
    reunite = services["reunite"]
    assert "cap_add" not in reunite
    assert reunite["user"] == f"{USER}:{USER}"
    for port in reunite["ports"]:
        assert port.startswith("127.0.0.1:")


# --- the image ---


def test_the_image_needs_no_shell_and_no_root():
    words = last_stage()
    assert words["FROM"] == "scratch"
    assert words["USER"] == f"{USER}:{USER}"
    assert json.loads(words["ENTRYPOINT"]) == ["/usr/local/bin/reunite"]
    assert json.loads(words["CMD"]) == ["serve"]
    assert json.loads(words["VOLUME"]) == ["/var/lib/reunite"]
    assert words["STOPSIGNAL"] == "SIGTERM"
    health = json.loads(words["HEALTHCHECK"].split(" CMD ")[1])
    assert health == ["/usr/local/bin/reunite", "health"]
    assert "RUN" not in words
    script = (DEPLOY / "image-root.sh").read_text()
    assert re.search(r"^uid=(\d+)$", script, re.M)[1] == str(USER)


def make_root(*argv, path=""):
    return subprocess.run(
        [DEPLOY / "image-root.sh", *argv], capture_output=True, text=True,
        env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}"})


def test_a_root_is_made_whole(tmp_path):
    root = tmp_path / "root"
    done = make_root(root, "/bin/true")
    assert (done.returncode, done.stderr) == (0, "")
    loaded = subprocess.run(["ldd", "/bin/true"], capture_output=True,
                            text=True).stdout.split()
    loaded = [word[1:] for word in loaded if word.startswith("/")]
    assert len(loaded) > 1
    for name in ["usr/local/bin/reunite", "etc/passwd", *loaded]:
        assert (root / name).exists(), name


def test_a_root_is_made_whole_or_not_at_all(tmp_path):
    root = tmp_path / "root"
    assert make_root(root).returncode == 2
    there = make_root(tmp_path, "/bin/true")
    assert there.returncode == 1 and "is there already" in there.stderr
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    assert make_root(root, script).returncode == 1
    stub = tmp_path / "ldd"
    stub.write_text("#!/bin/sh\necho 'libx.so.1 => not found'\n")
    stub.chmod(0o755)
    missing = make_root(root, "/bin/true", path=tmp_path)
    assert missing.returncode == 1
    assert "a library is missing: libx.so.1" in missing.stderr
    assert not root.exists()


def test_the_dockerfile_is_sound():
    words = [word for word, _ in instructions()]
    assert set(words) <= {
        "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM",
        "HEALTHCHECK", "LABEL", "RUN", "STOPSIGNAL", "USER", "VOLUME",
        "WORKDIR"}
    arguments = dict(row.split("=", 1) for word, row in instructions()
                     if word == "ARG")
    assert re.fullmatch(r"debian:[a-z]+-slim", arguments["BASE"])
    cmake = (ROOT / "CMakeLists.txt").read_text()
    version = re.search(r"VERSION ([\d.]+)", cmake[cmake.index("project("):])[1]
    assert arguments["VERSION"] == version
    for deployment in deployments().values():
        assert container_of(deployment)["image"].endswith(f"/reunite:{version}")
    for word, row in instructions():
        assert "latest" not in row and "sudo" not in row
        if word == "WORKDIR":
            assert row.startswith("/")
        if word == "COPY" and "--from" not in row:
            for source in row.split()[:-1]:
                assert (ROOT / source).exists(), source


def test_nothing_is_sent_to_the_build_but_the_sources():
    rows = [row for row in (ROOT / ".dockerignore").read_text().splitlines()
            if row and not row.startswith("#")]
    assert rows[0] == "*"
    assert "deploy/secrets" in rows[rows.index("!deploy"):]
    for row in rows:
        assert not row.startswith("!") or (ROOT / row[1:]).exists(), row


# --- what fits together ---


def settings() -> set[str]:
    table = (ROOT / "src/app/config_table.h").read_text()
    names = re.findall(r"\bX\((\w+), ", table)
    return {f"REUNITE_{name.upper()}" for name in names}


def environment_of_compose() -> dict[str, str]:
    service = compose()["services"]["reunite"]
    lines = (DEPLOY / service["env_file"]).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines
                if line and not line.startswith("#"))


def environment_over_compose() -> dict[str, str]:
    return {**environment_of_compose(),
            **compose("compose.postgresql.yaml")["services"]["reunite"]
            ["environment"]}


def environment_of(deployment) -> dict[str, str]:
    container = container_of(deployment)
    assert container["envFrom"] == [{"configMapRef": {"name": "reunite"}}]
    return {**of_kind("ConfigMap", "configmap.yaml")["data"],
            **{row["name"]: row["value"] for row in container["env"]}}


def image_environment() -> dict[str, str]:
    return dict(row.split("=", 1) for row in shlex.split(last_stage()["ENV"]))


def environments() -> list[dict[str, str]]:
    return [environment_of_compose(), environment_over_compose(),
            *map(environment_of, deployments().values())]


def test_variables_are_settings():
    known = settings()
    for environment in [*environments(), {
            name: value for name, value in image_environment().items()
            if name.startswith("REUNITE_")}]:
        for name in environment:
            assert name in known or name.removesuffix("_FILE") in known, name


@pytest.mark.parametrize("which", range(4))
def test_the_environment_is_a_configuration(which, tmp_path):
    """Once the empty settings are filled in and the files are there."""
    if not BUILD:
        pytest.skip("REUNITE_BUILD names no build")
    environment = {"REUNITE_PUBLIC_URL": "https://reunite.example.com",
                   "REUNITE_ZENDESK_URL": "https://acme.zendesk.example",
                   "REUNITE_SUNCO_URL": "https://acme.zendesk.example/sc"}
    for name, value in environments()[which].items():
        if name.endswith("_FILE"):
            file = tmp_path / value.rsplit("/", 1)[1]
            file.write_text("postgresql://db.example/reunite\n"
                            if name == "REUNITE_STORE_FILE" else "secret\n")
            value = str(file)
        environment[name] = value or environment.get(name, "x")
    done = subprocess.run(
        [os.path.join(BUILD, "reunite"), "check"], capture_output=True,
        text=True, env={"PATH": os.environ["PATH"], **image_environment(),
                        **environment})
    assert (done.returncode, done.stderr) == (0, "")
    assert 'apply = "observe"' in re.sub(r" +", " ", done.stdout)
    assert '"0.0.0.0:8080"' in done.stdout


def files_named(environment, folder) -> set[str]:
    paths = [value for name, value in environment.items()
             if name.endswith("_FILE")]
    assert all(os.path.dirname(path) == folder for path in paths)
    return {os.path.basename(path) for path in paths}


def test_every_secret_that_is_named_is_given():
    base = compose()["services"]["reunite"]
    assert files_named(environment_of_compose(), "/run/secrets") == \
        set(base["secrets"]) == set(compose()["secrets"])
    over = compose("compose.postgresql.yaml")
    assert files_named(environment_over_compose(), "/run/secrets") == \
        {*base["secrets"], *over["services"]["reunite"]["secrets"]}
    assert set(over["secrets"]) == {"store", "postgres_password"}
    example = set(of_kind("Secret", "secret.example.yaml")["stringData"])
    for name, deployment in deployments().items():
        named = files_named(environment_of(deployment),
                            "/run/secrets/reunite")
        assert named == example - (
            {"store"} if name == "sqlite.yaml" else set())
        (mount,) = [row for row in container_of(deployment)["volumeMounts"]
                    if row["name"] == "secrets"]
        assert mount == {"name": "secrets", "readOnly": True,
                         "mountPath": "/run/secrets/reunite"}


def test_names_and_ports_fit():
    exposed = {int(port) for port in last_stage()["EXPOSE"].split()}
    environment = image_environment()
    listened = {int(environment[name].rsplit(":", 1)[1])
                for name in ("REUNITE_LISTEN", "REUNITE_ADMIN_LISTEN")}
    published = {int(port.rsplit(":", 1)[1])
                 for port in compose()["services"]["reunite"]["ports"]}
    assert exposed == listened == published
    for name, deployment in deployments().items():
        spec = deployment["spec"]
        ports = {row["name"]: row["containerPort"]
                 for row in container_of(deployment)["ports"]}
        assert set(ports.values()) == exposed
        labels = spec["template"]["metadata"]["labels"]
        chosen = [spec["selector"]["matchLabels"],
                  of_kind("NetworkPolicy")["spec"]["podSelector"]
                  ["matchLabels"]]
        chosen += [thing["spec"]["selector"]
                   for thing in objects("service.yaml")]
        for selector in chosen:
            assert selector.items() <= labels.items()
        for thing in objects("service.yaml"):
            for row in thing["spec"]["ports"]:
                assert row["targetPort"] in ports
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container_of(deployment)[probe]["httpGet"]
            assert ports[asked["port"]] == 9090
            assert asked["path"] == ("/readyz" if probe == "readinessProbe"
                                     else "/healthz")


def test_only_webhooks_come_in():
    (rule,) = of_kind("Ingress")["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["path"] == "/webhooks/" and path["pathType"] == "Prefix"
    backend = path["backend"]["service"]
    (service,) = [thing for thing in objects("service.yaml")
                  if thing["metadata"]["name"] == backend["name"]]
    assert [row["targetPort"] for row in service["spec"]["ports"]
            if row["name"] == backend["port"]["name"]] == ["webhooks"]


def seconds(text) -> int:
    return int(re.fullmatch(r"(\d+)s", text)[1])


def test_an_end_has_the_time_that_it_needs():
    table = (ROOT / "src/app/config_table.h").read_text()
    assert re.search(r'X\(drain_timeout.*?"(\d+)s"', table, re.S)[1] == \
        str(DRAIN_S)
    daemon = (ROOT / "src/app/daemon.c").read_text()
    assert re.search(r"#define TEARDOWN_S\s+(\d+)", daemon)[1] == \
        str(TEARDOWN_S)
    grace = compose()["services"]["reunite"]["stop_grace_period"]
    assert seconds(grace) > DRAIN_S + TEARDOWN_S
    for deployment in deployments().values():
        pod = deployment["spec"]["template"]["spec"]
        sleep = container_of(deployment)["lifecycle"]["preStop"]["sleep"]
        assert pod["terminationGracePeriodSeconds"] > \
            sleep["seconds"] + DRAIN_S + TEARDOWN_S


def test_one_has_the_store_or_several_share_it():
    alone = of_kind("Deployment", "sqlite.yaml")["spec"]
    assert alone["replicas"] == 1
    assert alone["strategy"] == {"type": "Recreate"}
    claim = of_kind("PersistentVolumeClaim", "sqlite.yaml")
    volumes = alone["template"]["spec"]["volumes"]
    assert claim["metadata"]["name"] in [
        row["persistentVolumeClaim"]["claimName"] for row in volumes
        if "persistentVolumeClaim" in row]
    assert "PodDisruptionBudget" not in [
        thing["kind"] for thing in objects("sqlite.yaml")]
    shared = of_kind("Deployment", "postgresql.yaml")["spec"]
    budget = of_kind("PodDisruptionBudget")["spec"]
    assert 1 <= budget["minAvailable"] < shared["replicas"]
    assert budget["selector"] == shared["selector"]
    assert shared["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_both_deployments_start_the_same():
    """But for the store, and where pods are."""
    pods = []
    for deployment in deployments().values():
        pod = copy.deepcopy(deployment["spec"]["template"])
        pod["spec"].pop("topologySpreadConstraints", None)
        pod["spec"]["securityContext"].pop("fsGroupChangePolicy", None)
        pod["spec"]["volumes"] = [row for row in pod["spec"]["volumes"]
                                  if row["name"] != "data"]
        (container,) = pod["spec"]["containers"]
        container["volumeMounts"] = [row for row in container["volumeMounts"]
                                     if row["name"] != "data"]
        container["env"] = [row for row in container["env"]
                            if row["name"] != "REUNITE_STORE_FILE"]
        pods.append(pod)
    assert pods[0] == pods[1]
