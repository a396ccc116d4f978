"""Composes English of letters, invoices, receipts and forms: words, numbers, and the blanks between them.

Books and interfaces have few numbers, and on Chinese slips `No.4711` is printed without a blank. Who has
seen those alone reads `No. 4711`, `Page 3` and `Total due` without theirs too, so here every word may meet a
number, with a blank mostly. Every function takes a generator of random numbers and a `Lexicon` and gives one
text.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from crnn_ocr.training.text import phrases
from crnn_ocr.training.text.bilingual_labels import Lexicon


def _split(text: str) -> tuple[str, ...]:
    return tuple(entry.strip() for entry in text.replace("\n", " ").split("|"))


COUNTED = _split(
    """No.|Nr.|Page|Page|Invoice No.|Invoice|Order|Order No.|Order #|Ref.|Room|Floor|Table|Figure|Fig.
    |Section|Chapter|Step|Item|Line|Lot|Lot No.|Batch|Box|Unit|Gate|Flight|Bus|Seat|Row|Platform|Level
    |Part|Part No.|Rev.|Version|Vol.|Article|Clause|Form|Ticket|Account|Account No.|Customer No.
    |Policy No.|Ver.|Exit|Terminal|Apt.|Suite|P.O. Box|Sheet|Annex|Appendix|Grade|Class|Week|Day|Year
    |Phase|Stage|Group|Zone|Channel|Port|Model|Type|Size|Art. No.|Qty"""
)
"""What a number follows."""

LABELS = _split(
    """Total|Total due|Amount due|Subtotal|Sub total|Grand total|Net amount|Balance due|Balance|Tax|VAT
    |Sales tax|Discount|Shipping|Shipping & handling|Unit price|Price|Qty|Quantity|Amount|Due date
    |Invoice date|Date|Date of issue|Issued|Delivery date|Order date|Time|Tel.|Tel|Phone|Fax|Mobile
    |Email|E-mail|Bill to|Ship to|Sold to|Payable to|Paid by|Payment method|Payment terms|Terms|Cash
    |Change|Card|Bank|Account name|Account number|Sort code|Name|First name|Last name|Address|City
    |Country|Post code|Zip code|Date of birth|Place of birth|Nationality|Signature|Passport No.
    |Valid until|Expiry date|Description|Remarks|Notes|Subject|From|To|Cc|Attn.|Re|Your ref.|Our ref.
    |Weight|Gross weight|Net weight|Temperature|Serial number|Approval code|Merchant ID|Terminal ID
    |Cashier|Server|Guests|Tip|Thank you|Customer copy|Opening hours|Start|End|Duration|Distance|Speed
    |Result|Score|Mean|Std. dev."""
)
"""What stands at the left of a form's lines and over its columns."""

_NOUNS = _split(
    """pages|days|items|pcs|hours|min|months|years|weeks|people|units|boxes|copies|kg|km|cm|mm|GB|MB|ms
    |seats|rooms|nights|points|lines|working days|business days|per month|per unit|each|in stock|of 12
    |of 3|a.m.|p.m.|EUR|USD|CNY|GBP"""
)
"""What follows a number."""

_COUNT = (1, 1, 1, 2, 2, 3)


def _number(rng: random.Random) -> str:
    """Give a number as it follows a word: of one to four digits mostly."""
    chance = rng.random()
    if chance < 0.75:
        return str(rng.randrange(10 ** rng.choice((1, 1, 2, 2, 3, 4, 4))))
    if chance < 0.9:
        return phrases.digits(rng, 5, 9)
    return rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ") + rng.choice(("", "-")) + phrases.digits(rng, 1, 5)


def money(rng: random.Random) -> str:
    """Give a sum with its currency before or behind it: `99.60 EUR`, `$ 1,250.00`, `USD 12.5`."""
    value = f"{10 ** rng.uniform(0, 6):,.{rng.choice((2, 2, 2, 1, 0))}f}"
    behind = rng.choice(("EUR", "USD", "CNY", "GBP", "CHF", "HKD", "€", "JPY", "SGD"))
    before = rng.choice(("$", "€", "£", "¥", "USD ", "EUR ", "$ ", "€ ", "RMB ", "HK$ ", "US$"))
    return rng.choice((f"{value} {behind}", f"{before}{value}", value))


