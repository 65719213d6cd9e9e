"""Rounds, what is said of them, and tables of it.

A round is a dictionary of numbers. One with a `void` in it (a text: why) does
not count: something went wrong in it, so its figures say nothing."""

import statistics


def good(rounds):
    return [r for r in rounds if not r.get("void")]


def values(rounds, key):
    return [r[key] for r in good(rounds) if r.get(key) is not None]


def median(rounds, key):
    """None if no round has it."""
    found = values(rounds, key)
    return statistics.median(found) if found else None


def spread(rounds, key):
    """Median, lowest and highest; None if no round has it."""
    found = values(rounds, key)
    if not found:
        return None
    return statistics.median(found), min(found), max(found)


def ratio(a, b):
    return a / b if a is not None and b else None


def paired(ours, theirs, key):
    """The median of the ratios of rounds that were side by side; rounds
    have their number in "round"."""
    other = {r["round"]: r[key] for r in good(theirs) if r.get(key)}
    found = [r[key] / other[r["round"]] for r in good(ours)
             if r.get(key) is not None and r["round"] in other]
    return statistics.median(found) if found else None


def number(value, digits=0, unit=""):
    """1,234.5 us; a dash for what is not known."""
    return "–" if value is None else f"{value:,.{digits}f}{unit}"


def short(value):
    """Three digits are enough of anything measured here."""
    if value is None:
        return "–"
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:,.{digits}f}"


def times(value):
    return "–" if value is None else f"{short(value)} x"


def with_spread(rounds, key, form=short):
    """median (lowest–highest)"""
    found = spread(rounds, key)
    if not found:
        return "–"
    middle, low, high = map(form, found)
    return f"{middle} ({low}–{high})"


class Table:
    """Rows of texts, for a terminal and for the README."""

    def __init__(self, title, heads, rows, note="", is_detail=False):
        self.is_detail = is_detail  # the README folds it away
        self.title = title
        self.heads = heads
        self.rows = rows
        self.note = note

    def text(self):
        lines = [self.heads, *self.rows]
        widths = [max(len(line[i]) for line in lines)
                  for i in range(len(self.heads))]
        shown = ["  ".join(cell.ljust(width) if not i else cell.rjust(width)
                           for i, (cell, width) in enumerate(zip(line,
                                                                 widths)))
                 for line in lines]
        return "\n".join(filter(None, [f"\n{self.title}", *shown,
                                       self.note]))

    def markdown(self):
        lines = [self.heads, ["---"] + ["---:"] * (len(self.heads) - 1),
                 *self.rows]
        shown = ["| " + " | ".join(line) + " |" for line in lines]
        return "\n".join([f"**{self.title}**" if self.title else "", "",
                          *shown, *(["", self.note] if self.note else [])]
                         ).strip()


class Target:
    """What was to be reached, and whether it was: None where this run could
    not tell. The texts are computed from figures, never typed."""

    def __init__(self, what, wanted, measured, reached):
        self.what = what
        self.wanted = wanted
        self.measured = measured
        self.reached = reached

    def row(self):
        return [self.what, self.wanted, self.measured,
                {True: "yes", False: "**no**", None: "not measured"}[
                    self.reached]]


def at_least(what, value, limit, unit=" x"):
    """A target that something is that large."""
    return Target(what, f"at least {limit:g}{unit}",
                  "–" if value is None else short(value) + unit,
                  None if value is None else value >= limit)


def at_most(what, value, limit, unit=" x", strict=False):
    """A target that something is no larger; `strict`: smaller."""
    word = "below" if strict else "at most"
    fits = None
    if value is not None:
        fits = value < limit if strict else value <= limit
    return Target(what, f"{word} {limit:g}{unit}",
                  "–" if value is None else short(value) + unit, fits)
