"""Which requests of browsers are carried out, whatever page they come from."""

from __future__ import annotations

from itertools import product

import pytest

from dicomorph.http.browsers import BrowserRules
from dicomorph.http.reading.requests import Request
from dicomorph.model.errors import BadFileFormatError, ForeignOriginError, MisdirectedRequestError
from dicomorph.model.settings import parse_settings

SITE = "https://viewer.example.org"
RULES = BrowserRules(frozenset(("pacs.example.org",)), frozenset((SITE,)))
ANYWHERE = BrowserRules()


def request(method: str = "GET", path: str = "/studies", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request({"httpMethod": method, "path": path, "headers": {"Host": "localhost:8042"} | named})


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8042",
        "localhost.:8042",
        "127.0.0.1:8042",
        "192.168.1.7",
        "[::1]:8042",
        "[fe80::1]",
        "pacs.example.org",
        "PACS.example.org:443",
        "pacs.example.org.",
        "",
    ],
)
def test_names_of_the_server_are_its_own(host: str) -> None:
    RULES.check(request(Host=host))


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8042",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "x.pacs.example.org",
        "localhost@evil.example",
        "localhost:8042:8042",
        "[::1].evil.example",
        "[evil.example]",
        "1.2.3",
        "0x7f000001",
        "localhost, evil.example",
        " ",
        ".",
    ],
)
def test_a_name_that_leads_here_is_not_enough(host: str) -> None:
    with pytest.raises(MisdirectedRequestError):
        RULES.check(request(Host=host))
    ANYWHERE.check(request(Host=host))  # the gateway has looked at it


ORIGINS = {
    "http://localhost:8042": True,
    "https://localhost:8042": True,  # behind a proxy that ends TLS
    "http://LOCALHOST:8042": True,
    SITE: True,
    "http://localhost": False,
    "http://localhost:3000": False,
    "http://127.0.0.1:8042": False,
    "http://evil.example": False,
    f"{SITE}.evil.example": False,
    f"{SITE}:8443": False,
    "http://viewer.example.org": False,
    "null": False,
    "file://": False,
    "localhost:8042": False,
    f"{SITE}, http://evil.example": False,
}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(("origin", "is_allowed"), ORIGINS.items())
def test_an_origin_is_the_servers_own_or_allowed(method: str, origin: str, *, is_allowed: bool) -> None:
    asked = request(method, Origin=origin)
    if is_allowed:
        RULES.check(asked)
    else:
        with pytest.raises(ForeignOriginError):
            RULES.check(asked)


@pytest.mark.parametrize(
    ("origin", "host"), [("https://a.example", "a.example"), ("http://a.example", "a.example:80")]
)
def test_ports_that_go_without_saying_are_the_same(origin: str, host: str) -> None:
    ANYWHERE.check(request("POST", Host=host, Origin=origin))


SITES = ("none", "same-origin", "same-site", "cross-site")
MODES = ("navigate", "no-cors", "cors", "websocket")
DESTINATIONS = ("document", "iframe", "image", "script", "empty")


@pytest.mark.parametrize("path", ["/", "/studies", "/instances/x/file"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("site", SITES)
def test_of_other_sites_only_links_to_pages_are_followed(path: str, method: str, site: str) -> None:
    for mode, destination in product(MODES, DESTINATIONS):
        asked = request(method, path, Sec_Fetch_Site=site, Sec_Fetch_Mode=mode, Sec_Fetch_Dest=destination)
        is_visit = (method, path, mode, destination) == ("GET", "/", "navigate", "document")
        if site in ("none", "same-origin") or is_visit:
            RULES.check(asked)
        else:
            with pytest.raises(ForeignOriginError):
                RULES.check(asked)


def test_pages_of_an_allowed_site_may_do_all() -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        RULES.check(request(method, Origin=SITE, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="cors"))
    # Without its name, such as for an image, nobody knows which site it is.
    with pytest.raises(ForeignOriginError):
        RULES.check(request(Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors"))


@pytest.mark.parametrize(
    ("headers", "method"),
    [
        ({}, "DELETE"),
        ({"User-Agent": "curl/7.88.1"}, "DELETE"),
        ({"User-Agent": "python-requests/2.32"}, "DELETE"),
        ({"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "same-origin"}, "GET"),
        ({"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}, "GET"),
    ],
)
def test_no_address_of_an_image_is_a_deletion(headers: dict[str, str], method: str) -> None:
    event = {"httpMethod": "GET", "path": "/studies/x", "headers": headers}
    assert Request({**event, "queryStringParameters": {"_method": "DELETE"}}).method == method


@pytest.mark.parametrize("origin", ["", SITE, "http://localhost:8042"])
def test_browsers_are_told_what_an_answer_is_for(origin: str) -> None:
    asked = request(Origin=origin) if origin else request()
    told = RULES.headers(asked, is_page=False)
    assert told["X-Content-Type-Options"] == "nosniff"
    assert told["Cache-Control"] == "no-store"
    assert told["Cross-Origin-Resource-Policy"] == "same-origin"
    assert told["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert told.get("Access-Control-Allow-Origin") == (SITE if origin == SITE else None)
    assert told["Vary"] == "Origin"
    assert RULES.headers(asked, is_page=True)["Content-Security-Policy"].startswith("default-src 'self';")


def test_settings_name_hosts_and_origins() -> None:
    settings = parse_settings({"AllowedHosts": ["PACS.example.org."], "AllowedOrigins": [SITE]})
    assert (settings.allowed_hosts, settings.allowed_origins) == (
        frozenset({"pacs.example.org"}),
        frozenset({SITE}),
    )


@pytest.mark.parametrize(
    "document",
    [
        {"AllowedHosts": ["http://pacs.example.org"]},
        {"AllowedHosts": ["*"]},
        {"AllowedHosts": ["pacs:8042"]},
        {"AllowedHosts": [7]},
        {"AllowedHosts": 7},
        {"AllowedOrigins": ["*"]},
        {"AllowedOrigins": ["null"]},
        {"AllowedOrigins": ["https://viewer.example.org/"]},
        {"AllowedOrigins": ["viewer.example.org"]},
        {"AllowedOrigins": [None]},
    ],
)
def test_settings_that_would_not_do_what_they_say_are_refused(document: dict[str, object]) -> None:
    with pytest.raises(BadFileFormatError, match="Setting Allowed"):
        parse_settings(document)
