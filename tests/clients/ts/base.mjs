// What all scenarios share.

import { Proxy } from './proxy.mjs';

export const MODERN = '2026-07-28';
export const LEGACY = ['2025-03-26', '2025-06-18', '2025-11-25'];

/** The client cannot do this; the message says why. */
export class NotApplicable extends Error {}

export function expect(condition, why) {
    if (!condition) throw new Error(typeof why === 'function' ? why() : why);
}

export const show = (value) => JSON.stringify(value);
export const textOf = (answer) => answer.content.map((block) => block.text ?? '').join('');

/** What a call failed with; that it did not fail is a failure. */
export const failure = (call) =>
    call.then(
        (answer) => expect(false, () => `answered ${show(answer)}`),
        (error) => error,
    );

/**
 * What the client's user answers: functions from the params of a request, and
 * a signal that it was taken back, to its result. A client declares what it has a function for.
 */
export function answers({ person, model, roots, elicitation = { form: {}, url: {} } } = {}) {
    const capabilities = {
        ...(person && { elicitation }),
        ...(model && { sampling: {} }),
        ...(roots && { roots: {} }),
    };
    return { person, model, roots, capabilities };
}

export class Base {
    constructor(connect, { url, paged, revision, full }) {
        this.openClient = connect;
        this.url = url;
        /** A server whose pages are small. */
        this.paged = paged;
        this.revision = revision;
        this.full = full;
        this.modern = revision === MODERN || revision === 'auto';
        this.complaints = [];
    }

    /** Each scenario opens its own connection, so that none hides another. */
    async with(url, body, asked = answers()) {
        const client = await this.openClient(url, this.revision, this.complaints, asked);
        try {
            return await body(client);
        } finally {
            await client.close();
        }
    }

    async throughProxy(body, asked) {
        const proxy = await Proxy.open(this.url);
        try {
            return await this.with(proxy.url, (client) => body(client, proxy), asked?.(proxy));
        } finally {
            proxy.close();
        }
    }

    /** Of cuts the client is right to complain, and of nothing else. */
    forgiveCuts() {
        const others = this.complaints.filter((line) => !/SSE stream disconnected/.test(line));
        expect(others.length === 0, () => `the client complained: ${others.slice(0, 3)}`);
        this.complaints.length = 0;
    }
}
