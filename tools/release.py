"""Builds what a release is made of, checks it, and uploads nothing.

From a clean tree: the source distribution of what is committed, and the wheel made from that one.
Both must hold the files they should and no others; the version must be that of the changelog and,
where the commit has a tag, of the tag. Nothing is fetched.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from packaging.metadata import Metadata
from packaging.utils import parse_sdist_filename, parse_wheel_filename

ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"
PACKAGES = ("ris_tf", "gui")
IN_PACKAGES = (".py", ".pyi", ".svg", ".typed")
IN_SOURCES = ("ris_tf", "gui", "configs", "docs", "examples")  # folders, whole
BESIDE = ("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "MANIFEST.in", "README.md",
          "SECURITY.md", "constraints.txt", "pyproject.toml", "tools/build_step.py")  # fmt: skip
MADE = ("PKG-INFO", "setup.cfg")  # by setuptools, in every source distribution
BUILD = "from setuptools import build_meta; build_meta.build_{}({!r})"


class NotReadyError(Exception):
    """What keeps this from being a release, in a line."""


def main() -> int:
    """Check, build, check what was built, print what it is."""
    try:
        version = read_version(ROOT)
        check_tree()
        check_changelog((ROOT / "CHANGELOG.md").read_text("utf-8"), version)
        tag = check_tags(_git("tag", "--points-at", "HEAD").split(), version)
        sdist, wheel = build()
        check_sdist(sdist, version)
        check_wheel(wheel, version)
    except NotReadyError as reason:
        print(f"release: {reason}", file=sys.stderr)
        return 1
    for file in (sdist, wheel):
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        print(f"{file.relative_to(ROOT)}  {file.stat().st_size / 1e6:.1f} MB  sha256 {digest}")
    print(f"version {version}, {tag}; nothing was uploaded")
    return 0


def read_version(root: Path) -> str:
    """The version that the package has."""
    text = (root / "ris_tf" / "__init__.py").read_text("utf-8")
    return re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)[0]


def check_tree() -> None:
    """Refuse what is not committed: nobody could build it again."""
    if changed := _git("status", "--porcelain"):
        raise NotReadyError(f"{changed.splitlines()[0][3:]} and others are not committed")


def check_changelog(changes: str, version: str) -> None:
    """Refuse a version that the changelog does not have, or lines that belong to none."""
    newest, *_ = re.findall(r"^## (\S+)", changes, re.MULTILINE)
    if newest != version:
        raise NotReadyError(f"CHANGELOG.md begins with {newest}, ris_tf.__version__ is {version}")


def check_tags(tags: Iterable[str], version: str) -> str:
    """Which release this is; refuses a tag of another version."""
    releases = [tag for tag in tags if re.fullmatch(r"v\d.*", tag)]
    if any(tag != f"v{version}" for tag in releases):
        raise NotReadyError(f"the tag is {' '.join(releases)}, ris_tf.__version__ is {version}")
    return f"tag v{version}" if releases else f"a rehearsal: no tag yet (git tag v{version})"


def build() -> tuple[Path, Path]:
    """The source distribution of the commit, and the wheel of the source distribution."""
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    with tempfile.TemporaryDirectory() as place:
        committed, unpacked = Path(place) / "committed", Path(place) / "unpacked"
        committed.mkdir()
        archive = subprocess.run(
            ["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True
        ).stdout
        subprocess.run(["tar", "-x", "-C", committed], input=archive, check=True)
        sdist = _built("sdist", committed)
        with tarfile.open(sdist) as file:
            file.extractall(unpacked, filter="data")
        return sdist, _built("wheel", next(unpacked.iterdir()))


def _built(what: str, folder: Path) -> Path:
    """A distribution of a folder, in dist/, by the setuptools that is installed."""
    before = set(DIST.iterdir())
    done = subprocess.run(
        [sys.executable, "-c", BUILD.format(what, str(DIST))],
        cwd=folder, check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise NotReadyError(f"the {what} cannot be built: {done.stderr.strip().splitlines()[-1]}")
    (made,) = set(DIST.iterdir()) - before
    return made


def check_sdist(sdist: Path, version: str) -> None:
    """Refuse a source distribution with other files than it should have of the commit."""
    _compare(sdist, parse_sdist_filename(sdist.name)[1], version)
    with tarfile.open(sdist) as file:
        files = [PurePosixPath(member.name) for member in file if member.isfile()]
        description = file.extractfile(f"{files[0].parts[0]}/PKG-INFO")
        assert description is not None
        check_metadata(description.read(), version)
    inside = {str(PurePosixPath(*path.parts[1:])) for path in files}
    made = {path for path in inside if path in MADE or ".egg-info/" in path}
    _same_files(sdist, inside - made, {*BESIDE, *committed_below(IN_SOURCES)})


def check_wheel(wheel: Path, version: str) -> None:
    """Refuse a wheel with other files than the packages and the shipped configurations."""
    _compare(wheel, parse_wheel_filename(wheel.name)[1], version)
    packages = {path for path in committed_below(PACKAGES) if path.endswith(IN_PACKAGES)}
    shipped = {f"ris_tf/{path}" for path in committed_below(("configs", "docs/why-training-fails"))}
    with zipfile.ZipFile(wheel) as file:
        names = {name for name in file.namelist() if not name.endswith("/")}
        about = {name for name in names if ".dist-info/" in name}
        check_metadata(file.read(next(n for n in about if n.endswith("/METADATA"))), version)
    if not any(name.endswith("licenses/LICENSE") for name in about):
        raise NotReadyError(f"{wheel.name} has no licence")
    _same_files(wheel, names - about, packages | shipped)


def check_metadata(text: bytes, version: str) -> None:
    """Refuse metadata that an index would refuse."""
    try:
        metadata = Metadata.from_email(text, validate=True)
    except ExceptionGroup as wrong:
        raise NotReadyError(
            f"metadata: {'; '.join(str(error) for error in wrong.exceptions)}"
        ) from None
    if (metadata.name, str(metadata.version)) != ("ris-tf", version):
        raise NotReadyError(f"metadata names {metadata.name} {metadata.version}")
    if metadata.license_expression != "MIT" or not metadata.description:
        raise NotReadyError("metadata lacks the licence or the description")


def committed_below(folders: Iterable[str]) -> set[str]:
    """Files of the commit below some folders."""
    return set(_git("ls-files", "-z", *folders).rstrip("\0").split("\0"))


def _same_files(archive: Path, has: set[str], should: set[str]) -> None:
    for what, files in (("lacks", should - has), ("should not have", has - should)):
        if files:
            raise NotReadyError(f"{archive.name} {what} {', '.join(sorted(files)[:5])}")


def _compare(archive: Path, its: object, version: str) -> None:
    if str(its) != version:
        raise NotReadyError(f"{archive.name} is not of version {version}")


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
