"""Take the picture of a page that README.md shows, from the built site.

python tests/book/picture.py [page] [anchor]
"""

import sys
import tempfile
from pathlib import Path

from headless import opened, screen, start

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "book" / "assets" / "page.png"


def main(page: str = "onesided/estimators", anchor: str = "fig-bars") -> None:
    address = (ROOT / "_build" / "html" / f"{page}.html").as_uri()
    with tempfile.TemporaryDirectory() as profile:
        browser = start(Path(profile))
        try:
            screen(browser, width=1120, height=780)
            opened(browser, address)
            browser.execute_script(
                "document.documentElement.style.scrollBehavior = 'auto';"
                "document.getElementById(arguments[0]).scrollIntoView({block: 'center'});",
                anchor,
            )
            PICTURE.write_bytes(browser.get_screenshot_as_png())
        finally:
            browser.quit()


if __name__ == "__main__":
    main(*sys.argv[1:])
