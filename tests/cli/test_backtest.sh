#!/usr/bin/env bash
# leeway backtest: all forms of output agree; two configurations, error by segment, injected drift, and clear
# errors when nothing can be scored.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" "$1"
command -v python3 >/dev/null || exit 77
here=$(dirname "$0")
export OPENBLAS_NUM_THREADS=1

derive a.yaml
derive b.yaml -e 's/max_age: 31d/max_age: 10d/' -e 's/keep_first: true/keep_first: false/'

expect 0 backtest -c "$dir/a.yaml" --against "$dir/b.yaml" --segment pickup_hour --segment trip_distance \
    --inject 'sudden:field=target,size=8,at=2020-05-10,until=2020-05-13' --truth "$dir/truth.json" \
    --html "$dir/page.html" --json "$trips"
check "one line of JSON" test "$(wc -l <"$dir/out")" -eq 1
check "figures agree with each other" python3 "$here/check_backtest.py" "$dir/out" "$dir/truth.json"

check "every HTML element is closed" python3 "$here/check_html.py" "$dir/page.html"
check "the page is self-contained" test "$(grep -c 'href\|<script\|<img\|url(\|@import' "$dir/page.html")" -eq 0
check "no figure is NaN" test "$(grep -ci '>nan\|"nan\| nan' "$dir/page.html")" -eq 0
check "light and dark colours" grep -q 'prefers-color-scheme:dark' "$dir/page.html"
for class in managedline otherline frozenline promoted 'alert critical'; do
    check "the chart has its $class" grep -q "class=\"$class\" d=\"M" "$dir/page.html"
done

expect 0 backtest -c "$dir/b.yaml" -q --segment pickup_hour "$trips"
prints "managed, daily"
prints "managed (frozen) by pickup_hour"
check "no NaN with a first model that was rejected" test "$(grep -ci 'nan' "$dir/out")" -eq 0

# Names are escaped like any text.
derive evil.yaml -e 's/name: only/name: "<b>\&x"/' -e 's/^rules:/rules:\n  - {name: "<i>r", metric: rmse, window: day, warn: 0.1}/'
if "$program" backtest -c "$dir/evil.yaml" -q --html "$dir/evil.html" "$trips" >"$dir/out" 2>"$dir/err"; then
    check "names are escaped" grep -q '&lt;b&gt;&amp;x' "$dir/evil.html"
    check "no name is interpreted as HTML" test "$(grep -c '<b>&x\|<i>r' "$dir/evil.html")" -eq 0
else
    says "name"
fi

# ---- errors
expect 2 backtest -c "$dir/a.yaml" --calibrate --html "$dir/page.html" "$trips"
says "--calibrate takes"
expect 2 backtest -c "$dir/a.yaml"
says "no input files"
# A feed that stays broken: nothing is trained from then on, until a person releases it.
expect 0 backtest -c "$dir/a.yaml" --inject 'nulls:field=passenger_count,at=2020-05-05T00:30' \
    --release passenger_count@2020-05-15 "$trips"
trained_between() { # FROM TO
    awk -v from="$1" -v to="$2" '$1 >= from && $1 < to && ($2 == "promoted" || $2 == "rejected")' "$dir/out" | grep -c .
}
prints "Data fault in passenger_count"
check "its rows are in quarantine from the first on" grep -q 'quarantine .* passenger_count from 2020-05-0[45]T' "$dir/out"
check "nothing is trained while it lasts" test "$(trained_between 2020-05-05T00:30 2020-05-15T00:00)" -eq 0
check "a person can release it" grep -q '^2020-05-15T00:00  released' "$dir/out"
check "training continues after the release" test "$(trained_between 2020-05-15T00:00 2020-06-02T00:00)" -ge 1
check "the same fault is not reported again" test "$(grep -c 'critical *Data fault in passenger' "$dir/out")" -eq 1

expect 2 backtest "$trips"
says "-c FILE is required"
expect 2 backtest -c "$dir/a.yaml" --release passenger_count "$trips"
says "FEATURE@TIME"
expect 2 backtest -c "$dir/a.yaml" --truth "$dir/t.json" "$trips"
says "requires --inject"
expect 2 backtest -c "$dir/a.yaml" --bootstrap-until noon "$trips"
says '"noon" is not a time'
expect 1 backtest -c "$dir/a.yaml" --inject 'suden:field=target,size=8,at=2020-05-10' "$few"
says "sudden"
expect 1 backtest -c "$dir/a.yaml" --segment pickup_huor "$few"
says "--segment"
expect 1 backtest -c "$dir/a.yaml" --bootstrap-until 2030-01-01 "$few"
says "nothing was scored"
expect 1 backtest -c "$dir/a.yaml" --bootstrap-until 2024-03-20 "$few"
says "fewer than retrain.min_rows"
expect 1 backtest -c "$dir/a.yaml" "$dir/none.avro"
says "none.avro"
expect 1 backtest -c "$dir/a.yaml" --against "$dir/none.yaml" "$few"
says "none.yaml"
: >"$dir/empty.avro"
expect 1 backtest -c "$dir/a.yaml" "$dir/empty.avro"
says "empty.avro"
finish
