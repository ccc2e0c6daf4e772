"""The page as one file: its bytes, its library, and the strict policy that it is sent with."""

from __future__ import annotations

import hashlib
import http.client

from quantum_tasks.ui.page import FILE, content_security_policy
from tests.page.browser import Connection, new_tab
from tests.page.conftest import WATCH

#: `htm/preact/standalone.umd.js` of the npm package htm 3.1.1, as the page's comment says.
LIBRARY_SHA256 = "62c4ffea400078c0eda7f435b22726b4961ebdf74c8506f188e92bec41d8ac51"
BYTES_MAX = 64_000


def test_the_policy_is_a_header_and_lets_nothing_in_that_was_added(
    browser: Connection, url: str
) -> None:
    """Markup, handlers, styles and addresses that the page does not have are refused."""
    with new_tab(browser, WATCH) as tab:
        tab.open(url)
        for attempt, directive in (
            ("document.body.innerHTML = '<b>markup</b>'", "require-trusted-types-for"),
            ("document.body.setAttribute('onclick', 'owned = 1')", "require-trusted-types-for"),
            ("document.body.setAttribute('style', 'color: red')", "style-src-attr"),
            ("document.head.append(document.createElement('style'))", None),
            ("document.querySelector('style').textContent += ' '", "style-src-elem"),
            ("fetch('http://127.0.0.2:9/').catch(() => 0)", "connect-src"),
            ("open('about:blank'); new Image().src = '/picture'", "img-src"),
        ):
            tab.run(f"(() => {{ try {{ {attempt} }} catch (e) {{ }} }})()")
            if directive:
                tab.wait(f"refused.splice(0).some(text => text.startsWith('{directive}'))")
        assert tab.run("window.owned") is None


def test_the_page_as_it_is_sent(url: str) -> None:
    """One file below 64 kB under a strict policy, which names the hash of each script and style."""
    host = url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request("GET", "/")
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    policy = dict(
        part.split(" ", 1) for part in str(answer.headers["Content-Security-Policy"]).split("; ")
    )
    assert content == FILE.read_bytes()
    assert len(content) < BYTES_MAX
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert "unsafe" not in " ".join(policy.values())
    scripts = content.count(b"<script>")
    assert scripts == content.count(b"<script") == policy["script-src"].count("'sha256-")
    assert content.count(b"<style") == policy["style-src"].count("'sha256-") == 1
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert content_security_policy(content.replace(b"Quantum", b"quantum")) != (
        content_security_policy(content)
    )


def test_the_library_in_the_page_is_the_published_one() -> None:
    """Its bytes are those of the release that the page's comment names."""
    library = FILE.read_text().split("<script>")[1].split("</script>")[0]
    assert hashlib.sha256(f"{library}\n".encode()).hexdigest() == LIBRARY_SHA256


def test_the_page_makes_no_markup_of_data() -> None:
    """None of the ways in which a text becomes markup or code stands in the page's own script."""
    own = FILE.read_text().split("<script>")[2]
    for way in (
        *("innerHTML", "outerHTML", "insertAdjacent", "dangerously", "document.write", "eval("),
        *("new Function", "srcdoc", "javascript:"),
    ):
        assert way not in own
    assert "http://" not in own.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in own
