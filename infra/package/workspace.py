"""A copy of the Chalice project, with everything filled in that a stage needs to be packaged.

Chalice runs in this copy and never in the checkout: only here do policies and variables name
existing resources, and only here is `chalicelib/` sure to hold no bytecode (Chalice hashes all
that lies in it to find a package that it has built before).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import chalice
from chalice.deploy.packager import DependencyBuilder, LambdaDeploymentPackager
from chalice.utils import UI, OSUtils

from infra.package.archive import Inspection, check, compile_tree, write_zip
from infra.package.botocore_data import OPERATIONS, slim
from infra.package.dependencies import HERE, install, this_architecture
from infra.stage import StageSpec, read_configuration

#: What executes circuits. It goes through Chalice's `vendor/`, which lies in the copy only: in
#: requirements.txt it would bring numpy, which it does not need here and which would not fit.
SIMULATOR_LOCK: Final = "requirements-simulator.lock"

_PLACEHOLDER: Final = re.compile(r"\$\{(\w+)\}")
#: Chalice says this where it takes a package that is there already.
_REUSED: Final = "Reusing existing deployment package."


class ChaliceFailed(Exception):
    """Chalice did not do what it was asked."""


class Workspace:
    """A directory that Chalice can work in for one stage."""

    def __init__(
        self, root: Path, directory: Path, spec: StageSpec, *, for_this_machine: bool = False
    ) -> None:
        """Take the checkout, the directory to fill, and the stage.

        `for_this_machine` packages what is installed here, and needs no network.
        """
        self._root = root
        self._spec = replace(spec, architecture=this_architecture()) if for_this_machine else spec
        self._source = HERE if for_this_machine else spec.architecture
        self.directory = directory

    def fill(self, fill_in: FillIn) -> Inspection:
        """Make the directory anew, with its package built."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self._copy_code()
        self._write_configuration(fill_in)
        self._install(self._root / SIMULATOR_LOCK, self.directory / "vendor")
        return self._build()

    def chalice(self, *arguments: str, region: str) -> str:
        """Run Chalice's command line here and return what it printed.

        The region is given, whatever environment and profile say: the stacks' is the functions'.

        Raises:
            ChaliceFailed: it failed, or it built a package of its own.
        """
        command = [str(Path(sys.executable).with_name("chalice"))]
        command += ["--project-dir", str(self.directory), *arguments]
        environment = {**os.environ, "AWS_DEFAULT_REGION": region, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            message = f"chalice {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}"
            raise ChaliceFailed(message)
        if _REUSED not in done.stdout:
            message = f"Chalice did not take the prepared package; it said:\n{done.stdout}"
            raise ChaliceFailed(message)
        return done.stdout

    @property
    def package(self) -> Path:
        """Where Chalice looks for a package that is there already."""
        packager = LambdaDeploymentPackager(
            OSUtils(), DependencyBuilder(OSUtils()), UI(), self._spec.architecture
        )
        name = packager.deployment_package_filename(str(self.directory), self._spec.runtime)
        return Path(name)

    def _copy_code(self) -> None:
        for path in (self._root / "app.py", self._root / "requirements.txt"):
            _copy(path, self.directory / path.name)
        library = self._root / "chalicelib"
        for path in sorted(library.rglob("*.py")):
            _copy(path, self.directory / "chalicelib" / path.relative_to(library))

    def _write_configuration(self, fill_in: FillIn) -> None:
        target = self.directory / ".chalice"
        target.mkdir(parents=True)
        configuration = read_configuration(self._root)
        stage = configuration["stages"][self._spec.stage]
        # The stack has made the log groups. Chalice would make them again, the API's under a
        # name that its function does not have.
        stage.pop("log_retention_in_days", None)
        stage["lambda_architecture"] = self._spec.architecture
        configuration["environment_variables"] = {
            name: fill_in.text(value)
            for name, value in configuration["environment_variables"].items()
        }
        (target / "config.json").write_text(json.dumps(configuration, indent=2))
        for function in self._spec.functions.values():
            document = json.loads((self._root / ".chalice" / function.policy_file).read_text())
            filled = fill_in.everywhere(document)
            (target / function.policy_file).write_text(json.dumps(filled, indent=2))

    def _install(self, requirements: Path, target: Path) -> None:
        target.mkdir()
        install(requirements, target, architecture=self._source, runtime=self._spec.runtime)

    def _build(self) -> Inspection:
        tree = self.directory / "tree"
        self._install(self.directory / "requirements.txt", tree)
        # As Chalice does: what lies in vendor/ lies at the top of the package.
        shutil.copytree(self.directory / "vendor", tree, dirs_exist_ok=True)
        slim(tree / "botocore" / "data")
        # Resources and examples, neither of which is used.
        for unused in ("data", "examples"):
            shutil.rmtree(tree / "boto3" / unused, ignore_errors=True)
        for name in ("app.py", "__init__.py"):
            _copy(Path(chalice.__file__).with_name(name), tree / "chalice" / name)
        _copy(self.directory / "app.py", tree / "app.py")
        shutil.copytree(self.directory / "chalicelib", tree / "chalicelib")
        compile_tree(tree)
        write_zip(tree, self.package)
        shutil.rmtree(tree)
        return check(
            self.package,
            services=frozenset(OPERATIONS),
            architecture=self._spec.architecture,
        )


class FillIn:
    """Replaces `${Name}` in policies and variables by what the stacks call it."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        """Take the values by name: texts, or CloudFormation's expressions for them."""
        self._values = values

    def text(self, template: str) -> str:
        """Fill in a text where only a text will do; an expression is named only."""
        return _PLACEHOLDER.sub(lambda match: str(self._value(match[1])), template)

    def everywhere(self, document: Any) -> Any:  # noqa: ANN401 - any JSON
        """Fill in every text of a document."""
        if isinstance(document, dict):
            return {key: self.everywhere(value) for key, value in document.items()}
        if isinstance(document, list):
            return [self.everywhere(value) for value in document]
        return self.expression(document) if isinstance(document, str) else document

    def expression(self, template: str) -> Any:  # noqa: ANN401 - a text or an expression
        """Fill in a text; the result is an expression where a value is one."""
        names: Sequence[str] = _PLACEHOLDER.findall(template)
        values = {name: self._value(name) for name in names}
        if all(isinstance(value, str) for value in values.values()):
            return self.text(template)
        if template == f"${{{names[0]}}}":
            return values[names[0]]
        return {"Fn::Sub": [template, values]}

    def _value(self, name: str) -> Any:  # noqa: ANN401
        try:
            return self._values[name]
        except KeyError:
            message = f"no stack has an output {name!r}; there are {sorted(self._values)}"
            raise ChaliceFailed(message) from None


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
