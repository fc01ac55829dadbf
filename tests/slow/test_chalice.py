"""Chalice, unmodified: it deploys an API from a definition, and deploys it again."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.test_rest_apis import fetch
from tests.running import StokerProcess
from tests.slow.from_registries import python_packages

pytestmark = [pytest.mark.slow, pytest.mark.root]

CHALICE = ("chalice==1.34.0", "setuptools==84.2.1")
DEPLOY_S = 120
APP = """
from chalice import AuthResponse, Chalice, Response

app = Chalice(app_name="site")

@app.authorizer()
def asks(request):
    return AuthResponse(routes=["*"] if request.token == "yes" else [], principal_id="me")

@app.route("/")
def index():
    return {"hello": "world"}

@app.route("/users/{name}", methods=["POST"], cors=True)
def users(name):
    body = {"name": name, "sent": app.current_request.json_body}
    return Response(body=body, status_code=201)

@app.route("/guarded", authorizer=asks)
def guarded():
    return {"who": app.current_request.context["authorizer"]["principalId"]}
"""


def deploy(server: StokerProcess, packages: Path, project: Path) -> str:
    """The name under which the API answers."""
    done = subprocess.run(
        [sys.executable, "-c", "from chalice.cli import main; main()", "deploy"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=DEPLOY_S,
        env={
            **os.environ,
            "PYTHONPATH": str(packages),
            "HOME": str(project),
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
    )
    found = re.search(r"https://([\w.-]+)/api/", done.stdout)
    assert found is not None, done.stdout + done.stderr
    return found[1]


def test_chalice_deploys_what_it_has_from_a_definition(
    server: StokerProcess, tmp_path: Path
) -> None:
    packages = python_packages(tmp_path / "packages", *CHALICE)
    project = tmp_path / "site"
    (project / ".chalice").mkdir(parents=True)
    (project / "requirements.txt").touch()
    (project / "app.py").write_text(APP)
    settings = {"version": "2.0", "app_name": "site", "stages": {"dev": {}}}
    (project / ".chalice" / "config.json").write_text(json.dumps(settings))
    host = deploy(server, packages, project)
    assert fetch(server, host, "/api/")[:2] == (200, {"hello": "world"})
    (project / "app.py").write_text(APP.replace('"world"', '"again"'))
    assert deploy(server, packages, project) == host
    assert fetch(server, host, "/api/")[:2] == (200, {"hello": "again"})
    sent = fetch(server, host, "/api/users/b", "POST", "[1]", Content_Type="application/json")
    assert sent[:2] == (201, {"name": "b", "sent": [1]})
    preflight = fetch(server, host, "/api/users/b", "OPTIONS", Origin="http://elsewhere")
    assert (preflight[0], preflight[2]["Access-Control-Allow-Origin"]) == (200, "*")
    assert fetch(server, host, "/api/guarded")[0] == 401
    assert fetch(server, host, "/api/guarded", Authorization="no")[0] == 403
    assert fetch(server, host, "/api/guarded", Authorization="yes")[1] == {"who": "me"}
