"""The process in which AWS's SAM translator runs: a template a line in, a template a line out.

    python -m stoker.stacks.transform_child

It ends when its standard input does. It has no network and a bounded memory: templates come from
whoever may deploy, and it is a large program.
"""

import gc
import io
import json
import sys
from typing import Any

from stoker.neighbours.child import shut_in

MEMORY_BYTES = 1024**3


def main() -> None:
    out, sys.stdout = sys.stdout, io.StringIO()  # what it prints is not an answer
    shut_in(MEMORY_BYTES, sys.stderr.fileno())
    gc.disable()  # nothing that is loaded goes away
    import samtranslator.translator.translator  # noqa: F401 - before anybody asks

    gc.freeze()
    gc.enable()

    for line in sys.stdin:
        answer = answered(json.loads(line))
        out.write(json.dumps(answer) + "\n")
        out.flush()


def answered(asked: dict[str, Any]) -> dict[str, Any]:
    from samtranslator.model.exceptions import InvalidDocumentException

    try:
        return {"body": translated(asked)}
    except InvalidDocumentException as error:
        causes = " ".join(str(cause.message) for cause in error.causes)
        return {"error": f"{error.message} {causes}".strip()}
    except (RecursionError, MemoryError):
        return {"error": "the template is too large"}
    except Exception as error:  # noqa: BLE001 - of this template alone
        return {"error": f"{type(error).__name__}: {error}"[:500]}


def translated(asked: dict[str, Any]) -> dict[str, Any]:
    import boto3
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.utils.py27hash_fix import (
        to_py27_compatible_template,
        undo_mark_unicode_str_in_template,
    )

    body, values = asked["body"], asked["values"]
    to_py27_compatible_template(body, values)
    session = boto3.Session(region_name=asked["region"])
    translator = Translator(None, Parser(), boto_session=session)
    made = translator.translate(body, values, get_managed_policy_map=managed_policies)
    found: dict[str, Any] = undo_mark_unicode_str_in_template(made)
    return found


def managed_policies() -> dict[str, str]:
    """The ARNs of AWS's own policies by their names, as templates use them: of moto's list."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    data = json.loads(aws_managed_policies_data)
    start = "arn:aws:iam::aws:policy"
    return {name: f"{start}{policy['Path']}{name}" for name, policy in data.items()}


if __name__ == "__main__":
    main()
