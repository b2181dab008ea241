"""``twistd cpamp``: the whole daemon, wired from top to bottom.

Nothing is opened here: twistd calls `makeService` before it goes to the background.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.python import usage

from cpamp import __version__
from cpamp.analytics.engine import Engine
from cpamp.collect.collector import Collector
from cpamp.configfile import SettingsError
from cpamp.cpa.client import CpaClient
from cpamp.cpa.keyguard import KeyGuard
from cpamp.cpa.network import make_agent
from cpamp.daemon import Daemon
from cpamp.fetching.fetcher import Fetcher
from cpamp.importing.folder import UploadFolder
from cpamp.importing.session import Limits
from cpamp.importing.sessions import Sessions
from cpamp.inspection.automation import Automation
from cpamp.inspection.candidates import Candidates
from cpamp.inspection.cooldowns import Cooldowns
from cpamp.inspection.editor import Editor
from cpamp.inspection.executing import Executor
from cpamp.inspection.inspector import Inspector
from cpamp.inspection.journal import Journal
from cpamp.inspection.locks import FileLocks
from cpamp.inspection.manual import ManualActions
from cpamp.inspection.ownership import Claims, Holders
from cpamp.inspection.policy import Policy
from cpamp.inspection.probers import Probers
from cpamp.inspection.scheduler import Scheduler
from cpamp.lag import ReactorLag
from cpamp.listening import Listener
from cpamp.notify.notifier import Notifier
from cpamp.notify.rehearsal import Rehearsal
from cpamp.notify.senders import Senders
from cpamp.notify.situation import Situation
from cpamp.pricing.aliases import Aliases
from cpamp.pricing.book import Prices
from cpamp.pricing.remote import RemoteSource
from cpamp.pricing.sync import Sync
from cpamp.quota.feeds import QuotaFeed
from cpamp.quota.refreshing import Refreshing
from cpamp.quota.snapshots import Snapshots
from cpamp.security import files
from cpamp.security.admin import AdminGate
from cpamp.security.lock import FolderLock, ProcessLock, canonical
from cpamp.security.throttle import Throttle
from cpamp.security.vault import Vault
from cpamp.settings import Settings, load
from cpamp.setup.service import SetupService
from cpamp.store import Store
from cpamp.store.retention import Retention
from cpamp.takeover.service import Takeovers
from cpamp.tokens import Tokens
from cpamp.usage.event import Event
from cpamp.web.aliases import ApiKeyAliases, listing
from cpamp.web.api_tokens import ApiTokens
from cpamp.web.auth import Guard
from cpamp.web.auth_files import AuthFiles
from cpamp.web.automation import Automations
from cpamp.web.bootstrap import Bootstrap
from cpamp.web.cors import Cors
from cpamp.web.explain import Explain
from cpamp.web.health import Health
from cpamp.web.imports import Imports
from cpamp.web.inspection import Inspections
from cpamp.web.live import Live, State
from cpamp.web.metrics import Metrics
from cpamp.web.monitoring import Monitoring
from cpamp.web.notifications import Notifications
from cpamp.web.openapi import OpenApi
from cpamp.web.panel import Panel
from cpamp.web.prices import ModelPrices
from cpamp.web.proxy import Proxy, public_plugin
from cpamp.web.quota import QuotaSnapshots
from cpamp.web.setup import Setup
from cpamp.web.surface import Surface
from cpamp.web.upkeep import Upkeep
from cpamp.web.usage import Usage


class Options(usage.Options):
    """The daemon is configured by its environment and config.json, not by options."""

    synopsis = "[twistd options] cpamp"
    longdesc = (
        "The Manager Server for CLIProxyAPI. Settings come from the environment and config.json; "
        "see the README. Chores beside the daemon: the console script cpamp."
    )

    def opt_version(self) -> None:
        """Print the version and end."""
        print(f"cpamp {__version__}")
        sys.exit(0)

    @property
    def log_is_terminal(self) -> bool:
        """Whether the log goes to standard output, so that nobody else reads it later."""
        parent: Mapping[str, Any] = self.parent or {}
        return bool(
            parent.get("nodaemon")
            and parent.get("logfile") in (None, "-")
            and not parent.get("syslog")
        )


def makeService(options: Options) -> Daemon:
    """The service that twistd runs."""
    from twisted.internet import reactor

    # Before twistd opens its log, which would otherwise be readable by everybody.
    files.private_umask()
    keep_pace(reactor)
    try:
        settings = load(os.environ, Path.cwd(), create_default=True)
    except SettingsError as e:
        raise SystemExit(f"load config: {e.message}") from e
    return build(settings, reactor, key_in_log=options.log_is_terminal)


def build(settings: Settings, reactor: Any, *, key_in_log: bool) -> Daemon:
    """Every part of the daemon, each given the few that it needs."""
    database = canonical(settings.db_path)
    lock = ProcessLock(database)
    vault = Vault(settings.data_key, settings.data_key_path)
    gate = AdminGate()

    # CPA: every call asks the guard first.
    agent = make_agent(reactor)
    guard = KeyGuard(reactor)

    def connect(url: str, key: str) -> CpaClient:
        return CpaClient(reactor, url, key, guard, agent)

    # Records on their way to the store.
    store = Store(reactor, database, now_ms)
    prices = Prices(store, now_ms, settings.prices.seed)
    aliases = Aliases(store, now_ms)
    tokens = Tokens(store, now_ms)
    collector = Collector(
        reactor,
        store,
        guard,
        connect,
        now_ms,
        settings.data_dir,
        settings.spool_max_bytes,
        lambda events: hear(events),
        keep_raw=settings.keep_payload_days > 0,
    )
    setup = SetupService(reactor, settings, vault, store, collector, connect, now_ms)

    retention = Retention(
        reactor, store, now_ms, settings.keep_details_days, settings.keep_payload_days
    )

    # Prices on their way to the book.
    fetcher = Fetcher(reactor, settings.prices.timeout_ms / 1000, settings.prices.max_bytes)
    price_sync = Sync(
        reactor,
        prices,
        [RemoteSource(name, url, fetcher) for name, url in settings.prices.sources.items()],
        settings.prices.embedded,
        setup.client,
        settings.prices.proxies,
    )

    # Files on their way to the store.
    limits = Limits(
        settings.import_chunk_bytes,
        settings.import_disk_quota_bytes,
        settings.import_max_sessions,
        settings.import_session_ttl_ms,
    )
    uploads = settings.data_dir / "usage-imports"
    sessions = Sessions(reactor, store, UploadFolder(uploads), limits, now_ms)
    takeovers = Takeovers(reactor, store, now_ms, database, settings.keep_payload_days > 0)

    # Accounts: looked at, and switched off and on.
    def configured() -> bool:
        return setup.connection() is not None

    editor = Editor(setup.client, FileLocks())
    journal = Journal(store, now_ms)
    claims = Claims(store, now_ms, journal)
    cooldowns = Cooldowns(reactor, store, editor, Holders((claims,)), configured, now_ms, journal)
    setup.on_connection(cooldowns.reconnected)
    holders = Holders((claims, cooldowns))
    policy = Policy(settings, store, now_ms)
    candidates = Candidates(store, editor, holders, configured, now_ms, journal)
    automation = Automation(reactor, store, policy, cooldowns, candidates, configured, now_ms)
    snapshots = Snapshots(store, now_ms)
    feed = QuotaFeed(reactor, snapshots)

    def hear(events: list[Event]) -> None:
        automation.added(events)
        feed.added(events)

    executor = Executor(editor, claims, holders, journal)
    inspector = Inspector(
        reactor,
        store,
        editor,
        claims,
        executor,
        Probers(reactor, now_ms),
        lambda: setup.effective.inspection,
        configured,
        now_ms,
        feed.results,
    )
    scheduler = Scheduler(
        reactor,
        store,
        inspector,
        lambda: setup.effective.inspection,
        configured,
        now_ms,
        seed=str(database),
    )
    manual = ManualActions(store, inspector, executor, configured, now_ms)
    accounts = (feed, inspector, scheduler, cooldowns, automation)

    # Answers.
    engine = Engine(store, lambda: prices.book, lambda: aliases.book, now_ms)

    # What people are told.
    situation = Situation(
        store, engine, collector, editor.everything, configured, settings.data_dir, now_ms
    )
    notifier = Notifier(
        reactor,
        store,
        vault,
        situation,
        Senders(reactor),
        Rehearsal(store, engine, now_ms),
        now_ms,
    )

    # What the port offers.
    lag = ReactorLag(reactor)
    proxy = Proxy(setup.client)
    health = Health(database, store, collector, takeovers, setup.info, lag.ms)
    bootstrap = Bootstrap(
        reactor,
        {
            "info": setup.info,
            "config": setup.shown,
            "status": health.report,
            "aliases": lambda: listing(aliases.book),
        },
        setup.client,
    )
    live = Live(
        reactor,
        lambda: State.of(health.report(), prices.book.version, aliases.book.version),
    )
    surface = Surface(
        [
            health,
            live,
            bootstrap,
            Metrics(store, collector, lambda: proxy.passed, lag.ms),
            Setup(setup),
            Panel(settings.panel_path, settings.base_path),
            Usage(store, lambda: setup.query_limit),
            Imports(reactor, store, sessions, now_ms),
            Monitoring(engine, now_ms),
            Explain(engine, store, now_ms),
            ModelPrices(prices, price_sync),
            ApiKeyAliases(aliases, now_ms),
            ApiTokens(tokens),
            Inspections(inspector, scheduler, manual),
            Automations(policy, cooldowns, candidates, configured, store),
            AuthFiles(proxy, editor, holders, journal),
            Notifications(notifier),
            OpenApi(lambda: surface.routes),
            QuotaSnapshots(snapshots, Refreshing(lambda: editor.credentials, snapshots, now_ms)),
            Upkeep(
                reactor,
                settings,
                database,
                store,
                setup.client,
                lambda: setup.effective.collector,
                now_ms,
            ),
            *(public_plugin(proxy, path) for path in settings.public_plugin_paths),
            proxy,
        ],
        guard=Guard(gate, Throttle(reactor.seconds), tokens, settings.metrics_token),
        cors=Cors(settings.cors_origins),
        clock=reactor,
        base_path=settings.base_path,
    )
    site = surface.site()
    listener = Listener(reactor, settings.http_addr, settings.listen, site, site.channels.drain)

    return Daemon(
        reactor=reactor,
        settings=settings,
        lock=lock,
        folders=FolderLock(database.parent, settings.data_dir),
        uploads=uploads,
        vault=vault,
        gate=gate,
        store=store,
        setup=setup,
        held=(prices, aliases, tokens, takeovers),
        listener=listener,
        workers=(
            *(lag, retention, sessions, takeovers, price_sync, *accounts),
            *(notifier, collector, live),
        ),
        now_ms=now_ms,
        key_in_log=key_in_log,
    )


def keep_pace(reactor: Any) -> None:
    """Let timers go by a clock that nobody sets; must come before the first of them.

    The reactor's own is the time of day: set back by an hour, it would hold every timer up for
    that long, and nobody could see that it was set.
    """
    reactor.seconds = time.monotonic


def now_ms() -> int:
    """The time of day."""
    return time.time_ns() // 1_000_000
