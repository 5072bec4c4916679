"""What every page stands in: signing in by form, the language, what a browser may fetch, faults as pages."""

from __future__ import annotations

import httpx
import pytest
from serving import PASSWORD, Served
from test_http_factors import code_of, enrolled

from api.demo import doors
from api.http.office import COOKIE
from api.site.frame import own_path

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
PAGE = {"Accept": "text/html"}


@pytest.fixture(autouse=True)
def patience(served: Served) -> None:
    """Each test begins with buckets that are full."""
    served.forget_paces()


def sent(served: Served, path: str, headers: dict[str, str] | None = None, **fields: str) -> httpx.Response:
    return served.client().post(path, data=fields, headers={**FORM, **(headers or {})})


def test_a_page_may_fetch_from_nowhere_else(served: Served) -> None:
    answer = served.client().get("/", headers=PAGE)
    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "script-src 'self';" in served.client().get("/flows", headers=PAGE).headers["content-security-policy"]
    assert "<script>" not in answer.text


def test_staff_sign_in_by_form_and_go_on_to_where_they_were_going(served: Served) -> None:
    served.signed_in("admin", name="frame")
    away = served.client().get("/v1/session", headers=PAGE)
    assert away.status_code == 401, "what programs ask for is answered as programs read it"
    answer = sent(served, "/sign-in", name="frame", password=PASSWORD, next="/flows?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/flows?x=1")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=strict"} <= {part.strip() for part in cookie.split(";")}
    page = served.client().get("/", headers={**PAGE, "Cookie": cookie.partition(";")[0]})
    assert "frame" in page.text
    assert "X-CSRF-Token" in page.text
    assert [_desk(served, role) for role in ("finance", "programme", "auditor")] == ["/finance", "/programme", "/audit"]


def _desk(served: Served, role: str) -> str:
    """Where the form leads who has that role."""
    served.signed_in(role, name=f"desk-{role}")
    return _desk_of(served, f"desk-{role}", PASSWORD)


def _desk_of(served: Served, name: str, password: str) -> str:
    return str(sent(served, "/sign-in", name=name, password=password).headers["location"])


def test_a_second_factor_is_asked_for_once_the_password_is_right(served: Served) -> None:
    secret, _ = enrolled(served, "factor")
    first = sent(served, "/sign-in", name="factor", password=PASSWORD)
    assert (first.status_code, 'name="second"' in first.text) == (401, True)
    assert 'name="second"' not in sent(served, "/sign-in", name="factor", password="x" * 12).text
    code = code_of(served, secret, 1)
    done = sent(served, "/sign-in", name="factor", password=PASSWORD, second=code)
    assert (done.status_code, done.headers["location"]) == (303, "/finance")


def test_the_demos_doors_stand_in_the_demo_alone(served: Served) -> None:
    assert doors.PASSWORD not in served.client().get("/sign-in", headers=PAGE).text
    doors.open_doors(served.office.accounts)
    doors.open_doors(served.office.accounts)
    assert _desk_of(served, doors.name_of("finance"), doors.PASSWORD) == "/finance"


def test_a_wrong_password_is_told_on_the_page_and_signs_nobody_in(served: Served) -> None:
    answer = sent(served, "/sign-in", name="nobody", password="wrong wrong wrong")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "Not signed in" in answer.text


def test_a_form_from_another_site_is_not_read(served: Served) -> None:
    served.signed_in("admin", name="frame")
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}, {"Origin": "null"}):
        assert sent(served, "/sign-in", headers, name="frame", password=PASSWORD).status_code == 403, headers
    assert sent(served, "/sign-in", {"Content-Type": "text/plain"}, name="frame").status_code == 400


def test_signing_out_needs_what_only_our_page_knows(served: Served) -> None:
    served.signed_in("admin", name="leaver")
    cookie = sent(served, "/sign-in", name="leaver", password=PASSWORD).headers["set-cookie"].partition(";")[0]
    assert served.client().delete("/v1/session", headers={**PAGE, "Cookie": cookie}).status_code == 403
    token = served.client().get("/v1/session", headers={"Cookie": cookie}).json()["csrf"]
    gone = served.client().delete("/v1/session", headers={"Cookie": cookie, "X-CSRF-Token": token})
    assert (gone.status_code, gone.headers["hx-redirect"]) == (204, "/")
    assert served.client().get("/v1/session", headers={"Cookie": cookie}).status_code == 401


def test_a_letters_link_signs_in_once_a_button_is_pressed(served: Served) -> None:
    link = served.office.links.make("D-1", 1, served.fenhao.journal.entries.clock())
    shown = served.client().get("/enter", params={"link": link}, headers=PAGE)
    assert shown.status_code == 200
    assert "set-cookie" not in shown.headers
    assert sent(served, "/enter", link=link).headers["location"] == "/my"
    assert sent(served, "/enter", link=link[:-2]).status_code == 401


def test_a_code_is_sent_and_who_is_not_known_is_told_the_same(served: Served) -> None:
    answer = sent(served, "/sign-in/code", contact="nobody@example.org")
    assert answer.status_code == 200
    assert "a code is on its way" in answer.text
    assert sent(served, "/sign-in/code", contact="nobody@example.org", code="123456").status_code == 401
    again = sent(served, "/sign-in/code", contact="nobody@example.org", code="123456", again="1")
    assert (again.status_code, "fenhao_code=" in again.headers["set-cookie"]) == (200, True)


def test_the_language_that_was_chosen_holds_over_the_browsers(served: Served) -> None:
    answer = sent(served, "/language", language="zh", next="/flows")
    assert answer.headers["location"] == "/flows"
    cookie = answer.headers["set-cookie"].partition(";")[0]
    assert "善款" in served.client().get("/", headers={**PAGE, "Cookie": cookie, "Accept-Language": "en"}).text
    assert "set-cookie" not in sent(served, "/language", language="xx").headers


@pytest.mark.parametrize(
    "path", ["//elsewhere.example", "https://elsewhere.example/", "/\\elsewhere", "javascript:x", ""]
)
def test_nobody_is_led_off_the_site(path: str) -> None:
    assert own_path(path) == "/"


def test_faults_are_pages_for_people_and_problems_for_programs(served: Served) -> None:
    page = served.client().get("/nowhere", headers=PAGE)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    problem = served.client().get("/nowhere")
    assert problem.headers["content-type"] == "application/problem+json"
    part = served.client().get("/nowhere", headers={**PAGE, "HX-Request": "true"})
    assert "<html" not in part.text


def test_a_static_file_is_kept_for_good_under_its_editions_address(served: Served) -> None:
    page = served.client().get("/", headers=PAGE).text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    answer = served.client().get(address)
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"
    tag = answer.headers["etag"]
    assert served.client().get(address, headers={"If-None-Match": tag}).status_code == 304
    assert served.client().get("/static/pages.py").status_code == 404
