#!/usr/bin/env bash
# leeway train --table against NumPy and scikit-learn (tests/data/cli/make_table.py).
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" "$1"

expect 0 train -c "$config" --table "$few" --later "$few" --json
tr '{' '\n' <"$dir/out" >"$dir/lines"
# A line of the table starts a set; its models follow, each with its figures.
awk -F'[":,]+' '/"features"/ { set++ }
    /"model"/ { for (i = 1; i < NF; i++) { if ($i == "model") m = $(i + 1)
                    if ($i == "train_rmse") t = $(i + 1); if ($i == "later_rmse") l = $(i + 1) }
                print set - 1, m, t, l }' "$dir/lines" >"$dir/table"
check "two sets of seven models" test "$(wc -l <"$dir/table")" -eq 14
while read -r set model alpha rest; do
    case $model in LinearRegression) want=$alpha name=$model ;; *) want=$rest name="$model $alpha" ;; esac
    read -r train later < <(awk -v p="$set $name " 'index($0, p) == 1 { print substr($0, length(p) + 1) }' "$dir/table")
    holds "${train:-0} - $want < 1e-4 && $want - ${train:-0} < 1e-4"
    holds "${train:-0} - ${later:-9} < 1e-9 && ${later:-9} - ${train:-0} < 1e-9"
done <"$root/tests/data/cli/table.txt"

expect 0 train -c "$config" --table "$few" --columns DOLocationID,passenger_count
says_nothing=$(cat "$dir/err")
check "no message" test -z "$says_nothing"
expect 1 train -c "$config" --table "$few" --columns PULocatonID
says 'did you mean "PULocationID"'
expect 2 train -c "$config" --table "$few" -o "$dir/m.avro"
finish
