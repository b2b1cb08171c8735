"""Hides secrets in what the watched system says: by the names of things and by how values look. Pure; hides too much rather than too little."""

import re
from collections.abc import Callable
from functools import lru_cache

HIDDEN = "••••••"
MAX_LOOKED_AT = 64 * 1024  # characters; more is never shown at once

# Parts of a name that mean a secret wherever they stand, and words that mean one only as a whole (`key`, and not `monkey`).
_PARTS = (
    r"passw|passphrase|pwd|secret|token|api[_\-. ]?key|private[_\-. ]?key|access[_\-. ]?key|credential|authori[sz]ation|cookie|session[_\-. ]?(?:id|key)|"
    r"cvv2?|cvc2?"
)
_WORDS = frozenset(
    {"pass", "key", "keys", "apikey", "auth", "oauth", "session", "sessions", "otp", "totp", "pin", "jwt", "bearer", "signature", "sig", "salt", "nonce"}
    | {"csrf", "xsrf", "iban", "ssn", "dsn"}
)
_PART = re.compile(_PARTS, re.IGNORECASE)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
MAX_NAME = 200


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether what goes by this name is a secret (`DB_PASSWORD`, `apiKey`, `session`, `key`)."""
    name = name[:MAX_NAME]
    if name == "KeyError":  # what it names is what is looked for
        return False
    return _PART.search(name) is not None or any(word.lower() in _WORDS for word in _WORD.findall(name))


def hide_secrets(text: str) -> str:
    """The text with everything that looks like a secret replaced by HIDDEN; cut at MAX_LOOKED_AT.

    Known are: private keys, tokens by their form (JWT, `Bearer …`, those of well-known services), the password in a URL, numbers of payment
    cards, and what stands after a secret name (`password=…`, `'token': ['…']`, `('key', '…')`), as in the repr of a task's arguments.
    """
    text = text[:MAX_LOOKED_AT]
    for pattern, instead in _BEFORE_NAMES:
        text = pattern.sub(instead, text)
    return _CARD.sub(_card, _without_named(text))


def has_secret(text: str) -> bool:
    """Whether something in it would be hidden."""
    return hide_secrets(text) != text[:MAX_LOOKED_AT]


def _without_named(text: str) -> str:
    """Without the values of secret names; what stands after another name may be a name in turn (`ValueError: password=…`)."""
    pieces, position = [], 0
    while found := _NAME.search(text, position):
        pieces.append(text[position : found.end()])
        position = found.end()
        if _is_secret(found["quoted"] or found["name"]) and (end := _end_of_value(text, position)) is not None:
            pieces.append(HIDDEN)
            position = end
    return _without_seconds("".join(pieces) + text[position:])


def _is_secret(name: str) -> bool:
    return len(name) > MAX_NAME or is_secret_name(name)


def _end_of_value(text: str, position: int) -> int | None:
    """Where the value ends that begins there: a word, a quoted text, or all that its brackets hold (`['…']`, `{'a': '…'}`, `Secret('…')`, `<Token …>`)."""
    if opening := _OPENING.match(text, position):
        return _closing(text, opening.end() - 1)
    value = _VALUE.match(text, position)
    return value.end() if value else None


def _closing(text: str, position: int) -> int:
    """After the bracket that closes the one at that place; the text's end where it was cut."""
    awaited = []
    for token in _TOKEN.finditer(text, position):
        if token[0] in _BRACKETS:
            awaited.append(_BRACKETS[token[0]])
        elif token[0] == awaited[-1]:
            awaited.pop()
            if not awaited:
                return token.end()
    return len(text)


def _without_seconds(text: str) -> str:
    """Without what is the second of a pair whose first is a secret name: `('password', 'x')`, and so in lists of such pairs.

    A quoted text that begins with an escaped quote, within one of that quote which is in no pair, ends where that one does: it is not read again.
    """
    pieces, shown_from, position, read_until = [], 0, 0, dict[str, int]()
    while first := _FIRST.search(text, position):
        position = first.end()
        escaped = _ESCAPED.match(text, position)
        if not is_secret_name(first["name"]) or (escaped and position < read_until.get(escaped["quote"], 0)):
            continue
        if (second := _SECOND.match(text, position)) and _END_OF_PAIR.match(text, second.end()):
            pieces += [text[shown_from:position], HIDDEN]
            shown_from = position = second.end()
        elif second:
            read_until[second[0].lstrip("b\\")[:1]] = second.end()
    return "".join(pieces) + text[shown_from:]


def _card(found: re.Match[str]) -> str:
    digits = [int(digit) for digit in found[0] if digit.isdigit()]
    doubled = [digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(reversed(digits))]
    return HIDDEN if sum(doubled) % 10 == 0 else found[0]


