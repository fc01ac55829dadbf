"""Mapping templates: what they say of AWS's own examples, and what hostile ones cannot do."""

import json
from typing import Any

import pytest

from stoker.core.rest.template_words import Conversions, Input
from stoker.core.rest.velocity import render
from stoker.core.rest.velocity_words import BadTemplate, read

PARAMETERS = {
    "path": {"id": "7"},
    "querystring": {"q": "x y", "id": "8"},
    "header": {"X-Kind": "a/b"},
}


def rendered(template: str, body: Any = None, **more: Any) -> str:
    text = "" if body is None else json.dumps(body)
    variables = {
        "input": Input(text, PARAMETERS),
        "util": Conversions(),
        "context": {"stage": "dev", "responseOverride": {"header": {}}},
        "stageVariables": {"color": "blue"},
        **more,
    }
    return render(read(template), variables)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain $5 #1 ${ text", "plain $5 #1 ${ text"),
        ("$input.params('id') $input.params('q') $input.params('x-kind')", "7 x y a/b"),
        ("[$input.params('nobody')]", "[]"),
        ("$stageVariables.color ${stageVariables.color}ish $stageVariables.none", "blue blueish "),
        ("$context.stage $context.none.at.all|", "dev |"),
        ("$unknown $!unknown ${unknown.x}", "$unknown  ${unknown.x}"),
        (r"\$input \#set", "$input #set"),
        ("a ## comment\nb #* c *# d #[[ $input ]]#", "a b  d  $input "),
        ("#set($x = 2)#set($y = $x * 3 + 4 / 2 - 1)$y", "7"),
        ("#set($x = 7 / -2)$x #set($x = -7 % 4)$x #set($x = 1 / 0)$!z", "-3 -3 "),
        ("#if(1 > 2)a#elseif(2 >= 2 && !false)b#{else}c#end", "b"),
        ("#if('a' == \"a\" and 'a' ne 'b' or false)yes#end", "yes"),
        ("#if($nothing)a#{else}b#end#if('')c#end", "bc"),
        ("#foreach($i in [1..3])$i$foreach.index#if($foreach.hasNext),#end#end", "10,21,32"),
        ("#foreach($i in [3..1])$velocityCount#if($i == 2)#break#end#end", "12"),
        ("a#stop b", "a"),
        (
            "#set($m = {'a': 1, \"b\": [1, 'x']})$m $m.b[1] $m.get('a') $m.size()",
            "{a=1, b=[1, x]} x 1 2",
        ),
        (
            "#set($m = {})#set($m.a = 'b')#set($m['c'] = 1)$m.keySet() $m.remove('a') $m",
            "[a, c] b {c=1}",
        ),
        (
            "#set($l = [])#set($x = $l.add('a'))#set($x = $l.add(0, 'b'))$l $l.contains('a')",
            "[b, a] true",
        ),
        ("#set($n = 'you')#set($s = \"hi $n, ${n}r\")$s $s.length()", "hi you, your 12"),
        (
            "#set($s = 'a-b--c')$s.split('-').size() $s.replace('-', '+') $s.substring(2, 3)",
            "4 a+b++c b",
        ),
        (
            "#set($s = 'a1b22')$s.replaceAll('[0-9]+', '<$0>') $s.matches('[a-z0-9]+')",
            "a<1>b<22> true",
        ),
        ("#set($Integer = 0)#set($n = $Integer.parseInt('41') + 1)$n", "42"),
        (
            "$util.urlEncode('a b&c') $util.urlDecode('a+b%26') $util.base64Encode('hi')",
            "a+b%26c a b& aGk=",
        ),
        ("$util.base64Decode('aGk=') $util.escapeJavaScript('\"/é')", 'hi \\"\\/\\u00E9'),
        ("$util.parseJson('{\"a\": [1, {\"b\": 2}]}').a[1].b", "2"),
        (
            "#set($context.responseOverride.status = 418)$context.responseOverride",
            "{header={}, status=418}",
        ),
    ],
)  # fmt: skip
def test_a_template_says(template: str, text: str) -> None:
    assert rendered(template) == text


