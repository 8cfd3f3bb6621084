"""Where a data set is: folder, cache, publisher or installed package; checked before it is used."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

from mcrepro.data.registry import Dataset, Form, Part
from mcrepro.errors import DataError

with warnings.catch_warnings():
    # In a notebook without ipywidgets its progress bar warns on import; we use our own.
    warnings.simplefilter("ignore")
    import pooch

#: Seconds to wait for a connection, and then for each piece of a download.
TIMEOUT = (5, 30)


@dataclass(frozen=True)
class Found:
    """A data set whose files are here and carry the registered checksums.

    `paths` are in the order of ``form.parts``; `form` is None for an embedded data set.
    """

    source: str
    paths: tuple[Path, ...]
    form: Form | None
    fingerprint: str


def folder() -> Path | None:
    """Return the folder of the environment variable MCREPRO_DATA, None where it is not set."""
    value = os.environ.get("MCREPRO_DATA")
    if not value:
        return None
    path = Path(value).expanduser()
    if not path.is_dir():
        raise DataError(
            f"MCREPRO_DATA names {value!r}, which is no folder; "
            "point it at the folder of data files, or unset it"
        )
    return path


def cache() -> Path:
    """Return the download cache: MCREPRO_DATA_CACHE, else pooch's place for mcrepro."""
    return Path(os.environ.get("MCREPRO_DATA_CACHE") or pooch.os_cache("mcrepro")).expanduser()


def offline() -> bool:
    """Whether MCREPRO_OFFLINE forbids downloads."""
    return os.environ.get("MCREPRO_OFFLINE", "").strip().lower() not in ("", "0", "false", "no")


@functools.lru_cache(maxsize=256)
def _digest(path: Path, algorithm: str, _status: tuple[int, ...]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def digest(path: Path, algorithm: str = "sha256") -> str:
    """Return the checksum of a file, computed again only when its size, time or inode has changed."""
    status = path.stat()
    return _digest(path, algorithm, (status.st_size, status.st_mtime_ns, status.st_ino))


def _is_intact(path: Path, part: Part) -> bool:
    if part.sha256 is not None:
        return digest(path) == part.sha256
    return digest(path, "md5") == part.md5


def _fingerprint(form: Form, paths: tuple[Path, ...]) -> str:
    """Fingerprint of what a reader sees: equal for the same data in different wrappings."""
    seen = [
        part.content or part.sha256 or digest(path)
        for part, path in zip(form.parts, paths, strict=True)
    ]
    return seen[0] if len(seen) == 1 else hashlib.sha256(" ".join(seen).encode()).hexdigest()


def _look(spec: Dataset, place: Path, source: str) -> tuple[Found | None, list[Path]]:
    """Return the data set if `place` has it, and the files there that fail their checksum."""
    damaged: list[Path] = []
    for form in spec.forms:
        paths = tuple(place / part.name for part in form.parts)
        if not all(path.is_file() for path in paths):
            continue
        wrong = [p for p, part in zip(paths, form.parts, strict=True) if not _is_intact(p, part)]
        if not wrong:
            return Found(source, paths, form, _fingerprint(form, paths)), damaged
        damaged += wrong
    return None, damaged


def _embedded(spec: Dataset) -> Found | None:
    """Return the copy in an installed package, None where the package is not installed."""
    if spec.embedded is None:
        return None
    package = importlib.util.find_spec(spec.embedded.package)
    if package is None or not package.submodule_search_locations:
        return None
    path = Path(package.submodule_search_locations[0]) / spec.embedded.path
    if not path.is_file() or digest(path) != spec.embedded.sha256:
        raise DataError(
            f"{spec.name!r}: {spec.embedded.path} in the installed package {spec.embedded.package} "
            f"is not the file that is expected (sha256 {spec.embedded.sha256[:12]}...); "
            f"install {spec.embedded.requirement} again"
        )
    return Found("embedded", (path,), None, spec.embedded.sha256)


def locate(spec: Dataset) -> Found | None:
    """Return the data set where it is on this machine now, None if it is not.

    Never downloads, and does not look at ``spec.fallback``.

    Raises
    ------
    DataError
        If MCREPRO_DATA names no folder, or a file in it or in an installed package fails its
        checksum. A damaged file in the cache counts as absent: the next download replaces it.
    """
    given = folder()
    if spec.embedded is not None:
        return _embedded(spec)
    if given is not None:
        found, damaged = _look(spec, given, "folder")
        if found is not None:
            return found
        if damaged:
            raise DataError(
                f"{spec.name!r}: {damaged[0].name} in the folder MCREPRO_DATA fails its checksum; "
                "replace or remove it"
            )
    return _look(spec, cache(), "cache")[0]


def download(spec: Dataset) -> Found:
    """Download the data set into the cache; files enter it whole and checked, or not at all.

    Raises
    ------
    DataError
        If that fails, or nobody publishes the data set, or MCREPRO_OFFLINE is set.
    """
    form = spec.download_form
    if form is None:
        raise DataError("no address to download it from")
    if offline():
        raise DataError("not downloaded, MCREPRO_OFFLINE is set")
    place = cache()
    paths = []
    for part in form.parts:
        known = f"sha256:{part.sha256}" if part.sha256 else f"md5:{part.md5}"
        try:
            place.mkdir(parents=True, exist_ok=True)
            path = pooch.retrieve(
                part.url, known, part.name, place, downloader=pooch.HTTPDownloader(timeout=TIMEOUT)
            )
        except OSError as error:  # the disk's errors and, by inheritance, those of requests
            raise DataError(f"download of {part.url} failed: {_reason(error)}") from error
        except ValueError as error:  # pooch's word for a wrong checksum
            raise DataError(f"what {part.url} sent fails its checksum") from error
        paths.append(Path(path))
    return Found("download", tuple(paths), form, _fingerprint(form, tuple(paths)))


def _reason(error: BaseException) -> str:
    """Say in one line what went wrong; requests and urllib3 wrap the cause in each other's errors."""
    inner = getattr(error, "reason", None) or next(iter(error.args), None)
    if isinstance(inner, BaseException):
        return _reason(inner)
    return " ".join(str(error).split()) or type(error).__name__


def how_to_get(spec: Dataset) -> str:
    """Say in one or two sentences how to come by the data set."""
    if (inside := spec.embedded) is not None:
        return f"It is inside the package {inside.package}: install {inside.requirement}."
    names = " or ".join(" + ".join(part.name for part in form.parts) for form in spec.forms)
    text = f"Put {names} into a folder and set MCREPRO_DATA to it"
    if (form := spec.download_form) is not None:
        urls = " and ".join(str(part.url) for part in form.parts)
        size = f" ({form.bytes / 1e6:.1f} MB)" if form.bytes else ""
        text += f", or call mcrepro.data.fetch({spec.name!r}) to download {urls}{size}"
    return text + "."
