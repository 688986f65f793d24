import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * The two benchmark queries written by hand for Kafka Streams: what a query engine on it can hope
 * for. Commands on standard input: {@code copy|count SOURCE SINK APPLICATION}, then {@code stop}.
 */
public final class Limit {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Serde<JsonNode> NODES = Serdes.serdeFrom(
            (topic, node) -> node == null ? null : bytes(node), (topic, data) -> data == null ? null : node(data));

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        KafkaStreams running = null;
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            if (words[0].equals("stop")) {
                running.close();
                running.cleanUp();
            } else {
                StreamsBuilder builder = new StreamsBuilder();
                if (words[0].equals("copy")) {
                    copy(builder, words[1], words[2]);
                } else {
                    count(builder, words[1], words[2]);
                }
                running = new KafkaStreams(builder.build(), settings(arguments[0], arguments[1], words[3]));
                running.start();
            }
            System.out.println("done");
        }
    }

    private static void copy(StreamsBuilder builder, String source, String sink) {
        builder.stream(source, Consumed.with(Serdes.String(), NODES))
                .filter((key, row) -> row.get("AMOUNT").intValue() >= 10)
                .mapValues(row -> {
                    ObjectNode out = JSON.createObjectNode();
                    out.set("REGION", row.get("REGION"));
                    out.put("TWICE", row.get("AMOUNT").intValue() * 2);
                    out.put("NAME", row.get("NAME").textValue().toUpperCase());
                    return (JsonNode) out;
                })
                .to(sink, Produced.with(Serdes.String(), NODES));
    }

    private static void count(StreamsBuilder builder, String source, String sink) {
        builder.stream(source, Consumed.with(Serdes.String(), NODES))
                .groupBy((key, row) -> row.get("REGION").textValue(), Grouped.with(Serdes.String(), NODES))
                .aggregate(
                        () -> (JsonNode) JSON.createObjectNode().put("SEEN", 0L).put("TOTAL", 0L),
                        (key, row, old) -> JSON.createObjectNode()
                                .put("SEEN", old.get("SEEN").longValue() + 1)
                                .put("TOTAL", old.get("TOTAL").longValue() + row.get("AMOUNT").longValue()),
                        Materialized.<String, JsonNode, KeyValueStore<Bytes, byte[]>>as("counts")
                                .withKeySerde(Serdes.String()).withValueSerde(NODES))
                .toStream()
                .to(sink, Produced.with(Serdes.String(), NODES));
    }

    private static Properties settings(String bootstrap, String state, String application) {
        Properties settings = new Properties();
        settings.put("application.id", application);
        settings.put("bootstrap.servers", bootstrap);
        settings.put("state.dir", state);
        settings.put("auto.offset.reset", "earliest");
        settings.put("commit.interval.ms", "500");
        settings.put("num.stream.threads", String.valueOf(Math.min(3, Runtime.getRuntime().availableProcessors())));
        settings.put("statestore.cache.max.bytes", "10000000");
        settings.put("producer.linger.ms", "100");
        settings.put("producer.batch.size", "131072");
        return settings;
    }

    private static byte[] bytes(JsonNode node) {
        try {
            return JSON.writeValueAsBytes(node);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static JsonNode node(byte[] data) {
        try {
            return JSON.readTree(data);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
