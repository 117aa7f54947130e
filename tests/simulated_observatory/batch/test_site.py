"""What is wrong with a site, or that it cannot be used, is said before anything is touched."""

from __future__ import annotations

import itertools
import os
import shlex
import textwrap
from pathlib import Path

import pytest
import yaml
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


def written(text: str, folder: Path) -> str:
    """Write a site into a file; give what asks for it."""
    (folder / "site.yaml").write_text(text)
    return f"parsl:{folder / 'site.yaml'}"


def refusal(asked: str, folder: Path) -> str:
    arguments = ["auxtel/make_latiss_calibrations.py", "--simulate", "--plan", "--out", str(folder / "run")]
    ended = CliRunner().invoke(main, [*arguments, "--batch", asked])
    assert ended.exit_code == 2
    assert not (folder / "run").exists()
    (line,) = [line for line in ended.output.splitlines() if line.startswith("Error: ")]
    return line


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("computeSite: [", "it is no YAML"),
        pytest.param("a: " + 999 * "[" + 999 * "]", "it is no YAML: RecursionError", id="nested"),
        ("computeSite: 2026-99-99", "it is no YAML: ValueError"),
        ("- computeSite", "it: ['computeSite'] is not of type 'object'"),
        ("site: {}", "'computeSite' is a required property"),
        ("computeSite: elsewhere\nsite:\n  mine:\n    class: a.b\n", "elsewhere"),
        ("computeSite: mine\nsite:\n  mine:\n    class: no.such.Site\n", "no.such.Site"),
        ("computeSite: mine\nsite:\n  mine:\n    class: pathlib.Path\n", "is not a SiteConfig subclass"),
        (LOCAL.format("Local"), "cores"),
        (LOCAL.format("Local") + "    cores: two\n", "site.mine.cores: 'two' is not of type 'integer'"),
        (LOCAL.format("Local") + "    core: 2\n", "site.mine: Additional properties are not allowed ('core'"),
        (LOCAL.format("Slurm"), "nodes"),
        ("computeSite: mine\nsite: mine", "site: 'mine' is not of type 'object'"),
        (LAPTOP + "pipetask: {isr: 5}\n", "pipetask.isr: 5 is not of type 'object'"),
        (LAPTOP + "parsl: 5\n", "parsl: 5 is not of type 'object'"),
        (LAPTOP.replace("2", "0"), "site.mine.cores: 0 is less than the minimum of 1"),
        (LAPTOP.replace("2", "-3"), "site.mine.cores: -3 is less than the minimum of 1"),
        (LAPTOP.replace("2", "true"), "site.mine.cores: True is not of type 'integer'"),
        (LAPTOP.replace("2", "2" * 20), "is greater than the maximum of 10000"),
        (LAPTOP + "    retries: -1\n", "site.mine.retries: -1 is less than the minimum of 0"),
        (
            LAPTOP + "wmsServiceClass: a.b\n",
            "wmsServiceClass: 'lsst.ctrl.bps.parsl.ParslService' was expected",
        ),
        (LAPTOP + "1: 2\npipetask: {1: 5, isr: 5}\n", "Additional properties are not allowed (1 was"),
        (LAPTOP + "    run_dir: ''\n", "run_dir is empty"),
        (LAPTOP + "    commandPrefix: 5\n", "site.mine.commandPrefix: 5 is not of type 'string'"),
        (LAPTOP + "clusterAlgorithm: os.getcwd\n", "clusterAlgorithm: 'os.getcwd' is not one of"),
        (LAPTOP + "clusterAlgorithm: 5\n", "clusterAlgorithm: 5 is not one of"),
        (LAPTOP + "requestMemory: lots\n", "requestMemory: 'lots' is not of type 'integer'"),
        (LAPTOP + "parsl: {log_level: LOUD}\n", "parsl.log_level: 'LOUD' is not one of"),
        (SLURM.replace("3", "-3"), "site.mine.nodes: -3 is less than the minimum of 1"),
        (SLURM, "sbatch, which handles the workers, is not on this machine"),
    ],
)
def test_site_that_cannot_be_used(text: str, reason: str, tmp_path: Path) -> None:
    pytest.importorskip("lsst.ctrl.bps.parsl")
    line = refusal(written(text, tmp_path), tmp_path)
    assert line.count(f"{tmp_path / 'site.yaml'}: ") == 1
    assert reason in line
    assert line.endswith("Nothing was touched.")


