"""The Extensions API from inside, by callers who do everything right or everything wrong."""

import json
from pathlib import Path
from typing import Any

from stoker.core.invoke_limits import RUNTIME_API_CONNECTIONS
from tests.extending import EXTENSION
from tests.invoking import ECHO, Ground, run

# A function that makes these calls in its init, and answers with what it got.
CALLER = (
    EXTENSION.split("\n", 1)[1]
    + """
told = []
def tell(method, path, body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    status, text, answer = ask(method, path, body, headers)
    kind = json.loads(text)["errorType"] if text.startswith('{"errorMessage') else text
    told.append([status, kind])
    return answer.get("Lambda-Extension-Identifier")

def join(name, body="{}"):
    return tell("POST", EXT + "/register", body, Lambda_Extension_Name=name)
"""
)


def told(tmp_path: Path, script: str, **layers: Any) -> Any:
    found: list[Any] = []

    async def story(world: Ground) -> None:
        f = world.function(CALLER + script + "\nserve(lambda event: told)", **layers)
        found.append(json.loads((await world.invoke(f)).payload))

    run(tmp_path, story)
    return found[0]


def test_routes_and_methods_that_do_not_exist(tmp_path: Path) -> None:
    answers = told(
        tmp_path,
        """
for path in ("/else", "/register/", "/event", "/event/next/x", "/init/error2", "/exit"):
    tell("POST", EXT + path)
tell("GET", EXT + "/register")
tell("POST", EXT + "/event/next")
tell("PUT", EXT + "/init/error")
tell("GET", EXT + "/exit/error")
""",
    )
    assert answers == [[404, "404 page not found\n"]] * 6 + [[405, ""]] * 4


def test_a_registration_that_is_refused(tmp_path: Path) -> None:
    answers = told(
        tmp_path,
        """
tell("POST", EXT + "/register", "{}")
join("")
join("x" * 256)
join("inner", "")
join("inner", "not JSON")
join("inner", json.dumps({"events": ["INVOKE", "RESTORE"]}))
join("inner", json.dumps({"events": ["SHUTDOWN"]}))
join("inner", json.dumps({"configurationKeys": ["x"]}))
join("inner", "x" * 100_000)
me = join("inner")
join("inner")
threading.Thread(target=event, args=({"Lambda-Extension-Identifier": me},), daemon=True).start()
""",
    )
    assert answers[:-2] == [
        [403, "Extension.InvalidExtensionName"],
        [403, "Extension.InvalidExtensionName"],
        [403, "Extension.InvalidExtensionName"],
        [403, "InvalidRequestFormat"],
        [403, "InvalidRequestFormat"],
        [403, "Extension.InvalidEventType"],
        [403, "Extension.InvalidEventType"],
        [403, "InvalidRequestFormat"],
        [413, "RequestEntityTooLarge"],
    ]
    assert answers[-2][0] == 200
    assert answers[-1] == [403, "Extension.InvalidExtensionState"]


def test_calls_of_strangers(tmp_path: Path) -> None:
    answers = told(
        tmp_path,
        """
nobody = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
wrong = "Lambda_Extension_Function_Error_Type"
for method, path in (("GET", "/event/next"), ("POST", "/init/error"), ("POST", "/exit/error")):
    tell(method, EXT + path, **{wrong: "X.Y"})
    tell(method, EXT + path, **{wrong: "X.Y"}, Lambda_Extension_Identifier="x")
    tell(method, EXT + path, **{wrong: "X.Y"}, Lambda_Extension_Identifier=nobody)
""",
    )
    assert (
        answers
        == [
            [403, "Extension.MissingExtensionIdentifier"],
            [403, "Extension.InvalidExtensionIdentifier"],
            [403, "Extension.UnknownExtensionIdentifier"],
        ]
        * 3
    )


def test_the_eleventh_extension_is_refused(tmp_path: Path) -> None:
    answers = told(
        tmp_path,
        """
def wait(me):
    ask("GET", EXT + "/event/next", None, {"Lambda-Extension-Identifier": me})

for number in range(10):
    me = join(f"inner{number}")
    threading.Thread(target=wait, args=(me,), daemon=True).start()
join("inner10")
""",
    )
    assert [status for status, _ in answers[:-1]] == [200] * 10
    assert answers[-1] == [403, "Extension.TooManyExtensions"]


def test_an_internal_extension_hears_of_invocations_and_comes_too_late_after_init(
    tmp_path: Path,
) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            CALLER
            + """
me = register("INVOKE", name="inner")
heard = []
def listen():
    while True:
        heard.append(event(me)["eventType"])
threading.Thread(target=listen, daemon=True).start()
def handle(event):
    told.clear()
    join("late")
    while not heard:
        time.sleep(0.002)
    return [heard, told]
serve(handle)
"""
        )
        assert json.loads((await world.invoke(f)).payload) == [
            ["INVOKE"],
            [[403, "Extension.RegistrationClosed"]],
        ]
        await world.idle(f)
        lines = await world.lines(f)
        assert "EXTENSION\tName: inner\tState: Ready\tEvents: [INVOKE]\n" in lines

    run(tmp_path, story)


