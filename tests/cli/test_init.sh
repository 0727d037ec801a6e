#!/usr/bin/env bash
# leeway init: from an empty folder and a file of events to a configuration that `check` accepts and
# `backtest` runs.
#   test_init.sh PROGRAM
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" "$1"
program=$(realpath "$program")
mkdir "$dir/empty"
cd "$dir/empty" || exit 1
minutes=minutes_between:lpep_pickup_datetime,lpep_dropoff_datetime

# ---- a stream of trips ----
expect 0 init "$trips" --target $minutes --range 1,60 -o green.yaml
says "wrote green.yaml and green.avsc"
check "the schema is beside it" grep -q '"GreenTrip"' green.avsc
check "no other file" test "$(find . -type f | wc -l)" = 2
for line in "stream: green" "topic: green" 'schema: "green.avsc"' "id: trip_id" "time: lpep_dropoff_datetime" \
    "minutes_between: [lpep_pickup_datetime, lpep_dropoff_datetime]" "range: [1, 60]" \
    "PULocationID: {kind: category, required: true}" "trip_distance: {kind: numeric, required: true}" \
    "passenger_count: {kind: numeric}" "# left out: fare_amount: a leak?" "length: 15m" "lateness: 5m"; do
    check "\"$line\"" grep -qF -- "$line" green.yaml
done
check "zones are crossed" grep -q 'LocationID \* .*LocationID' green.yaml
expect 0 check -c green.yaml --offline "$trips"
prints "0 unreadable"

# ---- it runs; without trees, which this test has no time for ----
sed '/name: boosted/,/trees: {/d' green.yaml >linear.yaml
expect 0 backtest -c linear.yaml --json --bootstrap-until 2020-03-12 "$trips"
holds "$(json managed_rmse) < 4.9"
holds "$(json managed_rmse) < 0.8 * $(json frozen_rmse)"
holds "$(json promotions) >= 2"

# ---- a guess is marked as one, and says what else there was ----
expect 0 init "$trips"
prints "# guessed: the name of fare_amount; the others were"
says "with -o FILE, the schema is written, too"
check "nothing was written" test "$(find . -type f | wc -l)" = 3

# ---- another stream, with options ----
sales=$root/tests/data/cli/reference.avro
expect 0 init "$sales" --target amount --time sold_at --id sale --leave-out items -o sales.yaml
check "left out on request" grep -qF "# left out: items: --leave-out" sales.yaml
expect 0 check -c sales.yaml --offline "$sales"
check "an unordered file is noticed" grep -q "not in order of arrival" sales.yaml

# ---- the clocks that the stream lives by ----
expect 0 init "$sales" --target amount --time-zone Europe/Rome
prints "time_zone: Europe/Rome"
expect 2 init "$sales" --target amount --time-zone Europe/Roma
says '--time-zone: time zone "Europe/Roma" is not known'

# ---- a topic, without connecting ----
topic=(--topic sales --kafka localhost:9 --schema x.avsc)
expect 2 init "${topic[@]}"
says "--topic needs --kafka, --schema and -o"
expect 2 init "${topic[@]}" -o t.yaml "$sales"
says "--topic is read instead of files"
expect 2 init "$sales" --schema x.avsc
says "belong to --topic"
expect 2 init "${topic[@]}" -o t.yaml --property sasl.password=hush
says "--property sasl.password is a secret"
check "not even in the message" test "$(grep -c hush "$dir/err")" = 0
expect 2 init "${topic[@]}" -o t.yaml --property group
says '--property takes NAME=VALUE, not "group"'
expect 1 init "${topic[@]}" -o t.yaml
says "x.avsc"
check "not written" test ! -e t.yaml

# ---- several files are one sample ----
expect 0 init "$few" "$trips" --target $minutes
prints "and 1 more"

# ---- no file is overwritten by accident ----
cp sales.yaml before
expect 1 init "$sales" --target amount -o sales.yaml
says "sales.yaml exists; choose another file, or overwrite it with --force"
check "unchanged" cmp -s before sales.yaml
expect 1 init "$sales" --target amount -o sales.yml # the schema exists
check "not written" test ! -e sales.yml
expect 0 init "$sales" --target amount -o sales.yaml --force
check "overwritten" test "$(cmp -s before sales.yaml && echo same)" = ""

# ---- errors ----
expect 2 init
says "no input files"
expect 1 init nothing.avro
says "nothing.avro"
expect 1 init "$config"
expect 2 init "$sales" --target amuont
says 'did you mean "amount"'
expect 2 init "$sales" --target amount --range 5
says "--range takes LOW,HIGH"
expect 1 init "$sales" --target amount -o /no/such/folder/x.yaml
check "no half of it was left" test ! -e /no/such/folder
finish
