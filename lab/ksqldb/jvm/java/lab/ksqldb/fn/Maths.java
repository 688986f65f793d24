package lab.ksqldb.fn;

import java.math.BigDecimal;
import java.math.RoundingMode;

/** Numbers. NULL in, NULL out. Halves are rounded upwards. */
public final class Maths {
    private Maths() {}

    public static Integer abs(Integer value) {
        return value == null ? null : Integer.valueOf(Math.abs(value));
    }

    public static Long abs(Long value) {
        return value == null ? null : Long.valueOf(Math.abs(value));
    }

    public static Double abs(Double value) {
        return value == null ? null : Double.valueOf(Math.abs(value));
    }

    public static BigDecimal abs(BigDecimal value) {
        return value == null ? null : value.abs();
    }

    public static Long round(Integer value) {
        return value == null ? null : Long.valueOf(value);
    }

    public static Long round(Long value) {
        return value;
    }

    public static Long round(Double value) {
        return value == null ? null : Long.valueOf(Math.round(value));
    }

    public static BigDecimal round(BigDecimal value) {
        return value == null ? null : halfUp(value, 0);
    }

    public static Double round(Double value, Integer places) {
        if (value == null || places == null) {
            return null;
        }
        if (value.isNaN() || value.isInfinite()) {
            return value;
        }
        return halfUp(BigDecimal.valueOf(value), places).doubleValue();
    }

    public static BigDecimal round(BigDecimal value, Integer places) {
        if (value == null || places == null) {
            return null;
        }
        return halfUp(value, places).setScale(value.scale(), RoundingMode.DOWN);
    }

    private static BigDecimal halfUp(BigDecimal value, int places) {
        return value.setScale(places, value.signum() < 0 ? RoundingMode.HALF_DOWN : RoundingMode.HALF_UP);
    }

    public static Long trunc(Integer value) {
        return value == null ? null : Long.valueOf(value);
    }

    public static Long trunc(Long value) {
        return value;
    }

    public static Long trunc(Double value) {
        return value == null ? null : Long.valueOf(value.longValue());
    }

    public static BigDecimal trunc(BigDecimal value) {
        return value == null ? null : value.setScale(0, RoundingMode.DOWN);
    }

    public static Double trunc(Double value, Integer places) {
        if (value == null || places == null) {
            return null;
        }
        if (value.isNaN() || value.isInfinite()) {
            return value;
        }
        return BigDecimal.valueOf(value).setScale(places, RoundingMode.DOWN).doubleValue();
    }

    public static BigDecimal trunc(BigDecimal value, Integer places) {
        if (value == null || places == null) {
            return null;
        }
        return value.setScale(places, RoundingMode.DOWN).setScale(value.scale(), RoundingMode.DOWN);
    }

    public static Integer floor(Integer value) {
        return value;
    }

    public static Long floor(Long value) {
        return value;
    }

    public static Double floor(Double value) {
        return value == null ? null : Double.valueOf(Math.floor(value));
    }

    public static BigDecimal floor(BigDecimal value) {
        return value == null ? null : value.setScale(0, RoundingMode.FLOOR).setScale(value.scale());
    }

    public static Integer ceil(Integer value) {
        return value;
    }

    public static Long ceil(Long value) {
        return value;
    }

    public static Double ceil(Double value) {
        return value == null ? null : Double.valueOf(Math.ceil(value));
    }

    public static BigDecimal ceil(BigDecimal value) {
        return value == null ? null : value.setScale(0, RoundingMode.CEILING).setScale(value.scale());
    }
}
