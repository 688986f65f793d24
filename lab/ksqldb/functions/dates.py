"""Dates, times and timestamps; patterns are those of Java's DateTimeFormatter."""

from __future__ import annotations

from lab.ksqldb.functions.registry import Way, scalar

FUNCTIONS = (
    scalar(
        "FORMAT_DATE", "DATE / TIME", "A DATE as text, by a pattern.",
        Way(("DATE date", "VARCHAR formatPattern"), "VARCHAR", "Dates.formatDate"),
    ),
    scalar(
        "FORMAT_TIME", "DATE / TIME", "A TIME as text, by a pattern.",
        Way(("TIME time", "VARCHAR formatPattern"), "VARCHAR", "Dates.formatTime"),
    ),
    scalar(
        "FORMAT_TIMESTAMP", "DATE / TIME",
        "A TIMESTAMP as text, by a pattern, in UTC or another zone.",
        Way(("TIMESTAMP timestamp", "VARCHAR formatPattern"), "VARCHAR", "Dates.formatTimestamp"),
        Way(
            ("TIMESTAMP timestamp", "VARCHAR formatPattern", "VARCHAR timeZone"),
            "VARCHAR", "Dates.formatTimestamp",
        ),
    ),
    scalar(
        "PARSE_DATE", "DATE / TIME", "A DATE from text, by a pattern.",
        Way(("VARCHAR formattedDate", "VARCHAR formatPattern"), "DATE", "Dates.parseDate"),
    ),
    scalar(
        "PARSE_TIME", "DATE / TIME", "A TIME from text, by a pattern.",
        Way(("VARCHAR formattedTime", "VARCHAR formatPattern"), "TIME", "Dates.parseTime"),
    ),
    scalar(
        "PARSE_TIMESTAMP", "DATE / TIME",
        "A TIMESTAMP from text, by a pattern, in UTC or another zone.",
        Way(
            ("VARCHAR formattedTimestamp", "VARCHAR formatPattern"),
            "TIMESTAMP", "Dates.parseTimestamp",
        ),
        Way(
            ("VARCHAR formattedTimestamp", "VARCHAR formatPattern", "VARCHAR timeZone"),
            "TIMESTAMP", "Dates.parseTimestamp",
        ),
    ),
    scalar(
        "STRINGTODATE", "DATE / TIME", "The days since 1970-01-01 of a text, by a pattern.",
        Way(("VARCHAR formattedDate", "VARCHAR formatPattern"), "INT", "Dates.stringToDate"),
    ),
    scalar(
        "DATETOSTRING", "DATE / TIME", "Days since 1970-01-01 as text, by a pattern.",
        Way(("INT epochDays", "VARCHAR formatPattern"), "VARCHAR", "Dates.dateToString"),
    ),
    scalar(
        "STRINGTOTIMESTAMP", "DATE / TIME",
        "The milliseconds since 1970-01-01 of a text, by a pattern.",
        Way(
            ("VARCHAR formattedTimestamp", "VARCHAR formatPattern"),
            "BIGINT", "Dates.stringToTimestamp",
        ),
        Way(
            ("VARCHAR formattedTimestamp", "VARCHAR formatPattern", "VARCHAR timeZone"),
            "BIGINT", "Dates.stringToTimestamp",
        ),
    ),
    scalar(
        "TIMESTAMPTOSTRING", "DATE / TIME",
        "Milliseconds since 1970-01-01 as text, by a pattern.",
        Way(("BIGINT epochMilli", "VARCHAR formatPattern"), "VARCHAR", "Dates.timestampToString"),
        Way(
            ("BIGINT epochMilli", "VARCHAR formatPattern", "VARCHAR timeZone"),
            "VARCHAR", "Dates.timestampToString",
        ),
    ),
    scalar(
        "CONVERT_TZ", "DATE / TIME",
        "A TIMESTAMP from the wall clock of one zone to that of another.",
        Way(
            ("TIMESTAMP timestamp", "VARCHAR fromTimeZone", "VARCHAR toTimeZone"),
            "TIMESTAMP", "Dates.convertZone",
        ),
    ),
    scalar(
        "DATEADD", "DATE / TIME", "The DATE so much later.",
        Way(("INTERVAL UNIT unit", "INT interval", "DATE date"), "DATE", "Dates.addDate"),
    ),
    scalar(
        "DATESUB", "DATE / TIME", "The DATE so much earlier.",
        Way(("INTERVAL UNIT unit", "INT interval", "DATE date"), "DATE", "Dates.subtractDate"),
    ),
    scalar(
        "TIMEADD", "DATE / TIME", "The TIME so much later, past midnight if need be.",
        Way(("INTERVAL UNIT unit", "INT interval", "TIME time"), "TIME", "Dates.addTime"),
    ),
    scalar(
        "TIMESUB", "DATE / TIME", "The TIME so much earlier, past midnight if need be.",
        Way(("INTERVAL UNIT unit", "INT interval", "TIME time"), "TIME", "Dates.subtractTime"),
    ),
    scalar(
        "TIMESTAMPADD", "DATE / TIME", "The TIMESTAMP so much later.",
        Way(
            ("INTERVAL UNIT unit", "INT interval", "TIMESTAMP timestamp"),
            "TIMESTAMP", "Dates.addTimestamp",
        ),
    ),
    scalar(
        "TIMESTAMPSUB", "DATE / TIME", "The TIMESTAMP so much earlier.",
        Way(
            ("INTERVAL UNIT unit", "INT interval", "TIMESTAMP timestamp"),
            "TIMESTAMP", "Dates.subtractTimestamp",
        ),
    ),
    scalar(
        "FROM_DAYS", "DATE / TIME", "The DATE so many days after 1970-01-01.",
        Way(("INT days",), "DATE", "Dates.fromDays"),
    ),
    scalar(
        "FROM_UNIXTIME", "DATE / TIME", "The TIMESTAMP so many milliseconds after 1970-01-01.",
        Way(("BIGINT epochMilli",), "TIMESTAMP", "Dates.fromUnixtime"),
    ),
    scalar(
        "UNIX_DATE", "DATE / TIME", "The days since 1970-01-01, of today or of a DATE.",
        Way((), "INT", "Dates.unixDate"),
        Way(("DATE date",), "INT", "Dates.unixDate"),
    ),
    scalar(
        "UNIX_TIMESTAMP", "DATE / TIME",
        "The milliseconds since 1970-01-01, of now or of a TIMESTAMP.",
        Way((), "BIGINT", "Dates.unixTimestamp"),
        Way(("TIMESTAMP timestamp",), "BIGINT", "Dates.unixTimestamp"),
    ),
)  # fmt: skip
