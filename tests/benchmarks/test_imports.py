"""asv imports every file of benchmarks/ in a lean environment, and then forks."""

import pkgutil
import subprocess
import sys
from pathlib import Path

import benchmarks

ROOT = Path(benchmarks.__file__).resolve().parents[1]
MODULES = [f"benchmarks.{module.name}" for module in pkgutil.iter_modules(benchmarks.__path__)]

# None in sys.modules makes an import fail.
PROGRAM = """
import importlib, sys
absent = ("pytest", "pytest_benchmark", "pandas", "rich", "typer", "mxnet", "mxnet_compat", "layers", "kernels")
sys.modules.update(dict.fromkeys(absent))
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def test_no_module_loads_mxnet_or_what_asv_environments_lack():
    assert "benchmarks.layers_asv" in MODULES
    subprocess.run([sys.executable, "-c", PROGRAM, *MODULES], cwd=ROOT, check=True)


def test_the_folder_for_pytest_is_no_package():
    assert not any(module.ispkg for module in pkgutil.iter_modules(benchmarks.__path__))
    assert (ROOT / "benchmarks" / "with_pytest" / "test_cases.py").is_file()