@pytest.mark.parametrize(
    ("path", "json_text"),
    [
        ("$", '{"a":{"b":[1,2,{"c":"x"}]},"d e":null,"t":true}'),
        ("$.a.b[0]", "1"),
        ("$.a.b[-1].c", '"x"'),
        ("a.b[2]['c']", '"x"'),
        ("$['d e']", '""'),
        ("$.none", '""'),
        ("$.a.b[*]", '[1,2,{"c":"x"}]'),
        ("$.a.b[0:2]", "[1,2]"),
        ("$..c", '["x"]'),
    ],
)
def test_a_json_path_leads_to(path: str, json_text: str) -> None:
    body = {"a": {"b": [1, 2, {"c": "x"}]}, "d e": None, "t": True}
    assert rendered(f'$input.json("{path}")', body) == json_text


def test_the_template_that_passes_everything_through_makes_json() -> None:
    template = """#set($allParams = $input.params())
    {"body": $input.json('$'), "params": {
    #foreach($type in $allParams.keySet())
        #set($params = $allParams.get($type))
        "$type": {
        #foreach($name in $params.keySet())
            "$name": "$util.escapeJavaScript($params.get($name)).replaceAll("\\\\'", "'")"
            #if($foreach.hasNext),#end
        #end
        } #if($foreach.hasNext),#end
    #end
    }, "stage": "$context.stage"}"""
    found = json.loads(rendered(template, {"x": 1}).replace("\\/", "/"))
    assert found == {"body": {"x": 1}, "params": PARAMETERS, "stage": "dev"}


@pytest.mark.parametrize(
    "template",
    [
        "#if(true)", "#end", "#set($x)", "#set(1 = 2)", "#foreach(1 in [])#end", "#set($x = 'a)",
        "#set($x = [1)", "#evaluate('x')", "#macro(x)#end", "$util.nothing('x')", "$input.json(1)",
        "$input.path('$[?(@.a)]')", "$util.parseJson('{')", "#set($x = ((((" , "#set($x = {1})",
        "#set($x = 'a'.b)", "#if()a#end", "$input.params(", "#set($l = [1])#set($l[5] = 1)",
        "#set($s = 'abc')$s.substring(5)", "#set($s = 'a')$s.matches('(a')",
    ],
)  # fmt: skip
def test_what_is_no_template_is_refused(template: str) -> None:
    with pytest.raises(BadTemplate):
        rendered(template, {"a": [1]})


@pytest.mark.parametrize(
    "template",
    [
        "#set($x = '0123456789')" + "#set($x = $x + $x)" * 60 + "$x",
        "#foreach($i in [1..100000000])#end",
        "#foreach($i in [1..9999])#foreach($j in [1..9999])x#end#end",
        "#set($m = {})" + "#foreach($i in [1..100])#set($x = $m.put('k$i', $m))#end$m",
        "#set($l = [1])" + "#set($l = [$l, $l])" * 40 + "$l",
        "#set($l = [1])" + "#set($l = [$l, $l])" * 40 + "#if($l == $l)x#end",
        "#set($s = 'aaaaaaaaaaaaaaaaaaaaaaaa')#foreach($i in [1..9999])"
        "$s.matches('(a*)*(a*)*b')#end",
        "#set($s = 'a')#foreach($i in [1..30])#set($s = $s.replaceAll('a', 'aaaa'))#end",
        "#set($x = " + "(" * 5000 + "1" + ")" * 5000 + ")",
        "#if(true)" * 2000 + "#end" * 2000,
        "#set($x = " + "!" * 5000 + "true)",
    ],
    ids=range(11),
)
def test_no_template_takes_for_ever_or_all_memory(template: str) -> None:
    with pytest.raises(BadTemplate):
        rendered(template)


def test_a_long_sum_is_no_deep_one() -> None:
    assert rendered("#set($x = 1" + " + 1" * 5000 + ")$x") == "5001"


@pytest.mark.parametrize("name", ["__class__", "__init__", "_body", "_parameters", "call"])
def test_a_template_reaches_nothing_of_python(name: str) -> None:
    for owner in ("$input", "$util", "$context", "$stageVariables", "$input.body"):
        whole = owner + "." + name
        assert rendered(whole) in ("", whole)
        if owner not in ("$input", "$util"):
            assert rendered(f"{whole}()") in ("", f"{whole}()")
            continue
        with pytest.raises(BadTemplate):
            rendered(f"{whole}()")


def test_a_body_that_nests_for_ever_is_refused() -> None:
    nested = "[" * 500 + "]" * 500
    with pytest.raises(BadTemplate):
        render(read("$input.json('$')"), {"input": Input(nested, {}), "util": Conversions()})
