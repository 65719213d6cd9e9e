"""A database that does not answer, and peers that hold what they stopped
with: intake says 503 in time, the node tells why it is not ready, and all
goes on by itself afterwards."""

import time

import pytest

import disks
import harness
import load
import netns
import pg

ANSWER_S = 10.0  # Zendesk gives up after 12 s


def refused_in_time(node):
    reply = node.sunco(disks.begun(), timeout_s=ANSWER_S)
    assert disks.is_unavailable(reply), (reply.status, reply.body)


def not_ready(node):
    """Why."""
    def why():
        reply = node.admin.get("/readyz", timeout_s=ANSWER_S)
        return reply.json if reply.status == 503 else None

    return harness.wait_until(why, what="a node that is not ready")


def all_is_well(node):
    disks.accepted_again(node, 60)
    harness.wait_until(lambda: node.admin.get("/readyz").status == 200, 60,
                       "a node that is ready")


@pytest.fixture
def own_cluster():
    server = pg.Cluster()
    yield server
    server.remove()


def hang(on, how):
    node = on.nodes[0]
    if how == "stopped":
        on.cluster.freeze()
        return on.cluster.thaw
    node.cut(api=False)
    return lambda: node.mend(api=False, late=how == "late")


@pytest.mark.parametrize("how", ["stopped", "lost", "late"])
def test_a_database_that_does_not_answer(own_cluster, fleet, how):
    """The server is stopped, or the network between is gone; what was under
    way is lost, or arrives later."""
    on = fleet(1, on=own_cluster)
    node = on.nodes[0]
    sender = disks.Sender(node)
    sender.send()
    end = hang(on, how)
    try:
        for _ in range(2):
            assert disks.is_unavailable(sender.send())
            assert node.http.get("/healthz").status == 200
        assert "store" in str(not_ready(node))
    finally:
        end()
    all_is_well(node)
    # what was refused may have got there all the same
    disks.send_all_again(node, sender.refused)
    assert disks.send_all_again(
        node, {**sender.taken, **sender.refused}) == 0


def test_a_table_that_somebody_locks(fleet, cluster):
    on = fleet(1)
    node = on.nodes[0]
    disks.accepted_again(node)
    somebody = pg.Session(cluster.url(on.database))
    somebody.say("BEGIN; LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE;")
    try:
        refused_in_time(node)
        assert node.http.get("/healthz").status == 200
    finally:
        somebody.close()
    all_is_well(node)


def test_a_node_cut_off_in_a_transaction_holds_nobody(fleet):
    """Its locks go with its transaction, which the server ends."""
    on = fleet(2)
    first, second = on.nodes
    first.store_wire.cut_after(b"INTO events")
    refused_in_time(first)
    assert not first.store_wire.whole.is_set()
    disks.accepted_again(second)
    first.mend()
    all_is_well(first)


def test_a_stopped_node_holds_nobody(fleet):
    """Wherever it was stopped."""
    on = fleet(2)
    first, second = on.nodes
    stream = load.Stream(on, clients=2)
    for _ in range(8):
        time.sleep(0.05)
        first.freeze()
        disks.accepted_again(second, 60)
        first.thaw()
    stream.stop()
    disks.accepted_again(second, 60)
    assert disks.send_all_again(second, stream.taken()) == 0


def test_a_server_in_another_network(fleet):
    """The wire to it is really cut: nothing is refused or ended."""
    with netns.namespace() as there:
        server = pg.Cluster(host=there.host, wrapper=there.wrapper(),
                            hba=f"host all all {there.here}/32 trust\n")
        try:
            # the node ends after its server
            cut_off(fleet(1, on=server, servers=[server],
                          top={"drain_timeout": "1s"}), there)
        finally:
            server.remove()


def cut_off(on, there):
    node = on.nodes[0]
    sender = disks.Sender(node)
    sender.send()
    there.cut()
    try:
        assert disks.is_unavailable(sender.send())
        assert node.http.get("/healthz").status == 200
        assert "store" in str(not_ready(node))
    finally:
        there.mend()
    all_is_well(node)
    assert disks.send_all_again(node, sender.taken) == 0
