"""What the hub writes down about its own running: one line for each event, with no patient data in it.

An event is a fixed sentence with named fields; who logs one gives codes, counts, durations and request ids,
never a URL, an id of a resource, a value or the text of a fault. A fault that nobody foresaw is logged as its
class and the places it passed, since its text may quote what a patient's record says.
"""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from fhirhub.settings import Settings

logger: Final = logging.getLogger("fhirhub")
_SOURCE = "fhirhub_fields"


def info(event: str, **fields: Any) -> None:
    logger.info(event, extra={_SOURCE: fields})


def warning(event: str, **fields: Any) -> None:
    logger.warning(event, extra={_SOURCE: fields})


def error(event: str, fault: BaseException | None = None, **fields: Any) -> None:
    """Log what should not happen, with the class and the places of the fault behind it."""
    logger.error(event, extra={_SOURCE: fields}, exc_info=fault)


def configure(settings: Settings) -> None:
    """Send what is logged to the standard error, in the form and from the level that the settings say."""
    handler = logging.StreamHandler(sys.stderr)
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())
    handler.setFormatter(_Text() if as_text else _Json())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries speak up when something is wrong; their lesser remarks may quote what they work on.
    root.setLevel(logging.WARNING)
    logger.setLevel(settings.log_level.upper())


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = dict(getattr(record, _SOURCE, {}))
    if record.exc_info and record.exc_info[1] is not None:
        fault = record.exc_info[1]
        fields["fault"] = type(fault).__qualname__
        fields["places"] = [
            f"{frame.filename.rsplit('/fhirhub/')[-1]}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(fault.__traceback__)
        ]
    return fields


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _event(record: logging.LogRecord) -> str:
    """Our own sentence, or the server's, which knows no patient; of another library's remark only that it was
    made, and where."""
    if record.name.split(".")[0] in ("fhirhub", "uvicorn"):
        return record.getMessage()
    return f"{record.name} remarked (line {record.lineno} of {record.module})"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "event": _event(record),
            "process": record.process,
            **_fields(record),
        }
        return msgspec.json.encode(line, enc_hook=str).decode()


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in _fields(record).items())
        return f"{_moment(record)} {record.levelname.lower():7} {_event(record)} {fields}".rstrip()
