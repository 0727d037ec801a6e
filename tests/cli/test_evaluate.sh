#!/usr/bin/env bash
# leeway evaluate and score: figures that agree with each other, a picture, errors.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" "$1"

expect 0 train -c "$config" "$trips" -o "$dir/m.avro" --until 2020-03-12
expect 0 evaluate -c "$config" -m "$dir/m.avro" "$trips" --json --plot "$dir/p.svg" --by pickup_hour
rmse=$(json rmse) n=$(json n)
holds "$n == 305602 && $rmse > 5 && $rmse < 6.6"
total=$(grep -o '"n":[0-9]*' "$dir/out" | cut -d: -f2 | awk '{ s += $1 } END { print s }')
holds "$total == 3 * $n" # all of it, by month, by hour
check "months without rows are not invented" \
    test "$(grep -o '"month":"' "$dir/out" | wc -l)" -lt 12

check "the picture is an SVG" grep -q '^<svg xmlns="http://www.w3.org/2000/svg"' "$dir/p.svg"
check "the picture is complete" grep -q '^</svg>' "$dir/p.svg"
check "the picture is self-contained" test "$(grep -c 'href\|<script\|url(h' "$dir/p.svg")" -eq 0
check "no figure is NaN" test "$(grep -ci 'nan' "$dir/p.svg")" -eq 0

expect 0 evaluate -c "$config" -m "$dir/m.avro" "$few" --by 'trip_distance'
prints "trip_distance"
expect 1 evaluate -c "$config" -m "$dir/m.avro" "$few" --by 'huor(lpep_pickup_datetime)'
says 'did you mean "hour"'
expect 2 evaluate -c "$config" "$few"
head -c 5000 "$dir/m.avro" >"$dir/cut.avro"
expect 1 evaluate -c "$config" -m "$dir/cut.avro" "$few"
says "cut.avro"
expect 1 evaluate -c "$config" -m "$few" "$few"

# ---- score: the same predictions, one per record
expect 0 score -c "$config" -m "$dir/m.avro" "$trips" -o -
check "one line per record" test "$(wc -l <"$dir/out")" -eq 316378
again=$(awk -F'[:,]' '/"rejected": *null/ { p = t = ""
        for (i = 1; i < NF; i++) { if ($i ~ /"prediction"/) p = $(i + 1); if ($i ~ /"target"/) t = $(i + 1) }
        s += (p - t) ^ 2; n++ } END { printf "%.6f %d", sqrt(s / n), n }' "$dir/out")
holds "${again% *} - $rmse < 1e-5 && $rmse - ${again% *} < 1e-5 && ${again#* } == $n"
check "ids are those of the trips" grep -q '^{"id":"202003-' "$dir/out"

expect 0 score -c "$config" -m "$dir/m.avro" "$few" -o "$dir/s.avro"
expect 0 report --reference "$dir/s.avro" --current "$dir/s.avro" --json
check "the Avro file is valid" grep -q '"column":"prediction"' "$dir/out"
records=$(json records)
holds "$records == 250"
expect 1 score -c "$config" -m "$dir/m.avro" "$few" -o "$dir/none/s.avro"
expect 2 score -c "$config" -m "$dir/m.avro" "$few"
finish
