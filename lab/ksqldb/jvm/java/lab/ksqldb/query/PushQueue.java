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
    private long remaining;
    private volatile boolean complete;
    private volatile boolean closed;

    /** A negative limit is none. */
    public PushQueue(Answer answer, long limit) {
        this.answer = answer;
        remaining = limit;
        complete = limit == 0;
    }

    @Override
    public void row(Object[] columns) {
        synchronized (this) {
            if (complete || closed) {
                return;
            }
            byte[] row = answer.bytes(columns);
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
