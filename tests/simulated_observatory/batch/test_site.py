"""What is wrong with a site, or that it cannot be used, is said before anything is touched."""

from __future__ import annotations

import itertools
import os
import shlex
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from lsst.ts.simulated_observatory.batch import site as module
from lsst.ts.simulated_observatory.batch.description import command_problem
from lsst.ts.simulated_observatory.batch.site import read_batch
from lsst.ts.simulated_observatory.cli.run_script import main

DOCUMENTED = Path(__file__).parents[3] / "doc" / "explanation" / "simulation.rst"
LAPTOP = """\
computeSite: mine
site:
  mine:
    class: lsst.ts.simulated_observatory.batch.laptop.Laptop
    cores: 2
"""
SLURM = """\
computeSite: mine
site:
  mine:
    class: lsst.ctrl.bps.parsl.sites.Slurm
    nodes: 3
    walltime: "00:59:00"
"""
LOCAL = "computeSite: mine\nsite:\n  mine:\n    class: lsst.ctrl.bps.parsl.sites.{}\n"


def refusal(asked: str, folder: Path) -> str:
    arguments = ["auxtel/make_latiss_calibrations.py", "--simulate", "--out", str(folder / "run"), "--batch"]
    ended = CliRunner().invoke(main, [*arguments, asked])
    assert ended.exit_code == 2
    assert not (folder / "run").exists()
    (line,) = [line for line in ended.output.splitlines() if line.startswith("Error: ")]
    return line


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("computeSite: [", "it is no YAML"),
        ("- computeSite", "it is no mapping"),
        ("site: {}", "KeyError"),
        ("computeSite: elsewhere\nsite:\n  mine:\n    class: a.b\n", "elsewhere"),
        ("computeSite: mine\nsite:\n  mine:\n    class: no.such.Site\n", "no.such.Site"),
        ("computeSite: mine\nsite:\n  mine:\n    class: pathlib.Path\n", "is not a SiteConfig subclass"),
        (LOCAL.format("Local"), "cores"),
        (LOCAL.format("Local") + "    cores: two\n", "cores=two is not of type"),
        (LOCAL.format("Local") + "    core: 2\n", "cores"),  # what it does not know is a variable, for it
        (LOCAL.format("Slurm"), "nodes"),
        ("site: mine", "site is no mapping"),
        (LAPTOP + "payload: 5\n", "payload is no mapping"),
        (LAPTOP.replace("2", "0"), "cores 0 is no number from 1 on"),
        (LAPTOP.replace("2", "-3"), "cores -3 is no number from 1 on"),
        (LAPTOP.replace("2", "true"), "cores True is no number"),
        (LAPTOP + "    retries: -1\n", "retries -1 is no number from 0 on"),
        (LAPTOP + "    environment: true\n", "leave it out"),
        (LAPTOP + "    environment: {A: b}\n", "leave it out"),
        (LAPTOP + "environment: true\n", "'bool' object is not iterable"),
        (LAPTOP + "    commandPrefix: 5\n", "commandPrefix=5 is not of type"),
        (LAPTOP + "    run_dir: /a b\n", "cannot have ' '"),
        (LAPTOP + "    submitPath: /tmp\n", "submitPath is up to the job"),
        (LAPTOP + "clusterAlgorithm: no.such.function\n", "no.such.function"),
        (LAPTOP + "clusterAlgorithm: 5\n", "Unhandled type of importable, val: 5"),
        (LAPTOP + "clusterAlgorithm: pathlib\n", "clusterAlgorithm pathlib is no function"),
        (LAPTOP + "includeConfigs: [/no/such.yaml]\n", "'/no/such.yaml'"),
        (LAPTOP + "includeConfigs: such.yaml\n", "includeConfigs such.yaml: write an absolute path"),
        (LAPTOP + "memoryMultiplier: lots\n", "could not convert string to float"),
        (LAPTOP + "payload: {runInit: false}\n", "runInit or finalJob is switched off"),
        (LAPTOP + "finalJob: {whenRun: NEVER}\n", "runInit or finalJob is switched off"),
        (LAPTOP + "parsl: {log_level: LOUD}\n", "Unrecognised parsl.log_level: LOUD"),
        (LAPTOP + "outCollection: a\n", "'outCollection' is deprecated"),
        (SLURM.replace("3", "-3"), "nodes -3 is no number from 1 on"),
        (SLURM, "sbatch, which submits the workers, is not on this machine"),
    ],
)
def test_site_that_cannot_be_used(text: str, reason: str, tmp_path: Path) -> None:
    pytest.importorskip("lsst.ctrl.bps.parsl")
    (tmp_path / "site.yaml").write_text(text)
    line = refusal(f"parsl:{tmp_path / 'site.yaml'}", tmp_path)
    assert line.count(f"{tmp_path / 'site.yaml'}: ") == 1
    assert reason in line
    assert line.endswith("Nothing was touched.")


