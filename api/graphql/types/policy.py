"""The palette of routing policies: each with its parameters, as a frontend needs them to draw a form."""

from __future__ import annotations

from enum import Enum

import strawberry

from api.graphql.scalars import Json
from core.routing import palette


@strawberry.enum(description="What a parameter is.")
class ParameterType(Enum):
    """`core.routing.palette.ParameterType`."""

    BOOLEAN = strawberry.enum_value("boolean", description="true or false.")
    INTEGER = strawberry.enum_value("integer", description="A whole number.")
    NUMBER = strawberry.enum_value("number", description="A number.")
    STRING = strawberry.enum_value("string", description="Text.")
    ENUM = strawberry.enum_value("enum", description="One of `choices`.")
    MODEL = strawberry.enum_value("model", description="The id of a model.")
    LIST = strawberry.enum_value("list", description="A list of `items`.")
    MAP = strawberry.enum_value("map", description="A map from names to `items`.")
    OBJECT = strawberry.enum_value("object", description="An object of `fields`.")


@strawberry.type(description="One parameter of a policy; or one item of a list or a map, then without a name.")
class PolicyParameter:
    """`core.routing.palette.Parameter`."""

    name: str = strawberry.field(description="Its name in the file and in `parameters`; empty for an item.")
    title: str = strawberry.field(description="What a form calls it.")
    type: ParameterType = strawberry.field(description="What it is.")
    help: str = strawberry.field(description="What it does.")
    unit: str = strawberry.field(description="Its unit; empty for none.")
    required: bool = strawberry.field(description="Whether it has to be given.")
    default: Json | None = strawberry.field(description="What it is when it is not given; null where there is no such thing.")
    minimum: float | None = strawberry.field(description="The least number.")
    maximum: float | None = strawberry.field(description="The greatest number.")
    exclusive_minimum: bool = strawberry.field(description="Whether the number must be above `minimum`.")
    exclusive_maximum: bool = strawberry.field(description="Whether the number must be below `maximum`.")
    max_length: int | None = strawberry.field(description="The most characters or items.")
    choices: list[str] = strawberry.field(description="The words that an enum may be.")
    items: PolicyParameter | None = strawberry.field(description="What a list or a map holds.")
    fields: list[PolicyParameter] = strawberry.field(description="What an object has.")

    @classmethod
    def of(cls, found: palette.Parameter) -> PolicyParameter:
        """A parameter of the palette, with all that is in it."""
        return cls(
            name=found.name,
            title=found.title,
            type=ParameterType(found.type),
            help=found.help,
            unit=found.unit,
            required=found.required,
            default=Json(found.default) if found.default is not None else None,
            minimum=found.minimum,
            maximum=found.maximum,
            exclusive_minimum=found.exclusive_minimum,
            exclusive_maximum=found.exclusive_maximum,
            max_length=found.max_length,
            choices=[*found.choices],
            items=cls.of(found.items) if found.items is not None else None,
            fields=[cls.of(field) for field in found.fields],
        )


@strawberry.type(description="A routing policy that a project can use.")
class PolicyDescription:
    """`core.routing.palette.PolicyDescription`."""

    kind: str = strawberry.field(description="What `routing.yaml` calls it.")
    title: str = strawberry.field(description="What people call it.")
    help: str = strawberry.field(description="What it prefers, and what it leaves out.")
    documentation: str = strawberry.field(description="Where it is described in full.")
    calls_a_model: bool = strawberry.field(description="Whether it costs time and money of its own.")
    parameters: list[PolicyParameter] = strawberry.field(description="Its parameters, in order.")

    @classmethod
    def of(cls, found: palette.PolicyDescription) -> PolicyDescription:
        """A policy of the palette."""
        return cls(
            kind=found.kind,
            title=found.title,
            help=found.help,
            documentation=found.documentation,
            calls_a_model=found.calls_a_model,
            parameters=[PolicyParameter.of(parameter) for parameter in found.parameters],
        )


POLICIES = [PolicyDescription.of(found) for found in palette.palette()]
