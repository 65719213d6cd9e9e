"""Layers, fences of foreign headers, and the purity of core."""

import fnmatch
import re

from tree import ROOT, code_of, includes, name_of, sources

LAYERS = {
    "base": {"base"},
    "core": {"base", "core"},
    "store": {"base", "core", "store"},
    "net": {"base", "net"},
    "api": {"base", "core", "net", "api"},
    "app": {"base", "core", "store", "net", "api", "app"},
    "cli": {"base", "core", "store", "net", "api", "app", "cli"},
    "sandbox": {"base", "core", "net", "sandbox"},
}

# The first row that fits a header decides where it may be included.
FENCES = [
    ("event2/event.h", ["src/net/loop.c"]),
    ("event2/*", ["src/net/http_server*"]),
    ("event.h", []),
    ("curl/*", ["src/net/http_client*.c"]),
    (
        "openssl/*",
        ["src/base/crypto.c", "src/net/tls_context*", "src/net/http_server_tls.c"],
    ),
    ("jansson.h", ["src/base/json*.c"]),
    ("sqlite3.h", ["src/store/*sqlite*"]),
    ("libpq-fe.h", ["src/store/*pg*"]),
    ("confuse.h", ["src/app/config*.c"]),
]

CLOCK = re.compile(
    r"(?<![\w.>])(clock_gettime|gettimeofday|timespec_get|time|ftime)\s*\("
)
IMPURE = re.compile(
    r"(?<![\w.>])(clock_wall_ms|clock_mono_ms|clock_mono_us|clock_boot_ms"
    r"|clock_gettime|time"
    r"|crypto_random|random|rand|getrandom|getenv|fopen|open|read|write"
    r"|printf|fprintf|sleep|usleep|nanosleep)\s*\("
)

# What waits for a database: for the store's own threads, and for the start.
WAITS = re.compile(
    r"(?<![\w.>])(store_(?:open|close|run|do|changed|watch|checkpoint"
    r"|empty_log|now_ms))\s*\("
)
MAY_WAIT = {"src/app/storeq_side.c", "src/app/engine.c"}

# The key of a comparison in constant time: no verdict depends on it.
PURE_ALL_THE_SAME = {"src/core/signature.c": "crypto_random()"}


def layer_of(name: str) -> str:
    return name.split("/")[1]


def layer_faults(name: str, text: str) -> list[str]:
    """What a file of src/ or include/ includes and must not."""
    faults = []
    layer = layer_of(name)
    for include in includes(text):
        if include.system:
            continue
        target, slash, _ = include.name.partition("/")
        private = not slash and (ROOT / "src" / layer / target).is_file()
        if slash and target in LAYERS[layer]:
            private = (ROOT / "include" / include.name).is_file()
        if not private:
            faults.append(f"{name}:{include.line}: {include.name}")
    return faults


def fence_faults(name: str, text: str) -> list[str]:
    faults = []
    for include in includes(text):
        for pattern, places in FENCES:
            if not fnmatch.fnmatch(include.name, pattern):
                continue
            if not any(fnmatch.fnmatch(name, place) for place in places):
                faults.append(f"{name}:{include.line}: {include.name}")
            break
    return faults


def calls(pattern: re.Pattern, name: str, text: str) -> list[str]:
    code = code_of(text)
    return [
        f"{name}:{code.count(chr(10), 0, match.start()) + 1}: {match[1]}()"
        for match in pattern.finditer(code)
    ]


def all_faults(check) -> list[str]:
    return [
        fault
        for path in sources("src", "include")
        for fault in check(name_of(path), path.read_text())
    ]


def test_includes_point_left():
    assert all_faults(layer_faults) == []


def test_foreign_headers_stay_behind_their_fences():
    assert all_faults(fence_faults) == []


def test_core_is_pure():
    faults = []
    for path in sources("src/core", "include/core"):
        name = name_of(path)
        faults += [
            fault
            for fault in calls(IMPURE, name, path.read_text())
            if not fault.endswith(PURE_ALL_THE_SAME.get(name, "\n"))
        ]
    assert faults == []


def test_only_clock_reads_the_clock():
    faults = []
    for path in sources("src", "include"):
        if name_of(path) != "src/base/clock.c":
            faults += calls(CLOCK, name_of(path), path.read_text())
    assert faults == []


def test_the_loop_never_waits_for_the_store():
    faults = []
    for path in sources("src/app", "include/app"):
        if name_of(path) not in MAY_WAIT:
            faults += calls(WAITS, name_of(path), path.read_text())
    assert faults == []
    assert calls(WAITS, "src/app/x.c", "r = store_do(s, &op);") == [
        "src/app/x.c:1: store_do()"
    ]


def test_a_step_to_the_right_is_seen():
    text = '#include "base/str.h"\n#include "store/store.h"\n'
    assert layer_faults("src/net/x.c", text) == ["src/net/x.c:2: store/store.h"]
    assert layer_faults("src/app/x.c", text) == []


def test_another_layers_private_header_is_seen():
    text = '#include "../core/linkjob_int.h"\n#include "config_raw.h"\n'
    assert len(layer_faults("src/cli/x.c", text)) == 2
    assert len(layer_faults("src/app/x.c", text)) == 1


def test_a_header_outside_its_fence_is_seen():
    text = "#include <event2/event.h>\n#include <event2/buffer.h>\n"
    assert fence_faults("src/net/loop.c", text) == [
        "src/net/loop.c:2: event2/buffer.h"
    ]
    assert fence_faults("src/net/http_server.c", text) == [
        "src/net/http_server.c:1: event2/event.h"
    ]
    assert len(fence_faults("src/app/x.c", text)) == 2


def test_a_call_is_seen_and_a_comment_is_not():
    text = "/* time() */\nint f(void)\n{\n\treturn time (NULL); // rand()\n}\n"
    text += "int g(struct t *t)\n{\n\treturn t->read(t) + t->x.open();\n}\n"
    assert calls(IMPURE, "x.c", text) == ["x.c:4: time()"]