@pytest.mark.parametrize(
    "more",
    [
        "    environment: true\n",
        "    submitPath: /tmp\n",
        "    runQuantumCommand: echo done\n",
        "payload: {runInit: false}\n",
        "pipetask: {isr: {runQuantumCommand: echo done}}\n",
        "cluster: {detector0: {runQuantumCommand: echo done}}\n",
        "cloud: {runQuantumCommand: 'true'}\n",
        "includeConfigs: [/no/such.yaml]\n",
        "finalJob: {whenRun: NEVER}\n",
        "outCollection: a\n",
        "pipetaskOutput: -o evil\n",
        "runPreCmdOpts: --no-such\n",
        "extraInitOptions: --no-such\n",
        "executionButlerDir: /etc\n",
        "numberOfRetries: x\n",
        "memoryMultiplier: lots\n",
    ],
)
def test_entry_that_a_site_cannot_have(more: str, tmp_path: Path) -> None:
    """It would make the job another one, fail after the first exposure, or have no effect."""
    pytest.importorskip("lsst.ctrl.bps.parsl")
    found = refusal(written(LAPTOP + more, tmp_path), tmp_path)
    assert f"not allowed ('{next(iter(yaml.safe_load(more)))}' was unexpected)" in found or "runQ" in found


@pytest.fixture
def sbatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs of the names that a site of Slurm needs."""
    pytest.importorskip("lsst.ctrl.bps.parsl")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sbatch", "squeue", "scancel"):
        (programs / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)


@pytest.mark.usefixtures("sbatch")
def test_workers_that_could_not_be_given_back(tmp_path: Path) -> None:
    (tmp_path / "bin" / "scancel").unlink()
    assert "scancel, which handles the workers, is not on" in refusal(written(SLURM, tmp_path), tmp_path)


@pytest.mark.usefixtures("sbatch")
@pytest.mark.parametrize("walltime", ["forever", "00:00:30", "01:00", "-1:00:00"])
def test_walltime_that_is_none(walltime: str, tmp_path: Path) -> None:
    assert f"site.mine.walltime: '{walltime}' does not match" in refusal(
        written(SLURM.replace("00:59:00", walltime), tmp_path), tmp_path
    )


@pytest.mark.usefixtures("sbatch")
def test_documented_site_can_be_used(tmp_path: Path) -> None:
    text = DOCUMENTED.read_text(encoding="utf-8").partition("e.g. for Slurm::\n")[2]
    lines = itertools.takewhile(lambda line: line[:4].isspace() or not line, text.splitlines())
    site = textwrap.dedent("\n".join(lines))
    assert "sites.Slurm" in site
    assert read_batch(written(site, tmp_path)) == site


@pytest.mark.parametrize(
    "more",
    [
        "",
        "wmsServiceClass: lsst.ctrl.bps.parsl.ParslService\n",
        "    retries: 0\n",
        "  other:\n    profile: {condor: {}}\n",
        "requestMemory: 4096\n",
        "pipetask: {cpPtcSolve: {requestMemory: 8192}}\n",
        "parsl: {log_level: DEBUG}\n",
        "clusterAlgorithm: lsst.ctrl.bps.quantum_clustering_funcs.single_quantum_clustering\n",
    ],
)
def test_site_that_can_be_used(more: str, tmp_path: Path) -> None:
    pytest.importorskip("lsst.ctrl.bps.parsl")
    assert read_batch(written(LAPTOP + more, tmp_path)) == LAPTOP + more


@pytest.mark.parametrize(
    ("folder", "reason"),
    [("/a b", "cannot have ' '"), ("/proc/nope", "No such file or directory"), ("/dev/null", "File exists")],
)
def test_folder_of_parsl_that_cannot_be_made(folder: str, reason: str, tmp_path: Path) -> None:
    pytest.importorskip("lsst.ctrl.bps.parsl")
    found = refusal(written(f"{LAPTOP}    run_dir: {folder}\n", tmp_path), tmp_path)
    assert f"run_dir {folder}: " in found
    assert reason in found


def test_folder_of_parsl_is_not_left(tmp_path: Path) -> None:
    pytest.importorskip("lsst.ctrl.bps.parsl")
    folders = (tmp_path / "new" / "info", Path("info"))
    for folder in folders:
        read_batch(written(f"{LAPTOP}    run_dir: {folder}\n", tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["site.yaml"]
    assert not folders[1].exists()


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


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("raise ImportError('libzmq.so.5:\\ncannot open')", "ImportError: libzmq.so.5: cannot open"),
    ],
)
def test_extra_that_is_not_installed_or_broken(
    code: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_parsl.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "_NEEDED", ("broken_parsl",))
    line = refusal("parsl", tmp_path)
    assert f"broken_parsl cannot be imported ({reason}): pip install 'ts-calibrations[batch]'" in line


def test_packaged_site_listens_on_this_machine_alone() -> None:
    bps = pytest.importorskip("lsst.ctrl.bps")
    from lsst.ctrl.bps.parsl.workflow import get_parsl_config

    site = bps.BpsConfig(yaml.safe_load(read_batch("parsl")), defaults={"operator": "me"})
    (executor,) = get_parsl_config(site).executors
    assert (executor.address, executor.max_workers_per_node) == ("127.0.0.1", 2)
