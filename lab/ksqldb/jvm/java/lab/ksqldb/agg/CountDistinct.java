package lab.ksqldb.agg;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import lab.ksqldb.fn.Strings;
import lab.ksqldb.row.Row;
import org.apache.kafka.common.utils.Utils;

/**
 * COUNT_DISTINCT, approximate as ksqlDB's is. Up to {@link #EXACT} values the state holds their
 * sorted 32-bit hashes; from then on the registers of a HyperLogLog, six to a number.
 */
public final class CountDistinct implements Aggregate {
    private static final int EXACT = 512;
    private static final int BITS = 12;
    private static final int REGISTERS = 1 << BITS;
    private static final int PER_WORD = 6;
    private static final int WORDS = (REGISTERS + PER_WORD - 1) / PER_WORD;
    private static final double HASHES = 4294967296.0;

    public CountDistinct(Setup setup) {}

    @Override
    public Object initial() {
        return Collections.emptyList();
    }

    @Override
    public Object add(Object value, Object state) {
        return value == null ? state : with(hash(value), (List<?>) state);
    }

    @Override
    public Object merge(Object first, Object second) {
        List<?> a = (List<?>) first;
        List<?> b = (List<?>) second;
        if (dense(b)) {
            List<?> other = a;
            a = b;
            b = other;
        }
        if (!dense(b)) {
            for (Object hash : b) {
                a = with((Integer) hash, a);
            }
            return a;
        }
        int[] left = words(a);
        int[] right = words(b);
        for (int i = 0; i < REGISTERS; i++) {
            put(left, i, rank(right, i));
        }
        return list(left);
    }

    private static List<?> with(int hash, List<?> state) {
        if (dense(state)) {
            int[] words = words(state);
            return put(words, hash) ? list(words) : state;
        }
        int[] hashes = words(state);
        int at = Arrays.binarySearch(hashes, hash);
        if (at >= 0) {
            return state;
        }
        if (hashes.length < EXACT) {
            List<Object> next = new ArrayList<>(state);
            next.add(-at - 1, hash);
            return next;
        }
        int[] words = new int[WORDS];
        for (int known : hashes) {
            put(words, known);
        }
        put(words, hash);
        return list(words);
    }

    private static boolean dense(List<?> state) {
        return state.size() == WORDS;
    }

    private static boolean put(int[] words, int hash) {
        int rank = Integer.numberOfLeadingZeros(hash << BITS | 1 << BITS - 1) + 1;
        return put(words, hash >>> 32 - BITS, rank);
    }

    private static boolean put(int[] words, int register, int rank) {
        if (rank(words, register) >= rank) {
            return false;
        }
        int shift = register % PER_WORD * 5;
        words[register / PER_WORD] = words[register / PER_WORD] & ~(31 << shift) | rank << shift;
        return true;
    }

    private static int rank(int[] words, int register) {
        return words[register / PER_WORD] >>> register % PER_WORD * 5 & 31;
    }

    @Override
    public Object result(Object state) {
        List<?> list = (List<?>) state;
        if (!dense(list)) {
            return (long) list.size();
        }
        int[] words = words(list);
        double sum = 0;
        int empty = 0;
        for (int i = 0; i < REGISTERS; i++) {
            int rank = rank(words, i);
            sum += 1.0 / (1 << rank);
            empty += rank == 0 ? 1 : 0;
        }
        double estimate = 0.7213 / (1 + 1.079 / REGISTERS) * REGISTERS * REGISTERS / sum;
        if (estimate <= 2.5 * REGISTERS && empty > 0) {
            estimate = REGISTERS * Math.log((double) REGISTERS / empty);
        } else if (estimate > HASHES / 30) {
            estimate = -HASHES * Math.log(1 - estimate / HASHES);
        }
        return Math.round(estimate);
    }

    /** Equal values have equal hashes, whatever the order of a map's entries. */
    private static int hash(Object value) {
        if (value instanceof Row struct) {
            return hash(Arrays.asList(struct.columns));
        }
        if (value instanceof List<?> items) {
            ByteBuffer hashes = ByteBuffer.allocate(items.size() * Integer.BYTES);
            items.forEach(item -> hashes.putInt(hash(item)));
            return Utils.murmur2(hashes.array());
        }
        if (value instanceof Map<?, ?> entries) {
            int sum = entries.size();
            for (Map.Entry<?, ?> entry : entries.entrySet()) {
                sum += hash(Arrays.asList(entry.getKey(), entry.getValue()));
            }
            return sum;
        }
        byte[] bytes =
                value instanceof ByteBuffer buffer
                        ? Strings.bytes(buffer)
                        : String.valueOf(value).getBytes(StandardCharsets.UTF_8);
        return Utils.murmur2(bytes);
    }

    private static int[] words(List<?> state) {
        int[] words = new int[state.size()];
        for (int i = 0; i < words.length; i++) {
            words[i] = (Integer) state.get(i);
        }
        return words;
    }

    private static List<Object> list(int[] words) {
        List<Object> list = new ArrayList<>(words.length);
        for (int word : words) {
            list.add(word);
        }
        return list;
    }
}
