"""A stand-in for the server of cryoSPARC, to which cryosparc-tools connect over HTTP.

It knows one project with one job whose output is a dataset of exposures. It makes external jobs,
insists on the order in which cryoSPARC allows their steps, and keeps what is saved in them.
"""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

DATASET = "application/x-cryosparc-dataset"
TIME = "2026-01-01T00:00:00+00:00"
# The fields of a slot, as cryoSPARC's job documents list them.
FIELDS = {
    "location": [
        *(("micrograph_uid", "u8"), ("exp_group_id", "u4"), ("micrograph_path", "O")),
        *(("micrograph_shape", "2u4"), ("center_x_frac", "f4"), ("center_y_frac", "f4")),
        ("min_dist_A", "f4"),
    ],
    "pick_stats": [
        *(("ncc_score", "f4"), ("power", "f4"), ("template_idx", "u4"), ("angle_rad", "f4")),
    ],
}
JOB, OUTPUT = "/projects/{project_uid}/jobs/{job_uid}", "/outputs/{name}"
# name of the client's function: method, path, kind of the body, kind of the answer
CALLS = {
    "login": ("post", "/login", "form", "Token"),
    "users.me": ("get", "/me", None, "User"),
    "config.get_version": ("get", "/version", None, "string"),
    "projects.find_one": ("get", "/projects/{project_uid}", None, "Project"),
    "jobs.find_one": ("get", JOB, None, "Job"),
    "jobs.create": ("post", "/projects/{project_uid}/{workspace_uid}/jobs", "json", "Job"),
    "jobs.add_external_input": ("post", JOB + "/inputs/{name}", "json", "Job"),
    "jobs.add_external_output": ("post", JOB + OUTPUT, "json", "Job"),
    "jobs.connect": ("post", JOB + "/inputs/{name}/connect", None, "Job"),
    "jobs.get_output_fields": ("post", JOB + OUTPUT + "/fields", "json", "fields"),
    "jobs.load_output": ("get", JOB + OUTPUT + "/dataset", None, "dataset"),
    "jobs.save_output": ("post", JOB + OUTPUT + "/dataset", "dataset", "Job"),
    "jobs.mark_running": ("post", JOB + "/running", None, "Job"),
    "jobs.mark_completed": ("post", JOB + "/completed", None, "Job"),
    "jobs.mark_failed": ("post", JOB + "/failed", None, "Job"),
}
QUERIES = {
    "jobs.create": ("type", "title", "description"),
    "jobs.connect": ("source_job_uid", "source_output_name"),
    "jobs.load_output": ("version", "slots"),
    "jobs.save_output": ("version",),
    "jobs.mark_running": ("status",),
    "jobs.mark_failed": ("error",),
}


