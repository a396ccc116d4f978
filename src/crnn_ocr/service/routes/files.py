"""Answers with documents as files, and the parameters that name their formats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from flask import Request, Response

from crnn_ocr.document import Document
from crnn_ocr.errors import InvalidOptionError
from crnn_ocr.export import FORMATS, WriteOptions
from crnn_ocr.export.files import OutputFile, output_files, single_file, zip_of
from crnn_ocr.imaging.opened import OpenedDocument, open_document
from crnn_ocr.imaging.page_pictures import PagePictures
from crnn_ocr.imaging.page_source import Wanted
from crnn_ocr.options import ReadOptions
from crnn_ocr.scheduling.budget import Budget
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.service.api.openapi_components import Json, ref
from crnn_ocr.service.api.schemas import DocumentBody
from crnn_ocr.service.ocr.engine_protocol import Reader
from crnn_ocr.service.ocr.ocr_service import Admission
from crnn_ocr.settings import Settings

#: Name of the query parameter for the format of an answer.
FORMAT = "format"
#: Name of files in an archive and of a file that a browser saves, before the suffix.
_NAME = "document"
#: What browsers accept whatever they ask for: it says nothing about the format that is wanted.
_SAYS_NOTHING = ("text/html", "image/webp")


class FileAnswers:
    """Writes documents as files for answers, one document at a time: a written file takes much memory."""

    def __init__(self, reader: Reader, settings: Settings, admit: Admission) -> None:
        """Prepare.

        Args:
            reader: Has the room that pictures share.
            settings: The limits of pictures that are drawn once more.
            admit: Admits that drawing, or refuses it, as for readings.
        """
        self._reader = reader
        self._settings = settings
        self._admit = admit
        self._one_at_a_time = Budget(1)

    def answer(
        self,
        document: Document,
        names: Sequence[str],
        ticket: Ticket,
        *,
        original: bytes | None = None,
        options: ReadOptions | None = None,
        chars: bool = False,
        attached: bool = False,
    ) -> Response:
        """Return an answer with the document in these formats: one file, or an archive of several.

        Args:
            document: The document.
            names: Names of the formats.
            ticket: The ticket of the request.
            original: The input that was read; None if a client sent the document back.
            options: How it was read; its pages and its password count.
            chars: Whether to write single characters.
            attached: Whether a browser should save the answer instead of showing it.

        Raises:
            InvalidOptionError: A format needs the input, which is not known.
        """
        for name in names:
            if original is None and FORMATS[name].needs_original:
                raise InvalidOptionError(
                    f"The format {name!r} needs the picture or document itself.",
                    hint=f"Send it to POST /convert?to={name}.",
                )
        with self._one_at_a_time.take(1, ticket):
            if original is None:
                file = _written(document, names, WriteOptions(chars=chars))
            else:
                options = options or ReadOptions()
                open_again = partial(
                    open_document,
                    original,
                    self._settings.limits,
                    pdf_dpi=self._settings.pdf_dpi,
                    ticket=ticket,
                    wanted=Wanted(options.page_ranges, options.ocr, options.password),
                )
                admit = partial(self._room, ticket)
                with PagePictures(open_again, admit=admit) as picture:
                    how = WriteOptions(
                        chars=chars,
                        original=lambda: original,
                        picture=picture,
                        password=options.password,
                    )
                    file = _written(document, names, how)
        response = Response(file.content, content_type=file.media_type)
        if attached:
            response.headers.set("Content-Disposition", "attachment", filename=_NAME + file.suffix)
        return response

    @contextmanager
    def _room(self, ticket: Ticket, document: OpenedDocument) -> Iterator[None]:
        memory = max((extent.memory for extent in document.extents), default=0)
        with self._admit(document, ticket), self._reader.hold(memory, ticket):
            yield


def _written(document: Document, names: Sequence[str], how: WriteOptions) -> OutputFile:
    """Return one file with a document in these formats: an archive if there are several."""
    if len(names) == 1:
        return single_file(document, FORMATS[names[0]], how)
    files = [file for name in names for file in output_files(document, FORMATS[name], how)]
    archive = zip_of([(_NAME + file.suffix, file.content) for file in files])
    return OutputFile(".zip", "application/zip", archive)


def wanted_formats(request: Request, parameter: str) -> list[str]:
    """Return the names of the formats that a query parameter lists, separated by commas; none without it.

    Raises:
        InvalidOptionError: There is no such format, or the parameter is given twice.
    """
    given = request.args.getlist(parameter)
    names = list(dict.fromkeys(name.strip() for name in given[0].split(","))) if given else []
    if len(given) > 1 or any(name not in FORMATS for name in names):
        raise InvalidOptionError(
            f"{parameter!r} names formats, separated by commas, once.",
            hint=f"There are: {', '.join(FORMATS)}.",
        )
    return names


def accepted_format(request: Request) -> str | None:
    """Return the name of the format that the header `Accept` asks for; None if it is the JSON of this API."""
    by_type = {writer.media_type.partition(";")[0]: name for name, writer in reversed(FORMATS.items())}
    for accepted, quality in request.accept_mimetypes:
        media_type = accepted.partition(";")[0].strip().lower()
        if not quality or media_type in _SAYS_NOTHING:
            continue
        if media_type == "application/json" or media_type.endswith("+json") or "*" in media_type:
            return None
        if media_type in by_type:
            return by_type[media_type]
    return None


def format_parameter(name: str = FORMAT, *, required: bool, several: bool = True) -> Json:
    """Return the description of the parameter that names formats."""
    names: Json = {"type": "string", "enum": list(FORMATS)}
    described: Json = {
        "name": name,
        "in": "query",
        "required": required,
        "description": "The form of the answer: a file of this format"
        + (", or a ZIP archive of the files of several formats" if several else "")
        + ("." if required else ", instead of the JSON of this API."),
        "schema": names,
    }
    if several:
        described |= {"schema": {"type": "array", "items": names}, "style": "form", "explode": False}
    return described


def file_content(*, archive: bool = True) -> Json:
    """Return the media types of answers in all formats."""
    content: Json = {writer.media_type.partition(";")[0]: {"schema": {}} for writer in FORMATS.values()}
    if archive:
        content["application/zip"] = {"schema": {}}
    content["application/json"] = {"schema": ref(DocumentBody)}
    return content


def with_files(answers: Json) -> Json:
    """Return the responses of an operation that answers with a file if a format is requested."""
    files = file_content()
    content = answers["200"]["content"]
    own = content["application/json"]
    own["schema"] = {"anyOf": [own["schema"], files.pop("application/json")["schema"]]}
    content.update(files)
    return answers
