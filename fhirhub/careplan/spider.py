"""The web of six dimensions as an SVG that can be read without seeing it: a title, a description that tells every
value, and the same in a table below the drawing (https://www.w3.org/TR/SVG2/, https://www.w3.org/TR/WCAG21/).

Series are told apart by marker and dash, not by colour alone; a dimension without a score leaves a gap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Literal

from fhirhub.resources import dimensions
from fhirhub.resources.dimensions import SOURCES, Series

Language = Literal["nl", "en"]

_SIZE, _CENTRE, _RADIUS = 960, (480, 250), 170
_ROW = 26
_EACH = 2
"""Of each source the newest series and the one before are drawn; the table has them all."""
_COLOURS = {"self": "#00509e", "professional": "#8a3b00", "carer": "#5b2a86"}
"""Each at least 4.5 to 1 on white."""
_INK, _LINES = "#1a1a1a", "#767676"

_WORDS = {
    "nl": {
        "title": "Web van de zes dimensies",
        "self": "Zelf",
        "professional": "Zorgverlener",
        "carer": "Naaste",
        "none": "geen score",
        "empty": "Er zijn nog geen scores.",
        "table": "Tabel met alle scores",
        "who": "Van wie",
        "date": "Datum",
        "about": "Een hulp bij het gesprek, geen meting: er is geen totaal. Cijfers van 0 tot 10.",
    },
    "en": {
        "title": "Web of the six dimensions",
        "self": "Self",
        "professional": "Professional",
        "carer": "Carer",
        "none": "no score",
        "empty": "There are no scores yet.",
        "table": "Table of all scores",
        "who": "Whose",
        "date": "Date",
        "about": "An aid to conversation, not a measurement: there is no total. Marks from 0 to 10.",
    },
}


def draw(found: Sequence[Series], language: Language) -> str:
    """The drawing of these series, the newest first."""
    words = _WORDS[language]
    drawn = [(age, each) for age, each in _aged(found) if age < _EACH]
    height = 2 * _CENTRE[1] + 40 + _ROW * (len(found) + 3)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE} {height}" width="{_SIZE}" height="{height}" '
        f'lang="{language}" xml:lang="{language}" role="img" aria-labelledby="title" aria-describedby="desc" '
        'font-family="sans-serif" font-size="13">',
        f'<title id="title">{words["title"]}</title>',
        f'<desc id="desc">{escape(_described(found, language))}</desc>',
        f'<rect width="100%" height="100%" fill="#ffffff"/><g fill="{_INK}">',
        *_axes(language),
        *(part for age, each in reversed(drawn) for part in _web(each, language, earlier=age > 0)),
        *_table(found, 2 * _CENTRE[1] + 30, language),
        "</g></svg>",
    ]
    return "\n".join(parts) + "\n"


def _aged(found: Sequence[Series]) -> list[tuple[int, Series]]:
    """Each series with how many newer ones its source has."""
    seen = dict.fromkeys(SOURCES, 0)
    made = []
    for each in found:
        made.append((seen[each.source], each))
        seen[each.source] += 1
    return made


def _described(found: Sequence[Series], language: Language) -> str:
    words = _WORDS[language]
    told = [words["about"]]
    for each in found:
        values = ", ".join(f"{name} {_value(each, code, language)}" for code, name in _names(language))
        told.append(f"{words[each.source]}, {each.date[:10]}: {values}.")
    return " ".join(told if found else [*told, words["empty"]])


def _names(language: Language) -> list[tuple[str, str]]:
    return [(code, name[language]) for code, name in dimensions.names().items()]


def _value(series: Series, code: str, language: Language) -> str:
    value = series.points.get(code)
    if value is None:
        return _WORDS[language]["none"]
    return str(value).replace(".", "," if language == "nl" else ".")


def _place(number: int, value: float) -> tuple[float, float]:
    """Where a value stands on the axis of that number; the first axis points up."""
    angle = math.pi * (number / 3 - 0.5)
    distance = _RADIUS * value / dimensions.MOST
    return round(_CENTRE[0] + distance * math.cos(angle), 1), round(
        _CENTRE[1] + distance * math.sin(angle), 1
    )


def _points(value: float) -> str:
    return " ".join(f"{x},{y}" for x, y in (_place(number, value) for number in range(6)))


def _axes(language: Language) -> list[str]:
    parts = [
        f'<polygon points="{_points(value)}" fill="none" stroke="{_LINES}" stroke-width="0.7"/>'
        for value in (2, 4, 6, 8, 10)
    ]
    for number, (_, name) in enumerate(_names(language)):
        (x, y), (at_x, at_y) = _place(number, 10), _place(number, 11.4)
        anchor = "middle" if number in (0, 3) else "start" if number < 3 else "end"
        parts.append(
            f'<line x1="{_CENTRE[0]}" y1="{_CENTRE[1]}" x2="{x}" y2="{y}" stroke="{_LINES}" stroke-width="0.7"/>'
        )
        parts.append(f'<text x="{at_x}" y="{at_y + 4}" text-anchor="{anchor}">{escape(name)}</text>')
    for value in (0, 5, 10):
        x, y = _place(0, value)
        parts.append(f'<text x="{x + 4}" y="{y + 4}" font-size="11">{value}</text>')
    return parts


def _web(series: Series, language: Language, *, earlier: bool) -> list[str]:
    """One series: lines between neighbours that both have a score, and a marker with its value at each score."""
    colour = _COLOURS[series.source]
    dash = ' stroke-dasharray="2 5"' if earlier else ""
    places = {
        number: _place(number, float(series.points[code]))
        for number, code in enumerate(dimensions.names())
        if code in series.points
    }
    label = f"{_WORDS[language][series.source]} {series.date[:10]}"
    parts = [f'<g data-series="{escape(label)}">']
    for number, (x, y) in places.items():
        beside = places.get((number + 1) % 6)
        if beside is not None:
            parts.append(
                f'<line x1="{x}" y1="{y}" x2="{beside[0]}" y2="{beside[1]}" stroke="{colour}" '
                f'stroke-width="{1.5 if earlier else 2.5}"{dash}/>'
            )
    parts += [_marker(series.source, x, y, colour, filled=not earlier) for x, y in places.values()]
    return [*parts, "</g>"]


def _marker(source: str, x: float, y: float, colour: str, *, filled: bool) -> str:
    style = f'fill="{colour if filled else "#ffffff"}" stroke="{colour}" stroke-width="2"'
    if source == "self":
        return f'<circle cx="{x}" cy="{y}" r="5" {style}/>'
    if source == "professional":
        return f'<rect x="{x - 4.5}" y="{y - 4.5}" width="9" height="9" {style}/>'
    return f'<polygon points="{x},{y - 6} {x + 6},{y + 5} {x - 6},{y + 5}" {style}/>'


def _table(found: Sequence[Series], top: int, language: Language) -> list[str]:
    words = _WORDS[language]
    parts = [
        f'<text x="20" y="{top}" font-size="11">{words["about"]}</text>',
        f'<g role="table" aria-label="{escape(words["table"])}" font-size="11">',
        '<g role="row" font-weight="bold">',
    ]
    heads = [words["who"], words["date"], *(name for _, name in _names(language))]
    parts += [_cell(head, place, top + _ROW, "columnheader") for place, head in enumerate(heads)]
    parts.append("</g>")
    for number, (age, each) in enumerate(_aged(found)):
        at = top + _ROW * (number + 2)
        cells = [
            words[each.source],
            each.date[:10],
            *(_value(each, code, language) for code in dimensions.names()),
        ]
        parts.append('<g role="row">')
        if age < _EACH:
            parts.append(_marker(each.source, 20, at - 4, _COLOURS[each.source], filled=age == 0))
        parts += [_cell(cell, place, at, "cell") for place, cell in enumerate(cells)]
        parts.append("</g>")
    if not found:
        parts.append(f'<text x="30" y="{top + 2 * _ROW}">{words["empty"]}</text>')
    return [*parts, "</g>"]


_COLUMNS = (30, 130, 215, 335, 475, 580, 715, 800)


def _cell(text: str, place: int, y: int, role: str) -> str:
    return f'<text role="{role}" x="{_COLUMNS[place]}" y="{y}">{escape(text)}</text>'
