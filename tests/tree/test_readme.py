"""The README and the pages that it leads to name what there is: every command,
setting, metric and reason, and nothing that is not there."""

import json
import os
import re
import shlex
import subprocess

import pytest

from tree import BUILD, ROOT

PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in [
        ROOT / "README.md",
        ROOT / "tests" / "README.md",
        *sorted((ROOT / "deploy").glob("*.md")),
    ]
}
# All of it; a section may stand in any of them.
TEXT = "\n".join(PAGES.values())


def source(name: str) -> str:
    return (ROOT / name).read_text()


def section(title: str) -> str:
    """From its heading to the next one of its level or above."""
    found = re.findall(
        rf"^#+ {re.escape(title)}\n(.*?)(?=^#{{1,2}} |\Z)",
        TEXT,
        flags=re.M | re.S,
    )
    assert len(found) == 1, f"{len(found)} sections {title}"
    return found[0]


def rows(text: str) -> list[list[str]]:
    """The cells of its tables, without headings."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines]
    ruled = [i for i, row in enumerate(cells) if set(row[0]) <= {"-"} and row[0]]
    left_out = {*ruled, *(i - 1 for i in ruled)}
    return [row for i, row in enumerate(cells) if i not in left_out]


def words(text: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.S))


def x_rows(name: str, table: str, start: str) -> list[str]:
    """The rows of an X-macro, as text."""
    text = source(name)
    match = re.search(rf"#define {table}.*?\n\n", text, flags=re.S)
    body = re.sub(r"\\\n", " ", match[0])
    body = re.sub(r'"\s+"', "", body)
    return re.findall(rf"\bX\(({start}.*?)\)(?=\s*(?:X\(|/\*|$))", body)


def settings() -> dict[str, str]:
    """Name -> fallback, of the table in the code."""
    found = {}
    for table in ("CONFIG_GLOBALS", "CONFIG_ACCOUNT"):
        for row in x_rows("src/app/config_table.h", table, "[a-z]"):
            # The last text of a row is its help, the one before the fallback.
            found[row.split(",")[0]] = re.findall(r'"([^"]*)"', row)[-2]
    return found


def test_settings_and_defaults():
    told = {
        words(row[0])[0]: row[1].strip("`")
        for row in rows(section("Configuration"))
    }
    assert told == settings()
    assert len(told) > 40


def test_settings_that_need_a_restart():
    fixed = set()
    for row in x_rows("src/app/config_table.h", "CONFIG_GLOBALS", "[a-z]"):
        if re.search(r'",\s*false,\s*"', row):
            fixed.add(row.split(",")[0])
    told = {
        words(row[0])[0]
        for row in rows(section("Configuration"))
        if "↻" in row[0]
    }
    assert told == fixed != set()


def test_metrics():
    there = {}
    for row in x_rows("include/base/metrics.h", "METRICS_TABLE", "[A-Z]"):
        name, labels = re.findall(r'"([^"]*)"', row)[:2]
        there["reunite_" + name] = labels.split()
    told = {
        words(row[0])[0]: [label for label in row[1].split(", ") if label]
        for row in rows(section("Metrics"))
    }
    assert told == there
    assert len(told) > 15


def test_reasons():
    there = {
        re.search(r'"([^"]*)"', row)[1]
        for row in x_rows("include/core/reason.h", "REASON_TABLE", "[A-Z]")
    }
    table = rows(section("How it decides"))
    told = {
        code
        for row in table
        for cell in ([row[3]] if len(row) == 4 else [row[0]])
        for code in words(cell)
    }
    evidence = {"verified", "authenticated", "claimed", "none"}
    assert told | {"none"} == there | evidence
    assert [row[0] for row in table if len(row) == 4 and row[0]] == [
        str(n) for n in range(1, 25)
    ]


def test_rules_have_the_reasons_of_the_code():
    """Stages 1 to 3 from their table in policy.c."""
    codes = dict(
        re.match(r'(\w+), "([^"]*)"', row).groups()
        for row in x_rows("include/core/reason.h", "REASON_TABLE", "[A-Z]")
    )
    told = {
        int(row[0]): words(row[3])
        for row in rows(section("How it decides"))
        if len(row) == 4 and row[0]
    }
    pairs = re.findall(
        r"\{(\d+), ACTION_\w+, REASON_(\w+),", source("src/core/policy.c")
    )
    assert {int(rule) for rule, _ in pairs} == set(range(1, 12))
    for rule, reason in pairs:
        assert told[int(rule)] == [codes[reason]]


def program(*argv: str) -> subprocess.CompletedProcess:
    if not BUILD:
        pytest.skip("REUNITE_BUILD names no build")
    return subprocess.run(
        [os.path.join(BUILD, "reunite"), *argv],
        capture_output=True,
        text=True,
    )


def commands() -> list[str]:
    listing = program("--help").stdout.split("commands:\n")[1]
    return re.findall(r"^  (\S+(?: \S+)?)  ", listing, flags=re.M)


def test_commands():
    table = section("Commands").split("\n### ")[0]
    told = [words(row[0])[0] for row in rows(table)]
    assert told == commands() != []


def test_exit_codes():
    shown = program("check", "--help").stdout.split("exit codes:\n")[1]
    codes = " ".join(shown.split())
    assert codes in " ".join(section("Commands").split())


def shown_commands() -> list[list[str]]:
    """The lines of indented blocks that call reunite."""
    return [
        shlex.split(line, comments=True)[1:]
        for line in re.findall(r"^    (reunite .*)", TEXT, flags=re.M)
    ]


def test_shown_commands_exist():
    shown = shown_commands()
    assert len(shown) > 5
    for argv in shown:
        name = next(
            (c for c in commands() if argv[: len(c.split())] == c.split()), None
        )
        assert name, argv
        options = program(*name.split(), "--help").stdout
        for word in argv:
            if word.startswith("-"):
                assert re.search(rf"(^|\s){word}[ ,]", options), (argv, word)


def test_what_is_not_there_is_not_there():
    text = section("Not in this version")
    missing = re.findall(r"^- .*?[;.]$", text, re.M)
    assert missing
    missing = words("\n".join(missing))
    for name in missing:
        assert not [c for c in commands() if f"{c} ".startswith(f"{name} ")]


def test_settings_without_effect_have_none():
    told = {
        words(row[0])[0]
        for row in rows(section("Configuration"))
        if row[2] == "no effect yet"
    }
    code = "".join(
        path.read_text()
        for path in sorted((ROOT / "src").rglob("*.c"))
        if not path.name.startswith("config_")
    )
    for name in settings():
        used = re.search(rf"(->|\.){name}(_ms)?\b", code)
        assert bool(used) == (name not in told), name


def test_trigger_body():
    """The body to paste, filled in, is the one that the decoder is tested
    with."""
    body = re.search(r"```json\n(.*)\n```", section("Connecting an account"))[1]
    filled = body
    for placeholder, value in {
        "{{ticket.id}}": "501",
        "{{ticket.requester.id}}": "8800123",
        "{{ticket.updated_at_with_timestamp}}": "2026-03-14T09:26:53Z",
    }.items():
        assert placeholder in body
        filled = filled.replace(placeholder, value)
    assert filled == source("tests/fixtures/zendesk/trigger.json").strip()


def table_names(name: str, table: str) -> list[str]:
    body = re.search(rf"{table}\[\] = {{(.*?)\n}};", source(name), re.S)[1]
    return re.findall(r'\{"([^"]+)"', body) or re.findall(r'"([^"]+)"', body)


def test_events_and_scopes():
    text = section("Connecting an account")
    block = re.search(r"\n((?:    \S+:\S+.*\n)+)", text)[1]
    assert sorted(block.split()) == sorted(
        table_names("src/core/decode_sunco.c", "sunco_types")
    )
    events = [word for word in words(text) if word.startswith("user.")]
    assert events == table_names("src/core/decode_zendesk.c", "zendesk_types")
    scopes = re.findall(
        r'\{"(\S+)", "\w+", SCOPE_(\w+), \w+\}',
        source("src/api/api_scopes.c"),
    )
    always = [name for name, use in scopes if use in ("ALWAYS", "CHANGES")]
    assert f"`{' '.join(always)}`" in " ".join(text.split())
    assert len(always) < len(scopes)
    for name, _ in scopes:
        assert re.search(rf"\b{name}\b", text), name


def test_shown_note():
    """Every line of it is one that the code writes."""
    shown = re.search(r"```\n(.*?)```", section("What agents see"), re.S)[1]
    code = source("src/core/ticket_note.c") + source("include/core/reason.h")
    code = re.sub(r'"\s*(\\\n)?\s*"', "", code.replace("\\\n", " "))
    code = re.sub(r'"\s+"', "", code)
    lines = [
        re.sub(r"^(- |Who: |How sure: |Recorded as )|https?:\S+|\d+\.?$", "", text)
        for text in shown.splitlines()
        if text
    ]
    assert len(lines) > 10
    for line in lines:
        assert line in code, line


def test_tags():
    there = re.findall(
        r'tag_\w+\[\] = "(\w+)"', source("src/core/ticket_note.c")
    )
    told = [words(row[0])[0] for row in rows(section("What agents see"))]
    assert told == there != []


def test_role_addresses():
    row = next(
        row
        for row in rows(section("Configuration"))
        if row[0] == "`deny_emails`"
    )
    built_in = re.search(
        r"\{([^{}]*\"info\"[^{}]*)\}", source("src/core/address.c")
    )[1]
    assert words(row[2])[1:] == re.findall(r'"([^"]+)"', built_in)


def test_shown_configuration_is_right(tmp_path):
    text = re.search(r"```\n(account .*?)```", TEXT, re.S)[1]
    file = tmp_path / "reunite.conf"
    file.write_text(text)
    names = re.findall(r"\$\{(\w+)\}", text)
    os.environ.update({name: "a-secret" for name in names})
    done = program("check", "-c", str(file))
    assert (done.returncode, done.stderr) == (0, "")


def test_the_sandboxes_page_has_every_option():
    if not BUILD:
        pytest.skip("REUNITE_BUILD names no build")
    done = subprocess.run(
        [os.path.join(BUILD, "reunite-sandbox"), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    there = re.findall(r"^  --(\S+)", done.stdout, flags=re.M)
    page = source("deploy/reunite-sandbox.1")
    assert re.findall(r"^\.It Fl -(\S+)", page, flags=re.M) == there != []


def test_files_and_folders_exist():
    named = {
        word
        for word in words(TEXT)
        if re.fullmatch(r"(deploy|include|src|tests)/[\w./]*", word)
    }
    named |= set(re.findall(r"(?<=^    )(?:deploy|tests|\.ci)/\S+", TEXT, re.M))
    assert len(named) > 15
    for name in named:
        assert (ROOT / name).exists(), name
    layers = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()}
    assert layers == {
        name.split("/")[1] for name in named if name.startswith("src/")
    }


def anchors(text: str) -> list[str]:
    headings = re.findall(r"^#+ (.*)$", text, flags=re.M)
    return [
        re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings
    ]


def test_links_lead_to_sections():
    links = [
        (page, link)
        for page, text in PAGES.items()
        for link in re.findall(r"\]\(([^):]+)\)", text)
    ]
    assert len(links) > 20
    for page, link in links:
        path, _, anchor = link.partition("#")
        there = (ROOT / page).parent / path if path else ROOT / page
        assert there.resolve().is_file(), (page, link)
        if anchor:
            assert anchor in anchors(there.read_text()), (page, link)


def test_every_page_is_led_to():
    for page in PAGES:
        if page != "README.md":
            assert f"]({page}" in PAGES["README.md"], page


def test_every_situation_is_as_the_program_has_it():
    told = re.search(
        r"^<!-- matrix -->\n(.*)^<!-- end of matrix -->\n", TEXT, re.M | re.S
    )[1]
    shown = program("explain", "--table", "--markdown").stdout
    assert told == shown
    assert len(shown.splitlines()) > 100


def test_every_rule_about_whose_the_address_is_has_a_situation():
    """The others are named as left out."""
    lines = program("explain", "--table", "--json").stdout.splitlines()
    there = {json.loads(line)["rule"] for line in lines} - {0}
    left_out = re.search(r"Rules ([\d, ]+ and \d+) are not here", TEXT)[1]
    left_out = {int(n) for n in re.findall(r"\d+", left_out)}
    assert there | left_out == set(range(1, 25))
    assert not there & left_out


def test_every_attack_is_named_with_its_test():
    """Of the red team's tests all are there, once, and no others."""
    named = [
        word
        for row in rows(section("What it withstands"))
        for word in words(row[2])
    ]
    there = [
        name
        for path in (ROOT / "tests" / "system").glob("test_redteam_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
    ]
    assert sorted(named) == sorted(there)
    assert len(there) > 50


def names_of_tests() -> set[str]:
    """What a promise may name: a function of tests/system, a file of tests."""
    there = {
        str(path.relative_to(ROOT))
        for folder in ("unit", "contract", "torture", "fuzz", "tree",
                       "bench", "package")
        for path in (ROOT / "tests" / folder).iterdir()
    }
    for path in (ROOT / "tests" / "system").glob("test_*.py"):
        there |= set(re.findall(r"^def (test_\w+)", path.read_text(), re.M))
    return there


def test_every_promise_names_its_tests():
    promises = rows(section("What we promise, and how it is tested"))
    assert len(promises) > 2
    for promise in promises:
        named = words(promise[2])
        assert named, promise[0]
        assert not set(named) - names_of_tests(), promise[0]


def test_every_table_of_the_store_is_told():
    """What is stored of people, and for how long, is there for each."""
    there = re.findall(r"CREATE TABLE (\w+)\(", source("src/store/migrate.c"))
    told = [
        name
        for row in rows(section("What is stored"))
        for name in words(row[0])
    ]
    assert sorted(told) == sorted(there) != []


def test_every_step_of_the_schema_is_told():
    steps = re.findall(r"\bstep_(\d+)\[\]", source("src/store/migrate.c"))
    last = rows(section("Steps of the schema"))[-1]
    assert re.findall(r"\d+", last[0])[-1] == steps[-1]


def test_every_secret_has_its_way_to_be_changed():
    secrets = {
        row.split(",")[0]
        for table in ("CONFIG_GLOBALS", "CONFIG_ACCOUNT")
        for row in x_rows("src/app/config_table.h", table, "[a-z]")
        if re.search(r"SECRET", row)
    }
    assert len(secrets) > 5
    told = set(words(section("Changing secrets")))
    assert secrets - told == set()


def test_the_security_page_names_tests():
    named = [
        word
        for row in rows(section("Changing secrets"))
        for word in words(row[1])
        if word.startswith("test")
    ]
    assert len(named) > 5
    assert not set(named) - names_of_tests()
