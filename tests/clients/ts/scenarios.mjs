// What both TypeScript clients are put through against the example
// `everything`. A driver brings `connect` and says what its client cannot do.

import { parseArgs } from 'node:util';
import { asking } from './asking.mjs';
import { Base, LEGACY, MODERN, NotApplicable, expect, show, textOf } from './base.mjs';
import { surface } from './surface.mjs';

export { LEGACY, MODERN };

const SCENARIO_MS = 30_000;
const range = (count) => Array.from({ length: count }, (_, i) => i + 1);

/** Resolves when `test()` holds; `changed(callback)` announces each change. */
function until(test, changed) {
    return new Promise((resolve) => {
        const check = () => test() && resolve();
        changed(check);
        check();
    });
}

class Run extends Base {
    async connect() {
        await this.with(this.url, async (client) => {
            const wanted = this.modern ? MODERN : this.revision;
            expect(client.version === wanted, `negotiated ${client.version}, not ${wanted}`);
        });
    }

    async list_tools() {
        await this.with(this.url, async (client) => {
            const tools = await client.listTools();
            const names = tools.map((tool) => tool.name);
            for (const name of ['test_simple_text', 'emit', 'slow', 'probe']) {
                expect(names.includes(name), `${name} is not listed`);
            }
            expect(new Set(names).size === names.length, 'a tool is listed twice');
            expect(tools.every((tool) => tool.inputSchema.type === 'object'), 'an input schema is not of type object');
        });
    }

    async call() {
        const wanted = {
            test_simple_text: ['text'],
            test_image_content: ['image'],
            test_audio_content: ['audio'],
            test_embedded_resource: ['resource'],
            test_multiple_content_types: ['text', 'image', 'resource'],
        };
        await this.with(this.url, async (client) => {
            for (const [tool, kinds] of Object.entries(wanted)) {
                const answer = await client.call(tool, {});
                expect(!answer.isError && show(answer.content.map((block) => block.type)) === show(kinds), () => `${tool} answered ${show(answer)}`);
            }
            const answer = await client.call('test_simple_text');
            expect(textOf(answer) === 'This is a simple text response for testing.', () => `test_simple_text said ${show(answer)}`);
        });
    }

    async progress() {
        await this.with(this.url, async (client) => {
            await this.emit(client, this.full ? 1000 : 100, 0, 64);
            // One at a time too: what coalesces must not hide what does not.
            await this.emit(client, 5, 20, 0);
        });
    }

    async emit(client, count, interval_ms, bytes) {
        const seen = [];
        const answer = await client.call('emit', { count, interval_ms, bytes }, {
            onprogress: ({ progress, total, message }) => seen.push([progress, total, (message ?? '').length]),
        });
        expect(!answer.isError, () => `emit answered ${show(answer)}`);
        const want = range(count).map((i) => [i, count, bytes]);
        expect(show(seen) === show(want), () => `progress ${show(seen.map(([progress]) => progress))} of ${count}`);
    }

    async progress_unasked() {
        await this.with(this.url, async (client) => {
            const answer = await client.call('emit', { count: 3, interval_ms: 0, bytes: 10 });
            expect(!answer.isError, () => `emit answered ${show(answer)}`);
        });
    }

    async tool_error() {
        await this.with(this.url, async (client) => {
            const answer = await client.call('test_error_handling', {});
            expect(answer.isError === true, () => `answered ${show(answer)}`);
            expect(textOf(answer) === 'This tool intentionally returns an error for testing', () => `said ${show(answer)}`);
        });
    }

    async unknown_tool() {
        await this.with(this.url, async (client) => {
            const error = await client.call('no_such_tool', {}).then(
                (answer) => expect(false, () => `answered ${show(answer)}`),
                (error) => error,
            );
            expect(error.code === -32602, `error ${error.code}: ${error.message}`);
            this.complaints.length = 0; // what the client says of an error it was to see
            await client.call('test_simple_text', {});
        });
    }

