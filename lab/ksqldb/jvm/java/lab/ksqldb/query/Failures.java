package lab.ksqldb.query;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.streams.errors.MissingInternalTopicsException;
import org.apache.kafka.streams.errors.MissingSourceTopicException;
import org.apache.kafka.streams.errors.ProcessorStateException;

/** A query's last failures with their kinds, and the time to wait before the next attempt. */
final class Failures {
    private final Deque<String[]> last = new ArrayDeque<>();
    private final int remembered;
    private final long firstWaitMs;
    private final long longestWaitMs;
    private final Map<Pattern, String> classes = new LinkedHashMap<>();
    private long waitMs;
    private long resumedAt = Long.MIN_VALUE;
    private int waiting;
    private boolean failing;
    private boolean closed;

    /** A negative first wait means that nothing is attempted again. {@code classes}: "USER regex,SYSTEM regex". */
    Failures(int remembered, long firstWaitMs, long longestWaitMs, String classes) {
        this.remembered = Math.max(remembered, 1);
        this.firstWaitMs = firstWaitMs;
        this.longestWaitMs = longestWaitMs;
        for (String entry : classes.split(",")) {
            String[] parts = entry.trim().split("\\s+", 2);
            if (parts.length == 2) {
                this.classes.put(Pattern.compile(parts[1], Pattern.DOTALL), parts[0].toUpperCase(java.util.Locale.ROOT));
            }
        }
    }

    /** Notes a failure and waits; whether to go on after it. */
    boolean goOnAfter(Throwable error) {
        synchronized (this) {
            StringWriter trace = new StringWriter();
            error.printStackTrace(new PrintWriter(trace));
            if (last.size() == remembered) {
                last.removeFirst();
            }
            String text = trace.toString();
            failing = true;
            last.add(new String[] {Long.toString(System.currentTimeMillis()), text, kind(error, text)});
            if (firstWaitMs < 0) {
                return false;
            }
            return backOff();
        }
    }

    private boolean backOff() {
        long now = System.currentTimeMillis();
        boolean again = resumedAt != Long.MIN_VALUE && now - resumedAt < Math.max(2 * waitMs, firstWaitMs);
        waitMs = Math.min(again ? Math.max(2 * waitMs, 1) : firstWaitMs, longestWaitMs);
        long until = now + waitMs;
        waiting++;
        try {
            while (!closed && (now = System.currentTimeMillis()) < until) {
                wait(until - now);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            waiting--;
            resumedAt = System.currentTimeMillis();
        }
        return !closed;
    }

    private String kind(Throwable error, String text) {
        for (Map.Entry<Pattern, String> entry : classes.entrySet()) {
            if (entry.getKey().matcher(text).find()) {
                return entry.getValue();
            }
        }
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof MissingSourceTopicException || cause instanceof UnknownTopicOrPartitionException
                    || cause instanceof AuthorizationException || cause instanceof RecordTooLargeException
                    || cause instanceof SerializationException) {
                return "USER";
            }
            if (cause instanceof MissingInternalTopicsException || cause instanceof ProcessorStateException
                    || cause instanceof TimeoutException) {
                return "SYSTEM";
            }
        }
        return "UNKNOWN";
    }

    /** [time in ms, stack trace, kind] of the last failures, oldest first. */
    synchronized String[][] last() {
        List<String[]> all = new ArrayList<>(last);
        return all.toArray(new String[0][]);
    }

    /** Notes that all threads run; one that has failed and waits does not. */
    synchronized void allRun() {
        failing = waiting > 0;
    }

    /** Whether a thread has failed and does not run again yet. */
    synchronized boolean failing() {
        return failing;
    }

    /** Ends all waits. */
    synchronized void close() {
        closed = true;
        notifyAll();
    }
}
