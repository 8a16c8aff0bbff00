"""asv imports every file of benchmarks/ in a lean environment, and then forks."""

import pkgutil
import subprocess
import sys
from pathlib import Path

import benchmarks

ROOT = Path(benchmarks.__file__).resolve().parents[1]
# As asv finds them: it looks into every folder that is a package.
MODULES = [module.name for module in pkgutil.walk_packages(benchmarks.__path__, "benchmarks.")]

# None in sys.modules makes an import fail.
PROGRAM = """
import importlib, sys
absent = ("pytest", "pytest_benchmark", "pandas", "rich", "typer", "mxnet", "mxnet_compat", "layers", "kernels")
sys.modules.update(dict.fromkeys(absent))
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def test_no_module_loads_mxnet_or_what_asv_environments_lack():
    assert {"benchmarks.layers_asv", "benchmarks.side_by_side.stages"} <= set(MODULES)
    subprocess.run([sys.executable, "-c", PROGRAM, *MODULES], cwd=ROOT, check=True)


def test_the_folder_for_pytest_is_no_package():
    assert not any("with_pytest" in name for name in MODULES)
    assert (ROOT / "benchmarks" / "with_pytest" / "test_cases.py").is_file()