class Server:
    """The server; ``jobs`` are those that were made, ``saved`` the datasets of their outputs."""

    def __init__(self, exposures: bytes, version: str):
        self.exposures, self.version = exposures, version
        self.jobs: dict[str, dict] = {"J5": new_job("J5", "ctf_estimation", "")}
        self.jobs["J5"]["status"] = "completed"
        self.jobs["J5"]["spec"]["outputs"]["micrographs"] = {"type": "exposure", "title": "Mics"}
        self.saved: dict[tuple[str, str], bytes] = {}
        self.refuses: set[str] = set()  # calls that fail
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer("get")

            def do_POST(self):
                self.answer("post")

            def log_message(self, *args):
                pass

            def body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                pieces = []
                while size := int(self.rfile.readline(), 16):
                    pieces.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(pieces)

            def answer(self, method: str) -> None:
                code, kind, content = server.answer(method, self.path, self.body())
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, method: str, url: str, body: bytes) -> tuple[int, str, bytes]:
        address = urlsplit(url)
        path = address.path.removeprefix("/api/cmd")
        if path == "/openapi.json":
            return 200, "application/json", json.dumps(openapi()).encode()
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        for name, (known, pattern, _, _) in CALLS.items():
            found = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", pattern), path)
            if found and known == method and name not in self.refuses:
                result = getattr(self, name.split(".")[-1])(body, query, **found.groupdict())
                kind = DATASET if isinstance(result, bytes) else "application/json"
                return 200, kind, result if kind == DATASET else json.dumps(result).encode()
        return 500, "application/json", b'"refused"'

    def login(self, body, query):
        return {"access_token": "token", "token_type": "bearer"}

    def me(self, body, query):
        return {"name": "me", "first_name": "M", "last_name": "E"}

    def get_version(self, body, query):
        return self.version

    def find_one(self, body, query, project_uid, job_uid=None):
        if job_uid is not None:
            return self.jobs[job_uid]
        return {
            "uid": project_uid,
            "project_dir": "/P3",
            "owner_user_id": "0",
            "title": "Project",
            "size_last_updated": TIME,
            "uid_num": 3,
        }

    def create(self, body, query, project_uid, workspace_uid):
        uid = f"J{len(self.jobs) + 5}"
        self.jobs[uid] = new_job(uid, query["type"], query.get("title", ""))
        self.jobs[uid]["workspace_uids"] = [workspace_uid]
        self.jobs[uid]["description"] = query.get("description", "")
        return self.jobs[uid]

    def add_external_input(self, body, query, project_uid, job_uid, name):
        self.jobs[job_uid]["spec"]["inputs"][name] = as_slots(json.loads(body))
        return self.jobs[job_uid]

    def add_external_output(self, body, query, project_uid, job_uid, name):
        self.jobs[job_uid]["spec"]["outputs"][name] = as_slots(json.loads(body))
        return self.jobs[job_uid]

    def connect(self, body, query, project_uid, job_uid, name):
        link = {"job_uid": query["source_job_uid"], "output": query["source_output_name"]}
        self.jobs[job_uid]["spec"]["inputs"][name].setdefault("connections", []).append(link)
        return self.jobs[job_uid]

    def get_output_fields(self, body, query, project_uid, job_uid, name):
        slots = [one["name"] for one in self.jobs[job_uid]["spec"]["outputs"][name]["slots"]]
        return [(f"{slot}/{field}", kind) for slot in slots for field, kind in FIELDS[slot]]

    def load_output(self, body, query, project_uid, job_uid, name):
        assert (job_uid, name) == ("J5", "micrographs")
        return self.exposures

    def save_output(self, body, query, project_uid, job_uid, name):
        assert self.jobs[job_uid]["status"] == "running"
        self.saved[job_uid, name] = body
        return self.jobs[job_uid]

    def mark_running(self, body, query, project_uid, job_uid):
        return self._marked(job_uid, query["status"])

    def mark_completed(self, body, query, project_uid, job_uid):
        assert self.jobs[job_uid]["status"] == "running"
        return self._marked(job_uid, "completed")

    def mark_failed(self, body, query, project_uid, job_uid):
        return self._marked(job_uid, "failed")

    def _marked(self, job_uid, status):
        self.jobs[job_uid]["status"] = status
        return self.jobs[job_uid]

    def dataset(self, job_uid: str, output: str) -> BytesIO:
        return BytesIO(self.saved[job_uid, output])


def as_slots(spec: dict) -> dict:
    return {**spec, "slots": [s if isinstance(s, dict) else slot(s) for s in spec["slots"]]}


def slot(name: str) -> dict:
    return {"name": name, "dtype": name}


def new_job(uid: str, kind: str, title: str) -> dict:
    spec = {"type": kind, "ui_tile_width": 1, "ui_tile_height": 1, "resource_spec": {}}
    return {
        "uid": uid,
        "project_uid": "P3",
        "job_dir": uid,
        "title": title,
        "status": "building",
        "job_dir_size_last_updated": TIME,
        "ui_tile_width": 1,
        "ui_tile_height": 1,
        "uid_num": int(uid[1:]),
        "project_uid_num": 3,
        "status_num": 0,
        "build_errors": [],
        "spec": {**spec, "inputs": {}, "outputs": {}},
    }


def openapi() -> dict:
    paths: dict[str, dict] = {}
    for name, (method, path, body, answer) in CALLS.items():
        asked = [
            {"name": one, "in": "path", "required": True} for one in re.findall(r"{(\w+)}", path)
        ]
        asked += [{"name": o, "in": "query", "required": False} for o in QUERIES.get(name, ())]
        spec = {
            "summary": name,
            "parameters": asked,
            "responses": {"200": {"content": out(answer)}},
        }
        kinds = {"form": "application/x-www-form-urlencoded", "json": "application/json"}
        if body:
            kind = kinds.get(body, DATASET)
            spec["requestBody"] = {"content": {kind: {"schema": {"title": "Body"}}}}
        paths.setdefault(path, {})[method] = spec
    return {"info": {}, "components": {}, "paths": paths}


def out(answer: str) -> dict:
    if answer == "dataset":
        return {DATASET: {"schema": {}}}
    if answer == "fields":
        return {"application/json": {"schema": {}}}
    plain = {"type": "string"} if answer == "string" else {"$ref": f"#/components/schemas/{answer}"}
    return {"application/json": {"schema": plain}}
