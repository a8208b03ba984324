"""The topics of live layers, their typed events, and the JSON schema of what is in them."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec
from pydantic import ConfigDict
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from pulse_radar.brokers.topic_spec import StateTopic, TopicSpec
from pulse_radar.errors import UsageError
from pulse_radar.events import Event

__all__ = [
    "REFERENCE",
    "Catalogue",
    "DeclaredEvent",
    "DeclaredTopic",
    "NotGenerated",
    "Schema",
    "catalogue_of",
]

Schema: TypeAlias = dict[str, Any]

# How one schema names another.
REFERENCE: Final = "#/$defs/"

_MODE: Final[JsonSchemaMode] = "serialization"


class NotGenerated(UsageError):
    """A file was not written by us, or not by a version that can be compared with."""


class DeclaredEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event: its name on the wire, the schema of its data, the field that its key is taken from."""

    name: str
    data: Schema
    key_field: str | None = None


class DeclaredTopic(msgspec.Struct, frozen=True):
    """A topic and its typed events; none, where nothing is said of what is published on it."""

    name: str
    kind: Literal["log", "state"]
    events: tuple[DeclaredEvent, ...]


class Catalogue(msgspec.Struct, frozen=True):
    """All that is declared. `schemas`: what the data of events refers to, by name."""

    topics: tuple[DeclaredTopic, ...]
    schemas: dict[str, Schema]

    def resolve(self, schema: Schema) -> Schema:
        """The schema itself, where it only names another one."""
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].removeprefix(REFERENCE)]
        return schema


def catalogue_of(specs: Iterable[TopicSpec], events: Mapping[str, Sequence[type[Event]]]) -> Catalogue:
    """The catalogue of these topics and the typed events of each.

    The schemas are of what is sent: `model_dump(mode="json")`, in which each field is present.
    """
    topics = tuple(specs)
    models = [model for spec in topics for model in events.get(spec.name, ())]
    references, document = models_json_schema(
        [(model, _MODE) for model in models],
        by_alias=False,
        ref_template=f"{REFERENCE}{{model}}",
        schema_generator=_Sent,
    )
    return Catalogue(
        tuple(
            DeclaredTopic(
                spec.name,
                "state" if isinstance(spec, StateTopic) else "log",
                tuple(
                    DeclaredEvent(model.NAME, references[model, _MODE], model.KEY_FIELD)
                    for model in events.get(spec.name, ())
                ),
            )
            for spec in topics
        ),
        document.get("$defs", {}),
    )


class _Sent(GenerateJsonSchema):
    """Schemas as pydantic makes them, but of what is sent: a field with a default like any other, and the fields of
    each model under the names that its own configuration says.
    """

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        with self._named_as(schema["cls"].model_config):
            return super().model_schema(schema)

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        with self._named_as(getattr(schema["cls"], "__pydantic_config__", ConfigDict())):
            return super().dataclass_schema(schema)

    @contextlib.contextmanager
    def _named_as(self, config: ConfigDict) -> Iterator[None]:
        around, self.by_alias = self.by_alias, bool(config.get("serialize_by_alias"))
        yield
        self.by_alias = around

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        return field["type"] != "typed-dict-field" or super().field_is_required(field, total)

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        # OpenAPI's word, which AsyncAPI has in another sense; the constants of the members say as much.
        union = super().tagged_union_schema(schema)
        union.pop("discriminator", None)
        return union

    def field_title_should_be_set(self, schema: Any) -> bool:
        # It repeats the field's name.
        return False
