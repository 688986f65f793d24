import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;

/**
 * Reads a topic, turns every value into upper case and writes it to another topic, until it is
 * killed. Arguments: a file with the application's properties, the source, the sink.
 */
public final class CopyStream {
    private CopyStream() {}

    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        try (var file = Files.newBufferedReader(Path.of(arguments[0]))) {
            properties.load(file);
        }
        // Logins do not come by the file, which is evidence.
        String access = System.getenv("LAB_JAVA_ACCESS");
        if (access != null) {
            properties.load(new StringReader(access));
        }
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(arguments[1], Consumed.with(Serdes.ByteArray(), Serdes.String()))
            .mapValues(value -> value.toUpperCase(java.util.Locale.ROOT))
            .to(arguments[2], Produced.with(Serdes.ByteArray(), Serdes.String()));
        CountDownLatch ended = new CountDownLatch(1);
        try (KafkaStreams streams = new KafkaStreams(builder.build(), properties)) {
            streams.setUncaughtExceptionHandler(error -> {
                error.printStackTrace();
                ended.countDown();
                return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
            });
            streams.start();
            ended.await();
        }
        System.exit(1);
    }
}
