#!/usr/bin/env python3
"""Writes tests/golden/jinja/cases.jsonl: small templates and what Jinja2 renders for them, or that it refuses.

Jinja2 is set up by transformers itself, as for chat templates (sandbox, trim_blocks, lstrip_blocks, loop controls,
generation blocks, tojson, raise_exception, strftime_now). Needs transformers and jinja2:

    python tools/make_jinja_goldens.py
"""
import datetime
import json
import pathlib
import re
import sys

from transformers.utils import chat_template_utils

NOW = datetime.datetime(2026, 1, 15, 9, 30)


class FixedTime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


chat_template_utils.datetime = FixedTime

CONTEXT = {
    "s": "Hello, World", "ko": "안녕하세요 세계", "mixed": "a가🙂é", "empty": "", "spaces": "  a b \n c\t", "lines": "one\ntwo\n\nthree\n",
    "n": 7, "zero": 0, "neg": -5, "big": 9007199254740993, "f": 2.5, "tiny": 1e-5, "huge": 1e22, "whole": 3.0, "yes": True, "no": False,
    "nil": None, "xs": [3, 1, 2], "words": ["pear", "Apple", "fig", "apple"], "nested": [[1, [2]], {"k": [True, None, 1.5]}],
    "d": {"b": 1, "a": 2, "C": 3}, "unicode": {"키": "값", "q": "'\"\\\n\u0001\u007f"},
    "users": [{"name": "Kim", "age": 30, "city": {"name": "Seoul"}}, {"name": "lee", "age": 25, "city": {"name": "Busan"}},
              {"name": "Park", "age": 30, "city": {"name": "seoul"}}],
    "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi <b>&\"'"},
                 {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"x": 1.0, "y": [1, 2]}}}]},
                 {"role": "tool", "content": "42", "name": "f"}],
    "tools": [{"type": "function", "function": {"name": "get", "description": "Gets — it", "parameters": {"type": "object", "properties": {
        "city": {"type": "string", "enum": ["서울", "Busan"]}, "n": {"type": ["integer", "null"], "maximum": 18446744073709551615}}, "required": ["city"]}}}],
    "tree": [{"n": "a", "kids": [{"n": "b", "kids": []}, {"n": "c", "kids": [{"n": "d", "kids": []}]}]}, {"n": "e", "kids": []}],
    "items_key": {"items": 5, "get": 6, "other": 7},
}

