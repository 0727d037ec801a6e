/* The special functions that p-values need. Pure and stateless. Thread: any. */
#ifndef LW_DRIFT_SPECIAL_H
#define LW_DRIFT_SPECIAL_H

/* Upper tail of the chi-square distribution: P(X > x) with df > 0 degrees of freedom (any
 * real). 1 for x <= 0. Relative error about 1e-13 down to 1e-300. */
double lw_special_chi2_sf(double x, double df);

/* Upper tail of Kolmogorov's distribution: 2 sum (-1)^(j-1) exp(-2 j^2 t^2). */
double lw_special_kolmogorov_sf(double t);

/* P(|Z| > z) of a standard normal; and the quantile z with P(Z <= z) = p, 0 < p < 1. */
double lw_special_normal_two_sided(double z);
double lw_special_normal_quantile(double p);

/* Upper tail of the F distribution with df1 and df2 > 0 degrees of freedom (any real): 1
 * for x <= 0. Relative error about 1e-12 down to 1e-300; with a million degrees of freedom
 * 1e-9. */
double lw_special_f_sf(double x, double df1, double df2);
/* P(T > t) of Student's distribution with df > 0 degrees of freedom. */
double lw_special_student_sf(double t, double df);

#endif
