// Scenarios: the server asks, and the client's own handlers answer.

import { LEGACY, NotApplicable, answers, expect, failure, show, textOf } from './base.mjs';

const ADA = { name: 'Ada', seats: 2, class: '1' };
const ROOTS = { roots: [{ uri: 'file:///home/ada', name: 'Home' }, { uri: 'file:///srv' }] };
/** Legacy clients are sent a request, modern ones a result that holds it. */
const QUESTION = '"elicitation/create"';
const DECLINED = { action: 'decline' };
const CANCELLED = { action: 'cancel' };

const accept = (content) => ({ action: 'accept', content });
/** What a model says. */
const message = (text) => ({ role: 'assistant', content: { type: 'text', text }, model: 'parrot' });

/** A handler that gives these results in turn, and keeps what it was asked. */
function script(...results) {
    const asked = [];
    const answer = async (params) => {
        asked.push(params);
        expect(results.length > 0, () => `asked too often: ${show(params)}`);
        return results.shift();
    };
    answer.asked = asked;
    answer.expectDone = () => expect(results.length === 0, `asked ${asked.length} times, ${results.length} answers are left`);
    return answer;
}

function said(answer, want) {
    expect(!answer.isError && textOf(answer) === want, () => `answered ${show(answer)}, not ${want}`);
}

/** The code and the texts of an error, wherever the client keeps them. */
const told = (error) => `${error.code} ${error.message} ${show(error.data) ?? ''}`;

function needsElicitation(run) {
    if (run.revision === '2025-03-26') throw new NotApplicable('elicitation is of 2025-06-18 and later');
}

async function cannotAsk(run, asked, wanted) {
    await run.with(
        run.url,
        async (client) => {
            for (const [tool, capability] of Object.entries(wanted)) {
                const error = await failure(client.call(tool, tool === 'ask_model' ? { prompt: '?' } : {}));
                const text = told(error);
                expect(text.includes(run.modern ? '-32021' : '-32602') && text.includes(capability), `${tool}: error ${text}`);
            }
            run.complaints.length = 0; // what the client says of errors it was to see
            await client.call('test_simple_text', {});
        },
        asked,
    );
}