# A template a line group; expressions are wrapped in {{ }}.
EXPRESSIONS = r"""
1 + 2 * 3 - 4 / 2
7 // 2, -7 // 2, 7 % 3, -7 % 3, 7 % -3, 7.5 // 2, -7.5 % 2, 7 % 2.5
2 ** 10, 2 ** -1, 2 ** 3 ** 2, (-2) ** 3, -2 ** 2, 4 ** 0.5
1 / 3, 10 / 5, 1e3, 1e16, 1e15, 123456789012345678, 1.5e-7, 0.1 + 0.2, 100000000000000000000.0, 5e-324, 1.7976931348623157e308
0x1F, 0b101, 0o17, 1_000_000, 1_0.5_0, 1E5
true and false, true or 1, 0 or 'x', 1 and 2, not 1, not not 1, none or nil
1 < 2 < 3, 1 < 3 < 2, 1 == 1.0, 1 == true, 'a' < 'b', [1, 2] < [1, 3], (1,) < (1, 0), 1 != 2
'a' in 'abc', 1 in xs, 'b' in d, 9 not in xs, 'x' not in s, none in [none], undefinedx in [1]
'a' ~ 1 ~ none ~ 1.0 ~ true ~ [1, 'b'] ~ undefinedx
'a' + 'b' 'c' "d", [1] + [2], (1,) + (2,), 'ab' * 3, [0] * 2, 2 * 'x', 'x' * 0, 'x' * -1
1 if yes else 2, 1 if no else 2, 1 if no, 'a' if zero else 'b' if no else 'c'
s[0], s[-1], s[1:4], s[:3], s[-3:], s[::2], s[::-1], s[5:1], s[1:100], s[-100:2]
ko[0], ko[-1], ko[1:3], ko[::-1], mixed[2], mixed[1:], mixed|length, mixed|reverse
xs[0], xs[-1], xs[5], xs[1:], xs[::-1], xs[:-1], xs[-2:], (1, 2, 3)[1:], xs[true]
range(5)|list, range(2, 8, 3)|list, range(5, 0, -2)|list, range(3), range(1, 9, 2), range(10)[2:5]|list, range(5)[-1], 3 in range(5)
d.a, d['a'], d.x, d['x'], d.get('a'), d.get('x'), d.get('x', 'y'), d|length, d.items()|list
d.keys()|list, d.values()|list, d.items(), d.keys(), d.values(), d
items_key.items() | list, items_key['items'], items_key.other, items_key['get']
{'a': 1, 'b': {'c': [1, 2, {'d': none}]}}, {1: 'x', none: 'y', true: 'z', (1, 2): 'w', 1.5: 'v'}
{'a': 1, 'a': 2}, {1: 'a', 1.0: 'b', true: 'c'}, {}, [], (), (1,), [[]], {'x': ()}
'it\'s', "say \"hi\"", 'tab\tnl\nbs\\ \x41 \u00e9 \U0001F642 \101 \q', '\N{BULLET}'
['it\'s', "say \"hi\"", 'both \' and "', 'nl\n', 'é가🙂', '\x00\x7f\x1b\u200b\u00a0']
nested, [true, none, 1.0, 1e-7, 1e22, 'x'], tiny, huge, whole, big, -0.0
undefinedx, [undefinedx], undefinedx == undefinedx, undefinedx == none, undefinedx is defined, d.x is defined
d.x.y is defined
undefinedx|default('x'), d.x|default('y'), ''|default('z'), ''|default('z', true), none|d('q'), none|default('q', boolean=true), 0|default(5, true)
nil, nil == none, [nil], nil ~ '', yes, no, yes + yes, yes * 3
messages[0]['role'], messages[0].role, messages[-1].name, messages[2].tool_calls[0].function.arguments.x, messages[2]['content']
messages[1:]|length, messages[:1], messages|map(attribute='role')|list, (messages|first).role, (messages|last).role
users|map(attribute='city.name')|join(', '), users|map(attribute='nope', default='-')|list, users|map('length')|list, words|map('upper')|join('|')
words|map('replace', 'p', 'q')|list, [[1,2],[3]]|map('sum')|list, [[1,2],[3,4]]|map(attribute=0)|list, ['1','2']|map('int')|sum
users|selectattr('age', 'equalto', 30)|map(attribute='name')|list, users|rejectattr('age', '==', 30)|list|length, users|selectattr('name')|list|length
xs|select('odd')|list, xs|reject('odd')|list, [0, 1, '', 'a', none]|select|list, [1, 2, 3, 4]|select('gt', 2)|list, xs|select('in', [1, 2])|list
messages|selectattr('tool_calls', 'defined')|list|length, messages|rejectattr('content', 'none')|map(attribute='role')|join(','), messages|selectattr('role', 'in', ['user', 'tool'])|list|count
xs|sort, xs|sort(reverse=true), words|sort, words|sort(case_sensitive=true), users|sort(attribute='age,name')|map(attribute='name')|list, users|sort(attribute='city.name', reverse=true)|map(attribute='name')|list
d|dictsort, d|dictsort(true), d|dictsort(by='value'), d|dictsort(false, 'value', true), d|sort, {'b': 'x', 'A': 'Y'}|dictsort(by='value')
words|unique|list, words|unique(true)|list, users|unique(attribute='age')|map(attribute='name')|list, [1, 1.0, true, 2]|unique|list
xs|min, xs|max, []|min, words|min, words|max(case_sensitive=true), users|max(attribute='age'), [2.5, 2]|max
xs|first, []|first, xs|last, 'abc'|first, 'abc'|last, d|first, d|last, ''|first, range(3)|last, d.items()|first, d.values()|last
xs|length, 'abc'|length, d|count, undefinedx|length, range(4)|length, d.items()|length, ''|length
xs|list, 'abc'|list, d|list, undefinedx|list, (1, 2)|list, range(3)|list
xs|sum, xs|sum(start=10), users|sum(attribute='age'), []|sum, [[1], [2]]|sum(start=[]), [0.1, 0.2]|sum, [true, true]|sum
xs|join, xs|join(','), [1, none, 'a', 1.5]|join('-'), users|join(', ', attribute='name'), 'abc'|join('.'), []|join(','), undefinedx|join(',')
xs|reverse|list, 'abc'|reverse, (1, 2)|reverse|list, d|reverse|list, range(3)|reverse|list
range(7)|batch(3)|list, range(7)|batch(3, 'x')|list, []|batch(2)|list, range(7)|slice(3)|list, range(7)|slice(3, 'x')|list, range(2)|slice(4)|list, [1]|batch(0)|list
users|groupby('age')|list|length, users|groupby('city.name')|map(attribute='grouper')|list, users|groupby('city.name', case_sensitive=true)|map(attribute=0)|list, users|groupby('zip', default='none')|list
d|items|list, undefinedx|items|list
s|upper, s|lower, ko|upper, 'ß'|upper, 'ÀÉ'|lower, 'ΑΣ'|lower, 'ǆ'|capitalize, 'hello wORLD'|capitalize, 'ﬁx'|capitalize
'hello wORLD-foo (bar) [baz] a_b'|title, "it's a dog's"|title, "it's"|title, 'a\tb'|title
'  x '|trim, 'xxaxx'|trim('x'), ' \n가 '|trim, 5|trim, none|trim, '\u3000a\u00a0'|trim
s|replace('o', '0'), s|replace('o', '0', 1), 'aaa'|replace('', '-'), 5|replace(5, 6), 'abc'|replace('b', ''), s|replace('l', 'L', count=2)
'x'|center(5), 'ab'|center(5), 'abc'|center(2), 'ab'|center(6), '가'|center(4)
lines|indent, lines|indent(2, true), lines|indent(2, blank=true), lines|indent('> '), 'a\nb'|indent(width=1, first=true), ''|indent, 'a\r\nb'|indent
'foo bar baz qux'|truncate(9), 'foo bar baz qux'|truncate(9, true), 'foo bar baz qux'|truncate(11), 'foo bar baz qux'|truncate(11, false, '...', 0), 'foobar'|truncate(3, true, '', 0), '가나다 라마바사'|truncate(5, false, '…', 0)
'the quick brown fox jumps'|wordwrap(10), 'aaaaaaaaaaaaaaa bb'|wordwrap(6), 'aaaaaaaaaaaaaaa bb'|wordwrap(6, false), 'well-known state-of-the-art'|wordwrap(8), 'a  b   c'|wordwrap(3), 'x\ny z'|wordwrap(3, wrapstring='|')
'well-known state-of-the-art'|wordwrap(8, break_on_hyphens=false), 'see -- this --- or--that'|wordwrap(6), 'aaaa-bbbbbbbbbb-cc'|wordwrap(7), ' leading'|wordwrap(4)
'hello big world'|wordcount, 'a,b;c-d_e 1.5 가나 다'|wordcount, ''|wordcount
'12'|int, ' 12 '|int, '12.7'|int, 'x'|int, 'x'|int(5), '0x1F'|int(0, 16), '1F'|int(base=16), '0b11'|int(0, 2), '0o17'|int(0, 0), '1_000'|int, none|int, 3.9|int, -3.9|int, true|int, '١٢'|int, ''|int, []|int
'1.5'|float, 'x'|float, 'x'|float(2.5), 3|float, '1e3'|float, ' -2 '|float, 'inf'|float, 'nan'|float, none|float, '1_0.5'|float, '.5'|float, '5.'|float, 'infinity'|float, '1e400'|float
2.5|round, 3.5|round, 42.55|round(1), 42.55|round(1, 'floor'), 42.51|round(1, 'ceil'), 5|round, 1234|round(-2), 1250|round(-2), 2.675|round(2), -2.5|round, 1e300|round(2), 5|round(1, 'floor'), 0.5|round, 1.5|round|int, 1234.5|round(-2)
-5|abs, 5.5|abs, neg|abs, -1.5|abs, true|abs
1|filesizeformat, 0|filesizeformat, 999|filesizeformat, 1000|filesizeformat, 1500000|filesizeformat, 1024|filesizeformat(true), 1536000|filesizeformat(binary=true), '3000'|filesizeformat, 1e27|filesizeformat
1|string, none|string, 1.0|string, [1]|string, 'x'|string, undefinedx|string
'%s-%d'|format('a', 5), '%(a)s'|format(a=1), '%5.2f|%-5s|%05d|%x|%X|%o|%e|%g|%%|%c|%r|%+d|% d'|format(3.14159, 'ab', 42, 255, 255, 8, 12345.678, 0.00001, 65, 'q', 5, 6)
'%s %s' % ('a', 1), '%d%%' % 50, '%s' % none, '%(x)05.1f' % {'x': 3.14159}, '%s' % [1, 2], '%r' % 'é', '%a' % 'é', '%.3s|' % 'abcdef', '%10s|%-10s|' % ('가', '나'), '%#x %#o' % (255, 8), '%i' % 3.9, '%.2e' % 0, '%*d' % (5, 42), '%.3d' % 7
'{} {}'.format(1, 'b'), '{0}{1}{0}'.format('a', 'b'), '{x}-{y[0]}-{z.a}'.format(x=1, y=[2], z=d), '{:>8}|{:<8}|{:^8}|{:*^8}'.format('a', 'b', 'c', 'd'), '{{}}'.format(), '{!r} {!s}'.format('q', 'q')
'{:05d} {:+d} {:,} {:x} {:#x} {:b} {:o} {:_} {:c}'.format(42, 5, 1234567, 255, 255, 5, 8, 1234567, 65), '{:.2f} {:8.3f}| {:e} {:g} {:%} {:.1%} {:,.2f}'.format(3.14159, 2.5, 12345.678, 0.0001, 0.5, 0.256, 1234567.891), '{:{w}.{p}f}'.format(3.14159, w=8, p=2)
'{:.3}'.format('abcdef'), '{:5}|{:<5}|'.format(1, 1), '{:.3}'.format(3.14159), '{:10.4}|'.format(2.0), '{}'.format(none), '{:>5}'.format(true), '{:n}'.format(5), '{:g}'.format(5), '{:05}'.format(-3.5), '{:=+6}'.format(3), '{:06.2f}'.format(-1.5)
s.upper(), s.lower(), s.title(), s.capitalize(), s.swapcase(), 'ß'.upper(), 'Straße'.casefold(), "they're bill's".title()
'  a '.strip() ~ '|', ' a '.lstrip() ~ '|', ' a '.rstrip() ~ '|', 'xyaxy'.strip('xy'), 'xyaxy'.lstrip('yx'), 'xyaxy'.rstrip('xy'), '가a가'.strip('가'), ' a'.strip(none)
'a,b,,c'.split(','), ' a  b '.split(), 'a,b,c'.split(',', 1), 'a b c d'.split(none, 2), 'a b c d'.split(maxsplit=1), ''.split(), ''.split(','), 'abc'.split('abc'), 'a--b--c'.split('--'), '  a b  c  '.split(none, 1), '</think>x'.split('</think>')[-1]
'a,b,c'.rsplit(',', 1), 'a b c'.rsplit(), 'a b c'.rsplit(none, 1), 'a,b'.rsplit(';'), ' a b '.rsplit(none, 1), 'aXbXc'.rsplit('X', maxsplit=1)
lines.splitlines(), lines.splitlines(true), 'a\r\nb\rc\x0bd\u2028e'.splitlines(), ''.splitlines(), 'a\n'.splitlines(keepends=true)
s.startswith('Hell'), s.startswith(('x', 'H')), s.endswith('ld'), s.endswith(('x',)), s.startswith('ello', 1), s.endswith('lo', 0, 5), ''.startswith(''), 'abc'.startswith('', 4), s.startswith('o', -1)
s.find('o'), s.find('o', 5), s.rfind('o'), s.find('zz'), s.index('W'), s.rindex('o'), ko.find('세계'), s.count('l'), s.count('o', 5), 'aaa'.count('aa'), 'abc'.count(''), s.find('o', -4), ''.find('')
s.replace('l', 'L'), s.replace('l', 'L', 1), s.replace('', '.'), 'aaa'.replace('a', 'bb', 2), 'abc'.replace('', '-', 2), ''.replace('', 'x')
', '.join(['a', 'b']), ''.join(words), '-'.join('abc'), '|'.join(d), ','.join(words|map('upper')), 'x'.join([])
'12'.isdigit(), '1.2'.isdigit(), '²'.isdigit(), '²'.isdecimal(), '½'.isnumeric(), 'ab'.isalpha(), '가나'.isalpha(), 'a1'.isalnum(), ' \t'.isspace(), ''.isspace(), 'ab'.islower(), 'AB1'.isupper(), '1'.isupper(), 'Ab Cd'.istitle(), 'a_1'.isidentifier(), '1a'.isidentifier(), 'é'.isascii(), 'a\n'.isprintable(), ''.isdigit()
'42'.zfill(5), '-42'.zfill(5), '+1'.zfill(4), 'a'.ljust(4) ~ '|', 'a'.rjust(4), 'a'.center(4) ~ '|', 'a'.center(5, '*'), 'a'.ljust(3, '가'), 'abc'.zfill(2)
'prefix-x'.removeprefix('prefix-'), 'x.py'.removesuffix('.py'), 'x'.removesuffix(''), 'abc'.removeprefix('x'), 'a=b=c'.partition('='), 'a=b=c'.rpartition('='), 'abc'.partition('='), 'abc'.rpartition('='), 'a\tb'.expandtabs(4), '{a}'.format_map({'a': 1})
xs.index(1), xs.count(3), (1, 2, 1).count(1), (1, 2).index(2), xs.copy(), d.copy(), d.fromkeys(['x'], 1), (5).bit_length(), (2.0).is_integer(), (2.5).is_integer()
x is defined, s is defined, nil is none, s is string, 5 is string, d is mapping, xs is mapping, xs is sequence, s is sequence, d is sequence, 5 is sequence, xs is iterable, s is iterable, 5 is iterable, nil is iterable, undefinedx is iterable, undefinedx is sequence
5 is number, 5.0 is number, yes is number, '5' is number, 5 is integer, yes is integer, 5.0 is integer, 5.0 is float, 5 is float, yes is boolean, 1 is boolean, yes is true, 1 is true, no is false, 0 is false
5 is odd, 4 is even, 9 is divisibleby 3, 9 is divisibleby(2), 'abc' is lower, 'ABC' is upper, 'a1' is lower, 5 is lower, range is callable, s is callable, s.upper is callable, undefinedx is callable, 3.0 is odd
1 is eq 1, 1 is equalto(1), 1 is ne 2, 1 is lt 2, 2 is gt 1, 1 is le 1, 1 is ge 2, 1 is lessthan 2, 2 is greaterthan 1, 1 is in [1, 2], 'a' is in 'abc', 5 is not in [1]
nil is sameas none, 1 is sameas 1, yes is sameas true, 1 is sameas true, xs is sameas xs, 'upper' is filter, 'nope' is filter, 'odd' is test, 'nope' is test, '<'|e is escaped, '<' is escaped
s is not none, s is not string, nil is not none and s is string, not nil is none, xs is not mapping, 5 is not divisibleby 2
xs|select('odd')|list is sequence, xs|map('upper') is iterable, xs|map('upper') is sequence, (xs|select('odd')) and true, d.items() is sequence, d.keys() is iterable, range(3) is sequence, range(3) is mapping
messages|tojson, tools|tojson, unicode|tojson, nested|tojson, [1.0, 1e-7, 1e22, 1e16, big, -0.0]|tojson
tools|tojson(indent=2), d|tojson(indent=4, sort_keys=true), [[], {}, [1], {'a': []}]|tojson(indent=1), d|tojson(indent='--'), []|tojson(indent=2), nested|tojson(indent=0)
unicode|tojson(ensure_ascii=true), mixed|tojson(true), d|tojson(separators=(',', ':')), d|tojson(separators=(',', ': '), indent=2), d|tojson(sort_keys=true), {'b': [3, {'z': 1, 'y': 2}], 'a': 1}|tojson(sort_keys=true)
{1: 'a', none: 'b', true: 'c', 1.5: 'd'}|tojson, (1, 2)|tojson, '</script>'|tojson, '<'|e|tojson, none|tojson, true|tojson, 'x'|tojson
'<a href="x">&\'</a>'|e, '<'|escape ~ '<', ('<'|e) + '<', '<' + ('>'|e), ('<'|safe) + '<', ('a'|safe) * 2, ('<'|e)|e, ('<'|e)|forceescape, ['<'|e], ('%s'|safe) % '<', ('{}'|safe).format('<'), (','|safe).join(['<', '>'|safe]), ('<'|safe).replace('<', '>'), ('a<'|safe)[1:], ('x'|safe)|upper
'<p>a  <b>b</b><!-- c --> &amp; d</p>'|striptags, 'a < b'|striptags, '1 &lt; 2 &#65; &#x42;'|striptags
'a b/c?d=é&f'|urlencode, {'a b': 'c&d', 'e': 1}|urlencode, [('x', '/')]|urlencode, 5|urlencode
{'class': 'a', 'id': none, 'x': 1, 'q': '"'}|xmlattr, {'a': 1}|xmlattr(false), {}|xmlattr
d|attr('items') is callable, d|attr('a') is defined, s|attr('upper') is defined
{'z': 1, 'a': [1, 2]}|pprint, 'short'|pprint, [1, 2]|pprint
strftime_now('%Y-%m-%d'), strftime_now('%d %B %Y %H:%M:%S %p %A %j'), strftime_now('%b %-d, %e|%y|%I|%%|%f|%z|%Z|'), strftime_now(''), strftime_now('한국 %Y년')
dict(a=1, b=2), dict({'x': 1}, y=2), dict([('k', 'v')]), dict(), namespace(a=1).a, namespace({'q': 2}).q, namespace(), namespace(a=1).b is defined
messages|map(attribute='role')|unique|sort|join(','), (1, 2)|sum + 3, [3, 1]|sort|first, -1|abs, 'a'|upper ~ 'b', 'a' ~ 'b'|upper, -1 + 2|abs
s.upper is defined, s.nope is defined, xs.append is defined, d.update is defined, d.pop is defined, xs.copy is defined, s.format is callable
'a' if x is defined else 'b', 'a' if s is defined and s else 'b', (s if s else 'x')|upper, 'yes' if 'user' in messages|map(attribute='role') else 'no'
1.__class__ is defined, d.__class__ is defined, '__x__' in d, {'_p': 1}._p, {'__p__': 1}['__p__']
xs.0, nested.0.1, (d.items()|list).0.1, 'abc'.1, nested[1].k[2]
(1, 2) == [1, 2], [1, 2] == [1, 2], {'a': 1, 'b': 2} == {'b': 2, 'a': 1}, d == {}, 'a' == 'a'|safe, range(3) == range(0, 3), none == false, 0 == false
cycler('a', 'b').next(), joiner('|')() ~ 'x', loop is defined, caller is defined, true is boolean, True, False, None, none
"a" "b" ~ 'c', ('a'), ('a',), (('a')), [1, 2,], {'a': 1,}, (1, 2,)
'한글'|length, '🙂🙃'[1], '🙂🙃'|list, 'e\u0301'|length, 'İ'|lower|length, '한글'|tojson|length, '한'|urlencode
[1, 'a', none, true, 1.5, [], {}]|map('string')|list, [1, 'a']|map('tojson')|join(', '), ['b', 'a']|map('upper')|sort|list
10000000000 * 10000000000, 2 ** 62, 2 ** 63, -2 ** 63, 9223372036854775807 + 1, 18446744073709551615
((((((((((1))))))))))
messages|selectattr('role', 'eq', 'user')|map(attribute='content')|first, messages|groupby('role')|map('first')|list, (users|groupby('age')|first).list|length
"{{ not a tag }}", '{% nor this %}', '}}', "%}"
'a\
b'
"""

