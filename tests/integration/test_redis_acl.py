"""Redis refuses commands and leeway continues: permissions that are missing at the start, revoked and
granted again mid-stream, and a Redis that is full.

Permissions missing at the start are named and stop `run`, except for a missing channel. Later, nothing stops
it: no step is applied partially, the log names the refused commands, and at the end every message is counted
once, every pane evaluated once, and every version has its line in the audit."""
import re

from harness import (ROOT, TRIPS, Daemon, Receiver, Redis, RedisServer, avro_cut, check, counters, each_pane_once, equal, main,
                     offsets, say, wait_evaluated, wait_for)

STREAM = TOPIC = "denied"
PARTITIONS, PANE = 3, 3600 * 1000
FIRST, MORE = 46, 6  # blocks of the file: until there is a champion, and while something is refused


def key(name):
    return f"leeway:{{{STREAM}}}:{name}"


def least():
    """The rules in the operators' documentation."""
    with open(f"{ROOT}/docs/redis.md", encoding="utf-8") as f:
        line = re.search(r"^ACL SETUSER leeway on >PASSWORD (.*)$", f.read(), re.M)[1]
    return line.replace("{STREAM}", f"{{{STREAM}}}").split()


def audited(redis, what):
    return [e for _, e in redis.entries(key("audit")) if e["what"] == what]


def refused(case, config, admin, rules):
    """`run` and `check` name permissions missing at the start."""
    for rule, words in (("+xsetid", "may not run xsetid"), (rules[0], "may not touch"), ("+evalsha", "evalsha")):
        admin("ACL", "SETUSER", "team", "reset", "on", ">x", *[r for r in rules if r != rule])
        daemon = Daemon(case, config, "refused")
        wait_for(f"it to exit without {rule}", 30, lambda: not daemon.alive())
        equal(daemon.child.returncode, 1, "exit status")
        line = daemon.text().splitlines()[-1]
        remedy = f"ACL SETUSER team {rule}"
        check(words in line and remedy in line, f"its message without {rule}", line)
        done = case.attempt("check", "-c", config)
        check(remedy in done.stdout and done.returncode == 3, f"the message of check without {rule}", done.stdout)
    equal(admin.keys("*"), [], "keys written although it did not start")


def revoke_and_grant(daemon, event, words, off, on, meanwhile, replay):
    """leeway logs it, keeps running, and continues when the permission is granted again."""
    seen = len(daemon.logged(event))
    off()
    replay()
    line = wait_for(f"{event} for {words}", 60, lambda: [l for l in daemon.logged(event)[seen:] if words in l])[0]
    meanwhile()
    check(daemon.alive(), f"it runs without {words}", daemon.text()[-2000:])
    say(f"{words}: {line[:150]}")
    on()


def scenario(case):
    case.create((TOPIC, PARTITIONS), (TOPIC + ".dead", 1))
    server = RedisServer(case)
    admin, rules = Redis(server.address), least()
    case.environment["LEEWAY_REDIS"] = f"redis://team:x@{server.address}"
    receiver = Receiver()
    case.at_end.append(receiver.close)
    case.environment["LEEWAY_WEBHOOK"] = receiver.url
    config = case.nyc(STREAM, TOPIC, [(r"^  timeout: 2s", "  timeout: 2s\n  lease: 2s")])
    refused(case, config, admin, rules)
    say("a permission missing at the start is named and stops it")

    # All commands on all keys, but no channel: the first promotion is still complete.
    admin("ACL", "SETUSER", "team", "reset", "on", ">x", "~leeway:*", "+@all")
    daemon = Daemon(case, config)
    blocks, sent = [0], []

    def replay():
        path, first = case.path(f"{len(sent)}.avro"), blocks[0]
        blocks[0] += MORE if sent else FIRST
        sent.append(avro_cut(TRIPS, path, first, blocks[0])[0])
        case.leeway("replay", "-c", config, path)

    replay()
    wait_for("a champion", 60, lambda: admin("HGET", key("models"), "champion"))
    wait_for("the log line about it", 10, lambda: len(daemon.logged("models_publish_failed")) > 1)
    equal(len(audited(admin, "promoted")), 1, "lines of the audit about it")
    check(daemon.alive(), "it runs without a channel")
    say("promoted without a channel, with its line in the audit")

    # Revoked while it runs: permissions of the leader, of the workers, and memory of both.
    admin("ACL", "SETUSER", "team", "reset", "on", ">x", *rules)
    sealed = {}

    def check_whole():
        equal(admin("XLEN", key("history")), admin("XLEN", key("evaluations")), "evaluations, each whole")
        sealed["history"] = admin("XLEN", key("history"))

    revoke_and_grant(daemon, "leader_retry", "XSETID", lambda: admin("ACL", "SETUSER", "team", "-xsetid"),
              lambda: admin("ACL", "SETUSER", "team", "+xsetid"), check_whole, replay)
    wait_for("more panes to be sealed", 60, lambda: admin("XLEN", key("history")) > sealed["history"])
    # A delivery that Redis cannot record is not repeated meanwhile.
    revoke_and_grant(daemon, "delivery_record_retry", "XDEL", lambda: admin("ACL", "SETUSER", "team", "-xdel"),
              lambda: admin("ACL", "SETUSER", "team", "+xdel"), check_whole, replay)
    resumed = len(daemon.logged("resumed"))
    revoke_and_grant(daemon, "stalled", "ZADD", lambda: admin("ACL", "SETUSER", "team", "-zadd"),
              lambda: admin("ACL", "SETUSER", "team", "+zadd"), check_whole, replay)
    wait_for("it to continue", 30, lambda: len(daemon.logged("resumed")) > resumed)

    def checked():
        done = case.attempt("check", "-c", config)
        check(done.returncode == 3 and "FAILED   memory" in done.stdout and "FAILED   scripts" in done.stdout,
              "the message of check about a full Redis", done.stdout)

    resumed = len(daemon.logged("resumed"))
    revoke_and_grant(daemon, "stalled", "OOM", lambda: admin("CONFIG", "SET", "maxmemory", "1mb"),
              lambda: admin("CONFIG", "SET", "maxmemory", "0"), checked, replay)
    wait_for("it to continue", 30, lambda: len(daemon.logged("resumed")) > resumed)

    wait_evaluated(admin, STREAM, sum(sent), PARTITIONS, PANE, 120)
    daemon.stop(20)
    equal(counters(admin, STREAM)["messages"], sum(sent), "messages counted")
    equal(offsets(admin, STREAM), sum(sent), "offsets")
    each_pane_once(admin, STREAM, PANE)
    ids = [a["id"] for a in receiver.got]
    equal(sorted(ids), sorted(set(ids)), "received alerts, each once")
    versions = sorted(int(e["detail"].split()[1]) for what in ("promoted", "rejected") for e in audited(admin, what))
    equal(versions, list(range(1, len(versions) + 1)), "versions, each with its line in the audit")
    admin.close()


main(scenario)
