"""What a new function begins with: a program in the language of its runtime, as a package.

The custom runtime is bash: its `bootstrap` speaks the Runtime API by curl, the function is in a
file beside it. A Java is compiled: its class is in the tree beside its source, made by
`javac --release 11 -g:none Hello.java` of Java 17.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stoker.core.limits import RUNTIMES, Family

_JAVA = Path(__file__).with_name("java")
_DATE = (2020, 1, 1, 0, 0, 0)  # the same package each time


@dataclass(frozen=True, slots=True)
class Starter:
    language: str  # for people
    handler: str
    files: Mapping[str, bytes]
    programs: frozenset[str] = frozenset()  # of these files, those that are executed


_PYTHON = b"""\
import json


def lambda_handler(event, context):
    print("event", json.dumps(event))
    return {"statusCode": 200, "body": json.dumps("Hello from Stoker!")}
"""

_NODE = b"""\
export const handler = async (event) => {
  console.log("event", JSON.stringify(event));
  return { statusCode: 200, body: JSON.stringify("Hello from Stoker!") };
};
"""

_RUBY = b"""\
require "json"

def lambda_handler(event:, context:)
  puts "event #{JSON.generate(event)}"
  { statusCode: 200, body: JSON.generate("Hello from Stoker!") }
end
"""

_BOOTSTRAP = b"""\
#!/bin/bash
# The runtime: asks the Runtime API for an event, hands it to the function, posts the answer; and
# again. Handler: hello.handler is the function `handler` in hello.sh. What it prints to stdout is
# the answer, what it prints to stderr is logged.
set -uo pipefail
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime
script=$LAMBDA_TASK_ROOT/${_HANDLER%%.*}.sh
function=${_HANDLER#*.}

failed() { # failed PATH TYPE MESSAGE
  curl -sS -o /dev/null -H "Lambda-Runtime-Function-Error-Type: $2" \\
    -d "{\\"errorType\\": \\"$2\\", \\"errorMessage\\": \\"$3\\"}" "$api/$1"
}

if ! source "$script"; then
  failed init/error Runtime.NoSuchFile "$script cannot be read"
  exit 1
fi
headers=$(mktemp)
while event=$(curl -sS -D "$headers" "$api/invocation/next"); do
  id=$(tr -d '\\r' <"$headers" | awk 'tolower($1) == "lambda-runtime-aws-request-id:" {print $2}')
  if answer=$("$function" "$event"); then
    curl -sS -o /dev/null --data-binary "$answer" "$api/invocation/$id/response"
  else
    failed "invocation/$id/error" Function.Failed "$function ended with status $?"
  fi
done
"""

_HELLO = b"""\
handler() {
  echo "event $1" >&2
  echo '{"statusCode": 200, "body": "\\"Hello from Stoker!\\""}'
}
"""

STARTERS = {
    Family.PYTHON: Starter(
        "Python", "lambda_function.lambda_handler", {"lambda_function.py": _PYTHON}
    ),
    Family.NODE: Starter("Node.js", "index.handler", {"index.mjs": _NODE}),
    Family.JAVA: Starter(
        "Java",
        "example.Hello::handleRequest",
        {f"example/{name}": (_JAVA / name).read_bytes() for name in ("Hello.class", "Hello.java")},
    ),
    Family.RUBY: Starter(
        "Ruby", "lambda_function.lambda_handler", {"lambda_function.rb": _RUBY}
    ),
    Family.OS_ONLY: Starter(
        "Custom runtime (bash)",
        "hello.handler",
        {"bootstrap": _BOOTSTRAP, "hello.sh": _HELLO},
        frozenset({"bootstrap"}),
    ),
}  # fmt: skip


def starter(runtime: str) -> Starter | None:
    """Of a runtime by Lambda's identifier; None for one that Stoker does not run."""
    known = RUNTIMES.get(runtime)
    return None if known is None or known.blocked else STARTERS.get(known.family)


def packed(one: Starter) -> bytes:
    """Its package."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in one.files.items():
            entry = zipfile.ZipInfo(path, _DATE)
            entry.external_attr = (0o100755 if path in one.programs else 0o100644) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return made.getvalue()
