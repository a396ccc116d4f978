"""Implements `crnn-ocr jobs submit | list | watch | get | cancel`: documents that a service reads."""

from crnn_ocr.cli.jobs.commands import add_parser

__all__ = ["add_parser"]