# Whole templates, separated by lines of "----".
TEMPLATES = r"""
{% if yes %}a{% endif %}|{% if no %}b{% elif n == 7 %}c{% else %}d{% endif %}|{% if zero %}{% elif no %}{% else %}e{% endif %}
----
{% for x in xs %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }}:{{ x }};{% endfor %}
----
{% for x in xs %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}{% for x in xs %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}
----
{% for x in xs %}{{ loop.cycle('a', 'b') }}{% endfor %}|{% for x in [1, 1, 2, 2, 1] %}{{ loop.changed(x) }}{% endfor %}
----
{% for x in [] %}a{% else %}none{% endfor %}|{% for x in xs if x > 5 %}a{% else %}none{% endfor %}|{% for x in xs if x > 1 %}{{ x }}{{ loop.last }}{{ loop.length }}{% endfor %}
----
{% for k, v in d.items() %}{{ k }}={{ v }}{% if not loop.last %}, {% endif %}{% endfor %}|{% for k in d %}{{ k }}{% endfor %}|{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}
----
{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %}
----
{% for x in xs %}{% for y in 'ab' %}{{ loop.index }}{{ loop.last }}{% if y == 'b' %}{% break %}{% endif %}{% endfor %}{{ loop.index }}{% endfor %}
----
{% for node in tree recursive %}{{ loop.depth }}{{ node.n }}{% if node.kids %}({{ loop(node.kids) }}){% endif %}{% endfor %}
----
{%- for node in tree recursive -%}
  [{{ node.n }}{{ loop(node.kids) }}]
{%- else -%}
  -
{%- endfor -%}
----
{% set x = 1 %}{% for i in xs %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}
----
{% set ns = namespace(n=0, found=false) %}{% for i in xs %}{% set ns.n = ns.n + i %}{% if i == 1 %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.n }}{{ ns.found }}{{ ns }}
----
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (c, d) = [3, 4] %}{{ c }}{{ d }}{% set t = 1, 2 %}{{ t }}{% set u = 1, %}{{ u }}
----
{% set ns = namespace() %}{% set ns.a, ns.b = 1, 2 %}{{ ns.a }}{{ ns.b }}{{ ns['a'] }}
----
{% set x %}  block {{ s }} {% endset %}[{{ x }}]{% set y | upper | trim %} {{ x }} {% endset %}[{{ y }}]
----
{% if yes %}{% set v = 'in' %}{% endif %}{{ v }}{% if no %}{% set w = 'x' %}{% endif %}[{{ w }}]{% if no %}{% set s = 'x' %}{% endif %}{{ s }}
----
{% macro m(a, b='B', c=none) %}<{{ a }}|{{ b }}|{{ c }}>{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(1, c=3) }}{{ m(b=2, a=1) }}{{ m() }}{{ m.name }}{{ m.arguments }}{{ m.catch_kwargs }}{{ m }}
----
{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}{{ m(*[1, 2], **{'y': 5}) }}{{ m.catch_varargs }}
----
{% macro box(title) %}[{{ title }}:{{ caller() }}]{% endmacro %}{% call box('T') %}body {{ s }}{% endcall %}
----
{% macro list(items) %}{% for i in items %}{{ caller(i, loop.index) }};{% endfor %}{% endmacro %}{% call(item, n=0) list(xs) %}{{ n }}={{ item }}{% endcall %}
----
{% macro outer() %}{{ inner('x') }}{% endmacro %}{% macro inner(v) %}({{ v }}{{ late }}){% endmacro %}{% set late = 'L' %}{{ outer() }}
----
{% macro fact(n) %}{{ 1 if n < 2 else n * fact(n - 1)|int }}{% endmacro %}{{ fact(10) }}
----
{% macro m(x, y=x) %}{{ x }}{{ y }}{% endmacro %}{{ m(1) }}{{ m(1, 2) }}
----
{% macro m() %}{{ caller is defined }}{% if caller %}{{ caller() }}{% endif %}{% endmacro %}{{ m() }}{% call m() %}c{% endcall %}
----
{% macro m(caller=none) %}{{ caller }}{% endmacro %}{{ m() }}{{ m(caller=5) }}
----
{% macro m(a) %}{% set a = a + 1 %}{% set z = 5 %}{{ a }}{% endmacro %}{{ m(1) }}{{ z is defined }}
----
{% set x = 'outer' %}{% macro m() %}{{ x }}{% set x = 'inner' %}{{ x }}{% endmacro %}{{ m() }}{{ x }}
----
{% filter upper %}abc {{ s }}{% endfilter %}|{% filter replace('a', 'b') | trim %} aaa {% endfilter %}|{% filter indent(2) %}x
y{% endfilter %}
----
{% with a = 1, b = s %}{{ a }}{{ b }}{% set c = 3 %}{% endwith %}[{{ a }}{{ c }}]{% with %}{{ n }}{% endwith %}{% with (x, y) = (1, 2) %}{{ x }}{{ y }}{% endwith %}
----
{% with a = n, n = 1 %}{{ a }}{{ n }}{% endwith %}{{ n }}
----
{% generation %}gen {{ s }}{% endgeneration %}|{% for m in messages %}{% if m.role == 'user' %}{% generation %}{{ m.content }}{% endgeneration %}{% endif %}{% endfor %}
----
{% raw %}{{ x }} {% if %} {# c #}{% endraw %}|{%- raw -%}  a  {%- endraw -%}  |
----
  {% raw %}
  x
  {% endraw %}
y
----
a{# comment #}b{#- trimmed -#}  c  {#- x #} d {# multi
line #}
e
----
{# comment with {{ x }} and {% if %} #}ok
----
    {% if yes %}
  a
    {% endif %}
b
----
    {%+ if yes %}
  a
    {%+ endif +%}
b
----
a   {%- if yes -%}   b   {%- endif -%}   c
----
a
  {{- s -}}
  b
----
a
  {{ s }}
  {% if yes %}x{% endif %}
	{% if yes %} y {% endif %}  
 z
----
x {% if yes %}
y
{% endif %}
{% for i in xs %}
  {{ i }}
{% endfor %}

end
----
{% if yes -%}

   a
   {%- endif %}

b
----
{%- set x = 1 -%}
{%- if x -%}
  one
{%- else -%}
  other
{%- endif -%}
----
text {%- if yes %} a {% endif -%} text
----
{% block content %}{{ s }}{% set q = 1 %}{% endblock %}{{ q }}{% block b2 scoped %}x{% endblock b2 %}
----
{% set x = [] %}{% for i in xs %}{% set x = x + [i] %}{% endfor %}{{ x }}{% set ns = namespace(l=[]) %}{% for i in xs %}{% set ns.l = ns.l + [i * 2] %}{% endfor %}{{ ns.l }}
----
{% set g = xs | map('string') %}{{ g | list }}{{ g | list }}{% set h = xs | select('odd') %}{% if h %}true{% endif %}{% for x in h %}{{ x }}{% endfor %}{% for x in h %}{{ x }}{% endfor %}
----
{% for x in xs | map('string') %}{{ loop.index }}{{ loop.last }}{{ x }} {% endfor %}{% for x in xs | select('odd') %}{{ loop.length }}{{ loop.revindex }} {% endfor %}
----
{% set ns = namespace(stop=false) %}{% for x in range(6) if not ns.stop %}{{ x }}{% if x == 2 %}{% set ns.stop = true %}{% endif %}{% endfor %}
----
{% for message in messages %}{{ '<|' + message['role'] + '|>' + (message.content or '') }}{% if message.tool_calls is defined %}{% for t in message.tool_calls %}{{ t.function | tojson }}{% endfor %}{% endif %}{% endfor %}
----
{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% endif %}{{ loop_messages | length }}{{ system_message }}
----
{% for m in messages %}{% if loop.index0 == 0 and system_message is not defined %}first{% endif %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}x{% endif %}{% endfor %}
----
{% macro render_extra_keys(json_dict, handled_keys) %}{% if json_dict is mapping %}{% for json_key in json_dict if json_key not in handled_keys %}{% if json_dict[json_key] is mapping or (json_dict[json_key] is sequence and json_dict[json_key] is not string) %}{{ '\n<' ~ json_key ~ '>' ~ (json_dict[json_key] | tojson | safe) ~ '</' ~ json_key ~ '>' }}{% else %}{{ '\n<' ~ json_key ~ '>' ~ (json_dict[json_key] | string) ~ '</' ~ json_key ~ '>' }}{% endif %}{% endfor %}{% endif %}{% endmacro %}{{ render_extra_keys(tools[0].function, ['name']) }}
----
{%- macro json_to_python_type(json_spec) %}
{%- set basic_type_map = {"string": "str", "number": "float", "integer": "int", "boolean": "bool"} %}
{%- if basic_type_map[json_spec.type] is defined %}
    {{- basic_type_map[json_spec.type] }}
{%- elif json_spec.type == "array" %}
    {{- "list[" +  json_to_python_type(json_spec|items) + "]" }}
{%- elif json_spec.type is iterable and json_spec.type is not string %}
    {{- "Union[" }}
    {%- for t in json_spec.type %}
      {{- json_to_python_type({"type": t}) }}
      {%- if not loop.last %}
        {{- "," }}
      {%- endif %}
    {%- endfor %}
    {{- "]" }}
{%- else %}
    {{- "Any" }}
{%- endif %}
{%- endmacro %}
{{- json_to_python_type({"type": ["string", "object"]}) }}
----
{% set content %}{% for m in messages %}{{ m.role }}
{% endfor %}{% endset %}{{ content | trim | replace('\n', ',') }}
----
{% set reasoning = '<think>a</think>b'.split('</think>')[0].split('<think>')[-1].strip('\n') %}{{ reasoning }}|{{ 'x</think>y'.split('</think>')|last }}|{{ ('a' in 'abc') and ('z' not in 'abc') }}
----
{% set c = cycler('a', 'b', 'c') %}{{ c.next() }}{{ c.current }}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.reset() }}{{ c.current }}{% set j = joiner(', ') %}{% for x in xs %}{{ j() }}{{ x }}{% endfor %}
----
{% for x in xs %}{{ loop }}{% endfor %}{{ range(3) }}{{ namespace(a='b') }}
----
{% set d2 = dict(d, z=9) %}{{ d2 }}{% set d3 = dict(d2.items()) %}{{ d3.z }}{{ {'a': 1}.items() | list }}
----
{{ 'a' }}{{- 'b' -}} {{ 'c' }}
 {{- 'd' }}
----
{% for i in range(3) -%}
  {{ i }}
{%- if not loop.last %},{% endif %}
{% endfor %}
----
{{ "\n" }}{% if yes %}{{ '\n\n' }}{% endif %}

----
{% set x = "a" if no %}[{{ x }}]{{ x is defined }}
----
{% if xs[10] is defined %}a{% endif %}{% if not undefinedx %}b{% endif %}{% if undefinedx == '' %}c{% endif %}{% for x in undefinedx %}d{% endfor %}{{ undefinedx | upper }}{{ undefinedx | trim }}
----
{% if undefinedx is defined and undefinedx.a %}x{% else %}y{% endif %}{% if no %}{{ undefinedx.a.b }}{{ 1 | nofilter }}{{ 1 is notest }}{% endif %}{{ 1 if yes else (2 | nofilter) }}
----
{%if yes%}a{%endif%}{{s}}{{-s-}}{%for x in xs%}{{x}}{%endfor%}
----
{% print s %}{% autoescape true %}x{% endautoescape %}
----
{% macro a() %}{% for x in xs %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}{% endmacro %}{{ a() }}
----
{% set x = 5 %}{% set f %}{% set x = 6 %}{{ x }}{% endset %}{{ f }}{{ x }}{% filter upper %}{% set x = 7 %}{{ x }}{% endfilter %}{{ x }}
----
{% for x in xs %}{% set outer = loop %}{% for y in 'ab' %}{{ outer.index }}{{ loop.index }}{{ outer.last }} {% endfor %}{% endfor %}
----
{%- for m in messages | selectattr('role', 'ne', 'system') | list -%}{{ loop.index0 }}{{ m.role }}{%- endfor -%}
----
{% set a = 1 %}{% macro m() %}{{ a }}{% endmacro %}{% set a = 2 %}{{ m() }}{% for i in [1] %}{% set a = 3 %}{{ m() }}{{ a }}{% endfor %}
----
{{ [1, 2, 3] | map('string') | map('upper') | join }}{{ {'k': 'v'} | items | list }}{% for k, v in d | dictsort %}{{ k }}{{ v }}{% endfor %}{% for g in users | groupby('age') %}{{ g.grouper }}:{{ g.list | map(attribute='name') | join('/') }};{% endfor %}{% for a, l in users | groupby('age') %}{{ a }}{{ l | length }}{% endfor %}
----
{{- bos_token }}{%- if tools is not none and tools %}{{ tools | length }}{% endif -%}{{ eos_token is defined }}
----
{% if messages | length > 2 and messages[2].tool_calls and messages[2].tool_calls[0].function.arguments is mapping %}{% for k, v in messages[2].tool_calls[0].function.arguments | items %}{{ k }}={{ v if v is string else v | tojson }};{% endfor %}{% endif %}
----
{% for i in range(messages | length - 1, -1, -1) %}{{ messages[i].role }} {% endfor %}{% for m in messages[::-1] %}{{ loop.index }}{{ m.role[0] }}{% endfor %}
----
a
b
----
{{ s }}

----
{{ s }}


"""

