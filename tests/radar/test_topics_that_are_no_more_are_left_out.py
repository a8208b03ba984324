"""The list of topics, with those that are a part of another by now, or without."""

from pathlib import Path

from pulse_radar.radar.settings import RadarSettings
from pulse_radar.radar.store import Cluster, open_store
from pulse_radar.settings import Settings
from tests.radar.api import application


async def test_topics_are_listed_with_or_without_those_that_were_merged(tmp_path: Path) -> None:
    async with (
        application(tmp_path) as (_, client),
        open_store(Settings.load(data_dir=tmp_path), RadarSettings.load()) as store,
    ):
        async with store.writing() as session:
            for name, into in (("whole", None), ("part", "whole")):
                session.add(
                    Cluster(id=name, name=name, keywords=[], atoms=1, trend="steady", merged_into=into)
                )
        for asked, found in (("", {"whole", "part"}), ("false", {"whole"}), ("true", {"part"})):
            query = {"is_merged": asked} if asked else {}
            listed = (await client.get("/topics", params=query)).json()["items"]
            assert {topic["id"] for topic in listed} == found
