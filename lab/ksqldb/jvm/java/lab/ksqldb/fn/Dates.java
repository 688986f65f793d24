package lab.ksqldb.fn;

import java.text.ParseException;
import java.text.ParsePosition;
import java.text.SimpleDateFormat;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAccessor;
import java.time.temporal.TemporalQueries;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;

/** Dates, times and timestamps by Java's format patterns, and their arithmetic. NULL in, NULL out. */
public final class Dates {
    private static final long DAY_MS = 86_400_000L;
    private static final int REMEMBERED = 256;
    private static final Map<String, DateTimeFormatter> FORMATS =
            new LinkedHashMap<>(64, 0.75f, true) {
                @Override
                protected boolean removeEldestEntry(Map.Entry<String, DateTimeFormatter> eldest) {
                    return size() > REMEMBERED;
                }
            };

    private Dates() {}

    private static DateTimeFormatter format(String pattern) {
        synchronized (FORMATS) {
            return FORMATS.computeIfAbsent(
                    pattern,
                    p -> new DateTimeFormatterBuilder().parseCaseInsensitive().appendPattern(p).toFormatter(Locale.ENGLISH));
        }
    }

    public static String formatDate(LocalDate date, String pattern) {
        return date == null || pattern == null ? null : format(pattern).format(date);
    }

    public static String formatTime(LocalTime time, String pattern) {
        return time == null || pattern == null ? null : format(pattern).format(time);
    }

    public static String formatTimestamp(Instant timestamp, String pattern) {
        return formatTimestamp(timestamp, pattern, "UTC");
    }

    public static String formatTimestamp(Instant timestamp, String pattern, String zone) {
        if (timestamp == null || pattern == null || zone == null) {
            return null;
        }
        return format(pattern).format(timestamp.atZone(ZoneId.of(zone)));
    }

    /** Impossible days roll over, as recorded; a pattern with a time of day is an error. */
    public static LocalDate parseDate(String text, String pattern) {
        if (text == null || pattern == null) {
            return null;
        }
        SimpleDateFormat format = new SimpleDateFormat(pattern, Locale.ENGLISH);
        format.setTimeZone(TimeZone.getTimeZone("UTC"));
        ParsePosition position = new ParsePosition(0);
        java.util.Date found = format.parse(text, position);
        if (found == null) {
            throw new IllegalArgumentException(
                    new ParseException("'" + text + "' is no date of the form " + pattern, position.getErrorIndex()));
        }
        if (found.getTime() % DAY_MS != 0) {
            throw new IllegalArgumentException("a DATE has no time of day: " + text);
        }
        return LocalDate.ofEpochDay(Math.floorDiv(found.getTime(), DAY_MS));
    }

    /** A pattern with a part of a date is an error. */
    public static LocalTime parseTime(String text, String pattern) {
        if (text == null || pattern == null) {
            return null;
        }
        TemporalAccessor found = format(pattern).parse(text);
        for (ChronoField field : ChronoField.values()) {
            if (field.isDateBased() && found.isSupported(field)) {
                throw new IllegalArgumentException("a TIME has no date: " + text);
            }
        }
        return LocalTime.from(found);
    }

    public static Instant parseTimestamp(String text, String pattern) {
        return parseTimestamp(text, pattern, "UTC");
    }

    /** Missing parts are those of 1970-01-01T00:00; an offset in the text wins over the zone. */
    public static Instant parseTimestamp(String text, String pattern, String zone) {
        if (text == null || pattern == null || zone == null) {
            return null;
        }
        TemporalAccessor found = format(pattern).parse(text);
        ZoneId own = found.query(TemporalQueries.zone());
        if (own == null) {
            own = found.query(TemporalQueries.offset());
        }
        ZoneId at = own == null ? ZoneId.of(zone) : own;
        if (found.isSupported(ChronoField.INSTANT_SECONDS)) {
            return Instant.from(found).truncatedTo(ChronoUnit.MILLIS);
        }
        LocalDate date = found.query(TemporalQueries.localDate());
        if (date == null) {
            date = LocalDate.of(
                    part(found, ChronoField.YEAR, part(found, ChronoField.YEAR_OF_ERA, 1970)),
                    part(found, ChronoField.MONTH_OF_YEAR, 1),
                    part(found, ChronoField.DAY_OF_MONTH, 1));
        }
        LocalTime time = found.query(TemporalQueries.localTime());
        if (time == null) {
            time = LocalTime.of(
                    part(found, ChronoField.HOUR_OF_DAY, 0),
                    part(found, ChronoField.MINUTE_OF_HOUR, 0),
                    part(found, ChronoField.SECOND_OF_MINUTE, 0));
        }
        return ZonedDateTime.of(date, time, at).toInstant().truncatedTo(ChronoUnit.MILLIS);
    }

