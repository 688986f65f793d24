package lab.ksqldb.step;

import java.time.Duration;
import java.util.Map;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;
import org.apache.kafka.streams.state.DslKeyValueParams;
import org.apache.kafka.streams.state.DslSessionParams;
import org.apache.kafka.streams.state.DslStoreSuppliers;
import org.apache.kafka.streams.state.DslWindowParams;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.SessionBytesStoreSupplier;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.WindowBytesStoreSupplier;
import org.apache.kafka.streams.state.WindowStore;

/**
 * Stores of windows that are given on when they close. The search for closed windows begins when a
 * record has moved the time on, and finds none whose retention is over by then: so they stay in the
 * store for a day at least. Changelog topics keep the retention that was asked for.
 */
public final class KeptForADay implements DslStoreSuppliers {
    private static final Duration DAY = Duration.ofDays(1);

    private final DslStoreSuppliers plain = new BuiltInDslStoreSuppliers.RocksDBDslStoreSuppliers();

    @Override
    public void configure(Map<String, ?> configs) {
        plain.configure(configs);
    }

    @Override
    public KeyValueBytesStoreSupplier keyValueStore(DslKeyValueParams params) {
        return plain.keyValueStore(params);
    }

    @Override
    public WindowBytesStoreSupplier windowStore(DslWindowParams params) {
        long asked = params.retentionPeriod().toMillis();
        return new Windows(asked, plain.windowStore(new DslWindowParams(
                params.name(),
                longer(params.retentionPeriod()),
                params.windowSize(),
                params.retainDuplicates(),
                params.emitStrategy(),
                params.isSlidingWindow(),
                params.isTimestamped())));
    }

    @Override
    public SessionBytesStoreSupplier sessionStore(DslSessionParams params) {
        long asked = params.retentionPeriod().toMillis();
        return new Sessions(asked, plain.sessionStore(new DslSessionParams(
                params.name(), longer(params.retentionPeriod()), params.emitStrategy())));
    }

    private static Duration longer(Duration asked) {
        return asked.compareTo(DAY) < 0 ? DAY : asked;
    }

    private record Windows(long retentionPeriod, WindowBytesStoreSupplier kept) implements WindowBytesStoreSupplier {
        @Override
        public String name() {
            return kept.name();
        }

        @Override
        public WindowStore<Bytes, byte[]> get() {
            return kept.get();
        }

        @Override
        public String metricsScope() {
            return kept.metricsScope();
        }

        @Override
        public long segmentIntervalMs() {
            return kept.segmentIntervalMs();
        }

        @Override
        public long windowSize() {
            return kept.windowSize();
        }

        @Override
        public boolean retainDuplicates() {
            return kept.retainDuplicates();
        }
    }

    private record Sessions(long retentionPeriod, SessionBytesStoreSupplier kept)
            implements SessionBytesStoreSupplier {
        @Override
        public String name() {
            return kept.name();
        }

        @Override
        public SessionStore<Bytes, byte[]> get() {
            return kept.get();
        }

        @Override
        public String metricsScope() {
            return kept.metricsScope();
        }

        @Override
        public long segmentIntervalMs() {
            return kept.segmentIntervalMs();
        }
    }
}
