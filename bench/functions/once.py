"""An interpreter that does a cold start's work and nothing else: import, event in, answer out.

    python3 -I -S once.py FOLDER MODULE.FUNCTION < event

It waits for the end of its input before it ends, so that an idle one can be weighed.
"""

import importlib
import json
import os
import sys

sys.path.insert(0, sys.argv[1])
module, _, name = sys.argv[2].rpartition(".")
handler = getattr(importlib.import_module(module), name)
event = json.loads(os.read(0, 65536))
os.write(1, json.dumps(handler(event, None)).encode() + b"\n")
while os.read(0, 65536):
    pass
