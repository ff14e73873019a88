"""Writes golden.jsonl: what Jinja makes of the templates below, as chat templates are rendered.

Run with jinja2 3.1 installed: python golden.py > golden.jsonl
"""
import datetime
import json

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment(chat):
    if chat:
        env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
        env.filters["tojson"] = tojson
    else:
        env = ImmutableSandboxedEnvironment(keep_trailing_newline=True, extensions=[loopcontrols])
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda f: datetime.datetime(2026, 3, 7, 9, 5, 2).strftime(f)
    return env


VARS = {
    "s": "Hello, Wörld", "empty": "", "n": 7, "f": 2.5, "yes": True, "no": False, "nothing": None,
    "list": [3, 1, 2], "words": ["b", "A", "c"], "nested": {"a": {"b": [10, 20, {"c": "deep"}]}, "items": "field"},
    "rows": [{"name": "x", "v": 2, "ok": True}, {"name": "y", "v": 1, "ok": False}, {"name": "Z", "v": 3}],
    "odd": "a'b\"c\\d\n\t\u00e9\u2028😀\x07", "text": "  one two   three  ", "lines": "a\nb\r\nc",
    "mixed": [1, "1", 1.0, True, None, [1], {"k": 1}], "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo", "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1, "y": [1.5, "é<&>'"]}}}]}],
}

