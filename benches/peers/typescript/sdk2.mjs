// The TypeScript SDK 2.x, configured to be as quick and as small as it can be: 2026-07-28 without
// sessions, the revisions before it in sessions.
//
// `node sdk2.mjs ADDRESS [json|sse]`; it prints the address that it listens on, and serves until
// its standard input ends.

import { randomUUID } from 'node:crypto';
import { getRequestListener } from '@hono/node-server';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { createMcpHandler, Server } from '@modelcontextprotocol/server';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/server/validators/ajv';
import { callTool, mode, serve, sessions, tools } from './peer.mjs';

// Otherwise each server compiles a validator of its own.
const jsonSchemaValidator = new AjvJsonSchemaValidator();

// The low-level server: the arguments of a tool are not taken through a schema.
function server() {
    const server = new Server(
        { name: 'peer-typescript-2', version: '1.0.0' },
        { capabilities: { tools: {} }, jsonSchemaValidator },
    );
    server.setRequestHandler('tools/list', () => ({ tools }));
    server.setRequestHandler('tools/call', callTool);
    return server;
}

const handler = createMcpHandler(server, {
    legacy: 'reject',
    // `auto` is JSON unless a call speaks before it answers.
    responseMode: mode === 'json' ? 'auto' : 'sse',
    keepAliveMs: 0,
});

// The SDK's `toNodeHandler` builds a web request in full, its body made a string again; hono's
// listener, which its transport takes for the other revisions, builds what is asked for.
function modern(req, res, body) {
    const answer = (request) => handler.fetch(request, { parsedBody: body });
    return getRequestListener(answer, { overrideGlobalObjects: false })(req, res);
}

const legacy = sessions(async (transports) => {
    const transport = new NodeStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        enableJsonResponse: mode === 'json',
        onsessioninitialized: (id) => transports.set(id, transport),
        onsessionclosed: (id) => transports.delete(id),
    });
    await server().connect(transport);
    return transport;
});

// The header tells the eras apart. The SDK's `isLegacyRequest` would build a web request for it.
serve((req, res, body) => {
    const version = req.headers['mcp-protocol-version'];
    return version !== undefined && version >= '2026-07-28' ? modern(req, res, body) : legacy(req, res, body);
});
