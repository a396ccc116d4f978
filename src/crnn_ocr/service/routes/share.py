"""`POST /share`: the page with files that another app of the phone has shared with it (Web Share Target).

The service stores nothing, so the files travel on: they come back inside the page, which takes them out and
has them read as if they had been chosen. A service worker could keep them in the browser, but the page's
policy lets no script be started from an address (Trusted Types), and that is worth more.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from pathlib import Path

from flask import Blueprint, Flask, Response, current_app, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from crnn_ocr.service.middleware.same_origin import Site
from crnn_ocr.service.requests.parsing import form_fields

_END = b"</body>"


def install(app: Flask, site: Site) -> None:
    """Add the route.

    Args:
        app: The application.
        site: Tells the browser's own requests from those of other sites.
    """
    routes = Blueprint("share", __name__)
    page = cache(lambda: (Path(current_app.static_folder or "") / "index.html").read_bytes())

    @routes.post("/share")
    def share() -> AnyResponse:
        if site.is_foreign(request.headers):
            return redirect("/", 303)  # no site may put pictures into somebody's page
        pictures, _ = form_fields(request)
        head, end, tail = page().rpartition(_END)
        shared = b"".join(b"<span>" + b64encode(picture) + b"</span>" for picture in pictures)
        return Response(
            head + b'<div id="shared" hidden>' + shared + b"</div>" + end + tail, mimetype="text/html"
        )

    app.register_blueprint(routes)
