package lab.ksqldb.agg;

import java.math.BigDecimal;
import lab.ksqldb.row.Type;

/** Addition in an SQL type: whole numbers wrap. */
enum Numbers {
    INTEGER {
        @Override
        Object zero(Type type) {
            return 0;
        }

        @Override
        Object plus(Object a, Object b) {
            return (Integer) a + (Integer) b;
        }

        @Override
        Object minus(Object a, Object b) {
            return (Integer) a - (Integer) b;
        }
    },
    BIGINT {
        @Override
        Object zero(Type type) {
            return 0L;
        }

        @Override
        Object plus(Object a, Object b) {
            return (Long) a + (Long) b;
        }

        @Override
        Object minus(Object a, Object b) {
            return (Long) a - (Long) b;
        }
    },
    DOUBLE {
        @Override
        Object zero(Type type) {
            return 0.0;
        }

        @Override
        Object plus(Object a, Object b) {
            return (Double) a + (Double) b;
        }

        @Override
        Object minus(Object a, Object b) {
            return (Double) a - (Double) b;
        }
    },
    DECIMAL {
        @Override
        Object zero(Type type) {
            return BigDecimal.ZERO.setScale(type.scale);
        }

        @Override
        Object plus(Object a, Object b) {
            return ((BigDecimal) a).add((BigDecimal) b);
        }

        @Override
        Object minus(Object a, Object b) {
            return ((BigDecimal) a).subtract((BigDecimal) b);
        }
    };

    abstract Object zero(Type type);

    abstract Object plus(Object a, Object b);

    abstract Object minus(Object a, Object b);

    static Numbers of(Type type) {
        return valueOf(type.base.name());
    }
}
