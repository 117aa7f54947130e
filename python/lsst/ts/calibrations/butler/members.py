"""Exposures that a pipeline did not use for a calibration, as the metadata of what it made say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..domain.text import some_of

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

    from .repository import Repository

__all__ = ["Members", "members_of", "metadata_of"]

# Begin of the keys, which end with ``EXPOSURES`` and ``REASONS``; cp_pipe, which uses all, has none.
LEFT_OUT, ODD = "LEFT OUT", "ODD"

MOST = 3
"""Detectors named with a reason, and reasons that are told; the metadata of the products have all."""

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Members:
    """What became of the exposures of a calibration."""

    left_out: Mapping[int, str] = field(default_factory=dict)
    """Why exposures were used for no detector, by exposure id."""
    odd: Mapping[int, str] = field(default_factory=dict)
    """What is odd in exposures that were used, or why some detectors did not use them."""


def members_of(products: Mapping[str, Any]) -> Members:
    """Read what became of the exposures.

    Parameters
    ----------
    products
        Metadata of the calibration, or the calibration itself, by detector name.

    Returns
    -------
    members
        The exposures that were left out, or are odd; none if the metadata do not name any.

    Raises
    ------
    ValueError
        The metadata name them in another way.
    """
    found = {name: _metadata(product) for name, product in products.items()}
    left_out = {name: _reasons(each, LEFT_OUT) for name, each in found.items()}
    odd = {name: _reasons(each, ODD) for name, each in found.items()}
    everywhere = set.intersection(*(set(each) for each in left_out.values())) if left_out else set[int]()
    somewhere = set[int]().union(*left_out.values(), *odd.values()) - everywhere
    partly = {
        name: odd[name] | {key: f"left out: {why}" for key, why in left_out[name].items()} for name in found
    }
    return Members(
        {exposure: _text(left_out, exposure) for exposure in sorted(everywhere)},
        {exposure: _text(partly, exposure) for exposure in sorted(somewhere)},
    )


def _text(reasons: Mapping[str, Mapping[int, str]], exposure: int) -> str:
    """The reasons of the detectors; of those with the same but for its numbers, that of the first."""
    texts = {name: each[exposure] for name, each in sorted(reasons.items()) if exposure in each}
    if len(reasons) == 1:
        return texts.popitem()[1]
    alike: dict[str, list[tuple[str, str]]] = {}
    for name, why in texts.items():
        alike.setdefault(_NUMBER.sub("", why), []).append((name, why))
    told = [f"{some_of([name for name, _ in group], MOST)}: {group[0][1]}" for group in alike.values()]
    return some_of(told, MOST, "; ")


def _metadata(product: Any) -> Mapping[str, Any]:
    metadata = (
        product.getMetadata() if hasattr(product, "getMetadata") else getattr(product, "metadata", product)
    )
    return metadata if hasattr(metadata, "get") else {}


def _reasons(metadata: Mapping[str, Any], key: str) -> dict[int, str]:
    """Reasons by exposure id; a single one need not be in a list."""
    ids, reasons = (_list(metadata.get(f"{key} {part}")) for part in ("EXPOSURES", "REASONS"))
    return {int(each): str(reason) for each, reason in zip(ids, reasons, strict=True)}


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def metadata_of(repository: Repository, ref: DatasetRef) -> Any:
    """Read the metadata of a calibration, or as little of it as can be read with them.

    Parameters
    ----------
    repository, ref
        Where, in its thread, and the calibration.

    Returns
    -------
    metadata
        As they are stored, or an image that has them.
    """
    kind = ref.datasetType.storageClass
    if "metadata" in kind.components:
        return repository.read(ref.makeComponentRef("metadata"))
    return repository.read(ref, {"rows": (0, 1)} if "rows" in kind.parameters else None)