EXPRESSIONS = """
s ~ n ~ f ~ yes ~ nothing
1 + 2 * 3 - 4
7 // 2
-7 // 2
7 % 3
-7 % 3
7.5 // 2
-7.5 % 2
7 / 2
2 ** 10
2 ** -1
2 ** 3 ** 2
-2 ** 2
1e3
1.5e-7
123456789012345680.0
1_000
0.1 + 0.2
10 / 5
'a' 'b' "c"
'a' * 3
[1] + [2] * 2
(1, 2) + (3,)
()
(1,)
{'a': 1, 'b': [1, 'x', None, true]}
{'a': 1}['a']
mixed
odd
[odd]
not yes
not no and yes or nothing
no or empty or 'last'
yes and n
1 < 2 < 3
1 < 3 < 2
1 == 1.0
true == 1
'1' == 1
[1, 2] == [1, 2]
[1, 2] < [1, 3]
(1, 2) == [1, 2]
'a' < 'b'
'ell' in s
'x' not in s
3 in list
'a' in nested
'q' in nested
s[0]
s[-1]
s[1:4]
s[::-1]
s[-3:]
s[:-3]
s[::2]
list[0]
list[-1]
list[1:]
list[::-1]
list[5:]
list[10]
(1, 2, 3)[1:]
nested.a.b[2].c
nested['a']['b'][0]
nested['items']
nested.a.get('zz', 'd')
nested.a.get('zz')
nested.missing
nested.missing is defined
missing is defined
missing is undefined
missing
missing == other_missing
missing or 'd'
missing ~ 'x'
missing | default('d')
empty | default('d')
empty | default('d', true)
nothing | default('d')
'y' if yes else 'n'
'y' if no
'y' if no else 'z' if no else 'w'
(yes if no else n)
s | upper
s | lower
s | length
list | length
nested | length
missing | length
text | trim
'xxaxx' | trim('x')
text.strip()
text.lstrip()
text.rstrip()
'xxaxx'.strip('x')
text.split()
text.split(' ')
text.split(None, 1)
'a,b,c'.split(',', 1)
'a,b,c'.rsplit(',', 1)
' a b c '.rsplit(None, 1)
lines.splitlines()
lines.splitlines(true)
s.startswith('Hel')
s.startswith(('x', 'H'))
s.endswith('rld')
s.replace('l', 'L')
s.replace('l', 'L', 1)
s | replace('l', 'L')
s.find('l')
s.find('zz')
s.count('l')
s.index('W')
s.upper()
s.title()
'hELLO wORLD-x' | title
'hELLO wORLD' | capitalize
'abc'.capitalize()
'a-b-c'.partition('-')
'a-b-c'.rpartition('-')
'123'.isdigit()
'abc'.isalpha()
'ab1'.isalnum()
' '.isspace()
'42'.zfill(5)
'-42'.zfill(5)
'a'.ljust(3) ~ '|'
'a'.rjust(3, '.')
'-'.join(words)
words | join('-')
rows | join(', ', attribute='name')
list | sort
words | sort
words | sort(case_sensitive=true)
list | sort(reverse=true)
rows | sort(attribute='v') | map(attribute='name') | list
list | max
list | min
words | max
list | sum
rows | sum(attribute='v')
rows | map(attribute='name') | join
rows | map(attribute='ok', default='?') | list
words | map('upper') | list
rows | selectattr('ok') | map(attribute='name') | list
rows | selectattr('v', 'gt', 1) | map(attribute='name') | list
rows | selectattr('name', 'equalto', 'x') | list | length
rows | rejectattr('ok') | map(attribute='name') | list
mixed | select('string') | list
mixed | reject('none') | list
list | select('odd') | list
list | first
list | last
[] | first
words | reverse | list
s | reverse
words | unique | list
['a', 'A', 'b'] | unique | list
nested | dictsort
rows[0] | dictsort(by='value') if no else 'skip'
rows[0] | items | list
rows[0].items() | list
rows[0].keys() | list
rows[0].values() | list
rows[0] | list
s | list
'12' | int
'12.7' | int
'x' | int
'x' | int(5)
'0x1f' | int(0, 16)
2.9 | int
-2.9 | int
'2.5' | float
'x' | float
5 | float
2.5 | round
3.5 | round
2.345 | round(2)
2.1 | round(0, 'ceil')
2.9 | round(method='floor')
7 | round
-5 | abs
-5.5 | abs
-5 | abs + 1
nothing | string
n | string ~ 'x'
'<a href="x">&\\'</a>' | escape
'a b c' | wordcount
'a\nb\nc' | indent
'a\n\nb' | indent(2, true)
'%s is %d and %.2f' | format('x', 3, 2.5)
'%05d|%-4s|%r' % (7, 'a', 'b')
'{} {} {name}'.format(1, 'b', name='c')
'{0}{0}{1:.2f}'.format('a', 1.5)
nested | tojson
messages | tojson
messages | tojson(indent=2)
messages | tojson(separators=(',', ':'))
{'b': 1, 'a': 2} | tojson(sort_keys=true)
odd | tojson
odd | tojson(ensure_ascii=true)
[] | tojson(indent=2)
{} | tojson
[1.0, 1e20, 1e-5, 0.1, 100] | tojson
nothing | tojson
n is number
s is string
nested is mapping
list is iterable
s is iterable
n is iterable
list is sequence
nothing is none
n is not none
yes is boolean
yes is true
n is true
n is integer
f is float
n is odd
n is divisibleby 7
n is divisibleby(2)
n is eq 7
n is in [1, 7]
n is not in [1, 7]
'abc' is lower
'ABC' is upper
range(3) | list
range(1, 4) | list
range(5, 0, -2) | list
dict(a=1, b=2)
namespace(x=1).x
strftime_now('%Y-%m-%d %H:%M:%S %d %B %b %A %j %-d')
messages[-1].role
messages[1]['tool_calls'][0].function.arguments
messages | map(attribute='role') | join(',')
messages[0].content.split('h')[-1].lstrip('\\n')
messages[0].tool_calls
messages[0].tool_calls is defined
(messages[0].content is string and messages[0].role == 'user')
[n, f] | map('string') | list
words | length > 2
{'a': {'b': 1}}.a.b
'a' if list[0] == 3 else 'b'
"\\x41\\u00e9\\n|"
'{{ not a tag }}'
loop is defined
lines | replace('\n', '|')
s.lower().split(',')[0]
[[1, 2], [3]] | map('length') | list
[[1, 2], [3]] | map('first') | list
[1, 2, 3] | map('int') | sum
nested.a.b | length
'' is none
0 is none
missing is none
list is mapping
caller is defined
'a' in ['a', 'b'] and 'b' not in 'ccc'
not 'a' in 'abc'
not (1 == 2) and 3 > 2
1 if yes and not no else 2
('a', 'b') | join
1.0
100000000000000000000.0
1e16
123456.789
-0.0
5 // 0
5 % 0
5 / 0
1 + 'a'
'a' + 1
nothing + 1
missing + 1
missing.x
list.append(1)
nested.update({'z': 1})
n.x
n[0]
s.nope
s.nope()
raise_exception('no ' ~ s)
'a' < 1
list | join(missing)
s | tojson(indent='x')
n()
'x' in 5
[1, 'a'] | sort
"""