    private static int part(TemporalAccessor found, ChronoField field, int other) {
        return found.isSupported(field) ? found.get(field) : other;
    }

    public static Integer stringToDate(String text, String pattern) {
        return text == null || pattern == null
                ? null
                : Integer.valueOf((int) LocalDate.parse(text, format(pattern)).toEpochDay());
    }

    public static String dateToString(Integer days, String pattern) {
        return days == null ? null : formatDate(LocalDate.ofEpochDay(days), pattern);
    }

    public static Long stringToTimestamp(String text, String pattern) {
        return stringToTimestamp(text, pattern, "UTC");
    }

    public static Long stringToTimestamp(String text, String pattern, String zone) {
        Instant found = parseTimestamp(text, pattern, zone);
        return found == null ? null : Long.valueOf(found.toEpochMilli());
    }

    public static String timestampToString(Long millis, String pattern) {
        return timestampToString(millis, pattern, "UTC");
    }

    public static String timestampToString(Long millis, String pattern, String zone) {
        return millis == null ? null : formatTimestamp(Instant.ofEpochMilli(millis), pattern, zone);
    }

    /** The wall clock of one zone read as that of another. */
    public static Instant convertZone(Instant timestamp, String from, String to) {
        if (timestamp == null || from == null || to == null) {
            return null;
        }
        ZonedDateTime there = LocalDateTime.ofInstant(timestamp, ZoneOffset.UTC).atZone(ZoneId.of(from));
        return there.withZoneSameInstant(ZoneId.of(to)).toLocalDateTime().toInstant(ZoneOffset.UTC);
    }

    public static LocalDate addDate(String unit, Integer count, LocalDate date) {
        if (count == null || date == null) {
            return null;
        }
        long millis = date.toEpochDay() * DAY_MS + length(unit, count).toMillis();
        return LocalDate.ofEpochDay(Math.floorDiv(millis, DAY_MS));
    }

    public static LocalDate subtractDate(String unit, Integer count, LocalDate date) {
        return count == null ? null : addDate(unit, Math.negateExact(count), date);
    }

    public static LocalTime addTime(String unit, Integer count, LocalTime time) {
        return count == null || time == null ? null : time.plus(length(unit, count));
    }

    public static LocalTime subtractTime(String unit, Integer count, LocalTime time) {
        return count == null || time == null ? null : time.minus(length(unit, count));
    }

    public static Instant addTimestamp(String unit, Integer count, Instant timestamp) {
        return count == null || timestamp == null ? null : timestamp.plus(length(unit, count));
    }

    public static Instant subtractTimestamp(String unit, Integer count, Instant timestamp) {
        return count == null || timestamp == null ? null : timestamp.minus(length(unit, count));
    }

    private static Duration length(String unit, int count) {
        return switch (unit) {
            case "DAYS" -> Duration.ofDays(count);
            case "HOURS" -> Duration.ofHours(count);
            case "MINUTES" -> Duration.ofMinutes(count);
            case "SECONDS" -> Duration.ofSeconds(count);
            default -> Duration.ofMillis(count);
        };
    }

    public static LocalDate fromDays(Integer days) {
        return days == null ? null : LocalDate.ofEpochDay(days);
    }

    public static Instant fromUnixtime(Long millis) {
        return millis == null ? null : Instant.ofEpochMilli(millis);
    }

    public static Integer unixDate() {
        return (int) LocalDate.now(ZoneOffset.UTC).toEpochDay();
    }

    public static Integer unixDate(LocalDate date) {
        return date == null ? null : Integer.valueOf((int) date.toEpochDay());
    }

    public static Long unixTimestamp() {
        return System.currentTimeMillis();
    }

    public static Long unixTimestamp(Instant timestamp) {
        return timestamp == null ? null : Long.valueOf(timestamp.toEpochMilli());
    }
}
