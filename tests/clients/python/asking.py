"""Scenarios: the server asks, and the client's own callbacks answer."""

from __future__ import annotations

import asyncio
from typing import Any

from proxy import Proxy
from sdk import LEGACY, Answer, Asked, Base, CallError, Callback, NotApplicable, Refused, connect, expect

ADA = {"name": "Ada", "seats": 2, "class": "1"}
ROOTS = {"roots": [{"uri": "file:///home/ada", "name": "Home"}, {"uri": "file:///srv"}]}
DECLINED = {"action": "decline"}
#: Legacy clients are sent a request, modern ones a result that holds it.
QUESTION = b'"elicitation/create"'


def accept(**content: Any) -> dict[str, Any]:
    return {"action": "accept", "content": content}


def message(text: str) -> dict[str, Any]:
    """What a model says."""
    return {"role": "assistant", "content": {"type": "text", "text": text}, "model": "parrot"}


class Script:
    """A callback that gives these results in turn, and keeps what it was asked."""

    def __init__(self, *results: dict[str, Any]) -> None:
        self._results = list(results)
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, params: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(params)
        expect(len(self._results) > 0, f"asked too often: {params}")
        return self._results.pop(0)

    def expect_done(self) -> None:
        expect(not self._results, f"asked {len(self.asked)} times, {len(self._results)} answers are left")


