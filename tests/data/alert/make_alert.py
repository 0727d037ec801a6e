#!/usr/bin/env python3
"""Writes the golden files of the alert tests, without using any of leeway's code.

    cd tests/data/alert && python3 make_alert.py

Writes message_*.json (messages as stored in the outbox), body_<format>_*.json (the expected body for each receiver
at NOW), and signatures.json (Standard Webhooks). Needs Python 3.8 or newer, no package.
"""
import base64
import datetime
import hashlib
import hmac
import json

NOW = "2020-03-21T04:00:07Z"
REPEAT_S = 60  # of the alertmanager receiver
PAGE = "https://leeway.example.org/"
RUNBOOK = "https://leeway.example.org/docs/alerts.md#psi-day"

FIRING = {
    "version": 1, "id": "00c0ffee00c0ffee-critical", "incident": "00c0ffee00c0ffee",
    "fingerprint": "0123456789abcdef", "status": "firing", "severity": "critical", "repeat": 0,
    "stream": "nyc-green", "rule": "psi-day", "metric": "psi", "feature": "trip_distance",
    "value": 0.3125, "threshold": 0.25, "once_in_days": 45.5, "n": 12345,
    "window": {"name": "day", "from": "2020-03-20T04:00:00Z", "until": "2020-03-21T04:00:00Z"},
    "model_version": 3, "since": "2020-03-20T22:00:00Z", "at": "2020-03-21T04:00:00Z",
    "raised_at": "2020-03-21T04:00:05Z", "host": "trips-1",
    "summary": "trip_distance has moved: PSI 0.3125 over the day, limit 0.25 <&>.",
    "action": "retrain requested",
    "details": {
        "top_drifted": [
            {"feature": "trip_distance", "kind": "numeric", "verdict": "drift", "psi": 0.3125,
             "n": {"reference": 50000, "window": 12345},
             "missing": {"reference": 0.0, "window": 0.02},
             "out_of_range": {"reference": 0.001, "window": 0.001},
             "reference": {"p10": 0.8, "p50": 1.9, "p90": 6.125},
             "window": {"p10": 0.9, "p50": 2.6, "p90": 9.75}},
            {"feature": "PULocationID", "kind": "category", "verdict": "drift", "psi": 0.15,
             "n": {"reference": 50000, "window": 12345},
             "missing": {"reference": 0.0, "window": 0.0},
             "out_of_range": {"reference": 0.0, "window": 0.0},
             "unseen": 0.02,
             "appeared": [{"value": "264", "share": 0.0125}, {"value": "7", "share": 0.0075}],
             "vanished": [{"value": "1", "share": 0.005}],
             "moved": [{"value": "74", "reference": 0.125, "window": 0.0625}]}],
        "shifted": [{"feature": "passenger_count", "text": "missing: 6.0 → 3.4 %"},
                    {"feature": "flag", "text": "1: 0.5 → 5.0 %"}],
        "error_label": "RMSE",
        "segments": [{"name": "PULocationID", "value": "74", "n": 912, "share": 0.41,
                      "error": 9.5, "reference_error": 6.25}],
        "examples": ["2020-03-20-000017", "2020-03-20-000099"]},
    "links": {"page": PAGE, "runbook": RUNBOOK},
}
RESOLVED = dict(FIRING, id="00c0ffee00c0ffee-resolved", status="resolved", value=0.05, threshold=0.1, once_in_days=1.25,
                summary="trip_distance is back: PSI 0.05.", action=None,
                details={"top_drifted": [], "shifted": [], "error_label": "RMSE", "segments": [], "examples": []})
# No rule, no feature, no window, no links; a repetition.
BARE = dict(FIRING, id="00c0ffee00c0ffee-warning.2", severity="warning", repeat=2, rule="rollback",
            metric=None, feature=None, value=None, threshold=None, once_in_days=None, n=0, window=None,
            model_version=None, host=None, summary=None, action=None,
            details={"top_drifted": [], "shifted": [], "error_label": "RMSE", "segments": [], "examples": []},
            links={"page": None, "runbook": None})
MESSAGES = {"firing": FIRING, "resolved": RESOLVED, "bare": BARE}


def figure(v):
    if v is None:
        return "n/a"
    return "%.0f" % v if 10000 <= abs(v) < 1e15 else "%.4g" % v


def title(m):
    mark = "RESOLVED" if m["status"] == "resolved" else m["severity"].upper()
    still = " (still)" if m["repeat"] and m["status"] == "firing" else ""
    of = " of " + m["feature"] if m["feature"] else ""
    return f"[{mark}] {m['stream']}: {m['rule']}{of}{still}"


