"""The log: one event a line, without what a patient's record says."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from fhirhub import logs, settings


@pytest.fixture(autouse=True)
def _unchanged() -> Iterator[None]:
    root = logging.getLogger()
    kept = root.handlers[:], root.level, logs.logger.level
    yield
    root.handlers[:], level, own = kept
    root.setLevel(level)
    logs.logger.setLevel(own)


def _lines(captured: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in captured.readouterr().err.splitlines()]


def test_event_is_one_json_line_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(settings.read({}, log_format="json"))
    logs.info("A worker is ready", worker=1)
    line = _lines(capsys)[0]
    assert (line["event"], line["level"], line["worker"]) == ("A worker is ready", "info", 1)


def test_fault_is_told_by_class_and_place_and_not_by_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(settings.read({}, log_format="json"))
    try:
        raise ValueError("Jansen, 12-03-1940")
    except ValueError as fault:
        logs.error("A request failed", fault, request_id="abc")
    text = capsys.readouterr().err
    assert "Jansen" not in text
    line = json.loads(text)
    assert line["fault"] == "ValueError"
    assert "test_logs.py" in line["places"][0]
    assert line["request_id"] == "abc"


def test_remark_of_a_library_is_told_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(settings.read({}, log_format="json"))
    logging.getLogger("asyncpg").warning("Key (id)=(%s) exists", "Jansen")
    logging.getLogger("asyncpg").info("nothing")
    lines = _lines(capsys)
    assert len(lines) == 1
    assert "Jansen" not in str(lines)
    assert "asyncpg" in str(lines[0]["event"])


def test_level_leaves_out_what_is_less(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(settings.read({}, log_level="error", log_format="text"))
    logs.warning("Something")
    logs.error("Something worse", count=2)
    assert capsys.readouterr().err.split(" error ")[1].strip() == "Something worse count=2"
