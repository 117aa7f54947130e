"""Which quanta are run by one process: those of a detector, as the start of a process takes seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsst.ctrl.bps import BpsConfig, ClusteredQuantumGraph
from lsst.ctrl.bps.quantum_clustering_funcs import dimension_clustering

if TYPE_CHECKING:
    from lsst.pipe.base.pipeline_graph import PipelineGraph
    from lsst.pipe.base.quantum_graph import PredictedQuantumGraph

__all__ = ["cluster_by_detector", "clusters"]


def cluster_by_detector(config: BpsConfig, qgraph: PredictedQuantumGraph, name: str) -> ClusteredQuantumGraph:
    """Run all quanta of a detector in one process, for the ``clusterAlgorithm`` of a site.

    Parameters
    ----------
    config, qgraph, name
        As for the functions of ``lsst.ctrl.bps.quantum_clustering_funcs``.

    Returns
    -------
    clustered
        With a process for each detector, and one for what merges the results of detectors.
    """
    config["cluster"] = clusters(qgraph.pipeline_graph)
    return dimension_clustering(config, qgraph, name)


def clusters(pipeline: PipelineGraph) -> dict[str, dict[str, str]]:
    """Decide which tasks of a pipeline go together.

    A task that merges detectors ends the cluster of those before it, and a task for each detector that needs
    its result begins another: so no two clusters wait for each other.

    Parameters
    ----------
    pipeline
        With its tasks in the order in which they run.

    Returns
    -------
    clusters
        The section ``cluster`` of a submit description.
    """
    graph = pipeline.make_task_xgraph()
    step: dict[str, int] = {}
    found: dict[str, dict[str, str]] = {}
    for label, task in pipeline.tasks.items():
        before = [key.name for key in graph.predecessors(task.key)]
        step[label] = max(
            (step[each] + (_of_detector(pipeline, each) != _of_detector(pipeline, label)) for each in before),
            default=0,
        )
        kind = "detector" if _of_detector(pipeline, label) else "merging"
        cluster = found.setdefault(f"{kind}{step[label]}", {"dimensions": "detector"})
        if kind == "merging":
            cluster.pop("dimensions", None)
        cluster["pipetasks"] = ",".join(filter(None, [cluster.get("pipetasks"), label]))
    return found


def _of_detector(pipeline: PipelineGraph, label: str) -> bool:
    return "detector" in pipeline.tasks[label].raw_dimensions