def facts(m):
    out = []
    if m["value"] is not None:
        limit = f" (threshold {figure(m['threshold'])})" if m["threshold"] is not None else ""
        out.append(("Value", figure(m["value"]) + limit))
    out.append(("Since", m["since"] + " (event time)"))
    if m["window"]:
        w = m["window"]
        out.append(("Window", f"{w['name']}: {w['from']} to {w['until']}"))
    if m["n"]:
        out.append(("Sample", f"{m['n']:,} events"))
    if m["model_version"]:
        out.append(("Model", f"v{m['model_version']}"))
    out.append(("Rule", f"{m['rule']} ({m['metric']})" if m["metric"] else m["rule"]))
    if m["action"]:
        out.append(("Action", m["action"]))
    return out


def drifted_feature(v):
    s = f"{v['feature']}: PSI {figure(v['psi'])}"
    if v["kind"] == "numeric":
        a, b = v["reference"], v["window"]
        s += (f", median {figure(a['p50'])} → {figure(b['p50'])} (p10 {figure(a['p10'])} → "
              f"{figure(b['p10'])}, p90 {figure(a['p90'])} → {figure(b['p90'])})")
    else:
        if v["moved"]:
            s += ", shifted: " + ", ".join(
                f"{c['value']} {100 * c['reference']:.1f} → {100 * c['window']:.1f} %"
                for c in v["moved"][:3])
        for key, label in (("appeared", ", new: "), ("vanished", ", gone: ")):
            if v[key]:
                s += label + ", ".join(f"{c['value']} ({100 * c['share']:.1f} %)"
                                       for c in v[key][:3])
    was, now = v["missing"]["reference"], v["missing"]["window"]
    if abs(now - was) > 0.005:
        s += f", missing {100 * was:.1f} → {100 * now:.1f} %"
    return s


def segment(s, error):
    return (f"{s['name']} {s['value']}: {100 * s['share']:.0f} % of the increase, {error} "
            f"{figure(s['reference_error'])} → {figure(s['error'])}")


def drifted_features(m):
    lines = [drifted_feature(v) for v in m["details"]["top_drifted"]]
    shifted = [f"{v['feature']} ({v['text']})" for v in m["details"]["shifted"][:3]]
    return lines + (["also shifted: " + ", ".join(shifted)] if lines and shifted else [])


def segments(m):
    return [segment(s, m["details"]["error_label"]) for s in m["details"]["segments"]]


def labels(m):
    pairs = (("alertname", m["rule"]), ("service", "leeway"), ("stream", m["stream"]),
             ("severity", m["severity"]), ("metric", m["metric"]), ("feature", m["feature"]),
             ("window", m["window"] and m["window"]["name"]))
    return {k: v for k, v in pairs if v}


def annotations(m):
    a = {"summary": title(m), "value": figure(m["value"]), "threshold": figure(m["threshold"]),
         "n": str(m["n"]), "since": m["since"], "incident": m["incident"]}
    for key, value in (("description", m["summary"]), ("action", m["action"]),
                       ("runbook_url", m["links"]["runbook"]), ("top_drifted", "\n".join(drifted_features(m))),
                       ("segments", "\n".join(segments(m))),
                       ("model_version", m["model_version"] and str(m["model_version"]))):
        if value:
            a[key] = value
    return a