    /** A result from 2025-11-25 on, -32602 before (the tools page of each revision). */
    async bad_arguments() {
        const asResult = !LEGACY.slice(0, 2).includes(this.revision);
        await this.with(this.url, async (client) => {
            const [answer, error] = await client.call('emit', { count: 'many' }).then(
                (answer) => [answer, undefined],
                (error) => [undefined, error],
            );
            if (asResult) {
                expect(answer?.isError === true, () => `answered ${show(answer)}, error ${error}`);
            } else {
                expect(error?.code === -32602, () => `answered ${show(answer)}, error ${error}`);
            }
            const text = asResult ? textOf(answer) : error.message;
            expect(text.includes('count'), `does not name the field: ${text}`);
        });
    }

    /** A handler that panics is answered, before and after its answer became a stream. */
    async panic() {
        await this.throughProxy(async (client, proxy) => {
            const failure = (args, options) =>
                client.call('panic', args, options).then(
                    (answer) => expect(false, () => `answered ${show(answer)}`),
                    (error) => error,
                );
            const plain = await failure({});
            // Of an answer with an HTTP error status the client tells the status.
            const said = `${plain.code} ${plain.message} ${plain.data?.text ?? ''}`;
            expect(said.includes('-32603'), () => `error ${said}`);
            const streamed = await failure({ progress: true }, { onprogress: () => {} });
            expect(streamed.code === -32603, () => `error ${streamed.code}: ${streamed.message}`);
            // A client must not be led to ask for that stream again and again:
            // 1.x takes only a result for the end of a stream that has ids.
            await this.emit(client, 20, 50, 0);
            expect(proxy.resumes <= 3, `${proxy.resumes} requests with Last-Event-ID`);
            this.complaints.length = 0; // what the client says of errors it was to see
        });
    }

    /** While the answer's framing is still open: nothing has been sent. */
    async cancel() {
        await this.with(this.url, async (client) => {
            const base = await this.probe(client);
            const abort = new AbortController();
            const call = client.call('slow', {}, { signal: abort.signal });
            call.catch(() => {});
            await this.probe(client, { started_at_least: base.started + 1 });
            await this.cancelled(client, abort, call, base);
        });
    }

    /** After the answer has become a stream. */
    async cancel_stream() {
        await this.with(this.url, async (client) => {
            const base = await this.probe(client);
            const abort = new AbortController();
            let call;
            await new Promise((streaming, failed) => {
                call = client.call('slow', { progress: true }, { signal: abort.signal, onprogress: streaming });
                call.catch(failed);
            });
            await this.cancelled(client, abort, call, base);
        });
    }

    async cancelled(client, abort, call, base) {
        abort.abort('not wanted any more');
        const ended = await call.then((answer) => show(answer), () => undefined);
        expect(ended === undefined, `the cancelled call was answered: ${ended}`);
        const now = await this.probe(client, { dropped_at_least: base.dropped + 1 });
        expect(now.dropped === base.dropped + 1, () => `not dropped: ${show(base)} then ${show(now)}`);
        expect(now.finished === base.finished, () => `ran to its end: ${show(base)} then ${show(now)}`);
        const answer = await client.call('test_simple_text', {});
        expect(!answer.isError, 'the session does not work any more');
    }

    /** The server's counters; it waits (5 s) for those that are asked for. */
    async probe(client, until = {}) {
        const counters = JSON.parse(textOf(await client.call('probe', until)));
        for (const [name, least] of Object.entries(until)) {
            const counter = name.replace('_at_least', '');
            expect(counters[counter] >= least, () => `${counter} stayed below ${least}: ${show(counters)}`);
        }
        return counters;
    }

    async logging() {
        const want = ['Tool execution started', 'Tool processing data', 'Tool execution completed'];
        await this.with(this.url, async (client) => {
            if (!this.modern) await client.setLogLevel('debug');
            await client.call('test_tool_with_logging', {}, { logLevel: this.modern ? 'info' : undefined });
            await until(() => client.logs.length >= want.length, client.onLog);
            expect(show(client.logs) === show(want), () => `logs ${show(client.logs)}`);

            // Below the level; in the modern era, without the request's opt-in.
            client.logs.length = 0;
            if (!this.modern) await client.setLogLevel('error');
            await client.call('test_tool_with_logging', {});
            await client.call('test_simple_text', {});
            expect(client.logs.length === 0, () => `below the level: ${show(client.logs)}`);
        });
    }

