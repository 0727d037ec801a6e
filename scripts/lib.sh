# shellcheck shell=bash
# Helpers for the other scripts, which source this file.
#
# They leave the machine unchanged except for packages. Packages are installed only when some are missing
# (only then is the network used), and no service of a package is started or enabled: while apt runs,
# policy-rc.d is replaced by one that denies, and restored afterwards.

# shellcheck disable=SC2034 # used by the sourcing scripts
lw_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly lw_root

say() { printf '%s\n' "== $*" >&2; }
warn() { printf '%s\n' "$0: $*" >&2; }
die() {
    warn "$@"
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# as_root COMMAND...: runs it directly as root, else with sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        die "needs root for: $* (run it as root, or install sudo)"
    fi
}

installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# missing_of ENTRY...: prints the missing packages. An entry is a package, or command=package if
# any command of that name suffices, however it was installed.
missing_of() {
    local entry
    for entry; do
        case $entry in
        *=*) have "${entry%%=*}" || printf '%s\n' "${entry#*=}" ;;
        *) installed "$entry" || printf '%s\n' "$entry" ;;
        esac
    done
}

readonly lw_policy=/usr/sbin/policy-rc.d
readonly lw_policy_kept=/usr/sbin/policy-rc.d.leeway-kept

services_deny() {
    # An existing backup was left by an interrupted run and is the original.
    if [ -e $lw_policy ] && [ ! -e $lw_policy_kept ]; then
        as_root mv $lw_policy $lw_policy_kept
    fi
    printf '#!/bin/sh\n# leeway: no service starts while packages are installed\nexit 101\n' |
        as_root tee $lw_policy >/dev/null
    as_root chmod 755 $lw_policy
}

services_allow() {
    if [ -e $lw_policy_kept ]; then
        as_root mv -f $lw_policy_kept $lw_policy
    else
        as_root rm -f $lw_policy
    fi
}

# A package enables its service for the next boot even if it was not started now.
service_disable() {
    if have systemctl; then
        as_root systemctl --quiet disable "$1" >/dev/null 2>&1 || true
    elif have deb-systemd-helper; then
        as_root deb-systemd-helper disable "$1.service" >/dev/null 2>&1 || true
    fi
    ! have update-rc.d || as_root update-rc.d "$1" disable >/dev/null 2>&1 || true
}

apt_quiet() {
    local log
    log=$(mktemp)
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

# apt_need ENTRY...: installs the missing ones; changes nothing if none is missing.
apt_need() {
    local missing package services=()
    mapfile -t missing < <(missing_of "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    have apt-get || die "missing packages, but no apt-get to install them: ${missing[*]}"
    say "installing ${missing[*]}"
    # An unreachable third-party source is only a warning; a failed install is an error.
    apt_quiet update || warn "apt-get update failed; trying with the existing package lists"
    for package in redis-server prometheus-alertmanager prometheus; do
        installed "$package" || services+=("$package")
    done
    # In a subshell, so that the EXIT trap does not replace the caller's, and runs on Ctrl-C too.
    (
        trap services_allow EXIT
        trap 'exit 130' INT TERM HUP
        services_deny
        apt_quiet install --no-install-recommends "${missing[@]}"
    ) || die "apt-get could not install: ${missing[*]}"
    for package in "${services[@]}"; do
        ! installed "$package" || service_disable "$package"
    done
}

# logged TEXT LOG COMMAND...: prints TEXT, and writes the output to LOG, shown if the command fails.
logged() {
    local text=$1 log=$2
    shift 2
    say "$text"
    : >"$log"
    if ! "$@" >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        warn "failed: $* (complete log: $log)"
        return 1
    fi
}

# cmake_quick: uses ccache if installed.
cmake_quick() {
    if [ -z "${CMAKE_C_COMPILER_LAUNCHER:-}" ] && have ccache; then
        export CMAKE_C_COMPILER_LAUNCHER=ccache
    fi
}
