package lab.ksqldb.client;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/** A topic's records as text for people, with what formats their keys and values may have. */
public final class Printer {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy/MM/dd HH:mm:ss.SSS X").withZone(ZoneOffset.UTC);
    private static final String NOTHING = "\u00af\\_(\u30c4)_/\u00af - no data processed";

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final FormatGuess keys;
    private final FormatGuess values;
    private final long interval;
    private long left;
    private long seen;
    private boolean told;
    private String toldKeys = NOTHING;
    private String toldValues = NOTHING;

    /** Prints every {@code interval}th record; a negative limit is none. {@code decoder} may be null. */
    public Printer(Broker broker, String topic, boolean fromBeginning, long interval, long limit, Decoder decoder) {
        this.interval = interval;
        left = limit < 0 ? Long.MAX_VALUE : limit;
        keys = new FormatGuess(topic, true, decoder);
        values = new FormatGuess(topic, false, decoder);
        consumer = broker.reader(Map.of("isolation.level", "read_committed"));
        List<TopicPartition> all = new ArrayList<>();
        for (PartitionInfo partition : consumer.partitionsFor(topic)) {
            all.add(new TopicPartition(topic, partition.partition()));
        }
        consumer.assign(all);
        if (fromBeginning) {
            consumer.seekToBeginning(all);
        } else {
            consumer.seekToEnd(all);
        }
        // Where it begins is now: records that come before the first poll are printed too.
        all.forEach(consumer::position);
    }

    /** Bytes that a registry's schema explains. */
    public interface Decoder {
        /** The format's name and the data as text, or null. */
        String[] decode(String topic, boolean isKey, byte[] data);
    }

    /** More lines, perhaps none yet; null after the last. */
    public byte[] next(long waitMs) {
        if (left == 0) {
            return null;
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(512);
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(waitMs))) {
            if (left > 0 && seen++ % interval == 0) {
                print(record, out);
                left--;
            }
        }
        return out.toByteArray();
    }

    private void print(ConsumerRecord<byte[], byte[]> record, ByteArrayOutputStream out) {
        String key = keys.text(record.key());
        String value = values.text(record.value());
        tell(out);
        line(out, "rowtime: " + TIME.format(Instant.ofEpochMilli(record.timestamp())) + ", key: " + key
                + ", value: " + value + ", partition: " + record.partition());
    }

    private void tell(ByteArrayOutputStream out) {
        String nowKeys = keys.names().isEmpty() ? NOTHING : String.join(" or ", keys.names());
        String nowValues = values.names().isEmpty() ? NOTHING : String.join(" or ", values.names());
        if (!told || !nowKeys.equals(toldKeys)) {
            line(out, "Key format: " + nowKeys);
        }
        if (!told || !nowValues.equals(toldValues)) {
            line(out, "Value format: " + nowValues);
        }
        told = true;
        toldKeys = nowKeys;
        toldValues = nowValues;
    }

    private static void line(ByteArrayOutputStream out, String text) {
        out.writeBytes(text.getBytes(StandardCharsets.UTF_8));
        out.write('\n');
    }

    public void close() {
        consumer.close(org.apache.kafka.clients.consumer.CloseOptions.timeout(Duration.ZERO));
    }
}
