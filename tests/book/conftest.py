"""A headless browser, and the built site it looks at."""

import os
from pathlib import Path

import pytest

from . import headless

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(os.environ.get("MCREPRO_SITE", ROOT / "_build" / "html"))
REQUIRED = os.environ.get("MCREPRO_REQUIRE_BROWSER") == "1"


def built_pages() -> list[str]:
    """Every page of the built site, as a path relative to it."""
    found = (page.relative_to(SITE) for page in SITE.rglob("*.html"))
    return sorted(page.as_posix() for page in found if not page.parts[0].startswith("_"))


def unavailable(message: str) -> None:
    """Leave the test out and say why, or fail where a browser is required."""
    if REQUIRED:
        pytest.fail(f"{message} (MCREPRO_REQUIRE_BROWSER=1)")
    pytest.skip(message)


def pytest_generate_tests(metafunc):
    if "site_page" in metafunc.fixturenames:
        # Without a site one test remains, and says so.
        metafunc.parametrize("site_page", built_pages() or ["no-site"])


@pytest.fixture(scope="session")
def built_site() -> Path:
    """The folder of the built site."""
    if not built_pages():
        unavailable(
            f"no built site in {SITE}: run `python3 noxfile.py -s book`, or set MCREPRO_SITE"
        )
    return SITE.resolve()


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Headless Chromium without a network, driven through selenium."""
    if headless.programs() is None:
        unavailable(headless.MISSING)
    driver = headless.start(tmp_path_factory.mktemp("chromium"))
    yield driver
    driver.quit()
