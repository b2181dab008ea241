"""Plugins, and pages that need no key (CPA contract, sections 7 and 13.3)."""

from __future__ import annotations

import importlib.resources
from typing import TYPE_CHECKING, Any

from cpamp.simulator.answers import OK, Answer, Call, error

if TYPE_CHECKING:
    from cpamp.simulator.server import Simulator

HTML = "text/html; charset=utf-8"
PAGE = b"<!doctype html><p>plugin</p>"
# A page that tries what it must not: it tells what it could read of the panel.
PRYING_PAGE = b"""<!doctype html><p id="said">nothing</p><script>
const tried = (what) => { try { return String(what()) } catch (error) { return error.name } };
document.getElementById("said").textContent =
  [() => localStorage.length, () => parent.document.title].map(tried).join(" ");
</script>"""


def _shown(sim: Simulator, plugin: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in plugin.items() if name != "config"}
    return {
        **shown,
        "effective_enabled": bool(sim.config["plugins"]["enabled"] and shown["enabled"]),
    }


def _find(sim: Simulator, plugin_id: str) -> dict[str, Any] | None:
    return next((plugin for plugin in sim.plugins if plugin["id"] == plugin_id), None)


def _none(plugin_id: str) -> Answer:
    return error(404, "plugin_not_found", message=f"plugin {plugin_id} not found")


def installed(sim: Simulator, call: Call) -> Answer:
    """Installed plugins."""
    settings = sim.config["plugins"]
    plugins = [_shown(sim, plugin) for plugin in sim.plugins]
    return Answer.json(
        {
            "plugins_enabled": settings["enabled"],
            "plugins_dir": settings["dir"],
            "plugins": plugins,
        }
    )


def config(sim: Simulator, call: Call, plugin_id: str) -> Answer:
    """The configuration of a plugin."""
    plugin = _find(sim, plugin_id)
    if plugin is None:
        return _none(plugin_id)
    if call.method == "GET":
        return Answer.json(plugin.get("config", {}))
    body = call.json()
    if not isinstance(body, dict):
        return error(400, "invalid_body", message="body must be an object")
    before = plugin.get("config", {}) if call.method == "PATCH" else {}
    plugin["config"] = {k: v for k, v in {**before, **body}.items() if v is not None}
    return OK


def switch(sim: Simulator, call: Call, plugin_id: str) -> Answer:
    """On or off."""
    plugin, body = _find(sim, plugin_id), call.json()
    if plugin is None:
        return _none(plugin_id)
    if not isinstance(body, dict) or not isinstance(body.get("enabled"), bool):
        return error(400, "invalid_body", message="enabled is required")
    plugin["enabled"] = body["enabled"]
    return OK


def delete(sim: Simulator, call: Call, plugin_id: str) -> Answer:
    """Remove a plugin."""
    plugin = _find(sim, plugin_id)
    if plugin is None:
        return _none(plugin_id)
    sim.plugins.remove(plugin)
    return Answer.json({"status": "deleted", "id": plugin_id, "file_deleted": True})


def store(sim: Simulator, call: Call) -> Answer:
    """Plugins that could be installed."""
    have = {plugin["id"] for plugin in sim.plugins}
    offered = [{**plugin, "installed": plugin["id"] in have} for plugin in sim.plugin_offers]
    settings = sim.config["plugins"]
    return Answer.json(
        {
            "plugins_enabled": settings["enabled"],
            "plugins_dir": settings["dir"],
            "sources": [],
            "plugins": offered,
        }
    )


def install(sim: Simulator, call: Call, plugin_id: str) -> Answer:
    """Install an offered plugin."""
    offer = next((plugin for plugin in sim.plugin_offers if plugin["id"] == plugin_id), None)
    if offer is None:
        return _none(plugin_id)
    sim.plugins.append(
        {"id": plugin_id, "enabled": False, "registered": True, "menus": [], "metadata": offer}
    )
    return Answer.json({"status": "installed", "id": plugin_id, "restart_required": False})


def own_page(sim: Simulator, call: Call) -> Answer:
    """A page of a plugin below the management API."""
    return Answer.json({"plugin": "codex-invite", "method": call.method})


def resource(call: Call) -> Answer | None:
    """A page that needs no key: a plugin's, or the panel that CPA serves itself."""
    if call.method != "GET":
        return None
    pages = {
        "/v0/resource/plugins/codex-invite/page": PAGE,
        "/v0/resource/plugins/prying/page": PRYING_PAGE,
    }
    if call.path in pages:
        return Answer(200, pages[call.path], HTML)
    if call.path == "/management.html":
        panel = importlib.resources.files("cpamp.web").joinpath("panel", "management.html")
        return Answer(200, panel.read_bytes(), HTML)
    return None
