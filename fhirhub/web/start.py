"""The start page: what this is and where things are."""

from __future__ import annotations

from html import escape

from fhirhub import __version__
from fhirhub.settings import Settings

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'sha256-{digest}'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)

STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto;
padding: 0 1rem; color: #1b1f24 }
h1 { line-height: 1.2 } code { background: #f2f4f6; padding: 0 .25rem } a { color: #0b5394 }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .6rem .3rem 0;
vertical-align: top; border-bottom: 1px solid #d8dde2 } .warning { border-left: .3rem solid #b3261e;
padding: .3rem 1rem; background: #fdf1f0 }
.wide { max-width: 64rem } .wide p, .wide li { max-width: 44rem } pre { overflow-x: auto }
.step { display: inline-block; width: 1rem } th:has(.step) { white-space: nowrap } :target { scroll-margin-top: 1rem }
"""

_OPEN = """<p class="warning" role="alert"><strong>Everybody who reaches this address can read and change
everything.</strong> The hub runs without sign-in (<code>--auth none</code>) beyond this machine.</p>"""
_LOCAL = """<p class="warning">The hub runs without sign-in (<code>--auth none</code>), for development, and
listens on this machine only.</p>"""


def page(settings: Settings, base: str) -> str:
    """The page as HTML; `base` is the public address without a slash at the end."""
    places: tuple[tuple[str, str], ...] = (
        ("/fhir", "the FHIR R4 API (a FHIR client wants this address)"),
        ("/fhir/metadata", "what it can do: the CapabilityStatement"),
        ("/guide", "the guide: profiles, codes, questionnaires and operations, for people"),
        ("/docs", "the other addresses, for those who run the hub"),
        ("/healthz", "whether the process lives"),
        ("/readyz", "whether it can answer"),
        ("/metrics", "its figures, for Prometheus"),
    )
    if settings.auth == "smart":
        places = (
            *places[:1],
            ("/fhir/.well-known/smart-configuration", "how an app signs people in (SMART App Launch)"),
            ("/auth/granted", "sign in, and see or withdraw what you let apps do"),
            *places[1:],
        )
    else:
        # With sign-in these are for apps with a token; a browser would be told 401.
        of_patients = (("/fhir/Patient", "the patients"), ("/fhir/CarePlan", "their care plans"))
        places = (*places[:2], *of_patients, *places[2:])
    rows = "".join(
        f'<tr><th scope="row"><a href="{escape(path)}">{escape(path)}</a></th><td>{escape(text)}</td></tr>'
        for path, text in places
    )
    warning = _OPEN if settings.is_open else _LOCAL if settings.auth == "none" else ""
    return document(
        "fhirhub",
        f"""<h1>fhirhub</h1>
<p>A hub for shared care plans in primary care. It keeps the plans, goals, tasks and measurements that a
patient and several care organisations work on together, and speaks HL7 FHIR R4.</p>
{warning}
<h2>Where things are</h2>
<table>{rows}</table>
<h2>A first question</h2>
<p><code>curl "{escape(base)}/fhir/metadata?_pretty=true"</code></p>
<p>Version {escape(__version__)}</p>""",
    )


def document(title: str, content: str, language: str = "en", wide: bool = False) -> str:
    """A whole HTML page around some content."""
    body = '<body class="wide">' if wide else "<body>"
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head>{body}<main>{content}</main></body></html>"
    )
