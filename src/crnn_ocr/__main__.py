"""Runs `crnn-ocr` for `python -m crnn_ocr`."""

from crnn_ocr.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