def counted(rng: random.Random, words: Lexicon) -> str:
    """Give a word and its number: `No. 4711`, `Page 3 of 12`, `Willow 24`."""
    front = rng.choice(COUNTED) if rng.random() < 0.75 else words.word(rng).capitalize()
    text = f"{front} {_number(rng)}"
    chance = rng.random()
    if chance < 0.15:
        text += f" of {_number(rng)}"
    elif chance < 0.4:
        text += rng.choice((": ", ". ", " ", " - ", ", ")) + " ".join(words.english(rng, rng.randint(1, 5)))
    elif chance < 0.5:
        text = " ".join((*words.english(rng, rng.choice(_COUNT)), text))
    return text


def entry(rng: random.Random, words: Lexicon) -> str:
    """Give a label, mostly with its value: `Total due 99.60 EUR`, `Due date: 12 May 2026`, `Unit price`."""
    label = rng.choice(LABELS)
    if rng.random() < 0.15:
        label = " ".join(words.english(rng, rng.choice((2, 2, 3))))
    if rng.random() < 0.25:
        return label + rng.choice(("", "", ":", f" {rng.choice(LABELS)}"))
    value = rng.choice((money, money, day, _number, phrases.phone, phrases.percentage, phrases.quantity))(rng)
    if rng.random() < 0.2:
        value = " ".join(word.capitalize() for word in words.english(rng, rng.choice((1, 2, 2, 3))))
    return label + rng.choice((" ", " ", ": ", ": ", ":", "  ")) + value


def day(rng: random.Random) -> str:
    """Give a date, a time or both, with their blanks: `12 May 2026`, `Mon 3 Jun, 9:30 am`."""
    month = rng.choice((*phrases.MONTHS, "January", "March", "April", "June", "July", "October", "December"))
    number, year = rng.randint(1, 31), rng.randint(1985, 2035)
    clock = f"{rng.randint(0, 23)}:{rng.randint(0, 59):02d}{rng.choice(('', '', ' am', ' pm', ' h'))}"
    date = rng.choice(
        (f"{number} {month} {year}", f"{month} {number}, {year}", f"{month} {year}", f"{number} {month}")
    )
    week = rng.choice(("", "", "", "Mon ", "Tue, ", "Wed ", "Thu ", "Friday, ", "Sat ", "Sunday "))
    return week + date + rng.choice(("", "", "", f" {clock}", f", {clock}", f" at {clock}"))


def measured(rng: random.Random, words: Lexicon) -> str:
    """Give a number and what it counts, in a piece of a sentence: `within 30 days of`."""
    text = f"{_number(rng)} {rng.choice(_NOUNS) if rng.random() < 0.7 else words.word(rng)}"
    if rng.random() < 0.6:
        text = " ".join((*words.english(rng, rng.choice(_COUNT)), text))
    if rng.random() < 0.4:
        text = " ".join((text, *words.english(rng, rng.choice(_COUNT))))
    return text


def row(rng: random.Random, words: Lexicon) -> str:
    """Give a row of an invoice or a receipt: a number, what it is, how many and what it costs."""
    cells = [" ".join(words.english(rng, rng.choice((1, 2, 2, 3)))).capitalize()]
    if rng.random() < 0.35:
        cells.insert(0, str(rng.randint(1, 60)))
    if rng.random() < 0.5:
        cells.append(
            rng.choice((str(rng.randint(1, 99)), f"x {rng.randint(1, 20)}", f"{rng.randint(1, 99)} pcs"))
        )
    cells.append(money(rng))
    return rng.choice((" ", " ", "  ")).join(cells)


_FORMS: dict[Callable[[random.Random, Lexicon], str], float] = {
    counted: 28,
    entry: 34,
    measured: 20,
    row: 18,
}


def form(rng: random.Random, words: Lexicon) -> str:
    """Give a line of any of these kinds, some of them in capitals, to about 50 characters."""
    text = phrases.weighted(rng, _FORMS)(rng, words)
    if len(text) > 50:
        text = text[: max(text.rfind(" ", 0, 51), 1)]
    return text.upper() if rng.random() < 0.15 else text
