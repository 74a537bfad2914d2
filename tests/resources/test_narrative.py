"""Narratives: well-formed, plain and inert (https://hl7.org/fhir/R4/narrative.html#xhtml)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirhub.resources.validation.narrative import check

OPEN = '<div xmlns="http://www.w3.org/1999/xhtml">'


def div(inner: str) -> str:
    return f"{OPEN}{inner}</div>"


@pytest.mark.parametrize(
    "inner",
    [
        "text",
        "Größe — 5 µg 😀",
        "<p>text</p>",
        "\n  <p>a<br/>b</p>\n",
        "a &amp; b &lt; c &#160;",
        '<table class="grid" border="1"><tr><td colspan="2" style="color: red">x</td></tr></table>',
        '<a href="https://example.org">x</a><a name="here">y</a><a href="#here">z</a>',
        '<a href="Patient/1">x</a><a href="mailto:a@example.org">y</a><a href="tel:+31">z</a>',
        '<img src="data:image/png;base64,AAAA" alt="x"/>',
        '<img src="#image"/>',
        '<p xml:lang="nl" lang="nl" dir="ltr" id="p1" title="x">x</p>',
        "<!-- a remark -->x",
        "<ul><li>a</li></ul><ol><li>b</li></ol><dl><dt>c</dt><dd>d</dd></dl>",
        "<h1>a</h1><pre>b</pre><blockquote>c</blockquote><sup>d</sup><hr/>",
    ],
)
def test_plain_formatting_is_right(inner: str) -> None:
    assert check(div(inner)) == []


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        ("<script>alert(1)</script>", "element script"),
        ("<SCRIPT>alert(1)</SCRIPT>", "element SCRIPT"),
        ("<p><iframe src='http://example.org'/>x</p>", "element iframe"),
        ("<object>x</object>", "element object"),
        ("<form>x</form>", "element form"),
        ("<input/>x", "element input"),
        ("<style>p {}</style>x", "element style"),
        ("<link rel='stylesheet' href='x.css'/>x", "element link"),
        ("<head/>x", "element head"),
        ("<svg xmlns='http://www.w3.org/2000/svg'/>x", "XHTML namespace"),
        ("<math xmlns='http://www.w3.org/1998/Math/MathML'/>x", "XHTML namespace"),
        ("<ins>x</ins>", "element ins"),
        ("<p onclick='x()'>x</p>", "attribute onclick on p"),
        ("<p ONLOAD='x()'>x</p>", "attribute ONLOAD on p"),
        ("<img src='x.png' onerror='x()'/>", "attribute onerror on img"),
        (
            "<a xmlns:x='http://www.w3.org/1999/xlink' x:href='http://example.org'>x</a>",
            "attribute href on a",
        ),
        ("<a href='javascript:alert(1)'>x</a>", "may not link"),
        ("<a href=' JaVa&#10;Script:alert(1)'>x</a>", "may not link"),
        ("<a href='&#1;javascript:alert(1)'>x</a>", "well-formed"),
        ("<a href='vbscript:x'>x</a>", "may not link"),
        ("<a href='data:text/html,x'>x</a>", "may not link"),
        ("<img src='data:image/svg+xml,x'/>", "may not link"),
        ("<img src='javascript:x'/>", "may not link"),
        ("<blockquote cite='javascript:x'>x</blockquote>", "may not link"),
        ("<p style='background: url(javascript:x)'>x</p>", "active style"),
        ("<p style='width: expression(x)'>x</p>", "active style"),
        ("<p style='behavior: url(x)'>x</p>", "active style"),
        ("<p style='@import url(x)'>x</p>", "active style"),
        ("<p style='width: e\\78 pression(x)'>x</p>", "active style"),
        ("<?php x ?>x", "processing instructions"),
    ],
)
def test_active_content_is_refused(inner: str, text: str) -> None:
    (fault,) = check(div(inner))
    assert text in fault.text


@pytest.mark.parametrize(
    ("whole", "text"),
    [
        ("text", "begins with <div"),
        ("", "begins with <div"),
        ("<p>x</p>", "begins with <div"),
        ("<divx>x</divx>", "begins with <div"),
        ("<div>x</div>", "XHTML namespace"),
        (f"{OPEN}<p>x</div>", "well-formed"),
        (f"{OPEN}x", "well-formed"),
        (f"{OPEN}x</div><div/>", "well-formed"),
        (f"{OPEN}x & y</div>", "well-formed"),
        (f"{OPEN}a\0b</div>", "well-formed"),
        (f"{OPEN}a\x07b</div>", "well-formed"),
        (f"{OPEN}a\uffffb</div>", "well-formed"),
        (f"{OPEN}&nbsp;</div>", "&#160;"),
        (f"{OPEN}&lol;</div>", "well-formed"),
        (f'<?xml version="1.0"?>{OPEN}x</div>', "begins with <div"),
        (f'<!DOCTYPE div [<!ENTITY a "b">]>{OPEN}&a;</div>', "begins with <div"),
        (f"{OPEN}<!DOCTYPE x></div>", "DOCTYPE"),
        (f"{OPEN}" + "<p>" * 300 + "x" + "</p>" * 300 + "</div>", "well-formed"),
    ],
)
def test_what_is_no_well_formed_div_is_refused(whole: str, text: str) -> None:
    (fault,) = check(whole)
    assert text in fault.text


@pytest.mark.parametrize("inner", ["", " \n\t", "<p> </p>", "<br/>", "<!-- x -->"])
def test_a_narrative_has_content(inner: str) -> None:
    (fault,) = check(div(inner))
    assert fault.key == "txt-2"


def test_all_faults_are_told_once_each() -> None:
    faults = check(div("<p onclick='x'>a</p><p onclick='y'>b</p><script/><a href='javascript:x'>c</a>"))
    assert [fault.key for fault in faults] == ["txt-1"] * 3


@settings(deadline=None)
@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    assert isinstance(check(text), list)
    assert isinstance(check(div(text)), list)


pieces = st.sampled_from(
    [
        *(
            "<p>",
            "</p>",
            "<p/>",
            "<b>",
            "</b>",
            "<b >",
            "<i>",
            "</i>",
            "<h1>",
            "</h1>",
            "<br/>",
            "<br />",
            "<br>",
        ),
        *(
            "a",
            " ",
            "\n",
            "\u00a0",
            "\x01",
            "\ufffe",
            "]]>",
            "&amp;",
            "&nbsp;",
            "&#160;",
            "&",
            "<",
            ">",
            "<!-- x -->",
        ),
    ]
)


@settings(deadline=None)
@given(st.lists(pieces, max_size=12).map("".join))
def test_the_quick_look_agrees_with_the_parser(text: str) -> None:
    # A comment at the end sends the same content the long way.
    assert bool(check(div(text))) == bool(check(div(f"{text}<!-- -->")))


def test_long_text_takes_no_long_time_to_fail() -> None:
    assert check(div("a " * 500_000 + "<script/>"))
    assert check(div(" " * 1_000_000))