# Refused, whole templates, a line each. A "!" marks those whose message must come through.
REFUSED = r"""
{{ undefinedx.a }}
{{ undefinedx['a'] }}
{{ d.x.y }}
{{ undefinedx() }}
{{ undefinedx + 1 }}
{{ undefinedx < 1 }}
{{ undefinedx[1:] }}
{{ -undefinedx }}
{{ undefinedx | int }}
{{ undefinedx | tojson }}
{{ [undefinedx] | tojson }}
{{ 'a' + 1 }}
{{ 1 + 'a' }}
{{ 'a' + none }}
{{ 'a' - 'b' }}
{{ [1] + (1,) }}
{{ none + 1 }}
{{ 1 / 0 }}
{{ 1 // 0 }}
{{ 1 % 0 }}
{{ 1.0 / 0 }}
{{ 0 ** -1 }}
{{ 1 < 'a' }}
{{ none < 1 }}
{{ [1] < 1 }}
{{ d < d }}
{{ 1 in 5 }}
{{ 'a' in none }}
{{ 1 in 'abc' }}
{{ none in 'abc' }}
{{ [] in d }}
{{ {[]: 1} }}
{{ {d: 1} }}
{{ xs[::0] }}
{{ nil[1:] }}
{{ d[1:] }}
{{ s['a':] }}
{{ xs.append(1) }}
{{ d.update({'a': 1}) }}
{{ d.pop('a') }}
{{ xs.sort() }}
{{ xs.nope() }}
{{ s.nope() }}
{{ none.x() }}
{{ d.a() }}
{{ 5() }}
{{ s() }}
{{ s.split('') }}
{{ s.index('zz') }}
{{ xs.index(99) }}
{{ s.strip(1) }}
{{ s.startswith(1) }}
{{ s.startswith(['a']) }}
{{ s.replace('a') }}
{{ s.replace('a', 1) }}
{{ ','.join([1]) }}
{{ ','.join(5) }}
{{ ','.join([none]) }}
{{ s.upper(1) }}
{{ s.center() }}
{{ s.center(5, 'ab') }}
{{ '%d' % 'a' }}
{{ '%s %s' % 1 }}
{{ '%s' % (1, 2) }}
{{ '%(a)s' % {} }}
{{ '%y' % 1 }}
{{ '%' % 1 }}
{{ 'x' % 1 }}
{{ '{}'.format() }}
{{ '{a}'.format() }}
{{ '{'.format() }}
{{ '}'.format() }}
{{ '{:d}'.format('a') }}
{{ '{0}{}'.format(1, 2) }}
{{ '{:q}'.format(1) }}
{{ 5 | length }}
{{ none | length }}
{{ xs | map('upper') | length }}
{{ xs | select('odd') | last }}
{{ 5 | first }}
{{ none | list }}
{{ 5 | join }}
{{ 'a' | abs }}
{{ 'a' | round }}
{{ none | round }}
{{ [1, 'a'] | sort }}
{{ [1, none] | max }}
{{ ['a', 1] | sum }}
{{ 5 | items | list }}
{{ none | dictsort }}
{{ d | dictsort(by='x') }}
{{ none | indent }}
{{ 5 | indent }}
{{ s | indent(none) }}
{{ s | truncate(1) }}
{{ 5 | round(1, 'up') }}
{{ 'a' | filesizeformat }}
{{ xs | map | list }}
{{ xs | map('nope') | list }}
{{ xs | select('nope') | list }}
{{ xs | selectattr | list }}
{{ xs | groupby }}
{{ [[]] | unique | list }}
{{ s | wordwrap(0) }}
{{ s | center('x') }}
{{ s | replace('a') }}
{{ s | default(1, 2, 3) }}
{{ s | upper(1) }}
{{ s | nope }}
{{ s is nope }}
{{ s is divisibleby }}
{{ s is odd }}
{{ none is even }}
{{ 1 is lt 'a' }}
{{ 1 is in 5 }}
{{ range }}{{ range() }}
{{ range(1, 2, 0) | list }}
{{ range(200000) | list }}
{{ range('a') }}
{{ range(1.5) }}
{{ namespace(1) }}
{{ dict(1) }}
{{ dict([1]) }}
{{ cycler() }}
{{ namespace(_a=1) }}
{{ xs | tojson(indent='a', nope=1) }}
{{ range(3) | tojson }}
{{ {(1, 2): 3} | tojson }}
{{ {1: 2, 'a': 3} | tojson(sort_keys=true) }}
{{ (xs | map('upper')) | tojson }}
{{ d.items() | tojson }}
{{ 'x' | float | tojson | nope }}
{{ x.y }}
!{{ raise_exception('Only user and assistant roles are supported!') }}
!{% if messages[0].role != 'user' %}{{ raise_exception('must start with ' ~ 'user') }}{% endif %}
{{ raise_exception() }}
{{ strftime_now() }}
{{ strftime_now(5) }}
{% set ns = namespace() %}{% set ns._x = 1 %}
{% set d.a = 1 %}
{% set undefinedx.a = 1 %}
{% set a, b = 1 %}
{% set a, b = [1] %}
{% set a, b = 1, 2, 3 %}
{% for a, b in xs %}{% endfor %}
{% for x in 5 %}{% endfor %}
{% for x in none %}{% endfor %}
{% for x in xs %}{{ loop.cycle() }}{% endfor %}
{% for x in xs %}{{ loop(xs) }}{% endfor %}
{% for x in xs %}{{ loop.nope.x }}{% endfor %}
{% for x in xs %}{{ loop.previtem.x }}{% endfor %}
{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{% endmacro %}{{ m(b=1) }}
{% macro m(a) %}{{ a.b }}{% endmacro %}{{ m() }}
{% macro m(a, a) %}{% endmacro %}
{% macro m(a=1, b) %}{% endmacro %}
{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}
{% macro m() %}{% endmacro %}{% call m() %}{% endcall %}
{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}
{% call 5 %}{% endcall %}
{% include 'x' %}
{% import 'x' as y %}
{% from 'x' import y %}
{% extends 'x' %}
{% nosuchtag %}
{% if %}{% endif %}
{% if yes %}
{% if yes %}{% endfor %}
{% for x in xs %}
{% for x xs %}{% endfor %}
{% for loop in xs %}{% endfor %}
{% for x in xs %}{% set loop = 1 %}{% endfor %}
{% endif %}
{% else %}
{% set %}
{% set x %}
{% set 5 = 1 %}
{% set true = 1 %}
{% set x.y.z = 1 %}
{% set 'a' = 1 %}
{% break %}
{% continue %}
{% for x in xs %}{% generation %}{% break %}{% endgeneration %}{% endfor %}
{% for x in xs %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}
{% raw %}
{# unclosed
{{ unclosed
{% unclosed
{{ 'unclosed }}
{{ (1 }}
{{ 1) }}
{{ [1) }}
{{ }}
{{ 1 2 }}
{{ a b }}
{{ 1 + }}
{{ * 1 }}
{{ a. }}
{{ a.'b' }}
{{ a | }}
{{ a is }}
{{ a is not }}
{{ a is string is none }}
{{ f(a=1, 2) }}
{{ f(**a, *b) }}
{{ f(a=1, a=2) }}
{{ {1} }}
{{ {1: } }}
{{ a ? b }}
{{ a ! b }}
{{ a & b }}
{{ $ }}
{{ 'a' = 'b' }}
{{ [x for x in xs] }}
{{ lambda: 1 }}
{{ 1 if }}
{{ a[ }}
{{ a[1 }}
{{ "\x4" }}
{{ '\u12' }}
{% if s | nope %}{% endif %}
{% for x in xs %}{% if no %}{{ x }}{% endif %}{{ x | nope }}{% endfor %}
{% if no %}{% for x in xs %}{{ x | nope }}{% endfor %}{% endif %}
{% if no %}{% macro m() %}{{ 1 is nope }}{% endmacro %}{% endif %}
{% filter nope %}{% endfilter %}
{{ ''.__class__.__mro__ }}
{{ d.__class__() }}
{{ xs.__len__() }}
{{ s.format.__self__.x }}
{{ '{0.__class__.x}'.format(s) }}
{% autoescape %}{% endautoescape %}
{{ '{:5}'.format(none) }}
{{ '{:.2}'.format(5) }}
{{ '{:>5}'.format([1]) }}
{{ messages | tojson(nope=1) }}
{{ 'a' * 'b' }}
{{ none | string | int | nope }}
{{ true.x.y }}
"""


