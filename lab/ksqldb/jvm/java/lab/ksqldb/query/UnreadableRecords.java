package lab.ksqldb.query;

import java.util.Map;
import lab.ksqldb.client.ProcessingLog;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.streams.errors.DeserializationExceptionHandler;
import org.apache.kafka.streams.errors.ErrorHandlerContext;

/** Records that cannot be read are reported to the processing log and skipped, or fail the query. */
public final class UnreadableRecords implements DeserializationExceptionHandler {
    public static final String LOG = "lab.processing.log";
    public static final String QUERY = "lab.query.id";

    /** "true": the query fails. */
    public static final String FAIL = "lab.fail.on.unreadable.records";

    private ProcessingLog log;
    private String query;
    private boolean fail;

    @Override
    public void configure(Map<String, ?> configs) {
        log = (ProcessingLog) configs.get(LOG);
        query = (String) configs.get(QUERY);
        fail = "true".equals(configs.get(FAIL));
    }

    @Override
    public Response handleError(ErrorHandlerContext context, ConsumerRecord<byte[], byte[]> record, Exception error) {
        boolean key = ofKey(error);
        log.unreadable(query, record.topic(), key, key ? record.key() : record.value(), error);
        return fail ? Response.fail() : Response.resume();
    }

    /** Kafka Streams tells the two sides apart only by the method that failed. */
    private static boolean ofKey(Exception error) {
        for (StackTraceElement frame : error.getStackTrace()) {
            if (frame.getMethodName().equals("deserializeKey")) {
                return true;
            }
        }
        return false;
    }
}
