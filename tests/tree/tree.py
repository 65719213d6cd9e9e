"""The source tree as its tests see it: files, includes, functions."""

import os
import re
from pathlib import Path
from typing import Iterator, NamedTuple

ROOT = Path(os.environ.get("REUNITE_SOURCE", Path(__file__).parents[2]))
BUILD = os.environ.get("REUNITE_BUILD")


def sources(*folders: str, suffixes: str = "ch") -> list[Path]:
    """The C files below some folders of the tree."""
    return sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix[1:] and path.suffix[1:] in suffixes
    )


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


class Include(NamedTuple):
    line: int
    name: str
    system: bool


def includes(text: str) -> list[Include]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            found.append(Include(number, match[2], match[1] == "<"))
    return found


CODE = re.compile(
    r"//[^\n]*|/\*.*?\*/"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'(?:\\.|[^'\\\n])*'",
    re.DOTALL,
)


def code_of(text: str) -> str:
    """The text without comments and literals, its lines kept."""

    def blank(match: re.Match) -> str:
        kept = "\n" * match[0].count("\n")
        return '""' + kept if match[0][0] in "\"'" else " " + kept

    return CODE.sub(blank, text)


def without_directives(code: str) -> str:
    """Preprocessor lines, continued ones too, become empty."""

    def blank(match: re.Match) -> str:
        return "\n" * match[0].count("\n")

    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, code, flags=re.M)


class Function(NamedTuple):
    line: int
    length: int


def functions(text: str) -> Iterator[Function]:
    """Every function body: the line of its brace, and its lines."""
    code = without_directives(code_of(text))
    depth = start = 0
    is_function = False
    line = 1
    before = ""
    for char in code:
        if char == "{":
            if depth == 0:
                is_function = before == ")"
                start = line
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0 and is_function:
                yield Function(start, line - start + 1)
        if char == "\n":
            line += 1
        elif not char.isspace():
            before = char
