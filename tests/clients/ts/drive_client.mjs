// Drives `@modelcontextprotocol/client` (2.x, both eras) against the example
// `everything`:
//
//     node drive_client.mjs --url http://127.0.0.1:PORT/mcp --revision REVISION
//
// `auto` lets the client find the era out; the others pin it.

import { isDeepStrictEqual } from 'node:util';

import { Client, LOG_LEVEL_META_KEY, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { surfaceOf } from './client.mjs';
import { LEGACY, MODERN, main } from './scenarios.mjs';

function negotiation(revision) {
    if (revision === 'auto') return { versionNegotiation: { mode: 'auto' } };
    if (revision === MODERN) return { versionNegotiation: { mode: { pin: MODERN } } };
    return { versionNegotiation: { mode: 'legacy' }, supportedProtocolVersions: [revision] };
}

async function connect(url, revision, complaints, asked) {
    const transport = new StreamableHTTPClientTransport(new URL(url));
    const client = new Client({ name: 'drive-client', version: '1' }, { ...negotiation(revision), capabilities: asked.capabilities });
    const requests = [
        ['elicitation/create', asked.person],
        ['sampling/createMessage', asked.model],
        ['roots/list', asked.roots],
    ];
    for (const [method, answer] of requests) {
        if (answer) client.setRequestHandler(method, ({ params }, { mcpReq }) => answer(params, mcpReq.signal));
    }
    let open = true;
    client.onerror = (error) => open && complaints.push(error.message);
    const logs = [];
    let logged = () => {};
    client.setNotificationHandler('notifications/message', ({ params }) => {
        logs.push(params.data);
        logged();
    });
    const surface = surfaceOf(client, { walksPages: true });
    for (const what of ['tools', 'prompts', 'resources']) {
        client.setNotificationHandler(`notifications/${what}/list_changed`, () => surface.changed(what));
    }
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => surface.changed(`updated ${params.uri}`));
    await client.connect(transport);

    return {
        version: client.getNegotiatedProtocolVersion(),
        logs,
        onLog: (callback) => (logged = callback),
        ...surface,
        async listen(uris = []) {
            if (client.getNegotiatedProtocolVersion() === MODERN) {
                const filter = {
                    toolsListChanged: true,
                    promptsListChanged: true,
                    resourcesListChanged: true,
                    ...(uris.length > 0 && { resourceSubscriptions: uris }),
                };
                const { honoredFilter } = await client.listen(filter);
                const same = isDeepStrictEqual(JSON.parse(JSON.stringify(honoredFilter)), filter);
                if (!same) throw new Error(`honoured ${JSON.stringify(honoredFilter)}`);
                return;
            }
            // A legacy client has opened its GET stream by itself.
            for (const uri of uris) await client.subscribeResource({ uri });
        },
        setLogLevel: (level) => client.setLoggingLevel(level),
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
