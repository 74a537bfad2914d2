"""Printing: a Composition as a page for people, in HTML or PDF; both hold what its sections say, and no more."""

from __future__ import annotations

import re
from html import escape, unescape
from importlib import resources

from fhirhub.resources import spoken
from fhirhub.resources.careplan import Json
from fhirhub.resources.spoken import Language

HTML, PDF = "text/html", "application/pdf"
_STYLE = """\
body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.15rem;border-top:1px solid #bbb;padding-top:.8rem}li{margin:.25rem 0}
@media print{body{margin:0}h2{break-after:avoid}li{break-inside:avoid}}"""


def as_html(made: Json) -> bytes:
    """The page, whole: nothing is fetched for it and nothing in it runs."""
    language = made.get("language", "nl")
    parts = [
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">',
        f"<title>{escape(made['title'])}</title>",
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style>',
        "</head><body><main>",
        f"<h1>{escape(made['title'])}</h1><p>{escape(_beneath(made))}</p>",
    ]
    for section in made["section"]:
        parts.append(f"<section><h2>{escape(section['title'])}</h2>{section['text']['div']}</section>")
    return "".join([*parts, "</main></body></html>"]).encode()


def as_pdf(made: Json) -> bytes:
    """The same on A4 pages, with numbers, a title and its language for who listens to it."""
    from fpdf import FPDF  # loaded when somebody prints

    class Paper(FPDF):
        def footer(self) -> None:
            self.set_y(-15)
            self.set_font("Roboto", size=8)
            self.cell(0, 10, f"{made['title']}  -  {self.page_no()}/{{nb}}", align="C")

    pdf = Paper(format="A4")
    fonts = resources.files("font_roboto").joinpath("files")
    pdf.add_font("Roboto", "", str(fonts.joinpath("Roboto-Regular.ttf")))
    pdf.add_font("Roboto", "B", str(fonts.joinpath("Roboto-Bold.ttf")))
    pdf.set_lang(made.get("language", "nl"))
    pdf.set_title(made["title"])
    pdf.set_creator("fhirhub")
    pdf.set_auto_page_break(True, margin=18)
    pdf.set_margins(20, 18)
    pdf.add_page()
    pdf.set_font("Roboto", "B", 18)
    pdf.multi_cell(0, 9, made["title"], new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Roboto", "", 10)
    pdf.multi_cell(0, 6, _beneath(made), new_x="LMARGIN", new_y="NEXT")
    for section in made["section"]:
        pdf.ln(3)
        pdf.start_section(section["title"])
        pdf.set_font("Roboto", "B", 12)
        pdf.multi_cell(0, 7, section["title"], new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("Roboto", "", 10)
        for text in lines(section["text"]["div"]):
            pdf.multi_cell(0, 5.5, text, new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


def lines(div: str) -> list[str]:
    """What a narrative says, item by item."""
    items = re.findall(r"<(li|p)>(.*?)</\1>", div, re.DOTALL)
    return [("• " if tag == "li" else "") + unescape(re.sub(r"<[^>]*>", "", text)) for tag, text in items]


def _beneath(made: Json) -> str:
    """The line beneath the title: when it was made, and by whom."""
    author = next((one.get("display") for one in made["author"] if one.get("display")), "")
    language: Language = "en" if made.get("language") == "en" else "nl"
    return " - ".join(filter(None, (spoken.moment(made["date"], language), author)))
