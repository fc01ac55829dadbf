"""Extensions for tests: what a script needs to talk to the Extensions API."""

import sys

# Before the script of an extension (or of a runtime with an internal one).
EXTENSION = f"""#!{sys.executable} -IS
import http.client, json, os, signal, sys, threading, time
API = os.environ["AWS_LAMBDA_RUNTIME_API"]
NAME = os.path.basename(sys.argv[0])
EXT = "/2020-01-01/extension"

def ask(method, path, body=None, headers={{}}):
    connection = http.client.HTTPConnection(API)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers
    finally:
        connection.close()

def register(*events, name=NAME, **headers):
    headers = {{"Lambda-Extension-Name": name, **headers}}
    status, body, answer = ask("POST", EXT + "/register", json.dumps({{"events": events}}), headers)
    assert status == 200, (status, body)
    return {{"Lambda-Extension-Identifier": answer["Lambda-Extension-Identifier"]}}

def event(me):
    status, body, _ = ask("GET", EXT + "/event/next", None, me)
    assert status == 200, (status, body)
    return json.loads(body)

def say(*words):
    print(NAME, *words, flush=True)
"""

# Before the script of an extension that subscribes, behind EXTENSION.
SUBSCRIBER = """
import http.server, queue
batches = queue.Queue()
take = batches.put
took = lambda: None  # who sent the batch has been told so

class Taker(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        took()
    def log_message(self, *_): pass

def listen():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]

def subscribe(me, port, path="/2022-07-01/telemetry", **changes):
    body = {"schemaVersion": "2022-12-13", "types": ["platform", "function", "extension"],
            "buffering": {"timeoutMs": 25},
            "destination": {"protocol": "HTTP", "URI": f"http://sandbox.localdomain:{port}"}}
    body.update(changes)
    status, text, _ = ask("PUT", path, json.dumps(body), me)
    return status, json.loads(text)
"""

# Hears everything, and says what it heard.
LISTENER = """
me = register("INVOKE", "SHUTDOWN")
while True:
    heard = event(me)
    say(heard["eventType"], heard.get("shutdownReason", ""))
    if heard["eventType"] == "SHUTDOWN":
        sys.exit(0)
"""
