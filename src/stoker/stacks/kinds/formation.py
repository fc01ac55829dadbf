"""AWS::CloudFormation::* and what is no resource at all."""

from stoker.stacks import custom
from stoker.stacks.work import Kind, Made, Work, nothing, words


async def _nothing_made(work: Work) -> Made:
    return Made(work.physical or work.unique(128))


async def _create_stack(work: Work) -> Made:
    made: Made = await work.around.nested.create(work)
    return made


async def _update_stack(work: Work) -> Made:
    made: Made = await work.around.nested.update(work)
    return made


async def _delete_stack(work: Work) -> None:
    await work.around.nested.delete(work)


KINDS = (
    Kind("AWS::CDK::Metadata", _nothing_made, nothing, _nothing_made, tags=None),
    Kind(
        "AWS::CloudFormation::WaitConditionHandle", _nothing_made, nothing, _nothing_made, tags=None
    ),
    Kind("AWS::CloudFormation::Stack", _create_stack, _delete_stack, _update_stack),
)

CUSTOM = Kind(
    "AWS::CloudFormation::CustomResource",
    custom.create,
    custom.delete,
    custom.update,
    replaced_by=words("ServiceToken"),
    tags=None,
)
