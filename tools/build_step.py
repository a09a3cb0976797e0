"""A build step of setuptools: wheels get the configurations of `configs/`, which stay one copy.

An editable installation needs nothing: it runs from the checkout, where the folder is.
"""

from pathlib import Path

from setuptools.command.build_py import build_py

CONFIGS = Path("configs")
INSIDE = "ris_tf/configs"  # where an installed package has them; see ris_tf/config/shipped.py


class BuildWithConfigs(build_py):
    """Copies the configurations into the package that is built."""

    def run(self) -> None:
        """Build the package, then add the configurations."""
        super().run()
        if not self.editable_mode:
            for source, target in self._configs().items():
                Path(target).parent.mkdir(parents=True, exist_ok=True)
                self.copy_file(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Every file that `run` makes."""
        configs = [] if self.editable_mode else list(self._configs().values())
        return [*super().get_outputs(include_bytecode), *configs]

    def get_source_files(self) -> list[str]:
        """Every file that the build reads: source distributions have them all."""
        return [*super().get_source_files(), *self._configs()]

    def _configs(self) -> dict[str, str]:
        """Built file by its source."""
        target = Path(self.build_lib) / INSIDE
        return {str(file): str(target / file.name) for file in sorted(CONFIGS.glob("*.yaml"))}