    async header_parameters() {
        if (!this.modern) throw new NotApplicable('Mcp-Param-* headers are of 2026-07-28');
        await this.with(this.url, async (client) => {
            // The client learns from the list which arguments go into headers.
            await client.listTools();
            for (const region of ['eu-west1', 'Zürich', ' padded ', '=?base64?SGVsbG8=?=']) {
                const answer = await client.call('test_header_parameters', { region });
                expect(textOf(answer) === `region: ${region}`, () => `${region} came as ${show(answer)}`);
            }
        });
    }

    async resume() {
        if (this.modern) throw new NotApplicable('streams of 2026-07-28 are not resumable');
        await this.throughProxy(async (client, proxy) => {
            // Twice: the stream that resumes is a stream that can break.
            proxy.cutAfter(5, 12);
            await this.emit(client, 30, 30, 200);
            expect(proxy.cuts === 2, `${proxy.cuts} cuts`);
            expect(proxy.resumes >= 2, `${proxy.resumes} requests with Last-Event-ID`);
            const answer = await client.call('test_simple_text', {});
            expect(!answer.isError, 'the session does not work any more');
            this.forgiveCuts();
        });
    }

    connections() {
        return this.fifty('test_simple_text', {});
    }

    connections_progress_unasked() {
        return this.fifty('emit', { count: 3, interval_ms: 0, bytes: 10 });
    }

    async fifty(tool, args) {
        await this.throughProxy(async (client, proxy) => {
            for (let i = 0; i < 50; i++) {
                const answer = await client.call(tool, args);
                expect(!answer.isError, () => `answered ${show(answer)}`);
            }
            expect(proxy.connections <= 3, `50 calls took ${proxy.connections} connections`);
        });
    }
}

Object.assign(Run.prototype, surface, asking);

const SCENARIOS = [
    'connect',
    'list_tools',
    'call',
    'progress',
    'progress_unasked',
    'tool_error',
    'unknown_tool',
    'bad_arguments',
    'panic',
    'cancel',
    'cancel_stream',
    'logging',
    'header_parameters',
    'resume',
    'connections',
    'connections_progress_unasked',
    ...Object.keys(surface),
    ...Object.keys(asking),
];

async function inTime(promise) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not done in ${SCENARIO_MS} ms`)), SCENARIO_MS);
    });
    try {
        return await Promise.race([promise, late]);
    } finally {
        clearTimeout(timer);
    }
}

/** Run the scenarios that the command line asks for, and end the process. */
export async function main(connect, revisions) {
    const { values } = parseArgs({
        options: {
            url: { type: 'string' },
            paged: { type: 'string' },
            revision: { type: 'string' },
            scenario: { type: 'string', multiple: true },
            full: { type: 'boolean', default: false },
        },
    });
    if (!values.url || !revisions.includes(values.revision)) {
        console.error(`usage: --url URL --revision ${revisions.join('|')} [--paged URL] [--scenario NAME]… [--full]`);
        process.exit(2);
    }
    const run = new Run(connect, values);
    let failed = false;
    for (const name of values.scenario ?? SCENARIOS) {
        run.complaints.length = 0;
        try {
            await inTime(run[name]());
            expect(run.complaints.length === 0, () => `the client complained: ${run.complaints.slice(0, 3).join('; ')}`);
            console.log(`ok ${name}`);
        } catch (error) {
            if (error instanceof NotApplicable) {
                console.log(`n/a ${name}: ${error.message}`);
            } else {
                failed = true;
                console.log(`FAIL ${name}: ${error?.message ?? error}`);
            }
        }
    }
    // A client that hangs on to a socket must not keep the driver.
    process.exit(failed ? 1 : 0);
}
