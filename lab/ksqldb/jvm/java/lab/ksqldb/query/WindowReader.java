package lab.ksqldb.query;

import static java.time.Instant.ofEpochMilli;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import lab.ksqldb.row.Row;
import lab.ksqldb.step.RowFunction;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.errors.InvalidStateStoreException;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.kstream.internals.TimeWindow;
import org.apache.kafka.streams.query.Query;
import org.apache.kafka.streams.query.QueryResult;
import org.apache.kafka.streams.query.StateQueryRequest;
import org.apache.kafka.streams.query.WindowKeyQuery;
import org.apache.kafka.streams.query.WindowRangeQuery;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.ValueAndTimestamp;
import org.apache.kafka.streams.state.WindowStoreIterator;

/**
 * Answers pull queries from the store of a windowed aggregation. Times are in ms.
 *
 * <p>Reads past the cache: the cache would be searched segment by segment from 1970 on, and it
 * remembers windows whose retention is over.
 */
public final class WindowReader {
    private final Runner runner;
    private final String store;
    private final long size;
    private final StoredRows rows;

    /** A negative {@code size} is for sessions. The last three are some of those of {@link StoredRows}. */
    public WindowReader(Runner runner, String store, long size, RowFunction[] steps, int values, int keys) {
        this.runner = runner;
        this.store = store;
        this.size = size;
        rows = new StoredRows(steps, -1, 0, values, keys);
    }

    /**
     * Windows of the given keys, or of all when null (not of sessions), that start between {@code from} and {@code to},
     * both inclusive; {@code query} filters and projects; negative limit: none.
     *
     * <p>Of the given partitions, or of all that are active here when null; {@code stale}: copies will do.
     */
    public byte[] read(
            Row[] lookups, long from, long to, RowFunction query, Answer answer, long limit, int[] partitions,
            boolean stale) {
        StoredRows.Taker taker = rows.new Taker(query, answer, limit);
        Where where = new Where(partitions, stale);
        if (size < 0) {
            sessions(lookups, from, to, taker, where);
        } else {
            windows(lookups, from, to, taker, where);
        }
        return taker.bytes();
    }

    private record Where(int[] partitions, boolean stale) {}

    private void windows(Row[] lookups, long from, long to, StoredRows.Taker taker, Where where) {
        Instant first = ofEpochMilli(from);
        Instant last = ofEpochMilli(to);
        if (lookups == null) {
            WindowRangeQuery<Row, ValueAndTimestamp<Row>> query = WindowRangeQuery.withWindowStartRange(first, last);
            for (KeyValueIterator<Windowed<Row>, ValueAndTimestamp<Row>> all : ask(query, where)) {
                try (all) {
                    while (!taker.full() && all.hasNext()) {
                        KeyValue<Windowed<Row>, ValueAndTimestamp<Row>> entry = all.next();
                        long start = entry.key.window().start();
                        taker.take(window(entry.key.key(), start), entry.value.value(), entry.value.timestamp());
                    }
                }
            }
            return;
        }
        for (Row key : lookups) {
            WindowKeyQuery<Row, ValueAndTimestamp<Row>> query =
                    WindowKeyQuery.withKeyAndWindowStartRange(key, first, last);
            for (WindowStoreIterator<ValueAndTimestamp<Row>> found : ask(query, where)) {
                try (found) {
                    while (!taker.full() && found.hasNext()) {
                        KeyValue<Long, ValueAndTimestamp<Row>> entry = found.next();
                        taker.take(window(key, entry.key), entry.value.value(), entry.value.timestamp());
                    }
                }
            }
        }
    }

    /** Stores know windows' starts; ends that would pass the greatest time are cut. */
    private Windowed<Row> window(Row key, long start) {
        long end = start + size < 0 ? Long.MAX_VALUE : start + size;
        return new Windowed<>(key, new TimeWindow(start, end));
    }

    /** A session's ROWTIME is its end. */
    private void sessions(Row[] lookups, long from, long to, StoredRows.Taker taker, Where where) {
        for (Row key : lookups) {
            WindowRangeQuery<Row, Row> query = WindowRangeQuery.withKey(key);
            for (KeyValueIterator<Windowed<Row>, Row> found : ask(query, where)) {
                try (found) {
                    while (!taker.full() && found.hasNext()) {
                        KeyValue<Windowed<Row>, Row> entry = found.next();
                        long start = entry.key.window().start();
                        if (start >= from && start <= to) {
                            taker.take(entry.key, entry.value, entry.key.window().end());
                        }
                    }
                }
            }
        }
    }

    /** The answers of the store's partitions, all of which are to be closed. */
    private <R extends AutoCloseable> List<R> ask(Query<R> query, Where where) {
        StateQueryRequest<R> request = StateQueryRequest.inStore(store).withQuery(query);
        if (where.partitions != null) {
            request = request.withPartitions(Arrays.stream(where.partitions).boxed().collect(Collectors.toSet()));
        }
        if (where.partitions == null || !where.stale) {
            request = request.requireActive();
        }
        List<R> found = new ArrayList<>();
        String failure = null;
        for (QueryResult<R> result : runner.streams().query(request).getPartitionResults().values()) {
            if (result.isFailure()) {
                failure = result.getFailureMessage();
            } else {
                found.add(result.getResult());
            }
        }
        if (failure == null && !found.isEmpty()) {
            return found;
        }
        for (R open : found) {
            try {
                open.close();
            } catch (Exception e) {
                throw new InvalidStateStoreException(e);
            }
        }
        throw new InvalidStateStoreException(failure == null ? "no partition of the store is here yet" : failure);
    }
}
