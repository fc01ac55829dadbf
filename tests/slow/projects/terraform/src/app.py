import json
import os

import word  # of the layer


def handler(event: object, context: object) -> dict[str, object]:
    print("event", event)
    said = {os.environ["GREETING"]: word.WORD}
    return {"statusCode": 200, "body": json.dumps(said)}
