package lab.ksqldb.step;

import lab.ksqldb.agg.Aggregate;
import lab.ksqldb.row.Row;

/**
 * The rows of groups: the latest values of the columns that the query needs, then one state per
 * aggregate. {@code arguments[i]} are the columns that aggregate {@code i} reads.
 */
public final class Groups {
    private final int columns;
    private final Aggregate[] aggregates;
    private final int[][] arguments;

    public Groups(int columns, Aggregate[] aggregates, int[][] arguments) {
        this.columns = columns;
        this.aggregates = aggregates;
        this.arguments = arguments;
    }

    public Row initial() {
        Object[] row = new Object[columns + aggregates.length];
        for (int i = 0; i < aggregates.length; i++) {
            row[columns + i] = aggregates[i].initial();
        }
        return new Row(row);
    }

    /** The group with a row more. */
    public Row add(Row row, Row group) {
        Object[] next = new Object[group.columns.length];
        System.arraycopy(row.columns, 0, next, 0, columns);
        for (int i = 0; i < aggregates.length; i++) {
            next[columns + i] = aggregates[i].add(argument(i, row.columns), group.columns[columns + i]);
        }
        return new Row(next);
    }

    /** The group with a row less; all aggregates must be undoable. */
    public Row undo(Row row, Row group) {
        Object[] next = group.columns.clone();
        for (int i = 0; i < aggregates.length; i++) {
            Aggregate.Undoable aggregate = (Aggregate.Undoable) aggregates[i];
            next[columns + i] = aggregate.undo(argument(i, row.columns), next[columns + i]);
        }
        return new Row(next);
    }

    /** Two groups as one; the columns are those of the second, which came later. */
    public Row merge(Row first, Row second) {
        Object[] next = new Object[first.columns.length];
        System.arraycopy(second.columns, 0, next, 0, columns);
        for (int i = 0; i < aggregates.length; i++) {
            next[columns + i] = aggregates[i].merge(first.columns[columns + i], second.columns[columns + i]);
        }
        return new Row(next);
    }

    private Object argument(int index, Object[] row) {
        int[] from = arguments[index];
        if (from.length == 1) {
            return row[from[0]];
        }
        Object[] values = new Object[from.length];
        for (int i = 0; i < from.length; i++) {
            values[i] = row[from[i]];
        }
        return values;
    }

    /** States to results; one that has none is reported and NULL. */
    public RowFunction results() {
        return (row, problems) -> {
            Object[] out = new Object[columns + aggregates.length];
            System.arraycopy(row, 0, out, 0, columns);
            for (int i = 0; i < aggregates.length; i++) {
                try {
                    out[columns + i] = aggregates[i].result(row[columns + i]);
                } catch (ArithmeticException e) {
                    problems.failed("Error computing the result of an aggregate", e, row);
                }
            }
            return out;
        };
    }
}
