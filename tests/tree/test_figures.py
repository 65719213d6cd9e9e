"""What the README says about speed is what a run has written: its figures and
pictures are made of the JSON beside them, by the code that makes them."""

import json
import re
import subprocess
import sys

from tree import ROOT

BENCH = ROOT / "tests" / "bench"
LATEST = BENCH / "results" / "latest.json"
README = (ROOT / "README.md").read_text()


def check(folder):
    return subprocess.run(
        [sys.executable, "results.py", "--check"], cwd=folder,
        capture_output=True, text=True)


def test_readme_and_pictures_are_what_the_json_says():
    done = check(BENCH)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_figure_that_is_typed_is_seen(tmp_path):
    """In a copy, where one is changed in the README, and one in a picture."""
    bench = tmp_path / "tests" / "bench"
    (bench / "results").mkdir(parents=True)
    for path in [*BENCH.glob("*.py"), *BENCH.glob("results/*")]:
        if path.is_file():
            (bench / path.relative_to(BENCH)).write_bytes(path.read_bytes())
    (tmp_path / "tests" / "system").symlink_to(ROOT / "tests" / "system")
    begin = README.index("<!-- figures")
    figure = re.search(r"\d[\d,.]+", README[begin:][100:])
    place = begin + 100 + figure.start()
    (tmp_path / "README.md").write_text(
        README[:place] + "9" + README[place:])
    picture = next((bench / "results").glob("*.svg"))
    picture.write_text(picture.read_text().replace("</svg>", " </svg>"))
    done = check(bench)
    assert done.returncode == 1
    assert sorted(done.stdout.split()) == ["README.md", picture.name]


def test_what_is_published_can_be_measured_again():
    listed = subprocess.run(
        [sys.executable, str(BENCH / "bench.py"), "--list"],
        capture_output=True, text=True, check=True).stdout
    names = {line.split()[0] for line in listed.splitlines()}
    published = set(json.loads(LATEST.read_text())["cases"])
    assert published <= names
    assert {"intake", "ignored", "slow"} <= published


def test_pictures_follow_the_reader_into_the_dark():
    pictures = list((BENCH / "results").glob("*.svg"))
    assert pictures
    for picture in pictures:
        assert "prefers-color-scheme: dark" in picture.read_text()
