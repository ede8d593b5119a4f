"""hooks.py - what a schema cannot know of a shop: ids that exist, what sells, and what a cart costs.

Valid bodies get them (most, not all), broken ones stay as they are. At the end it writes to the file
TORG_WALKED how often each operation succeeded, and how often a checkout ended in an order ("placed").
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
    if known and likely():
        return dice.choice(known)
    if isinstance(value, dict):
        return {key: realistic(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [realistic(inner) for inner in value]
    return value


def likely():
    return dice.random() < 0.8


def is_meant_to_be_valid(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


def operation_id(case):
    return case.operation.definition.raw["operationId"]


@schemathesis.hook
def before_call(context, case, kwargs):
    if not is_meant_to_be_valid(case):
        return
    case.query = realistic(case.query)
    if likely():
        case.headers.pop("If-Match", None)
    if not isinstance(case.body, dict):
        return
    body = realistic(case.body)
    if operation_id(case) == "postStoreV1Carts" and likely():
        body |= {"lines": [{"variantId": dice.choice(REAL["variantId"]), "quantity": "1"}]}
        body |= {"email": REAL["email"][0]}
    total = totals.get(body.get("cartId"))
    if "expectedTotal" in body and total:
        body["expectedTotal"] = total
        body["tenders"] = [{"providerAccount": "manual"}]
    case.body = body


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code >= 300:
        return
    walked[operation_id(case)] += 1
    try:
        body = response.json()
    except ValueError:
        return
    if not isinstance(body, dict):
        return
    walked["placed"] += body.get("state") == "CHECKOUT_STATE_PLACED"
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
