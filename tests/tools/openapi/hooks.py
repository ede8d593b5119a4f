"""hooks.py - what a schema cannot know of a shop: ids that exist, and what a cart costs.

Valid bodies get them (most, not all), broken ones stay as they are. At the end it writes to the file
TORG_WALKED how often each operation succeeded.
"""

import atexit
import json
import os
import random
from collections import Counter

import schemathesis

ADDRESS = {
    "fullName": "Ada Buyer",
    "line1": "Hafenstrasse 1",
    "city": "Hamburg",
    "postalCode": "20359",
    "countryCode": "DE",
}
# What a member of that name may hold; ids come from the shop, others are added when they are seen.
REAL = {
    "billingAddress": [ADDRESS],
    "country": ["DE"],
    "countryCode": ["DE"],
    "currency": ["EUR"],
    "currencyCode": ["EUR"],
    "email": ["ada@buyer.example"],
    "locale": ["en", "de"],
    "paymentMethod": ["pm_card_visa", "pm_card_chargeDeclined"],
    "providerAccount": ["manual", "stripe"],
    "quantity": ["1", 2],
    "shippingAddress": [ADDRESS],
    "shippingOptionId": [],
    **json.loads(os.environ["TORG_KNOWN"]),
}
totals = {}  # of carts, as they were answered last
walked = Counter()
dice = random.Random(7)


def realistic(value, name=None):
    known = REAL.get(name)
    if known and dice.random() < 0.8:
        return dice.choice(known)
    if isinstance(value, dict):
        return {key: realistic(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [realistic(inner) for inner in value]
    return value


def is_meant_to_be_valid(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


@schemathesis.hook
def before_call(context, case, kwargs):
    if not is_meant_to_be_valid(case):
        return
    case.query = realistic(case.query)
    if dice.random() < 0.8:
        case.headers.pop("If-Match", None)
    if not isinstance(case.body, dict):
        return
    body = realistic(case.body)
    total = totals.get(body.get("cartId"))
    if "expectedTotal" in body and total:
        body["expectedTotal"] = total
        body["tenders"] = [{"providerAccount": "manual"}]
    case.body = body


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code >= 300:
        return
    walked[case.operation.definition.raw["operationId"]] += 1
    try:
        body = response.json()
    except ValueError:
        return
    if not isinstance(body, dict):
        return
    quote = body.get("quote")
    if quote and "cart" in body:
        totals[body["cart"]["id"]] = {
            "minorUnits": quote.get("totalMinor", "0"),
            "currencyCode": quote["currencyCode"],
        }
    for option in body.get("shippingOptions", []):
        if option["id"] not in REAL["shippingOptionId"]:
            REAL["shippingOptionId"].append(option["id"])


@atexit.register
def write_walked():
    with open(os.environ["TORG_WALKED"], "w", encoding="utf-8") as out:
        json.dump(walked, out)
