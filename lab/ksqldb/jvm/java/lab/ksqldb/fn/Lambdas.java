package lab.ksqldb.fn;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Functions that take lambdas. NULL arrays and maps give NULL. */
public final class Lambdas {
    private Lambdas() {}

    public static List<Object> transform(List<?> list, Lambda each) {
        if (list == null) {
            return null;
        }
        List<Object> all = new ArrayList<>(list.size());
        for (Object item : list) {
            all.add(each.apply(new Object[] {item}));
        }
        return all;
    }

    /** Two entries must not get the same key. */
    public static Map<Object, Object> transform(Map<?, ?> map, Lambda key, Lambda value) {
        if (map == null) {
            return null;
        }
        Map<Object, Object> all = new HashMap<>();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            Object[] arguments = {entry.getKey(), entry.getValue()};
            Object made = key.apply(arguments);
            if (all.containsKey(made)) {
                throw new IllegalArgumentException("Duplicate key " + made);
            }
            all.put(made, value.apply(arguments));
        }
        return all;
    }

    public static List<Object> filter(List<?> list, Lambda test) {
        if (list == null) {
            return null;
        }
        List<Object> all = new ArrayList<>();
        for (Object item : list) {
            if (holds(test, item)) {
                all.add(item);
            }
        }
        return all;
    }

    public static Map<Object, Object> filter(Map<?, ?> map, Lambda test) {
        if (map == null) {
            return null;
        }
        Map<Object, Object> all = new HashMap<>();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (holds(test, entry.getKey(), entry.getValue())) {
                all.put(entry.getKey(), entry.getValue());
            }
        }
        return all;
    }

    /** A test that is neither true nor false is an error. */
    private static boolean holds(Lambda test, Object... arguments) {
        Boolean answer = (Boolean) test.apply(arguments);
        if (answer == null) {
            throw NullOperand.INSTANCE;
        }
        return answer;
    }

    public static Object reduce(List<?> list, Object initial, Lambda step) {
        if (initial == null) {
            return null;
        }
        Object state = initial;
        for (Object item : list == null ? List.of() : list) {
            state = step.apply(new Object[] {state, item});
        }
        return state;
    }

    public static Object reduce(Map<?, ?> map, Object initial, Lambda step) {
        if (initial == null) {
            return null;
        }
        Object state = initial;
        for (Map.Entry<?, ?> entry : map == null ? Map.<Object, Object>of().entrySet() : map.entrySet()) {
            state = step.apply(new Object[] {state, entry.getKey(), entry.getValue()});
        }
        return state;
    }
}
