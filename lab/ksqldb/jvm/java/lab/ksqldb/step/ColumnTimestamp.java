package lab.ksqldb.step;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import lab.ksqldb.row.Row;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.streams.processor.TimestampExtractor;

/**
 * A record's time from one of its columns. One without it is reported and gets a negative time, with
 * which Kafka Streams drops it; or it fails the query where {@code fails} says so.
 */
public final class ColumnTimestamp implements TimestampExtractor {
    private final boolean inKey;
    private final int index;
    private final DateTimeFormatter format;
    private final Problems problems;
    private final boolean fails;

    public ColumnTimestamp(boolean inKey, int index, String format, Problems problems, boolean fails) {
        this.problems = problems;
        this.fails = fails;
        this.inKey = inKey;
        this.index = index;
        this.format =
                format == null
                        ? null
                        : new DateTimeFormatterBuilder().parseCaseInsensitive().appendPattern(format)
                                .parseDefaulting(ChronoField.MONTH_OF_YEAR, 1).parseDefaulting(ChronoField.DAY_OF_MONTH, 1)
                                .parseDefaulting(ChronoField.HOUR_OF_DAY, 0).toFormatter().withZone(ZoneOffset.UTC);
    }

    @Override
    public long extract(ConsumerRecord<Object, Object> record, long partitionTime) {
        Row row = inKey ? PseudoColumns.plain(record.key()) : (Row) record.value();
        if (row == null) {
            return record.timestamp();
        }
        RuntimeException reason;
        try {
            long at = of(row.columns[index]);
            if (at >= 0) {
                return at;
            }
            reason = new IllegalArgumentException("the column has no time: " + at);
        } catch (RuntimeException e) {
            reason = e;
        }
        if (fails) {
            throw reason;
        }
        problems.failed("Error extracting the timestamp of the record", reason, row.columns);
        return -1;
    }

    /** The time of a row, or -1. */
    long ofRow(Row key, Row value) {
        Row row = inKey ? key : value;
        return row == null ? -1 : of(row.columns[index]);
    }

    /** The time that a column's value stands for, or -1; text that is no time raises. */
    public long of(Object value) {
        if (value instanceof Long millis) {
            return millis;
        }
        if (value instanceof Instant instant) {
            return instant.toEpochMilli();
        }
        if (value instanceof String text && format != null) {
            return ZonedDateTime.parse(text, format).toInstant().toEpochMilli();
        }
        return -1;
    }
}
