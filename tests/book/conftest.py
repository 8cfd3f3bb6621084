"""A headless browser, and the built site it looks at."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(os.environ.get("MCREPRO_SITE", ROOT / "_build" / "html"))
REQUIRED = os.environ.get("MCREPRO_REQUIRE_BROWSER") == "1"

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # the network is off
    "--hide-scrollbars",
    "--window-size=1280,900",
]


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
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    driver_path = shutil.which("chromedriver")
    if not (chromium and driver_path):
        unavailable(
            "left out: the browser tests need Chromium and its driver "
            "(`apt-get install chromium chromium-driver`)"
        )
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(flag)
    driver = webdriver.Chrome(
        options=options, service=webdriver.ChromeService(executable_path=driver_path)
    )
    driver.set_page_load_timeout(60)
    driver.set_script_timeout(60)
    yield driver
    driver.quit()
