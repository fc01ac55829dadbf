"""AWS::Lambda::Function: the function itself. What hangs on it is in lambda_.py."""

import io
import re
import zipfile
from typing import Any

from stoker.core.stacks.errors import ValidationError
from stoker.stacks.work import Kind, Made, Work, words

CODE = words("ZipFile S3Bucket S3Key S3ObjectVersion ImageUri S3ObjectStorageMode")
# Properties with operations of their own.
APART = words(
    "Code Tags ReservedConcurrentExecutions RuntimeManagementConfig RecursiveLoop KmsKeyArn"
    " CodeSigningConfigArn FunctionScalingConfig"
)
CREATED_WITH = words("PackageType Architectures")
# What a configuration is without the property: removing it from a template goes back there.
DEFAULTS: dict[str, Any] = {
    "Description": "", "Timeout": 3, "MemorySize": 128, "Layers": [],
    "Environment": {"Variables": {}}, "TracingConfig": {"Mode": "PassThrough"},
    "EphemeralStorage": {"Size": 512}, "DeadLetterConfig": {"TargetArn": ""},
    "FileSystemConfigs": [], "SnapStart": {"ApplyOn": "None"},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
    "LoggingConfig": {"LogFormat": "Text"}, "KmsKeyArn": "", "ImageConfig": {},
}  # fmt: skip


async def create(work: Work) -> Made:
    """Made, set up, and Active."""
    name = work.name("FunctionName", 64)
    asked = {
        **work.without(*APART),
        "FunctionName": name,
        "Code": _code(work),
        "Tags": work.properties.get("Tags"),
        "KMSKeyArn": work.properties.get("KmsKeyArn"),
        "CodeSigningConfigArn": work.properties.get("CodeSigningConfigArn"),
    }
    made = await work.ask("lambda", "CreateFunction", **asked)
    attributes = {"Arn": made["FunctionArn"]}
    await work.exists(name, attributes)
    await ready(work, made["FunctionArn"])
    await _set_up(work, name)
    return Made(name, attributes)


async def update(work: Work) -> Made:
    name = work.physical
    if work.changed("Code", "Architectures"):
        code = {**_code(work), **work.only("Architectures")}
        await work.ask("lambda", "UpdateFunctionCode", FunctionName=name, **code)
        await ready(work, work.attributes["Arn"])
    settings = {
        key: value
        for key, value in work.properties.items()
        if key not in APART | CREATED_WITH | {"FunctionName"} and work.changed(key)
    }
    for key in (work.before.keys() & DEFAULTS.keys()) - work.properties.keys():
        settings[key] = DEFAULTS[key]
    if "KmsKeyArn" in settings or work.changed("KmsKeyArn"):
        settings.pop("KmsKeyArn", None)
        settings["KMSKeyArn"] = work.properties.get("KmsKeyArn", "")
    if settings:
        await work.ask("lambda", "UpdateFunctionConfiguration", FunctionName=name, **settings)
        await ready(work, work.attributes["Arn"])
    await retag(work, work.attributes["Arn"])
    await _set_up(work, name)
    return Made(name, work.attributes)


async def delete(work: Work) -> None:
    await work.ask("lambda", "DeleteFunction", FunctionName=work.physical)


async def ready(work: Work, arn: str) -> None:
    """Wait until a function or a version can be used; raise why it never will."""
    await work.around.settled(arn)
    found = await work.ask("lambda", "GetFunctionConfiguration", FunctionName=arn)
    failed = found.get("State") == "Failed"
    if failed or found.get("LastUpdateStatus") == "Failed":
        reason = found.get("StateReason" if failed else "LastUpdateStatusReason")
        raise ValidationError(f"Function {work.logical} failed to stabilize: {reason}")


