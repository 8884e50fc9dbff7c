// What the scenarios need of a client beyond tools, and both TypeScript clients
// have by the same names.

const LISTS = { tools: 'listTools', prompts: 'listPrompts', resources: 'listResources', resourceTemplates: 'listResourceTemplates' };

/** `walksPages`: a list that is asked for without a cursor is all of it. */
export function surfaceOf(client, { walksPages = false } = {}) {
    const changes = [];
    let onChange = () => {};
    return {
        walksPages,
        changed(what) {
            changes.push(what);
            onChange();
        },
        /** The next change that the client was told of. */
        async nextChange() {
            while (changes.length === 0) await new Promise((resolve) => (onChange = resolve));
            return changes.shift();
        },
        /** All pages of a list; `pages` counts those that were asked for. */
        async listAll(what, pages = { count: 0 }) {
            const entries = [];
            let cursor;
            do {
                const page = await client[LISTS[what]](cursor ? { cursor } : undefined);
                pages.count += 1;
                entries.push(...page[what]);
                cursor = page.nextCursor;
            } while (cursor);
            return entries;
        },
        listTools() {
            return this.listAll('tools');
        },
        read: async (uri) => (await client.readResource({ uri })).contents,
        getPrompt: async (name, args) => (await client.getPrompt({ name, arguments: args })).messages,
        complete: async (ref, argument, context) =>
            (await client.complete({ ref, argument, ...(context && { context: { arguments: context } }) })).completion.values,
        unsubscribe: (uri) => client.unsubscribeResource({ uri }),
    };
}