def render(template):
    return chat_template_utils._compile_jinja_template(template).render(**CONTEXT)


def main():
    templates = ["{{ " + line + " }}" for line in EXPRESSIONS.strip().replace("\\\nb'", "\\\0b'").split("\n")]
    templates = [line.replace("\0", "\n") for line in templates]
    templates += TEMPLATES[1:-1].split("\n----\n")
    cases = []
    for template in templates:
        cases.append({"template": template, "context": CONTEXT})
        try:
            cases[-1]["expected"] = render(template)
        except Exception as error:  # noqa: BLE001 - whatever Jinja2 refuses, for whatever reason
            cases[-1]["error"] = f"{type(error).__name__}: {error}"
            print("refused:", template, "--", error, file=sys.stderr)
    for line in REFUSED.strip().split("\n"):
        template = line.removeprefix("!")
        try:
            text = render(template)
        except Exception as error:  # noqa: BLE001
            cases.append({"template": template, "context": CONTEXT, "error": str(error), "message_matters": line.startswith("!")})
        else:
            cases.append({"template": template, "context": CONTEXT, "expected": text})
            print("not refused:", template, "--", text, file=sys.stderr)
    names = sorted(CONTEXT)
    for case in cases:  # only the variables that the template mentions
        words = set(re.findall(r"\w+", case["template"]))
        case["context"] = {name: CONTEXT[name] for name in names if name in words}
    path = pathlib.Path(__file__).parent.parent / "tests/golden/jinja/cases.jsonl"
    path.write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases))
    print(len(cases), "cases in", path)


main()