class Asking(Base):
    SCENARIOS = (
        "ask_person",
        "ask_person_defaults",
        "ask_page",
        "ask_model",
        "ask_roots",
        "ask_in_rounds",
        "ask_three_at_once",
        "ask_in_concurrent_calls",
        "ask_in_a_prompt",
        "ask_in_a_resource",
        "ask_refused",
        "ask_misfit",
        "ask_undeclared",
        "ask_unknown_to_the_revision",
        "ask_cancelled_while_open",
        "ask_cut_while_open",
        "ask_cut_within_the_question",
    )

    def _needs_elicitation(self) -> None:
        if self.revision == "2025-03-26":
            raise NotApplicable("elicitation is of 2025-06-18 and later")

    async def ask_person(self) -> None:
        self._needs_elicitation()
        person = Script(accept(**ADA), DECLINED, {"action": "cancel"}, accept(**ADA | {"class": "2"}))
        wanted = ["2 x First for Ada", "declined", "cancelled", "2 x Second for Ada"]
        async with connect(self.url, self.revision, asked=Asked(person=person)) as client:
            for want in wanted:
                self._said(await client.call("ask_person", {}), want)
        person.expect_done()
        form = person.asked[0]
        expect(form["message"] == "Who travels?", f"asked {form}")
        schema = form["requestedSchema"]
        expect(schema["type"] == "object" and sorted(schema["properties"]) == sorted(ADA), f"asked {schema}")
        expect(sorted(schema["required"]) == ["class", "name"], f"asked {schema}")

    async def ask_person_defaults(self) -> None:
        self._needs_elicitation()
        person = Script(accept(name="Ada", **{"class": "1"}))
        async with connect(self.url, self.revision, asked=Asked(person=person)) as client:
            self._said(await client.call("ask_person", {}), "1 x First for Ada")
        person.expect_done()

    async def ask_page(self) -> None:
        if self.revision in LEGACY[:2]:
            raise NotApplicable("URL mode is of 2025-11-25 and later")
        person = Script({"action": "accept"}, DECLINED, {"action": "cancel"})
        async with connect(self.url, self.revision, asked=Asked(person=person)) as client:
            for want in ("opened", "declined", "cancelled"):
                self._said(await client.call("ask_page", {}), want)
        person.expect_done()
        for page in person.asked:
            expect(page["mode"] == "url" and page["url"] == "https://example.com/connect", f"asked {page}")
            # "elicitationId" is gone from 2026-07-28.
            expect(page.get("elicitationId") == (None if self.modern else "connect-1"), f"asked {page}")

    async def ask_model(self) -> None:
        model = Script(message("Paris"))
        async with connect(self.url, self.revision, asked=Asked(model=model)) as client:
            answer = await client.call("ask_model", {"prompt": "What is the capital of France?"})
            self._said(answer, "parrot says: Paris")
        model.expect_done()
        asked = model.asked[0]
        expect(asked["maxTokens"] == 100 and len(asked["messages"]) == 1, f"asked {asked}")
        expect("capital of France" in str(asked["messages"][0]["content"]), f"asked {asked}")

    async def ask_roots(self) -> None:
        roots = Script(ROOTS)
        async with connect(self.url, self.revision, asked=Asked(roots=roots)) as client:
            self._said(await client.call("ask_roots", {}), "file:///home/ada file:///srv")
        roots.expect_done()

    async def ask_in_rounds(self) -> None:
        self._needs_elicitation()
        person = Script(accept(word="one"), accept(word="two"), accept(word="three"))
        progress: list[float] = []

        async def on_progress(at: float, *_: Any) -> None:
            progress.append(at)

        async with connect(self.url, self.revision, asked=Asked(person=person)) as client:
            self._said(await client.call("ask_in_rounds", {}, on_progress), "one two three")
        person.expect_done()
        keys = [asked["message"] for asked in person.asked]
        expect(keys == [f"The {nth} word?" for nth in ("first", "second", "third")], f"asked {keys}")
        # A modern round is a request of its own, whose progress starts anew.
        wanted = [1, 1, 2, 1, 2, 3] if self.modern else [1, 2, 3]
        expect(progress == wanted, f"progress {progress}")

    async def ask_three_at_once(self) -> None:
        self._needs_elicitation()
        asked = Asked(Script(accept(name="Ada")), Script(message("Good morning")), Script(ROOTS))
        async with connect(self.url, self.revision, asked=asked) as client:
            answer = await client.call("test_input_required_result_multiple_inputs", {})
            self._said(answer, "Good morning Ada: 2 roots")
        for script in (asked.person, asked.model, asked.roots):
            script.expect_done()

    async def ask_in_concurrent_calls(self) -> None:
        """Each call is given the answer to its own question."""

        async def echo(params: dict[str, Any]) -> dict[str, Any]:
            content = params["messages"][0]["content"]
            return message((content[0] if isinstance(content, list) else content)["text"])

        async with connect(self.url, self.revision, asked=Asked(model=echo)) as client:
            prompts = [f"prompt {i}" for i in range(20 if self.full else 8)]
            answers = await asyncio.gather(*(client.call("ask_model", {"prompt": text}) for text in prompts))
            for text, answer in zip(prompts, answers):
                self._said(answer, f"parrot says: {text}")

    async def ask_in_a_prompt(self) -> None:
        self._needs_elicitation()
        person = Script(accept(context="the sea"))
        async with connect(self.url, self.revision, asked=Asked(person=person)) as client:
            messages = await client.get_prompt("test_input_required_result_prompt")
            text = messages[0]["content"]["text"]
            expect(text == "Use this context: the sea", f"got {messages}")
        person.expect_done()

    async def ask_in_a_resource(self) -> None:
        self._needs_elicitation()
        person = Script(accept(word="salt"), accept(word="sand"))
        async with connect(self.url, self.revision, asked=Asked(person=person)) as client:
            for want in ("salt", "sand"):
                contents = await client.read("test://asked-resource")
                expect([part["text"] for part in contents] == [want], f"read {contents}")
        person.expect_done()

    async def ask_refused(self) -> None:
        """The user's callback answers with an error."""

        async def refuse(_: dict[str, Any]) -> dict[str, Any]:
            raise Refused("The user said no")

        async with connect(self.url, self.revision, asked=Asked(model=refuse, roots=refuse)) as client:
            for tool, arguments in (("ask_model", {"prompt": "?"}), ("ask_roots", {})):
                try:
                    answer = await client.call(tool, arguments)
                except CallError as error:
                    # The modern client has nothing to send, and gives its call up by itself.
                    expect(self.modern and error.code == -1, f"error {error}")
                    text = str(error)
                else:
                    expect(not self.modern and answer.is_error, f"answered {answer}")
                    text = answer.text
                expect("The user said no" in text, f"said {text!r}")
            await client.call("test_simple_text", {})

    async def ask_misfit(self) -> None:
        """What is filled in does not fit the form: the answer names the field."""
        self._needs_elicitation()
        person = Script(accept(**ADA | {"seats": 12}))
        async with connect(self.url, self.revision, asked=Asked(person=person)) as client:
            try:
                answer = await client.call("ask_person", {})
            except CallError as error:
                # There the answer is part of the request.
                expect(self.modern and error.code == -32602, f"error {error}")
                text = str(error)
            else:
                expect(not self.modern and answer.is_error, f"answered {answer}")
                text = answer.text
            expect("seats" in text, f"does not name the field: {text!r}")
            await client.call("test_simple_text", {})
        person.expect_done()

    async def ask_undeclared(self) -> None:
        """A client that cannot be asked is told what it lacks."""
        wanted = {"ask_model": "sampling", "ask_roots": "roots", "ask_person": "elicitation"}
        await self._cannot_ask(Asked(), wanted)

    async def ask_unknown_to_the_revision(self) -> None:
        """What the client declares and its revision does not have is not asked."""
        asked = Asked(person=Script())
        if self.revision == "2025-03-26":
            await self._cannot_ask(asked, {"ask_person": "elicitation", "ask_page": "elicitation"})
        elif self.revision == "2025-06-18":
            await self._cannot_ask(asked, {"ask_page": "elicitation"})
        else:
            raise NotApplicable("this revision has all that can be asked")

    async def _cannot_ask(self, asked: Asked, wanted: dict[str, str]) -> None:
        async with connect(self.url, self.revision, asked=asked) as client:
            for tool, capability in wanted.items():
                try:
                    answer = await client.call(tool, {"prompt": "?"} if tool == "ask_model" else {})
                except CallError as error:
                    expect(error.code == (-32021 if self.modern else -32602), f"{tool}: error {error}")
                    expect(capability in str(error), f"{tool}: does not name {capability}: {error}")
                else:
                    raise AssertionError(f"{tool} answered {answer}")
            await client.call("test_simple_text", {})

    async def ask_cancelled_while_open(self) -> None:
        """An answer to a question whose call was cancelled does no harm."""
        self._needs_elicitation()
        opened, answered = asyncio.Event(), asyncio.Event()

        async def think(_: dict[str, Any]) -> dict[str, Any]:
            opened.set()
            await answered.wait()
            return accept(**ADA)

        async with connect(self.url, self.revision, asked=Asked(person=think)) as client:
            call = client.start("ask_person", {})
            await opened.wait()
            await client.cancel(call)
            expect(call.task.cancelled(), "the cancelled call was answered")
            answered.set()
            self._said(await client.call("ask_person", {}), "2 x First for Ada")

    async def ask_cut_while_open(self) -> None:
        """The connection breaks while the person thinks: nothing is asked again, nothing lost."""
        self._needs_elicitation()
        if self.modern:
            raise NotApplicable("no connection is open while a question of 2026-07-28 is")
        times = 0

        async def think(_: dict[str, Any]) -> dict[str, Any]:
            nonlocal times
            times += 1
            proxy.cut_now()
            # Whichever comes first: the answer, or the client that is back.
            await proxy.resumed()
            return accept(**ADA)

        async with Proxy(self.url) as proxy:
            proxy.watch(QUESTION)
            async with connect(proxy.url, self.revision, asked=Asked(person=think)) as client:
                self._said(await client.call("ask_person", {}), "2 x First for Ada")
                expect(proxy.cuts == 1, f"{proxy.cuts} cuts")
                expect(times == 1, f"asked {times} times")
                self._said(await client.call("test_simple_text", {}))

    async def ask_cut_within_the_question(self) -> None:
        """The connection breaks before the question is whole: it comes again, and once."""
        self._needs_elicitation()
        if self.modern:
            raise NotApplicable("streams of 2026-07-28 are not resumable")
        person = Script(accept(word="one"), accept(word="two"), accept(word="three"))
        async with Proxy(self.url) as proxy:
            proxy.cut_after(1, of=QUESTION)
            async with connect(proxy.url, self.revision, asked=Asked(person=person)) as client:
                self._said(await client.call("ask_in_rounds", {}), "one two three")
                expect(proxy.cuts == 1, f"{proxy.cuts} cuts")
                expect(proxy.resumes >= 1, "no request with Last-Event-ID")
                self._said(await client.call("test_simple_text", {}))
        person.expect_done()

    @staticmethod
    def _said(answer: Answer, want: str | None = None) -> None:
        expect(not answer.is_error and want in (None, answer.text), f"answered {answer}")
