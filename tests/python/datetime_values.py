"""Dates, times, spans and time zones: making them, arithmetic, comparison, text, pickles, subclasses."""

import copy
import operator
import os
import pickle
import time as clock
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta, timezone, tzinfo


def shown(label, values):
    print(label + ":", *values, sep="\n    ")


print(MINYEAR, MAXYEAR, UTC is timezone.utc)
shown(
    "extremes",
    [repr(getattr(kind, name)) for kind in (date, time, datetime, timedelta) for name in ("min", "max", "resolution")]
    + [repr(timezone.min), repr(timezone.max), repr(timezone.utc)],
)

# Spans.
shown(
    "spans",
    [
        timedelta(),
        timedelta(1, 2, 3, 4, 5, 6, 7),
        timedelta(hours=-1),
        timedelta(days=0.5, minutes=0.5, microseconds=0.5),
        timedelta(microseconds=1.5),
        timedelta(microseconds=2.5),
        timedelta(seconds=1e-6 / 2, microseconds=1),
        timedelta(weeks=1.25, milliseconds=-7.5),
        timedelta(days=10**20, hours=-24 * 10**20, seconds=5),
        timedelta(days=True),
        repr(timedelta(-1, 5, 6)),
        repr(timedelta(seconds=-1)),
        str(timedelta(-2, 3)),
    ],
)
a, b = timedelta(days=3, seconds=7, microseconds=11), timedelta(hours=5, microseconds=-3)
shown(
    "arithmetic of spans",
    [
        a + b,
        a - b,
        b - a,
        -a,
        +a,
        abs(-a),
        a * 3,
        -7 * a,
        a * 1.5,
        0.1 * a,
        a * 10**8 // 10**8,
        a / 2,
        a / 7,
        a / 0.3,
        a / b,
        a // b,
        a % b,
        -a % b,
        divmod(a, -b),
        a // 3,
        a // -(10**30),
        timedelta(microseconds=1) * 2**64,
        timedelta(microseconds=5) / 2,
        timedelta(microseconds=7) / -2,
        timedelta.max / timedelta.resolution,
        timedelta.max // timedelta.resolution,
        timedelta.min.total_seconds(),
        a.total_seconds(),
        (a.days, a.seconds, a.microseconds),
        (-a).days,
        bool(a),
        bool(timedelta()),
        hash(a) == hash(timedelta(3, 7, 11)),
        hash(timedelta(-1, 2)) == hash((-1, 2, 0)),
    ],
)
for operation in (operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge):
    print(operation.__name__, operation(a, b), operation(b, a), operation(a, +a))
print(a == 3, a != None, timedelta(1) == timedelta(hours=24))

# Dates.
d = date(2024, 2, 29)
shown(
    "dates",
    [
        repr(d),
        d,
        d.isoformat(),
        d.toordinal(),
        date.fromordinal(d.toordinal()) == d,
        d.weekday(),
        d.isoweekday(),
        d.isocalendar(),
        tuple(date(2021, 1, 3).isocalendar()),
        tuple(date(1, 1, 1).isocalendar()),
        tuple(date(9999, 12, 31).isocalendar()),
        d.isocalendar().week,
        d.ctime(),
        d.timetuple(),
        d.strftime("%A %d %B %Y, %f|%z|%:z|%Z|%%|%"),
        date(33, 4, 5).strftime("%Y %G %F %C"),
        f"{d:%d.%m.%y}",
        f"{d}",
        d.replace(day=1),
        copy.replace(d, year=2028, month=1) if hasattr(copy, "replace") else date(2028, 1, 29),
        d + timedelta(days=366, hours=23),
        timedelta(-1) + d,
        d - timedelta(days=60),
        d - date(2023, 2, 28),
        date.fromtimestamp(0),
        date.fromtimestamp(-0.5),
        date.fromisocalendar(2020, 53, 7),
        date.fromisoformat("20240229"),
        date.fromisoformat("2024-W09-4"),
        date.fromisoformat("2024W09"),
        date.today() == date.fromtimestamp(clock.time()),
        d < date(2024, 3, 1),
        d == datetime(2024, 2, 29),
        hash(d) == hash(date(2024, 2, 29)),
        {date(2024, 1, 1): 1}[date(2024, 1, 1)],
    ],
)
for name in ("year", "month", "day"):
    try:
        setattr(d, name, 1)
    except AttributeError as e:
        print("AttributeError", getattr(d, name))

