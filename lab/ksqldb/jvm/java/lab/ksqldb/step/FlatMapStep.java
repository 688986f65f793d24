package lab.ksqldb.step;

import java.util.ArrayList;
import java.util.List;
import lab.ksqldb.row.Row;
import lab.ksqldb.table.TableFunction;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

/**
 * Table functions: each gives a list for a row; the lists become columns side by side, the shorter
 * ones filled with NULL. A row for which all lists are empty gives nothing.
 */
public final class FlatMapStep {
    private final RowFunction arguments;
    private final TableFunction[] functions;

    /** {@code arguments} computes one argument per function. */
    public FlatMapStep(RowFunction arguments, TableFunction[] functions) {
        this.arguments = arguments;
        this.functions = functions;
    }

    /** The rows that a row becomes, each with one more column per function. */
    public List<Object[]> rows(Object[] row, Problems problems) {
        Object[] values = arguments.apply(row, problems);
        List<?>[] lists = new List<?>[functions.length];
        int count = 0;
        for (int i = 0; i < functions.length; i++) {
            lists[i] = values[i] == null ? List.of() : list(functions[i], values[i], row, problems);
            count = Math.max(count, lists[i].size());
        }
        List<Object[]> rows = new ArrayList<>(count);
        for (int n = 0; n < count; n++) {
            Object[] next = new Object[row.length + lists.length];
            System.arraycopy(row, 0, next, 0, row.length);
            for (int i = 0; i < lists.length; i++) {
                next[row.length + i] = n < lists[i].size() ? lists[i].get(n) : null;
            }
            rows.add(next);
        }
        return rows;
    }

    private static List<?> list(TableFunction function, Object value, Object[] row, Problems problems) {
        try {
            return function.rows(value);
        } catch (RuntimeException e) {
            problems.failed("Error in table function " + function.getClass().getSimpleName(), e, row);
            return List.of();
        }
    }

    public static <K> KStream<K, Row> stream(KStream<K, Row> in, FlatMapStep step, Problems problems, String name) {
        return in.processValues(() -> step.new Processor<K>(problems), Named.as(name));
    }

    private final class Processor<K> implements FixedKeyProcessor<K, Row, Row> {
        private final Problems problems;
        private FixedKeyProcessorContext<K, Row> context;

        Processor(Problems problems) {
            this.problems = problems;
        }

        @Override
        public void init(FixedKeyProcessorContext<K, Row> context) {
            this.context = context;
        }

        @Override
        public void process(FixedKeyRecord<K, Row> record) {
            if (record.value() == null) {
                return;
            }
            for (Object[] row : rows(record.value().columns, problems)) {
                context.forward(record.withValue(new Row(row)));
            }
        }
    }
}
