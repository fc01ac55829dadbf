"""AWS::ApiGatewayV2::*: HTTP APIs. Each part has an operation to make, change and delete it, whose
parameters are the properties; so a part is a row of a table."""

import json
from dataclasses import dataclass
from typing import Any

from stoker.core.stacks.errors import ValidationError
from stoker.stacks.work import Kind, Made, Work, words

API = "apigatewayv2"


@dataclass(frozen=True, slots=True)
class Part:
    """Of an API: what AWS calls it, and by which of its own values it is known."""

    noun: str  # CreateRoute
    id: str  # RouteId: what its answer and Ref have
    replaced_by: frozenset[str] = frozenset({"ApiId"})
    named: bool = False  # its id is a property

    async def create(self, work: Work) -> Made:
        found = await work.ask(API, f"Create{self.noun}", **work.properties)
        return Made(found[self.id], {self.id: found[self.id]})

    async def update(self, work: Work) -> Made:
        fixed = self.replaced_by - {"ApiId"}
        asked = {**work.without(*fixed, "Tags"), self.id: work.physical}
        await work.ask(API, f"Update{self.noun}", **asked)
        return Made(work.physical, work.attributes)

    async def delete(self, work: Work) -> None:
        known = {"ApiId": work.properties["ApiId"], self.id: work.physical}
        await work.ask(API, f"Delete{self.noun}", **known)

    @property
    def kind(self) -> Kind:
        return Kind(
            f"AWS::ApiGatewayV2::{self.noun}", self.create, self.delete, self.update,
            replaced_by=self.replaced_by, named=self.id if self.named else None,
            tags="map" if self.noun == "Stage" else None,
        )  # fmt: skip


async def _body(work: Work) -> dict[str, Any]:
    """What ImportApi is told: the document, or where it lies."""
    if "BodyS3Location" in work.properties:
        where = work.properties["BodyS3Location"]
        place = {key: where[key] for key in ("Bucket", "Key") if key in where}
        found = await work.ask("s3", "GetObject", **place)
        return {"Body": found["Body"].decode()}
    return {"Body": json.dumps(work.properties["Body"])}


IMPORTED = words("Body BodyS3Location FailOnWarnings BasePath Tags")


async def _create_api(work: Work) -> Made:
    if "Body" in work.properties or "BodyS3Location" in work.properties:
        more = work.only("FailOnWarnings", "BasePath")
        found = await work.ask(API, "ImportApi", **await _body(work), **more)
        made = await _of_api(work, found)
        await _set_api(work, made.physical)
        return made
    if "Name" not in work.properties:
        raise ValidationError("An API needs a Body, or a Name and a ProtocolType")
    return await _of_api(work, await work.ask(API, "CreateApi", **work.properties))


async def _of_api(work: Work, found: dict[str, Any]) -> Made:
    id = found["ApiId"]
    arn = work.arn("execute-api", f"{id}/*/*/*")
    attributes = {"ApiId": id, "ApiEndpoint": found.get("ApiEndpoint", ""), "ExecuteApiArn": arn}
    await work.exists(id, attributes)
    return Made(id, attributes)


async def _update_api(work: Work) -> Made:
    if work.changed("Body", "BodyS3Location"):
        more = work.only("FailOnWarnings", "BasePath")
        await work.ask(API, "ReimportApi", ApiId=work.physical, **await _body(work), **more)
    await _set_api(work, work.physical)
    return Made(work.physical, work.attributes)


async def _set_api(work: Work, id: str) -> None:
    """What is said beside a document, too."""
    settings = work.without(*IMPORTED, "ProtocolType")
    if settings:
        await work.ask(API, "UpdateApi", ApiId=id, **settings)
    if work.before.get("CorsConfiguration") and "CorsConfiguration" not in work.properties:
        await work.ask(API, "DeleteCorsConfiguration", ApiId=id)
    arn = f"arn:aws:apigateway:{work.region}::/apis/{id}"
    wanted, gone = work.retagging()
    if gone:
        await work.ask(API, "UntagResource", ResourceArn=arn, TagKeys=gone)
    if wanted:
        await work.ask(API, "TagResource", ResourceArn=arn, Tags=wanted)


async def _delete_api(work: Work) -> None:
    await work.ask(API, "DeleteApi", ApiId=work.physical)


PARTS = (
    Part("Authorizer", "AuthorizerId"),
    Part("Deployment", "DeploymentId"),
    Part("Integration", "IntegrationId"),
    Part("Route", "RouteId"),
    Part("Stage", "StageName", words("ApiId StageName"), named=True),
)

KINDS = (
    Kind(
        "AWS::ApiGatewayV2::Api", _create_api, _delete_api, _update_api,
        replaced_by=words("ProtocolType"), tags="map",
    ),
    *(part.kind for part in PARTS),
)  # fmt: skip