# Times.
t = time(12, 34, 56, 789)
shown(
    "times",
    [
        repr(t),
        repr(time()),
        repr(time(1, 2)),
        repr(time(1, 2, 3, fold=1)),
        repr(time(1, tzinfo=timezone(timedelta(hours=2), "EET"), fold=1)),
        str(t),
        time(1).isoformat(),
        *[t.isoformat(timespec=p) for p in ("auto", "hours", "minutes", "seconds", "milliseconds", "microseconds")],
        t.replace(tzinfo=UTC).isoformat("minutes"),
        t.strftime("%H-%M-%S.%f [%z] [%Z] %Y"),
        t.replace(tzinfo=timezone(-timedelta(hours=3, minutes=30, seconds=5))).strftime("%H %z %:z %Z"),
        f"{t:%S}",
        t.replace(hour=1, microsecond=0),
        time.fromisoformat("T04:05:06,5+01:30"),
        time.fromisoformat("040506.1234567Z"),
        time(10, tzinfo=UTC) == time(12, tzinfo=timezone(timedelta(hours=2))),
        time(10, tzinfo=UTC) < time(10, tzinfo=timezone(timedelta(hours=-2))),
        time(10) == time(10, tzinfo=UTC),
        time(1, fold=1) == time(1),
        hash(time(10, tzinfo=UTC)) == hash(time(12, tzinfo=timezone(timedelta(hours=2)))),
        hash(time(1, fold=1)) == hash(time(1)),
        bool(time()),
        (t.hour, t.minute, t.second, t.microsecond, t.tzinfo, t.fold, t.utcoffset(), t.dst(), t.tzname()),
    ],
)

# Dates with times.
m = datetime(2024, 2, 29, 23, 59, 59, 999999)
shown(
    "datetimes",
    [
        repr(m),
        repr(datetime(2024, 1, 1)),
        repr(datetime(2024, 1, 1, 2, 3, 4)),
        repr(datetime(2024, 1, 1, tzinfo=UTC, fold=1)),
        m,
        m.isoformat(),
        m.isoformat(" ", "hours"),
        m.isoformat("\u2603", "milliseconds"),
        datetime(2024, 1, 1, tzinfo=timezone(timedelta(minutes=-90, microseconds=1))).isoformat(),
        m + timedelta(microseconds=1),
        timedelta(days=-800, microseconds=-999999) + m,
        m - timedelta(days=0.5),
        m - datetime(2024, 2, 28),
        datetime(2024, 1, 1, tzinfo=UTC) - datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=5))),
        datetime(2024, 1, 1, 5, tzinfo=UTC) == datetime(2024, 1, 1, 7, tzinfo=timezone(timedelta(hours=2))),
        datetime(2024, 1, 1, 5, tzinfo=UTC) > datetime(2024, 1, 1, 6, tzinfo=timezone(timedelta(hours=2))),
        hash(datetime(2024, 1, 1, 5, tzinfo=UTC)) == hash(datetime(2024, 1, 1, 7, tzinfo=timezone(timedelta(hours=2)))),
        m.date(),
        m.time(),
        repr(m.replace(tzinfo=UTC, fold=1).timetz()),
        m.ctime(),
        m.timetuple(),
        datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))).utctimetuple(),
        m.timestamp(),
        datetime(2024, 1, 1, 0, 0, 0, 123456, tzinfo=UTC).timestamp(),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC).timestamp(),
        datetime.fromtimestamp(1.9999995),
        datetime.fromtimestamp(-1.0000005),
        repr(datetime.fromtimestamp(86400, UTC)),
        repr(datetime.fromtimestamp(0, tz=timezone(timedelta(hours=-1)))),
        datetime.combine(d, t),
        repr(datetime.combine(d, t, UTC)),
        repr(datetime.combine(d, t.replace(fold=1, tzinfo=UTC), tzinfo=None)),
        repr(datetime(2024, 1, 1, 12, tzinfo=UTC).astimezone(timezone(timedelta(hours=9)))),
        datetime(33, 4, 5, 6).strftime("%Y|%G|%F|%C %T"),
        datetime(2024, 5, 6, 7, 8, 9, 10, timezone(timedelta(hours=1), "50%")).strftime("%f%z%:z%Z%Z %j"),
        f"{datetime(2024, 5, 6):%Y%m%d}",
        datetime.strptime("2024-05-06 07:08:09.5 +0130", "%Y-%m-%d %H:%M:%S.%f %z"),
        datetime.now(UTC).utcoffset(),
        abs(datetime.now(UTC) - datetime.fromtimestamp(clock.time(), UTC)) < timedelta(minutes=1),
        m.date().isocalendar() == m.isocalendar(),
    ],
)
shown(
    "texts read",
    [
        repr(datetime.fromisoformat(text))
        for text in (
            "2024-02-29",
            "20240229",
            "2024W094",
            "2024-W09",
            "2024-02-29T01",
            "2024-02-29x0102",
            "2024-02-29 01:02:03",
            "2024-02-29T01:02:03.4",
            "2024-02-29T010203,456789012",
            "2024-W09-4T01:02",
            "2024W09T01:02Z",
            "2024-02-29T01:02+01",
            "2024-02-29T01:02-0130",
            "2024-02-29T01:02:03+01:02:03.5",
            "2024-02-29\U0001f40d01:02",
            "2024-02-29\ud80001:02",
        )
    ],
)

