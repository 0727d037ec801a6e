#!/usr/bin/env python3
"""A tuned pipeline as a Python team would write it: one process that consumes, decodes, scores,
updates sketches and writes its state to Redis once a second.

    peer.py event|batch BROKERS REDIS TOPIC SCHEMA DATA MESSAGES [KEY=VALUE]...

event  fastavro, a score from dictionaries, squared error, three KLL sketches, two dictionaries of counts
       and ADWIN, one trip at a time
batch  likewise without ADWIN, in NumPy batches of 10,000; decoding is one by one, because fastavro
       has no batch decoding

Tuned: the schema without logical types (a datetime object for each timestamp costs a third of the
speed), consume() in batches, methods looked up once, and librdkafka's queue as large as leeway's. Prints one
line of JSON like bench_stream.
"""
import io
import json
import resource
import sys
import time

import confluent_kafka
import datasketches
import fastavro
import redis as redis_client

FIT_ROWS = 100000


def plain(schema):
    """The schema without logical types."""
    for field in schema["fields"]:
        if isinstance(field["type"], dict):
            field["type"] = field["type"]["type"]
    return fastavro.parse_schema(schema)


def fit(path):
    """Mean minutes of each pair of zones and of each zone, and a slope on the distance: a model
    sufficient to measure the cost of a score."""
    total, pairs = [0, 0.0, 0.0], {}
    with open(path, "rb") as f:
        for i, r in enumerate(fastavro.reader(f)):
            if i == FIT_ROWS:
                break
            minutes = (r["lpep_dropoff_datetime"] - r["lpep_pickup_datetime"]).total_seconds() / 60
            if 1 <= minutes <= 60 and r["trip_distance"] < 50:
                total[0] += 1
                total[1] += minutes
                total[2] += r["trip_distance"]
                cell = pairs.setdefault((r["PULocationID"], r["DOLocationID"]), [0, 0.0])
                cell[0] += 1
                cell[1] += minutes
    mean = total[1] / total[0]
    pair = {k: (s - n * mean) / (n + 3) for k, (n, s) in pairs.items()}
    hour = [0.1 * (h % 12) for h in range(24)]
    return mean, pair, hour, total[2] / total[0]


class State:
    def __init__(self, client):
        self.client = client
        self.n = self.messages = 0
        self.squares = 0.0
        self.kll = [datasketches.kll_doubles_sketch(200) for _ in range(3)]
        self.flushed = time.monotonic()

    def flush(self, counts):
        now = time.monotonic()
        if now - self.flushed < 1:
            return
        self.flushed = now
        fields = {f"kll:{i}": k.serialize() for i, k in enumerate(self.kll)}
        fields.update(n=self.n, squares=self.squares, messages=self.messages,
                      pickups=json.dumps(counts[0]), dropoffs=json.dumps(counts[1]))
        self.client.hset("peer:state", mapping=fields)


def by_event(consume, state, schema, model, wanted, clock):
    from river import drift
    mean, pair, hour, centre = model
    detector = drift.ADWIN()
    read, source = fastavro.schemaless_reader, io.BytesIO
    distance, prediction, error = (k.update for k in state.kll)
    detect, of_pair = detector.update, pair.get
    pickups, dropoffs = {}, {}
    while state.messages < wanted:
        batch = consume(1000, 0.05)
        for m in batch:
            r = read(source(m.value()), schema)
            begin, end = r["lpep_pickup_datetime"], r["lpep_dropoff_datetime"]
            minutes = (end - begin) / 60000
            miles = r["trip_distance"]
            if not 1 <= minutes <= 60 or miles >= 50:
                continue
            pu, do = r["PULocationID"], r["DOLocationID"]
            p = mean + of_pair((pu, do), 0.0) + 2.2 * (miles - centre) + hour[begin // 3600000 % 24]
            e = p - minutes
            state.n += 1
            state.squares += e * e
            distance(miles)
            prediction(p)
            error(e)
            pickups[pu] = pickups.get(pu, 0) + 1
            dropoffs[do] = dropoffs.get(do, 0) + 1
            detect(abs(e))
        state.messages += len(batch)
        clock(state.messages)
        state.flush((pickups, dropoffs))


def by_batch(consume, state, schema, model, wanted, clock):
    import numpy as np
    mean, pair, hour, centre = model
    table = np.zeros((266, 266))
    for (pu, do), v in pair.items():
        table[pu, do] = v
    hour = np.array(hour)
    read, source = fastavro.schemaless_reader, io.BytesIO
    counts = [np.zeros(266, dtype=np.int64) for _ in range(2)]
    while state.messages < wanted:
        batch = consume(10000, 0.05)
        state.messages += len(batch)
        if batch:
            rows = [read(source(m.value()), schema) for m in batch]
            columns = np.array([(r["lpep_pickup_datetime"], r["lpep_dropoff_datetime"], r["PULocationID"],
                                 r["DOLocationID"], r["trip_distance"]) for r in rows])
            minutes = (columns[:, 1] - columns[:, 0]) / 60000
            good = (minutes >= 1) & (minutes <= 60) & (columns[:, 4] < 50)
            columns, minutes = columns[good], minutes[good]
            pu, do = columns[:, 2].astype(np.int64), columns[:, 3].astype(np.int64)
            hours = (columns[:, 0] // 3600000 % 24).astype(np.int64)
            p = mean + table[pu, do] + 2.2 * (columns[:, 4] - centre) + hour[hours]
            e = p - minutes
            state.n += len(e)
            state.squares += float(e @ e)
            for kll, values in zip(state.kll, (columns[:, 4], p, e)):
                kll.update(np.ascontiguousarray(values))
            counts[0] += np.bincount(pu, minlength=266)
            counts[1] += np.bincount(do, minlength=266)
        clock(state.messages)
        state.flush([c.tolist() for c in counts])


def main():
    mode, brokers, redis, topic, schema, data, wanted = sys.argv[1:8]
    wanted = int(wanted)
    conf = {"bootstrap.servers": brokers, **dict(p.split("=", 1) for p in sys.argv[8:])}
    model = fit(data)
    with open(schema) as f:
        schema = plain(json.load(f))
    host, port = redis.rsplit(":", 1)
    state = State(redis_client.Redis(host, int(port)))
    consumer = confluent_kafka.Consumer(conf)
    consumer.subscribe([topic])
    warm = []

    def clock(messages):
        if not warm and messages >= wanted / 10:
            warm.extend((messages, time.monotonic(), time.process_time()))

    def consume(n, timeout):
        return [m for m in consumer.consume(n, timeout) if not m.error()]

    (by_event if mode == "event" else by_batch)(consume, state, schema, model, wanted, clock)
    seconds, cpu = time.monotonic() - warm[1], time.process_time() - warm[2]
    events = state.messages - warm[0]
    print(json.dumps({"messages": state.messages, "rate": events / seconds, "cpu_us": cpu * 1e6 / events,
                      "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
    sys.stdout.flush()
    consumer.close()


main()
