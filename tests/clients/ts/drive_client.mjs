// Drives `@modelcontextprotocol/client` (2.x, both eras) against the example
// `everything`:
//
//     node drive_client.mjs --url http://127.0.0.1:PORT/mcp --revision REVISION
//
// `auto` lets the client find the era out; the others pin it.

import { Client, LOG_LEVEL_META_KEY, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { LEGACY, MODERN, main } from './scenarios.mjs';

function negotiation(revision) {
    if (revision === 'auto') return { versionNegotiation: { mode: 'auto' } };
    if (revision === MODERN) return { versionNegotiation: { mode: { pin: MODERN } } };
    return { versionNegotiation: { mode: 'legacy' }, supportedProtocolVersions: [revision] };
}

async function connect(url, revision, complaints) {
    const transport = new StreamableHTTPClientTransport(new URL(url));
    const client = new Client({ name: 'drive-client', version: '1' }, negotiation(revision));
    let open = true;
    client.onerror = (error) => open && complaints.push(error.message);
    const logs = [];
    let logged = () => {};
    client.setNotificationHandler('notifications/message', ({ params }) => {
        logs.push(params.data);
        logged();
    });
    let changes = 0;
    let changed = () => {};
    client.setNotificationHandler('notifications/tools/list_changed', () => {
        changes += 1;
        changed();
    });
    await client.connect(transport);

    return {
        version: client.getNegotiatedProtocolVersion(),
        logs,
        onLog: (callback) => (logged = callback),
        changes: () => changes,
        onChange: (callback) => (changed = callback),
        async listen() {
            // A legacy client has opened its GET stream by itself.
            if (client.getNegotiatedProtocolVersion() === MODERN) await client.listen({ toolsListChanged: true });
        },
        setLogLevel: (level) => client.setLoggingLevel(level),
        async listTools() {
            const tools = [];
            let cursor;
            do {
                const page = await client.listTools(cursor ? { cursor } : undefined);
                tools.push(...page.tools);
                cursor = page.nextCursor;
            } while (cursor);
            return tools;
        },
        call: (name, args, { logLevel, ...options } = {}) =>
            client.callTool({ name, arguments: args, ...(logLevel && { _meta: { [LOG_LEVEL_META_KEY]: logLevel } }) }, options),
        async close() {
            await transport.terminateSession();
            open = false;
            await client.close();
        },
    };
}

await main(connect, [...LEGACY, MODERN, 'auto']);
