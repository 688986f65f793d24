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

/** A record's time from one of its columns. A record without it gets a negative time: dropped. */
public final class ColumnTimestamp implements TimestampExtractor {
    private final boolean inKey;
    private final int index;
    private final DateTimeFormatter format;

    public ColumnTimestamp(boolean inKey, int index, String format) {
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
        return row == null ? record.timestamp() : of(row.columns[index]);
    }

    /** The time of a row, or -1. */
    long ofRow(Row key, Row value) {
        Row row = inKey ? key : value;
        return row == null ? -1 : of(row.columns[index]);
    }

    /** The time that a column's value stands for, or -1. */
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
