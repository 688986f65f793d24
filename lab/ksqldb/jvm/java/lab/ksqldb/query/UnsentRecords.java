package lab.ksqldb.query;

import java.util.Map;
import lab.ksqldb.client.ProcessingLog;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.streams.errors.DefaultProductionExceptionHandler;
import org.apache.kafka.streams.errors.ErrorHandlerContext;

/** Records that the broker does not take are reported to the processing log, and fail the query or are left out. */
public final class UnsentRecords extends DefaultProductionExceptionHandler {
    /** "false": the query goes on without them. */
    public static final String FAIL = "lab.fail.on.unsent.records";

    private ProcessingLog log;
    private String query;
    private boolean fail;

    @Override
    public void configure(Map<String, ?> configs) {
        super.configure(configs);
        log = (ProcessingLog) configs.get(UnreadableRecords.LOG);
        query = (String) configs.get(UnreadableRecords.QUERY);
        fail = !"false".equals(configs.get(FAIL));
    }

    @Override
    public Response handleError(ErrorHandlerContext context, ProducerRecord<byte[], byte[]> record, Exception error) {
        Response kafkas = super.handleError(context, record, error);
        if (kafkas.result() == Result.RETRY) {
            return kafkas;
        }
        log.unsent(query, error);
        return fail ? kafkas : Response.resume();
    }
}
