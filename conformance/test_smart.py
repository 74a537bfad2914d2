"""What fhirclient, the SMART project's Python client, does where people sign in: standalone launch, refresh
(https://github.com/smart-on-fhir/client-py)."""

from __future__ import annotations

from urllib.parse import urlencode

import httpx
import pytest
from fhirclient import client
from fhirclient.models import careplan, patient
from fhirclient.server import FHIRUnauthorizedException

from conformance.conftest import SigningIn
from tests.auth.browser import Page

REDIRECT = "http://127.0.0.1:3000/"


def connected(hub: SigningIn, scope: str) -> client.FHIRClient:
    return client.FHIRClient(
        settings={
            "app_id": "demo-app",
            "api_base": hub.base,
            "redirect_uri": REDIRECT,
            "scope": scope,
        }
    )


def consented(address: str, username: str, password: str) -> str:
    """Where a person who signs in and allows everything is sent by that address."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with httpx.Client() as browser:
        page = Page(browser.get(address))
        while not page.where:
            if page.shows("sign-in"):
                chosen = page.form("sign-in")
                told = [*chosen.fields[:1], ("username", username), ("password", password)]
            elif page.shows("patient"):
                chosen = next(one for one in page.forms if one.boxes)
                told = [*chosen.fields, chosen.boxes[0]]
            else:
                chosen = page.form("consent")
                told = [*chosen.fields, *chosen.boxes, ("decision", "allow")]
            page = Page(browser.post(chosen.action, content=urlencode(told), headers=form))
    return page.where


@pytest.mark.parametrize("username", ["patient", "huisarts"])
def test_standalone_launch_and_refresh(signing_in: SigningIn, username: str) -> None:
    smart = connected(signing_in, "openid fhirUser launch/patient offline_access patient/*.rs")
    assert smart.prepare() is False
    smart.handle_callback(consented(smart.authorize_url, username, signing_in.password))
    assert smart.ready
    assert smart.patient_id
    assert smart.patient.birthDate
    plans = careplan.CarePlan.where({"subject": smart.patient_id}).perform_resources_iter(smart.server)
    assert all(plan.subject.reference == f"Patient/{smart.patient_id}" for plan in plans)
    before = smart.server.auth.access_token
    assert smart.reauthorize()
    assert smart.server.auth.access_token != before
    assert patient.Patient.read(smart.patient_id, smart.server).id == smart.patient_id


def test_without_signing_in_nothing_is_read(signing_in: SigningIn) -> None:
    smart = connected(signing_in, "patient/*.rs")
    with pytest.raises(FHIRUnauthorizedException):
        patient.Patient.read("patient-1", smart.server)
