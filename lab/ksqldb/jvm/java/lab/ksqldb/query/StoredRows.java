package lab.ksqldb.query;

import java.io.ByteArrayOutputStream;
import lab.ksqldb.row.Row;
import lab.ksqldb.step.Problems;
import lab.ksqldb.step.PseudoColumns;
import lab.ksqldb.step.RowFunction;
import lab.ksqldb.step.SourceStep;
import org.apache.kafka.streams.kstream.Windowed;

/** Makes stored rows the rows of a table. */
final class StoredRows {
    private final RowFunction[] steps;
    private final int stored;
    private final int width;
    private final int values;
    private final int keys;

    /**
     * {@code steps} make a stored row a row of the table, of {@code values} columns. When the store
     * holds source rows, {@code stored} is how many values they have, and they are completed to
     * {@code width} columns first; otherwise it is negative.
     */
    StoredRows(RowFunction[] steps, int stored, int width, int values, int keys) {
        this.steps = steps;
        this.stored = stored;
        this.width = width;
        this.values = values;
        this.keys = keys;
    }

    /** One answer's rows. */
    final class Taker {
        private final RowFunction query;
        private final Answer answer;
        private final ByteArrayOutputStream out = new ByteArrayOutputStream(512);
        private long left;

        /** {@code query} filters and projects; a negative limit is none. */
        Taker(RowFunction query, Answer answer, long limit) {
            this.query = query;
            this.answer = answer;
            left = limit < 0 ? Long.MAX_VALUE : limit;
        }

        boolean full() {
            return left == 0;
        }

        byte[] bytes() {
            return out.toByteArray();
        }

        /** Takes a stored row; {@code key} is a Row or a window's key. */
        void take(Object key, Row found, long timestamp) {
            if (found == null) {
                return;
            }
            Object[] row = found.columns;
            if (stored >= 0) {
                row = SourceStep.complete(row, stored, width, key, timestamp);
            }
            for (int i = 0; i < steps.length; i++) {
                row = steps[i].apply(row, Problems.IGNORED);
                if (row == null) {
                    return;
                }
                if (i == 0 && key instanceof Windowed<?> windowed) {
                    PseudoColumns.bound(row, windowed);
                }
            }
            int bounds = key instanceof Windowed<?> ? 2 : 0;
            Object[] full = new Object[values + PseudoColumns.COUNT + keys + bounds];
            System.arraycopy(row, 0, full, 0, values);
            PseudoColumns.fill(full, values, key, timestamp, 0, 0);
            Object[] result = query.apply(full, Problems.IGNORED);
            if (result != null) {
                answer.write(result, out);
                left--;
            }
        }
    }
}