def later(text, seconds):
    t = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    return (t + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def alertmanager(m):
    firing = m["status"] == "firing"
    a = {"labels": labels(m), "annotations": annotations(m), "startsAt": m["since"],
         "endsAt": later(NOW, max(4 * REPEAT_S, 120)) if firing else m["raised_at"]}
    if m["links"]["page"]:
        a["generatorURL"] = m["links"]["page"]
    return [a]


def alertmanager_webhook(m):
    page = m["links"]["page"] or ""
    alert = {"status": m["status"], "labels": labels(m), "annotations": annotations(m),
             "startsAt": m["since"],
             "endsAt": "0001-01-01T00:00:00Z" if m["status"] == "firing" else m["at"],
             "generatorURL": page, "fingerprint": m["fingerprint"]}
    return {"version": "4",
            "groupKey": '{}:{alertname="%s", stream="%s"}' % (m["rule"], m["stream"]),
            "truncatedAlerts": 0, "status": m["status"], "receiver": "oncall",
            "groupLabels": {"alertname": m["rule"], "stream": m["stream"]},
            "commonLabels": labels(m), "commonAnnotations": annotations(m),
            "externalURL": page, "alerts": [alert]}


def slack(m):
    def esc(s):
        return s.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def mrkdwn(s):
        return {"type": "mrkdwn", "text": s, "verbatim": True}

    def plain(s):
        return {"type": "plain_text", "text": esc(s), "emoji": False}

    def section(text):
        return {"type": "section", "text": text}
    blocks = [{"type": "header", "text": plain(title(m))}]
    if m["summary"]:
        blocks.append(section(plain(m["summary"])))
    for some in (facts(m)[:5], facts(m)[5:]):
        fields = [o for k, v in some for o in (mrkdwn(f"*{k}*"), plain(v))]
        if fields:
            blocks.append({"type": "section", "fields": fields})
    for head, lines in (("Top drifted features", drifted_features(m)), ("Error by segment", segments(m))):
        if lines:
            blocks += [section(mrkdwn(f"*{head}*")),
                       section(plain("\n".join("• " + s for s in lines)))]
    links = [f"<{url}|{name}>" for url, name in ((m["links"]["page"], "Dashboard"),
                                                 (m["links"]["runbook"], "Runbook")) if url]
    if links:
        blocks.append(section(mrkdwn("  ·  ".join(links))))
    colour = "#2e7d32" if m["status"] == "resolved" else \
        {"critical": "#c62828", "warning": "#f9a825"}[m["severity"]]
    text = esc(title(m)) + (" — " + esc(m["summary"]) if m["summary"] else "")
    return {"text": text, "mrkdwn": False, "parse": "none", "link_names": False, "unfurl_links": False,
            "unfurl_media": False, "attachments": [{"color": colour, "blocks": blocks}]}


def pagerduty(m):
    out = {"routing_key": "R0UT1NGKEY",
           "event_action": "trigger" if m["status"] == "firing" else "resolve",
           "dedup_key": m["incident"]}
    if m["status"] == "resolved":
        return out
    details = dict(facts(m))
    for head, lines in (("Top drifted features", drifted_features(m)), ("Error by segment", segments(m)),
                        ("Examples", m["details"]["examples"])):
        if lines:
            details[head] = lines
    out["client"] = "leeway"
    if m["links"]["page"]:
        out["client_url"] = m["links"]["page"]
    out["links"] = [{"href": url, "text": name}
                    for url, name in ((m["links"]["page"], "Dashboard"),
                                      (m["links"]["runbook"], "Runbook")) if url]
    out["payload"] = {
        "summary": title(m) + (" " + m["summary"] if m["summary"] else ""),
        "source": m["host"] or "leeway", "severity": m["severity"], "timestamp": m["raised_at"],
        "component": m["stream"], "group": m["feature"] or "model",
        "class": m["metric"] or m["rule"], "custom_details": details}
    return out


def teams(m):
    def esc(s):
        return "".join("\\" + c if c in "\\`*_{}[]()<>#!|~&^=" else c for c in s)

    def block(s, **more):
        return dict({"type": "TextBlock", "text": esc(s), "wrap": True}, **more)
    colour = "good" if m["status"] == "resolved" else \
        {"critical": "attention", "warning": "warning"}[m["severity"]]
    body = [block(title(m), weight="bolder", size="large", color=colour)]
    if m["summary"]:
        body.append(block(m["summary"]))
    body.append({"type": "FactSet", "facts": [{"title": k, "value": esc(v)} for k, v in facts(m)]})
    for head, lines in (("Top drifted features", drifted_features(m)), ("Error by segment", segments(m))):
        if lines:
            body.append(block(head, weight="bolder"))
            body += [block(s) for s in lines]
    actions = [{"type": "Action.OpenUrl", "title": name, "url": url}
               for url, name in ((m["links"]["page"], "Dashboard"),
                                 (m["links"]["runbook"], "Runbook")) if url]
    card = {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard",
            "version": "1.4", "body": body, "actions": actions}
    return {"type": "message", "attachments": [
        {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None,
         "content": card}]}


def ours(m):
    return dict(m, sent_at=NOW)


def signature(keys, id_, timestamp, body):
    signed = f"{id_}.{timestamp}.{body}".encode()
    return " ".join("v1," + base64.b64encode(
        hmac.new(base64.b64decode(k[len("whsec_"):]), signed, hashlib.sha256).digest()).decode()
        for k in keys)


def signatures():
    spec = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    other = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    longest = "whsec_" + base64.b64encode(bytes(range(64))).decode()
    cases = [([spec], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}'),
             ([other, spec], "00c0ffee00c0ffee-critical", 1584763207, '{"ü":"→ 🚕"}'),
             ([longest], "x", 0, "")]
    out = [dict(keys=k, id=i, timestamp=t, body=b, signature=signature(k, i, t, b))
           for k, i, t, b in cases]
    # The specification's own example.
    assert out[0]["signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    return out


def write(name, value):
    with open(name, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=1, ensure_ascii=False)
        f.write("\n")


for which, message in MESSAGES.items():
    write(f"message_{which}.json", message)
    for make in (ours, alertmanager, alertmanager_webhook, slack, pagerduty, teams):
        write(f"body_{'json' if make is ours else make.__name__}_{which}.json", make(message))
write("signatures.json", signatures())
