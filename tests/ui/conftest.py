from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app
from tests.ui.scenes import Stage, invoice

CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

Opener = Callable[..., Page]

#: What the page itself writes when a tab is chosen; what has been chosen since stays.
REMEMBER_TAB = """localStorage.getItem("crnn-ocr.prefs") ??
    localStorage.setItem("crnn-ocr.prefs", JSON.stringify({ view: "TAB", code: "curl" }))"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is not installed: run scripts/install-test-tools")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def shared_stage() -> Iterator[Stage]:
    # Without a cache, which would give one test what the reader answered another one.
    with serving(FakeReader(invoice), Settings(cache_bytes=0)) as stage:
        yield stage


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    """The page in front of a reader that answers at once, with the same invoice until told otherwise."""
    shared_stage.reset()
    return shared_stage


@pytest.fixture
def open_page(browser: Browser, stage: Stage) -> Iterator[Opener]:
    """Opens the page in a fresh context; fails the test on errors in the console or foreign requests."""
    complaints: list[str] = []
    with ExitStack() as stack:

        def opener(url: str = "", *, tab: str = "proofread", **context_options: Any) -> Page:
            """Open the page as it is for who has chosen this tab of a result before; "" for a first visit."""
            address = url or stage.url
            context = browser.new_context(**{"locale": "en-GB", "accept_downloads": True, **context_options})
            stack.callback(context.close)
            context.set_default_timeout(20_000)
            context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
            if tab:
                context.add_init_script(REMEMBER_TAB.replace("TAB", tab))
            page = context.new_page()
            page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
            page.on("console", lambda message: _listen(message.type, message.text, complaints))
            page.on("request", lambda request: _watch(request.url, address, complaints))
            # Choosers are intercepted from the start: a key opens one sooner than a late listener is set up.
            page.on("filechooser", lambda _: None)
            go(page, address)
            page.locator("html[data-ready]").wait_for(state="attached")
            return page

        yield opener
    assert complaints == []


def go(page: Page, address: str, tries: int = 3) -> None:
    """Open the page; Chromium drops its connections when the machine gets a network, be it a container's."""
    try:
        page.goto(address)
    except Error as error:
        if "ERR_NETWORK_CHANGED" not in error.message or tries == 1:
            raise
        go(page, address, tries - 1)


def _listen(kind: str, text: str, complaints: list[str]) -> None:
    # The browser itself reports every answer that is no success; the page is expected to handle those.
    if kind in ("error", "warning") and not text.startswith("Failed to load resource"):
        complaints.append(f"console: {text}")


def _watch(url: str, own: str, complaints: list[str]) -> None:
    if not url.startswith((own, "blob:")):
        complaints.append(f"request to {url}")


class _Silent(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: object) -> None: ...


@contextmanager
def serving(reader: FakeReader, settings: Settings | None = None) -> Iterator[Stage]:
    """The page in front of a fake engine, inside this process."""
    app = create_app(reader, settings or Settings(), warm_up=False)
    http_server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=http_server.serve_forever)
    thread.start()
    try:
        yield Stage(f"http://127.0.0.1:{http_server.server_port}", reader)
    finally:
        http_server.shutdown()
        thread.join()
        http_server.server_close()
