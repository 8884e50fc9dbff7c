"""Scenarios: resources, prompts, completion, pages, and what changes."""

from __future__ import annotations

import asyncio
import base64

from sdk import LEGACY, Base, CallError, NotApplicable, connect, expect

#: `PAGE_SIZE` of the second server, as the runner starts it.
PAGE_SIZE = 7
WATCHED = "test://watched-resource"
STATIC = "test://static-text"
TEMPLATE = "test://template/{id}/data"


class Surface(Base):
    SCENARIOS = (
        "pages",
        "resources",
        "resource_templates",
        "unknown_resource",
        "prompts",
        "prompt_errors",
        "completion",
        "list_changes",
        "resource_updates",
    )

    async def pages(self) -> None:
        """Every list is whole, in as many pages as it takes."""
        if self.paged is None:
            raise NotApplicable("there is no server with small pages")
        async with connect(self.paged, self.revision) as client:
            for what in ("tools", "prompts", "resources", "resource_templates"):
                entries = await client.list_all(what)
                names = [entry["name"] for entry in entries]
                expect(len(set(names)) == len(names), f"{what}: something is listed twice: {names}")
                pages = -(-len(names) // PAGE_SIZE)
                expect(client.pages == pages, f"{what}: {len(names)} in {client.pages} pages")
            expect(len(await client.list_all("tools")) > 2 * PAGE_SIZE, "less than three pages of tools")

    async def resources(self) -> None:
        async with connect(self.url, self.revision) as client:
            listed = {entry["uri"]: entry for entry in await client.list_all("resources")}
            expect({STATIC, "test://static-binary", WATCHED} <= set(listed), f"listed {list(listed)}")
            expect(listed[STATIC]["mimeType"] == "text/plain", f"listed {listed[STATIC]}")
            expect(listed[STATIC]["annotations"]["audience"] == ["user", "assistant"], f"listed {listed[STATIC]}")

            [text] = await client.read(STATIC)
            expect(text["uri"] == STATIC and text["mimeType"] == "text/plain", f"read {text}")
            expect(text["text"] == "This is the content of the static text resource.", f"read {text}")
            [blob] = await client.read("test://static-binary")
            expect(base64.b64decode(blob["blob"]).startswith(b"\x89PNG"), f"read {blob}")

    async def resource_templates(self) -> None:
        async with connect(self.url, self.revision) as client:
            templates = [entry["uriTemplate"] for entry in await client.list_all("resource_templates")]
            expect(TEMPLATE in templates, f"listed {templates}")
            [data] = await client.read("test://template/123/data")
            expect(data["uri"] == "test://template/123/data", f"read {data}")
            expect("Data for ID: 123" in data["text"], f"read {data}")
            [rows] = await client.read("test://table/people?from=7&rows=2")
            expect(rows["text"] == "people,7\npeople,8\n", f"read {rows}")

    async def unknown_resource(self) -> None:
        """-32002, and -32602 from 2026-07-28 on (the resources page of each revision)."""
        async with connect(self.url, self.revision) as client:
            try:
                read = await client.read("test://nothing-here")
            except CallError as error:
                expect(error.code == (-32602 if self.modern else -32002), f"error {error}")
            else:
                raise AssertionError(f"read {read}")
            await client.read(STATIC)

    async def prompts(self) -> None:
        async with connect(self.url, self.revision) as client:
            listed = {entry["name"]: entry for entry in await client.list_all("prompts")}
            arguments = {it["name"]: it for it in listed["code_review"]["arguments"]}
            expect(arguments["code"]["required"] is True, f"listed {arguments}")
            expect(not arguments["framework"].get("required"), f"listed {arguments}")

            [simple] = await client.get_prompt("test_simple_prompt")
            expect(simple["content"]["text"] == "This is a simple prompt for testing.", f"got {simple}")
            [said] = await client.get_prompt("test_prompt_with_arguments", {"arg1": "a", "arg2": "ä"})
            expect(said["content"]["text"] == "Prompt with arguments: arg1='a', arg2='ä'", f"got {said}")
            review = await client.get_prompt("code_review", {"code": "x", "strictness": "pedantic", "remarks": "3"})
            expect([it["role"] for it in review] == ["user", "assistant"], f"got {review}")
            expect("Pedantic and have at most 3" in review[1]["content"]["text"], f"got {review}")
            for name, kinds in (
                ("test_prompt_with_image", ["image", "text"]),
                ("test_prompt_with_embedded_resource", ["resource", "text"]),
            ):
                messages = await client.get_prompt(name, {"resourceUri": STATIC} if "resource" in name else None)
                expect([it["content"]["type"] for it in messages] == kinds, f"{name}: got {messages}")

    async def prompt_errors(self) -> None:
        async with connect(self.url, self.revision) as client:
            for name, arguments, named in (
                ("no_such_prompt", {}, "no_such_prompt"),
                ("code_review", {}, "code"),
                ("code_review", {"code": "x", "remarks": "many"}, "remarks"),
            ):
                try:
                    got = await client.get_prompt(name, arguments)
                except CallError as error:
                    expect(error.code == -32602 and named in str(error), f"{name}: error {error}")
                else:
                    raise AssertionError(f"{name}: got {got}")

    async def completion(self) -> None:
        prompt = {"type": "ref/prompt", "name": "test_prompt_with_arguments"}
        review = {"type": "ref/prompt", "name": "code_review"}
        template = {"type": "ref/resource", "uri": TEMPLATE}
        async with connect(self.url, self.revision) as client:
            got = await client.complete(prompt, {"name": "arg1", "value": "par"})
            expect(sorted(got) == ["paris", "park", "party"], f"completed {got}")
            got = await client.complete(template, {"name": "id", "value": "1"})
            expect(sorted(got) == ["1", "123"], f"completed {got}")
            # `context` is of 2025-06-18 and later.
            if self.revision != LEGACY[0]:
                got = await client.complete(review, {"name": "framework", "value": "f"}, {"language": "python"})
                expect(got[:2] == ["fastapi", "flask"], f"completed {got}")
            try:
                got = await client.complete(review | {"name": "no_such_prompt"}, {"name": "a", "value": ""})
            except CallError as error:
                expect(error.code == -32602, f"error {error}")
            else:
                raise AssertionError(f"completed {got}")

    async def list_changes(self) -> None:
        triggers = {
            "tools": "test_trigger_tool_change",
            "prompts": "test_trigger_prompt_change",
            "resources": "test_trigger_resource_change",
        }
        async with connect(self.url, self.revision) as client, client.listening() as next_change:
            for _ in range(5):
                for what, tool in triggers.items():
                    await client.call(tool, {})
                    told = await asyncio.wait_for(next_change(), 5)
                    expect(told == what, f"told of {told}, not of {what}")
                    await client.list_all(what)

    async def resource_updates(self) -> None:
        """Told of what was subscribed to, and of nothing else."""

        async def update(uri: str) -> None:
            await client.call("test_trigger_resource_update", {"uri": uri})

        async with connect(self.url, self.revision) as client:
            async with client.listening((WATCHED,)) as next_change:
                for _ in range(3):
                    await update(STATIC)
                    await update(WATCHED)
                    told = await asyncio.wait_for(next_change(), 5)
                    expect(told == f"updated {WATCHED}", f"told of {told}")
                    await client.read(WATCHED)
                if not self.modern:
                    await client.unsubscribe(WATCHED)
                    await update(WATCHED)
                    await client.call("test_trigger_tool_change", {})
                    told = await asyncio.wait_for(next_change(), 5)
                    expect(told == "tools", f"told of {told} after unsubscribing")
