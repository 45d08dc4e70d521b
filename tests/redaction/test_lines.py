"""Only the lines with a hint are looked at closely, and the result is that of looking at all of them."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from idlehands_deploy.redaction import scan, scrubber
from idlehands_deploy.redaction.hints import HINTS, OPEN_END
from idlehands_deploy.redaction.known import KnownSecrets
from idlehands_deploy.redaction.redactor import Redactor
from idlehands_deploy.redaction.scan import Hints, change_hinted, decoded, encoded, in_blocks
from idlehands_deploy.redaction.scrubber import scrub_lines
from idlehands_deploy.redaction.shapes import SECRET_ENDS, SECRET_PAIRS, SECRET_WORDS, SHAPES, scrub
from idlehands_deploy.redaction.words import Words
from tests.support.secret_texts import FORMS, KEYS, ORDINARY, SENTENCES, random_text

many = settings(
    max_examples=int(os.environ.get("IDLEHANDS_TEST_EXAMPLES", "100")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
RANDOM = secrets.token_urlsafe(40).replace("-", "a").replace("_", "1")
KNOWN = ["Zx81-known-secret-" + random_text(8), "first line\nof " + random_text(14) + "\nlast", "pin7", "Kıs4"]
# What shapes begin with, are made of, and end with.
PARTS = [
    "://", "http://h", "me:pw@h/", "?a=b", "#a=b", "/hooks/", "/Services/", "|", "<removed>", "/bot", "12345:", "ab",
    "code", "Code", "CODE", "pairing code", "login-code", "ABCD-1234", "QX7-93KDE", "Authorization", "set-cookie",
    "cookie", ":", "=", "=>", "bearer", "Basic", "abcdefghijkl1", "abcdefghijklmnopqrstu", "--token", "--the-key",
    "--passwd", "-----BEGIN a-----", "-----END a-----", "eyJabcdefg.a", "sk-", "gh", "p_", "ghp_", "xoxb-", "xapp-",
    "AIza", "ya29.", "AKIA", "ABCDEFGHIJKL", "hf_", "pypi-", "SG.", "glpat-", "github_pat_", "123456:",
    "a" * 23, "a" * 30, ".abcdef.", "a" * 41, "aB" * 20, "A" * 41, "a/b_" * 11, "a" * 1001, "0f" * 16, "0123abcd-",
    "0123-",
    "0123456789ab", "abcdefab-abcd-abcd-abcd-abcdefabcdef", "abcdefab" * 4, "ab:" * 15, "0f ", "@", "example.org",
    "+491511234567", "+49 (151) 1234-5678", "00", "9.9.9.9", "127.0.0.1", "172.15.0.1", "172.32.0.1", "172.16.0.1",
    "192.169.1.1", "192.168.1.1", "192.16.1.1", "126.1.1.1", "128.1.1.1", "11.1.1.1", "170.1.1.1", "193.1.1.1",
    "2620:fe::fe", "::ffff:10.0.0.4", "::", "/home/", "/Users/", "idlehands", "idlehand", "idlehandsx", "jane", "i",
    "true", "12345", "123456", "missing", "MISSING", "Missing", "a1", '"', "'", "\\", "\\\"", ",", ";", ")", "&", "-",
    "_", ".", "/", "<", ">", " ", " ", " ", "\t", "\n", "\n", "\n", "\n\n", "\n-\n", "\r", "\x0b",
    "\x1c", "\xa0", "\u2028", "é", "١", "…",
    "...", "***", "ſ", "K", "İ", "ı", "\ud83d", "😀", RANDOM, RANDOM[:20], KNOWN[0], KNOWN[0][:14], KNOWN[0][-14:],
    KNOWN[0][:5], KNOWN[0].upper(), KNOWN[1], KNOWN[1][:12], KNOWN[1][-12:], "first line", "last", *KNOWN[2:], "PIN7",
    "Kis4", "/srv/x", "zeus",
]  # fmt: skip
NAMES = [
    *SECRET_WORDS, *SECRET_ENDS, *("_".join(pair) for pair in SECRET_PAIRS), *("1".join(pair) for pair in SECRET_PAIRS),
    "to.ken", "Pa_ss-word", "coo1kie", "passWord", "tokenCount", "monkey", "apiKey", "XMLPin", "aPIN", "PINCode",
    "toKen",
]  # fmt: skip
LINES = [*ORDINARY, *SENTENCES, *KEYS.values(), *(form(secret) for form in FORMS.values() for secret in KNOWN[:2])]


def written(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from([name, name.upper(), name.capitalize(), f"a_{name}", f"a{name.capitalize()}", f"{name}B"])


part = st.sampled_from(PARTS)
pair = st.tuples(
    st.sampled_from(sorted(NAMES)).flatmap(written),
    st.sampled_from([":", "=", "=>", ": ", " = ", '": "', '\\": \\"', "= '"]),
    part,
).map("".join)
piece = st.one_of(part, part, part, pair, st.sampled_from(LINES), st.text(max_size=6))
texts = st.lists(piece, max_size=14).map("".join)
shaped = st.one_of(*(st.from_regex(pattern) for pattern, _ in SHAPES.values()))
mixed = st.lists(st.one_of(piece, piece, piece, shaped), max_size=8).map("".join)


@many
@given(texts | mixed)
@example("bearer\n\n-\ncookie\n: x\nkey code\n:\nABCD-1234\nend")
def test_looking_at_some_lines_removes_what_looking_at_all_removes(text: str) -> None:
    assert decoded(scrub_lines(encoded(text))) == scrub(text)


@many
@given(texts | mixed)
def test_a_shape_changes_only_what_has_its_hint(text: str) -> None:
    hinted = scrubber._hints().numbers(encoded(text))
    for number, (name, (pattern, replacement)) in enumerate(SHAPES.items()):
        assert number in hinted or pattern.sub(replacement, text) == text, name


@many
@given(st.lists(st.lists(piece, max_size=5).map("".join), max_size=6).map("\n".join), st.data())
def test_known_secrets_and_words_are_removed_from_lines_as_from_the_whole_text(text: str, data: st.DataObject) -> None:
    known = data.draw(st.lists(st.sampled_from(KNOWN) | texts, max_size=4))
    places = data.draw(st.sampled_from([{}, {"/srv/x": "<deployment>"}, {"/srv/x": ">\n<", "a\nb": "first "}]))
    redactor = Redactor(known, names={"zeus": "<host>", "kiss": "<user>"}, places=places)
    start = data.draw(st.integers(0, max(map(len, known), default=0)))
    text = text.replace("jane", "".join(secret[start:] or secret for secret in known))
    by_line = decoded(redactor._known.removed(encoded(text)))
    assert by_line == redactor._known.removed_at_once(text)
    assert decoded(redactor._words.replaced(encoded(by_line))) == redactor._words.replaced_at_once(by_line)


@pytest.mark.parametrize("known", [KNOWN, ["removed", "moved>\nx", "a<removed>\nb", "<rem\nx", "c\n" * 9 + "d"]])
def test_secrets_over_many_lines_are_removed_wherever_they_are(known: list[str]) -> None:
    removal = KnownSecrets(known, {})
    lines = ["a line", *known, "a" + known[0], "x", *(secret[:14] for secret in known), *"ddbcx", ""]
    for first in range(len(lines)):
        text = "\n".join(lines[first:] + lines[:first])
        assert decoded(removal.removed(encoded(text))) == removal.removed_at_once(text)


def test_every_shape_has_a_hint() -> None:
    assert list(HINTS) == list(SHAPES)


def test_a_letter_of_another_alphabet_counts_only_beside_the_word_itself() -> None:
    words = Words([("sk12", "<removed>")])
    for text in ("ſk12", "ſk12\na\nsk12", "ſK12\n\nxsk12x"):
        assert decoded(words.replaced(encoded(text))) == words.replaced_at_once(text)


def test_lines_that_no_hint_could_be_looked_for_in_are_changed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with text that makes more states than the memory holds: no text was found that does so for certain."""
    hints = Hints(["a", "token"])
    monkeypatch.setattr(hints._groups[0], "_each", type("Unable", (), {"Match": lambda *_: None})())
    assert list(in_blocks(hints, [str.upper, str.title], ["a token"])) == ["A Token"]


