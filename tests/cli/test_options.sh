#!/usr/bin/env bash
# Options that no other test uses, and usage errors.
#   test_options.sh PROGRAM
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" "$1"
export LEEWAY_KAFKA=127.0.0.1:1 LEEWAY_REDIS=redis://127.0.0.1:1 LEEWAY_WEBHOOK=http://127.0.0.1:1/

refused() { # WHAT ARGUMENT...
    local what=$1
    shift
    expect 2 "$@"
    says "$what"
}

# ---- repeated or invalid values ----
refused "--by may be given only once" evaluate --by a --by b
refused "--config may be given only once" run -c "$config" --config "$config"
refused "--top may be given only once" evaluate --top 1 --top=2
refused "--json takes no value" demo --json=false
refused "--speed takes a number of 0 or more, not \"-1\"" demo --speed -1
refused "--rate takes a number of 0 or more, not \"fast\"" replay --rate fast
refused "--top takes a whole number of 0 or more, not \"2.5\"" evaluate --top 2.5
refused "--limit takes a whole number of 0 or more, not \"-1\"" dead-letters --limit -1
refused "--speed requires a value" demo --speed
expect 0 demo --json --json --help # a flag says the same twice
expect 2 backtest -c "$config" --segment a --segment b --inject x --inject y # these may be repeated
says "no input files"

# ---- options of another subcommand, unexpected arguments ----
refused "apply only to silence, not to list" alerts -c "$config" --for 2h --comment "road works"
refused "apply only to silence, not to test" alerts -c "$config" test --rule psi-day
refused "apply only to test, not to list" alerts -c "$config" list --receiver on-call
refused "--by applies only to silence" alerts -c "$config" --by ann
refused 'unexpected argument "extra"' alerts -c "$config" list extra
refused 'unexpected argument "extra"' alerts -c "$config" retry 1-0 extra
refused 'unknown subcommand "mute"' alerts -c "$config" mute
refused "--output applies only to show" models -c "$config" -o "$dir/model.avro"
refused "--reason applies only to promote, rollback and import" models -c "$config" retrain --reason "why not"
refused 'unexpected argument "4"' models -c "$config" promote 3 4
refused "--promote applies only to import" models -c "$config" promote 3 --promote
refused "--format applies only to export" models -c "$config" import model.json --format json
refused "exclude each other" models -c "$config" import model.json --promote -o "$dir/model.avro"
refused "import needs a file" models -c "$config" import
refused "export needs --version N" models -c "$config" export -o "$dir/model.avro"
refused "--format is avro, xgboost or json" models -c "$config" export --version 1 -o "$dir/m" --format onnx
refused "apply only to replay" dead-letters -c "$config" --all
refused "apply only to replay" dead-letters -c "$config" list --dry-run
refused "apply only to replay" dead-letters -c "$config" show 0:1 --topic elsewhere
refused 'unexpected argument "extra"' run -c "$config" extra
refused 'unexpected argument "extra"' status -c "$config" extra

# ---- messages cannot control the terminal ----
refused 'unknown command "\x1b[31m"' $'\e[31m'
refused 'unknown option --\u009b31m' run $'--\xc2\x9b31m'
expect 1 check -c $'/no/\e]0;title\a.yaml' --offline
says '/no/\x1b]0;title\x07.yaml'

# ---- every other option works ----
expect 0 check --manual
check "the manual is docs/config.md" cmp -s "$dir/out" "$root/docs/config.md"
expect 0 check -c "$config" --print
prints 'bootstrap.servers: "127.0.0.1:1"'
cp "$dir/out" "$dir/printed.yaml"
expect 0 check -c "$config" --offline
expect 0 alerts -c "$config" test --print
prints '"rule":"leeway-test"'
expect 0 alerts -c "$config" test --print --receiver on-call
prints "on-call (json):"
refused 'there is no receiver "nobody"' alerts -c "$config" test --print --receiver nobody
expect 1 alerts -c "$config" test --json
prints '"delivered":false'
expect 1 alerts -c "$config" silence --rule 'recal*' --feature trip_distance --severity warning \
    --for 2h --comment "road works" --by ann
says "Connection refused"
expect 1 models -c "$config" promote 1 --reason "the fare changed"
says "Connection refused"
expect 0 train -c "$config" "$few" -o "$dir/model.avro" --candidate steady-28d
expect 0 evaluate -c "$config" -m "$dir/model.avro" --by PULocationID --top 3 "$few"
holds "$(grep -c ' ±' "$dir/out") == 5" # a month, all, and three zones
expect 0 evaluate -c "$config" -m "$dir/model.avro" --by PULocationID --top 3 --json "$few"
holds "$(json n) > 200"
expect 3 report --reference "$trips" --current "$few" --floor 0.1 --min-n 100
expect 0 report --reference "$trips" --current "$trips" --floor 100 --alpha 0.001
finish
