"""The built site as one file that opens offline, the same bytes whenever the site is the same."""

import io
import zipfile
from pathlib import Path

from mcrepro.companion.files import sha256, write_atomic
from mcrepro.companion.project import Project
from mcrepro.errors import BuildError

#: The first day that a zip can tell: files have no other date.
DAY = (1980, 1, 1, 0, 0, 0)


def archive(project: Project, target: Path) -> str:
    """Pack the site into the zip `target`; return its SHA-256.

    Its one folder is named after the file. What the build keeps beside the pages for itself stays out.

    Raises
    ------
    BuildError
        If there is no site.
    OSError
        If `target` cannot be written.
    """
    if not (project.html / "index.html").is_file():
        raise BuildError("there is no site yet; run: mcrepro build")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in sorted(project.html.rglob("*")):
            inside = path.relative_to(project.html)
            if path.is_file() and not any(name.startswith(".") for name in inside.parts):
                entry = zipfile.ZipInfo(f"{target.stem}/{inside.as_posix()}", DAY)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system, entry.external_attr = 3, 0o644 << 16  # as Unix writes it
                packed.writestr(entry, path.read_bytes())
    write_atomic(target, stream.getvalue())
    return sha256(stream.getvalue())
