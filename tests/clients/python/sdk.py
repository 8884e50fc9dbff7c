"""The official Python SDK, 1.x or 2.x, as the scenarios need it.

Neither has an option for the legacy revision to offer: they offer the newest
that they know. So the module constant that they read for the offer is set
before connecting; everything after the offer is the client's own code.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

SDK = importlib.metadata.version("mcp")
MODERN = "2026-07-28"
LEGACY = ("2025-03-26", "2025-06-18", "2025-11-25")


if SDK.startswith("1."):
    import mcp.types as types
else:
    import mcp_types as types


class CallError(Exception):
    """A JSON-RPC error, from whichever SDK."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass
class Answer:
    """A tool's result, in the words of the wire."""

    is_error: bool
    content: list[dict[str, Any]]
    structured: dict[str, Any] | None

    @property
    def text(self) -> str:
        return "".join(block.get("text", "") for block in self.content)


class Started:
    """A call under way. 1.x needs the request's id to cancel it, and does not give it."""

    task: asyncio.Task[Answer]
    request_id: int


@dataclass
class Client:
    """What the scenarios need of a client, whatever its SDK."""

    session: Any
    version: str
    logs: list[Any] = field(default_factory=list)
    log_arrived: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    #: In how many pages the last list came.
    pages: int = 0

    async def list_all(self, what: str) -> list[dict[str, Any]]:
        """All pages of `tools`, `prompts`, `resources` or `resource_templates`."""
        ask = getattr(self.session, f"list_{what}")
        member = "resourceTemplates" if what == "resource_templates" else what
        entries: list[dict[str, Any]] = []
        cursor = None
        self.pages = 0
        while True:
            if SDK.startswith("1."):
                from mcp.types import PaginatedRequestParams

                asked = ask(params=PaginatedRequestParams(cursor=cursor) if cursor else None)
            else:
                asked = ask(cursor=cursor)
            page = await self._result(asked)
            self.pages += 1
            entries += page[member]
            cursor = page.get("nextCursor")
            if not cursor:
                return entries

    async def list_tools(self) -> list[dict[str, Any]]:
        return await self.list_all("tools")

    async def _result(self, asked: Awaitable[Any]) -> dict[str, Any]:
        """A result as it stands on the wire."""
        try:
            result = await asked
        except Exception as error:
            if type(error).__name__ in ("McpError", "MCPError"):
                raise CallError(error.error.code, error.error.message) from error
            raise
        return result.model_dump(by_alias=True, mode="json", exclude_none=True)

    async def call(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        on_progress: Callable[[float, float | None, str | None], Awaitable[None]] | None = None,
    ) -> Answer:
        raw = await self._result(
            self.session.call_tool(name, arguments, progress_callback=on_progress)
        )
        return Answer(raw.get("isError", False), raw["content"], raw.get("structuredContent"))

    async def read(self, uri: str) -> list[dict[str, Any]]:
        return (await self._result(self.session.read_resource(uri)))["contents"]

    async def get_prompt(self, name: str, arguments: dict[str, str] | None = None) -> list[dict[str, Any]]:
        return (await self._result(self.session.get_prompt(name, arguments)))["messages"]

    async def complete(
        self, ref: dict[str, str], argument: dict[str, str], context: dict[str, str] | None = None
    ) -> list[str]:
        prompt = ref["type"] == "ref/prompt"
        kind = types.PromptReference if prompt else types.ResourceTemplateReference
        result = await self._result(
            self.session.complete(kind.model_validate(ref), argument, context_arguments=context)
        )
        return result["completion"]["values"]

    async def subscribe(self, uri: str) -> None:
        await self._result(self.session.subscribe_resource(uri))

    async def unsubscribe(self, uri: str) -> None:
        await self._result(self.session.unsubscribe_resource(uri))

    @contextlib.asynccontextmanager
    async def listening(self, uris: tuple[str, ...] = ()) -> AsyncIterator[Callable[[], Awaitable[str]]]:
        """What yields waits for the next change: of a list, or of one of these resources."""
        if self.version in LEGACY:
            # The SDK opened the GET stream by itself.
            for uri in uris:
                await self.subscribe(uri)
            yield self.changed.get
            return
        async with self.session.listen(
            tools_list_changed=True,
            prompts_list_changed=True,
            resources_list_changed=True,
            resource_subscriptions=uris,
        ) as subscription:
            honored = subscription.honored
            expect(
                honored.tools_list_changed is True
                and honored.prompts_list_changed is True
                and honored.resources_list_changed is True
                and tuple(honored.resource_subscriptions or ()) == uris,
                f"honoured {honored}",
            )

            async def next_change() -> str:
                return change(await subscription.__anext__())

            yield next_change

    async def set_log_level(self, level: str) -> None:
        await self.session.set_logging_level(level)

    def start(
        self,
        name: str,
        arguments: dict[str, Any],
        on_progress: Callable[[float, float | None, str | None], Awaitable[None]] | None = None,
    ) -> Started:
        """Start a call that is going to be cancelled."""
        started = Started()

        async def run() -> Answer:
            if SDK.startswith("1."):
                # Nothing is awaited between this line and the SDK's own.
                started.request_id = self.session._request_id
            return await self.call(name, arguments, on_progress)

        started.task = asyncio.create_task(run())
        return started

    async def cancel(self, started: Started) -> None:
        """Cancel as a user of this SDK does."""
        if SDK.startswith("1."):
            # 1.x abandons the request without telling the server; the
            # notification is the caller's to send.
            await self.session.send_notification(
                types.ClientNotification(
                    types.CancelledNotification(
                        params=types.CancelledNotificationParams(
                            requestId=started.request_id, reason="not wanted any more"
                        )
                    )
                )
            )
        started.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await started.task