export const asking = {
    async ask_person() {
        needsElicitation(this);
        const person = script(accept(ADA), DECLINED, CANCELLED, accept({ ...ADA, class: '2' }));
        await this.with(
            this.url,
            async (client) => {
                for (const want of ['2 x First for Ada', 'declined', 'cancelled', '2 x Second for Ada']) {
                    said(await client.call('ask_person', {}), want);
                }
            },
            answers({ person }),
        );
        person.expectDone();
        const [form] = person.asked;
        const { type, properties, required } = form.requestedSchema;
        expect(form.message === 'Who travels?' && type === 'object', () => `asked ${show(form)}`);
        expect(show(Object.keys(properties).sort()) === show(Object.keys(ADA).sort()), () => `asked ${show(properties)}`);
        expect(show([...required].sort()) === show(['class', 'name']), () => `required ${required}`);
    },

    /** The client fills in what the person left out (its option `applyDefaults`). */
    async ask_person_defaults() {
        if (LEGACY.slice(0, 2).includes(this.revision)) throw new NotApplicable('defaults are of 2025-11-25 and later');
        const person = script(accept({}));
        await this.with(
            this.url,
            async (client) => {
                const answer = await client.call('test_elicitation_sep1034_defaults', {});
                const content = JSON.parse(textOf(answer).split('content=')[1]);
                const want = { name: 'John Doe', age: 30, score: 95.5, status: 'active', verified: true };
                expect(Object.keys(want).every((key) => content[key] === want[key]), () => `answered ${show(answer)}`);
            },
            answers({ person, elicitation: { form: { applyDefaults: true } } }),
        );
        person.expectDone();
    },

    async ask_page() {
        if (LEGACY.slice(0, 2).includes(this.revision)) throw new NotApplicable('URL mode is of 2025-11-25 and later');
        const person = script({ action: 'accept' }, DECLINED, CANCELLED);
        await this.with(
            this.url,
            async (client) => {
                for (const want of ['opened', 'declined', 'cancelled']) said(await client.call('ask_page', {}), want);
            },
            answers({ person }),
        );
        person.expectDone();
        for (const page of person.asked) {
            expect(page.mode === 'url' && page.url === 'https://example.com/connect', () => `asked ${show(page)}`);
            // `elicitationId` is gone from 2026-07-28.
            expect(page.elicitationId === (this.modern ? undefined : 'connect-1'), () => `asked ${show(page)}`);
        }
    },

    async ask_model() {
        const model = script(message('Paris'));
        await this.with(
            this.url,
            async (client) => {
                const answer = await client.call('ask_model', { prompt: 'What is the capital of France?' });
                said(answer, 'parrot says: Paris');
            },
            answers({ model }),
        );
        model.expectDone();
        const [asked] = model.asked;
        expect(asked.maxTokens === 100 && show(asked.messages).includes('capital of France'), () => `asked ${show(asked)}`);
    },

    async ask_roots() {
        const roots = script(ROOTS);
        await this.with(
            this.url,
            async (client) => said(await client.call('ask_roots', {}), 'file:///home/ada file:///srv'),
            answers({ roots }),
        );
        roots.expectDone();
    },

    async ask_in_rounds() {
        needsElicitation(this);
        const person = script(accept({ word: 'one' }), accept({ word: 'two' }), accept({ word: 'three' }));
        const seen = [];
        await this.with(
            this.url,
            async (client) => {
                // Client 2.x tells of its own rounds by the same way.
                const onprogress = ({ progress, message }) => message.startsWith('Fulfilling input') || seen.push(progress);
                const answer = await client.call('ask_in_rounds', {}, { onprogress });
                said(answer, 'one two three');
            },
            answers({ person }),
        );
        person.expectDone();
        const messages = person.asked.map((params) => params.message);
        expect(show(messages) === show(['first', 'second', 'third'].map((nth) => `The ${nth} word?`)), () => `asked ${messages}`);
        // A modern round is a request of its own, whose progress starts anew.
        expect(show(seen) === show(this.modern ? [1, 1, 2, 1, 2, 3] : [1, 2, 3]), () => `progress ${seen}`);
    },

    async ask_three_at_once() {
        needsElicitation(this);
        const asked = { person: script(accept({ name: 'Ada' })), model: script(message('Good morning')), roots: script(ROOTS) };
        await this.with(
            this.url,
            async (client) => {
                const answer = await client.call('test_input_required_result_multiple_inputs', {});
                said(answer, 'Good morning Ada: 2 roots');
            },
            answers(asked),
        );
        for (const one of Object.values(asked)) one.expectDone();
    },

    /** Each call is given the answer to its own question. */
    async ask_in_concurrent_calls() {
        const model = async ({ messages: [{ content }] }) => message([content].flat()[0].text);
        await this.with(
            this.url,
            async (client) => {
                const prompts = Array.from({ length: this.full ? 20 : 8 }, (_, i) => `prompt ${i}`);
                const all = await Promise.all(prompts.map((prompt) => client.call('ask_model', { prompt })));
                all.forEach((answer, i) => said(answer, `parrot says: ${prompts[i]}`));
            },
            answers({ model }),
        );
    },

    async ask_in_a_prompt() {
        needsElicitation(this);
        const person = script(accept({ context: 'the sea' }));
        await this.with(
            this.url,
            async (client) => {
                const messages = await client.getPrompt('test_input_required_result_prompt');
                expect(messages[0].content.text === 'Use this context: the sea', () => `got ${show(messages)}`);
            },
            answers({ person }),
        );
        person.expectDone();
    },

    async ask_in_a_resource() {
        needsElicitation(this);
        const person = script(accept({ word: 'salt' }), accept({ word: 'sand' }));
        await this.with(
            this.url,
            async (client) => {
                for (const want of ['salt', 'sand']) {
                    const contents = await client.read('test://asked-resource');
                    expect(show(contents.map((part) => part.text)) === show([want]), () => `read ${show(contents)}`);
                }
            },
            answers({ person }),
        );
        person.expectDone();
    },

    /** The user's handler fails. */
    async ask_refused() {
        const refuse = async () => {
            throw new Error('The user said no');
        };
        await this.with(
            this.url,
            async (client) => {
                for (const [tool, args] of [['ask_model', { prompt: '?' }], ['ask_roots', {}]]) {
                    const call = client.call(tool, args);
                    // The modern client has nothing to send, and gives its call up by itself.
                    const text = this.modern ? told(await failure(call)) : textOf(await call);
                    expect(text.includes('The user said no'), `${tool} said ${text}`);
                    expect(this.modern || (await call).isError, `${tool} answered without an error: ${text}`);
                }
                this.complaints.length = 0; // what the client says of errors it was to see
                await client.call('test_simple_text', {});
            },
            answers({ model: refuse, roots: refuse }),
        );
    },

    /** What is filled in does not fit the form: the answer names the field. */
    async ask_misfit() {
        needsElicitation(this);
        const person = script(accept({ ...ADA, seats: 12 }));
        await this.with(
            this.url,
            async (client) => {
                const call = client.call('ask_person', {});
                // In the modern era the answer is part of the request.
                const text = this.modern ? told(await failure(call)) : textOf(await call);
                expect(text.includes('seats') && (!this.modern || text.includes('-32602')), `said ${text}`);
                expect(this.modern || (await call).isError, `answered without an error: ${text}`);
                this.complaints.length = 0; // what the client says of errors it was to see
                await client.call('test_simple_text', {});
            },
            answers({ person }),
        );
        person.expectDone();
    },

    /** A client that cannot be asked is told what it lacks. */
    async ask_undeclared() {
        await cannotAsk(this, answers(), { ask_model: 'sampling', ask_roots: 'roots', ask_person: 'elicitation' });
    },

    async ask_undeclared_mode() {
        if (LEGACY.slice(0, 2).includes(this.revision)) throw new NotApplicable('modes are of 2025-11-25 and later');
        await cannotAsk(this, answers({ person: script(), elicitation: { form: {} } }), { ask_page: 'elicitation' });
    },

    /** What the client declares and its revision does not have is not asked. */
    async ask_unknown_to_the_revision() {
        const wanted = {
            '2025-03-26': { ask_person: 'elicitation', ask_page: 'elicitation' },
            '2025-06-18': { ask_page: 'elicitation' },
        }[this.revision];
        if (!wanted) throw new NotApplicable('this revision has all that can be asked');
        await cannotAsk(this, answers({ person: script() }), wanted);
    },

    /** Who cancels the call takes the question back as well. */
    async ask_cancelled_while_open() {
        needsElicitation(this);
        let opened;
        const open = new Promise((resolve) => (opened = resolve));
        let takenBack;
        const back = new Promise((resolve) => (takenBack = resolve));
        let times = 0;
        const think = async (_, signal) => {
            times += 1;
            if (times === 1) {
                opened();
                await new Promise((resolve) => signal.addEventListener('abort', resolve));
                takenBack();
            }
            return accept(ADA);
        };
        await this.with(
            this.url,
            async (client) => {
                const abort = new AbortController();
                const call = client.call('ask_person', {}, { signal: abort.signal });
                const ended = call.then(show, () => undefined);
                await open;
                abort.abort('not wanted any more');
                const answer = await ended;
                expect(answer === undefined, `the cancelled call was answered: ${answer}`);
                await back;
                said(await client.call('ask_person', {}), '2 x First for Ada');
            },
            answers({ person: think }),
        );
    },

    /** The connection breaks while the person thinks: nothing is asked again, nothing lost. */
    async ask_cut_while_open() {
        needsElicitation(this);
        if (this.modern) throw new NotApplicable('no connection is open while a question of 2026-07-28 is');
        let times = 0;
        const thinking = (proxy) => async () => {
            times += 1;
            proxy.cutNow();
            await proxy.resumed();
            return accept(ADA);
        };
        await this.throughProxy(
            async (client, proxy) => {
                proxy.watch(QUESTION);
                said(await client.call('ask_person', {}), '2 x First for Ada');
                expect(proxy.cuts === 1, `${proxy.cuts} cuts`);
                expect(times === 1, `asked ${times} times`);
                await client.call('test_simple_text', {});
                this.forgiveCuts();
            },
            (proxy) => answers({ person: thinking(proxy) }),
        );
    },

    /** The connection breaks before the question is whole: it comes again, and once. */
    async ask_cut_within_the_question() {
        needsElicitation(this);
        if (this.modern) throw new NotApplicable('streams of 2026-07-28 are not resumable');
        const person = script(accept({ word: 'one' }), accept({ word: 'two' }), accept({ word: 'three' }));
        await this.throughProxy(
            async (client, proxy) => {
                proxy.watch(QUESTION);
                proxy.cutAfter(1);
                said(await client.call('ask_in_rounds', {}), 'one two three');
                expect(proxy.cuts === 1, `${proxy.cuts} cuts`);
                expect(proxy.resumes >= 1, 'no request with Last-Event-ID');
                await client.call('test_simple_text', {});
                this.forgiveCuts();
            },
            () => answers({ person }),
        );
        person.expectDone();
    },
};
