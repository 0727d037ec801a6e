#!/usr/bin/env bash
# The example of embedding: a model trained by leeway gives the same predictions in a program that
# uses only the public headers.
#   test_embedding.sh PROGRAM SCORE_RECORD ROWS_TSV
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" "$1"
example=$2 rows=$3

expect 0 train -c "$config" "$trips" -o "$dir/model.avro" --until 2020-03-12 --candidate steady-28d
expect 0 score -c "$config" --model "$dir/model.avro" "$few" -o -
grep -o '"prediction":[^,}]*' "$dir/out" | cut -d: -f2 >"$dir/theirs"
check "rows as text" "$rows" "$config" "$few" >"$dir/records.tsv"
check "the example runs" "$example" "$dir/model.avro" <"$dir/records.tsv" >"$dir/ours"
holds "$(wc -l <"$dir/ours") == 250"
holds "$(wc -l <"$dir/ours") == $(wc -l <"$dir/theirs")"
holds "$(sort -u "$dir/ours" | wc -l) > 150" # they do differ from each other
check "the same predictions to 1e-9" awk '
    { d = $1 - $2; if (d < 0) d = -d; if (!(d <= 1e-9)) { print "line " NR ": " $0; bad = 1 } }
    END { exit bad || NR == 0 }' <(paste "$dir/ours" "$dir/theirs")

# docs/embedding.md: its records, and approximately the figure that it prints.
page=$(dirname "$0")/../../docs/embedding.md
expect 0 train -c "$config" "$trips" -o "$dir/page.avro" --until 2020-03-12
record=$(sed -n "s/^ *printf '\\(.*\\)' |$/\\1/p" "$page")
figure=$(sed -n 's/.* prints .* about `\([0-9.]*\)`.*/\1/p' "$page")
printf '%b' "$record" | "$example" "$dir/page.avro" >"$dir/printed"
check "the figure in docs/embedding.md" awk -v stated="$figure" '
    { d = $1 - stated; if (d < 0) d = -d; bad = !(stated > 0 && d <= 0.5) } END { exit bad || NR != 1 }' "$dir/printed"

refused() { # WHAT MODEL INPUT
    checks=$((checks + 1))
    if printf '%b' "$3" | "$example" "$2" >"$dir/out" 2>"$dir/err"; then
        fail "accepted: $1"
    fi
    says "$1"
}
head=$(head -1 "$dir/records.tsv")
refused "absent.avro" "$dir/absent.avro" ""
head -c 1000 "$dir/model.avro" >"$dir/cut.avro"
refused "cut.avro" "$dir/cut.avro" ""
refused "no header" "$dir/model.avro" ""
refused "lpep_pickup_datetime" "$dir/model.avro" "PULocationID\tDOLocationID\ttrip_distance\n"
refused "line 2: " "$dir/model.avro" "$head\n1\n"
finish
