from __future__ import annotations

import json
import logging

import pytest

from crnn_ocr.logging import (
    TraceIds,
    configure_logging,
    current_request_id,
    current_trace,
    describe_exception,
)

LOGGER = logging.getLogger("crnn_ocr.tests")


def failing() -> Exception:
    try:
        raise KeyError("合计5999")
    except KeyError as error:
        return error


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    token = current_request_id.set("r-1")
    LOGGER.info("request", extra={"fields": {"status": 200, "path": "/图\n"}})
    LOGGER.debug("not shown")
    LOGGER.error("failed", exc_info=failing())
    current_request_id.reset(token)
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert first.pop("time").endswith("Z")
    assert first == {
        "request_id": "r-1",
        "status": 200,
        "path": "/图\n",
        "level": "info",
        "logger": "crnn_ocr.tests",
        "message": "request",
    }
    assert second["exception"].startswith("KeyError < ")
    assert "failing" in second["exception"]
    assert "合计" not in second["exception"]


def test_text_lines_stay_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("debug", "text")
    LOGGER.debug("two\nlines", extra={"fields": {"a": 1, "b": "x y", "c": "l\nm", "d": ""}})
    LOGGER.error("failed", exc_info=failing())
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith(r'DEBUG crnn_ocr.tests two\nlines a=1 b="x y" c="l\nm" d=""')
    assert 'exception="KeyError(' in second


def test_configuring_twice_logs_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "text")
    configure_logging("error", "text")
    LOGGER.warning("not shown")
    LOGGER.error("shown")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_libraries_are_heard_from_warnings_on(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("debug", "text")
    logging.getLogger("PIL.PngImagePlugin").debug("chunk of a picture")
    logging.getLogger("PIL.PngImagePlugin").warning("odd")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_message_cannot_be_overwritten_by_a_field(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    LOGGER.info("real", extra={"fields": {"message": "forged", "level": "forged"}})
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "real"


def test_an_exception_names_its_cause() -> None:
    try:
        try:
            raise ValueError("secret")
        except ValueError as inner:
            raise RuntimeError("outer") from inner
    except RuntimeError as error:
        quiet, loud = describe_exception(error), describe_exception(error, messages=True)
    assert "RuntimeError" in quiet
    assert "from ValueError" in quiet
    assert "secret" not in quiet
    assert "secret" in loud


def test_lines_name_the_trace_that_they_belong_to(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    token = current_trace.set(TraceIds("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"))
    LOGGER.info("inside")
    current_trace.reset(token)
    LOGGER.info("outside")
    inside, outside = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (inside["trace_id"], inside["span_id"]) == ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    assert not {"trace_id", "span_id"} & outside.keys()