# Time zones.
zone = timezone(timedelta(hours=-5, minutes=-30), "X\ud800")
shown(
    "time zones",
    [
        repr(timezone(timedelta(hours=1))),
        repr(timezone(timedelta(0), "zero")),
        ascii(zone),
        ascii(zone.tzname(None)),
        zone.utcoffset(m),
        zone.dst(None),
        timezone(timedelta(0)) is UTC,
        timezone(timedelta(hours=1)) == timezone(timedelta(hours=1), "other"),
        hash(timezone(timedelta(hours=1))) == hash(timezone(timedelta(hours=1), "other")),
        *[str(timezone(timedelta(**parts))) for parts in ({"hours": 1}, {"minutes": -1}, {"seconds": 5}, {"microseconds": -1})],
        UTC.__getinitargs__(),
        zone.__getinitargs__() == (timedelta(hours=-5, minutes=-30), "X\ud800"),
    ],
)


class Zone(tzinfo):
    """Two hours east of UTC, in May three."""

    def utcoffset(self, moment):
        return timedelta(hours=2) + self.dst(moment)

    def dst(self, moment):
        return timedelta(hours=moment is not None and moment.month == 5)

    def tzname(self, moment):
        return "summer" if self.dst(moment) else "winter"

    def __repr__(self):
        return "Zone()"


class Folding(tzinfo):
    """The offset depends on the fold."""

    def utcoffset(self, moment):
        return timedelta(hours=1 + moment.fold)


east = Zone()
shown(
    "zones of programs",
    [
        datetime(2024, 5, 1, tzinfo=east).isoformat(),
        datetime(2024, 4, 30, 23, tzinfo=east).astimezone(UTC),
        datetime(2024, 4, 30, 22, tzinfo=UTC).astimezone(east),
        datetime(2024, 5, 1, tzinfo=east).strftime("%Z %z"),
        datetime(2024, 5, 1, tzinfo=east).timetuple().tm_isdst,
        datetime(2024, 6, 1, tzinfo=east).timetuple().tm_isdst,
        datetime.fromtimestamp(1714600000, east),
        time(1, tzinfo=east).isoformat(),
        datetime(2024, 1, 1, 0, tzinfo=Folding()) == datetime(2023, 12, 31, 23, tzinfo=UTC),
        datetime(2024, 1, 1, 0, tzinfo=Folding()) < datetime(2024, 1, 1, tzinfo=UTC),
        hash(datetime(2024, 1, 1, 0, fold=0, tzinfo=Folding())) == hash(datetime(2024, 1, 1, fold=1, tzinfo=Folding())),
    ],
)

