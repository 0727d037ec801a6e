#!/usr/bin/env python3
"""Days of time zones that are not 24 hours long, by Python's zoneinfo: days.txt.

    python3 make_days.py > days.txt

A line is a zone, the day, its first instant (Unix seconds) and its length in minutes. The
first instant of a day is the first one whose local date is that day or a later one; the
first line of a zone is 1 January 2000, whatever its length.
"""
import datetime
import zoneinfo

ZONES = ["America/New_York", "Europe/London", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata",
         "America/Havana", "America/Sao_Paulo", "America/St_Johns", "Asia/Beirut", "Africa/Cairo"]
FIRST, LAST = datetime.date(2000, 1, 1), datetime.date(2024, 12, 31)
MINUTE = 60


def first_instant(zone, day, after):
    """Of a day, given the first instant of the day before."""
    date = lambda t: datetime.datetime.fromtimestamp(t, zone).date()
    if date(after) >= day:
        return after
    at = after + 20 * 60 * MINUTE
    while date(at) < day:
        at += MINUTE
    return at


def main():
    one = datetime.timedelta(days=1)
    for name in ZONES:
        zone = zoneinfo.ZoneInfo(name)
        start = int(datetime.datetime(1999, 12, 30, tzinfo=zone).timestamp())
        day = FIRST - one
        start = first_instant(zone, day, start)
        start = first_instant(zone, FIRST, start)
        day = FIRST
        while day <= LAST:
            end = first_instant(zone, day + one, start)
            if day == FIRST or end - start != 24 * 60 * MINUTE:
                print(name, day.isoformat(), start, (end - start) // MINUTE)
            day, start = day + one, end


main()
