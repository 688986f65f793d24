package lab.ksqldb.client;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Base64;
import lab.ksqldb.serde.Json;
import lab.ksqldb.step.Problems;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The processing log: a record on its topic for each record that could not be read or computed,
 * in the layout of the stream KSQL_PROCESSING_LOG. Sending does not wait.
 */
public final class ProcessingLog {
    private static final int DESERIALIZATION = 0;
    private static final int PROCESSING = 1;

    private final Broker broker;
    private final String topic;

    public ProcessingLog(Broker broker, String topic) {
        this.broker = broker;
        this.topic = topic;
    }

    private interface Body {
        void write(JsonGenerator json) throws IOException;
    }

    /** The key or the value of a topic's record that is no row of the source's schema. */
    public void unreadable(String query, String from, boolean key, byte[] data, Exception error) {
        send(query + ".KsqlTopic.Source", DESERIALIZATION, "deserializationError", json -> {
            json.writeStringField("target", key ? "key" : "value");
            json.writeStringField("errorMessage", message(error));
            json.writeStringField("recordB64", data == null ? null : Base64.getEncoder().encodeToString(data));
            causes(json, error);
            json.writeStringField("topic", from);
        });
    }

    /** Where a query's expressions report to. */
    public Problems problems(String logger) {
        return (what, error, row) -> send(logger, PROCESSING, "recordProcessingError", json -> {
            json.writeStringField("errorMessage", what + ": " + message(error));
            json.writeStringField("record", Arrays.toString(row));
            causes(json, error);
        });
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
            json.writeStringField("logger", logger);
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