async def _set_up(work: Work, name: str) -> None:
    """What an operation of its own sets, where it is other than it was."""
    wanted = work.properties
    if work.changed("ReservedConcurrentExecutions"):
        amount = wanted.get("ReservedConcurrentExecutions")
        if amount is None:
            await work.ask("lambda", "DeleteFunctionConcurrency", FunctionName=name)
        else:
            await work.ask(
                "lambda", "PutFunctionConcurrency", FunctionName=name,
                ReservedConcurrentExecutions=amount,
            )  # fmt: skip
    if work.changed("RuntimeManagementConfig"):
        config = wanted.get("RuntimeManagementConfig") or {"UpdateRuntimeOn": "Auto"}
        await work.ask("lambda", "PutRuntimeManagementConfig", FunctionName=name, **config)
    if work.changed("RecursiveLoop"):
        loop = wanted.get("RecursiveLoop", "Terminate")
        await work.ask(
            "lambda", "PutFunctionRecursionConfig", FunctionName=name, RecursiveLoop=loop
        )
    if work.changed("FunctionScalingConfig"):
        await work.ask(
            "lambda", "PutFunctionScalingConfig", FunctionName=name,
            Qualifier="$LATEST.PUBLISHED",
            FunctionScalingConfig=wanted.get("FunctionScalingConfig"),
        )  # fmt: skip
    if work.before and work.changed("CodeSigningConfigArn"):
        signing = wanted.get("CodeSigningConfigArn")
        operation = "PutFunctionCodeSigningConfig" if signing else "DeleteFunctionCodeSigningConfig"
        more = {"CodeSigningConfigArn": signing} if signing else {}
        await work.ask("lambda", operation, FunctionName=name, **more)


async def retag(work: Work, arn: str) -> None:
    """Lambda's, of a function or a mapping."""
    wanted, gone = work.retagging()
    if gone:
        await work.ask("lambda", "UntagResource", Resource=arn, TagKeys=gone)
    if wanted:
        await work.ask("lambda", "TagResource", Resource=arn, Tags=wanted)


def _code(work: Work) -> dict[str, Any]:
    code = work.must("Code")
    if not isinstance(code, dict):
        raise ValidationError("Code must be an object")
    unknown = code.keys() - CODE - {"SourceKMSKeyArn"}
    if unknown:
        raise ValidationError(f"extraneous key [{min(unknown)}] is not permitted in Code")
    if "ZipFile" in code:
        runtime = str(work.properties.get("Runtime", ""))
        return {"ZipFile": _inline(str(code["ZipFile"]), runtime)}
    return {key: value for key, value in code.items() if key != "S3ObjectStorageMode"}


def _inline(text: str, runtime: str) -> bytes:
    """AWS: a text becomes `index` in the runtime's language, with the module cfn-response."""
    kinds = {"python": "index.py", "nodejs": "index.js"}
    name = next((file for start, file in kinds.items() if runtime.startswith(start)), None)
    if name is None:
        raise ValidationError(f"ZipFile can only be used with nodejs and python, not {runtime!r}")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        files = {name: text}
        if re.search("cfn-?response", text):
            files.update(_CFN_RESPONSE[name])
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, (2010, 5, 15, 0, 0, 0))  # so that it is the same again
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()


_CFN_RESPONSE = {
    "index.py": {
        "cfnresponse.py": """\
import json
import urllib.request

SUCCESS = "SUCCESS"
FAILED = "FAILED"


def send(event, context, responseStatus, responseData, physicalResourceId=None, noEcho=False,
         reason=None):
    answer = {
        "Status": responseStatus,
        "Reason": reason or f"See the log stream {context.log_stream_name}",
        "PhysicalResourceId": physicalResourceId or context.log_stream_name,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "NoEcho": noEcho,
        "Data": responseData,
    }
    request = urllib.request.Request(
        event["ResponseURL"], json.dumps(answer).encode(), {"Content-Type": ""}, method="PUT")
    with urllib.request.urlopen(request) as response:
        print("Status code:", response.status)
"""
    },
    "index.js": {
        "cfn-response.js": """\
exports.SUCCESS = "SUCCESS";
exports.FAILED = "FAILED";

exports.send = function (event, context, responseStatus, responseData, physicalResourceId, noEcho) {
  return new Promise((resolve, reject) => {
    const answer = JSON.stringify({
      Status: responseStatus,
      Reason: "See the log stream " + context.logStreamName,
      PhysicalResourceId: physicalResourceId || context.logStreamName,
      StackId: event.StackId,
      RequestId: event.RequestId,
      LogicalResourceId: event.LogicalResourceId,
      NoEcho: noEcho || false,
      Data: responseData,
    });
    const url = new URL(event.ResponseURL);
    const client = require(url.protocol === "https:" ? "https" : "http");
    const headers = { "content-type": "", "content-length": Buffer.byteLength(answer) };
    const request = client.request(url, { method: "PUT", headers }, (response) => {
      response.resume();
      response.on("end", () => { context.done(); resolve(); });
    });
    request.on("error", (error) => { context.done(error); reject(error); });
    request.end(answer);
  });
};
"""
    },
}


FUNCTION = Kind(
    "AWS::Lambda::Function",
    create,
    delete,
    update,
    replaced_by=words("FunctionName PackageType TenancyConfig DurableConfig"),
    named="FunctionName",
    guess=lambda work: work.unique(64),
)
