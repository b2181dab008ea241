"""Credential files: the listing, their fields, uploads and deletions."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from cpamp.simulator import versions
from cpamp.simulator.answers import OK, Answer, Call, error
from cpamp.simulator.fixtures import MODELS, auth_file

if TYPE_CHECKING:
    from cpamp.simulator.server import Simulator


def list_files(sim: Simulator, call: Call) -> Answer:
    """The listing, filtered by name or index where this version can."""
    files = sim.auth_files
    if sim.version >= versions.FILTERS:
        name, index = call.one("name"), call.one("auth_index")
        files = [f for f in files if not name or name in (f["id"], f["name"])]
        files = [f for f in files if not index or f["auth_index"] == index]
    shown = [f for f in files if not (f["runtime_only"] and f["disabled"])]
    return Answer.json({"files": shown})


def _named(sim: Simulator, name: str, index: str = "") -> list[dict[str, Any]]:
    return [
        f
        for f in sim.auth_files
        if name in (f["id"], f["name"]) and (not index or f["auth_index"] == index)
    ]


def file_models(sim: Simulator, call: Call) -> Answer:
    """What a credential can serve."""
    if not call.one("name"):
        return error(400, "name is required")
    known = _named(sim, call.one("name"))
    models = [{"id": m["id"], "owned_by": m["owned_by"]} for m in MODELS] if known else []
    return Answer.json({"models": models})


def download(sim: Simulator, call: Call) -> Answer:
    """A credential file, with its tokens."""
    name = call.one("name")
    if not name or "/" in name:
        return error(400, "invalid name")
    if not name.lower().endswith(".json"):
        return error(400, "name must end with .json")
    if not _named(sim, name):
        return error(404, "file not found")
    found = _named(sim, name)[0]
    content = {
        "access_token": "made-up",
        "account_id": found.get("id_token", {}).get("chatgpt_account_id", ""),
        "disabled": found["disabled"],
        "email": found.get("email", ""),
        "expired": "2036-01-01T00:00:00Z",
        "id_token": "e30.e30.",
        "last_refresh": "2026-08-22T03:02:03Z",
        "refresh_token": "made-up",
        "type": found["type"],
    }
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Answer(200, orjson.dumps(content), "application/json", headers)


def upload(sim: Simulator, call: Call) -> Answer:
    """A new credential file."""
    name = call.one("name")
    if "multipart/form-data" in call.headers.get("content-type", ""):
        found = re.search(rb'filename="([^"]+)"', call.body)
        if not found:
            return error(400, "no files uploaded")
        name = found[1].decode(errors="replace")
        start, end = call.body.find(b"{"), call.body.rfind(b"}")
        body = Call("", "", {}, {}, call.body[start : end + 1]).json()
    else:
        body = call.json()
    if not name.lower().endswith(".json"):
        return error(400, "name must end with .json")
    if not isinstance(body, dict):
        return error(500, "invalid auth file: invalid JSON")
    kind, email = str(body.get("type", "unknown")), str(body.get("email", ""))
    sim.auth_files = [f for f in sim.auth_files if f["name"] != name]
    sim.auth_files.append(auth_file(name, kind, email))
    sim.auth_files.sort(key=lambda entry: str(entry["name"]).lower())
    sim.refresh()
    return OK


def delete_files(sim: Simulator, call: Call) -> Answer:
    """Remove credential files."""
    if call.one("all") in ("true", "1", "*"):
        count = len(sim.auth_files)
        sim.auth_files = []
        sim.refresh()
        return Answer.json({"status": "ok", "deleted": count})
    body = call.json()
    names = call.query.get("name") or []
    if not names and isinstance(body, dict):
        names = body.get("names") or [body.get("name", "")]
    elif not names and isinstance(body, list):
        names = body
    if not names or not all(isinstance(n, str) and n for n in names):
        return error(400, "invalid name")
    gone = [n for n in names if _named(sim, n)]
    sim.auth_files = [f for f in sim.auth_files if not {f["id"], f["name"]} & set(gone)]
    if gone:
        sim.refresh()
    if len(names) == 1:
        return OK if gone else error(404, "auth file not found")
    if len(gone) == len(names):
        return Answer.json({"status": "ok", "deleted": len(gone), "files": gone})
    failed = [{"name": n, "error": "auth file not found"} for n in names if n not in gone]
    partial = {"status": "partial", "deleted": len(gone), "files": gone, "failed": failed}
    return Answer.json(partial, 207)


PLUGIN_CHILD = (
    "plugin virtual auth cannot be modified directly; edit or delete the source auth file"
)


def switch(sim: Simulator, entry: dict[str, Any], disabled: bool) -> None:
    """Make an entry disabled or enabled; its file is written by that."""
    entry["disabled"] = disabled
    entry["status"] = "disabled" if disabled else "active"
    entry["status_message"] = "disabled via management API" if disabled else ""
    moment = datetime.fromtimestamp(sim.now_ms() / 1000, UTC).isoformat()
    entry["updated_at"] = entry["modtime"] = moment


def file_status(sim: Simulator, call: Call) -> Answer:
    """Switch a credential on or off."""
    body = call.json()
    if not isinstance(body, dict):
        return error(400, "invalid request body")
    if not body.get("name"):
        return error(400, "name is required")
    if not isinstance(body.get("disabled"), bool):
        return error(400, "disabled is required")
    index = str(body.get("auth_index") or "") if sim.version >= versions.FILTERS else ""
    found = _named(sim, str(body["name"]), index)
    if not found:
        return error(404, "auth file not found")
    if body["name"] == found[0]["id"] != found[0]["name"] and found[0].get("plugin_child"):
        return error(409, PLUGIN_CHILD)
    changed = found if found[0].get("plugin_child") else found[:1]
    for entry in changed:
        switch(sim, entry, body["disabled"])
    sim.refresh()
    return Answer.json({"disabled": body["disabled"], "status": "ok"})


def file_fields(sim: Simulator, call: Call) -> Answer:
    """Change fields of a credential file."""
    body = call.json()
    if not isinstance(body, dict) or not body.get("name"):
        return error(400, "name is required")
    found = _named(sim, str(body.pop("name")))
    if not body:
        return error(400, "no fields to update")
    if not found:
        return error(404, "auth file not found")
    found[0].update(body)
    sim.refresh()
    return OK


def vertex_import(sim: Simulator, call: Call) -> Answer:
    """A service account."""
    start, end = call.body.find(b"{"), call.body.rfind(b"}")
    account = Call("", "", {}, {}, call.body[start : end + 1]).json()
    if not isinstance(account, dict):
        return error(400, "invalid json")
    project, email = account.get("project_id"), str(account.get("client_email", ""))
    if not project:
        return error(400, "project_id missing")
    place = re.search(rb'name="location"\r\n\r\n([^\r]*)', call.body)
    name = f"vertex-{project}.json"
    sim.auth_files.append(auth_file(name, "vertex", email, project_id=project))
    sim.refresh()
    found = {"auth-file": name, "project_id": project, "email": email}
    return Answer.json(
        {"status": "ok", **found, "location": place[1].decode() if place else "us-central1"}
    )
