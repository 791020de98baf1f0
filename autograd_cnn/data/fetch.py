"""Downloads of files: complete and verified, or not at all."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from autograd_cnn.engine.composite import composite
from autograd_cnn.errors import ArgumentError, FormatError, sentence
from autograd_cnn.files import AnyPath, as_path, lock

PIECE: Final = 1 << 18
TIMEOUT: Final = 30
"""Seconds without a byte before giving up."""
UNSATISFIABLE: Final = 416
"""The HTTP status if the server has no more bytes than are already here."""


@composite
def fetch(url: str, path: AnyPath, *, sha256: str) -> Path:
    """Download a file, unless it exists, and verify its checksum.

    A partial download is kept as ``path`` with ``.part`` appended, and the next call continues it. The file gets its
    name once it is complete and its checksum is verified. In a terminal, standard error shows the progress.

    Parameters
    ----------
    url : str
        Its address, with ``https://`` or ``http://``.
    path : path
        Where to write it; folders are created.
    sha256 : str
        Its checksum: 64 hexadecimal digits.

    Returns
    -------
    Path
        ``path``

    Raises
    ------
    ArgumentError
        If the URL or the checksum is invalid.
    ConnectionError
        If it can't be downloaded completely; the message says what to do without a network.
    FormatError
        If the downloaded or existing file has another checksum.
    OSError
        If it can't be written.
    """
    path = as_path("fetch", path)
    if not str(url).startswith(("https://", "http://")):
        raise ArgumentError("fetch", "url is not understood", expected="https://...", got=repr(url))
    if not re.fullmatch("[0-9a-f]{64}", str(sha256)):
        raise ArgumentError("fetch", "sha256 is not a checksum", expected="64 hexadecimal digits", got=repr(sha256))
    if path.is_file():
        with path.open("rb") as file:
            _verify(file, sha256, path, "move it away to fetch it")
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("ab+") as file:
        if not lock(file):
            raise ConnectionError(sentence(f"{path} is being fetched by another process", hint="wait for it"))
        _receive(url, file, path)
        try:
            _verify(file, sha256, path, "call again to fetch it again")
        except FormatError:
            file.truncate(0)
            raise
    part.replace(path)
    return path


def _receive(url: str, file: IO[bytes], path: Path) -> None:
    """Append the server's bytes after those already here, or all of them if it can't resume."""
    import http.client  # noqa: PLC0415  # slow to load, and rarely needed
    import urllib.error  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    here = file.seek(0, 2)
    request = urllib.request.Request(url, headers={"Range": f"bytes={here}-"} if here else {})  # noqa: S310  # checked
    with _saying(url, path):
        try:
            response = urllib.request.urlopen(request, timeout=TIMEOUT)  # noqa: S310  # checked
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == UNSATISFIABLE and here:  # it may be complete; the checksum tells
                return
            raise
    with response:
        if response.status != http.client.PARTIAL_CONTENT:
            here = file.truncate(0)
        length = response.headers.get("Content-Length")
        total = here + int(length) if length is not None else None
        with _progress(path.name, here, total) as advance:
            while piece := _piece(response, url, path):
                file.write(piece)
                here += len(piece)
                advance(len(piece))
        with _saying(url, path):
            if total is not None and here < total:
                raise http.client.IncompleteRead(b"", total - here)


def _piece(response: Any, url: str, path: Path) -> bytes:
    with _saying(url, path):
        return response.read(PIECE)


@contextmanager
def _saying(url: str, path: Path) -> Iterator[None]:
    """Turn network errors into one that says what to do."""
    from http.client import HTTPException, IncompleteRead  # noqa: PLC0415

    try:
        yield
    except (OSError, HTTPException) as error:
        if isinstance(error, IncompleteRead):
            reason = f"the connection ended {error.expected:,} bytes too early"
        else:
            reason = str(getattr(error, "reason", None) or error) or type(error).__name__
        hint = f"call again to go on, or get it elsewhere and put it at {path}"
        raise ConnectionError(sentence("fetch", f"{url} could not be downloaded: {reason}", hint=hint)) from error


def _verify(file: IO[bytes], sha256: str, path: Path, hint: str) -> None:
    import hashlib  # noqa: PLC0415

    file.seek(0)
    found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # any binary file will do
    if found != sha256:
        raise FormatError(str(path), "another file than expected", expected=f"sha256 {sha256}", got=found, hint=hint)


@contextmanager
def _progress(name: str, here: int, total: int | None) -> Iterator[Any]:
    """Show a progress bar in a terminal, and yield the function that advances it."""
    from rich import progress  # noqa: PLC0415  # loaded when first used
    from rich.console import Console  # noqa: PLC0415

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (progress.TextColumn(name, markup=False), progress.BarColumn(), progress.DownloadColumn(),
               progress.TransferSpeedColumn(), progress.TimeRemainingColumn())  # fmt: skip
    with progress.Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=total, completed=here)
        yield lambda count: bar.advance(task, count)