# Local time, with clocks that are set.
os.environ["TZ"] = "EST5EDT,M3.2.0,M11.1.0"
clock.tzset()
twice = datetime(2024, 11, 3, 1, 30)
gap = datetime(2024, 3, 10, 2, 30)
shown(
    "local time",
    [
        twice.timestamp(),
        twice.replace(fold=1).timestamp(),
        repr(datetime.fromtimestamp(twice.timestamp())),
        repr(datetime.fromtimestamp(twice.replace(fold=1).timestamp())),
        gap.timestamp(),
        gap.replace(fold=1).timestamp(),
        repr(twice.astimezone()),
        repr(twice.replace(fold=1).astimezone()),
        repr(gap.astimezone()),
        repr(gap.replace(fold=1).astimezone()),
        twice.astimezone(UTC),
        repr(datetime(2024, 7, 1, tzinfo=UTC).astimezone()),
        date.fromtimestamp(1714526000),
    ],
)
os.environ["TZ"] = "UTC"
clock.tzset()


# Subclasses.
class Day(date):
    def __new__(cls, *args, **kwargs):
        self = super().__new__(cls, *args, **kwargs)
        self.made = args
        return self

    def isoformat(self):
        return "day " + super().isoformat()


class Moment(datetime):
    pass


class Clock(time):
    __slots__ = ("extra",)


class Span(timedelta):
    pass


day = Day(2024, 1, 31)
shown(
    "subclasses",
    [
        repr(day),
        str(day),
        repr(day + timedelta(1)),
        repr(timedelta(1) + day),
        repr(day.replace(day=1)),
        repr(Day.fromisoformat("2024-01-02")),
        Day.fromordinal(5).made,
        repr(Day.today())[:4],
        repr(Moment(2024, 1, 1) + Span(1)),
        repr(Moment(2024, 1, 1).replace(fold=1)),
        repr(Moment.combine(day, Clock(1, fold=1))),
        repr(Moment.fromtimestamp(0, UTC)),
        repr(Moment(2024, 1, 1, tzinfo=UTC).astimezone(east)),
        repr(Clock(1, 2).replace(minute=3)),
        repr(Clock.fromisoformat("01:02Z")),
        repr(Span(1) + Span(2)),
        repr(Span(1)),
        repr(+Span(1)),
        day == date(2024, 1, 31),
        Moment(2024, 1, 1) == datetime(2024, 1, 1),
        hash(day) == hash(date(2024, 1, 31)),
        isinstance(Moment(2024, 1, 1), date),
    ],
)

# Pickles, also those of Python 2 with a str for a state, and copies.
samples = [
    d,
    t,
    m,
    a,
    UTC,
    zone,
    time(1, fold=1, tzinfo=UTC),
    datetime(2024, 1, 1, fold=1, tzinfo=zone),
    Moment(2024, 1, 2, 3),
    Clock(1, 2),
    Span(5),
    d.isocalendar(),
]
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    again = [pickle.loads(pickle.dumps(v, protocol)) for v in samples]
    print(protocol, again == samples, [getattr(v, "fold", 0) for v in again])
print(all(copy.copy(v) == copy.deepcopy(v) == v for v in samples))
print(pickle.loads(pickle.dumps(UTC)) is UTC)
shown(
    "states",
    [
        d.__reduce__(),
        t.__reduce__(),
        m.__reduce__(),
        datetime(2024, 1, 1, fold=1).__reduce_ex__(3),
        datetime(2024, 1, 1, fold=1, tzinfo=UTC).__reduce_ex__(4),
        time(5, fold=1).__reduce_ex__(4),
        a.__reduce__(),
        timezone(timedelta(1) / 2).__reduce__(),
        repr(date("\x07\xe8\x02\x1d")),
        repr(datetime("\x07\xe8\x02\x1d\x01\x02\x03\x00\x00\x05", UTC)),
        repr(time("\x81\x02\x03\x00\x00\x05")),
        tzinfo().__reduce__(),
    ],
)
print(datetime.__mro__, timezone.__mro__, type(d.isocalendar()))
