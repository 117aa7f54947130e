"""The simulated topics are those of the observatory, by its own interface files."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lsst.ts.calibrations.domain.instruments import INSTRUMENTS, Instrument
from lsst.ts.simulated_observatory.embedded_sal.component_info import (
    FieldInfo,
    component_info,
    component_names,
)

FOLDER = os.environ.get("TS_XML_INTERFACES")
needs_xml = pytest.mark.skipif(
    FOLDER is None, reason="TS_XML_INTERFACES does not name a folder of interface files"
)


def topics_in(*files: str) -> dict[str, dict[str, FieldInfo]]:
    """Return the topics of interface files: fields by topic name without the component."""
    topics = {}
    for path in (Path(FOLDER or "") / file for file in files):
        root = ElementTree.parse(path).getroot() if path.is_file() else ElementTree.Element("none")  # noqa: S314
        for element in (*root.iter("SALCommand"), *root.iter("SALEvent")):
            name = element.findtext("EFDB_Topic", "").partition("_")[2]
            topics[name] = {field.name: field for field in map(field_in, element.iter("item"))}
    return topics


def field_in(item: ElementTree.Element) -> FieldInfo:
    sal_type = item.findtext("IDL_Type", "")
    count = 1 if sal_type == "string" else int(item.findtext("Count", "1"))
    return FieldInfo(item.findtext("EFDB_Name", ""), sal_type, count)


def generics_by_category() -> dict[str, set[str]]:
    categories: dict[str, set[str]] = {}
    root = ElementTree.parse(Path(FOLDER or "") / "SALGenerics.xml").getroot()  # noqa: S314
    for element in (*root.iter("SALCommand"), *root.iter("SALEvent")):
        name = element.findtext("EFDB_Topic", "").partition("_")[2]
        categories.setdefault(element.findtext("Category", ""), set()).add(name)
    return categories


@needs_xml
@pytest.mark.parametrize("name", component_names())
def test_every_topic_and_field_is_one_of_the_observatory(name: str) -> None:
    own = topics_in(f"{name}_Commands.xml", f"{name}_Events.xml")
    generic = topics_in("SALGenerics.xml")
    for topic in component_info(name).topics.values():
        assert dict(topic.fields) == (own | generic)[topic.sal_name], topic.sal_name


@needs_xml
@pytest.mark.parametrize("name", component_names())
def test_a_component_is_indexed_and_has_the_generics_as_in_the_observatory(name: str) -> None:
    root = ElementTree.parse(Path(FOLDER or "") / "SALSubsystems.xml").getroot()  # noqa: S314
    (element,) = [element for element in root if element.findtext("Name") == name]
    info = component_info(name)
    assert info.indexed == (element.findtext("IndexEnumeration", "").strip() != "no")
    added = [generic.strip() for generic in element.findtext("AddedGenerics", "").split(",")]
    assert list(info.generics) == added
    categories = generics_by_category()
    expected = {topic for generic in ["mandatory", *added] for topic in categories.get(generic, {generic})}
    generic_topics = topics_in("SALGenerics.xml")
    assert {topic.sal_name for topic in info.topics.values() if topic.sal_name in generic_topics} == expected


def test_the_components_of_a_latiss_run_are_there() -> None:
    assert set(component_names()) >= {
        "ATCamera",
        "ATSpectrograph",
        "ATHeaderService",
        "ATOODS",
        "OCPS",
        "Script",
    }


@pytest.mark.parametrize("prefix", ["CC", "MT"])
def test_the_sister_cameras_change_filters_and_that_of_latiss_does_not(prefix: str) -> None:
    sister, latiss = component_info(f"{prefix}Camera"), component_info("ATCamera")
    assert set(sister.topics) - set(latiss.topics) == {
        "cmd_initGuiders",
        "cmd_setFilter",
        "evt_startSetFilter",
        "evt_endSetFilter",
        "evt_availableFilters",
    }
    assert {f"{prefix}HeaderService", f"{prefix}OODS"} <= set(component_names())


@pytest.mark.parametrize("instrument", INSTRUMENTS.values(), ids=INSTRUMENTS)
def test_each_instrument_has_its_components(instrument: Instrument) -> None:
    topics = [set(component_info(name).topics) for name in instrument.components]
    assert ("cmd_setFilter" in topics[0]) == (instrument.spectrograph is None)
    assert "evt_imageInOODS" in topics[-1]


def test_an_unknown_component_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no SAL component 'ATDome'.*ATCamera"):
        component_info("ATDome")
