"""What endpoints were found to refuse: kept in a file without their URLs, forgotten after days."""

from __future__ import annotations

from pathlib import Path

from loaders.rpc.caps import FILE_NAME, CapsFile, EndpointCaps

URL = "https://node.example/v2/s3cretkey0123456789"
DAY = 86_400.0


class Calendar:
    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


def test_the_smaller_limit_stands() -> None:
    caps = EndpointCaps()
    caps.learn(max_blocks=2000, max_logs=10_000)
    caps.learn(max_blocks=500, max_logs=20_000, lacks_method="eth_getBlockReceipts")
    caps.learn(max_batch_calls=0)
    assert (caps.max_blocks, caps.max_logs, caps.max_batch_calls) == (500, 10_000, 1)
    assert caps.lacks_methods == {"eth_getBlockReceipts"}


def test_another_run_knows_what_one_run_learnt(tmp_path: Path) -> None:
    path = tmp_path / "new" / FILE_NAME
    first, other = CapsFile(path), CapsFile(path)
    first.of(URL).learn(max_blocks=10, lacks_method="eth_getBlockReceipts")
    other.of("https://other.example").learn(max_batch_calls=3)
    first.of(URL).learn(max_response_bytes=150_000_000)
    again = CapsFile(path)
    assert (again.of(URL).max_blocks, again.of(URL).max_response_bytes) == (10, 150_000_000)
    assert again.of(URL).lacks_methods == {"eth_getBlockReceipts"}
    assert again.of("https://other.example").max_batch_calls == 3
    assert again.of("https://third.example").as_json() == {}
    assert "s3cretkey" not in path.read_text(encoding="utf-8")
    assert "example" not in path.read_text(encoding="utf-8")


def test_what_is_not_learnt_again_is_forgotten(tmp_path: Path) -> None:
    path, calendar = tmp_path / FILE_NAME, Calendar()
    CapsFile(path, now=calendar).of(URL).learn(max_blocks=10)
    calendar.seconds += 5 * DAY
    CapsFile(path, now=calendar).of(URL).learn(max_logs=1000)
    calendar.seconds += 3 * DAY
    later = CapsFile(path, now=calendar).of(URL)
    assert (later.max_blocks, later.max_logs) == (None, 1000)


def test_a_command_that_runs_for_weeks_forgets_as_well() -> None:
    calendar = Calendar()
    caps = EndpointCaps(now=calendar)
    caps.learn(max_blocks=10, lacks_method="eth_getBlockReceipts")
    calendar.seconds += 8 * DAY
    assert (caps.max_blocks, caps.lacks_methods) == (None, frozenset())
    caps.learn(max_blocks=1000)
    assert caps.max_blocks == 1000


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    CapsFile(path).of(URL).learn(max_blocks=10)
    good = path.read_text(encoding="utf-8")
    for damaged in ("", "[]", good[:40], good.replace('"value": 10', '"value": "10"'), good.replace("at", "to")):
        path.write_text(damaged, encoding="utf-8")
        assert CapsFile(path).of(URL).max_blocks is None
    CapsFile(path).of(URL).learn(max_blocks=7)
    assert CapsFile(path).of(URL).max_blocks == 7


def test_a_folder_that_cannot_be_written_does_not_end_a_load(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    caps = CapsFile(tmp_path / "file" / FILE_NAME).of(URL)
    caps.learn(max_blocks=10)
    assert caps.max_blocks == 10
