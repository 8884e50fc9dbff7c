// Drives `@modelcontextprotocol/sdk` (1.x, the legacy revisions) against the
// example `everything`:
//
//     node drive_sdk.mjs --url http://127.0.0.1:PORT/mcp --revision REVISION
//
// The SDK has no option for the revision to offer: it offers the newest that
// it knows. So its `initialize` is changed on the way out; everything after
// the offer is the client's own code.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
    CreateMessageRequestSchema,
    ElicitRequestSchema,
    ListRootsRequestSchema,
    LoggingMessageNotificationSchema,
    PromptListChangedNotificationSchema,
    ResourceListChangedNotificationSchema,
    ResourceUpdatedNotificationSchema,
    ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { surfaceOf } from './client.mjs';
import { LEGACY, main } from './scenarios.mjs';

async function connect(url, revision, complaints, asked) {
    const transport = new StreamableHTTPClientTransport(new URL(url));
    const send = transport.send.bind(transport);
    transport.send = (message, options) => {
        if (message.method === 'initialize') {
            message = { ...message, params: { ...message.params, protocolVersion: revision } };
        }
        return send(message, options);
    };

    const client = new Client({ name: 'drive-sdk', version: '1' }, { capabilities: asked.capabilities });
    const requests = [
        [ElicitRequestSchema, asked.person],
        [CreateMessageRequestSchema, asked.model],
        [ListRootsRequestSchema, asked.roots],
    ];
    for (const [schema, answer] of requests) {
        if (answer) client.setRequestHandler(schema, ({ params }, { signal }) => answer(params, signal));
    }
    let open = true;
    client.onerror = (error) => open && complaints.push(error.message);
    const logs = [];
    let logged = () => {};
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
        logs.push(params.data);
        logged();
    });
    const surface = surfaceOf(client);
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => surface.changed('tools'));
    client.setNotificationHandler(PromptListChangedNotificationSchema, () => surface.changed('prompts'));
    client.setNotificationHandler(ResourceListChangedNotificationSchema, () => surface.changed('resources'));
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => surface.changed(`updated ${params.uri}`));
    await client.connect(transport);

    return {
        version: transport.protocolVersion,
        logs,
        onLog: (callback) => (logged = callback),
        ...surface,
        // It has opened its GET stream by itself.
        async listen(uris = []) {
            for (const uri of uris) await client.subscribeResource({ uri });
        },
        setLogLevel: (level) => client.setLoggingLevel(level),
        call: (name, args, { logLevel: _, ...options } = {}) => client.callTool({ name, arguments: args }, undefined, options),
        async close() {
            // `close` alone leaves the session behind; a refused DELETE throws.
            await transport.terminateSession();
            open = false;
            await client.close();
        },
    };
}

await main(connect, LEGACY);
