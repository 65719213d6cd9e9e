"""Bars as SVG, which a README shows on light and on dark: the colours of
text and bars follow the reader's. No library."""

import html
import statistics

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 14px }
.value { font-size: 12px }
.note { font-size: 12px; fill: #57606a }
.ours { fill: #1a7f5a }
.peer { fill: #8c959f }
.yard { fill: #c8ced4 }
.range { stroke: #24292f; stroke-width: 1.2; opacity: .7 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .note { fill: #9198a1 }
  .ours { fill: #3fb985 }
  .peer { fill: #7d8590 }
  .yard { fill: #484f58 }
  .range { stroke: #e6edf3 }
}
"""
WIDTH, LABEL, BAR, STEP = 860, 290, 16, 24
VALUES = 130  # room behind the longest bar
LONGEST = 5  # times the middle one: longer bars are cut, their value is told


class Bar:
    """`kind` is ours, peer or yard (a yardstick); `low` and `high` are the
    spread of the rounds."""

    def __init__(self, name, value, kind="peer", low=None, high=None,
                 label=None):
        self.name = name
        self.value = value
        self.kind = kind
        self.low = value if low is None else low
        self.high = value if high is None else high
        self.label = label or f"{value:,.0f}"


class Panel:
    """One group of bars with a scale of its own."""

    def __init__(self, title, bars):
        self.title = title
        self.bars = [bar for bar in bars if bar.value is not None]

    def height(self):
        return 34 + STEP * len(self.bars)


def text(x, y, words, kind="", anchor="start"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" '
            f'text-anchor="{anchor}">{html.escape(words)}</text>')


def draw_bar(bar, y, scale, top):
    is_cut = bar.value > top
    length = max(min(bar.value, top) * scale, 1)
    middle = y + BAR / 2
    low, high = (LABEL + min(end, top) * scale for end in (bar.low, bar.high))
    lines = [
        text(LABEL - 8, middle + 4, bar.name, anchor="end"),
        f'<rect x="{LABEL}" y="{y:.1f}" width="{length:.1f}" '
        f'height="{BAR}" rx="2" class="{bar.kind}"/>',
    ]
    if not is_cut:
        lines.append(f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}" '
                     'class="range"/>')
    return lines + [text(max(LABEL + length, high) + 6, middle + 4,
                         ("\u2192 " if is_cut else "") + bar.label, "value")]


def draw_panel(panel, y):
    values = [bar.value for bar in panel.bars]
    top = min(max(max(bar.value, bar.high) for bar in panel.bars),
              LONGEST * statistics.median(values)) or 1
    scale = (WIDTH - LABEL - VALUES) / top
    lines = [text(LABEL, y + 14, panel.title, "title")]
    for i, bar in enumerate(panel.bars):
        lines += draw_bar(bar, y + 26 + i * STEP, scale, top)
    return lines


def svg(title, panels, note=""):
    """The whole picture, panels one under the other."""
    panels = [panel for panel in panels if panel.bars]
    lines, y = [], 10
    for panel in panels:
        lines += draw_panel(panel, y)
        y += panel.height() + 10
    if note:
        lines.append(text(WIDTH / 2, y + 8, note, "note", "middle"))
        y += 20
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" '
        f'role="img" aria-label="{html.escape(title)}">',
        f"<title>{html.escape(title)}</title>",
        f"<style>{STYLE}</style>", *lines, "</svg>", ""])
