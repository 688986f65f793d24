package lab.ksqldb.fn;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Dates and times as text. Times without a zone are UTC. */
public final class Times {
    private static final Pattern ZONED = Pattern.compile("(.*T[^Z+-]*)(Z|[+-]\\d{2}:?\\d{2})?");
    private static final DateTimeFormatter MILLIS = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS");

    private Times() {}

    /** {@code yyyy[-MM[-dd[THH[:mm[:ss[.SSS]]]]]]}, with an offset after the time. */
    public static Instant parseTimestamp(String text) {
        if (text == null) {
            return null;
        }
        Matcher parts = ZONED.matcher(text);
        String local = parts.matches() ? parts.group(1) : text;
        ZoneId zone = parts.matches() && parts.group(2) != null ? offset(parts.group(2)) : ZoneOffset.UTC;
        int t = local.indexOf('T');
        LocalDate date = parseDate(t < 0 ? local : local.substring(0, t));
        LocalTime time = t < 0 || t + 1 == local.length() ? LocalTime.MIDNIGHT : time(local.substring(t + 1));
        return LocalDateTime.of(date, time).atZone(zone).toInstant();
    }

    private static ZoneId offset(String text) {
        return ZoneId.of(text);
    }

    private static LocalTime time(String text) {
        String full = text.length() == 2 ? text + ":00" : text;
        int dot = full.indexOf('.');
        if (dot >= 0 && full.length() - dot - 1 > 3) {
            throw new DateTimeException("more than milliseconds: " + text);
        }
        return LocalTime.parse(full);
    }

    /** {@code yyyy[-MM[-dd]]}. */
    public static LocalDate parseDate(String text) {
        if (text == null) {
            return null;
        }
        String full = switch (text.length()) {
            case 4 -> text + "-01-01";
            case 7 -> text + "-01";
            default -> text;
        };
        try {
            return LocalDate.parse(full);
        } catch (DateTimeParseException e) {
            throw new DateTimeException("'" + text + "' is no date of the form yyyy[-MM[-dd]]");
        }
    }

    public static LocalTime parseTime(String text) {
        return text == null ? null : LocalTime.parse(text);
    }

    public static Instant instant(Instant value) {
        return value;
    }

    public static Instant instant(LocalDate value) {
        return value == null ? null : value.atStartOfDay(ZoneOffset.UTC).toInstant();
    }

    public static String text(Instant value) {
        return MILLIS.format(LocalDateTime.ofInstant(value, ZoneOffset.UTC));
    }

    /** Without milliseconds, and without seconds when they are zero, as ksqlDB prints TIME. */
    public static String text(LocalTime value) {
        return value.withNano(0).toString();
    }
}
