import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from autograd_cnn import files
from autograd_cnn.files import DRAFTS, replacing

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes, links and pipes as POSIX has them")


def _write(path, content=b"new"):
    with replacing(path) as file:
        file.write(content)


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("before", [None, "old"])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_all_as_it_was(tmp_path, before, error):
    path = tmp_path / "a.txt"
    if before:
        path.write_text(before)

    def interrupted():
        with replacing(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        interrupted()
    assert [found.read_text() for found in tmp_path.iterdir()] == ([before] if before else [])


def test_an_error_while_renaming_leaves_all_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(draft, target):
        raise PermissionError(13, "in use", str(draft))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(PermissionError) as error:
        _write(path)
    assert str(error.value) == f"[Errno 13] in use: '{path}'"
    assert [found.read_text() for found in tmp_path.iterdir()] == ["old"]


def test_an_error_of_the_block_about_another_file_is_its_own(tmp_path):
    with pytest.raises(FileNotFoundError) as error, replacing(tmp_path / "a.txt"):
        (tmp_path / "b.txt").read_bytes()
    assert error.value.filename == str(tmp_path / "b.txt")
    assert not list(tmp_path.iterdir())


def test_the_longest_name_and_a_name_in_any_script(tmp_path):
    for name in ("n" * 255, "été-模型", "with space", "-o"):
        _write(tmp_path / name)
        assert (tmp_path / name).read_bytes() == b"new"


def test_a_name_within_the_folder_at_hand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _write("a.txt")
    assert os.listdir() == ["a.txt"]  # noqa: PTH208  # as a reader would look


# --- what can't be written --------------------------------------------------------------------


def _fails(path, kind):
    with pytest.raises(kind) as error:
        _write(path)
    assert error.value.filename == str(path)
    assert error.value.filename2 is None
    assert "draft" not in str(error.value)


def test_no_folder(tmp_path):
    _fails(tmp_path / "none" / "a.txt", FileNotFoundError)
    assert not list(tmp_path.iterdir())


def test_a_folder_in_its_place(tmp_path):
    (tmp_path / "a.txt").mkdir()
    _fails(tmp_path / "a.txt", IsADirectoryError)
    _fails(tmp_path, IsADirectoryError)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_in_place_of_its_folder(tmp_path):
    (tmp_path / "file").write_text("old")
    _fails(tmp_path / "file" / "a.txt", NotADirectoryError if os.name == "posix" else FileNotFoundError)
    assert (tmp_path / "file").read_text() == "old"


@POSIX
def test_a_name_that_is_too_long_or_leads_in_circles(tmp_path):
    _fails(tmp_path / ("n" * 256), OSError)
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    _fails(tmp_path / "a", OSError)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


AS_NOBODY = """
import os, sys
from autograd_cnn.files import replacing
if os.getuid() == 0:  # whom no mode stops
    os.setgid(65534)
    os.setuid(65534)
try:
    with replacing(sys.argv[1]) as file:
        file.write(b"new")
except PermissionError as error:
    print(error.filename)
"""


@pytest.mark.slow
@POSIX
def test_a_file_that_is_read_only_stays_as_it_is():
    with tempfile.TemporaryDirectory() as folder:  # not in pytest's, which are root's alone
        path = Path(folder).resolve() / "a.txt"
        path.write_text("old")
        path.chmod(0o444)
        path.parent.chmod(0o777)
        assert _output(AS_NOBODY, path) == f"{path}\n"
        assert [found.read_text() for found in path.parent.iterdir()] == ["old"]


FULL = """
import os, resource, sys
from autograd_cnn.files import replacing
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with replacing(sys.argv[1]) as file:
        file.write(b"n" * int(sys.argv[2]))
except OSError as error:
    print(error.filename, os.listdir())
"""


@pytest.mark.slow
@POSIX
@pytest.mark.parametrize("size", [1001, 100_000])  # which fail when the file is closed, and when written
def test_a_full_disk_leaves_the_file_that_was_there(tmp_path, size):
    path = tmp_path / "a.txt"
    path.write_text("old")
    assert _output(FULL, path, size) == f"{path} ['a.txt']\n"
    assert path.read_text() == "old"


def _output(code, path, *arguments):
    command = [sys.executable, "-c", code, str(path), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=path.parent).stdout


# --- modes, links and pipes -------------------------------------------------------------------


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o777, 0o666])
def test_a_file_keeps_its_mode(tmp_path, mode):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(mode)
    with replacing(path) as file:
        file.write(b"new")
        [draft] = tmp_path.glob(DRAFTS)
        assert stat.S_IMODE(draft.stat().st_mode) == mode  # before the first byte is written
    assert stat.S_IMODE(path.stat().st_mode) == mode