def test_who_comes_with_no_error_type_is_told_what_is_missing(tmp_path: Path) -> None:
    answers = told(
        tmp_path,
        """
me = join("inner")
for path in ("/init/error", "/exit/error"):
    tell("POST", EXT + path, "{}", Lambda_Extension_Identifier=me)
threading.Thread(target=event, args=({"Lambda-Extension-Identifier": me},), daemon=True).start()
""",
    )
    assert answers[1:] == [[403, "Extension.MissingHeader"]] * 2


def test_the_account_is_told_to_who_asks_for_it(tmp_path: Path) -> None:
    (answer,) = told(
        tmp_path,
        """
me = tell("POST", EXT + "/register", "{}", Lambda_Extension_Name="inner",
          Lambda_Extension_Accept_Feature="future, accountId")
threading.Thread(target=event, args=({"Lambda-Extension-Identifier": me},), daemon=True).start()
""",
    )
    assert answer[0] == 200
    facts = json.loads(answer[1])
    assert list(facts) == ["accountId", "functionName", "functionVersion", "handler"]
    assert facts["accountId"] == "123456789012"
    assert (facts["functionVersion"], facts["handler"]) == ("$LATEST", "h.handler")


def test_a_function_cannot_take_the_place_of_the_runtime(tmp_path: Path) -> None:
    """An extension may be called "runtime", inside as in /opt/extensions."""

    async def story(world: Ground) -> None:
        layer = world.layer(
            {
                "extensions/runtime": EXTENSION
                + """
me = register("INVOKE", name="runtime")
while True:
    event(me)
"""
            }
        )
        f = world.function(ECHO, layers=(layer,))
        assert (await world.invoke(f, b"1")).payload == b"1"
        await world.idle(f)
        assert (await world.invoke(f, b"2")).payload == b"2"

    run(tmp_path, story)


def test_names_may_be_in_any_language(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        script = EXTENSION + 'event(register(name=NAME.encode().decode("latin-1")))'
        layer = world.layer({"extensions/größe ™.py": script})
        f = world.function(ECHO, layers=(layer,))
        assert (await world.invoke(f, b"1")).payload == b"1"
        lines = await world.lines(f)
        assert "EXTENSION\tName: größe ™.py\tState: Ready\tEvents: []\n" in lines

    run(tmp_path, story)


FUZZ = """
import random
chance = random.Random(event_seed)
paths = [EXT + path for path in ("/register", "/event/next", "/init/error", "/exit/error", "",
         "/", "/register?x=1", "//register", "/event/%2e%2e/register", "/event/next/")]
names = ["inner", "", "runtime", "extension:inner", "a" * 300, "\\xff\\xfe", "../x", "0"]
ids = ["", "x", "3fa85f64-5717-4562-b3fc-2c963f66afa6", "\\xe4" * 36]
bodies = [None, "", "{}", "null", "[]", '{"events":["INVOKE"]}', '{"events":["SHUTDOWN"]}',
          '{"events":[["INVOKE"]]}', '{"events":{"a":1}}', "[" * 9000, "\\x00" * 70000, '"x"',
          '{"events":["' + "y" * 5000 + '"]}', '{"configurationKeys":1}']
methods = ["GET", "POST", "POST", "PUT", "HEAD", "DELETE", "OPTIONS"]
seen = {}
for _ in range(400):
    headers = {}
    for header, values in (("Lambda-Extension-Name", names), ("Lambda-Extension-Identifier", ids),
                           ("Lambda-Extension-Function-Error-Type", names),
                           ("Lambda-Extension-Accept-Feature", names)):
        if chance.random() < 0.7:
            headers[header] = chance.choice(values)
    connection = http.client.HTTPConnection(API)
    method, path = chance.choice(methods), chance.choice(paths)
    # Who registers may never ask again: it must not be let in by chance, or the init would not end.
    if headers.get("Lambda-Extension-Name") and "register" in path and method == "POST":
        headers["Lambda-Extension-Name"] = ""
    connection.request(method, path, chance.choice(bodies), headers)
    status = connection.getresponse().status
    connection.close()
    seen[status] = seen.get(status, 0) + 1
serve(lambda event: seen)
"""


def test_no_request_by_chance_is_answered_by_a_fault_of_ours(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        for seed in (1, 2):
            f = world.function(CALLER + f"event_seed = {seed}\n" + FUZZ)
            seen = json.loads((await world.invoke(f)).payload)
            assert set(seen) <= {"400", "403", "404", "405", "413"}, seen
            assert sum(seen.values()) == 400
            assert seen["403"] > 40

    run(tmp_path, story)


def test_questions_without_end_cost_their_environment_only(tmp_path: Path) -> None:
    """The event goes to the first of many that wait: that the others wait on is their affair."""

    async def story(world: Ground) -> None:
        f = world.function(
            CALLER
            + f"""
me = register("INVOKE", name="inner")
crowd = []
for _ in range({RUNTIME_API_CONNECTIONS} - 8):
    each = http.client.HTTPConnection(API)
    each.request("GET", EXT + "/event/next", None, me)
    crowd.append(each)
serve(lambda event: event)
""",
            timeout_s=1,
        )
        for n in range(2):
            assert (await world.invoke(f, b"%d" % n)).payload == b"%d" % n
            assert (await world.idle(f)).phase == "Blank"  # nobody asked again

    run(tmp_path, story)
