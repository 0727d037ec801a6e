#!/bin/sh
# Every Lua script compiles as Lua 5.1, the language of Redis, and uses only the globals that
# Redis provides: a misspelt or leaked variable would fail only when its line runs.
#   check_lua_scripts.sh DIRECTORY-OF-RESOLVED-SCRIPTS
set -eu
command -v luac >/dev/null || { echo "luac is missing: apt-get install lua5.1"; exit 77; }
allowed=' KEYS ARGV redis cjson cmsgpack struct bit ipairs pairs next type tonumber tostring
 unpack select pcall error assert string table math '
n=0 bad=0
for script in "$1"/*.lua; do
    listing=$(luac -l -p "$script") || { bad=1; continue; }
    n=$((n + 1))
    if printf '%s\n' "$listing" | grep SETGLOBAL; then
        echo "$script sets a global"
        bad=1
    fi
    for name in $(printf '%s\n' "$listing" | sed -n 's/.*GETGLOBAL.*; //p' | sort -u); do
        case "$allowed" in
        *" $name "*) ;;
        *) echo "$script reads the unknown global '$name'"; bad=1 ;;
        esac
    done
done
[ "$n" -ge 20 ] || { echo "only $n scripts compile in $1"; bad=1; }
exit $bad