# Every repetition is bounded, or gives back nothing of what it took and so is not tried again: no text makes them slow.
_BEFORE_NAMES: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
    (re.compile(r"\beyJ[\w-]{5,4096}(?:\.[\w-]{0,4096}){0,4}"), HIDDEN),
    (re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{12,124}"), HIDDEN),
    (re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|sk_live_|rk_live_|sk-|xox[abeoprs]-|lh_|npm_|pypi-|AIza|SG\.)[\w.-]{16,512}"), HIDDEN),
    (re.compile(r"\b(bearer|basic)( +)[\w.~+/=-]{6,4096}", re.IGNORECASE), rf"\1\2{HIDDEN}"),
    # A password, up to the host or to where the text was cut; a port is none.
    (
        re.compile(r"\b([a-zA-Z][\w+.-]{0,30}://(?!\[)[^\s:/@'\"]{0,200}+):(?!\d{1,5}(?:[^\w@]|\Z))[^\s@'\"]{1,1024}+(@|(?<=\.\.\.)|(?<=…)|\Z)"),
        rf"\1:{HIDDEN}\2",
    ),
]
_NAME = re.compile(r"(?:(?P<quote>\\?['\"])(?P<quoted>[^'\"\\\n]{1,4096}+)(?P=quote)|(?<![\w-])(?P<name>[\w-]++))\s{0,5}(?:[:=]|=>)\s{0,5}")
_BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">"}
# From each quote to where it is closed, or to the end: what may fail after thousands of characters would be tried again from each quote among them.
_QUOTED = r"b?\\?'(?:[^'\\]++|\\(?s:.))*+(?:'|\\?\Z)|b?\\?\"(?:[^\"\\]++|\\(?s:.))*+(?:\"|\\?\Z)"
_OPENING = re.compile(r"(?:[A-Za-z_][\w.]{0,100})?[\[({<]")
_TOKEN = re.compile(rf"{_QUOTED}|[-=]>|[\[({{<\])}}>]|[^\[({{<\])}}>'\"=-]++|.", re.DOTALL)
_FIRST = re.compile(r"[(\[]\s{0,5}(?P<quote>\\?['\"])(?P<name>[^'\"\\\n]{1,200}+)(?P=quote)\s{0,5},\s{0,5}")
_SECOND = re.compile(rf"{_QUOTED}|[^\s,'\"(){{}}\[\]]++")
_END_OF_PAIR = re.compile(r"\s{0,5}(?:[)\]]|\Z)")
_ESCAPED = re.compile(r"b?\\(?P<quote>['\"])")
_VALUE = re.compile(rf"{_QUOTED}|[^\s,;&'\"(){{}}\[\]]++")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UUID_LENGTH = 36
# One UUID in thirty thousand begins as if it were a card's number.
_CARD_DIGITS = rf"(?!{_UUID.pattern})" + r"(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|3[47]\d\d|6\d{3})(?:[ -]?\d){9,15}"
_CARD = re.compile(rf"(?<![\w.]){_CARD_DIGITS}(?![\w.])")


# Without one of these, or so many digits, a name has nothing to hide, and most names have none.
_SIGNS = re.compile(
    r"eyJ|[KS]IA|://|=|PRIVATE|gh[pousr]_|github_pat_|glpat-|[sr]k_live_|sk-|xox[abeoprs]-|lh_|npm_|pypi-|AIza|SG\.|\d(?:[ -]?\d){12}",
)
_APART = r"(?<![A-Za-z0-9])"  # `_` parts the words of a name, and is a letter of one in a text
_WITH_DIGIT = r"(?=[A-Za-z_-]{0,64}[0-9])"  # a name in words has the beginning of a token, and nothing random after it
_IN_NAMES: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile(r"-----BEGIN[A-Z0-9 _]{0,40}PRIVATE[ _]KEY.*?(?:-----END[A-Z0-9 _]{0,40}PRIVATE[ _]KEY-----|\Z)", re.DOTALL), HIDDEN),
    (re.compile(rf"{_APART}(?:gh[pousr]_|[sr]k_live_|npm_){_WITH_DIGIT}[A-Za-z0-9]{{16,512}}"), HIDDEN),
    (re.compile(rf"{_APART}(?:github_pat_|glpat-|xox[abeoprs]-|pypi-|AIza|SG\.){_WITH_DIGIT}[\w.-]{{16,512}}"), HIDDEN),
    (re.compile(rf"{_APART}sk-(?:[a-z0-9]{{1,10}}-){{0,2}}{_WITH_DIGIT}[A-Za-z0-9]{{20,512}}[\w-]{{0,512}}"), HIDDEN),
    (re.compile(rf"{_APART}lh_{_WITH_DIGIT}(?=[a-z0-9_-]{{0,64}}[A-Z])[\w-]{{32,512}}"), HIDDEN),
    (re.compile(r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9-]{5,4096}+(?:\.[A-Za-z0-9-]{1,4096}+){1,4}"), HIDDEN),
    (re.compile(r"(?:AKIA|ASIA)[0-9A-Z]{16}"), HIDDEN),
    (re.compile(r"(?<![a-zA-Z0-9+.-])([a-zA-Z][a-zA-Z0-9+.-]{0,30}+://[^\s:/@]{0,200}+):[^\s@]{1,1024}+@"), rf"\1:{HIDDEN}@"),
    (re.compile(r"([A-Za-z0-9_-]{1,60})=([^&;,:]{1,4096})"), lambda found: f"{found[1]}={HIDDEN}" if is_secret_name(found[1]) else found[0]),
    (re.compile(rf"(?<![A-Za-z0-9.]){_CARD_DIGITS}(?![A-Za-z0-9.])"), _card),
]


def hide_in_name(name: str) -> str:
    """A key's name with what is surely a secret hidden; a colon parts its levels, so `auth:lock` and `token:refresh:12` stay whole."""
    if len(name) == UUID_LENGTH and _UUID.fullmatch(name):  # most ids: looking through one for a card's number takes ten times as long
        return name
    if _SIGNS.search(name):
        for pattern, instead in _IN_NAMES:
            name = pattern.sub(instead, name)
    return name


def hides_in(raw_key: bytes) -> bool:
    """Whether a key, as it is in Redis, holds something that its name hides."""
    text = raw_key.decode("utf-8", "backslashreplace")
    return hide_in_name(text) != text
