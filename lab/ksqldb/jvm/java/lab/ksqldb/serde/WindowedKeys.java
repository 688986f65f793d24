package lab.ksqldb.serde;

import lab.ksqldb.row.Row;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.kstream.WindowedSerdes;

/** Keys with a window, as Kafka Streams writes them to topics. */
public final class WindowedKeys {
    private WindowedKeys() {}

    /** The window's start stands after the key; {@code size} in ms gives its end. */
    public static Serde<Windowed<Row>> time(Serde<Row> key, long size) {
        return new WindowedSerdes.TimeWindowedSerde<>(key, size);
    }

    /** The window's end and start stand after the key. */
    public static Serde<Windowed<Row>> session(Serde<Row> key) {
        return new WindowedSerdes.SessionWindowedSerde<>(key);
    }
}
