"""What dates, times, spans and time zones refuse, and how they say it."""

import warnings
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

warnings.simplefilter("error")


class Zone(tzinfo):
    """What the methods of a time zone give is what it is made with."""

    def __init__(self, offset, daylight=None, name=None):
        self.offset, self.daylight, self.name = offset, daylight, name

    def utcoffset(self, moment):
        return self.offset

    def dst(self, moment):
        return self.daylight

    def tzname(self, moment):
        return self.name


class Ratio(float):
    """A float whose ratio is what it is told."""

    def as_integer_ratio(self):
        return self.ratio


def ratio(value):
    made = Ratio(1)
    made.ratio = value
    return made


IsoCalendarDate = type(date(2020, 1, 1).isocalendar())
d, t, m = date(2020, 1, 1), time(1), datetime(2020, 1, 1)

for source in """
date()
date(1)
date(1, 2, 3, 4)
date('a', 1, 1)
date(1.5, 1, 1)
date(2**40, 1, 1)
date(-2**40, 1, 1)
date(2**80, 1, 1)
date(b'abcd')
date(b'ab\\x0d\\x01')
date('\\u1234b\\x01\\x01')
date(1, 1, x=1)
date(1, 1, 1, year=1)
date(0, 1, 1)
date(10000, 1, 1)
date(1, 13, 1)
date(2001, 2, 29)
date.fromtimestamp()
date.fromtimestamp('a')
date.fromtimestamp(None)
date.fromtimestamp(1e30)
date.fromtimestamp(float('nan'))
date.fromtimestamp(2**62)
date.fromtimestamp(2**55)
date.fromordinal(0)
date.fromordinal('a')
date.fromordinal(10**10)
date.fromordinal(2**31 - 1)
date.fromordinal(3652060)
date.fromisoformat(3)
date.fromisoformat('abc')
date.fromisoformat('2020-01-0\\ud800')
date.fromisoformat('2020-0101')
date.fromisoformat('2020-01-011')
date.fromisoformat('20200101xx')
date.fromisoformat('2020-W54-1')
date.fromisoformat('2020-02-30')
date.fromisocalendar(2020, 54, 1)
date.fromisocalendar(0, 1, 1)
date.fromisocalendar(10**10, 1, 1)
date.fromisocalendar('2020', 1, 1)
date.fromisocalendar(2020, 1, 8)
date.fromisocalendar(9999, 52, 6)
d + 1
1 - d
d + d
m - d
d - m
date.max + timedelta(1)
date.min - timedelta(1)
d < 1
d < m
m < d
d.replace(1, 2, 3, 4)
d.replace(year='a')
d.replace(year=2**40)
d.replace(year=0)
d.strftime()
d.strftime(3)
d.__format__(3)
date.strptime(1, 2)
date.strptime('2020', '%m')
timedelta('a')
timedelta(1, 2, 3, 4, 5, 6, 7, 8)
timedelta(x=1)
timedelta(seconds=None)
timedelta(days=1e300)
timedelta(days=float('inf'))
timedelta(days=float('nan'))
timedelta(days=10**9)
timedelta(days=10**20)
timedelta(days=-10**9)
timedelta(1) * 'a'
timedelta(1) * float('nan')
timedelta(1) * float('inf')
timedelta(1) * ratio(1)
timedelta(1) / ratio((1,))
timedelta(1) / 0
timedelta(1) / 0.0
timedelta(1) // 0
timedelta(1) // 1.0
timedelta(1) % timedelta(0)
divmod(timedelta(1), timedelta(0))
timedelta(1) / timedelta(0)
timedelta(1) // timedelta(0)
timedelta(1) % 3
timedelta(1) < 3
timedelta.max + timedelta.resolution
-timedelta.max
timedelta.max * 10**10
timedelta.max * 10**100
timedelta.max / 1e-300
time(25)
time(1, 60)
time(1, 1, 60)
time(1, 1, 1, 10**6)
time(1, 1, 1, 1, 1)
time(1, fold=2)
time('a')
time(1, 2, 3, 4, None, 1)
time(x=1)
time(b'\\x01' * 6, 'EST')
t < time(1, tzinfo=UTC)
t.isoformat('x')
t.isoformat(3)
t.isoformat(timespec='\\ud800')
time.fromisoformat(3)
time.fromisoformat('abc')
time.fromisoformat('25:00')
time.fromisoformat('24:00')
time.fromisoformat('24:01')
time.fromisoformat('12:3')
time.fromisoformat('12:')
time.fromisoformat('123:45')
time.fromisoformat('12:30:45.')
time.fromisoformat('12:30.5')
time.fromisoformat('12:30:45.5x')
time.fromisoformat('12:30Z1')
time.fromisoformat('12:30+')
time.fromisoformat('12:30+1')
time.fromisoformat('12:30+24:00')
t.replace(tzinfo=3)
t.replace(fold=3)
time(1, tzinfo=Zone(3)).utcoffset()
time(1, tzinfo=Zone(timedelta(1))).utcoffset()
time(1, tzinfo=Zone(-timedelta(1))).isoformat()
time(1, tzinfo=Zone(None, 'x')).dst()
time(1, tzinfo=Zone(None, None, 3)).tzname()
datetime()
datetime(1, 1)
datetime(1, 1, 1, 1, 1, 1, 1, 1)
datetime(1, 1, 1, fold=2)
datetime(1, 1, 1, 1, 1, 1, 1, None, 1)
datetime.now(3)
datetime.now(1, 2)
datetime.utcnow()
datetime.utcfromtimestamp(1)
datetime.fromtimestamp()
datetime.fromtimestamp('a')
datetime.fromtimestamp(1, 2)
datetime.fromtimestamp(1e20)
datetime.fromtimestamp(2**55)
datetime.fromtimestamp(float('nan'))
datetime.fromtimestamp(-62135596800 - 1, UTC)
datetime.combine(1, 2)
datetime.combine(d, None)
datetime.combine(d, t, 3)
datetime.fromisoformat(3)
datetime.fromisoformat('3')
datetime.fromisoformat('2020-01-01T')
datetime.fromisoformat('2020-01-01Tfoo')
datetime.fromisoformat('2020-13-01')
datetime.fromisoformat('2020-01-01T25:00')
datetime.fromisoformat('2020-12-31T24:00')
datetime.fromisoformat('9999-12-31T24:00')
datetime.fromisoformat('2020-12-31T24:00:00.000001')
datetime.fromisoformat('2020-01-01T00:00+25:00')
m.astimezone(3)
m.replace(tzinfo=UTC).astimezone(Zone(None))
m.isoformat(3)
m.isoformat('ab')
m.isoformat('T', 'foo')
m - m.replace(tzinfo=UTC)
m < m.replace(tzinfo=UTC)
m == m.replace(tzinfo=UTC)
m.replace(tzinfo=Zone(None)).timestamp()
datetime.max + timedelta(1)
datetime.min.replace(tzinfo=timezone.max).utctimetuple()
datetime.min.timestamp()
datetime.strptime(1, 2)
timezone()
timezone(1)
timezone(timedelta(1))
timezone(timedelta(0), 3)
timezone(timedelta(0), None)
timezone(timedelta(0), 'a', 'b')
UTC.utcoffset(3)
UTC.tzname(3)
UTC.dst(3)
UTC.fromutc(3)
UTC.fromutc(m)
UTC < UTC
type('X', (timezone,), {})
tzinfo().utcoffset(3)
tzinfo().tzname(3)
tzinfo().dst(3)
tzinfo().fromutc(3)
Zone(None).fromutc(m)
(z := Zone(None)).fromutc(m.replace(tzinfo=z))
(z := Zone(timedelta(0))).fromutc(m.replace(tzinfo=z))
IsoCalendarDate(1, 2)
IsoCalendarDate('1', 2, 3)
type('X', (IsoCalendarDate,), {})
""".strip().splitlines():
    try:
        print(source, "->", ascii(eval(source)))
    except Exception as e:
        print(source, "!!", type(e).__name__, ascii(str(e)))