@POSIX
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0, 0o666)])
def test_a_new_file_has_the_mode_that_new_files_have(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        _write(tmp_path / "a.txt")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == mode


@POSIX
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives files away")
def test_a_file_keeps_its_owner(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    os.chown(path, 65534, 65533)
    path.chmod(0o640)
    _write(path)
    after = path.stat()
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (65534, 65533, 0o640)


@POSIX
@pytest.mark.parametrize("target", ["other/real.txt", "other/new.txt"])
def test_a_link_stays_a_link(tmp_path, target):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "real.txt").write_text("old")
    link = tmp_path / "a.txt"
    link.symlink_to(target)
    again = tmp_path / "b.txt"
    again.symlink_to(link)
    _write(again)
    assert link.is_symlink()
    assert again.is_symlink()
    assert (tmp_path / target).read_text() == "new"
    assert not list(tmp_path.rglob(DRAFTS))


@POSIX
def test_pipes_and_devices_are_written_to(tmp_path):
    _write("/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)  # noqa: PTH116  # the mode is asked for
    pipe = tmp_path / "a.txt"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    _write(pipe)
    reader.join()
    assert got == [b"new"]
    assert list(tmp_path.iterdir()) == [pipe]


# --- several at a time ------------------------------------------------------------------------


def test_of_several_writers_one_wins_whole(tmp_path):
    path = tmp_path / "a.txt"
    contents = [bytes([65 + i]) * 50_000 for i in range(4)]

    def write(content):
        for _ in range(10):
            with replacing(path) as file:
                for start in range(0, len(content), 10_000):
                    file.write(content[start : start + 10_000])
            assert path.read_bytes() in contents

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_what_a_killed_process_leaves_goes_with_the_next_file(tmp_path):
    code = (
        "import os, sys\nfrom autograd_cnn.files import replacing\n"
        "with replacing(sys.argv[1]) as file:\n    file.write(b'half')\n    file.flush()\n    os._exit(1)"
    )
    path = tmp_path / "a.txt"
    subprocess.run([sys.executable, "-c", code, path], check=False)
    [left] = tmp_path.iterdir()
    assert left.match(DRAFTS)
    with replacing(tmp_path / "b.txt") as file:  # whose draft is in use, and no orphan
        _write(path)
        file.write(b"new")
    left = {found.name: found.read_bytes() for found in tmp_path.iterdir() if os.name == "posix" or found != left}
    assert left == {"a.txt": b"new", "b.txt": b"new"}


@pytest.mark.slow
def test_of_many_processes_none_takes_a_draft_for_an_orphan(tmp_path):
    code = (
        "import sys\nfrom autograd_cnn.files import replacing\n"
        "for i in range(150):\n    with replacing(sys.argv[1]) as file:\n        file.write(b'x' * 1000)"
    )
    command = [sys.executable, "-c", code]
    processes = [subprocess.Popen([*command, tmp_path / f"{i}.txt"]) for i in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.txt", "1.txt", "2.txt"]


def test_an_interrupt_while_a_draft_is_made_leaves_none(tmp_path, monkeypatch):
    def interrupted(file):
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "lock", interrupted)
    with pytest.raises(KeyboardInterrupt), files.replacing(tmp_path / "notes.txt"):
        pass
    assert not list(tmp_path.iterdir())
