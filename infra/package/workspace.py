"""A copy of the Chalice project, with everything filled in that a stage needs to be packaged.

`make deploy` and `make package` run Chalice in this copy and not in the checkout: only here do
policies name one account and region, and only here is `chalicelib/` sure to hold no bytecode
(Chalice hashes all that lies in it to find a package that it has built before).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import chalice
from chalice.deploy.packager import DependencyBuilder, LambdaDeploymentPackager
from chalice.utils import UI, OSUtils

from infra.errors import UserError
from infra.package.archive import Inspection, check, compile_tree, write_zip
from infra.package.aws_location import AwsLocation
from infra.package.botocore_data import OPERATIONS, slim
from infra.package.dependencies import HERE, install, this_architecture
from infra.stage import StageSpec, check_runtime, read_configuration, this_runtime

#: What executes circuits. It goes through Chalice's `vendor/`: in
#: requirements.txt it would bring numpy, which it does not need here and which would not fit.
SIMULATOR_LOCK: Final = "requirements-simulator.lock"

#: What no function imports, a tenth of the zip. A test imports every module of the package's own
#: with what is left.
_UNUSED: Final = ("boto3/data", "boto3/examples", "aws_lambda_powertools/event_handler")
_POWERTOOLS_UTILITIES: Final = "aws_lambda_powertools/utilities"
#: What Powertools' logger imports of them.
_USED_UTILITIES: Final = frozenset({"__init__.py", "jmespath_utils"})

#: Tells `app.py` that it is imported in a workspace, where all has been made ready.
PREPARED: Final = "QUANTUM_TASKS_PREPARED"
#: Chalice says this where it takes a package that is there already.
_REUSED: Final = "Reusing existing deployment package."


class ChaliceFailed(UserError):
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
        if for_this_machine:
            spec = replace(spec, architecture=this_architecture(), runtime=this_runtime())
        self._spec = spec
        self._source = HERE if for_this_machine else spec.architecture
        self.directory = directory

    def fill(self, location: AwsLocation, variables: Mapping[str, str]) -> Inspection:
        """Replace the directory, with its package built.

        `location` is where the stage is, for its policies; `variables` are set in every function.

        Raises:
            InvalidStage: this Python is not the stage's.
        """
        check_runtime(self._spec)
        shutil.rmtree(self.directory, ignore_errors=True)
        self._copy_code()
        self._write_configuration(location, variables)
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
        environment = {
            **os.environ,
            "AWS_DEFAULT_REGION": region,
            "PYTHONDONTWRITEBYTECODE": "1",
            PREPARED: "1",
        }
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

    def _write_configuration(self, location: AwsLocation, variables: Mapping[str, str]) -> None:
        target = self.directory / ".chalice"
        target.mkdir(parents=True)
        configuration = read_configuration(self._root)
        stage = configuration["stages"][self._spec.stage]
        stage["lambda_architecture"] = self._spec.architecture
        configuration["environment_variables"] = dict(variables)
        (target / "config.json").write_text(json.dumps(configuration, indent=2))
        for function in self._spec.functions.values():
            document = json.loads((self._root / ".chalice" / function.policy_file).read_text())
            policy = target / function.policy_file
            policy.parent.mkdir(exist_ok=True)
            policy.write_text(json.dumps(location.named_in(document), indent=2))

    def _install(self, requirements: Path, target: Path) -> None:
        target.mkdir()
        install(requirements, target, architecture=self._source, runtime=self._spec.runtime)

    def _build(self) -> Inspection:
        tree = self.directory / "tree"
        self._install(self.directory / "requirements.txt", tree)
        # As Chalice does: what lies in vendor/ lies at the top of the package.
        shutil.copytree(self.directory / "vendor", tree, dirs_exist_ok=True)
        slim(tree / "botocore" / "data")
        leave_out_unused(tree)
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


def leave_out_unused(tree: Path) -> None:
    """Remove what lies in the dependencies and is never imported."""
    for unused in _UNUSED:
        shutil.rmtree(tree / unused, ignore_errors=True)
    for path in sorted((tree / _POWERTOOLS_UTILITIES).iterdir()):
        if path.name in _USED_UTILITIES:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
