"""`stoker runtimes install` with real registries, and functions on what it brought."""

import json
import shutil
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.java_sources import compiled
from tests.running import StokerProcess, deploy, make_zip

pytestmark = [pytest.mark.slow, pytest.mark.root]

PYTHON = """
import ctypes, decimal, hashlib, lzma, sqlite3, ssl, subprocess, sys, boto3, numpy
def handler(event, context):
    host = subprocess.run(["bash", "-c", "echo $BASH_VERSION"], capture_output=True, text=True)
    own = subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True)
    return [sys.version_info[:2], host.returncode, own.stdout, numpy.arange(3).sum().item(),
            sqlite3.connect(":memory:").execute("select 1").fetchone(), sys.prefix]
"""
RUBY = """
%w[openssl yaml json socket fiddle rexml/document].each { |name| require name }
def handler(event:, context:)
  [RUBY_VERSION[0, 3], `bash -c 'echo $((6 * 7))'`, `ruby -e 'print 6 * 7'`,
   OpenSSL::Digest::SHA256.hexdigest("")[0, 4], YAML.load("[1]"),
   fork { exit!(0) } && Process.wait2[1].exitstatus]
end
"""


def test_debians_python_and_ruby_run_functions_beside_the_machines_own_programs(
    tmp_path: Path,
) -> None:
    """Their C library may be later than that of the machine, whose commands they start."""
    if shutil.which("apt-get") is None:
        pytest.skip("there is no apt-get on this machine")
    place = tmp_path / "runtimes"
    install = [sys.executable, "-m", "stoker", "runtimes", "install", "--into", place]
    subprocess.run([*install, "ruby3.3", "python3.13"], check=True)
    packages = tmp_path / "packages"
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install",
         "--target", packages, "--python-version", "3.13", "--only-binary", ":all:", "numpy"],
        check=True,
    )  # fmt: skip
    code: dict[str, str | bytes] = {
        str(file.relative_to(packages)): file.read_bytes()
        for file in packages.rglob("*")
        if file.is_file() and "tests" not in file.parts
    }
    with (
        StokerProcess(tmp_path / "data", "--runtimes-dir", str(place)) as server,
        closing(server.client("lambda")) as functions,
    ):
        settings: dict[str, Any] = {"MemorySize": 1024}
        package = make_zip(code | {"main.py": PYTHON}, compression=zipfile.ZIP_DEFLATED)
        python = deploy(functions, {}, Runtime="python3.13", Code={"ZipFile": package}, **settings)
        ruby = deploy(
            functions, {"app.rb": RUBY}, Runtime="ruby3.3", Handler="app.handler", **settings
        )
        assert answer(functions, python) == [[3, 13], 0, "42\n", 3, [1], "/var/lang"]
        assert answer(functions, ruby) == ["3.3", "42\n", "42", "e3b0", [1], 0]


SDK = """
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { createRequire } from "node:module";
const { S3Client, GetObjectCommand } = createRequire(import.meta.url)("@aws-sdk/client-s3");
const lambda = new LambdaClient({});
export const handler = async (event) => {
  const command = new InvokeCommand({ FunctionName: event.other, Payload: "{}" });
  const { Payload } = await lambda.send(command);
  const url = await getSignedUrl(new S3Client({}), new GetObjectCommand({ Bucket: "b", Key: "k" }));
  const kinds = [typeof DynamoDBDocumentClient.from, url.includes("X-Amz-Signature")];
  return [JSON.parse(Buffer.from(Payload).toString()), ...kinds];
};
"""


def test_a_node_and_its_sdk_come_from_npm_and_reach_this_server(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("there is no npm on this machine")
    place = tmp_path / "runtimes"
    install = [sys.executable, "-m", "stoker", "runtimes", "install", "--into", place]
    said = subprocess.run([*install, "nodejs22.x"], check=True, capture_output=True, text=True)
    assert [line.split(":")[0] for line in said.stdout.splitlines()] == ["nodejs22.x", "aws-sdk-js"]
    with (
        StokerProcess(tmp_path / "data", "--runtimes-dir", str(place)) as server,
        closing(server.client("lambda")) as functions,
    ):
        other = deploy(functions, "def handler(event, context): return 'hello'")
        name = deploy(
            functions, {"index.mjs": SDK}, Runtime="nodejs22.x", Handler="index.handler",
            MemorySize=1024,
        )  # fmt: skip
        payload = json.dumps({"other": other})
        response = functions.invoke(FunctionName=name, Payload=payload)
        assert json.loads(response["Payload"].read()) == ["hello", "function", True]


LOOK = """
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.net.http.HttpClient;
import java.security.MessageDigest;
import javax.net.ssl.SSLContext;

public class Look implements RequestHandler<Object, Object> {
    public Object handleRequest(Object event, Context context) {
        try {
            Process child = new ProcessBuilder("bash", "-c", "exit 42").start();
            return new Object[] {
                Runtime.version().feature(), child.waitFor(),
                MessageDigest.getInstance("SHA-256").getDigestLength(),
                SSLContext.getDefault().getProtocol(),
                HttpClient.newHttpClient().followRedirects().name(),
                System.getProperty("java.home"),
            };
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
"""


def test_pypis_java_runs_functions(tmp_path: Path) -> None:
    if shutil.which("javac") is None:
        pytest.skip("there is no javac on this machine")
    place = tmp_path / "runtimes"
    install = [sys.executable, "-m", "stoker", "runtimes", "install", "--into", place]
    subprocess.run([*install, "java11", "java21"], check=True)
    code = compiled(tmp_path / "made", {"Look.java": LOOK})
    with (
        StokerProcess(tmp_path / "data", "--runtimes-dir", str(place)) as server,
        closing(server.client("lambda")) as functions,
    ):
        for version in (11, 21):
            name = deploy(functions, code, Runtime=f"java{version}", Handler="Look", MemorySize=512)
            expected = [version, 42, 32, "Default", "NEVER", "/var/lang"]
            assert answer(functions, name) == expected


def answer(functions: Any, name: str) -> Any:
    response = functions.invoke(FunctionName=name, Payload=b"{}")
    return json.loads(response["Payload"].read())
