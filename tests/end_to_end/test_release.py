"""What `make release` and `make wheels` refuse; `test_installed.py` has the wheel at work."""

import runpy
import sys
import zipfile
from pathlib import Path

import pytest

METADATA = """Metadata-Version: 2.4
Name: ris-tf
Version: {version}
License-Expression: MIT
License-File: LICENSE

What it is.
"""


@pytest.fixture(scope="module")
def release(root):
    return runpy.run_path(str(root / "tools" / "release.py"))


@pytest.fixture
def wheel(release, tmp_path):
    """Writes a wheel that has what it should, but for some changes."""
    version = release["read_version"](release["ROOT"])
    files = {
        path: b""
        for path in release["committed_below"](release["PACKAGES"])
        if path.endswith(release["IN_PACKAGES"])
    }
    shipped = ("configs", "docs/why-training-fails")
    files |= {f"ris_tf/{path}": b"" for path in release["committed_below"](shipped)}
    about = f"ris_tf-{version}.dist-info"
    files[f"{about}/METADATA"] = METADATA.format(version=version).encode()
    files[f"{about}/licenses/LICENSE"] = b""

    def write(changes: dict[str, bytes | None]) -> Path:
        path = tmp_path / f"ris_tf-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as file:
            for name, content in {**files, **changes}.items():
                if content is not None:
                    file.writestr(name, content)
        release["check_wheel"](path, version)
        return path

    return write


def test_version_is_the_newest_of_the_changelog_and_of_the_citation(release, root):
    version = release["read_version"](root)
    release["check_changelog"]((root / "CHANGELOG.md").read_text("utf-8"), version)
    assert f"version: {version}\n" in (root / "CITATION.cff").read_text("utf-8")


@pytest.mark.parametrize("newest", ["Unreleased", "0.1.9"])
def test_another_version_in_the_changelog_is_refused(release, newest):
    with pytest.raises(release["NotReadyError"], match=f"begins with {newest}"):
        release["check_changelog"](f"# Changes\n\n## {newest}\n\n## 0.2.0\n", "0.2.0")


def test_tag_is_that_of_the_version_or_there_is_none_yet(release):
    check = release["check_tags"]
    assert check(["v0.2.0", "stable"], "0.2.0") == "tag v0.2.0"
    assert "git tag v0.2.0" in check([], "0.2.0")
    with pytest.raises(release["NotReadyError"], match=r"v0\.3\.0"):
        check(["v0.3.0"], "0.2.0")


def test_wheel_of_what_is_committed_passes(wheel):
    assert wheel({}).exists()


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("ris_tf/py.typed", None, "lacks ris_tf/py.typed"),
        ("ris_tf/configs/quickstart.yaml", None, "lacks ris_tf/configs/quickstart.yaml"),
        ("tests/test_all.py", b"", "should not have tests/test_all.py"),
        ("ris_tf/notes.txt", b"", "should not have ris_tf/notes.txt"),
    ],
)
def test_wheel_with_other_files_is_refused(release, wheel, name, content, why):
    with pytest.raises(release["NotReadyError"], match=why):
        wheel({name: content})


def test_wheel_without_a_licence_is_refused(release, wheel, root):
    version = release["read_version"](root)
    with pytest.raises(release["NotReadyError"], match="licence"):
        wheel({f"ris_tf-{version}.dist-info/licenses/LICENSE": None})


@pytest.mark.parametrize(
    ("program", "right", "wrong"),
    [
        ("print('more: page.md')", {"opens": "more: "}, []),
        ("print('more: gone.md')", {"opens": "more: "}, ["names no file that is there"]),
        ("print('healthy')", {"opens": "more: "}, ["names no file that is there"]),
        ("raise SystemExit(3)", {}, ["exit code 3"]),
        ("print('a'); print('b')", {"ends": "b"}, ["2 lines where one should be"]),
        ("print('a')", {"makes": "a.png"}, ["made no a.png"]),
    ],
)
def test_wheel_is_judged_by_what_its_commands_do(root, tmp_path, program, right, wrong):
    wheels = runpy.run_path(str(root / "tools" / "wheels.py"))
    (tmp_path / "page.md").touch()
    python = Path(sys.executable)
    step = wheels["Step"]([python.name, "-c", program.replace(": ", f": {tmp_path}/")], **right)
    found = wheels["take"](step, python.parent, tmp_path)
    assert len(found) == len(wrong)
    assert all(why in one for why, one in zip(wrong, found, strict=True))
