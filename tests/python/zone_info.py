"""ZoneInfo: zones from files, rules for later years, folds and gaps, caches, subclasses, pickles."""

import io
import pickle
import struct
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def zone_file(rule, changes=(), kinds=((0, 0, "AAA"),)):
    """A file of version 2: changes are pairs of a time in UTC and the number of a kind (offset, daylight saving time, name)."""
    names, places = b"", []
    for _, _, name in kinds:
        places.append(len(names))
        names += name.encode() + b"\0"
    body = b"".join(struct.pack(">q", int(at.replace(tzinfo=UTC).timestamp())) for at, _ in changes)
    body += bytes(kind for _, kind in changes)
    body += b"".join(struct.pack(">lbb", offset, daylight, place) for (offset, daylight, _), place in zip(kinds, places))
    head = b"TZif2" + bytes(15)
    empty = head + bytes(24)
    counts = struct.pack(">6l", 0, 0, 0, len(changes), len(kinds), len(names))
    return io.BytesIO(empty + head + counts + body + names + b"\n" + rule.encode() + b"\n")


berlin = ZoneInfo.from_file(
    zone_file(
        "CET-1CEST,M3.5.0,M10.5.0/3",
        [(datetime(2023, 3, 26, 1), 1), (datetime(2023, 10, 29, 1), 0)],
        [(3600, 0, "CET"), (7200, 1, "CEST")],
    ),
    key="Berlin",
)
print(repr(berlin), str(berlin), berlin.key, berlin.utcoffset(None), berlin.tzname(None))


def show(zone, *moment, fold=0):
    local = datetime(*moment, tzinfo=zone, fold=fold)
    print(local.isoformat(), local.tzname(), local.dst(), local.astimezone(UTC).strftime("%F %T"))


for year in (2023, 2024, 2040):
    last_sundays = {2023: (26, 29), 2024: (31, 27), 2040: (25, 28)}[year]
    show(berlin, year, 1, 1)
    show(berlin, year, 3, last_sundays[0], 1, 59)
    for fold in (0, 1):
        show(berlin, year, 3, last_sundays[0], 2, 30, fold=fold)
        show(berlin, year, 10, last_sundays[1], 2, 30, fold=fold)
    show(berlin, year, 10, last_sundays[1], 3)
    for hour in (0, 1):
        print(repr(datetime(year, 10, last_sundays[1], hour, 30, tzinfo=UTC).astimezone(berlin)))
print(datetime(2023, 10, 29, 0, 30, tzinfo=UTC).astimezone(berlin) + timedelta(hours=1))
print(time(1, tzinfo=berlin).utcoffset(), hash(datetime(2024, 1, 1, tzinfo=berlin)) == hash(datetime(2023, 12, 31, 23, tzinfo=UTC)))

# Rules.
for rule in ("<+11>-11", "AAA3BBB,J60/12,J305/12", "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "IST-2:30DDT,M3.4.4/26,M10.5.0:00"):
    try:
        zone = ZoneInfo.from_file(zone_file(rule), key=rule)
    except ValueError as e:
        print(e)
        continue
    print(rule, [(at := datetime(2024, month, 1, tzinfo=zone)).strftime("%Z%z") for month in (1, 3, 7, 11)], zone.utcoffset(None))
fixed = ZoneInfo.from_file(zone_file("AAA0"), key="fixed")
print(fixed.utcoffset(None), fixed.tzname(None), time(1, tzinfo=fixed))
for rule in ("AAA", "A3", "AAA25", "AAA3BBB", "AAA3BBB,J0,J1", "AAA3BBB,M13.1.1,M1.1.1", "AAA3BBB,J1/168,J2", "AAA4:0BBB,J1,J2", "ABÀC3"):
    try:
        print(rule, ZoneInfo.from_file(zone_file(rule)).tzname(None))
    except ValueError as e:
        print(e)

# Without a key there is no pickle; names without the module.
unnamed = ZoneInfo.from_file(zone_file("AAA0"))
print(repr(unnamed)[:36], unnamed.key)
for use in (lambda: pickle.dumps(unnamed), lambda: ZoneInfo("../x"), lambda: ZoneInfo("Atlantis/City"), lambda: setattr(fixed, "key", 1)):
    try:
        use()
    except Exception as e:
        print(type(e).__name__, e)
print(fixed.__reduce__ and ZoneInfo.no_cache.__name__, ZoneInfo.clear_cache(only_keys=["x"]), ZoneInfo.clear_cache())


class Own(ZoneInfo):
    pass


print(repr(Own.from_file(zone_file("AAA0"), key="k")), isinstance(Own._weak_cache, object), Own.clear_cache())
for use in (lambda: fixed.utcoffset(3), lambda: fixed.fromutc(3), lambda: fixed.fromutc(datetime(2024, 1, 1)), lambda: ZoneInfo()):
    try:
        use()
    except Exception as e:
        print(type(e).__name__, e)
