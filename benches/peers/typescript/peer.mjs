// What both lines of the TypeScript SDK have in common: the tools, the HTTP server, the command
// line.

import { createServer } from 'node:http';

// What `test_simple_text` answers in the official conformance suite.
const TEXT = 'This is a simple text response for testing.';
const LIMIT = 4 * 1024 * 1024;

export const tools = [
    { name: 'test_simple_text', description: 'A constant text', inputSchema: { type: 'object' } },
    {
        name: 'text',
        description: 'A text of so many bytes',
        inputSchema: { type: 'object', properties: { bytes: { type: 'integer', minimum: 0 } }, required: ['bytes'] },
    },
];

export function callTool({ params }) {
    switch (params.name) {
        case 'test_simple_text':
            return { content: [{ type: 'text', text: TEXT }] };
        case 'text':
            return { content: [{ type: 'text', text: 'x'.repeat(params.arguments.bytes) }] };
        default:
            throw new Error('no such tool');
    }
}

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/** Answer an error of HTTP itself. */
export function refuse(res, status, message) {
    const body = JSON.stringify({ jsonrpc: '2.0', error: { code: -32000, message }, id: null });
    res.writeHead(status, { 'content-type': 'application/json' }).end(body);
}

// The body is read and parsed here, as `express.json()` would: the SDK's own reading goes by way
// of a web stream, which costs more.
function withBody(req, res, handle) {
    const chunks = [];
    let size = 0;
    req.on('data', (chunk) => {
        size += chunk.length;
        if (size > LIMIT) {
            req.destroy();
            return;
        }
        chunks.push(chunk);
    });
    req.on('end', () => {
        let body;
        try {
            body = JSON.parse(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
        } catch {
            refuse(res, 400, 'Parse error');
            return;
        }
        handle(req, res, body);
    });
}

/** `json` or `sse`: how the peer answers. */
export const mode = process.argv[3] ?? 'json';
if (mode !== 'json' && mode !== 'sse') {
    throw new Error(`${mode} is no mode: json or sse`);
}

/** Serve with `handle(req, res, body)` until the standard input ends. */
export function serve(handle) {
    const address = process.argv[2];
    const colon = address.lastIndexOf(':');
    // Nagle's algorithm is off and connections are kept, by node's own defaults.
    const server = createServer({ keepAliveTimeout: 620_000 }, (req, res) => {
        if (!LOOPBACK.test(req.headers.host)) {
            refuse(res, 403, 'Invalid Host');
        } else if (req.method === 'POST') {
            withBody(req, res, handle);
        } else {
            handle(req, res, undefined);
        }
    });
    server.listen({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)), backlog: 4096 }, () => {
        const { address: host, port } = server.address();
        process.stdout.write(`${host}:${port}\n`);
    });
    process.stdin.on('end', () => process.exit(0)).resume();
}

/**
 * Sessions, a transport each. `open(transports)` gives a transport that adds itself to
 * `transports` when it is initialized, and leaves when it is closed.
 */
export function sessions(open) {
    const transports = new Map();
    return async (req, res, body) => {
        const id = req.headers['mcp-session-id'];
        let transport = transports.get(id);
        if (!transport) {
            if (id !== undefined) {
                refuse(res, 404, 'Session not found');
                return;
            }
            transport = await open(transports);
        }
        await transport.handleRequest(req, res, body);
    };
}
