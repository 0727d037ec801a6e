/* Made by golden_blocks.py. */
static const double golden_day[] = {3.810553, 6.261567,  7.078708,  7.061843,  8.635692,
                                    4.229621, 6.088354,  -0.732443, -2.849697, -1.407718,
                                    0.272325, -1.830349, -0.382942, 2.2405,    1.140903,
                                    NAN,      0.690245,  -0.350552, -3.735486, 1.982917};
static const double golden_variance[] = {3.177194640820922, 1.6784567160007249,
                                         0.9532914529865179};
static const double golden_df[] = {17.0, 10.0, 6.157894736842105};
static const double golden_p[] = {0.20586661783118396, 0.13692393396558716,
                                  0.08705820274384655};
#define GOLDEN_DAYS  20
#define GOLDEN_SPLIT 7
#define GOLDEN_SPANS 3
