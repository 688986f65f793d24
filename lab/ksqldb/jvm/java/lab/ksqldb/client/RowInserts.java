package lab.ksqldb.client;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Semaphore;
import lab.ksqldb.row.Type;
import lab.ksqldb.serde.Codec;
import lab.ksqldb.serde.Coercion;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Rows of a client, one JSON object each, to records of a stream's topic. Every row is answered by an
 * acknowledgement with its number: when the broker has it, or at once when it is refused.
 */
public final class RowInserts {
    private static final ObjectMapper JSON =
            new ObjectMapper().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);
    private static final int IN_FLIGHT = 1000;
    private static final int BAD_REQUEST = 40000;
    private static final int SERVER_ERROR = 50000;

    private final Broker broker;
    private final String topic;
    private final Codec keyCodec;
    private final Codec valueCodec;
    private final Type key;
    private final Type value;
    private final Map<Long, byte[]> acks = new HashMap<>();
    private final Semaphore flight = new Semaphore(IN_FLIGHT);
    private long next;
    private long given;

    /** {@code key} and {@code value} are the STRUCT types of the columns. */
    public RowInserts(Broker broker, String topic, Codec keyCodec, Codec valueCodec, String key, String value) {
        this.broker = broker;
        this.topic = topic;
        this.keyCodec = keyCodec.named(topic);
        this.valueCodec = valueCodec.named(topic);
        this.key = Type.parse(key);
        this.value = Type.parse(value);
    }

    /** Takes one row; waits while too many are not yet acknowledged. */
    public void row(byte[] text) throws InterruptedException {
        long number = number();
        ProducerRecord<byte[], byte[]> record;
        try {
            record = record(text);
        } catch (IOException e) {
            refuse(number, BAD_REQUEST, "Invalid JSON in inserts stream: " + firstLine(e));
            return;
        } catch (RuntimeException e) {
            refuse(number, BAD_REQUEST, firstLine(e));
            return;
        }
        flight.acquire();
        try {
            broker.producer().send(record, (metadata, failure) -> {
                flight.release();
                if (failure == null) {
                    answer(number, ("{\"status\":\"ok\",\"seq\":" + number + "}").getBytes(StandardCharsets.UTF_8));
                } else {
                    refuse(number, SERVER_ERROR, firstLine(failure));
                }
            });
        } catch (RuntimeException e) {
            flight.release();
            refuse(number, SERVER_ERROR, firstLine(e));
        }
    }

    private synchronized long number() {
        return next++;
    }

    private ProducerRecord<byte[], byte[]> record(byte[] text) throws IOException {
        Object parsed = JSON.readValue(text, Object.class);
        if (!(parsed instanceof Map<?, ?> members)) {
            throw new IllegalArgumentException("A row must be a JSON object");
        }
        Object[] keys = new Object[key.parts.length];
        Object[] values = new Object[value.parts.length];
        Coercion.members(key, members, keys);
        for (int i = 0; i < keys.length; i++) {
            if (keys[i] == null) {
                throw new IllegalArgumentException("Key field must be specified: " + key.names[i]);
            }
        }
        Coercion.members(value, members, values);
        return new ProducerRecord<>(topic, keyCodec.write(topic, keys), valueCodec.write(topic, values));
    }

    private void refuse(long number, int code, String message) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(128);
        try (JsonGenerator out = JSON.getFactory().createGenerator(bytes)) {
            out.writeStartObject();
            out.writeStringField("status", "error");
            out.writeNumberField("seq", number);
            out.writeNumberField("error_code", code);
            out.writeStringField("message", message);
            out.writeEndObject();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        answer(number, bytes.toByteArray());
    }

    private synchronized void answer(long number, byte[] text) {
        acks.put(number, text);
        if (number == given) {
            notifyAll();
        }
    }

    private static String firstLine(Throwable error) {
        String message = error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage();
        return message.lines().findFirst().orElse("");
    }

    /** The next acknowledgements, by number, between a prefix and a suffix, after waiting for the first. */
    public synchronized byte[] drain(long waitMs, byte[] before, byte[] after) throws InterruptedException {
        if (!acks.containsKey(given)) {
            wait(waitMs);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(256);
        byte[] ack = acks.remove(given);
        while (ack != null) {
            if (given++ > 0) {
                out.writeBytes(before);
            }
            out.writeBytes(ack);
            out.writeBytes(after);
            ack = out.size() < 64 * 1024 ? acks.remove(given) : null;
        }
        return out.toByteArray();
    }

    /** Whether every row was acknowledged and every acknowledgement taken. */
    public synchronized boolean settled() {
        return given == next;
    }
}