@pytest.fixture
def sbatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name, for a site of Slurm."""
    pytest.importorskip("lsst.ctrl.bps.parsl")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sbatch").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)


@pytest.mark.usefixtures("sbatch")
@pytest.mark.parametrize("walltime", ["forever", "00:00:30", "01:00", "-1:00:00"])
def test_walltime_that_is_none(walltime: str, tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(SLURM.replace("00:59:00", walltime))
    assert f"walltime {walltime} is no time HH:MM:SS" in refusal(f"parsl:{tmp_path / 'site.yaml'}", tmp_path)


@pytest.mark.usefixtures("sbatch")
def test_documented_site_can_be_used(tmp_path: Path) -> None:
    text = DOCUMENTED.read_text(encoding="utf-8").partition("e.g. for Slurm::\n")[2]
    lines = itertools.takewhile(lambda line: line[:4].isspace() or not line, text.splitlines())
    site = textwrap.dedent("\n".join(lines))
    assert "sites.Slurm" in site
    (tmp_path / "site.yaml").write_text(site)
    assert read_batch(f"parsl:{tmp_path / 'site.yaml'}") == site


@pytest.mark.parametrize("more", ["", "environment: {A: b}\n", "    retries: 0\n", "requestMemory: 4096\n"])
def test_site_that_can_be_used(more: str, tmp_path: Path) -> None:
    pytest.importorskip("lsst.ctrl.bps.parsl")
    (tmp_path / "site.yaml").write_text(LAPTOP + more)
    assert read_batch(f"parsl:{tmp_path / 'site.yaml'}") == LAPTOP + more


@pytest.mark.parametrize("strange", ["sp ace", "o'd", 'o"d', "a$b", "a{b}", "a;b", "a\\b", "a*", "a`b"])
@pytest.mark.parametrize("option", ["--out", "--repo"])
def test_path_that_commands_cannot_have(option: str, strange: str, tmp_path: Path) -> None:
    """Parsl and lsst.ctrl.bps quote the paths of their files nowhere; the process of pipetask takes these."""
    pytest.importorskip("lsst.ctrl.bps.parsl")
    path = tmp_path / strange / "there"
    options = {"--out": str(tmp_path / "run"), option: str(path)}
    command = ["auxtel/make_latiss_calibrations.py", "--simulate", "--batch", "parsl"]
    ended = CliRunner().invoke(main, [*command, *itertools.chain(*options.items())])
    assert ended.exit_code == 2
    (line,) = [line for line in ended.output.splitlines() if line.startswith("Error: ")]
    assert line.startswith(f"Error: --batch: {path}: the commands of the batch system cannot have ")
    assert line.endswith("Nothing was touched.")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("plain", ["/a/b-c_d.e", "/a/über", "/a/b=c,d:e@f+g%h"])
def test_path_that_commands_can_have(plain: str) -> None:
    assert command_problem(Path(plain)) is None
    assert shlex.split(plain) == [plain]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("htcondor", "write parsl for the packaged site"),
        ("parsl:", "write parsl for the packaged site"),
        ("parsl:/no/such/file", "it cannot be read: No such file or directory"),
        ("parsl:/", "it cannot be read: Is a directory"),
    ],
)
def test_site_that_is_not_there(asked: str, reason: str, tmp_path: Path) -> None:
    pytest.importorskip("lsst.ctrl.bps.parsl")
    assert reason in refusal(asked, tmp_path)


def test_extra_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_NEEDED", ("lsst.no_such_package.parsl",))
    line = refusal("parsl", tmp_path)
    assert "lsst.no_such_package.parsl is not installed: pip install 'ts-calibrations[batch]'" in line


def test_packaged_site_listens_on_this_machine_alone() -> None:
    bps = pytest.importorskip("lsst.ctrl.bps")
    import yaml
    from lsst.ctrl.bps.parsl.workflow import get_parsl_config

    site = bps.BpsConfig(yaml.safe_load(read_batch("parsl")), defaults={"operator": "me"})
    (executor,) = get_parsl_config(site).executors
    assert (executor.address, executor.max_workers_per_node) == ("127.0.0.1", 2)
