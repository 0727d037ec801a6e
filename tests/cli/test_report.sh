#!/usr/bin/env bash
# leeway report: verdicts, faults, exit codes, and a self-contained page.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" "$1"
sales=$root/tests/data/cli

# ---- equal sides: nothing is reported
expect 0 report --reference "$sales/reference.avro" --current "$sales/same.avro" -o "$dir/same.html"
prints "0 of 8 columns drifted."
prints "sale (an identifier)"
expect 0 report --reference "$sales/reference.avro" --current "$sales/reference.avro" --json
check "nothing was found" test "$(json found)" = false

# ---- faults are named, separately from drift
expect 3 report --reference "$sales/reference.avro" --current "$sales/broken.avro" -o "$dir/b.html"
prints "field till changed from int to string"
prints "field cashier (int) was removed"
prints "FAULT amount: sent in hundredths"
prints "FAULT weight"
prints "FAULT loyalty"
prints "1 of 7 columns drifted."
prints "harbour"
expect 3 report --reference "$sales/reference.avro" --current "$sales/broken.avro" --json
check "a category appeared" grep -q '"category":"harbour"[^}]*"what":"appeared"' "$dir/out"
check "a category vanished" grep -q '"category":"south"[^}]*"what":"vanished"' "$dir/out"
check "no NaN" test "$(grep -ci 'nan\|inf[,}]' "$dir/out")" -eq 0

# ---- below the floor a certain change is shifted, and says what changed
expect 3 report --reference "$sales/reference.avro" --current "$sales/broken.avro" --floor 9
prints "0 of 7 columns drifted. 1 shifted."
prints "    south: 30.2 → 0.0 %"
expect 3 report --reference "$sales/reference.avro" --current "$sales/broken.avro" --floor 9 --json
check "the change has its size" grep -q '"share":{"reference":0.302,"current":0.0,"category":"south"}' "$dir/out"

# ---- another numeric type for the same numbers is a note: neither drift nor a fault, exit code 0
expect 0 report --reference "$sales/wide.avro" --current "$sales/narrow.avro"
prints "note   field price changed from double to float"
prints "note   field amount changed from long to int"
expect 0 report --reference "$sales/narrow.avro" --current "$sales/wide.avro"

for page in same b; do
    check "$page: complete" grep -q '</html>' "$dir/$page.html"
    check "$page: no script" test "$(grep -ci '<script' "$dir/$page.html")" -eq 0
    check "$page: no request" test "$(grep -c 'href=\|src=\|@import\|url(' "$dir/$page.html")" -eq 0
    check "$page: pictures are embedded" grep -q '<svg' "$dir/$page.html"
    check "$page: dark colours too" grep -q 'prefers-color-scheme:dark' "$dir/$page.html"
    check "$page: no NaN" test "$(grep -c '[^a-z]nan[^a-z]' "$dir/$page.html")" -eq 0
done
check "hostile names are text" grep -q '&lt;script' "$dir/b.html"

# ---- through a configuration, with a model
expect 0 train -c "$config" "$trips" -o "$dir/m.avro" --until 2020-03-12
expect 3 report -c "$config" -m "$dir/m.avro" --reference "$trips" --current "$few" --min-n 30 --json
check "error by segment" grep -q '"segments":\[' "$dir/out"
check "the target is a column" grep -q '"column":"target"' "$dir/out"
expect 0 report -c "$config" --reference "$trips" --current "$few" --min-n 100000 --json
check "too few to judge" grep -q '"verdict":"insufficient"' "$dir/out"

# ---- several files per side; errors
expect 0 report --reference "$sales/reference.avro" "$sales/same.avro" --current="$sales/same.avro" --json
check "both files were read" test "$(json records)" = 3000
expect 2 report --reference "$sales/reference.avro"
says "--reference A... and --current B... are required"
expect 2 report --reference "$sales/reference.avro" --current "$sales/same.avro" --alpha 2
expect 2 report --window day
expect 1 report --reference "$sales/reference.avro" --current "$sales/make_report.py"
says "make_report.py"
expect 1 report -c "$config" --window dya
says 'did you mean "day"'
finish
