"""Topics: atoms about the same thing, found by the words that they share, with a name, a trend and an id that stays."""

from pulse_radar.radar.knowledge.topics.topic import Topic
from pulse_radar.radar.knowledge.topics.topic_map import Changes, TopicMap

__all__ = ["Changes", "Topic", "TopicMap"]
