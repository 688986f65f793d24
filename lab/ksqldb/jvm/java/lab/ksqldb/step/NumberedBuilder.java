package lab.ksqldb.step;

import org.apache.kafka.streams.StreamsBuilder;

/**
 * A builder whose counter can be moved on. Names of stores and internal topics carry the number of
 * their processor, so that steps which take no number by themselves must take one here to give the
 * names that ksqlDB gives.
 */
public final class NumberedBuilder extends StreamsBuilder {
    /** The next generated name of that prefix. */
    public String next(String prefix) {
        return internalStreamsBuilder.newProcessorName(prefix);
    }
}
