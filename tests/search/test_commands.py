"""evaluate_search and explain_search: what they print, which files they take, and that they leave nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from catalog.search import evaluation, index
from tests.factories import ProductFactory

DATA = Path(__file__).resolve().parents[1] / "data"


def scratch_databases() -> list[str]:
    with evaluation._server() as server:
        rows = server.execute("SELECT datname FROM pg_database").fetchall()
    return [name for (name,) in rows if name.startswith("okryu_evaluate_") and name.endswith(f"_{os.getpid()}")]


@pytest.mark.django_db
def test_explaining(capsys: pytest.CaptureFixture[str]) -> None:
    ProductFactory()
    index.follow_all()
    call_command("explain_search", "냉면")
    told = capsys.readouterr().out
    assert "평양랭면 (tier A" in told and "the other spelling" in told


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["", "!!!", "ㅍㅇ", "noodles", "똬퉤쀼"])
def test_explaining_anything(capsys: pytest.CaptureFixture[str], query: str) -> None:
    call_command("explain_search", query)
    assert "ranked" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_evaluating_leaves_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    catalogue = tmp_path / "catalogue.tsv"
    catalogue.write_bytes(
        "\ufeffid\tname_ko\tname_en\tcategory_ko\tcategory_en\r\n"
        "1\t랭장고 200리터\tRefrigerator\t가전\tAppliances\r\n\r\n"
        "2\t세탁기\tWasher\t가전\tAppliances\r\n".encode()
    )
    cases = tmp_path / "cases.tsv"
    cases.write_text("kind\tquery\tmust_find\n\nns\t냉장고\t랭장고 200리터\ntypo\t없는말씀\t세탁기\n")
    negative = tmp_path / "negative.tsv"
    negative.write_text("query\tmust_not\twhy\n세탁기\t랭장고 200리터\tmust not be listed\n")
    before = connection.settings_dict["NAME"]
    with pytest.raises(SystemExit) as ended:
        call_command("evaluate_search", catalogue=catalogue, cases=cases, negative=negative, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1
    assert told["recall_at_10"] == 0.5 and told["kinds"]["ns"]["recall_at_1"] == 1
    assert [missed["query"] for missed in told["misses"]] == ["없는말씀"] and told["negative"]["broken"] == []
    assert connection.settings_dict["NAME"] == before and scratch_databases() == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the file is empty"),
        ("query\tkind\n국수\texact\n", "names no column must_find"),
        ("query\tmust_find\tkind\n국수\t\texact\n", "line 2 has no must_find"),
    ],
)
def test_files_that_are_wrong(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "cases.tsv").write_text(text)
    with pytest.raises(CommandError, match=complaint):
        call_command("evaluate_search", catalogue=DATA / "search_catalogue.tsv", cases=tmp_path / "cases.tsv")


def test_files_in_another_encoding_or_absent(tmp_path: Path) -> None:
    (tmp_path / "cases.tsv").write_bytes("query\tmust_find\n국수\t국수\n".encode("cp949"))
    with pytest.raises(CommandError, match="not UTF-8"):
        call_command("evaluate_search", catalogue=DATA / "search_catalogue.tsv", cases=tmp_path / "cases.tsv")
    with pytest.raises(CommandError, match="No such file"):
        call_command("evaluate_search", catalogue=tmp_path / "none.tsv", cases=tmp_path / "cases.tsv")


@pytest.mark.long
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_stopped_half_way_it_leaves_nothing_behind(process_env: dict[str, str], stop: signal.Signals) -> None:
    command = [sys.executable, "manage.py", "evaluate_search"]
    command += ["--catalogue", str(DATA / "search_catalogue.tsv"), "--cases", str(DATA / "search_held_out.tsv")]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # started in the background, a run ignores it
    child = subprocess.Popen(command, cwd=settings.BASE_DIR, env=process_env, stderr=subprocess.PIPE)

    def left() -> list[str]:
        with evaluation._server() as server:
            rows = server.execute("SELECT datname FROM pg_database").fetchall()
        return [name for (name,) in rows if name.startswith("okryu_evaluate_") and name.endswith(f"_{child.pid}")]

    while not left() and child.poll() is None:
        time.sleep(0.05)
    time.sleep(0.1)
    child.send_signal(stop)
    assert child.wait(timeout=60) != 0
    assert left() == []