def test_more_secrets_than_can_be_looked_for_at_once_are_removed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MEMORY", 3000)
    redactor = Redactor(KNOWN)
    assert redactor.text(f"a {KNOWN[0]} b\nc") == "a <removed> b\nc"
    assert not redactor._known._hints.are_usable


def test_without_re2_the_same_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that it has no wheel for."""
    text = f"a {KNOWN[0]} b\n{KNOWN[2]} on ZEUS\npassword: sesame\nc"
    fast = Redactor(KNOWN, names={"zeus": "<host>"}).text(text)
    monkeypatch.setitem(sys.modules, "re2", None)
    scrubber._hints.cache_clear()
    slow = Redactor(KNOWN, names={"zeus": "<host>"})
    assert slow.text(text) == fast == "a <removed> b\n<removed> on <host>\npassword: <removed>\nc"
    assert not slow._known._hints.are_usable
    assert not scrubber._hints().are_usable
    scrubber._hints.cache_clear()


def test_re2_is_read_only_when_a_text_is_redacted() -> None:
    program = (
        "import sys, idlehands_deploy.redaction.redactor as it; it.Redactor(['a secret']); print('re2' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert shown == "False\n"


def test_a_line_that_goes_on_in_the_next_one_brings_it_along() -> None:
    hints = Hints([OPEN_END])
    text = b"a\nmy code:\n\n--\nnext code\nafter\nno code here\nz"
    assert change_hinted(text, hints, lambda blocks: map(str.upper, blocks)) == (
        b"a\nMY CODE:\n\n--\nNEXT CODE\nAFTER\nno code here\nz"
    )
