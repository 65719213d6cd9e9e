"""A database that does not let us in, over TLS and with passwords: a clear
line and an exit code, and never the password."""

import os
import subprocess

import pytest

import daemon
import harness
import pg

FAST = 40
PASSWORD = "a-password-of-the-tests"
HBA = f"""local all {pg.USER} trust
hostssl all tls 127.0.0.1/32 scram-sha-256
host all plain 127.0.0.1/32 scram-sha-256
host all {pg.USER} 127.0.0.1/32 trust
"""


def certificate(folder, name="127.0.0.1"):
    """A key and a certificate that it signed itself."""
    paths = [os.path.join(folder, f"server.{kind}") for kind in ("key", "crt")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         f"/CN={name}", "-addext", f"subjectAltName=IP:{name}", "-keyout",
         paths[0], "-out", paths[1]], check=True, capture_output=True)
    os.chmod(paths[0], 0o600)
    return paths


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server with TLS, and users with passwords."""
    server = pg.Cluster(hba=HBA)
    key, server.certificate = certificate(server.data)
    for path in (key, server.certificate):
        pg.give(path)
    server.set(ssl="on")
    server.restart()
    for user in ("tls", "plain"):
        server.sql(f"CREATE USER {user} PASSWORD '{PASSWORD}' SUPERUSER")
    # the tests' user reads it, whoever the server runs as
    server.trusted = str(tmp_path_factory.mktemp("tls") / "ca.crt")
    with open(server.certificate, "rb") as f, \
            open(server.trusted, "wb") as to:
        to.write(f.read())
    server.name = server.database()
    yield server
    server.remove()


def url(server, user, password=PASSWORD, **parameters):
    more = "&".join(f"{k}={v}" for k, v in parameters.items())
    return (f"postgresql://{user}:{password}@127.0.0.1:{server.port}/"
            f"{server.name}?{more}")


def refusal(tmp_path, sandbox, store):
    """The exit code of `serve` and what it said in the end, one line; first it
    waits a minute."""
    # libpq tells the time by the fast clock, too
    patience = {"PGCONNECT_TIMEOUT": str(3 * FAST)}
    with pytest.raises(daemon.DiedAtStart) as died:
        daemon.Daemon(tmp_path, sandbox, top={"store": store}, fast=FAST,
                      environment=patience)
    waits, line = str(died.value).strip().splitlines()
    assert "waiting_for_store" in waits
    assert PASSWORD not in waits + line and "another" not in waits + line
    process = subprocess.run(
        [harness.binary("reunite"), "serve", "-c",
         str(tmp_path / "reunite.conf")],
        env={**os.environ, **patience, **daemon.fast_clock(FAST)},
        capture_output=True, check=False, timeout=60)
    return process.returncode, line


def test_a_wrong_password(tmp_path, sandbox, guarded):
    code, line = refusal(tmp_path, sandbox,
                         url(guarded, "plain", "another-password"))
    assert code == 4
    assert "password authentication failed" in line


def test_no_tls_where_it_is_asked_for(tmp_path, sandbox, guarded):
    code, line = refusal(tmp_path, sandbox,
                         url(guarded, "tls", sslmode="disable"))
    assert code == 4
    assert "no encryption" in line


def test_a_certificate_that_nobody_vouches_for(tmp_path, sandbox, guarded):
    _, other = certificate(str(tmp_path))
    code, line = refusal(
        tmp_path, sandbox,
        url(guarded, "tls", sslmode="verify-full", sslrootcert=other))
    assert code == 4
    assert "certificate verify failed" in line


def test_nobody_listens(tmp_path, sandbox, guarded):
    store = f"postgresql://127.0.0.1:{pg.free_port()}/{guarded.name}"
    code, line = refusal(tmp_path, sandbox, store)
    assert code == 4
    assert "refused" in line


def test_a_database_that_is_not_there(tmp_path, sandbox, guarded):
    code, line = refusal(tmp_path, sandbox, guarded.url("nowhere"))
    assert code == 4
    assert 'database "nowhere" does not exist' in line


def test_tls_and_a_password_file(tmp_path, sandbox, guarded):
    """As libpq documents them."""
    passwords = tmp_path / "passwords"
    passwords.write_text(f"127.0.0.1:{guarded.port}:*:tls:{PASSWORD}\n")
    passwords.chmod(0o600)
    store = (f"postgresql://tls@127.0.0.1:{guarded.port}/{guarded.name}"
             f"?sslmode=verify-full&sslrootcert={guarded.trusted}"
             f"&passfile={passwords}")
    reunite = daemon.Daemon(tmp_path, sandbox, top={"store": store})
    try:
        assert guarded.value(
            "SELECT bool_and(ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a"
            " USING (pid) WHERE a.usename = 'tls'") == "t"
        assert reunite.admin.get("/readyz").status == 200
    finally:
        assert reunite.stop() == 0
    assert PASSWORD not in reunite.log()
