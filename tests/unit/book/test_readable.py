"""Laws of text that people read: what is not seen is refused, and what people write passes."""

import sys
import unicodedata
from random import Random

import pytest

from keelpay.api.type.v1 import bounds_pb2
from keelpay_server.book.readable import NOTHING_TO_READ, cleaned, unreadable, written_out
from keelpay_server.rpc.contract import load_services, methods_of
from keelpay_server.rpc.validation import compile_check

ORDINARY = (
    "街角咖啡",
    "Corner Café",
    "东方\u3000书店 (上海)",
    "مقهى الزاوية",
    "می\u200cخواهم",  # Persian: a joiner that keeps two letters apart
    "क्\u200dष",  # Hindi: a half letter
    "ശ്രീ അവന്\u200d",  # Malayalam: a letter without its vowel
    "กาแฟมุมถนน",
    "카페 모퉁이",
    "葛\U000e0100飾区",  # Japanese: which of two shapes of a name
    "☕\ufe0f Corner ❤️",
    "👩\u200d👩\u200d👧\u200d👦 family",
    "👩🏽\u200d💻 she",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f England",
    "🇨🇳 1️⃣",
    "12 × 3½ m², 50 % – “so”…",
)
"""Names that people have."""

HIDDEN = (
    "Corner\u202eefaC",
    "Corner \u2066Café\u2069",
    "Corner\u200fCafé",
    "مقهى\u061c",
    "Cor\u200bner",
    "Cor\u200dner",
    "Cor\u200cner",
    "Cor\u00adner",
    "\ufeffCorner",
    "Corner\u2060",
    "Corner\x00",
    "Corner\x1b[31m",
    "Corner\x7f",
    "Corner\u0085",
    "Corner\rCafé",
    "Corner\tCafé",
    "Corner\u2028Café",
    "\u3164",
    "Corner\u2800",
    "Corner \U000e0041",
    "Corner \ufe0f",
    "Corner❤\ufe0f\ufe0f",
    "🏴\U000e0067\U000e0062 England",
    "\u200d👩",
    "Corner\ufffe",
)
"""Names with something in them that no reader sees."""

VISIBLE_FORMATS = {"ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN"}
"""Format characters with a shape: signs of numbers and verses, and joiners of hieroglyphs."""


@pytest.mark.parametrize("text", ORDINARY)
def test_what_people_write_passes(text):
    assert unreadable(text, lines=False) is None


@pytest.mark.parametrize("text", HIDDEN, ids=ascii)
def test_what_nobody_sees_is_refused_and_named_without_the_text(text):
    sentence = unreadable(text, lines=False)
    assert sentence is not None
    assert "U+" in sentence
    assert sentence.isascii()
    assert "orner" not in sentence


def test_every_control_format_and_separator_of_unicode_is_refused_unless_it_has_a_shape():
    for number in range(sys.maxunicode + 1):
        character = chr(number)
        category = unicodedata.category(character)
        shaped = unicodedata.name(character, "").partition(" ")[0] in VISIBLE_FORMATS and number != 0x061C
        if category in {"Cc", "Zl", "Zp"} or (category == "Cf" and not shaped):
            assert unreadable(f"a{character}b", lines=False), f"U+{number:04X}"


def test_every_letter_and_number_passes():
    blank = {0x115F, 0x1160, 0x3164, 0xFFA0}  # letters without a shape
    for number in range(sys.maxunicode + 1):
        if unicodedata.category(chr(number))[0] in "LN" and number not in blank:
            assert unreadable(chr(number), lines=False) is None, f"U+{number:04X}"


@pytest.mark.parametrize("text", [" ", "\u3000", "\u00a0 \u2003"], ids=ascii)
def test_a_text_of_spaces_says_nothing(text):
    assert unreadable(text, lines=False) == NOTHING_TO_READ


def test_only_a_note_has_several_lines():
    assert unreadable("first\nsecond", lines=True) is None
    assert unreadable("first\nsecond", lines=False)
    assert unreadable("first\rsecond", lines=True)
    assert unreadable("\n", lines=True) == NOTHING_TO_READ


@pytest.mark.parametrize("text", ORDINARY)
def test_a_bank_writes_what_people_write(text):
    assert cleaned(text) == text


@pytest.mark.parametrize("text", HIDDEN, ids=ascii)
def test_a_banks_words_are_kept_without_what_nobody_can_see(text):
    assert unreadable(f"x{cleaned(text)}", lines=False) is None


def test_what_was_in_place_by_something_hidden_goes_with_it():
    assert cleaned("a \ufe0f\u200d👩") == "a 👩"
    assert cleaned("RF18\n5390\t0754\u2028x") == "RF18 5390 0754 x"


@pytest.mark.parametrize("text", ORDINARY)
def test_what_people_write_is_shown_as_it_is(text):
    assert written_out(text) == text


@pytest.mark.parametrize("text", HIDDEN, ids=ascii)
def test_what_nobody_sees_is_shown_as_escapes(text):
    assert unreadable(written_out(text), lines=False) is None
    assert "\\" in written_out(text)


def test_half_of_a_surrogate_pair_can_be_shown():
    assert written_out("a\ud800b").encode() == b"a\\ud800b"


@pytest.mark.parametrize("seed", range(20))
def test_nothing_hidden_is_left_of_any_text(seed):
    signs = "a \n☕👩क🏴\u200d\u200c\ufe0f\u202e\u180b\U000e0067\U000e007f"
    text = "x" + "".join(Random(seed).choices(signs, k=400))
    assert unreadable(cleaned(text), lines=False) is None


NAMES = {"display_name", "description", "statement_descriptor", "comment", "holder_name", "account_holder"}
"""How the contract calls a text that a payer or an operator reads."""


def written(message, seen):
    """Every text field that a caller fills, of a message and of those inside it."""
    if message.full_name in seen:
        return
    seen.add(message.full_name)
    for field in message.fields:
        if field.message_type is not None:
            yield from written(field.message_type, seen)
        elif field.name in NAMES and field.type == field.TYPE_STRING:
            yield field


def test_every_text_of_the_contract_that_people_read_is_readable():
    seen: set[str] = set()
    fields = [field for method in methods_of(load_services()) for field in written(method.descriptor.input_type, seen)]
    assert {field.name for field in fields} == NAMES
    for field in fields:
        assert field.GetOptions().Extensions[bounds_pb2.bounds].readable, field.full_name
        check = compile_check(field.containing_type)
        message = field.containing_type._concrete_class(**{field.name: "x\u202e"})
        assert field.name in {path for path, _ in check(message)}
