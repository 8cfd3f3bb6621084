"""Open one file of a data set for reading, unpacking as it is read.

Nothing is unpacked to disk, so no path inside an archive can climb anywhere; an archive that tries is
refused all the same.
"""

import contextlib
import gzip
import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from mcrepro.data.registry import Part
from mcrepro.errors import DataError

#: Bytes unpacked at a time.
_PIECE = 1 << 16


@contextlib.contextmanager
def opened(path: Path, part: Part) -> Iterator[IO[bytes]]:
    """Open the bytes a reader sees: a zip member, what a .gz file unpacks to, or the file itself.

    Raises
    ------
    DataError
        If the archive is broken or not one, has unsafe paths, lacks the member, or unpacks to more
        than ``part.at_most`` bytes.
    """
    try:
        if part.member is not None:
            with zipfile.ZipFile(path) as archive, archive.open(_checked(archive, part)) as file:
                yield file
        elif path.suffix == ".gz":
            with gzip.open(path) as file:
                yield io.BufferedReader(_Bounded(cast(IO[bytes], file), part), _PIECE)
        else:
            with path.open("rb") as file:
                yield file
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(f"{part.name} cannot be unpacked: {error}") from error


class _Bounded(io.RawIOBase):
    """What a .gz file unpacks to, refused from the byte on that exceeds ``part.at_most``.

    A .gz file does not say in advance how long its content is, so it is counted as it is read.
    """

    def __init__(self, file: IO[bytes], part: Part):
        self._file = file
        self._part = part
        self._seen = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        piece = self._file.read(len(view))
        view[: len(piece)] = piece
        self._seen += len(piece)
        if self._part.at_most is not None and self._seen > self._part.at_most:
            raise DataError(
                f"{self._part.name} is not used: it unpacks to more than the "
                f"{self._part.at_most:,} bytes that are expected"
            )
        return len(piece)


def _checked(archive: zipfile.ZipFile, part: Part) -> zipfile.ZipInfo:
    """Return the wanted member of an archive that is safe to read."""
    for info in archive.infolist():
        inside = PurePosixPath(info.filename.replace("\\", "/"))
        if inside.is_absolute() or ".." in inside.parts or inside.as_posix()[1:2] == ":":
            raise DataError(f"{part.name} is not used: it holds the unsafe path {info.filename!r}")
    try:
        info = archive.getinfo(str(part.member))
    except KeyError:
        raise DataError(f"{part.name} has no member {part.member!r}") from None
    if stat.S_ISLNK(info.external_attr >> 16):
        raise DataError(f"{part.name} is not used: {part.member!r} in it is a symbolic link")
    # zipfile stops reading at the size the archive declares, so checking the declaration is enough.
    if part.at_most is not None and info.file_size > part.at_most:
        raise DataError(
            f"{part.name} is not used: {part.member!r} would unpack to {info.file_size:,} bytes, "
            f"at most {part.at_most:,} are expected"
        )
    return info
