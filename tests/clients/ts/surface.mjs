// Scenarios: resources, prompts, completion, pages, and what changes.

import { LEGACY, NotApplicable, expect, failure, show } from './base.mjs';

/** `PAGE_SIZE` of the second server, as the runner starts it. */
const PAGE_SIZE = 7;
const WATCHED = 'test://watched-resource';
const STATIC = 'test://static-text';
const TEMPLATE = 'test://template/{id}/data';

const told = (error) => `${error.code} ${error.message}`;

export const surface = {
    /** Every list is whole, in as many pages as it takes. */
    async pages() {
        if (!this.paged) throw new NotApplicable('there is no server with small pages');
        await this.with(this.paged, async (client) => {
            for (const what of ['tools', 'prompts', 'resources', 'resourceTemplates']) {
                const pages = { count: 0 };
                const names = (await client.listAll(what, pages)).map((entry) => entry.name);
                expect(new Set(names).size === names.length, () => `${what}: something is listed twice: ${names}`);
                const want = client.walksPages ? 1 : Math.ceil(names.length / PAGE_SIZE);
                expect(pages.count === want, `${what}: ${names.length} in ${pages.count} pages`);
                expect(what !== 'tools' || names.length > 2 * PAGE_SIZE, `less than three pages of tools: ${names.length}`);
            }
        });
    },

    async resources() {
        await this.with(this.url, async (client) => {
            const listed = new Map((await client.listAll('resources')).map((entry) => [entry.uri, entry]));
            for (const uri of [STATIC, 'test://static-binary', WATCHED]) expect(listed.has(uri), `${uri} is not listed`);
            const { mimeType, annotations } = listed.get(STATIC);
            expect(mimeType === 'text/plain' && show(annotations.audience) === show(['user', 'assistant']), () => `listed ${show(listed.get(STATIC))}`);

            const [text] = await client.read(STATIC);
            expect(text.uri === STATIC && text.text === 'This is the content of the static text resource.', () => `read ${show(text)}`);
            const [blob] = await client.read('test://static-binary');
            expect(Buffer.from(blob.blob, 'base64').subarray(1, 4).toString() === 'PNG', () => `read ${show(blob)}`);
        });
    },

    async resource_templates() {
        await this.with(this.url, async (client) => {
            const templates = (await client.listAll('resourceTemplates')).map((entry) => entry.uriTemplate);
            expect(templates.includes(TEMPLATE), () => `listed ${templates}`);
            const [data] = await client.read('test://template/123/data');
            expect(data.uri === 'test://template/123/data' && data.text.includes('Data for ID: 123'), () => `read ${show(data)}`);
            const [rows] = await client.read('test://table/people?from=7&rows=2');
            expect(rows.text === 'people,7\npeople,8\n', () => `read ${show(rows)}`);
        });
    },

    /** -32002, and -32602 from 2026-07-28 on (the resources page of each revision). */
    async unknown_resource() {
        await this.with(this.url, async (client) => {
            const error = await failure(client.read('test://nothing-here'));
            // Client 2.x makes one error, with the newer code, of both.
            const newer = this.modern || error.constructor.name === 'ResourceNotFoundError';
            expect(error.code === (newer ? -32602 : -32002), `error ${told(error)}`);
            this.complaints.length = 0; // what the client says of an error it was to see
            await client.read(STATIC);
        });
    },

    async prompts() {
        await this.with(this.url, async (client) => {
            const review = (await client.listAll('prompts')).find((entry) => entry.name === 'code_review');
            const required = (name) => review.arguments.find((argument) => argument.name === name).required;
            expect(required('code') === true && !required('framework'), () => `listed ${show(review)}`);

            const [simple] = await client.getPrompt('test_simple_prompt');
            expect(simple.content.text === 'This is a simple prompt for testing.', () => `got ${show(simple)}`);
            const [repeated] = await client.getPrompt('test_prompt_with_arguments', { arg1: 'a', arg2: 'ä' });
            expect(repeated.content.text === "Prompt with arguments: arg1='a', arg2='ä'", () => `got ${show(repeated)}`);
            const reviewed = await client.getPrompt('code_review', { code: 'x', strictness: 'pedantic', remarks: '3' });
            expect(show(reviewed.map((one) => one.role)) === show(['user', 'assistant']), () => `got ${show(reviewed)}`);
            expect(reviewed[1].content.text.includes('Pedantic and have at most 3'), () => `got ${show(reviewed)}`);
            const kinds = async (name, args) => show((await client.getPrompt(name, args)).map((one) => one.content.type));
            const image = await kinds('test_prompt_with_image');
            expect(image === show(['image', 'text']), `got ${image}`);
            const embedded = await kinds('test_prompt_with_embedded_resource', { resourceUri: STATIC });
            expect(embedded === show(['resource', 'text']), `got ${embedded}`);
        });
    },

    async prompt_errors() {
        const wrong = [
            ['no_such_prompt', {}, 'no_such_prompt'],
            ['code_review', {}, 'code'],
            ['code_review', { code: 'x', remarks: 'many' }, 'remarks'],
        ];
        await this.with(this.url, async (client) => {
            for (const [name, args, named] of wrong) {
                const error = await failure(client.getPrompt(name, args));
                expect(error.code === -32602 && error.message.includes(named), `${name}: error ${told(error)}`);
            }
            this.complaints.length = 0; // what the client says of errors it was to see
        });
    },

    async completion() {
        const prompt = { type: 'ref/prompt', name: 'test_prompt_with_arguments' };
        const review = { type: 'ref/prompt', name: 'code_review' };
        const template = { type: 'ref/resource', uri: TEMPLATE };
        await this.with(this.url, async (client) => {
            const places = await client.complete(prompt, { name: 'arg1', value: 'par' });
            expect(show([...places].sort()) === show(['paris', 'park', 'party']), () => `completed ${places}`);
            const ids = await client.complete(template, { name: 'id', value: '1' });
            expect(show([...ids].sort()) === show(['1', '123']), () => `completed ${ids}`);
            // `context` is of 2025-06-18 and later.
            if (this.revision !== LEGACY[0]) {
                const known = await client.complete(review, { name: 'framework', value: 'f' }, { language: 'python' });
                expect(show(known.slice(0, 2)) === show(['fastapi', 'flask']), () => `completed ${known}`);
            }
            const error = await failure(client.complete({ ...review, name: 'no_such_prompt' }, { name: 'a', value: '' }));
            expect(error.code === -32602, `error ${told(error)}`);
            this.complaints.length = 0; // what the client says of an error it was to see
        });
    },

    async list_changes() {
        const triggers = {
            tools: 'test_trigger_tool_change',
            prompts: 'test_trigger_prompt_change',
            resources: 'test_trigger_resource_change',
        };
        await this.with(this.url, async (client) => {
            await client.listen();
            for (let round = 0; round < 5; round++) {
                for (const [what, tool] of Object.entries(triggers)) {
                    await client.call(tool, {});
                    const change = await client.nextChange();
                    expect(change === what, `told of ${change}, not of ${what}`);
                    await client.listAll(what);
                }
            }
        });
    },

    /** Told of what was subscribed to, and of nothing else. */
    async resource_updates() {
        await this.with(this.url, async (client) => {
            const update = (uri) => client.call('test_trigger_resource_update', { uri });
            const next = async (want) => {
                const change = await client.nextChange();
                expect(change === want, `told of ${change}, not of ${want}`);
            };
            await client.listen([WATCHED]);
            for (let round = 0; round < 3; round++) {
                await update(STATIC);
                await update(WATCHED);
                await next(`updated ${WATCHED}`);
                await client.read(WATCHED);
            }
            if (!this.modern) {
                await client.unsubscribe(WATCHED);
                await update(WATCHED);
                await client.call('test_trigger_tool_change', {});
                await next('tools');
            }
        });
    },
};
