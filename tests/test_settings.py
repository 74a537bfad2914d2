"""The settings: read from options and variables, refused with what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhirhub import settings
from fhirhub.settings import SettingsError


def test_defaults_serve_on_loopback_from_a_file_of_the_working_directory() -> None:
    chosen = settings.read({})
    assert chosen.is_loopback
    assert not chosen.is_open
    assert chosen.database == f"sqlite://{Path.cwd()}/var/fhirhub.db"


def test_option_wins_over_variable() -> None:
    assert settings.read({"FHIRHUB_PORT": "1"}, port=2).port == 2
    assert settings.read({"FHIRHUB_PORT": "1"}, port=None).port == 1


def test_empty_variable_is_as_none() -> None:
    assert settings.read({"FHIRHUB_PORT": " "}).port == 8000


def test_every_kind_of_value_is_read() -> None:
    chosen = settings.read(
        {
            "FHIRHUB_DATABASE": "postgres://hub@db:5432/hub",
            "FHIRHUB_REFERENTIAL_INTEGRITY": "off",
            "FHIRHUB_ALLOW_OPEN": "yes",
            "FHIRHUB_TRUSTED_PROXIES": "10.0.0.0/8, ::1",
            "FHIRHUB_CORS_ORIGINS": "https://app.example.nl,http://localhost:3000",
            "FHIRHUB_SECRET_FILE": "/run/secrets/hub",
            "FHIRHUB_CONDITIONAL_DELETE": "multiple",
            "FHIRHUB_BASE_URL": "https://hub.example.nl/fhir/",
            "FHIRHUB_VALIDATION_REFUSES": "example-urls, html-in-strings",
            "FHIRHUB_EXTENSION_DOMAINS": "https://a.example.nl/,https://b.example.nl/",
        }
    )
    assert chosen.validation_refuses == ("example-urls", "html-in-strings")
    assert chosen.extension_domains == ("https://a.example.nl/", "https://b.example.nl/")
    assert chosen.database == "postgresql://hub@db:5432/hub"
    assert chosen.referential_integrity is False
    assert chosen.allow_open is True
    assert [str(network) for network in chosen.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert chosen.cors_origins == ("https://app.example.nl", "http://localhost:3000")
    assert chosen.secret_file == Path("/run/secrets/hub")
    assert chosen.conditional_delete == "multiple"
    assert chosen.public_url == "https://hub.example.nl"


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("FHIRHUB_PORT", "eighty", "a whole number"),
        ("FHIRHUB_PORT", "70000", "at most 65535"),
        ("FHIRHUB_WORKERS", "0", "at least 1"),
        ("FHIRHUB_AUTH", "maybe", "one of none, smart"),
        ("FHIRHUB_ALLOW_OPEN", "perhaps", "yes or no"),
        ("FHIRHUB_DATABASE", "sqlite://relative.db", "sqlite:///absolute/path.db"),
        ("FHIRHUB_DATABASE", "mysql://host/db", "postgresql://user@host:port/name"),
        ("FHIRHUB_DATABASE", "postgresql://hub@host", "postgresql://user@host:port/name"),
        ("FHIRHUB_READ_DATABASE", "postgresql://hub@replica/hub", "SQLite has none"),
        ("FHIRHUB_TRUSTED_PROXIES", "everyone", "10.0.0.0/8"),
        ("FHIRHUB_CORS_ORIGINS", "app.example.nl", "https://app.example.nl"),
        ("FHIRHUB_BASE_URL", "hub.example.nl", "https://hub.example.nl"),
        ("FHIRHUB_PAGE_COUNT_DEFAULT", "5000", "FHIRHUB_PAGE_COUNT_MAX"),
        ("FHIRHUB_VALIDATION_REFUSES", "html", "html-in-strings"),
        ("FHIRHUB_LOG_LEVEL", "loud", "debug, info, warning, error"),
    ],
)
def test_wrong_value_is_refused_with_what_would_be_right(variable: str, value: str, expected: str) -> None:
    with pytest.raises(SettingsError, match=expected):
        settings.read({variable: value})


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        settings.read({"FHIRHUB_PORT": "x", "FHIRHUB_AUTH": "y"}, host="127.0.0.1", workers="z")
    assert len(str(refused.value).splitlines()) == 3


def test_open_access_is_refused_beyond_loopback_unless_allowed() -> None:
    outside = settings.read({}, auth="none", host="0.0.0.0")
    with pytest.raises(SettingsError, match="FHIRHUB_ALLOW_OPEN"):
        settings.refuse_to_serve(outside)
    settings.refuse_to_serve(settings.read({"FHIRHUB_ALLOW_OPEN": "yes"}, auth="none", host="0.0.0.0"))
    for loopback in ("127.0.0.1", "::1", "localhost", "127.9.9.9"):
        settings.refuse_to_serve(settings.read({}, auth="none", host=loopback))


def test_name_that_may_be_any_address_is_not_loopback() -> None:
    assert not settings.read({}, host="hub.example.nl").is_loopback


def test_sign_in_for_others_than_this_machine_expects_a_public_https_address() -> None:
    settings.refuse_to_serve(settings.read({}, auth="smart"))
    for base in (None, "http://hub.example.nl"):
        with pytest.raises(SettingsError, match="https"):
            settings.refuse_to_serve(settings.read({}, auth="smart", host="0.0.0.0", base_url=base))
    chosen = settings.read({}, auth="smart", host="0.0.0.0", base_url="https://hub.example.nl")
    settings.refuse_to_serve(chosen)
    assert chosen.needs_second_factor


@pytest.mark.parametrize(
    ("given", "needed"),
    [
        ({}, False),
        ({"base_url": "http://localhost:8000"}, False),
        ({"base_url": "https://hub.example.nl"}, True),
        ({"host": "0.0.0.0"}, True),
        ({"trusted_proxies": "10.0.0.1"}, True),
        ({"trusted_proxies": "10.0.0.1", "base_url": "http://localhost:8000"}, False),
    ],
)
def test_a_password_suffices_on_this_machine_alone(given: dict[str, str], needed: bool) -> None:
    assert settings.read({}, **given).needs_second_factor is needed


def test_time_of_a_query_is_more_than_none() -> None:
    with pytest.raises(settings.SettingsError, match="at least 1"):
        settings.read({"FHIRHUB_STATEMENT_TIMEOUT_MS": "0"})


def test_misspelt_variable_is_named_with_the_nearest() -> None:
    assert settings.unknown_variables({"FHIRHUB_DATABSE": "x", "PATH": "y"}) == [
        "FHIRHUB_DATABSE is not a setting; did you mean FHIRHUB_DATABASE?"
    ]


def test_sqlite_path_is_absolute_with_three_slashes_or_four() -> None:
    for url in ("sqlite:///srv/hub.db", "sqlite:////srv/hub.db"):
        assert settings.read({}, database=url).sqlite_path == Path("/srv/hub.db")


def test_password_is_not_shown() -> None:
    chosen = settings.read({}, database="postgresql://hub:secret@db:5432/hub")
    assert chosen.database_shown == "postgresql://hub@db:5432/hub"


def test_settings_document_is_made_from_the_settings() -> None:
    document = Path(__file__).parent.parent / "docs" / "settings.md"
    assert document.read_text() == settings.as_markdown(), "run `make docs`"


def test_every_setting_has_a_text_and_can_be_read_from_its_default() -> None:
    defaults = settings.Settings()
    for setting in settings.described():
        assert setting.text.endswith("."), setting.name
        if setting.default:
            read = settings.read({setting.variable: setting.default})
            assert getattr(read, setting.name) == getattr(defaults, setting.name)