TEMPLATES = [
    "a\n{% if yes %}\nb\n{% endif %}\nc\n",
    "a\n  {% if yes %}\n  b\n  {% endif %}\nc",
    "a\n  {%- if yes -%}\n  b\n  {%- endif -%}\nc",
    "a\n  {%+ if yes +%}\n  b\n  {%+ endif %}\nc",
    "  {% if yes %} x {% endif %}  y",
    "{{ s }}  {% if yes %}x{% endif %}",
    "{{ s }}\n  {% if yes %}x{% endif %}",
    "{{- s -}}  \n x {{- n }}",
    "a {#- comment -#} b\n{# c #}\nd\n  {# e #}\nf",
    "{% for x in list %}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for x in list %}{{ loop.index }}/{{ loop.length }}:{{ loop.index0 }}:{{ loop.revindex }}:{{ loop.revindex0 }}:{{ loop.first }}:{{ loop.last }} {% endfor %}",
    "{% for x in [] %}x{% else %}none{% endfor %}",
    "{% for x in missing %}x{% else %}none{% endfor %}",
    "{% for k, v in rows[0].items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for (k, v) in rows[0] | items %}{{ k }}={{ v }};{% endfor %}",
    "{% for x in list if x > 1 %}{{ loop.index }}:{{ x }} {% endfor %}",
    "{% for x in list %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in list %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in list %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}",
    "{% for x in list %}{{ loop.cycle('odd', 'even') }} {% endfor %}",
    "{% for x in [1, 1, 2] %}{{ loop.changed(x) }} {% endfor %}",
    "{% for x in list %}{% for y in words %}{{ x }}{{ y }}{{ loop.index }} {% endfor %}{{ loop.index }}{% endfor %}",
    "{% for c in s %}{{ c }}.{% endfor %}",
    "{% for k in nested %}{{ k }}{% endfor %}",
    "{% set x = 1 %}{% for i in list %}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}",
    "{% set ns = namespace(x=1, found=false) %}{% for i in list %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }} {{ ns.found }}",
    "{% if yes %}{% set x = 5 %}{% endif %}{{ x }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% set x %}block {{ n }}{% endset %}{{ x }}|{{ x | upper }}",
    "{% set x | upper %}block{% endset %}{{ x }}",
    "{% macro m(a, b='d', c=3) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(b=1, a=2) }}{{ m() }}",
    "{% macro m(x) -%}\n  {{ x }}\n{%- endmacro %}{{ m('a') }}{{ m('b') | upper }}",
    "{% macro f(n) %}{% if n > 0 %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}",
    "{% macro m() %}{{ n }}{{ caller() }}{% endmacro %}{% call m() %}inner {{ s }}{% endcall %}",
    "{% macro m() %}{{ caller(5) }}{% endmacro %}{% call(x) m() %}got {{ x }}{% endcall %}",
    "{% set g = 'outer' %}{% macro m() %}{{ g }}{% endmacro %}{{ m() }}",
    "{% filter upper %}abc {{ s }}{% endfilter %}",
    "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}",
    "{% raw %}{{ not }} {% a %}{% endraw %}!",
    "{%- raw -%}  {{ x }}  {%- endraw -%}  !",
    "{% if no %}a{% elif nothing %}b{% elif yes %}c{% else %}d{% endif %}",
    "{% if n == 7 and (s or no) %}ok{% endif %}",
    "{{ {'a': {'b': 1}} }}{{ '}}' }}{{ '%}' }}",
    "line\r\nline {{ n }}\r\n",
    "{{ 'multi\nline' }}",
    "{{ [1,\n 2,\n] }}",
    "{{ (1,\n 2) }}",
    "{% for m in messages %}<|{{ m.role }}|>{{ m['content'] }}{% if m.tool_calls %}{% for t in m.tool_calls %}{{ t.function.name }}{{ t.function.arguments | tojson }}{% endfor %}{% endif %}\n{% endfor %}",
    "{%- for m in messages %}\n{%- if loop.first and m.role != 'system' %}\n{{- 'sys' }}\n{%- endif %}\n    {{- m.role + ': ' + m.content }}\n{%- endfor %}\n",
    "{% if messages[0]['role'] == 'user' %}{% set rest = messages[1:] %}{% set first = messages[0]['content'] | trim + '\n\n' %}{% endif %}{{ first }}{{ rest | length }}",
    "{% for m in messages[::-1] %}{% set i = (messages | length - 1) - loop.index0 %}{{ i }}{{ m.role }} {% endfor %}",
    "{% set x = '' %}{{ x }}{% set x = x ~ 'a' %}{{ x }}",
    "{% for x in list %}{% else %}{% endfor %}done",
    "{{ missing }}{{ missing.x }}",
    "{% for a, b in [[1, 2], [3]] %}{{ a }}{% endfor %}",
    "{{ x",
    "{% if %}",
    "{% if yes %}",
    "{% nope %}",
    "{{ 'abc }}",
    "{{ a b }}",
    "{{ x | nope }}",
    "{% for x in list %}{% endif %}",
    "{{ 1 + }}",
    "{# never closed",
    "{% endfor %}",
    "{{ raise_exception('stop') }}",
]


def render(env, template):
    case = {"template": template, "chat": env.keep_trailing_newline is False}
    try:
        case["want"] = env.from_string(template).render(**json.loads(json.dumps(VARS)))
    except Exception as e:  # noqa: BLE001 what it is does not matter: ours must fail too
        case["error"] = type(e).__name__
    print(json.dumps(case, ensure_ascii=False))


print(json.dumps({"vars": VARS}))
for chat in (True, False):
    env = environment(chat)
    for line in EXPRESSIONS.strip().split("\n"):
        render(env, "{{ " + line.replace("\\n", "\n") + " }}")
    for template in TEMPLATES:
        render(env, template)
