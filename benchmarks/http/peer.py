"""The service that a Python team writes: FastAPI with pydantic on uvicorn (httptools, uvloop), two
processes, and a scikit-learn pipeline of one-hot zones, hour and distance into a ridge regression.

    peer.py PORT TRIPS.avro
"""
import os
import pickle
import sys
import tempfile
from typing import Optional


def train(path):
    import fastavro
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder
    rows, minutes = [], []
    with open(path, "rb") as f:
        for trip in fastavro.reader(f):
            begin, end = trip["lpep_pickup_datetime"], trip["lpep_dropoff_datetime"]
            took = (end - begin).total_seconds() / 60
            if 1 <= took <= 60 and trip["trip_distance"] < 50:
                rows.append((trip["PULocationID"], trip["DOLocationID"], begin.hour, trip["trip_distance"]))
                minutes.append(took)
            if len(rows) == 50000:
                break
    model = make_pipeline(
        ColumnTransformer([("one_hot", OneHotEncoder(handle_unknown="ignore"), [0, 1, 2])], remainder="passthrough"),
        Ridge())
    return model.fit(np.array(rows), minutes)


def app():
    import datetime
    import numpy as np
    from fastapi import FastAPI
    from pydantic import BaseModel

    class Trip(BaseModel):
        lpep_pickup_datetime: int
        PULocationID: int
        DOLocationID: int
        trip_distance: float
        passenger_count: Optional[float] = None

    with open(os.environ["PEER_MODEL"], "rb") as f:
        model = pickle.load(f)
    service = FastAPI()

    @service.post("/predict")
    async def predict(trip: Trip):
        hour = datetime.datetime.fromtimestamp(trip.lpep_pickup_datetime / 1000, datetime.timezone.utc).hour
        row = np.array([[trip.PULocationID, trip.DOLocationID, hour, trip.trip_distance]])
        return {"prediction": float(model.predict(row)[0]), "model_version": 1}

    return service


if __name__ == "__main__":
    import uvicorn
    with tempfile.NamedTemporaryFile(suffix=".pickle") as file:
        pickle.dump(train(sys.argv[2]), file)
        file.flush()
        os.environ["PEER_MODEL"] = file.name
        sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
        uvicorn.run("peer:app", factory=True, host="127.0.0.1", port=int(sys.argv[1]), workers=2,
                    log_level="warning", access_log=False)
