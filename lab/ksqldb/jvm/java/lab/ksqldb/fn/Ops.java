package lab.ksqldb.fn;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Objects;

/** Operators. Whole numbers wrap; comparing with NULL gives false; AND and OR know unknown. */
public final class Ops {
    private Ops() {}

    private static <T> T need(T value) {
        if (value == null) {
            throw NullOperand.INSTANCE;
        }
        return value;
    }

    public static Integer add(Integer a, Integer b) {
        return need(a) + need(b);
    }

    public static Integer subtract(Integer a, Integer b) {
        return need(a) - need(b);
    }

    public static Integer multiply(Integer a, Integer b) {
        return need(a) * need(b);
    }

    public static Integer divide(Integer a, Integer b) {
        return need(a) / need(b);
    }

    public static Integer remainder(Integer a, Integer b) {
        return need(a) % need(b);
    }

    public static Integer negate(Integer a) {
        return -need(a);
    }

    public static Long add(Long a, Long b) {
        return need(a) + need(b);
    }

    public static Long subtract(Long a, Long b) {
        return need(a) - need(b);
    }

    public static Long multiply(Long a, Long b) {
        return need(a) * need(b);
    }

    public static Long divide(Long a, Long b) {
        return need(a) / need(b);
    }

    public static Long remainder(Long a, Long b) {
        return need(a) % need(b);
    }

    public static Long negate(Long a) {
        return -need(a);
    }

    public static Double add(Double a, Double b) {
        return need(a) + need(b);
    }

    public static Double subtract(Double a, Double b) {
        return need(a) - need(b);
    }

    public static Double multiply(Double a, Double b) {
        return need(a) * need(b);
    }

    public static Double divide(Double a, Double b) {
        return need(a) / need(b);
    }

    public static Double remainder(Double a, Double b) {
        return need(a) % need(b);
    }

    public static Double negate(Double a) {
        return -need(a);
    }

    public static BigDecimal add(BigDecimal a, BigDecimal b, int precision, int scale) {
        return fit(need(a).add(need(b)), precision, scale);
    }

    public static BigDecimal subtract(BigDecimal a, BigDecimal b, int precision, int scale) {
        return fit(need(a).subtract(need(b)), precision, scale);
    }

    public static BigDecimal multiply(BigDecimal a, BigDecimal b, int precision, int scale) {
        return fit(need(a).multiply(need(b)), precision, scale);
    }

    /** Inexact quotients are an error (and so NULL), as recorded from ksqlDB. */
    public static BigDecimal divide(BigDecimal a, BigDecimal b, int precision, int scale) {
        MathContext context = new MathContext(precision, RoundingMode.UNNECESSARY);
        return fit(need(a).divide(need(b), context), precision, scale);
    }

    public static BigDecimal remainder(BigDecimal a, BigDecimal b, int precision, int scale) {
        return fit(need(a).remainder(need(b)), precision, scale);
    }

    public static BigDecimal negate(BigDecimal a) {
        return need(a).negate();
    }

    private static BigDecimal fit(BigDecimal value, int precision, int scale) {
        BigDecimal scaled = value.setScale(scale, RoundingMode.UNNECESSARY);
        if (scaled.precision() > precision) {
            throw new ArithmeticException("Numeric field overflow: " + value);
        }
        return scaled;
    }

    public static Long toLong(Number value) {
        return value == null ? null : Long.valueOf(value.longValue());
    }

    public static Double toDouble(Number value) {
        return value == null ? null : Double.valueOf(value.doubleValue());
    }

    public static BigDecimal exact(Number value) {
        if (value == null) {
            return null;
        }
        if (value instanceof BigDecimal decimal) {
            return decimal;
        }
        return value instanceof Double ? new BigDecimal(value.doubleValue()) : BigDecimal.valueOf(value.longValue());
    }

    private static int compare(Object a, Object b) {
        @SuppressWarnings("unchecked")
        Comparable<Object> left = (Comparable<Object>) a;
        return left.compareTo(b);
    }

    private static boolean same(Object a, Object b) {
        if (a instanceof BigDecimal left && b instanceof BigDecimal right) {
            return left.compareTo(right) == 0;
        }
        return a.equals(b);
    }

    public static Boolean eq(Object a, Object b) {
        return a != null && b != null && same(a, b);
    }

    public static Boolean ne(Object a, Object b) {
        return a != null && b != null && !same(a, b);
    }

    public static Boolean lt(Object a, Object b) {
        return a != null && b != null && compare(a, b) < 0;
    }

    public static Boolean le(Object a, Object b) {
        return a != null && b != null && compare(a, b) <= 0;
    }

    public static Boolean gt(Object a, Object b) {
        return a != null && b != null && compare(a, b) > 0;
    }

    public static Boolean ge(Object a, Object b) {
        return a != null && b != null && compare(a, b) >= 0;
    }

    public static Boolean distinct(Object a, Object b) {
        return !notDistinct(a, b);
    }

    public static Boolean notDistinct(Object a, Object b) {
        return a == null || b == null ? Objects.equals(a, b) : same(a, b);
    }

    /** The value, which must not be NULL. */
    public static Boolean known(Boolean value) {
        return need(value);
    }

    public static Boolean and(Boolean a, Boolean b) {
        if (Boolean.FALSE.equals(a) || Boolean.FALSE.equals(b)) {
            return Boolean.FALSE;
        }
        return a == null || b == null ? null : Boolean.TRUE;
    }

    public static Boolean or(Boolean a, Boolean b) {
        if (Boolean.TRUE.equals(a) || Boolean.TRUE.equals(b)) {
            return Boolean.TRUE;
        }
        return a == null || b == null ? null : Boolean.FALSE;
    }

    /** Whether one of them is true; there is no unknown among them. */
    public static Boolean any(Boolean[] terms) {
        for (Boolean term : terms) {
            if (term) {
                return Boolean.TRUE;
            }
        }
        return Boolean.FALSE;
    }

    public static Boolean not(Boolean a) {
        return a == null ? null : !a;
    }
}
