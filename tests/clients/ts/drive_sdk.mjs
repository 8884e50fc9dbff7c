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
import { LoggingMessageNotificationSchema, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { LEGACY, main } from './scenarios.mjs';

async function connect(url, revision, complaints) {
    const transport = new StreamableHTTPClientTransport(new URL(url));
    const send = transport.send.bind(transport);
    transport.send = (message, options) => {
        if (message.method === 'initialize') {
            message = { ...message, params: { ...message.params, protocolVersion: revision } };
        }
        return send(message, options);
    };

    const client = new Client({ name: 'drive-sdk', version: '1' });
    let open = true;
    client.onerror = (error) => open && complaints.push(error.message);
    const logs = [];
    let logged = () => {};
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
        logs.push(params.data);
        logged();
    });
    let changes = 0;
    let changed = () => {};
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
        changes += 1;
        changed();
    });
    await client.connect(transport);

    return {
        version: transport.protocolVersion,
        logs,
        onLog: (callback) => (logged = callback),
        changes: () => changes,
        onChange: (callback) => (changed = callback),
        async listen() {}, // it has opened its GET stream by itself
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