CHANGES = {
    "ToolListChangedNotification": "tools",
    "PromptListChangedNotification": "prompts",
    "ResourceListChangedNotification": "resources",
    "ToolsListChanged": "tools",
    "PromptsListChanged": "prompts",
    "ResourcesListChanged": "resources",
}


def change(message: Any) -> str | None:
    """What a notification, or an event of `listen`, says has changed."""
    # 1.x wraps what 2.x gives as it is.
    message = getattr(message, "root", message)
    name = type(message).__name__
    if name == "ResourceUpdatedNotification":
        return f"updated {message.params.uri}"
    if name == "ResourceUpdated":
        return f"updated {message.uri}"
    return CHANGES.get(name)


class Refused(Exception):
    """What a user's callback raises to refuse: the SDKs answer with an error."""


#: Takes the params of a request to the client, and gives the result, as on the wire.
Callback = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


@dataclass
class Asked:
    """What the client's user answers. A client declares what it has a callback for."""

    person: Callback | None = None
    model: Callback | None = None
    roots: Callback | None = None

    def callbacks(self) -> dict[str, Any]:
        """As both SDKs take them."""

        def of(callback: Callback, result: type) -> Callable[..., Awaitable[Any]]:
            async def answer(_context: Any, params: Any = None) -> Any:
                asked = params.model_dump(by_alias=True, mode="json", exclude_none=True) if params else {}
                try:
                    return result.model_validate(await callback(asked))
                except Refused as why:
                    return types.ErrorData(code=-1, message=str(why))

            return answer

        wanted = {
            "elicitation_callback": (self.person, types.ElicitResult),
            "sampling_callback": (self.model, types.CreateMessageResult),
            "list_roots_callback": (self.roots, types.ListRootsResult),
        }
        return {name: of(callback, result) for name, (callback, result) in wanted.items() if callback}


@contextlib.asynccontextmanager
async def connect(
    url: str, revision: str, log_level: str | None = None, asked: Asked | None = None
) -> AsyncIterator[Client]:
    logs: list[Any] = []
    arrived = asyncio.Event()
    changed: asyncio.Queue[str] = asyncio.Queue()

    async def on_message(message: Any) -> None:
        if what := change(message):
            changed.put_nowait(what)

    async def on_log(params: Any) -> None:
        logs.append(params.data)
        arrived.set()

    callbacks = {"logging_callback": on_log, "message_handler": on_message}
    callbacks |= (asked or Asked()).callbacks()
    if SDK.startswith("1."):
        from mcp import ClientSession
        from mcp.client.streamable_http import streamable_http_client

        types.LATEST_PROTOCOL_VERSION = revision
        async with streamable_http_client(url) as (read, write, _):
            async with ClientSession(read, write, **callbacks) as session:
                answer = await session.initialize()
                yield Client(session, str(answer.protocolVersion), logs, arrived, changed)
    else:
        import mcp.client.session as client_session
        from mcp import Client as SdkClient

        mode = revision
        if revision in LEGACY:
            client_session.LATEST_HANDSHAKE_VERSION = revision
            mode = "legacy"
        async with SdkClient(url, mode=mode, log_level=log_level, **callbacks) as client:
            yield Client(client, client.protocol_version, logs, arrived, changed)


def expect(condition: bool, why: str) -> None:
    if not condition:
        raise AssertionError(why)


async def ignore(*_: Any) -> None:
    """For calls that ask for progress and do not look at it."""


class NotApplicable(Exception):
    """The client cannot do this; the message says why."""


@dataclass
class Base:
    """What each set of scenarios has. Each scenario opens its own connection, so that none hides another."""

    url: str
    revision: str
    full: bool
    #: A server whose pages are small.
    paged: str | None

    @property
    def modern(self) -> bool:
        return self.revision in (MODERN, "auto")

    @property
    def expected_version(self) -> str:
        return MODERN if self.modern else self.revision
