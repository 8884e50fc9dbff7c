// The TypeScript SDK 1.x, configured to be as quick and as small as it can be: the revisions up to
// 2025-11-25, in sessions.
//
// `node sdk1.mjs ADDRESS [json|sse]`; it prints the address that it listens on, and serves until
// its standard input ends.

import { randomUUID } from 'node:crypto';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import { callTool, mode, serve, sessions, tools } from './peer.mjs';

// Otherwise each session compiles a validator of its own.
const jsonSchemaValidator = new AjvJsonSchemaValidator();

// The low-level server: the arguments of a tool are not taken through a zod schema.
function server() {
    const server = new Server(
        { name: 'peer-typescript-1', version: '1.0.0' },
        { capabilities: { tools: {} }, jsonSchemaValidator },
    );
    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools }));
    server.setRequestHandler(CallToolRequestSchema, callTool);
    return server;
}

serve(
    sessions(async (transports) => {
        const transport = new StreamableHTTPServerTransport({
            sessionIdGenerator: randomUUID,
            enableJsonResponse: mode === 'json',
            onsessioninitialized: (id) => transports.set(id, transport),
            onsessionclosed: (id) => transports.delete(id),
        });
        await server().connect(transport);
        return transport;
    }),
);
