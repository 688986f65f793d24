package lab.ksqldb.query;

import java.io.ByteArrayOutputStream;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import lab.ksqldb.step.SinkStep;

/**
 * The rows of a push query on their way to its client. A full queue blocks the query: that is the
 * back-pressure. After {@code limit} rows, or once closed, further rows are dropped.
 */
public final class PushQueue implements SinkStep.RowSink {
    private static final int CAPACITY = 500;
    private static final int CHUNK = 64 * 1024;

    private final ArrayBlockingQueue<byte[]> rows = new ArrayBlockingQueue<>(CAPACITY);
    private final Answer answer;
    private final Answer tombstones;
    private final KeyColumns keys;
    private long remaining;
    private volatile boolean complete;
    private volatile boolean closed;

    /**
     * Rows that are gone are told by {@code tombstones}, which may be null: then they are not. A
     * negative limit is none.
     */
    public PushQueue(Answer answer, Answer tombstones, KeyColumns keys, long limit) {
        this.answer = answer;
        this.tombstones = tombstones;
        this.keys = keys;
        remaining = limit;
        complete = limit == 0;
    }

    @Override
    public void row(Object[] columns) {
        add(columns, answer);
    }

    @Override
    public void gone(Object key) {
        if (tombstones != null) {
            add(keys.of(key), tombstones);
        }
    }

    private void add(Object[] columns, Answer as) {
        synchronized (this) {
            if (complete || closed) {
                return;
            }
            byte[] row = as.bytes(columns);
            try {
                while (!rows.offer(row, 100, TimeUnit.MILLISECONDS)) {
                    if (closed) {
                        return;
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
            if (remaining > 0 && --remaining == 0) {
                complete = true;
            }
        }
    }

    /** The rows that are there, after waiting for the first; empty when none came in time. */
    public byte[] drain(long waitMs) throws InterruptedException {
        byte[] row = rows.poll(waitMs, TimeUnit.MILLISECONDS);
        ByteArrayOutputStream chunk = new ByteArrayOutputStream(256);
        while (row != null) {
            chunk.writeBytes(row);
            row = chunk.size() < CHUNK ? rows.poll() : null;
        }
        return chunk.toByteArray();
    }

    /** Whether the limit was reached and every row was taken. */
    public boolean finished() {
        return complete && rows.isEmpty();
    }

    public void close() {
        closed = true;
        rows.clear();
    }
}
