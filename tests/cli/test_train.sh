#!/usr/bin/env bash
# leeway train: usage, trials, --until, --candidate, and the same model from the same rows.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" "$1"

expect 0 train --help
prints "--table"
expect 2 train -c "$config" -o "$dir/m.avro"
says "no input files"
expect 2 train -c "$config" "$trips"
says "-o FILE is required"
expect 2 train -c "$config" "$trips" -o "$dir/m.avro" --until someday
says "is not a time"
expect 2 train -c "$config" "$trips" -o "$dir/m.avro" --later "$trips"
says "require --table"
expect 1 train -c "$config" "$dir/absent.avro" -o "$dir/m.avro"
says "absent.avro"

expect 0 train -c "$config" "$trips" -o "$dir/a.avro" --until 2020-03-12 --json
holds "$(json rows) > 80000 && $(json rows) < 140000"
holds "$(json holdout_rmse) > 3 && $(json holdout_rmse) < 6"
check "as of the requested time" test "$(json as_of)" = 2020-03-12T00:00:00Z
name=$(json candidate) rows=$(json rows)
check "trials are listed" grep -q '"trials":\[{"name"' "$dir/out"

# Without --until an event dated July must not move the hold-out away from the end of May.
expect 0 train -c "$config" "$trips" -o "$dir/all.avro"
prints "hold-out 2020-05-30"

expect 1 train -c "$config" "$trips" -o "$dir/m.avro" --candidate "${name%?}"
says "did you mean"
check "nothing is written after a failure" test ! -e "$dir/m.avro"
for i in 1 2; do
    expect 0 train -c "$config" "$trips" -o "$dir/$i.avro" --until 2020-03-12 --candidate "$name" --json
done
check "only the named candidate" test "$(json candidate)" = "$name"
# All rows are used: retrain.window, which would exclude 2009, applies only to the retrainer.
holds "$(json rows) > $rows && $(json rows) < $rows + 100"
check "the same rows, the same bytes" cmp "$dir/1.avro" "$dir/2.avro"
finish
