"""What the author of a Ruby function meets, through `stoker serve`."""

from collections.abc import Callable
from typing import Any

import pytest

from stoker.core.limits import RUNTIMES, Family
from tests.running import StokerProcess, make_zip, wait_until
from tests.user import call, is_found, kill_parked, tail

Create = Callable[..., str]
VERSIONS = [name for name, runtime in RUNTIMES.items() if runtime.family is Family.RUBY]


FOUND = [runtime for runtime in VERSIONS if is_found(runtime)]
needs_ruby = pytest.mark.skipif(
    not FOUND, reason="there is no Ruby on this machine: stoker runtimes install ruby3.3"
)
LOOK = """
require "etc"
$count = 0
def handler(event:, context:)
  exit!(3) if event["crash"]
  raise RangeError, "far" if event["fail"]
  return event["big"] if event["big"]
  puts "seen #{$count += 1}"
  { count: $count, env: ENV.to_h, cwd: Dir.pwd, args: ARGV, uid: Process.uid, version: RUBY_VERSION,
    zone: Time.at(0).to_s, path: $LOAD_PATH, gems: Gem.path, me: $PROGRAM_NAME,
    encodings: [Encoding.default_external, Encoding.find("locale"), ENV["PATH"].encoding] }
end
"""


@pytest.mark.parametrize("runtime", VERSIONS)
def test_a_ruby_is_run_or_its_absence_explained(
    runtime: str, lambda_client: Any, create: Create
) -> None:
    settings = {"Runtime": runtime, "Handler": "app.handler"}
    code = {"app.rb": "def handler(event:, context:) = RUBY_VERSION"}
    if is_found(runtime):
        answer, _ = call(lambda_client, create(code, **settings))
        assert answer.startswith(runtime.removeprefix("ruby") + ".")
        return
    with pytest.raises(Exception, match="Failed"):
        create(code, FunctionName="absent-ruby", **settings)
    found = lambda_client.get_function_configuration(FunctionName="absent-ruby")
    assert (found["State"], found["StateReasonCode"]) == ("Failed", "InvalidRuntime")
    assert f"`stoker runtimes install {runtime}`" in found["StateReason"]


@needs_ruby
@pytest.mark.root
def test_a_ruby_that_was_started_ahead_is_as_one_that_was_not(
    lambda_client: Any, create: Create
) -> None:
    """The second has a variable that ruby reads as it starts, and so is started for it."""
    settings = {"Runtime": FOUND[0], "Handler": "app.handler"}
    ahead, response = call(lambda_client, create({"app.rb": LOOK}, **settings))
    options = {"Variables": {"RUBYOPT": "-W0"}}
    anew, _ = call(lambda_client, create({"app.rb": LOOK}, Environment=options, **settings))
    assert anew["env"].pop("RUBYOPT") == "-W0"
    for one in (ahead, anew):
        one["env"]["RUBYLIB"] = one["env"]["RUBYLIB"].partition("/ruby/lib")[0]
        for changing in ("_X_AMZN_TRACE_ID", "AWS_LAMBDA_FUNCTION_NAME", "_",
                         "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
                         "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                         "AWS_SESSION_TOKEN"):  # fmt: skip
            one["env"].pop(changing, None)
    assert ahead == anew
    assert (ahead["cwd"], ahead["uid"], ahead["args"]) == ("/var/task", 993, [])
    assert (ahead["zone"], ahead["me"]) == (
        "1970-01-01 00:00:00 +0000",
        "/var/runtime/bootstrap.rb",
    )
    assert set(ahead["encodings"]) == {"UTF-8"}
    assert ahead["path"][:3] == ["/var/task", "/var/runtime/lib", "/opt/ruby/lib"]
    api = FOUND[0].removeprefix("ruby") + ".0"
    assert f"/var/task/vendor/bundle/ruby/{api}" in ahead["gems"]
    assert f"/opt/ruby/gems/{api}" in ahead["gems"]
    assert "\nseen 1\n" in tail(response)


@needs_ruby
@pytest.mark.root
def test_a_ruby_that_dies_while_it_waits_is_not_given_to_a_function(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create({"app.rb": LOOK}, Runtime=FOUND[0], Handler="app.handler")
    kill_parked(server, "bootstrap.rb")
    assert call(lambda_client, name)[0]["count"] == 1


@needs_ruby
def test_a_failure_leaves_ruby_as_it_is_and_a_crash_begins_anew(
    lambda_client: Any, create: Create
) -> None:
    name = create({"app.rb": LOOK}, Runtime=FOUND[0], Handler="app.handler")
    assert call(lambda_client, name)[0]["count"] == 1
    error, response = call(lambda_client, name, {"fail": True})
    assert (error["errorType"], error["errorMessage"]) == ("Function<RangeError>", "far")
    assert error["stackTrace"][0].startswith("/var/task/app.rb:6:in ")
    assert response["FunctionError"] == "Unhandled"
    assert 'Error raised from handler method\n{\n  "errorMessage": "far"' in tail(response)
    assert call(lambda_client, name)[0]["count"] == 2
    error, response = call(lambda_client, name, {"crash": True})
    assert error["errorType"] == "Runtime.ExitError"
    assert call(lambda_client, name)[0]["count"] == 1
    big = "x" * ((6 << 20) - 100)
    assert call(lambda_client, name, {"big": big})[0] == big


@needs_ruby
def test_what_cannot_be_loaded_is_an_init_error(lambda_client: Any, create: Create) -> None:
    name = create({"app.rb": "require 'absent'"}, Runtime=FOUND[0], Handler="app.handler")
    error, response = call(lambda_client, name)
    assert error["errorType"] == "Init<LoadError>"
    assert error["errorMessage"] == "cannot load such file -- absent"
    assert "INIT_REPORT" in tail(response)


@needs_ruby
def test_layers_bring_libraries_gems_and_programs(lambda_client: Any, create: Create) -> None:
    api = FOUND[0].removeprefix("ruby") + ".0"
    files = {
        "ruby/lib/plain.rb": "PLAIN = 'of lib'",
        f"ruby/gems/{api}/gems/shared-1.0/lib/shared.rb": "SHARED = 'of a gem'",
        f"ruby/gems/{api}/specifications/shared-1.0.gemspec": "Gem::Specification.new { |s| "
        "s.name = 'shared'; s.version = '1.0'; s.summary = s.author = 'x' }",
        "bin/hello": '#!/usr/bin/env ruby\nprint "hello from ", RUBY_VERSION[0, 3]',
    }
    files["wrap"] = '#!/bin/bash\nexport WRAPPED=1\nexec "$@"'
    layer = lambda_client.publish_layer_version(
        LayerName="ruby-things", Content={"ZipFile": make_zip(files, ("bin/hello", "wrap"))}
    )
    code = """
%w[plain shared openssl psych net/http logger].each { |name| require name }
gem "json"
HELLO = `hello`
def handler(event:, context:) = [PLAIN, SHARED, HELLO, ENV["WRAPPED"]]
"""
    name = create(
        {"app.rb": code}, Runtime=FOUND[0], Handler="app.handler", Timeout=30,
        Layers=[layer["LayerVersionArn"]],
    )  # fmt: skip
    said = ["of lib", "of a gem", f"hello from {FOUND[0].removeprefix('ruby')}"]
    assert call(lambda_client, name)[0] == [*said, None]
    lambda_client.update_function_configuration(
        FunctionName=name, Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"}}
    )
    wait_until(lambda_client, "function_updated_v2", name)
    assert call(lambda_client, name)[0] == [*said, "1"]
