"""Chromium without a window and without a network, driven through selenium."""

import shutil
from pathlib import Path

MISSING = (
    "left out: the browser tests need Chromium and its driver "
    "(`apt-get install chromium chromium-driver`)"
)

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
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--hide-scrollbars",
    "--window-size=1280,900",
]


def programs() -> tuple[str, str] | None:
    """Return the paths of Chromium and its driver, None where one is missing."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    return (chromium, driver) if chromium and driver else None


def start(profile: Path):
    """Return a driver of a new browser that keeps its files in the folder `profile`."""
    from selenium import webdriver

    chromium, driver = programs()
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for flag in [*FLAGS, f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    browser = webdriver.Chrome(
        options=options, service=webdriver.ChromeService(executable_path=driver)
    )
    browser.set_page_load_timeout(60)
    browser.set_script_timeout(60)
    return browser


def screen(browser, *, width: int, height: int = 844, scheme: str = "light") -> None:
    """Set the size of the screen and the reader's colour scheme; colours change at once."""
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {
            "features": [
                {"name": "prefers-color-scheme", "value": scheme},
                {"name": "prefers-reduced-motion", "value": "reduce"},
            ]
        },
    )
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )


# Resolves when MathJax, if the page has it, has typeset the page, and every image has settled.
SETTLED = """
const done = arguments[0];
const math = window.MathJax && MathJax.startup ? MathJax.startup.promise : Promise.resolve();
const images = [...document.images].map(image => {
  image.loading = "eager";
  return image.decode().catch(() => null);
});
Promise.all([math, ...images]).then(() => done(true));
"""


def opened(browser, address: str) -> None:
    """Open a page and wait until its mathematics and images are there."""
    browser.get(address)
    assert browser.execute_async_script(SETTLED)
