package lab.ksqldb.fn;

/** Functions of real numbers. NULL in, NULL out; beyond their domain they give NaN. */
public final class Numbers {
    private static final double EARTH_RADIUS_KM = 6371;
    private static final double EARTH_RADIUS_MILES = 3959;

    private Numbers() {}

    public static Double sqrt(Number x) {
        return x == null ? null : Double.valueOf(Math.sqrt(x.doubleValue()));
    }

    public static Double cbrt(Number x) {
        return x == null ? null : Double.valueOf(Math.cbrt(x.doubleValue()));
    }

    public static Double exp(Number x) {
        return x == null ? null : Double.valueOf(Math.exp(x.doubleValue()));
    }

    public static Double ln(Number x) {
        return x == null ? null : Double.valueOf(Math.log(x.doubleValue()));
    }

    public static Double log(Number x) {
        return ln(x);
    }

    /** NaN when there is no such base. */
    public static Double log(Number base, Number x) {
        if (base == null || x == null) {
            return null;
        }
        double b = base.doubleValue();
        return b <= 0 || b == 1 ? Double.NaN : Math.log(x.doubleValue()) / Math.log(b);
    }

    public static Double power(Number base, Number exponent) {
        return base == null || exponent == null
                ? null
                : Double.valueOf(Math.pow(base.doubleValue(), exponent.doubleValue()));
    }

    public static Double pi() {
        return Math.PI;
    }

    public static Double random() {
        return Math.random();
    }

    public static Integer sign(Number x) {
        return x == null ? null : Integer.valueOf((int) Math.signum(x.doubleValue()));
    }

    public static Double sin(Number x) {
        return x == null ? null : Double.valueOf(Math.sin(x.doubleValue()));
    }

    public static Double cos(Number x) {
        return x == null ? null : Double.valueOf(Math.cos(x.doubleValue()));
    }

    public static Double tan(Number x) {
        return x == null ? null : Double.valueOf(Math.tan(x.doubleValue()));
    }

    public static Double cot(Number x) {
        return x == null ? null : Double.valueOf(1 / Math.tan(x.doubleValue()));
    }

    public static Double asin(Number x) {
        return x == null ? null : Double.valueOf(Math.asin(x.doubleValue()));
    }

    public static Double acos(Number x) {
        return x == null ? null : Double.valueOf(Math.acos(x.doubleValue()));
    }

    public static Double atan(Number x) {
        return x == null ? null : Double.valueOf(Math.atan(x.doubleValue()));
    }

    public static Double atan2(Number y, Number x) {
        return y == null || x == null ? null : Double.valueOf(Math.atan2(y.doubleValue(), x.doubleValue()));
    }

    public static Double sinh(Number x) {
        return x == null ? null : Double.valueOf(Math.sinh(x.doubleValue()));
    }

    public static Double cosh(Number x) {
        return x == null ? null : Double.valueOf(Math.cosh(x.doubleValue()));
    }

    public static Double tanh(Number x) {
        return x == null ? null : Double.valueOf(Math.tanh(x.doubleValue()));
    }

    public static Double degrees(Number x) {
        return x == null ? null : Double.valueOf(Math.toDegrees(x.doubleValue()));
    }

    public static Double radians(Number x) {
        return x == null ? null : Double.valueOf(Math.toRadians(x.doubleValue()));
    }

    public static Double distance(Double lat1, Double lon1, Double lat2, Double lon2) {
        return distance(lat1, lon1, lat2, lon2, "KM");
    }

    /** The great-circle distance by the haversine formula, in kilometres or miles. */
    public static Double distance(Double lat1, Double lon1, Double lat2, Double lon2, String units) {
        if (lat1 == null || lon1 == null || lat2 == null || lon2 == null || units == null) {
            return null;
        }
        check(lat1, 90, "latitude");
        check(lat2, 90, "latitude");
        check(lon1, 180, "longitude");
        check(lon2, 180, "longitude");
        double radius =
                switch (units.trim().toUpperCase(java.util.Locale.ROOT)) {
                    case "KM", "KILOMETER", "KILOMETERS", "KILOMETRE", "KILOMETRES" -> EARTH_RADIUS_KM;
                    case "MI", "MILE", "MILES" -> EARTH_RADIUS_MILES;
                    default -> throw new IllegalArgumentException("units are KM or MILES, not " + units);
                };
        double north = Math.toRadians(lat2 - lat1);
        double east = Math.toRadians(lon2 - lon1);
        double a =
                Math.pow(Math.sin(north / 2), 2)
                        + Math.pow(Math.sin(east / 2), 2)
                                * Math.cos(Math.toRadians(lat1))
                                * Math.cos(Math.toRadians(lat2));
        return radius * 2 * Math.asin(Math.sqrt(a));
    }

    private static void check(double degrees, double limit, String what) {
        if (degrees < -limit || degrees > limit) {
            throw new IllegalArgumentException("not a " + what + ": " + degrees);
        }
    }
}
