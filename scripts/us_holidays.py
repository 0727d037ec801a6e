#!/usr/bin/env python3
"""Writes the federal holidays of the United States as a calendar for `holiday(t, US)`.

    scripts/us_holidays.py 2013 2030 > configs/holidays/us.csv

The rules are those of 5 U.S.C. 6103: a holiday on a Saturday is observed on the Friday before, one
on a Sunday on the Monday after. Both days are listed.
"""
import datetime
import sys

DAY = datetime.timedelta(days=1)
MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6


def nth(year, month, weekday, n):
    """The n-th such weekday of a month; -1 is the last."""
    if n < 0:
        after = datetime.date(year + month // 12, month % 12 + 1, 1)
        return after - DAY * ((after.weekday() - weekday - 1) % 7 + 1)
    first = datetime.date(year, month, 1)
    return first + DAY * ((weekday - first.weekday()) % 7 + 7 * (n - 1))


def fixed(year):
    yield datetime.date(year, 1, 1), "New Year's Day"
    if year >= 2021:
        yield datetime.date(year, 6, 19), "Juneteenth"
    yield datetime.date(year, 7, 4), "Independence Day"
    yield datetime.date(year, 11, 11), "Veterans Day"
    yield datetime.date(year, 12, 25), "Christmas Day"


def moving(year):
    yield nth(year, 1, MONDAY, 3), "Martin Luther King Jr. Day"
    yield nth(year, 2, MONDAY, 3), "Washington's Birthday"
    yield nth(year, 5, MONDAY, -1), "Memorial Day"
    yield nth(year, 9, MONDAY, 1), "Labor Day"
    yield nth(year, 10, MONDAY, 2), "Columbus Day"
    yield nth(year, 11, THURSDAY, 4), "Thanksgiving Day"


def holidays(year):
    yield from moving(year)
    for day, name in fixed(year):
        yield day, name
        if day.weekday() == SATURDAY:
            yield day - DAY, f"{name} (observed)"
        if day.weekday() == SUNDAY:
            yield day + DAY, f"{name} (observed)"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    first, last = int(sys.argv[1]), int(sys.argv[2])
    print(f"# Federal holidays of the United States, {first} to {last}, and the days on which they are observed.")
    print(f"# Written by scripts/us_holidays.py {first} {last}.")
    for day, name in sorted(h for year in range(first, last + 2) for h in holidays(year)):
        if first <= day.year <= last:
            print(f"{day.isoformat()},{name}")


main()
