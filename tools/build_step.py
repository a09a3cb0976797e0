"""A build step of setuptools: wheels get files that lie outside of the package, once each.

They are the configurations of `configs/`, and the pages that `ris-tf check` names. An editable
installation needs nothing: it runs from the checkout, where the folders are.
"""

from pathlib import Path

from setuptools.command.build_py import build_py

# Patterns, and where an installed package has the files: see ris_tf/config/shipped.py, and
# `page_file` in ris_tf/runlog/health/check.py.
SHIPPED = {
    "configs/*.yaml": "ris_tf/configs",
    "docs/why-training-fails/*.md": "ris_tf/docs/why-training-fails",
}


class BuildWithConfigs(build_py):
    """Copies the configurations and pages into the package that is built."""

    def run(self) -> None:
        """Build the package, then add the files."""
        super().run()
        if not self.editable_mode:
            for source, target in self._shipped().items():
                Path(target).parent.mkdir(parents=True, exist_ok=True)
                self.copy_file(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Every file that `run` makes."""
        shipped = [] if self.editable_mode else list(self._shipped().values())
        return [*super().get_outputs(include_bytecode), *shipped]

    def get_source_files(self) -> list[str]:
        """Every file that the build reads: source distributions have them all."""
        return [*super().get_source_files(), *self._shipped()]

    def _shipped(self) -> dict[str, str]:
        """Built file by its source."""
        return {
            str(file): str(Path(self.build_lib) / inside / file.name)
            for pattern, inside in SHIPPED.items()
            for file in sorted(Path().glob(pattern))
        }
