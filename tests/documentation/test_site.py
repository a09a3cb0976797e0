"""`make docs-site` refuses what it only warns of otherwise; `.ci/run` builds the site itself."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SITE = """
site_name: a site
validation: {omitted_files: warn, absolute_links: warn, unrecognized_links: warn, anchors: warn}
nav: [index.md]
"""

pytest.importorskip("mkdocs", reason="`make docs-site` installs it, which CI runs before the tests")


def built(folder: Path) -> int:
    """Exit code of what `make docs-site` runs, in another folder."""
    make = ["make", "--no-print-directory", "-n", "-o", ".venv/site", "docs-site"]
    printed = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    words = re.findall(r"-m (mkdocs .*)", printed)[0].split()
    build = [sys.executable, "-m", *words]
    return subprocess.run(build, cwd=folder, capture_output=True, check=False).returncode


@pytest.mark.parametrize(
    ("page", "code"),
    [
        ("# Title\n\n[here](#title)\n", 0),
        ("[nowhere](nowhere.md)\n", 1),
        ("[nowhere](#nowhere)\n", 1),
        ("![a picture](none.png)\n", 1),
    ],
)
def test_link_that_leads_nowhere_is_refused(tmp_path, page, code):
    (tmp_path / "mkdocs.yml").write_text(SITE)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(page)
    assert built(tmp_path) == code


@pytest.mark.parametrize(
    ("latex", "warned"), [(r"\frac{1}{2}", False), (r"\fraction{1}", True), (r"\frac{1", True)]
)
def test_formula_that_cannot_be_set_is_warned_of(caplog, latex, warned):
    pytest.importorskip("latex2mathml")
    hooks = runpy.run_path(str(ROOT / "tools" / "site" / "hooks.py"))
    hooks["on_page_content"](rf'<span class="arithmatex">\({latex}\)</span>')
    assert bool(caplog.records) is warned
