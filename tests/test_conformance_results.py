"""The report of the judges: a section for each, which no other disturbs."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import results


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "RESULTS.md"


def test_section_is_replaced_where_it_stands_and_others_stay(report: Path) -> None:
    results.write("one", "## First\n\nold", report)
    results.write("two", "## Second\n\nkept", report)
    results.write("one", "## First\n\nnew", report)
    text = report.read_text(encoding="utf-8")
    assert "old" not in text
    assert text.index("new") < text.index("kept")
    assert text.count("<!-- one -->") == text.count("<!-- end of one -->") == 1


def test_report_is_html_too(report: Path) -> None:
    results.write("one", "## First\n\n" + results.table(["a", "b"], [["x | y", "<z>"]]), report)
    html = report.with_suffix(".html").read_text(encoding="utf-8")
    assert "<h2>First</h2>" in html
    assert "<td>x | y</td>" in html
    assert "&lt;z&gt;" in html
    assert '<html lang="en">' in html
