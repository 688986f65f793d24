package lab.ksqldb.client;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import lab.ksqldb.serde.Json;
import lab.ksqldb.step.Problems;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.metrics.MetricConfig;
import org.apache.kafka.common.metrics.stats.Rate;

/**
 * The processing log: a record on its topic for each record that could not be read or computed,
 * in the layout of the stream KSQL_PROCESSING_LOG. Sending does not wait.
 */
public final class ProcessingLog {
    private static final MetricConfig CONFIG = new MetricConfig();
    private static final int DESERIALIZATION = 0;
    private static final int PROCESSING = 1;
    private static final int PRODUCTION = 2;

    private final Broker broker;
    private final String topic;
    private final boolean rows;
    private final Map<String, Unread> unread = new ConcurrentHashMap<>();

    /** Without {@code rows} the records themselves are left out of what is told about them. */
    public ProcessingLog(Broker broker, String topic, boolean rows) {
        this.broker = broker;
        this.topic = topic;
        this.rows = rows;
    }

    /** What could not be read of a topic. */
    private static final class Unread {
        private final Rate perSecond = new Rate();
        private double count;
        private long last;

        synchronized void add(long now) {
            perSecond.record(CONFIG, 1, now);
            count++;
            last = now;
        }

        synchronized double[] told(long now) {
            return new double[] {perSecond.measure(CONFIG, now), count, last};
        }
    }

    /** Per second, in all, and the time in ms of the last of a topic's unreadable records; null when there is none. */
    public double[] unread(String from) {
        Unread found = unread.get(from);
        return found == null ? null : found.told(System.currentTimeMillis());
    }

    private interface Body {
        void write(JsonGenerator json) throws IOException;
    }

    /** The key or the value of a topic's record that is no row of the source's schema. */
    public void unreadable(String query, String from, boolean key, byte[] data, Exception error) {
        unread.computeIfAbsent(from, topic -> new Unread()).add(System.currentTimeMillis());
        send(query + ".KsqlTopic.Source.deserializer", DESERIALIZATION, "deserializationError", json -> {
            json.writeStringField("target", key ? "key" : "value");
            json.writeStringField("errorMessage", message(error));
            boolean shown = rows && data != null;
            json.writeStringField("recordB64", shown ? Base64.getEncoder().encodeToString(data) : null);
            causes(json, error);
            json.writeStringField("topic", from);
        });
    }

    /** A record of a query's that the broker did not take. */
    public void unsent(String query, Exception error) {
        send(query, PRODUCTION, "productionError", json -> json.writeStringField("errorMessage", message(error)));
    }

    /** Where a query's expressions report to. */
    public Problems problems(String logger) {
        return new Problems() {
            @Override
            public void failed(String what, RuntimeException error, Object[] row) {
                send(logger, PROCESSING, "recordProcessingError", json -> {
                    json.writeStringField("errorMessage", what + ": " + message(error));
                    json.writeStringField("record", rows ? RowText.json(row) : null);
                    causes(json, error);
                });
            }

            @Override
            public void dropped(String why, Object[] row) {
                send(logger, PROCESSING, "recordProcessingError", json -> {
                    json.writeStringField("errorMessage", why);
                    json.writeStringField("record", rows ? RowText.json(row) : null);
                    json.writeArrayFieldStart("cause");
                    json.writeEndArray();
                });
            }
        };
    }

    private static String message(Throwable error) {
        return error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage();
    }

    private static void causes(JsonGenerator json, Throwable error) throws IOException {
        json.writeArrayFieldStart("cause");
        Throwable cause = error.getCause();
        for (int i = 0; cause != null && i < 10; i++) {
            json.writeString(message(cause));
            cause = cause.getCause();
        }
        json.writeEndArray();
    }

    private void send(String logger, int type, String member, Body body) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = Json.generator(bytes)) {
            json.writeStartObject();
            json.writeStringField("level", "ERROR");
            json.writeStringField("logger", "processing." + logger);
            json.writeNumberField("time", System.currentTimeMillis());
            json.writeObjectFieldStart("message");
            json.writeNumberField("type", type);
            json.writeObjectFieldStart(member);
            body.write(json);
            json.writeEndObject();
            json.writeEndObject();
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        broker.producer().send(new ProducerRecord<>(topic, bytes.toByteArray()));
    }
}
