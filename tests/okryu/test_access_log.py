"""The access log: one line a request, and nothing that was typed into a form."""

import os
import runpy
from datetime import timedelta
from types import SimpleNamespace
from unittest import mock

from gunicorn.config import Config

from tests.databases import ROOT

with mock.patch.dict(os.environ):  # it names a pool, which would reach every process that a test starts
    SETTINGS = runpy.run_path(str(ROOT / "okryu/gunicorn.conf.py"))


def line(raw_uri: str) -> str:
    logger = SETTINGS["OneLineLogger"](Config())
    environ = {"REQUEST_METHOD": "GET", "RAW_URI": raw_uri, "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "10.0.0.7"}
    answer = SimpleNamespace(status="200 OK", headers=[], sent=12)
    atoms = logger.atoms(answer, SimpleNamespace(headers=[]), environ, timedelta(milliseconds=7))
    return str(SETTINGS["access_log_format"] % logger.atoms_wrapper_class(atoms))


def test_a_request_is_told_without_what_was_typed() -> None:
    told = line("/search/?q=94081912345678008&pin=4831")
    assert "10.0.0.7 GET /search/ 200 12 bytes 7 ms" in told
    assert "9408" not in told
    assert "4831" not in told


def test_a_request_is_one_line() -> None:
    assert "\n" not in line("/a\nforged line")
    assert "\x1b" not in line("/\x1b[31m")
    assert line("/\ud800").isprintable()
