"""RESULTS.md and RESULTS.html: what the judges said, each in a section of its own that only they write."""

from __future__ import annotations

from pathlib import Path

from markdown_it import MarkdownIt

RESULTS = Path(__file__).parent / "RESULTS.md"

STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24 }
table { border-collapse: collapse } th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0;
border-bottom: 1px solid #d8dde2 } code { background: #f2f4f6 }
"""


def write(name: str, section: str, results: Path = RESULTS) -> None:
    """Put a section between its marks, at the end where it is new, and make the HTML anew."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    text = results.read_text(encoding="utf-8") if results.is_file() else "# What judges say\n"
    before, _, rest = text.partition(begin)
    after = rest.partition(end)[2]
    whole = f"{before.rstrip()}\n\n{begin}\n{section.strip()}\n{end}\n\n{after.lstrip()}".rstrip() + "\n"
    results.write_text(whole, encoding="utf-8")
    render(results)


def render(results: Path = RESULTS) -> None:
    """Make the HTML of what is in the Markdown."""
    content = MarkdownIt("commonmark").enable("table").render(results.read_text(encoding="utf-8"))
    results.with_suffix(".html").write_text(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>What judges say</title>'
        f"<style>{STYLE}</style></head>\n<body>\n{content}</body></html>\n",
        encoding="utf-8",
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(each) for each in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
