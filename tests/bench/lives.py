"""A server's life in a measurement: started on new data, warmed up, loaded,
counted, ended. Lives of different servers take turns, so that a machine's
good and bad minutes come to all of them.

Each life proves its label: the server does the work (qualify.py), and what
was answered with 200 is stored, exactly that; if not, or if anything was no
200, its figures are void."""

import contextlib
import shutil

import qualify
import servers

WARM_UP_S = 2.0


@contextlib.contextmanager
def life(lab, subject, environment=None):
    folder = lab.new_folder(subject.key)
    try:
        server = subject.start(lab, folder, environment)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prove(server, answered, rows, stores=True, before=0):
    """Adds what a life proves to its rows; makes them void if it does
    not. So many were stored before."""
    stored = server.stored()
    if stored is not None:
        stored -= before
    proof = server.proof()
    for row in rows:
        row["proof"] = {**proof, "stored": stored, "answered": answered}
        wanted = answered if stores else 0
        if stored is not None and stored != wanted:
            row["void"] = f"{stored} stored of {wanted}"
        elif stored and not row["flushes"] and server.syncs_show:
            row["void"] = "nothing was synced"


def measure(lab, subject, loads, environment=None, stores=True):
    """The rows of some loads in one life: each is a function that gets
    load(body, connections, rate) and the rows before, and gives a row or
    None. A life that fails is void."""
    rows = []
    warm_up_s = min(WARM_UP_S, 4 * lab.seconds)
    try:
        with life(lab, subject, environment) as server:
            server.syncs_show = lab.disk.known
            before = qualify.qualify(server, subject)
            answered = 0

            def load(body, connections, rate=None, seconds=lab.seconds):
                nonlocal answered
                row = servers.load(lab, server, body, connections, seconds,
                                   rate)
                answered += row["requests"]
                return row

            for i, one in enumerate(loads):
                if i == 0:
                    warm = one(lambda body, connections, rate=None: load(
                        body, connections, rate, warm_up_s), rows)
                    if warm.get("void"):
                        raise RuntimeError(warm["void"])
                rows.append(one(load, rows))
            prove(server, answered, [row for row in rows if row], stores,
                  before)
    except (RuntimeError, OSError) as error:
        lab.say(f"{subject.name}: void: {error}")
        rows = [{"void": str(error)}] + [None] * (len(loads) - 1)
    return rows


def turns(lab, subjects):
    """(round, subject), every other round the other way round."""
    for n in range(lab.rounds):
        for subject in subjects if n % 2 == 0 else reversed(subjects):
            yield n, subject
