package lab.ksqldb.fn;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;

/** Functions of arrays. A new array is made, never the given one changed. */
public final class Lists {
    private static final int LONGEST = 1 << 20;

    private Lists() {}

    /** NULL arrays are left out. */
    public static List<Object> concat(List<?> left, List<?> right) {
        if (left == null && right == null) {
            return null;
        }
        List<Object> all = new ArrayList<>();
        if (left != null) {
            all.addAll(left);
        }
        if (right != null) {
            all.addAll(right);
        }
        return all;
    }

    public static Boolean contains(List<?> list, Object value) {
        return list != null && list.contains(value);
    }

    public static List<Object> distinct(List<?> list) {
        return list == null ? null : new ArrayList<>(new LinkedHashSet<>(list));
    }

    public static List<Object> except(List<?> left, List<?> right) {
        if (left == null || right == null) {
            return null;
        }
        Set<Object> all = new LinkedHashSet<>(left);
        right.forEach(all::remove);
        return new ArrayList<>(all);
    }

    public static List<Object> intersect(List<?> left, List<?> right) {
        if (left == null || right == null) {
            return null;
        }
        Set<Object> all = new LinkedHashSet<>(left);
        all.retainAll(new LinkedHashSet<>(right));
        return new ArrayList<>(all);
    }

    public static List<Object> union(List<?> left, List<?> right) {
        if (left == null || right == null) {
            return null;
        }
        Set<Object> all = new LinkedHashSet<>(left);
        all.addAll(right);
        return new ArrayList<>(all);
    }

    public static String join(List<?> list) {
        return join(list, ",");
    }

    /** Only booleans, numbers and texts can be joined. */
    public static String join(List<?> list, String delimiter) {
        if (list == null) {
            return null;
        }
        List<String> texts = new ArrayList<>();
        for (Object item : list) {
            if (item != null && !(item instanceof Boolean || item instanceof Number || item instanceof String)) {
                throw new IllegalArgumentException("ARRAY_JOIN joins booleans, numbers and texts only");
            }
            texts.add(item instanceof BigDecimal exact ? exact.toPlainString() : String.valueOf(item));
        }
        return String.join(delimiter == null ? "" : delimiter, texts);
    }

    public static Integer length(List<?> list) {
        return list == null ? null : Integer.valueOf(list.size());
    }

    public static Object max(List<?> list) {
        return best(list, 1);
    }

    public static Object min(List<?> list) {
        return best(list, -1);
    }

    @SuppressWarnings("unchecked")
    private static Object best(List<?> list, int sign) {
        Object found = null;
        for (Object item : list == null ? List.of() : list) {
            if (item == null) {
                continue;
            }
            if (!(item instanceof Comparable)) {
                throw new IllegalArgumentException("arrays, maps and structs have no order");
            }
            Comparable<Object> candidate = (Comparable<Object>) item;
            if (found == null || sign * candidate.compareTo(found) > 0) {
                found = item;
            }
        }
        return found;
    }

    public static List<Object> remove(List<?> list, Object victim) {
        if (list == null) {
            return null;
        }
        List<Object> all = new ArrayList<>(list);
        all.removeIf(item -> Objects.equals(item, victim));
        return all;
    }

    public static List<Object> sort(List<?> list) {
        return sort(list, "ASC");
    }

    /** NULLs come last in either direction. */
    @SuppressWarnings("unchecked")
    public static List<Object> sort(List<?> list, String direction) {
        if (list == null || direction == null) {
            return null;
        }
        Comparator<Object> order = (a, b) -> ((Comparable<Object>) a).compareTo(b);
        switch (direction.toUpperCase(Locale.ROOT)) {
            case "ASC", "ASCENDING" -> { }
            case "DESC", "DESCENDING" -> order = order.reversed();
            default -> {
                return null;
            }
        }
        for (Object item : list) {
            if (item != null && !(item instanceof Comparable)) {
                return null;
            }
        }
        List<Object> all = new ArrayList<>(list);
        all.sort(Comparator.nullsLast(order));
        return all;
    }

    /**
     * From one position to another, both included, counted from one; beyond the ends it is an error.
     * NULL stands for the array's own first or last position.
     */
    public static List<Object> slice(List<?> list, Integer from, Integer to) {
        if (list == null) {
            return null;
        }
        int start = from == null ? 1 : from;
        int end = to == null ? list.size() : to;
        if (start < 1 || end > list.size() || end < start - 1) {
            throw new IndexOutOfBoundsException(
                    "no items from " + start + " to " + end + " in an array of " + list.size());
        }
        return new ArrayList<>(list.subList(start - 1, end));
    }

    public static List<Object> series(Integer start, Integer end) {
        return start == null || end == null ? null : series(start, end, Integer.valueOf(end < start ? -1 : 1));
    }

    public static List<Object> series(Integer start, Integer end, Integer step) {
        if (start == null || end == null || step == null) {
            return null;
        }
        List<Object> all = new ArrayList<>();
        for (Object item : series(Long.valueOf(start), Long.valueOf(end), step)) {
            all.add(((Long) item).intValue());
        }
        return all;
    }

    public static List<Object> series(Long start, Long end) {
        return start == null || end == null ? null : series(start, end, Integer.valueOf(end < start ? -1 : 1));
    }

    public static List<Object> series(Long start, Long end, Integer step) {
        if (start == null || end == null || step == null) {
            return null;
        }
        if (step == 0 || (step > 0 && end < start) || (step < 0 && end > start)) {
            throw new IllegalArgumentException("the step leads away from the end: " + step);
        }
        if (Math.abs((double) end - start) / Math.abs((double) step) > LONGEST) {
            throw new IllegalArgumentException("more than " + LONGEST + " items");
        }
        List<Object> all = new ArrayList<>();
        for (long at = start; step > 0 ? at <= end : at >= end; at += step) {
            all.add(at);
        }
        return all;
    }

    static List<Object> of(Object... items) {
        return new ArrayList<>(Arrays.asList(items));
    }
}
