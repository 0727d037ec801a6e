#!/usr/bin/env bash
# Boosted trees as a candidate like any other: trained, judged against their champion, promoted and
# scored in a whole backtest. A build that cannot fit trees refuses them, and leaves optional ones out.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" "$1"

# The shipped configuration with a short window, and trees beside a poor linear model.
awk -v root="$root" '
    { sub(/\.\.\/schemas/, root "/schemas") }
    /^candidates:/ {
        print
        print "  - {name: boosted, kind: trees, features: few, trees: {rounds: 30, depth: 5}}"
        print "  - {name: straight, kind: ridge, features: few}"
        print "  - {name: both, kind: trees, base: straight, features: few, trees: {rounds: 30, depth: 5}}"
        skip = 1
        next
    }
    /^feature_sets:/ { print; print "  few: [PULocationID, DOLocationID, trip_distance]"; next }
    /^[a-z]/ { skip = 0 }
    /^  window: 280d/ { sub(/280d/, "20d") }
    !skip' "$config" >"$dir/trees.yaml"

"$program" train -c "$dir/trees.yaml" "$few" -o "$dir/model.avro" --candidate boosted >"$dir/out" 2>"$dir/err"
if grep -q "cannot fit trees" "$dir/err"; then
    check "trees are refused, with line and key" grep -qE "trees.yaml:[0-9]+:[0-9]+: key '[^']*kind'" "$dir/err"
    sed 's/kind: trees/kind: trees, optional: true/' "$dir/trees.yaml" >"$dir/optional.yaml"
    expect 0 check -c "$dir/optional.yaml" --offline
    prints "boosted is left out: this build has no XGBoost"
    prints "both is left out: this build has no XGBoost"
    expect 0 train -c "$dir/optional.yaml" "$few" -o "$dir/model.avro" --candidate straight --json
    check "the linear candidate is trained" test "$(json kind)" = ridge
    says "candidate_left_out candidate=boosted"
    sed 's/base: straight/base: crooked/' "$dir/optional.yaml" >"$dir/bad.yaml"
    expect 1 check -c "$dir/bad.yaml" --offline
    says "no linear candidate above is called 'crooked'"
    finish
    exit
fi
expect 0 train -c "$dir/trees.yaml" "$few" -o "$dir/model.avro" --candidate boosted --json
check "it is a tree model" test "$(json kind)" = trees

expect 0 train -c "$dir/trees.yaml" "$few" -o "$dir/model.avro" --candidate both --json
check "trees on a linear model are trees" test "$(json kind)" = trees

expect 0 backtest -q -c "$dir/trees.yaml" "$trips" --json
check "trees were tried, with their parameters" \
    grep -q '"name":"boosted","kind":"trees","features":"few","trees":{"rounds":30,"depth":5' "$dir/out"
check "trees on a linear model were tried, with the name of their base" \
    grep -q '"name":"both","kind":"trees","features":"few","trees":{[^}]*},"base":"straight"' "$dir/out"
check "the cost of a prediction is shown" grep -q '"predict_us":0[.]' "$dir/out"
trained=$(grep -oE '"candidate":"(boosted|both)"' "$dir/out" | wc -l)
holds "$trained >= 2" # the first version and a challenger
check "a tree model challenged a champion" grep -qE '"candidate":"(boosted|both)"[^]]*"champion_rmse":[0-9.]*,' "$dir/out"
finish
