/* rfc3339.c - instants as text (RFC 3339), in the proleptic Gregorian calendar.
 *
 * The day arithmetic is Howard Hinnant's: howardhinnant.github.io/date_algorithms.html. */
#include "rfc3339.h"

#include "common/clock.h"

#include <string.h>

enum { DAY_SECONDS = 86400, NANOS = 1000000000 };

static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;

    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

struct civil {
    int64_t year, month, day;
};

static struct civil civil_from_days(int64_t days)
{
    days += 719468;

    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153; // 0 is March
    int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;

    return (struct civil){
        .year = year_of_era + era * 400 + (month <= 2),
        .month = month,
        .day = day_of_year - (153 * shifted + 2) / 5 + 1,
    };
}

static int64_t days_of_month(int64_t year, int64_t month)
{
    static const int8_t DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return DAYS[month - 1] + (month == 2 && is_leap);
}

struct reader {
    const char *at, *end;
};

static bool take(struct reader *in, char c)
{
    if (in->at == in->end || *in->at != c)
        return false;
    in->at++;
    return true;
}

static bool take_number(struct reader *in, int digits, int64_t min, int64_t max, int64_t *ret_value)
{
    int64_t value = 0;

    for (int i = 0; i < digits; i++) {
        if (in->at == in->end || *in->at < '0' || *in->at > '9')
            return false;
        value = value * 10 + (*in->at++ - '0');
    }
    *ret_value = value;
    return value >= min && value <= max;
}

static bool take_fraction(struct reader *in, int32_t *ret_nanos)
{
    int32_t scale = NANOS, nanos = 0;

    *ret_nanos = 0;
    if (!take(in, '.'))
        return true;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9') {
        scale /= 10;
        if (scale == 0)
            return false;
        nanos += (*in->at++ - '0') * scale;
    }
    *ret_nanos = nanos;
    return scale < NANOS;
}

static bool take_offset(struct reader *in, int64_t *ret_seconds)
{
    int64_t hours, minutes, sign = 1;

    *ret_seconds = 0;
    if (take(in, 'Z'))
        return true;
    if (take(in, '-'))
        sign = -1;
    else if (!take(in, '+'))
        return false;
    if (!take_number(in, 2, 0, 23, &hours) || !take(in, ':') ||
        !take_number(in, 2, 0, 59, &minutes))
        return false;
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool rfc3339_parse(const char *text, size_t length, int64_t *ret_seconds, int32_t *ret_nanos)
{
    struct reader in = {text, text + length};
    int64_t year, month, day, hour, minute, second, offset;
    int32_t nanos;

    if (!take_number(&in, 4, 1, 9999, &year) || !take(&in, '-') ||
        !take_number(&in, 2, 1, 12, &month) || !take(&in, '-') ||
        !take_number(&in, 2, 1, days_of_month(year, month), &day) || !take(&in, 'T') ||
        !take_number(&in, 2, 0, 23, &hour) || !take(&in, ':') ||
        !take_number(&in, 2, 0, 59, &minute) || !take(&in, ':') ||
        !take_number(&in, 2, 0, 59, &second) || !take_fraction(&in, &nanos) ||
        !take_offset(&in, &offset) || in.at != in.end)
        return false;

    int64_t seconds = days_from_civil(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 +
                      second - offset;

    if (seconds < RFC3339_SECONDS_MIN || seconds > RFC3339_SECONDS_MAX)
        return false;
    *ret_seconds = seconds;
    *ret_nanos = nanos;
    return true;
}

static char *put_number(char *at, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + digits;
}

size_t rfc3339_fraction(int32_t nanos, char *out)
{
    if (nanos == 0)
        return 0;
    out[0] = '.';
    if (nanos % 1000000 == 0)
        return (size_t)(put_number(out + 1, nanos / 1000000, 3) - out);
    if (nanos % 1000 == 0)
        return (size_t)(put_number(out + 1, nanos / 1000, 6) - out);
    return (size_t)(put_number(out + 1, nanos, 9) - out);
}

size_t rfc3339_format(int64_t seconds, int32_t nanos, char out[RFC3339_MAX])
{
    if (seconds < RFC3339_SECONDS_MIN || nanos < 0)
        nanos = 0;
    if (seconds > RFC3339_SECONDS_MAX || nanos >= NANOS)
        nanos = NANOS - 1;
    if (seconds < RFC3339_SECONDS_MIN)
        seconds = RFC3339_SECONDS_MIN;
    if (seconds > RFC3339_SECONDS_MAX)
        seconds = RFC3339_SECONDS_MAX;

    int64_t days = (seconds - RFC3339_SECONDS_MIN) / DAY_SECONDS; // since year 1: never negative
    int64_t rest = (seconds - RFC3339_SECONDS_MIN) % DAY_SECONDS;
    struct civil date = civil_from_days(days + RFC3339_SECONDS_MIN / DAY_SECONDS);
    char *at = put_number(out, date.year, 4);

    *at++ = '-';
    at = put_number(at, date.month, 2);
    *at++ = '-';
    at = put_number(at, date.day, 2);
    *at++ = 'T';
    at = put_number(at, rest / 3600, 2);
    *at++ = ':';
    at = put_number(at, rest / 60 % 60, 2);
    *at++ = ':';
    at = put_number(at, rest % 60, 2);
    at += rfc3339_fraction(nanos, at);
    *at++ = 'Z';
    *at = '\0';
    return (size_t)(at - out);
}
